#include "config/build.hpp"

#include "base/text.hpp"
#include "config/scalars.hpp"
#include "domain/migration.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace config {
namespace {

bool has_to(const std::vector<std::string>& words) {
  return std::ranges::any_of(words, [](const std::string& word) { return word.contains("{to}"); });
}

domain::ReleaseSource build_release(const Building& building, const Value& section,
                                    const std::string& path) {
  domain::ReleaseSource source;
  std::string key;
  bool names_target = false;
  if (const Value* command = section.find("command")) {
    key = "command";
    source.kind = domain::ReleaseSourceKind::command;
    source.command = project_command(command->words, building.stack.project_folder);
    source.timeout = section.at("timeout").duration;
    names_target = has_to(command->words);
  } else if (const Value* archive = section.find("archive")) {
    key = "archive";
    source.kind = domain::ReleaseSourceKind::archive;
    source.path = archive->text;
    source.checksums = section.text_or_empty("checksums");
    source.sha256 = section.text_or_empty("sha256");
    names_target = source.path.contains("{to}");
    if (source.checksums.empty() == source.sha256.empty())
      building.problems.add(archive->mark,
                            quoted(path) + (source.sha256.empty()
                                                ? " has an archive without a digest"
                                                : " has both 'sha256' and 'checksums'"),
                            "Give exactly one of sha256 and checksums.");
  } else {
    key = "directory";
    source.path = section.at("directory").text;
    names_target = source.path.contains("{to}");
  }
  if (!names_target)
    building.problems.add(section.at(key).mark, quoted(path + "." + key) + " does not hold '{to}'",
                          "Put {to} where the release is named, or every upgrade is the same.");
  return source;
}

} // namespace

std::vector<domain::EnvironmentEntry> build_environment(const Value& section) {
  std::vector<domain::EnvironmentEntry> entries;
  for (const auto& [name, value] : section.members) {
    if (value.is_reference)
      entries.push_back({name, secret_of(value.text)});
    else
      entries.push_back({name, value.text});
  }
  return entries;
}

namespace {

domain::DriverSpec build_driver(const Building& building, const Value& section) {
  return {.argv = project_command(section.at("driver").words, building.stack.project_folder),
          .environment = build_environment(section.at("env")),
          .timeout = section.at("timeout").duration};
}

// The unit has its own idea of most of it; only what a drop-in can say goes beside it.
void build_unit(const Building& building, const Value& section, domain::ServiceSpec& service) {
  const std::string path = "services." + service.name;
  const Value* exec_start = section.find("exec_start");
  service.runtime = domain::RuntimeKind::systemd;
  service.unit = section.at("unit").text;
  if (exec_start != nullptr)
    service.run = exec_start->words;
  if (section.at("working_folder").is_given) // else the unit's own, not the release folder
    service.working_folder = section.at("working_folder").text;
  for (const char* key : {"working_folder", "env"})
    if (const Value& value = section.at(key); value.is_given && exec_start == nullptr)
      building.problems.add(value.mark,
                            quoted(path + "." + key) + " has no meaning without 'exec_start'",
                            "Without it belay changes nothing in the unit: say it there.");
  for (const auto& [name, value] : section.at("env").members)
    if (value.is_reference)
      building.problems.add(value.mark,
                            quoted(path + ".env." + name) + " would put a secret into a unit, "
                                                            "which everybody can read",
                            "Use EnvironmentFile= or LoadCredential= in the unit.");
  const Value& stop = section.at("stop");
  if (stop.at("signal").is_given)
    building.problems.add(stop.at("signal").mark,
                          quoted(path + ".stop.signal") + " has no meaning beside 'unit'",
                          "Say KillSignal= in the unit.");
  // systemd's own KILL comes after 90 s: ours is for what outlives that.
  if (!stop.at("timeout").is_given)
    service.stop.timeout = world::Milliseconds{100'000};
}

bool is_container_name(const std::string& name) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !name.empty() && is_letter(name.front()) && std::ranges::all_of(name, [&](char c) {
    return is_letter(c) || c == '_' || c == '.' || c == '-';
  });
}

// How it runs is said where it was made; belay.yaml says what changes.
void build_container(const Building& building, const Value& section, domain::ServiceSpec& service) {
  const std::string path = "services." + service.name;
  const Value* compose = section.find("compose");
  const Value& named = compose != nullptr ? *compose : section.at("container");
  const char* key = compose != nullptr ? "compose" : "container";
  service.runtime = compose != nullptr ? domain::RuntimeKind::compose : domain::RuntimeKind::docker;
  (compose != nullptr ? service.compose_service : service.container) = named.text;
  service.releases_folder = section.at("releases").text;
  service.environment = build_environment(section.at("env"));
  if (!is_container_name(named.text))
    building.problems.add(named.mark,
                          quoted(named.text) + " is not the name of a " + key + " service",
                          compose != nullptr ? "'docker compose config --services' lists them."
                                             : "'docker ps --format {{.Names}}' lists them.");
  const Value* image = section.find("image");
  if (image == nullptr && compose == nullptr)
    building.problems.add(named.mark, quoted(path + ".image") + " is missing",
                          "The image of a release, as shop/web:{to}.");
  if (image != nullptr) {
    service.image = image->text;
    if (!service.image.contains("{to}"))
      building.problems.add(image->mark, quoted(path + ".image") + " does not hold '{to}'",
                            "Put {to} where the release is named, or every upgrade is the same.");
  }
  const Value& stop = section.at("stop");
  if (stop.at("signal").is_given)
    building.problems.add(stop.at("signal").mark,
                          quoted(path + ".stop.signal") + " has no meaning beside '" + key + "'",
                          "Say it where the container is made: --stop-signal, stop_signal.");
  service.stop.timeout =
      stop.at("timeout").is_given ? stop.at("timeout").duration : world::Milliseconds{0};
}

// What compose makes of the name of a folder.
std::string project_name(const std::string& folder) {
  std::string name;
  for (const char c : base::name_of_path(folder)) {
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if ((lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') || lower == '-' ||
        lower == '_')
      name += lower;
  }
  return name;
}

domain::ComposeSpec build_compose(const Building& building, const Value& section) {
  domain::ComposeSpec compose;
  compose.files = section.at("files").words;
  compose.project = section.text_or_empty("project");
  compose.env_file = section.text_or_empty("env_file");
  if (const Value* profiles = section.find("profiles"))
    compose.profiles = profiles->words;
  if (compose.project.empty())
    compose.project = project_name(building.stack.project_folder);
  else if (project_name(compose.project) != compose.project)
    building.problems.add(section.at("project").mark,
                          quoted(compose.project) + " is not the name of a compose project",
                          "It is of a-z, 0-9, '-' and '_': 'docker compose ls' lists them.");
  for (const auto& [name, service] : building.root.at("services").members)
    if (const Value* named = service.find("compose"); named != nullptr && compose.files.empty()) {
      building.problems.add(named->mark,
                            "'compose.files' is missing, which service " + quoted(name) + " is of",
                            "Name them at the top: compose: { files: [docker-compose.yml] }.");
      break;
    }
  return compose;
}

domain::ServiceSpec build_service(const Building& building, const std::string& name,
                                  const Value& section) {
  domain::ServiceSpec service;
  service.name = name;
  service.ready = build_ready(building, section.at("ready"), name);
  if (section.find("driver") != nullptr) {
    service.runtime = domain::RuntimeKind::exec;
    service.driver = build_driver(building, section);
    return service;
  }
  if (section.find("container") != nullptr || section.find("compose") != nullptr) {
    build_container(building, section, service);
    return service;
  }
  service.release = build_release(building, section.at("release"), "services." + name + ".release");
  service.releases_folder = section.at("releases").text;
  if (const Value* run = section.find("run"))
    service.run = run->words;
  const std::string working_folder = section.at("working_folder").text;
  service.working_folder = working_folder == "{release}" ? "" : working_folder;
  service.environment = build_environment(section.at("env"));
  service.log_path = section.text_or_empty("log");
  service.stop.signal = section.at("stop").at("signal").text;
  service.stop.timeout = section.at("stop").at("timeout").duration;
  if (section.find("unit") != nullptr)
    build_unit(building, section, service);
  return service;
}

// As compose tells them apart: a name, or a path.
void build_volume(const Building& building, const Value& volume, domain::StoreSpec& store) {
  store.kind = domain::StoreKind::volume;
  if (volume.text.starts_with('/') || volume.text.starts_with("./") ||
      volume.text.starts_with("../"))
    store.path = base::absolute_path(volume.text, building.stack.project_folder);
  else if (is_container_name(volume.text))
    store.volume = volume.text;
  else
    building.problems.add(volume.mark, quoted(volume.text) + " is no volume",
                          "Give the name of a volume ('docker volume ls' lists them), or a folder "
                          "that begins with '/' or './'.");
}

domain::StoreSpec build_store(const Building& building, const std::string& name,
                              const Value& section) {
  domain::StoreSpec store;
  store.name = name;
  if (section.find("driver") != nullptr) {
    store.kind = domain::StoreKind::exec;
    store.driver = build_driver(building, section);
    return store;
  }
  if (const Value* file = section.find("sqlite")) {
    store.kind = domain::StoreKind::sqlite;
    store.path = file->text;
    store.ledger = section.text_or_empty("ledger");
    return store;
  }
  if (const Value* postgres = section.find("postgres")) {
    store.kind = domain::StoreKind::postgres;
    store.postgres = build_postgres(building, name, *postgres);
    store.ledger = section.text_or_empty("ledger");
    if (const Value* data = postgres->find("data")) {
      store.path = data->text;
      if (const Value* ledger = section.find("ledger"))
        building.problems.add(ledger->mark, "a store with 'postgres.data' has no 'ledger'",
                              "Its server is stopped when belay decides.");
    }
    return store;
  }
  if (const Value* redis = section.find("redis")) {
    build_volume(building, redis->at("data"), store);
    store.kind = domain::StoreKind::redis;
    store.redis = build_redis(building, *redis);
    return store;
  }
  if (const Value* volume = section.find("volume")) {
    build_volume(building, *volume, store);
  } else {
    store.path = section.at("directory").text;
  }
  store.exclude = section.at("exclude").words;
  store.layout = section.at("layout").words;
  return store;
}

domain::CommandSpec build_command(const Building& building, const Value& item) {
  return {.argv = project_command(item.at("run").words, building.stack.project_folder),
          .timeout = item.at("timeout").duration};
}

// The store of a folder of SQL: the one that is named, or the only one there is.
std::string sql_store(const Building& building, const Value& item, const std::string& path) {
  std::vector<std::string> databases;
  for (const domain::StoreSpec& store : building.stack.stores)
    if (store.kind == domain::StoreKind::sqlite ||
        (store.kind == domain::StoreKind::postgres && store.path.empty()))
      databases.push_back(store.name);
  const Value* named = item.find("store");
  if (named == nullptr && databases.size() == 1)
    return databases.front();
  if (named != nullptr && std::ranges::find(databases, named->text) != databases.end())
    return named->text;
  building.problems.add(named == nullptr ? item.at("sql").mark : named->mark,
                        named == nullptr ? quoted(path) + " does not say which store it is for"
                                         : quoted(named->text) + " is no database",
                        databases.empty()
                            ? "SQL files are for a store with `sqlite:` or `postgres:`."
                            : "Databases are " + base::join(databases, ", ") +
                                  ": name one with `store:`.");
  return "";
}

// A table as it is written without quotes: "_schema_migrations", "shop.applied".
bool is_table(std::string_view text) {
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  const auto parts = base::split(text, '.');
  return !text.empty() && parts.size() <= 2 &&
         std::ranges::all_of(parts, [&](const std::string& part) {
           return !part.empty() && part.size() <= 63 && std::ranges::all_of(part, is_word);
         });
}

void check_ledger(const Building& building, const Value& ledger, const std::string& store,
                  const std::string& path) {
  for (const domain::StoreSpec& each : building.stack.stores)
    if (each.name == store && each.kind != domain::StoreKind::postgres)
      building.problems.add(ledger.mark, quoted(path + ".ledger") + " is for PostgreSQL only",
                            "In an SQLite database belay keeps the table belay_migrations.");
  if (!is_table(ledger.text))
    building.problems.add(ledger.mark, quoted(path + ".ledger") + " is no name of a table",
                          "Write it as the server has it: '_schema_migrations' or 'shop.applied'.");
}

domain::MigrationSpec build_migration(const Building& building, const Value& item,
                                      const std::string& path) {
  domain::MigrationSpec migration;
  if (const Value* words = item.find("run"))
    migration.command.argv = project_command(words->words, building.stack.project_folder);
  migration.command.timeout = item.at("timeout").duration;
  if (const Value* folder = item.find("sql")) {
    migration.folder = folder->text;
    migration.store = sql_store(building, item, path);
  }
  if (const Value* ledger = item.find("ledger")) {
    migration.ledger = ledger->text;
    check_ledger(building, *ledger, migration.store, path);
  }
  for (const auto kind : {domain::MigrationClass::expand, domain::MigrationClass::contract})
    if (item.at("class").text == domain::name_of(kind))
      migration.kind = kind;
  migration.is_compatible = item.at("compatible").truth;
  if (migration.is_compatible && migration.kind == domain::MigrationClass::contract)
    building.problems.add(item.at("compatible").mark,
                          quoted(path) + " takes something away (contract), and is compatible",
                          "Say one of them: the release before misses what was taken away.");
  return migration;
}

void build_hooks(const Building& building, const Value& section) {
  using domain::HookPoint;
  constexpr std::array points{std::pair{"pre_check", HookPoint::pre_check},
                              std::pair{"pre_quiesce", HookPoint::pre_quiesce},
                              std::pair{"post_secure", HookPoint::post_secure},
                              std::pair{"post_start", HookPoint::post_start},
                              std::pair{"post_ready", HookPoint::post_ready},
                              std::pair{"pre_rollback", HookPoint::pre_rollback},
                              std::pair{"post_rollback", HookPoint::post_rollback}};
  for (const auto& [key, point] : points)
    for (const Value& item : section.at(key).items)
      building.stack.hooks.push_back({point, build_command(building, item)});
}

domain::UpgradePolicy build_upgrade(const Building& building, const Value& section) {
  domain::UpgradePolicy policy;
  int place = 0;
  for (const Value& item : section.at("migrate").items)
    policy.migrate.push_back(
        build_migration(building, item, "upgrade.migrate[" + std::to_string(place++) + "]"));
  if (const std::string& rehearse = section.at("rehearse").text; rehearse != "auto")
    policy.rehearse =
        rehearse == "always" ? domain::RehearsePolicy::always : domain::RehearsePolicy::never;
  int number = 0;
  for (const Value& item : section.at("smoke").items)
    policy.smoke.push_back(
        build_smoke(building, item, "upgrade.smoke[" + std::to_string(number++) + "]"));
  policy.watch = section.at("watch").duration;
  policy.watch_every = section.at("watch_every").duration;
  if (policy.watch.count() > 0 && policy.watch_every > policy.watch)
    building.problems.add(section.at("watch_every").mark,
                          "'upgrade.watch_every' is longer than 'upgrade.watch'",
                          "Nothing would be measured: shorten it, or leave it out.");
  return policy;
}

// Names by which triggers, reports and readings tell probes and rules apart.
void check_names(const Building& building) {
  const auto unique = [&](std::map<std::string, Mark>& seen, const Value& item) {
    const Value& name = item.at("name");
    if (const auto [at, is_new] = seen.emplace(name.text, name.mark); !is_new)
      building.problems.add(name.mark, "the name " + quoted(name.text) + " is used twice",
                            "It is also in line " + std::to_string(at->second.line) +
                                ": give each its own.");
  };
  std::map<std::string, Mark> probes;
  for (const Value& item : building.root.at("checks").items)
    unique(probes, item);
  for (const Value& item : building.root.at("upgrade").at("smoke").items)
    unique(probes, item);
  std::map<std::string, Mark> triggers;
  for (const Value& item : building.root.at("triggers").items)
    unique(triggers, item);
}

} // namespace

void Building::warn(Mark mark, const std::string& text) const {
  warnings.push_back(problems.place(mark) + ": " + base::printable(text));
}

std::vector<std::string> project_command(const std::vector<std::string>& words,
                                         const std::string& project_folder) {
  std::vector<std::string> command = words;
  if (command[0].contains('/') && !command[0].starts_with('{'))
    command[0] = base::absolute_path(command[0], project_folder);
  return command;
}

domain::SecretRef secret_of(std::string_view reference) {
  if (reference.starts_with("file:"))
    return {domain::SecretRef::Kind::file, std::string{reference.substr(5)}};
  CHECK(reference.starts_with("env:"));
  return {domain::SecretRef::Kind::environment, std::string{reference.substr(4)}};
}

Built build(const Value& root, const std::string& project_folder, Problems& problems) {
  Built built;
  domain::Stack& stack = built.stack;
  const Building building{root, stack, problems, built.warnings};
  stack.name = root.at("stack").text;
  stack.project_folder = project_folder;
  stack.state_folder = root.at("state").text;
  stack.docker_socket = root.at("docker_socket").text;
  stack.compose = build_compose(building, root.at("compose"));
  for (const auto& [name, section] : root.at("services").members)
    stack.services.push_back(build_service(building, name, section));
  for (const auto& [name, section] : root.at("stores").members)
    stack.stores.push_back(build_store(building, name, section));
  stack.config_files = root.at("config_files").words;
  int number = 0;
  for (const Value& item : root.at("checks").items)
    stack.checks.push_back(build_check(building, item, "checks[" + std::to_string(number++) + "]"));
  stack.upgrade = build_upgrade(building, root.at("upgrade"));
  build_hooks(building, root.at("hooks"));
  check_names(building);
  stack.upgrade.judge = build_judge(building);
  build_triggers(building);
  for (const Value& item : root.at("notify").items)
    stack.notify.push_back(build_notify(building, item));
  stack.preflight = build_preflight(building, root.at("preflight"));
  const Value& keep = root.at("keep");
  stack.keep.points_min = static_cast<int>(keep.at("points").number);
  stack.keep.abandoned_min = static_cast<int>(keep.at("abandoned").number);
  stack.keep.releases_min = static_cast<int>(keep.at("releases").number);
  if (const Value* repository = root.find("repository"))
    stack.repository = build_repository(building, *repository);
  if (const Value* backup = root.find("backup"))
    stack.backup = build_backup(building, *backup);
  check_places(building);
  check_placeholders(building);
  return built;
}

} // namespace config
