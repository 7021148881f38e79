#include "cli/serve_command.hpp"

#include "api/agents.hpp"
#include "api/routes.hpp"
#include "app/km_settings.hpp"
#include "app/redact.hpp"
#include "base/text.hpp"
#include "cli/access_folder.hpp"
#include "cli/exit_status.hpp"
#include "cli/say.hpp"
#include "cli/stack_paths.hpp"
#include "serve/daemon.hpp"

#include <algorithm>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace cli {

using base::Error;
using base::ErrorKind;
using base::Result;
using nlohmann::json;

struct ServeCommand::Options {
  CLI::App* serve = nullptr;
  CLI::App* schedule = nullptr;
  std::vector<std::string> configs;
  std::string socket;
  std::vector<std::string> listen;
  unsigned parallel = 2;
  std::string metrics_prefix = "belay_";
  std::string log_format = "text";
  std::string access;
  std::string tls_certificate;
  std::string tls_key;
};

namespace {

// While a thread of the server waits it answers nobody.
constexpr auto access_patience = std::chrono::seconds{1};
// Who may do all of it; he needs few.
constexpr unsigned socket_connections_max = 512;
constexpr std::string_view plain = "http://";
constexpr std::string_view secure = "https://";

// "127.0.0.1:8970", "[::1]:8970", "https://0.0.0.0:8971".
Result<world::ListenSpec> listen_spec(const std::string& text) {
  std::string place = text;
  for (const std::string_view scheme : {plain, secure})
    if (place.starts_with(scheme))
      place.erase(0, scheme.size());
  const Error wrong{ErrorKind::invalid_input, "'" + text + "' is no address and port",
                    "Write 127.0.0.1:8970, [::1]:8970 or https://0.0.0.0:8971; port 0 takes a "
                    "free one."};
  const auto colon = place.rfind(':');
  if (colon == std::string::npos || colon + 1 == place.size() || place.size() - colon > 6 ||
      !std::ranges::all_of(place.substr(colon + 1), [](char c) { return c >= '0' && c <= '9'; }))
    return wrong;
  world::ListenSpec spec;
  spec.address = place.substr(0, colon);
  if (spec.address.starts_with('[') && spec.address.ends_with(']'))
    spec.address = spec.address.substr(1, spec.address.size() - 2);
  spec.port = std::stoi(place.substr(colon + 1));
  if (spec.port > 65'535)
    return wrong;
  if (!text.starts_with(secure) && !world::is_of_this_machine(spec))
    return Error{ErrorKind::invalid_input,
                 "'" + spec.address +
                     "' is not of this machine alone, and tokens would be seen on their way",
                 "Listen on https://" + place +
                     " with --tls-certificate and --tls-key, or on "
                     "127.0.0.1."};
  return spec;
}

// Those with TLS and those without it go into their lists.
Result<> take_listen(serve::DaemonOptions& how, const std::vector<std::string>& texts,
                     const std::string& certificate, const std::string& key,
                     const std::string& folder) {
  for (const std::string& text : texts)
    (text.starts_with(secure) ? how.listen_tls : how.listen).push_back(TRY(listen_spec(text)));
  if (how.listen_tls.empty() != certificate.empty())
    return certificate.empty()
               ? Error{ErrorKind::invalid_input, "https needs a certificate",
                       "Name it with --tls-certificate, and its key with --tls-key."}
               : Error{ErrorKind::invalid_input, "nothing listens that would show the certificate",
                       "Add --listen https://0.0.0.0:8971."};
  if (!certificate.empty())
    how.certificate =
        serve::CertificateFiles{.certificate = base::absolute_path(certificate, folder),
                                .key = base::absolute_path(key, folder)};
  return base::ok();
}

Result<std::string> default_socket(const app::Host& host, const Terminal& terminal) {
  if (terminal.machine->identity().uid == 0)
    return std::string{"/run/belay/belay.sock"};
  const auto found = host.environment.find("XDG_RUNTIME_DIR");
  if (found != host.environment.end() && found->second.starts_with('/'))
    return found->second + "/belay/belay.sock";
  return Error{ErrorKind::invalid_input, "there is no place for the socket",
               "Name one with --socket, or set XDG_RUNTIME_DIR."};
}

// With `is_alone_enough` there need not be any stack.
Result<std::vector<std::string>> served_paths(const app::Host& host, const Terminal& terminal,
                                              const std::vector<std::string>& names,
                                              bool is_alone_enough) {
  if (is_alone_enough && names.empty() && !TRY(host.world.files.info(host.config_path)))
    return std::vector<std::string>{};
  auto paths = config_paths(host, terminal, names);
  if (is_alone_enough && !paths && paths.error().kind == ErrorKind::not_found)
    for (const std::string& name : names) {
      const auto info = TRY(host.world.files.info(
          TRY(host.world.files.resolve(base::absolute_path(name, terminal.working_folder)))));
      if (!info || info->kind != world::EntryKind::folder)
        return paths; // a belay.yaml that was named is wanted
    }
  else
    return paths;
  return std::vector<std::string>{}; // folders without a stack
}

std::string row(const serve::RoutineView& routine) {
  const state::RoutineRecord& record = routine.record;
  const auto time = [](const std::optional<world::TimePoint>& at, const char* none) {
    return at ? base::format_time(*at).substr(0, 19) + "Z" : std::string{none};
  };
  std::string last =
      record.is_running() ? "runs since " + time(record.began, "")
      : record.ended ? std::string{state::name_of(record.outcome)} + " at " + time(record.ended, "")
                     : "never";
  if (record.failures > 1)
    last += " (" + std::to_string(record.failures) + " times in a row)";
  std::string text =
      record.name + std::string(record.name.size() < 10 ? 10 - record.name.size() : 1, ' ');
  text += (routine.when.empty() ? "after a backup" : routine.when) + "; next " +
          time(routine.next, "-") + "; last " + last;
  return base::printable(text + (record.detail.empty() ? "" : ": " + record.detail)) + "\n";
}

json routine_json(const std::string& stack, const serve::RoutineView& routine) {
  const state::RoutineRecord& record = routine.record;
  json line{{"event", "routine"},
            {"stack", stack},
            {"routine", record.name},
            {"when", routine.when},
            {"outcome", state::name_of(record.outcome)},
            {"detail", record.detail},
            {"is_running", record.is_running()},
            {"failures", record.failures},
            {"successes_all", record.successes_all},
            {"failures_all", record.failures_all},
            {"skipped_all", record.skipped_all}};
  const auto put = [&](const char* key, const std::optional<world::TimePoint>& at) {
    line[key] = at ? json(base::format_time(*at)) : json();
  };
  put("next", routine.next);
  put("began", record.began);
  put("ended", record.ended);
  put("last_success", record.last_success);
  return line;
}

// What is told ends in a journal, which others read: what looks like a secret is taken out.
serve::Tell teller(const app::Host& host, const Terminal& terminal, const std::string& format,
                   bool is_json) {
  const auto redactor = std::make_shared<const app::Redactor>(std::vector<std::string>{});
  return [&host, &terminal, format, is_json, redactor](const serve::Line& line) {
    const std::string at = base::format_time(host.world.clock.now());
    const std::string message = redactor->text(line.message);
    const std::string text = (line.stack.empty() ? "" : line.stack + ": ") + message;
    if (format == "json") {
      json object{{"time", at}, {"level", name_of(line.level)}, {"message", message}};
      if (!line.stack.empty())
        object["stack"] = line.stack;
      print(terminal, line_of(object));
    } else if (is_json) {
      print(terminal, line_of({{"event", "serve"}, {"at", at}, {"text", text}}));
    } else {
      print(terminal, at + " " + base::printable(text) + "\n");
    }
  };
}

// Without a place for tokens there are none: who comes over the UNIX socket needs no token.
Result<std::shared_ptr<admission::Guard>> make_guard(const app::Host& host,
                                                     const Terminal& terminal,
                                                     const std::string& given,
                                                     const serve::Tell& tell) {
  auto folder = access_folder(host, terminal, given);
  if (!folder && !given.empty())
    return folder.error();
  return std::make_shared<admission::Guard>(host.world, folder ? folder.value() : "",
                                            terminal.machine->identity().uid,
                                            [tell](const std::string& words) {
                                              tell({serve::Level::warning, "", words});
                                            });
}

// What the API takes from the access folder; without one there are neither tokens nor a log.
api::Site make_site(const app::Host& host, const Terminal& terminal, const std::string& given,
                    std::shared_ptr<admission::Guard> guard, const serve::Tell& tell) {
  api::Site site{host, own_program, std::move(guard), nullptr, nullptr};
  const auto folder = access_folder(host, terminal, given);
  if (!folder) {
    tell({serve::Level::warning, "",
          folder.error().message + ", nor for the audit log: who asks is not written down"});
    return site;
  }
  site.audit = std::make_shared<admission::AuditLog>(host.world, folder.value(), access_patience);
  site.tokens = std::make_shared<admission::Tokens>(host.world, folder.value(), access_patience);
  return site;
}

// Health and metrics tell of every stack.
std::optional<world::ServedResponse> refusal(admission::Guard& guard,
                                             const world::ServedRequest& request) {
  const auto who = guard.who(request);
  if (const auto* refused = std::get_if<admission::Refused>(&who))
    return api::problem_of(*refused);
  if (std::get<admission::Caller>(who).stacks.empty())
    return std::nullopt;
  return api::problem(403, "this page tells of every stack, and the token is for some");
}

} // namespace

ServeCommand::~ServeCommand() = default;

ServeCommand::ServeCommand(CLI::App& root) : options_{std::make_unique<Options>()} {
  CLI::App* serve = root.add_subcommand(
      "serve", "stay, take restore points when they are due, and tell who asks how it went");
  options_->serve = serve;
  serve->fallthrough();
  serve->footer(
      "It ends what a crash left before anything else. It answers /healthz, /health/live,\n"
      "/health/ready, /health/startup, /metrics and /v1, and agents at /mcp, over TCP to who has\n"
      "a token.\n"
      "With KM_BACKUP_ENABLED=true it archives KM_STATE_PATH by the clock, as the KM_BACKUP_...\n"
      "variables say; then there need not be any belay.yaml.\n"
      "Examples:\n"
      "  belay serve\n"
      "  belay serve /etc/belay/stacks.d --listen 127.0.0.1:8970");
  serve->add_option("CONFIG", options_->configs,
                    "a belay.yaml each, or a folder of them; that of --config if left out");
  serve->add_option("--socket", options_->socket,
                    "UNIX socket; /run/belay/belay.sock if left out, or below XDG_RUNTIME_DIR");
  serve
      ->add_option("--listen", options_->listen,
                   "also on 127.0.0.1:8970, or with TLS on https://0.0.0.0:8971; may be given "
                   "several times")
      ->allow_extra_args(false);
  CLI::Option* certificate =
      serve->add_option("--tls-certificate", options_->tls_certificate,
                        "of https: PEM, with those that signed it; looked at again every five "
                        "seconds");
  CLI::Option* key =
      serve->add_option("--tls-key", options_->tls_key, "its key: PEM, without a password");
  certificate->needs(key);
  key->needs(certificate);
  serve->add_option("--parallel", options_->parallel, "so many at once, of all stacks")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  serve->add_option("--metrics-prefix", options_->metrics_prefix, "before the name of each metric")
      ->capture_default_str();
  serve
      ->add_option("--log-format", options_->log_format,
                   "of what it prints: text, or json: one object a line, with time, level, stack "
                   "and message")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  serve->add_option("--access", options_->access,
                    "folder of the tokens that are let in over TCP; as of 'belay token'");
  CLI::App* schedule =
      root.add_subcommand("schedule", "what 'belay serve' does when, and how it went last");
  options_->schedule = schedule;
  schedule->fallthrough();
  schedule->footer("It reads what is remembered, whether 'belay serve' runs or not.\n"
                   "Examples:\n  belay schedule\n  belay schedule --json");
}

std::optional<int> ServeCommand::run(const app::Host& host, const Terminal& terminal,
                                     bool is_json) const {
  if (options_->schedule->parsed()) {
    const auto view = serve::remembered(host);
    if (!view)
      return fail(terminal, view.error(), status_of(view.error(), false), is_json);
    for (const serve::RoutineView& routine : view.value().routines)
      print(terminal, is_json ? line_of(routine_json(view.value().stack, routine)) : row(routine));
    if (!is_json && !view.value().has_schedule)
      print(terminal, "nothing is scheduled: add `backup: { schedule: \"0 2 * * *\" }` to "
                      "belay.yaml\n");
    return exit_done;
  }
  if (!options_->serve->parsed())
    return std::nullopt;
  const auto serve = [&]() -> Result<> {
    const auto is_enabled = TRY(app::km_is_enabled(host.environment));
    std::optional<app::KmSettings> archives;
    if (is_enabled) // what is wrong is told also before it counts
      archives = TRY(app::km_settings(host.environment, terminal.working_folder));
    if (!is_enabled || !*is_enabled)
      archives.reset();
    const bool is_said = is_enabled && host.environment.contains("KM_BACKUP_ENABLED");
    const serve::Tell tell = teller(host, terminal, options_->log_format, is_json);
    const auto guard = TRY(make_guard(host, terminal, options_->access, tell));
    const api::Site site = make_site(host, terminal, options_->access, guard, tell);
    serve::DaemonOptions how{
        .config_paths = TRY(served_paths(host, terminal, options_->configs, is_said)),
        .has_archives = is_enabled.has_value(),
        .archives = archives,
        .listen = {},
        .listen_tls = {},
        .certificate = {},
        .parallel_max = options_->parallel,
        .metrics_prefix = options_->metrics_prefix,
        .program = own_program,
        .version = terminal.version,
        .api = [site, agents = std::make_shared<api::Agents>(site)](
                   const world::ServedRequest& request, serve::Board board) {
          return request.path == api::agents_path ? agents->answer(std::move(board), request)
                                                  : api::answer(site, std::move(board), request);
        }};
    const std::string socket = options_->socket.empty()
                                   ? TRY(default_socket(host, terminal))
                                   : base::absolute_path(options_->socket, terminal.working_folder);
    TRY(host.world.files.create_folders(base::parent_of(socket)));
    how.listen.push_back(
        {.socket_path = socket, .address = {}, .connections_max = socket_connections_max});
    TRY(take_listen(how, options_->listen, options_->tls_certificate, options_->tls_key,
                    terminal.working_folder));
    how.refuses = [guard](const world::ServedRequest& request) { return refusal(*guard, request); };
    how.supervisor = terminal.supervisor;
    serve::Daemon daemon{host, *terminal.http_server, std::move(how), tell};
    return daemon.run();
  };
  const auto served = serve();
  if (!served && options_->log_format == "json")
    teller(host, terminal, "json", is_json)({serve::Level::error, "", served.error().message});
  return served ? exit_done
                : fail(terminal, served.error(), status_of(served.error(), false), is_json);
}

} // namespace cli
