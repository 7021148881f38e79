#include "scenario.hpp"

#include "base/text.hpp"
#include "drivers/directory/store.hpp"
#include "drivers/probe/probe.hpp"
#include "drivers/process/runtime.hpp"
#include "drivers/sqlite/store.hpp"
#include "engine/history.hpp"
#include "engine/judging.hpp"

#include <algorithm>
#include <cstdio>
#include <set>

namespace scenario {

using base::Error;
using base::ErrorKind;
using base::Result;
using engine::Ended;
using engine::Ending;

namespace {

constexpr const char* project = "/home/shop";
constexpr const char* files_path = "/srv/files";
constexpr const char* database_path = "/srv/db/app.db";
constexpr const char* sql_path = "/dist/sql";

const char* program_of(Kind kind) {
  switch (kind) {
  case Kind::upgrade_good:
  case Kind::upgrade_stubborn: return "#!sim version=2 refuses_newer";
  case Kind::rollback_later:
  case Kind::upgrade_migrates: return "#!sim version=2 refuses_newer migrates";
  case Kind::upgrade_sql: return "#!sim version=2 refuses_newer never_ready";
  case Kind::upgrade_not_ready: return "#!sim version=2 migrates never_ready";
  case Kind::upgrade_damages: return "#!sim version=2 refuses_newer damages";
  case Kind::upgrade_backlog: return "#!sim version=2 refuses_newer migrates queue=5";
  case Kind::upgrade_dies: return "#!sim version=2 refuses_newer migrates dies_after=4000";
  }
  return "";
}

domain::ServiceSpec service(const std::string& name, int port, std::vector<std::string> arguments) {
  domain::ServiceSpec spec;
  spec.name = name;
  spec.release = {.kind = domain::ReleaseSourceKind::folder, .path = "/dist/" + name + "-{to}"};
  spec.releases_folder = std::string{project} + "/releases/" + name;
  spec.run = {"./app", "--port", std::to_string(port)};
  spec.run.insert(spec.run.end(), arguments.begin(), arguments.end());
  spec.log_path = std::string{project} + "/.belay/log/" + name;
  spec.stop.timeout = world::Milliseconds{2000};
  spec.ready.probe.name = name + ".ready";
  spec.ready.probe.kind = domain::ProbeKind::http;
  spec.ready.probe.service = name;
  spec.ready.probe.url = "http://127.0.0.1:" + std::to_string(port) + "/health";
  spec.ready.probe.json = {{"status", "\"ok\""}};
  spec.ready.within = world::Milliseconds{3000};
  spec.ready.every = world::Milliseconds{500};
  spec.ready.consecutive = 2;
  return spec;
}

domain::ProbeSpec smoke(const std::string& name, int port) {
  domain::ProbeSpec probe;
  probe.name = name;
  probe.kind = domain::ProbeKind::http;
  probe.url = "http://127.0.0.1:" + std::to_string(port) + "/smoke";
  return probe;
}

domain::CheckSpec queue() {
  domain::CheckSpec check;
  check.probe = smoke("queue", 8002);
  check.probe.value = "queue";
  return check;
}

domain::JudgePolicy judge() {
  domain::JudgePolicy policy;
  policy.probes = {smoke("web-smoke", 8001)};
  policy.every = world::Milliseconds{2000};
  policy.baseline = world::Milliseconds{3000};
  policy.warm_up = world::Milliseconds{1000};
  return policy;
}

engine::Settings settings() {
  engine::Settings all;
  all.stack.name = "shop";
  all.stack.project_folder = project;
  all.stack.state_folder = std::string{project} + "/.belay";
  all.stack.services = {service("web", 8001, {"--data", files_path}),
                        service("api", 8002, {"--db", database_path})};
  all.stack.stores = {{.name = "files", .path = files_path, .layout = {"layout"}},
                      {.name = "db", .kind = domain::StoreKind::sqlite, .path = database_path}};
  all.stack.config_files = {std::string{project} + "/app.conf"};
  all.stack.upgrade.smoke = {smoke("web-smoke", 8001), smoke("api-smoke", 8002)};
  all.stack.checks = {queue()};
  all.stack.triggers = {{.name = "backlog",
                         .probe = "queue",
                         .growth = 4,
                         .growth_percent = 50,
                         .lasting = world::Milliseconds{2000}}};
  all.stack.upgrade.watch = world::Milliseconds{6000};
  all.stack.upgrade.watch_every = world::Milliseconds{1000};
  all.stack.hooks = {{domain::HookPoint::pre_quiesce, {.argv = {"hook", "before"}}},
                     {domain::HookPoint::post_secure, {.argv = {"hook", "secured"}}},
                     {domain::HookPoint::pre_rollback, {.argv = {"false"}}}};
  all.text = "stack: shop\n";
  all.digest = "settings";
  return all;
}

Error no_secrets() {
  return {ErrorKind::not_found, "no secrets here", ""};
}

} // namespace

const char* name_of(Kind kind) {
  constexpr std::array names{"upgrade_good",     "upgrade_migrates", "upgrade_not_ready",
                             "upgrade_damages",  "upgrade_dies",     "upgrade_backlog",
                             "upgrade_stubborn", "upgrade_sql",      "rollback_later"};
  return names.at(static_cast<std::size_t>(kind));
}

struct Scenario::Parts {
  Kind kind = Kind::upgrade_good;
  std::shared_ptr<const engine::Settings> settled; // shared by all copies of a machine
  const engine::Settings& frozen = *settled;
  sim::SimWorld world;
  bool power_was_cut = false;
  // What the operations before the one under test have left, by id: told once, at the start.
  std::shared_ptr<const std::map<std::string, std::string>> told =
      std::make_shared<const std::map<std::string, std::string>>();

  explicit Parts(std::shared_ptr<const engine::Settings> all) : settled{std::move(all)} {}

  std::string traces_of(const std::string& id) const {
    std::string all;
    for (const auto& [path, node] :
         world.host.disk.below(frozen.stack.state_folder + "/operations/" + id))
      all += path + "\n" + node->content + "\n";
    return all;
  }

  // What is abandoned is read once the service runs again, or the operation says that it failed.
  bool was_read(const state::RestorePoint& set) const {
    return std::ranges::all_of(set.snapshots, &domain::Snapshot::is_secured) ||
           traces_of(set.operation).contains("what was abandoned could not be read");
  }

  // What a point claims to keep is there: an abandoned set too.
  std::string lying_point() {
    const auto folder = state::Folder::open(world.ports(), frozen.stack.state_folder);
    const auto ids = folder ? folder.value().point_ids()
                            : Result<std::vector<std::string>>{std::vector<std::string>{}};
    for (const std::string& id : ids ? ids.value() : std::vector<std::string>{}) {
      const auto point = folder.value().point(id);
      if (!point)
        return "point " + id + " cannot be read";
      for (const auto& snapshot : point.value().snapshots)
        if (std::ranges::find(point.value().given_up, snapshot.store) ==
                point.value().given_up.end() &&
            world.host.disk.find(snapshot.kept) == nullptr)
          return "point " + id + " claims to keep " + snapshot.kept;
      if (!was_read(point.value()))
        return "what " + id + " keeps was never read";
    }
    return "";
  }

  // The journal of an operation that is over tells it whole, to its end.
  std::string untold_operation() {
    const auto folder = state::Folder::open(world.ports(), frozen.stack.state_folder);
    const auto ids = folder ? folder.value().operation_ids()
                            : Result<std::vector<std::string>>{std::vector<std::string>{}};
    for (const std::string& id : ids ? ids.value() : std::vector<std::string>{}) {
      const sim::Node* journal = world.host.disk.find(folder.value().journal_path(id));
      if (journal == nullptr)
        continue; // died before its first record
      if (const auto before = told->find(id);
          before != told->end() && before->second == traces_of(id))
        continue;
      const auto view = engine::view(world.ports(), folder.value(), id);
      if (!view)
        return "the journal of " + id + " cannot be told: " + view.error().message;
      if (!view.value().has_ended)
        return "the journal of " + id + " has no end";
      if (const std::string what = untold_verdicts(folder.value(), id, *journal); !what.empty())
        return what;
      if (!journal->content.ends_with('\n'))
        return "the journal of " + id + " ends with half a record";
    }
    return "";
  }

  // What the journal says of the ledger is what stands in the store.
  std::string untold_ledger(const std::string& operation, std::size_t applied) {
    const auto folder = state::Folder::open(world.ports(), frozen.stack.state_folder);
    const auto view = engine::view(world.ports(), folder.value(), operation);
    if (!view)
      return "the journal of " + operation + " cannot be told: " + view.error().message;
    const auto said = std::to_string(applied) + " applied";
    for (const engine::LedgerFact& fact : view.value().ledgers)
      if (fact.store == "db" && fact.after.contains(said))
        return "";
    return applied == 0 ? "" : "the journal does not say that the ledger has " + said;
  }

  // Nothing can be replayed where nothing was judged: no readings, and no record that names them.
  std::string untold_verdicts(const state::Folder& folder, const std::string& id,
                              const sim::Node& journal) {
    if (world.host.disk.find(engine::readings_path(folder, id)) == nullptr &&
        !journal.content.contains("\"readings\""))
      return "";
    const auto replay = engine::replay(world.ports(), folder, id);
    if (!replay && replay.error().kind != ErrorKind::not_found)
      return "the verdicts of " + id + " cannot be told: " + replay.error().message;
    if (replay && !std::ranges::all_of(replay.value().verdicts, &engine::Replayed::is_as_recorded))
      return "a verdict of " + id + " does not follow from its readings";
    return "";
  }

  // One life of belay: everything is built anew, as after a real crash.
  template <class Act>
  Result<Ended> live(Act act) {
    const world::World ports = world.ports();
    const auto no_secret = [](const domain::SecretRef&) -> Result<std::string> {
      return no_secrets();
    };
    drivers::process::Runtime runtime{
        ports, frozen.stack.name, frozen.stack.project_folder, frozen.stack.state_folder, no_secret,
        {}};
    const auto lookup = [this](const std::string& name) -> const domain::ServiceSpec* {
      const auto found = std::ranges::find(frozen.stack.services, name, &domain::ServiceSpec::name);
      return found == frozen.stack.services.end() ? nullptr : &*found;
    };
    drivers::probe::Probe probe{ports, runtime, lookup, no_secret, project, {}};
    drivers::directory::Store directory{ports};
    drivers::sqlite::Store sqlite{ports};
    auto folder = TRY(state::Folder::open(ports, frozen.stack.state_folder));
    engine::Engine one{ports, frozen, {runtime, probe, directory, sqlite}, std::move(folder)};
    return act(one);
  }

  Result<Ended> upgrade(const std::string& to) {
    return live([&](engine::Engine& one) -> Result<Ended> {
      const auto plan = TRY(one.plan_upgrade({.to = to}));
      if (!plan.blockers.empty())
        return Ended{Ending::blocked, plan.operation, base::join(plan.blockers, "; "), ""};
      return one.apply(plan, {});
    });
  }
};

Scenario::~Scenario() = default;

Scenario::Scenario(Kind kind, std::uint64_t seed) {
  engine::Settings all = settings();
  if (kind == Kind::upgrade_migrates)
    all.stack.upgrade.judge = judge();
  if (kind == Kind::upgrade_migrates || kind == Kind::upgrade_sql)
    all.stack.upgrade.migrate = {{.folder = std::string{sql_path} + "-{to}", .store = "db"}};
  parts_ = std::make_unique<Parts>(std::make_shared<const engine::Settings>(std::move(all)));
  parts_->kind = kind;
  sim::Host& host = parts_->world.host;
  if (kind == Kind::upgrade_migrates || kind == Kind::upgrade_sql) {
    host.disk.write(std::string{sql_path} + "-2/1_add.sql", "-- belay: expand\nsim add;\n");
    host.disk.write(std::string{sql_path} + "-2/2_fill.sql", "sim fill;\n");
    host.disk.write(std::string{sql_path} + "-1/none", "");
  }
  host.random.seed(seed);
  const char* first = kind == Kind::upgrade_stubborn ? "#!sim version=1 refuses_newer ignores_term"
                                                     : "#!sim version=1 refuses_newer";
  for (const char* name : {"web", "api"}) {
    host.disk.write(std::string{"/dist/"} + name + "-1/app", first, 0755);
    host.disk.write(std::string{"/dist/"} + name + "-2/app", program_of(kind), 0755);
  }
  host.disk.write(std::string{files_path} + "/writes", "");
  host.disk.write(std::string{files_path} + "/layout", "1");
  host.disk.write(database_path, "sqlite layout=1\n");
  host.disk.write(std::string{project} + "/app.conf", "colour=1\n", 0640);
  const auto committed = parts_->upgrade("1");
  CHECK(committed && committed.value().ending == Ending::committed);
  if (kind == Kind::rollback_later) {
    const auto second = parts_->upgrade("2");
    CHECK(second && second.value().ending == Ending::committed);
  }
  host.disk.find(std::string{project} + "/app.conf")->content = "colour=2\n"; // comes with 2
  CHECK(parts_->untold_operation().empty());
  std::map<std::string, std::string> told;
  for (const std::string& id : host.disk.children(std::string{project} + "/.belay/operations"))
    told[id] = parts_->traces_of(id);
  parts_->told = std::make_shared<const std::map<std::string, std::string>>(std::move(told));
}

std::unique_ptr<Scenario> Scenario::clone() const {
  auto copy = std::unique_ptr<Scenario>{new Scenario};
  copy->parts_ = std::make_unique<Parts>(parts_->settled);
  copy->parts_->kind = parts_->kind;
  copy->parts_->told = parts_->told;
  copy->parts_->world.host = parts_->world.host;
  copy->parts_->world.host.at_effect = nullptr;
  copy->parts_->power_was_cut = parts_->power_was_cut;
  return copy;
}

std::unique_ptr<Scenario> Scenario::clone_crashed(bool with_power_cut) const {
  auto copy = clone();
  copy->parts_->world.host.crash(with_power_cut);
  copy->parts_->power_was_cut |= with_power_cut;
  return copy;
}

sim::SimWorld& Scenario::world() {
  return parts_->world;
}

Result<Ended> Scenario::begin() {
  if (parts_->kind != Kind::rollback_later)
    return parts_->upgrade("2");
  return parts_->live([](engine::Engine& one) -> Result<Ended> {
    return one.apply(TRY(one.plan_rollback({})), {});
  });
}

Result<Ended> Scenario::resume() {
  return parts_->live([](engine::Engine& one) { return one.resume({}); });
}

void Scenario::print_journal() const {
  const auto& disk = parts_->world.host.disk;
  const std::string operations = std::string{project} + "/.belay/operations";
  const auto ids = disk.children(operations);
  const sim::Node* journal =
      ids.empty() ? nullptr : disk.find(operations + "/" + ids.back() + "/journal");
  std::printf("%s", journal == nullptr ? "no journal\n" : journal->content.c_str());
}

void Scenario::note_power_cut() {
  parts_->power_was_cut = true;
}

bool Scenario::is_in_progress() {
  return parts_->world.host.disk.find(std::string{project} + "/.belay/in-progress") != nullptr;
}

namespace {

// The names of the migrations that the live database says were applied.
std::vector<std::string> ledger_of(const sim::Host& host) {
  std::vector<std::string> names;
  const sim::Node* node = host.disk.find(database_path);
  for (const std::string& line : base::split(node == nullptr ? "" : node->content, '\n'))
    if (line.starts_with("ledger "))
      names.push_back(base::split(line, ' ')[1]);
  return names;
}

// The writes that are in the live data, and in every kept copy that counts.
std::set<int> kept_writes(const sim::Host& host, bool is_database, bool only_abandoned) {
  std::set<int> writes;
  const auto take = [&](const std::string& path) {
    const auto all = host.writes_in(path, is_database);
    writes.insert(all.begin(), all.end());
  };
  take(is_database ? database_path : files_path);
  const std::string kept = is_database ? "/srv/db/.belay-app.db" : "/srv/.belay-files";
  for (const auto& [path, node] : host.disk.below(kept)) {
    const bool is_data = is_database ? path.ends_with("/app.db") || path.ends_with("/incoming")
                                     : path.ends_with("/writes");
    if (!is_data || (only_abandoned && !path.starts_with("a-")))
      continue;
    const std::string whole = kept + "/" + path;
    take(is_database ? whole : base::parent_of(whole));
  }
  return writes;
}

int running_version(const sim::Host& host, int port) {
  const auto found = std::ranges::find(host.services, port, &sim::Service::port);
  return found == host.services.end() ? 0 : found->program.version;
}

std::string lost(const sim::Host& host, bool only_abandoned) {
  for (const auto& [path, writes] : host.acknowledged) {
    const std::set<int> kept = kept_writes(host, path == database_path, only_abandoned);
    for (const int write : writes)
      if (!kept.contains(write))
        return "write " + std::to_string(write) + " of " + path + " is lost";
  }
  return "";
}

} // namespace

// Old or new, whole, running, with its own data and config; never a mixture.
std::string Scenario::broken(const Result<Ended>& ended) const {
  const sim::Host& host = parts_->world.host;
  if (!host.locks.empty())
    return "the lock outlived its holder";
  const bool nothing_was = !ended && ended.error().kind == ErrorKind::not_found;
  const bool is_over = nothing_was || (ended && ended.value().ending <= Ending::blocked);
  if (const std::string what = lost(host, is_over); !what.empty())
    return what;
  if (!is_over)
    return "";
  const sim::Node* current = host.disk.find(std::string{project} + "/.belay/current");
  if (current == nullptr)
    return "no generation is current";
  const bool goes_back = parts_->kind == Kind::rollback_later;
  // Generations: 1 is release 1, 2 is release 2 in every scenario.
  const int version = current->content == "1\n" ? 1 : 2;
  if (ended && ended.value().ending == Ending::committed && version != 2)
    return "committed, but generation 2 is not current";
  if (ended && ended.value().ending == Ending::rolled_back && version != 1)
    return "rolled back, but generation 1 is not current";
  const bool is_bad = parts_->kind == Kind::upgrade_not_ready ||
                      parts_->kind == Kind::upgrade_sql || parts_->kind == Kind::upgrade_damages ||
                      parts_->kind == Kind::upgrade_dies || parts_->kind == Kind::upgrade_backlog;
  if (version == 2 && is_bad)
    return "a bad release was committed";
  for (const int port : {8001, 8002})
    if (!(nothing_was && parts_->power_was_cut) && running_version(host, port) != version)
      return "port " + std::to_string(port) + " is served by version " +
             std::to_string(running_version(host, port)) + ", generation says " +
             std::to_string(version);
  const bool migrates = parts_->kind == Kind::upgrade_migrates || goes_back;
  const int layout = version == 2 && migrates ? 2 : 1;
  if (host.layout_of(files_path, false) != layout || host.layout_of(database_path, true) != layout)
    return "the data has another layout than the release that runs";
  // A ledger that moved belongs to the release that moved it: each file once, or none.
  const bool has_sql = parts_->kind == Kind::upgrade_sql || parts_->kind == Kind::upgrade_migrates;
  const std::size_t applied = has_sql && version == 2 ? 2 : 0;
  if (ledger_of(host).size() != applied)
    return "the ledger has " + std::to_string(ledger_of(host).size()) + " lines, and version " +
           std::to_string(version) + " runs";
  if (ended && ended.value().ending == Ending::committed)
    if (const std::string what = parts_->untold_ledger(ended.value().operation, applied);
        !what.empty())
      return what;
  const sim::Node* config = host.disk.find(std::string{project} + "/app.conf");
  const bool config_is_new = config != nullptr && config->content == "colour=2\n";
  const bool was_touched =
      ended && ended.value().ending != Ending::unchanged && ended.value().ending != Ending::blocked;
  if (was_touched && config_is_new != (version == 2))
    return "the config is not of the release that runs";
  if (host.has_foreign_wal(database_path))
    return "the WAL of another database lies beside the live one";
  if (const std::string what = parts_->untold_operation(); !what.empty())
    return what;
  return parts_->lying_point();
}

std::string Scenario::unexpected(const Result<Ended>& ended) const {
  const Kind kind = parts_->kind;
  const bool is_bad = kind == Kind::upgrade_not_ready || kind == Kind::upgrade_damages ||
                      kind == Kind::upgrade_dies || kind == Kind::upgrade_backlog ||
                      kind == Kind::upgrade_sql || kind == Kind::rollback_later;
  if (!ended)
    return "ended with an error: " + ended.error().message;
  if (ended.value().ending != (is_bad ? Ending::rolled_back : Ending::committed))
    return "has another ending than it is made for: " + ended.value().why;
  if (kind == Kind::rollback_later &&
      !ended.value().why.starts_with("going back to 1 was asked for; level data: "))
    return "does not say what was asked and why: " + ended.value().why;
  const auto folder = state::Folder::open(parts_->world.ports(), parts_->frozen.stack.state_folder);
  const auto view = engine::view(parts_->world.ports(), folder.value(), ended.value().operation);
  const auto is_escalation = [](const engine::StepRecord& step) { return step.step == "escalate"; };
  // What is only damaged keeps its layout: there the smoke test decides, and not the evidence.
  if (kind != Kind::upgrade_damages && view &&
      std::ranges::any_of(view.value().steps, is_escalation))
    return "the evidence was there, and the level was found by trying";
  return "";
}

} // namespace scenario
