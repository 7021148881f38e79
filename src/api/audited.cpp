#include "api/audited.hpp"

#include "base/text.hpp"

namespace api {

using admission::AuditRecord;
using base::Error;
using base::ErrorKind;
using world::ServedResponse;

namespace {

std::vector<std::string> arguments_of(const Asked& asked) {
  std::vector<std::string> all;
  for (const auto& [name, value] : asked.path)
    all.push_back(name + "=" + value);
  for (const auto& member : asked.body.items())
    all.push_back(member.key() + "=" +
                  (member.value().is_string()
                       ? member.value().get<std::string>()
                       : base::join(member.value().get<std::vector<std::string>>(), ",")));
  return all;
}

} // namespace

base::Result<AuditRecord> write_begin(admission::AuditLog& audit, AuditRecord record) {
  auto begun = audit.append(std::move(record));
  if (!begun)
    return Error{ErrorKind::unavailable,
                 "nothing was begun: the audit log cannot be written: " + begun.error().message,
                 "Make room for it, or type it on this machine: what is typed needs no log."};
  return begun;
}

// A beginning without it says that nobody waited for the answer, or that we died.
void write_end(admission::AuditLog& audit, const AuditRecord& begun, int status) {
  AuditRecord end{.is_end = true, .who = begun.who, .over = begun.over, .what = begun.what};
  end.begun = begun.number;
  end.status = status;
  const auto written = audit.append(std::move(end));
  static_cast<void>(written); // it was done, and is answered
}

Handled run_audited(const Asked& asked, const Route& route) {
  const auto audit = asked.site.audit;
  const bool changes =
      route.role != admission::Role::look && std::string_view{route.method} != "GET";
  if (!changes || !audit)
    return route.run(asked);
  const auto begun = write_begin(*audit, {.who = asked.caller.name,
                                          .over = asked.over,
                                          .what = route.id,
                                          .arguments = arguments_of(asked)});
  if (!begun && route.is_done_unwritten)
    return route.run(asked);
  if (!begun)
    return begun.error();
  auto answered = route.run(asked);
  if (!answered) {
    write_end(*audit, begun.value(), problem_of(answered.error()).status);
    return answered;
  }
  if (!answered.value().later) {
    write_end(*audit, begun.value(), answered.value().status);
    return answered;
  }
  ServedResponse answer;
  answer.later = [later = std::move(answered.value().later), audit,
                  begun = begun.value()]() -> std::optional<ServedResponse> {
    auto ready = later();
    if (ready)
      write_end(*audit, begun, ready->status);
    return ready;
  };
  return answer;
}

} // namespace api
