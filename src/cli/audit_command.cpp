#include "cli/audit_command.hpp"

#include "admission/audit.hpp"
#include "base/text.hpp"
#include "cli/access_folder.hpp"
#include "cli/exit_status.hpp"
#include "cli/say.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace cli {

using admission::AuditHead;
using admission::AuditLog;
using admission::AuditRecord;
using base::Error;
using base::ErrorKind;
using base::Result;

struct AuditCommand::Options {
  CLI::App* audit = nullptr;
  std::string access;
  std::string since;
  std::string head;
  bool is_verify = false;
};

namespace {

std::string audit_row(const AuditRecord& record) {
  std::string text = std::to_string(record.number) + " " +
                     base::format_time(record.at).substr(0, 19) + "Z " + record.who + " (" +
                     record.over + "): " + record.what;
  if (record.is_end)
    text += ": " + std::to_string(record.begun) + " ended with " + std::to_string(record.status);
  else
    text += record.arguments.empty() ? "" : " " + base::join(record.arguments, " ");
  return base::printable(text) + "\n";
}

// The log of another user's daemon is in another folder.
void say_nothing_in(const Terminal& terminal, const std::string& folder) {
  std::fprintf(terminal.err, "nothing is written down in '%s'\n", base::printable(folder).c_str());
}

// "2h" ago, or a time.
Result<world::TimePoint> since_of(const std::string& text, world::TimePoint now) {
  if (const auto ago = base::parse_duration(text))
    return now - ago.value();
  if (const auto at = base::parse_time(text))
    return at.value();
  return Error{ErrorKind::invalid_input, "'" + text + "' is no time",
               "Write 2h or 7d, or a time as 2026-11-22T05:00:00.000Z."};
}

} // namespace

AuditCommand::~AuditCommand() = default;

AuditCommand::AuditCommand(CLI::App& root) : options_{std::make_unique<Options>()} {
  Options& options = *options_;
  options.audit = root.add_subcommand(
      "audit", "who asked 'belay serve' for what, and who made and revoked its tokens");
  options.audit->fallthrough();
  options.audit->footer(
      "A chain does not show what was taken off its end: keep the head that --verify prints where\n"
      "nobody of this machine can change it, and give it back with --head.\n"
      "Examples:\n  belay audit --since 7d\n  belay audit --verify\n"
      "  belay audit --verify --head "
      "12:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
  options.audit->add_option("--since", options.since, "only since then: 2h or 7d ago, or a time");
  CLI::Option* verify = options.audit->add_flag("--verify", options.is_verify,
                                                "whether every record follows from the one before");
  options.audit->add_option("--head", options.head, "one that an earlier --verify printed")
      ->needs(verify);
  options.audit->add_option("--access", options.access,
                            "folder of the log; as of 'belay token' if left out");
}

Result<> AuditCommand::show(const app::Host& host, const Terminal& terminal, bool is_json) const {
  std::optional<world::TimePoint> since;
  if (!options_->since.empty())
    since = TRY(since_of(options_->since, host.world.clock.now()));
  const std::string folder = TRY(access_folder(host, terminal, options_->access));
  const AuditLog log{host.world, folder};
  const admission::AuditRead read = TRY(log.read([&](const AuditRecord& record, const AuditHead&) {
    if (!since || record.at >= *since)
      print(terminal, is_json ? line_of(admission::shown(record)) : audit_row(record));
  }));
  if (read.head.number == 0 && !is_json)
    say_nothing_in(terminal, folder);
  return base::ok();
}

Result<> AuditCommand::verify(const app::Host& host, const Terminal& terminal, bool is_json) const {
  std::optional<AuditHead> kept;
  if (!options_->head.empty() && !(kept = admission::head_named(options_->head)))
    return Error{ErrorKind::invalid_input, "'" + options_->head + "' is no head",
                 "Write it as 'belay audit --verify' printed it."};
  const std::string folder = TRY(access_folder(host, terminal, options_->access));
  const AuditLog log{host.world, folder};
  const admission::AuditRead read = TRY(log.verify(kept));
  const std::string head = words_of(read.head);
  if (is_json)
    return print(terminal, line_of({{"event", "audit_verified"},
                                    {"records", read.head.number},
                                    {"head", head},
                                    {"has_torn_end", read.has_torn_end}})),
           base::ok();
  print(terminal, base::plural(read.head.number, "record follows", "records follow") +
                      " from the one before\nhead " + head + "\n");
  if (read.has_torn_end)
    print(terminal, "a record at the end was not written whole: nothing of it was begun\n");
  if (read.head.number == 0)
    say_nothing_in(terminal, folder);
  return base::ok();
}

std::optional<int> AuditCommand::run(const app::Host& host, const Terminal& terminal,
                                     bool is_json) const {
  if (!options_->audit->parsed())
    return std::nullopt;
  const auto done =
      options_->is_verify ? verify(host, terminal, is_json) : show(host, terminal, is_json);
  return done ? exit_done : fail(terminal, done.error(), status_of(done.error(), false), is_json);
}

} // namespace cli
