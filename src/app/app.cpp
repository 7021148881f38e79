#include "app/app.hpp"

#include "app/notify.hpp"
#include "app/redact.hpp"
#include "app/stack.hpp"
#include "base/text.hpp"
#include "config/secret_texts.hpp"

#include <algorithm>

namespace app {

using base::Error;
using base::ErrorKind;
using base::Result;

namespace {

engine::Settings settings_of(const Host& host, const config::Loaded& loaded) {
  const auto redactor = std::make_shared<const Redactor>(
      config::secret_texts(host.world.files, loaded, host.environment));
  return {loaded.stack,
          loaded.text,
          loaded.effective_digest,
          {.words = [redactor](std::string_view text) { return redactor->words(text); },
           .logs = [redactor](std::string_view text) { return redactor->text(text); }}};
}

world::Environment run_tags(const domain::Stack& stack, const std::string& operation,
                            const std::string& to) {
  world::Environment tags{{"BELAY_STACK", stack.name}};
  if (!operation.empty())
    tags.emplace_back("BELAY_OPERATION", operation);
  if (!to.empty())
    tags.emplace_back("BELAY_TO", to);
  return tags;
}

// belay.yaml may be broken, or gone, while an operation is in progress: what it froze is not.
Result<state::Folder> folder_of(const Host& host) {
  const auto loaded = load(host);
  const std::string path =
      loaded ? loaded.value().stack.state_folder : base::parent_of(host.config_path) + "/.belay";
  auto folder = state::Folder::open(host.world, path);
  if (!loaded &&
      (!folder || !folder.value().in_progress() || folder.value().in_progress().value().empty()))
    return loaded.error();
  return folder;
}

struct Frozen {
  state::Plan plan;
  config::Loaded loaded;
};

// The configuration that the operation in progress began with, whatever belay.yaml says by now.
Result<Frozen> frozen_operation(const Host& host, const state::Folder& folder) {
  const std::string id = TRY(folder.in_progress());
  if (id.empty())
    return Error{ErrorKind::not_found, "nothing is in progress", ""};
  Frozen frozen;
  frozen.plan = TRY(folder.plan_of(id));
  const std::string text = TRY(folder.config_text_of(id));
  frozen.loaded =
      TRY_CONTEXT(config::parse(host.world.files, text, host.config_path, host.environment),
                  "the configuration that operation " + id + " began with");
  if (frozen.loaded.effective_digest != frozen.plan.config_digest)
    return Error{ErrorKind::conflict,
                 "the configuration that operation " + id + " began with now means something else",
                 "A variable that it uses has another value than then. Set the environment (or the "
                 "env_file) as it was, then try again."};
  return frozen;
}

void warn_of_change(const Host& host, const Frozen& frozen) {
  const auto now = host.world.files.read(host.config_path);
  if (now && now.value() == frozen.loaded.text)
    return;
  world::Event event;
  event.kind = world::EventKind::warning;
  event.at = host.world.clock.now();
  event.operation = frozen.plan.operation;
  event.text =
      "belay.yaml has changed since the operation began: it goes on with what it began with";
  host.world.events.emit(event);
}

constexpr int notify_attempts = 3;

void tell_of_end(const Host& host, const domain::Stack& stack, const engine::Ended& ended,
                 const state::Plan& plan) {
  if (const auto notice = notice_of(ended, plan))
    notify(host, stack, *notice, notify_attempts);
}

template <class Act>
Result<Resumed> go_on(const Host& host, Act act) {
  auto folder = TRY(folder_of(host));
  const Frozen frozen = TRY(frozen_operation(host, folder));
  warn_of_change(host, frozen);
  const auto machinery = host.make(
      frozen.loaded.stack, run_tags(frozen.loaded.stack, frozen.plan.operation, frozen.plan.to));
  engine::Engine engine{host.world, settings_of(host, frozen.loaded), machinery->drivers(),
                        std::move(folder)};
  Resumed resumed{TRY(act(engine)), frozen.plan.kind};
  tell_of_end(host, frozen.loaded.stack, resumed.ended, frozen.plan);
  return resumed;
}

} // namespace

Result<config::Loaded> load(const Host& host) {
  return config::load(host.world.files, host.config_path, host.environment);
}

Result<state::Plan> plan_upgrade(const Host& host, const std::string& stack,
                                 const engine::UpgradeRequest& request) {
  const config::Loaded loaded = TRY(load(host));
  TRY(check_name(loaded, stack));
  auto folder = TRY(state::Folder::open(host.world, loaded.stack.state_folder));
  const auto machinery = host.make(loaded.stack, run_tags(loaded.stack, "", request.to));
  engine::Engine engine{host.world, settings_of(host, loaded), machinery->drivers(),
                        std::move(folder)};
  auto plan = TRY(engine.plan_upgrade(request));
  if (const auto secrets = config::check_secrets(host.world.files, loaded.stack, host.environment);
      !secrets)
    plan.blockers.push_back(secrets.error().message +
                            (secrets.error().hint.empty() ? "" : ". " + secrets.error().hint));
  plan.warnings.insert(plan.warnings.end(), loaded.warnings.begin(), loaded.warnings.end());
  return plan;
}

Result<state::Plan> plan_rollback(const Host& host, const std::string& stack,
                                  const engine::RollbackRequest& request) {
  const config::Loaded loaded = TRY(load(host));
  TRY(check_name(loaded, stack));
  auto folder = TRY(state::Folder::open(host.world, loaded.stack.state_folder));
  const auto machinery = host.make(loaded.stack, run_tags(loaded.stack, "", ""));
  engine::Engine engine{host.world, settings_of(host, loaded), machinery->drivers(),
                        std::move(folder)};
  return engine.plan_rollback(request);
}

Result<engine::Ended> apply(const Host& host, const state::Plan& plan,
                            const engine::RunOptions& options) {
  const config::Loaded loaded = TRY(load(host));
  TRY(check_name(loaded, plan.stack));
  auto folder = TRY(state::Folder::open(host.world, loaded.stack.state_folder));
  const auto machinery = host.make(loaded.stack, run_tags(loaded.stack, plan.operation, plan.to));
  engine::Engine engine{host.world, settings_of(host, loaded), machinery->drivers(),
                        std::move(folder)};
  engine::RunOptions told = options;
  told.on_begun = [&] {
    notify(host, loaded.stack, {"start", plan.stack, plan.operation, plan.to, ""}, 1);
  };
  auto ended = TRY(engine.apply(plan, told));
  tell_of_end(host, loaded.stack, ended, plan);
  return ended;
}

Result<Resumed> resume(const Host& host, const engine::RunOptions& options) {
  return go_on(host, [&](engine::Engine& engine) { return engine.resume(options); });
}

Result<std::optional<Resumed>> abort(const Host& host) {
  auto folder = TRY(folder_of(host));
  const std::string id = TRY(folder.in_progress());
  if (!id.empty() && TRY(folder.holder()).is_alive) {
    const auto seen = TRY(engine::view(host.world, folder, id));
    if (seen.plan.kind == state::OperationKind::upgrade && !seen.is_way_back) {
      TRY(folder.request(id, "abort"));
      return std::optional<Resumed>{};
    }
  }
  return std::optional{TRY(go_on(host, [](engine::Engine& engine) { return engine.abort(); }))};
}

Result<std::optional<Resumed>> commit(const Host& host, const std::string& stack) {
  auto folder = TRY(folder_of(host));
  if (!stack.empty())
    if (const auto loaded = load(host))
      TRY(check_name(loaded.value(), stack));
  const std::string id = TRY(folder.in_progress());
  if (id.empty())
    return Error{ErrorKind::not_found, "nothing is in progress", ""};
  const auto seen = TRY(engine::view(host.world, folder, id));
  if (seen.plan.kind != state::OperationKind::upgrade || seen.is_way_back)
    return Error{ErrorKind::failed,
                 "operation " + id + " is on its way back: there is nothing to accept",
                 "'belay resume' ends it."};
  TRY(folder.request(id, "commit"));
  if (TRY(folder.holder()).is_alive)
    return std::optional<Resumed>{};
  return std::optional{TRY(resume(host, {}))};
}

namespace {

ServiceStatus service_status(engine::Drivers drivers, const domain::ServiceSpec& service,
                             const std::optional<state::Generation>& generation,
                             bool is_in_progress) {
  ServiceStatus status;
  status.name = service.name;
  const domain::Release* recorded = nullptr;
  if (generation)
    for (const domain::Release& release : generation->releases)
      if (release.service == service.name)
        recorded = &release;
  if (recorded != nullptr)
    status.label = recorded->label;
  const auto observed = drivers.runtime.observe(service);
  if (!observed) {
    status.detail = observed.error().message;
    return status;
  }
  status.is_running = observed.value().is_running;
  const auto& process = observed.value().process;
  status.detail = observed.value().is_running
                      ? (process ? "pid " + std::to_string(process->pid) + " from " : "from ") +
                            observed.value().release_folder
                      : observed.value().detail;
  if (recorded != nullptr && status.is_running &&
      observed.value().release_folder != recorded->folder)
    status.drift.push_back("runs from " + observed.value().release_folder + ", committed was " +
                           recorded->folder);
  if (recorded != nullptr && !status.is_running)
    status.drift.emplace_back(is_in_progress // then resume or abort is the way, and is told
                                  ? "does not run"
                                  : "does not run; 'belay rollback --level restart' starts it");
  return status;
}

} // namespace

Result<Status> status(const Host& host) {
  const auto folder = TRY(folder_of(host));
  const std::string id = TRY(folder.in_progress());
  config::Loaded loaded;
  if (auto now = load(host))
    loaded = std::move(now).value();
  else
    loaded = TRY(frozen_operation(host, folder)).loaded;
  Status status;
  status.stack = loaded.stack.name;
  status.generation = TRY(folder.current_generation());
  const auto generation = TRY(folder.generation(status.generation));
  if (generation)
    status.label = generation->label;
  const auto machinery = host.make(loaded.stack, {});
  for (const auto& service : loaded.stack.services)
    status.services.push_back(
        service_status(machinery->drivers(), service, generation, !id.empty()));
  if (generation) {
    const auto now = TRY(state::capture_config(host.world.files, loaded.stack.config_files));
    for (const auto& file : now)
      if (std::ranges::find(generation->config, file.copy) == generation->config.end())
        status.drift.push_back(file.copy.path + " is not as it was committed");
  }
  for (const auto& store : loaded.stack.stores) {
    const auto seen = machinery->drivers().of(store.kind).ledgers(store, nullptr);
    if (seen && !seen.value().ledgers.empty())
      status.ledgers.push_back(store.name + ": " + domain::tell_ledgers(seen.value().ledgers));
  }
  if (!id.empty()) {
    status.operation = TRY(engine::view(host.world, folder, id));
    const auto holder = TRY(folder.holder());
    status.owner_is_alive = holder.is_alive;
    status.owner = holder.words;
  }
  const auto ids = TRY(folder.point_ids());
  const auto newest = std::find_if(ids.rbegin(), ids.rend(),
                                   [](const auto& each) { return each.starts_with("p-"); });
  if (newest != ids.rend())
    status.newest_point = *newest;
  return status;
}

Result<std::vector<state::RestorePoint>> points(const Host& host) {
  const auto folder = TRY(folder_of(host));
  std::vector<state::RestorePoint> all;
  for (const std::string& id : TRY(folder.point_ids()))
    all.push_back(TRY(folder.point(id)));
  return all;
}

Result<std::vector<engine::OperationView>> history(const Host& host) {
  const auto folder = TRY(folder_of(host));
  std::vector<engine::OperationView> all;
  for (const std::string& id : TRY(folder.operation_ids())) {
    auto seen = engine::view(host.world, folder, id);
    if (seen && !seen.value().steps.empty()) // else it never began
      all.push_back(std::move(seen).value());
    else if (!seen && seen.error().kind != ErrorKind::not_found)
      return std::move(seen).error();
  }
  return all;
}

namespace {

// Empty means the newest.
Result<std::string> operation_id(const state::Folder& folder, const std::string& operation) {
  if (!operation.empty())
    return operation;
  const auto ids = TRY(folder.operation_ids());
  if (ids.empty())
    return Error{ErrorKind::not_found, "there is no operation yet", ""};
  return ids.back();
}

} // namespace

Result<engine::OperationView> report(const Host& host, const std::string& operation) {
  const auto folder = TRY(folder_of(host));
  return engine::view(host.world, folder, TRY(operation_id(folder, operation)));
}

Result<engine::Replay> replay(const Host& host, const std::string& operation) {
  const auto folder = TRY(folder_of(host));
  return engine::replay(host.world, folder, TRY(operation_id(folder, operation)));
}

Result<engine::Recorded> record_history(const Host& host, world::Milliseconds duration) {
  const config::Loaded loaded = TRY(load(host));
  const auto folder = TRY(state::Folder::open(host.world, loaded.stack.state_folder));
  const auto machinery = host.make(loaded.stack, run_tags(loaded.stack, "", ""));
  return engine::record_history(host.world, loaded.stack, machinery->drivers().probe, folder,
                                duration);
}

Result<std::vector<std::string>> export_abandoned(const Host& host, const std::string& id,
                                                  const std::string& into) {
  const config::Loaded loaded = TRY(load(host));
  const auto folder = TRY(state::Folder::open(host.world, loaded.stack.state_folder));
  const auto set = TRY(folder.point(id));
  if (!set.is_abandoned())
    return Error{ErrorKind::invalid_input, "'" + id + "' is a restore point, not an abandoned set",
                 "List the abandoned sets with 'belay abandoned'."};
  if (TRY(host.world.files.info(into)))
    return Error{ErrorKind::conflict, "'" + into + "' exists",
                 "Name a folder that does not exist."};
  const auto machinery = host.make(loaded.stack, {});
  std::vector<std::string> folders;
  TRY(host.world.files.create_folders(into));
  for (const domain::Snapshot& snapshot : set.snapshots) {
    const auto spec =
        std::ranges::find(loaded.stack.stores, snapshot.store, &domain::StoreSpec::name);
    if (spec == loaded.stack.stores.end() ||
        std::ranges::find(set.given_up, snapshot.store) != set.given_up.end())
      continue;
    domain::Abandoned abandoned;
    abandoned.store = snapshot.store;
    abandoned.kept = snapshot.kept;
    const std::string target = into + "/" + snapshot.store;
    TRY_CONTEXT(machinery->drivers().of(spec->kind).export_written(*spec, abandoned, target),
                "store '" + snapshot.store + "'");
    folders.push_back(target);
  }
  return folders;
}

std::string in_progress(const Host& host) {
  const auto folder = folder_of(host);
  if (!folder)
    return "";
  auto id = folder.value().in_progress();
  return id ? id.value() : "";
}

std::string owner_at_work(const Host& host) {
  const auto folder = folder_of(host);
  if (!folder || in_progress(host).empty())
    return "";
  const auto holder = folder.value().holder();
  return holder && holder.value().is_alive ? holder.value().words : "";
}

} // namespace app
