#include "app/notify.hpp"

#include "base/text.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace app {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using domain::NoticeKind;
using domain::NotifySpec;

namespace {

std::string words_for(const std::string& event) {
  if (event == "start")
    return "begins";
  if (event == "success")
    return "is done and accepted";
  if (event == "rolled_back")
    return "went back to what ran before, verified";
  if (event == "needs_operator")
    return "NEEDS YOU: it stopped, everything is kept";
  if (event == "paused")
    return "is paused";
  return "failed, and nothing was changed";
}

std::string text_of(const Notice& notice) {
  const std::string what = notice.to.empty() ? "the rollback" : "the upgrade to " + notice.to;
  return notice.stack + ": " + what + " " + words_for(notice.event) +
         (notice.why.empty() ? "" : ": " + base::printable(notice.why));
}

Result<> tell_by_command(const Host& host, const domain::Stack& stack, const NotifySpec& spec,
                         const Notice& notice) {
  world::Command command;
  command.argv = spec.argv;
  command.working_folder = stack.project_folder;
  command.timeout = spec.timeout;
  command.environment = {{"BELAY_EVENT", notice.event},         {"BELAY_TEXT", text_of(notice)},
                         {"BELAY_STACK", notice.stack},         {"BELAY_TO", notice.to},
                         {"BELAY_OPERATION", notice.operation}, {"BELAY_WHY", notice.why}};
  const auto output = TRY(host.world.processes.run(command));
  if (output.exit_code == 0)
    return ok();
  return Error{ErrorKind::failed, "exit status " + std::to_string(output.exit_code), ""};
}

Result<> tell_by_webhook(const Host& host, const NotifySpec& spec, const Notice& notice) {
  world::HttpRequest request;
  request.method = "POST";
  request.url = spec.url;
  request.timeout = spec.timeout;
  request.headers = {{"Content-Type", "application/json"}};
  if (spec.bearer)
    request.headers.emplace_back(
        "Authorization",
        "Bearer " + TRY(config::read_secret(host.world.files, *spec.bearer, host.environment)));
  const nlohmann::json body = {{"event", notice.event},         {"text", text_of(notice)},
                               {"stack", notice.stack},         {"to", notice.to},
                               {"operation", notice.operation}, {"why", notice.why}};
  request.body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  const auto response = TRY(host.world.http.exchange(request));
  if (response.status >= 200 && response.status < 300)
    return ok();
  return Error{ErrorKind::failed, "status " + std::to_string(response.status), ""};
}

// A header is one line of ASCII; the body is UTF-8 as it is, each line ended for the wire.
Result<> tell_by_mail(const Host& host, const NotifySpec& spec, const Notice& notice) {
  world::Mail mail;
  mail.server = spec.url;
  mail.user = spec.user;
  if (spec.password)
    mail.password = TRY(config::read_secret(host.world.files, *spec.password, host.environment));
  mail.from = spec.from;
  mail.to = spec.to;
  mail.timeout = spec.timeout;
  std::string body;
  for (const std::string& line : base::split(text_of(notice), '\n'))
    body += line + "\r\n";
  mail.text = "From: <" + spec.from + ">\r\nTo: <" + base::join(spec.to, ">, <") +
              ">\r\nSubject: belay: " + notice.stack + ": " + notice.event + "\r\nMessage-ID: <" +
              notice.operation + "." + notice.event + "@belay>\r\n" +
              "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
              "Content-Transfer-Encoding: 8bit\r\n\r\n" +
              body + "\r\nOperation " + notice.operation + ". More: belay report " +
              notice.operation + "\r\n";
  return host.world.http.send(mail);
}

Result<> tell(const Host& host, const domain::Stack& stack, const NotifySpec& spec,
              const Notice& notice) {
  switch (spec.kind) {
  case NoticeKind::command: return tell_by_command(host, stack, spec, notice);
  case NoticeKind::webhook: return tell_by_webhook(host, spec, notice);
  case NoticeKind::mail: return tell_by_mail(host, spec, notice);
  }
  return ok();
}

// The path of a webhook is often the secret itself.
std::string name_of(const NotifySpec& spec) {
  if (spec.kind == NoticeKind::command)
    return "'" + spec.argv[0] + "'";
  const auto host = spec.url.find("://");
  return "'" + spec.url.substr(0, spec.url.find('/', host + 3)) + "'";
}

} // namespace

void notify(const Host& host, const domain::Stack& stack, const Notice& notice, int attempts) {
  for (const NotifySpec& spec : stack.notify) {
    if (!spec.on.empty() && std::ranges::find(spec.on, notice.event) == spec.on.end())
      continue;
    auto told = tell(host, stack, spec, notice);
    for (int attempt = 1; !told && attempt < attempts; ++attempt) {
      host.world.clock.sleep_for(world::Milliseconds{attempt == 1 ? 1000 : 3000});
      told = tell(host, stack, spec, notice);
    }
    if (told)
      continue;
    world::Event event;
    event.kind = world::EventKind::warning;
    event.at = host.world.clock.now();
    event.operation = notice.operation;
    event.text = base::printable(name_of(spec) + " could not be told of '" + notice.event +
                                 "': " + told.error().message);
    host.world.events.emit(event);
  }
}

std::optional<Notice> notice_of(const engine::Ended& ended, const state::Plan& plan) {
  using engine::Ending;
  Notice notice{"", plan.stack, ended.operation, plan.to, ended.why};
  switch (ended.ending) {
  case Ending::committed: notice.event = "success"; break;
  case Ending::rolled_back: notice.event = "rolled_back"; break;
  case Ending::needs_operator: notice.event = "needs_operator"; break;
  case Ending::paused: notice.event = "paused"; break;
  case Ending::unchanged:
  case Ending::blocked: notice.event = "failed"; break;
  case Ending::interrupted: return std::nullopt;
  }
  return notice;
}

} // namespace app
