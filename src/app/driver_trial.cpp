#include "app/driver_trial.hpp"

#include "app/trial.hpp"
#include "base/text.hpp"

#include <nlohmann/json.hpp>

namespace app {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using world::Milliseconds;

namespace {

constexpr int kills = 5; // of one request, spread over the time that it takes

std::string with_hint(const Error& error) {
  return error.message + (error.hint.empty() ? "" : ". " + error.hint);
}

// Something to work on: two releases with a program `run`, and a folder `data`.
Result<> furnish(world::World world, const std::string& scratch,
                 const std::vector<std::string>& labels) {
  for (const std::string& label : labels) {
    const std::string folder = scratch + "/dist/" + label;
    TRY(world.files.create_folders(folder));
    TRY(world.files.replace(folder + "/run",
                            "#!/bin/sh\necho 'release " + label + " begins'\nexec sleep 86400\n",
                            0755));
    TRY(world.files.replace(folder + "/version", label + "\n", 0644));
  }
  TRY(world.files.create_folders(scratch + "/data/below"));
  TRY(world.files.replace(scratch + "/data/below/a name with 'blanks' and \"quotes\"", "1\n"));
  return world.files.replace(scratch + "/data/rows", "the first row\n");
}

} // namespace

Error broken(const std::string& what) {
  return {ErrorKind::failed, what, ""};
}

Trial::Trial(const Host& host, const TrialOptions& options, std::string scratch, Tell tell)
    : host_{host}, options_{options}, scratch_{std::move(scratch)},
      name_{"trial-" + host.world.random.hex(8)}, tell_{std::move(tell)} {}

void Trial::promise(const std::string& text, const std::function<Result<>()>& attempt) {
  if (is_over_)
    return;
  const auto result = attempt();
  Promise promise{text, static_cast<bool>(result), result ? "" : with_hint(result.error())};
  ++(promise.is_kept ? tried_.kept : tried_.broken);
  is_over_ = !result && (result.error().kind == ErrorKind::unknown_outcome ||
                         result.error().kind == ErrorKind::interrupted);
  tell_(promise);
}

domain::ServiceSpec Trial::service(Milliseconds kill_after) const {
  domain::ServiceSpec service;
  service.name = name_;
  service.runtime = domain::RuntimeKind::exec;
  service.driver = spec(kill_after).driver;
  return service;
}

domain::StoreSpec Trial::spec(Milliseconds kill_after) const {
  domain::StoreSpec spec;
  spec.name = name_;
  spec.kind = domain::StoreKind::exec;
  spec.driver.timeout = options_.timeout;
  if (kill_after.count() > 0) {
    const std::string fraction = std::to_string(1000 + kill_after.count() % 1000).substr(1);
    spec.driver.argv = {"timeout", "-s", "KILL",
                        std::to_string(kill_after.count() / 1000) + "." + fraction};
  }
  spec.driver.argv.insert(spec.driver.argv.end(), options_.argv.begin(), options_.argv.end());
  return spec;
}

domain::Stack Trial::stack(Milliseconds kill_after) const {
  domain::Stack stack;
  stack.name = "trial";
  stack.project_folder = options_.folder;
  stack.state_folder = scratch_ + "/.belay";
  stack.services = {service(kill_after)};
  stack.stores = {spec(kill_after)};
  return stack;
}

std::unique_ptr<Machinery> Trial::machinery(Milliseconds kill_after) const {
  return host_.make(stack(kill_after), {});
}

Result<world::Output> Trial::raw(const std::string& request, int protocol) {
  world::Command command;
  command.argv = options_.argv;
  command.argv.push_back(request);
  command.working_folder = options_.folder;
  const std::string folder = scratch_ + "/raw";
  TRY(host_.world.files.create_folders(folder));
  command.environment = {{"BELAY_PROTOCOL", std::to_string(protocol)},
                         {"BELAY_REQUEST", request},
                         {"BELAY_STACK", "trial"},
                         {"BELAY_NAME", name_},
                         {"BELAY_PROJECT", options_.folder},
                         {"BELAY_FOLDER", folder},
                         {"BELAY_TIMEOUT_MS", std::to_string(options_.timeout.count())}};
  command.input = nlohmann::json{{"protocol", protocol},
                                 {"request", request},
                                 {"stack", "trial"},
                                 {"name", name_},
                                 {"project", options_.folder},
                                 {"folder", folder},
                                 {"timeout_ms", options_.timeout.count()}}
                      .dump() +
                  "\n";
  command.timeout = options_.timeout;
  return host_.world.processes.run(command);
}

Result<> Trial::refuses(const std::string& request, int protocol) {
  if (TRY(raw(request, protocol)).exit_code == 0)
    return broken("it ended with exit status 0");
  return ok();
}

std::vector<Milliseconds> Trial::moments(const std::function<Result<>()>& whole, Result<>& result) {
  const auto begun = host_.world.clock.monotonic();
  result = whole();
  const auto took = host_.world.clock.monotonic() - begun;
  std::vector<Milliseconds> all;
  for (int n = 1; n <= kills; ++n)
    all.push_back(std::max(Milliseconds{1}, took * n / (kills + 1)));
  return all;
}

void Trial::common() {
  promise("describes itself", [&]() -> Result<> {
    const auto output = TRY(raw("describe", 1));
    const auto answer = nlohmann::json::parse(output.out, nullptr, false);
    const auto kind = answer.is_object() ? answer.find("kind") : answer.end();
    const bool has_form = output.exit_code == 0 && answer.is_object() &&
                          answer.value("protocol", nlohmann::json{}) == 1 && kind != answer.end() &&
                          (*kind == "runtime" || *kind == "store");
    if (!has_form) {
      is_over_ = true;
      return broken("it must answer 'describe' with a JSON object that holds \"protocol\": 1 and "
                    "\"kind\": \"runtime\" or \"store\". Exit status " +
                    std::to_string(output.exit_code) +
                    ", it says: " + base::printable((output.out + output.err).substr(0, 200)));
    }
    const bool is_other = !options_.kind.empty() && options_.kind != kind->get<std::string>();
    options_.kind = kind->get<std::string>();
    is_over_ = is_other;
    return is_other ? Result<>{broken("it is a driver for a " + options_.kind)} : ok();
  });
  const bool had_ended = is_over_;
  promise("answers an unknown request with an error",
          [&] { return refuses("no_such_request", 1); });
  promise("refuses a request of another protocol", [&] { return refuses("describe", 99); });
  is_over_ = is_over_ || had_ended;
}

Result<Tried> try_driver(const Host& host, const TrialOptions& asked,
                         const std::function<void(const Promise&)>& tell) {
  TrialOptions options = asked;
  if (!options.labels.empty() && options.labels.size() != 2)
    return Error{ErrorKind::invalid_input, "a trial needs two releases",
                 "Name two: --release 1.0 --release 2.0."};
  if (options.change.empty() != options.look.empty())
    return Error{ErrorKind::invalid_input, "one of --change and --look is missing",
                 "Name both: what changes the data, and what prints it."};
  if (options.labels.empty())
    options.labels = {"1.0", "2.0"};
  const auto found = host.environment.find("TMPDIR");
  const std::string scratch =
      base::absolute_path(found == host.environment.end() ? "/tmp" : found->second, "/") +
      "/belay-trial-" + host.world.random.hex(8);
  TRY(host.world.files.create_folders(scratch));
  if (options.folder.empty()) {
    TRY(furnish(host.world, scratch, options.labels));
    options.folder = scratch;
  }
  Trial trial{host, options, scratch, tell};
  trial.common();
  if (!trial.is_over())
    trial.kind() == "runtime" ? trial.runtime() : trial.store();
  Tried tried = trial.tried();
  if (tried.broken > 0)
    tried.scratch = scratch;
  else
    TRY(host.world.trees.remove(scratch));
  return tried;
}

} // namespace app
