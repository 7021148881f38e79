// Whole files: what a good one becomes, and exactly what is said of a bad one.
#include "base/text.hpp"
#include "config/config.hpp"
#include "sim/sim_world.hpp"

#include <gtest/gtest.h>

namespace config {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""min;

const char* const small = R"(stack: orders
services:
  web:
    release: { directory: "./dist/{to}" }
    run: [./serve]
    ready: { http: "http://127.0.0.1:8080/health" }
)";

base::Result<Loaded> parsed(const std::string& text, const Environment& environment = {}) {
  sim::SimWorld world;
  return parse(world.ports().files, text, "/srv/orders/belay.yaml", environment);
}

Loaded good(const std::string& text, const Environment& environment = {}) {
  auto loaded = parsed(text, environment);
  if (!loaded) {
    ADD_FAILURE() << loaded.error().message << "\n" << loaded.error().hint;
    return {};
  }
  return std::move(loaded).value();
}

// "message | hint"
std::string bad(const std::string& text, const Environment& environment = {}) {
  const auto loaded = parsed(text, environment);
  if (loaded)
    return "accepted";
  EXPECT_EQ(loaded.error().kind, base::ErrorKind::invalid_input);
  return loaded.error().message + " | " + loaded.error().hint;
}

TEST(Config, FillsEveryDefaultOfASmallFile) {
  const Loaded loaded = good(small);
  const domain::Stack& stack = loaded.stack;
  EXPECT_EQ(stack.name, "orders");
  EXPECT_EQ(stack.project_folder, "/srv/orders");
  EXPECT_EQ(stack.state_folder, "/srv/orders/.belay");
  ASSERT_EQ(stack.services.size(), 1U);
  const domain::ServiceSpec& web = stack.services[0];
  EXPECT_EQ(web.name, "web");
  EXPECT_EQ(web.release.kind, domain::ReleaseSourceKind::folder);
  EXPECT_EQ(web.release.path, "/srv/orders/dist/{to}");
  EXPECT_EQ(web.releases_folder, "/srv/orders/.belay/releases/web");
  EXPECT_EQ(web.run, std::vector<std::string>{"./serve"});
  EXPECT_EQ(web.working_folder, "");
  EXPECT_EQ(web.log_path, "/srv/orders/.belay/log/web.log");
  EXPECT_EQ(web.stop.signal, "TERM");
  EXPECT_EQ(web.stop.timeout, 20s);
  EXPECT_EQ(web.ready.probe.name, "web.ready");
  EXPECT_EQ(web.ready.probe.kind, domain::ProbeKind::http);
  EXPECT_EQ(web.ready.probe.service, "web");
  EXPECT_EQ(web.ready.probe.timeout, 5s);
  EXPECT_EQ(web.ready.within, 60s);
  EXPECT_EQ(web.ready.every, 1s);
  EXPECT_EQ(web.ready.consecutive, 3);
  EXPECT_EQ(web.ready.stable, 0s);
  EXPECT_EQ(stack.upgrade.watch, 60s);
  EXPECT_EQ(stack.upgrade.watch_every, 2s);
  EXPECT_EQ(stack.keep.points_min, 2);
  EXPECT_EQ(stack.keep.abandoned_min, 2);
  EXPECT_EQ(stack.keep.releases_min, 3);
  EXPECT_EQ(loaded.text, small);
  EXPECT_TRUE(loaded.warnings.empty());
}

TEST(Config, APauseThatNobodyGaveFitsAShortWatch) {
  const Loaded loaded = good(std::string{small} + "upgrade: { watch: 1s }\n");
  EXPECT_EQ(loaded.stack.upgrade.watch, 1s);
  EXPECT_EQ(loaded.stack.upgrade.watch_every, 1s);
  EXPECT_EQ(good(std::string{small} + "upgrade: { watch: 0s }\n").stack.upgrade.watch_every, 2s);
}

const char* const large = R"(stack: orders
runtime: { process: {} }
state: ../state
services:
  db:
    release:
      archive: ./dist/db-{to}.tar.gz
      checksums: ./dist/SHA256SUMS
    run: ["{release}/bin/db", --data, "{project}/data", 5432]
    ready: { tcp: "localhost:5432", foreign: true, timeout: 2s }
  node-red:
    release:
      command: [./make, "{to}", "${FLAVOUR:-plain}"]
      timeout: 3m
    releases: /opt/node-red
    run: [node, ./red.js]
    working_folder: "{project}/work"
    env:
      NODE_ENV: production
      PORT: 1880
      TOKEN: "env:APP_TOKEN"
      PASS: file:./secret
      DATABASE_URL: { text: "file:./dev.db" }
    log: ./node-red.log
    stop: { signal: SIGINT, timeout: 1m30s }
    ready:
      http: http://127.0.0.1:1880/health
      method: POST
      headers: { Accept: application/json }
      bearer: file:/etc/token
      body: "a\tb"
      status: 201
      follow_redirects: true
      json: { status: ok, "checks.db.ok": true, n: 3, text: "3", none: null }
      contains: fine
      timeout: 500ms
      within: 30s
      every: 250ms
      consecutive: 5
      stable: 10s
stores:
  data: { directory: ./data, exclude: [backups/, "app.db"], layout: [flows.json] }
  db: { sqlite: ./data/app.db }
config_files: [settings.js, /etc/orders.conf]
checks:
  - { name: orders, http: "http://127.0.0.1:1880/n", service: node-red, value: orders.count,
      min: 0, max: 1e6, min_of_baseline: 1.0, max_of_baseline: 2.5 }
  - { run: [./count], value: n }
upgrade:
  migrate: [ { run: [./migrate.sh, "--all"], timeout: 20m }, { run: [touch, x] } ]
  smoke:
    - { name: order, run: [./smoke.sh], contains: ok }
    - { process: true, service: db }
  watch: 10m
  watch_every: 5s
hooks:
  pre_check: [ { run: [./look, closely] } ]
  post_rollback: [ { run: [./tell], timeout: 5s } ]
triggers:
  - { name: not-ready, probe: node-red.ready, failing_for: 2m, level: full }
  - { probe: smoke-2, failing_for: 1s }
  - { probe: check-2, failing_for: 1s, level: restart }
keep: { points: 4, abandoned: 5, releases: 6 }
)";

TEST(Config, ReadsEveryKeyOfAService) {
  const Loaded loaded = good(large);
  const domain::Stack& stack = loaded.stack;
  EXPECT_EQ(stack.state_folder, "/srv/state");
  ASSERT_EQ(stack.services.size(), 2U);
  const domain::ServiceSpec& db = stack.services[0];
  EXPECT_EQ(db.release.kind, domain::ReleaseSourceKind::archive);
  EXPECT_EQ(db.release.path, "/srv/orders/dist/db-{to}.tar.gz");
  EXPECT_EQ(db.release.checksums, "/srv/orders/dist/SHA256SUMS");
  EXPECT_EQ(db.releases_folder, "/srv/state/releases/db");
  EXPECT_EQ(db.run,
            (std::vector<std::string>{"{release}/bin/db", "--data", "/srv/orders/data", "5432"}));
  EXPECT_EQ(db.ready.probe.kind, domain::ProbeKind::tcp);
  EXPECT_EQ(db.ready.probe.host, "localhost");
  EXPECT_EQ(db.ready.probe.port, 5432);
  EXPECT_EQ(db.ready.probe.service, ""); // foreign
  const domain::ServiceSpec& red = stack.services[1];
  EXPECT_EQ(red.release.kind, domain::ReleaseSourceKind::command);
  EXPECT_EQ(red.release.command, (std::vector<std::string>{"/srv/orders/make", "{to}", "plain"}));
  EXPECT_EQ(red.release.timeout, 3min);
  EXPECT_EQ(red.releases_folder, "/opt/node-red");
  EXPECT_EQ(red.working_folder, "/srv/orders/work");
  EXPECT_EQ(red.log_path, "/srv/orders/node-red.log");
  EXPECT_EQ(red.stop.signal, "INT");
  EXPECT_EQ(red.stop.timeout, 90s);
  ASSERT_EQ(red.environment.size(), 5U);
  EXPECT_EQ(std::get<std::string>(red.environment[1].value), "1880");
  using Kind = domain::SecretRef::Kind;
  EXPECT_EQ(std::get<domain::SecretRef>(red.environment[2].value),
            (domain::SecretRef{Kind::environment, "APP_TOKEN"}));
  EXPECT_EQ(std::get<domain::SecretRef>(red.environment[3].value),
            (domain::SecretRef{Kind::file, "/srv/orders/secret"}));
  EXPECT_EQ(std::get<std::string>(red.environment[4].value), "file:./dev.db");
}

TEST(Config, ReadsEveryKeyOfAProbe) {
  const domain::GateSpec gate = good(large).stack.services[1].ready;
  const domain::ProbeSpec& probe = gate.probe;
  EXPECT_EQ(probe.name, "node-red.ready");
  EXPECT_EQ(probe.service, "node-red");
  EXPECT_EQ(probe.method, "POST");
  EXPECT_EQ(probe.url, "http://127.0.0.1:1880/health");
  ASSERT_EQ(probe.headers.size(), 1U);
  EXPECT_EQ(probe.headers[0].second, "application/json");
  EXPECT_EQ(probe.bearer, (domain::SecretRef{domain::SecretRef::Kind::file, "/etc/token"}));
  EXPECT_EQ(probe.body, "a\tb");
  EXPECT_EQ(probe.status, 201);
  EXPECT_TRUE(probe.follow_redirects);
  EXPECT_EQ(probe.contains, "fine");
  EXPECT_EQ(probe.timeout, 500ms);
  std::vector<std::string> json;
  for (const auto& assertion : probe.json)
    json.push_back(assertion.path + "=" + assertion.equals);
  EXPECT_EQ(base::join(json, " "), R"(status="ok" checks.db.ok=true n=3 text="3" none=null)");
  EXPECT_EQ(gate.within, 30s);
  EXPECT_EQ(gate.every, 250ms);
  EXPECT_EQ(gate.consecutive, 5);
  EXPECT_EQ(gate.stable, 10s);
}

TEST(Config, ReadsStoresChecksAndRules) {
  const domain::Stack stack = good(large).stack;
  ASSERT_EQ(stack.stores.size(), 2U);
  EXPECT_EQ(stack.stores[0].path, "/srv/orders/data");
  // The database is left out of the folder whole.
  EXPECT_EQ(base::join(stack.stores[0].exclude, " "),
            "backups app.db .belay-app.db app.db-wal app.db-shm app.db-journal");
  EXPECT_EQ(stack.stores[0].layout, std::vector<std::string>{"flows.json"});
  EXPECT_EQ(stack.stores[1].kind, domain::StoreKind::sqlite);
  EXPECT_EQ(base::join(stack.config_files, " "), "/srv/orders/settings.js /etc/orders.conf");
  ASSERT_EQ(stack.checks.size(), 2U);
  EXPECT_EQ(stack.checks[0].probe.service, "node-red");
  EXPECT_EQ(stack.checks[0].probe.value, "orders.count");
  EXPECT_EQ(stack.checks[0].min, 0.0);
  EXPECT_EQ(stack.checks[0].max, 1e6);
  EXPECT_EQ(stack.checks[0].min_of_baseline, 1.0);
  EXPECT_EQ(stack.checks[0].max_of_baseline, 2.5);
  EXPECT_EQ(stack.checks[1].probe.name, "check-2");
  EXPECT_EQ(stack.checks[1].probe.argv, std::vector<std::string>{"/srv/orders/count"});
  EXPECT_EQ(stack.checks[1].min, std::nullopt);
  ASSERT_EQ(stack.upgrade.migrate.size(), 2U);
  EXPECT_EQ(base::join(stack.upgrade.migrate[0].command.argv, " "), "/srv/orders/migrate.sh --all");
  EXPECT_EQ(stack.upgrade.migrate[0].command.timeout, 20min);
  EXPECT_EQ(stack.upgrade.migrate[1].command.timeout, 10min);
  ASSERT_EQ(stack.hooks.size(), 2U);
  EXPECT_EQ(stack.hooks[0].at, domain::HookPoint::pre_check);
  EXPECT_EQ(stack.hooks[1].command.argv, std::vector<std::string>{"/srv/orders/tell"});
  EXPECT_EQ(stack.hooks[1].command.timeout, 5s);
  ASSERT_EQ(stack.upgrade.smoke.size(), 2U);
  EXPECT_EQ(stack.upgrade.smoke[1].name, "smoke-2");
  EXPECT_EQ(stack.upgrade.smoke[1].kind, domain::ProbeKind::process);
  EXPECT_EQ(stack.upgrade.smoke[1].service, "db");
  ASSERT_EQ(stack.triggers.size(), 3U);
  EXPECT_EQ(stack.triggers[0].level, domain::Level::full);
  EXPECT_EQ(stack.triggers[0].failing_for, 2min);
  EXPECT_EQ(stack.triggers[1].name, "trigger-2");
  EXPECT_EQ(stack.triggers[1].level, domain::Level::automatic);
  EXPECT_EQ(stack.keep.points_min, 4);
  EXPECT_EQ(stack.keep.abandoned_min, 5);
  EXPECT_EQ(stack.keep.releases_min, 6);
}

// --- what is said (each single slip is in bad_test.cpp)

TEST(Config, NamesPlaceAndNearestOfUnknownKeys) {
  EXPECT_EQ(bad("stack: a\nservces: {}\nservices:\n  web:\n    release: {directory: 'd/{to}'}\n"
                "    run: [a]\n"),
            "belay.yaml:2:1: unknown key 'servces' in 'belay.yaml' | Did you mean 'services'?");
}

TEST(Config, TellsTenProblemsAtOnceInTheirOrder) {
  std::string text = "stack: S\nservices: {}\n";
  for (int i = 0; i < 10; ++i)
    text += "x" + std::to_string(i) + ": 1\n";
  const auto lines = base::split(bad(text), '\n');
  ASSERT_EQ(lines.size(), 11U);
  EXPECT_EQ(lines[0], "belay.yaml:1:8: 'stack' must be a name of a-z, 0-9 and '-', at most 63, not "
                      "'S' (It begins with a letter or a digit.)");
  EXPECT_EQ(lines[1], "belay.yaml:2:11: 'services' is empty (Give at least one.)");
  EXPECT_EQ(lines[9].substr(0, 31), "belay.yaml:10:1: unknown key 'x");
  EXPECT_EQ(lines[10], "and 2 more | Correct these 12 places in 'belay.yaml'.");
}

TEST(Config, NamesWhatIsMissing) {
  EXPECT_EQ(bad("services: {a: {}}"),
            "belay.yaml:1:1: 'stack' is missing (Name of the stack, as the command line takes "
            "it.)\nbelay.yaml:1:12: 'services.a' has none of run, driver, unit, container, "
            "compose (Give exactly one of run, driver, unit, container, compose.) | Correct these "
            "2 places in 'belay.yaml'.");
  EXPECT_EQ(bad("[]"), "belay.yaml:1:1: 'belay.yaml' must be a map of keys, not a list | ");
  EXPECT_EQ(bad("stack: a\nservices:\n"),
            "belay.yaml:2:10: 'services' must be a map of names, it is empty | ");
}

TEST(Config, LetsAServiceAndAStoreHaveADriver) {
  const Loaded loaded = good(R"(stack: a
services:
  a: { driver: [./mine, "{project}/x"], env: { TOKEN: "env:T" }, timeout: 20s }
  b: { driver: [python3, ./theirs.py], ready: { process: true } }
stores:
  rows: { driver: [./rows], env: { PASS: "file:./pass", PLAIN: x } }
  data: { directory: ./data }
config_files: [a.conf]
)");
  const domain::Stack& stack = loaded.stack;
  const domain::ServiceSpec& service = stack.services[0];
  EXPECT_EQ(service.runtime, domain::RuntimeKind::exec);
  EXPECT_EQ(service.driver.argv, (std::vector<std::string>{"/srv/orders/mine", "/srv/orders/x"}));
  EXPECT_EQ(service.driver.timeout.count(), 20'000);
  ASSERT_EQ(service.driver.environment.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<domain::SecretRef>(service.driver.environment[0].value));
  EXPECT_EQ(stack.services[1].driver.argv, (std::vector<std::string>{"python3", "./theirs.py"}));
  EXPECT_EQ(stack.stores[0].kind, domain::StoreKind::exec);
  EXPECT_EQ(stack.stores[0].driver.argv, std::vector<std::string>{"/srv/orders/rows"});
  EXPECT_EQ(stack.stores[0].driver.environment.size(), 2U);
  EXPECT_EQ(stack.stores[0].driver.timeout.count(), 600'000);
  EXPECT_EQ(stack.stores[1].kind, domain::StoreKind::directory);
}

TEST(Config, RefusesBesideADriverWhatIsBelaysOwnToDo) {
  EXPECT_EQ(
      bad("stack: a\nservices: { a: { driver: [./mine], release: { directory: './{to}' } } "
          "}\nstores: { d: { driver: [./d], layout: [x] } }\n"),
      "belay.yaml:2:45: 'services.a.release' has no meaning beside 'driver' (It goes with "
      "run or unit.)\nbelay.yaml:3:39: 'stores.d.layout' has no meaning beside 'driver' (It goes "
      "with directory or volume.) | Correct these 2 places in 'belay.yaml'.");
  EXPECT_EQ(bad("stack: a\nservices: { a: { run: [x] } }\n"),
            "belay.yaml:2:13: 'services.a.release' is missing | Where a release comes from.");
}

// A service that is a unit, with these lines more.
std::string unit_file(const std::string& more) {
  return "stack: orders\nservices:\n  web:\n    release: { directory: \"./dist/{to}\" }\n"
         "    unit: web@1.service\n" +
         more;
}

TEST(Config, KnowsAUnit) {
  const auto linked = good(unit_file("")).stack.services[0];
  EXPECT_EQ(linked.runtime, domain::RuntimeKind::systemd);
  EXPECT_EQ(linked.unit, "web@1.service");
  EXPECT_TRUE(linked.run.empty());
  EXPECT_EQ(linked.stop.timeout, 100s);
  const auto changed = good(unit_file("    exec_start: [./web, \"{release}/x\"]\n"
                                      "    working_folder: \"{release}\"\n"
                                      "    env: { A: b }\n    stop: { timeout: 3s }\n"))
                           .stack.services[0];
  EXPECT_EQ(changed.run, (std::vector<std::string>{"./web", "{release}/x"}));
  EXPECT_EQ(changed.working_folder, "{release}"); // else the unit's own
  EXPECT_EQ(changed.environment.size(), 1U);
  EXPECT_EQ(changed.stop.timeout, 3s);
}

TEST(Config, KnowsAContainerAndAVolume) {
  const auto stack = good(R"(stack: a
services:
  web: { container: shop_web.1, image: "shop/web:{to}", env: { A: b } }
  late: { container: late, image: "late:{to}", stop: { timeout: 3s } }
stores:
  named: { volume: shop_data, layout: [VERSION] }
  bound: { volume: ./data }
)")
                         .stack;
  EXPECT_EQ(stack.docker_socket, "/var/run/docker.sock");
  const domain::ServiceSpec& web = stack.services[0];
  EXPECT_EQ(web.runtime, domain::RuntimeKind::docker);
  EXPECT_EQ(web.container, "shop_web.1");
  EXPECT_EQ(web.image, "shop/web:{to}");
  EXPECT_EQ(web.releases_folder, "/srv/orders/.belay/releases/web");
  EXPECT_EQ(web.stop.timeout, 0s); // the container's own
  EXPECT_EQ(stack.services[1].stop.timeout, 3s);
  EXPECT_EQ(stack.stores[0].volume, "shop_data");
  EXPECT_EQ(stack.stores[0].path, "");
  EXPECT_EQ(stack.stores[1].volume, "");
  EXPECT_EQ(stack.stores[1].path, "/srv/orders/data");
}

TEST(Config, RefusesWhatAContainerOrAVolumeCannotBe) {
  EXPECT_EQ(bad("stack: a\nservices: { a: { container: -x, image: 'x:1', stop: { signal: INT } } "
                "}\nstores: { d: { volume: 'a b' } }\n"),
            "belay.yaml:2:29: '-x' is not the name of a container service ('docker ps --format "
            "{{.Names}}' lists them.)\nbelay.yaml:2:40: 'services.a.image' does not hold '{to}' "
            "(Put {to} where the release is named, or every upgrade is the same.)\nbelay.yaml:2:63:"
            " 'services.a.stop.signal' has no meaning beside 'container' (Say it where the "
            "container is made: --stop-signal, stop_signal.)\nbelay.yaml:3:24: 'a b' is no volume "
            "(Give the name of a volume ('docker volume ls' lists them), or a folder that begins "
            "with '/' or './'.) | Correct these 4 places in 'belay.yaml'.");
  EXPECT_EQ(bad("stack: a\nservices: { a: { container: x } }\n"),
            "belay.yaml:2:29: 'services.a.image' is missing | The image of a release, as "
            "shop/web:{to}.");
}

TEST(Config, KnowsAComposeProject) {
  const auto stack = good(R"(stack: a
compose: { files: [a.yml, /b.yml], project: shop_1, profiles: [blue], env_file: prod.env }
services: { web: { compose: web_server, image: "shop/web:{to}" }, db: { compose: db } }
)")
                         .stack;
  EXPECT_EQ(stack.compose.files, (std::vector<std::string>{"/srv/orders/a.yml", "/b.yml"}));
  EXPECT_EQ(stack.compose.project, "shop_1");
  EXPECT_EQ(stack.compose.profiles, std::vector<std::string>{"blue"});
  EXPECT_EQ(stack.compose.env_file, "/srv/orders/prod.env");
  EXPECT_EQ(stack.services[0].runtime, domain::RuntimeKind::compose);
  EXPECT_EQ(stack.services[0].compose_service, "web_server");
  EXPECT_EQ(stack.services[1].image, "");
  const auto named =
      good("stack: a\ncompose: { files: [a.yml] }\nservices: { w: { compose: w } }\n");
  EXPECT_EQ(named.stack.compose.project, "orders"); // as compose names it: by the folder
}

TEST(Config, RefusesAComposeProjectThatIsNone) {
  EXPECT_EQ(bad("stack: a\nservices: { w: { compose: w } }\n"),
            "belay.yaml:2:27: 'compose.files' is missing, which service 'w' is of | Name them at "
            "the top: compose: { files: [docker-compose.yml] }.");
  EXPECT_EQ(
      bad("stack: a\ncompose: { files: [a], project: Shop }\nservices: { w: { compose: w } }\n"),
      "belay.yaml:2:33: 'Shop' is not the name of a compose project | It is of a-z, 0-9, '-' "
      "and '_': 'docker compose ls' lists them.");
}

TEST(Config, RefusesWhatAUnitCannotHave) {
  EXPECT_EQ(bad(unit_file("    env: { A: b }\n")),
            "belay.yaml:6:10: 'services.web.env' has no meaning without 'exec_start' | Without it "
            "belay changes nothing in the unit: say it there.");
  EXPECT_EQ(bad(unit_file("    exec_start: [./web]\n    env: { A: \"env:B\" }\n")),
            "belay.yaml:7:15: 'services.web.env.A' would put a secret into a unit, which everybody "
            "can read | Use EnvironmentFile= or LoadCredential= in the unit.");
  EXPECT_EQ(bad(unit_file("    stop: { signal: INT }\n")),
            "belay.yaml:6:21: 'services.web.stop.signal' has no meaning beside 'unit' | Say "
            "KillSignal= in the unit.");
  EXPECT_EQ(bad(unit_file("    log: ./web.log\n")),
            "belay.yaml:6:10: 'services.web.log' has no meaning beside 'unit' | It goes with run.");
  for (const char* name : {"web", "web.timer", ".service", "web@.service", "a/b.service"})
    EXPECT_EQ(bad("stack: orders\nservices:\n  web:\n    release: { directory: \"./dist/{to}\" }\n"
                  "    unit: " +
                  std::string{name} + "\n"),
              "belay.yaml:5:11: 'services.web.unit' must be the name of a systemd service, not '" +
                  std::string{name} + "' | Write it as web.service.");
}

TEST(Config, NamesTheVariableThatIsMissing) {
  EXPECT_EQ(bad("stack: ${WHAT}\n" + std::string{small}.substr(14)),
            "belay.yaml:1:8: 'stack': variable 'WHAT' is not set | Set WHAT in the environment or "
            "in an env_file, or give a default: ${WHAT:-value}.");
}

TEST(Config, QuotesNoSecretAndNoEscapeSequence) {
  const std::string said =
      bad(std::string{small} + "checks: [{http: \"http://h\", bearer: hunter2}, "
                               "{http: \"http://u:hunter2@h/\"}]\nk\u001b: 1\n\"\\e[31m\": 1\n");
  EXPECT_EQ(said.find("hunter2"), std::string::npos) << said;
  EXPECT_EQ(said.find('\x1b'), std::string::npos) << said;
}

TEST(Config, RefusesWhatIsNoPath) {
  sim::SimWorld world;
  const auto relative = parse(world.ports().files, small, "belay.yaml", {});
  ASSERT_FALSE(relative);
  EXPECT_EQ(relative.error().message, "the path 'belay.yaml' is not absolute");
}

TEST(Config, LoadsTheFileAndItsEnvFiles) {
  sim::SimWorld world;
  world::Files& files = world.ports().files;
  const auto absent = load(files, "/srv/x/stack.yml", {});
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().kind, base::ErrorKind::not_found);
  EXPECT_EQ(absent.error().message, "there is no '/srv/x/stack.yml'");
  world.host.disk.write("/srv/x/stack.yml", "env_file: [one, \"${TWO:-two}\"]\nstack: $A-$B-$C\n" +
                                                std::string{small}.substr(14));
  const auto no_file = load(files, "/srv/x/stack.yml", {});
  ASSERT_FALSE(no_file);
  const auto lines = base::split(no_file.error().message, '\n');
  ASSERT_EQ(lines.size(), 2U); // and none for the variables that would be in them
  EXPECT_EQ(lines[0].substr(0, 56), "stack.yml:1:11: the env_file '/srv/x/one' cannot be read");
  std::string many = "stack: a\nenv_file: [f";
  for (int i = 0; i < 33; ++i)
    many += ", f" + std::to_string(i);
  EXPECT_EQ(bad(many + "]"), "belay.yaml:2:11: 'env_file' names more than 32 files | Join some of "
                             "them.");
  world.host.disk.write("/srv/x/one", "A=one\nB=one\nC=one\n");
  world.host.disk.write("/srv/x/two", "B=two\nC=two\n");
  const auto loaded = load(files, "/srv/x/stack.yml", {{"C", "env"}});
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded.value().stack.name, "one-two-env"); // the environment, then the later file
  world.host.disk.write("/srv/x/two", "B=two\nC\"\n");
  const auto broken = load(files, "/srv/x/stack.yml", {});
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().message, "two:2:2: '=' is missing after 'C'");
}

TEST(Config, LooksBehindThePortOfThisMachineOnly) {
  const auto service_behind = [](const std::string& ready) {
    std::string text = small;
    text.replace(text.find("{ http"), std::string::npos, ready + "\n");
    const Loaded loaded = good(text);
    return loaded.stack.services.empty() ? "?"
                                         : loaded.stack.services[0].ready.probe.service + "/" +
                                               std::to_string(loaded.warnings.size());
  };
  EXPECT_EQ(service_behind("{ http: \"http://localhost/\" }"), "web/0");
  EXPECT_EQ(service_behind("{ tcp: \"[::1]:80\" }"), "web/0");
  EXPECT_EQ(service_behind("{ tcp: \"[::1]:80\", foreign: true }"), "/0");
  EXPECT_EQ(service_behind("{ tcp: \"10.0.0.1:80\" }"), "/1"); // it warns
  EXPECT_EQ(service_behind("{ tcp: \"10.0.0.1:80\", foreign: true }"), "/0");
  EXPECT_EQ(service_behind("{ run: [true] }"), "/0");
  EXPECT_EQ(service_behind("{ process: true }"), "web/1");
  EXPECT_EQ(service_behind("{ within: 5s }"), "web/1");
}

TEST(Config, WarnsOfWhatIsAllowedButOdd) {
  const Loaded loaded = good(R"(stack: a
services:
  web:
    release: { directory: "d/{to}" }
    run: [a]
    log: data/web.log
    ready: { http: "http://127.0.0.1/", headers: { Authorization: x } }
stores: { data: { directory: data } }
config_files: [data/settings]
triggers: [ { probe: web.ready, failing_for: 2m } ]
)");
  EXPECT_EQ(base::join(loaded.warnings, "\n"),
            "belay.yaml:7:67: probe 'web.ready' has a header 'Authorization' in clear text; "
            "'bearer: file:PATH' keeps a token out of this file\n"
            "belay.yaml:10:46: trigger 'trigger-1' can never fire: 2m is longer than the watch of "
            "1m\n"
            "belay.yaml:6:10: 'services.web.log' is inside store 'data': every line in it counts "
            "as changed data\n"
            "belay.yaml:9:15: config file '/srv/orders/data/settings' is inside store 'data', so "
            "that it is captured twice");
}

TEST(Config, KnowsARepository) {
  const std::string text = std::string{small} + "repository:\n"
                                                "  path: ./backup\n"
                                                "  password: file:/etc/belay/password\n";
  EXPECT_FALSE(good(small).stack.repository);
  const auto local = good(text).stack.repository;
  ASSERT_TRUE(local);
  EXPECT_EQ(local->first.location, "/srv/orders/backup");
  EXPECT_EQ(local->first.password.name, "/etc/belay/password");
  EXPECT_FALSE(local->copy);
  const auto both =
      good(text + "  copy_to: { path: 'sftp:b@far:/x', password: env:P }\n").stack.repository;
  ASSERT_TRUE(both && both->copy);
  EXPECT_EQ(both->copy->location, "sftp:b@far:/x");
  EXPECT_EQ(bad(text + "  copy_to: { path: /srv/orders/backup, password: env:P }\n"),
            "belay.yaml:10:20: 'repository.copy_to.path' is the place that it would be a copy of | "
            "Name another one, best on another machine.");
  EXPECT_EQ(bad(text + "  copy_to: { path: /x }\n"),
            "belay.yaml:10:12: 'repository.copy_to.password' is missing | Its password: "
            "`file:/etc/belay/password`, a file that only its owner may read, or `env:NAME`.");
  EXPECT_EQ(bad(text + "stores: { data: { directory: . } }\nstate: /elsewhere\n")
                .starts_with("belay.yaml:10:30: store 'data' holds 'repository.path'"),
            true);
  EXPECT_EQ(bad(std::string{small} + "repository: { path: .belay/backup, password: env:P }\n"),
            "belay.yaml:7:21: 'repository.path' and the state folder hold one another | Choose a "
            "folder that holds nothing else, best on another disk.");
}

TEST(Config, KnowsWhatAPlaceOnAnotherMachineNeeds) {
  const std::string first = std::string{small} + "repository:\n"
                                                 "  path: sftp:b@far:/x\n"
                                                 "  password: env:P\n"
                                                 "  limit_upload: 2MiB\n"
                                                 "  options: { sftp.args: -i /etc/key }\n"
                                                 "  copy_to:\n"
                                                 "    path: s3:https://host/bucket\n"
                                                 "    password: env:Q\n";
  const std::string text = first + "    options: { s3.region: eu-1, s3.bucket-lookup: path,\n"
                                   "               s3.ca-file: ca.pem, s3.part-size: 8MiB }\n"
                                   "    env: { AWS_ACCESS_KEY_ID: shop, AWS_SECRET_ACCESS_KEY: "
                                   "file:key }\n";
  const auto loaded = good(text);
  EXPECT_TRUE(loaded.warnings.empty());
  const auto& places = loaded.stack.repository;
  ASSERT_TRUE(places && places->copy);
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(places->first.options, (Pairs{{"sftp.args", "-i /etc/key"}}));
  EXPECT_EQ(places->first.limit_upload, 2U << 20U);
  EXPECT_EQ(places->copy->limit_upload, 0U);
  EXPECT_EQ(places->copy->options, (Pairs{{"s3.ca-file", "/srv/orders/ca.pem"},
                                          {"s3.region", "eu-1"},
                                          {"s3.bucket-lookup", "path"},
                                          {"s3.part-size", "8MiB"}}));
  ASSERT_EQ(places->copy->environment.size(), 2U);
  EXPECT_EQ(std::get<std::string>(places->copy->environment[0].value), "shop");
  EXPECT_EQ(std::get<domain::SecretRef>(places->copy->environment[1].value).name,
            "/srv/orders/key");
  EXPECT_TRUE(good(first + "    env: { AWS_SECRET_ACCESS_KEY: abc }\n")
                  .warnings.front()
                  .contains("'repository.copy_to.env.AWS_SECRET_ACCESS_KEY' stands in clear text"));
  EXPECT_EQ(
      bad(first + "    options: { sftp.args: -v }\n"),
      "belay.yaml:15:27: 'repository.copy_to.options.sftp.args' is for places that begin with "
      "'sftp:' | This one does not: leave it out.");
  EXPECT_EQ(bad(first + "    options: { s3.regoin: x }\n"),
            "belay.yaml:15:16: unknown key 's3.regoin' in 'repository.copy_to.options' | Did you "
            "mean 's3.region'?");
  EXPECT_EQ(bad(first + "    options: { s3.part-size: 1MiB }\n"),
            "belay.yaml:15:30: 'repository.copy_to.options.s3.part-size' must be a size from 5MiB "
            "to 5GiB | S3 takes no other parts.");
  EXPECT_EQ(bad(first + "    env: { AWS_ACCESS_KEY: x }\n"),
            "belay.yaml:15:28: 'repository.copy_to.env.AWS_ACCESS_KEY' is used by no place | Did "
            "you mean 'AWS_ACCESS_KEY_ID'?");
  EXPECT_EQ(bad(first + "    env: { RESTIC_REST_USERNAME: x }\n"),
            "belay.yaml:15:34: 'repository.copy_to.env.RESTIC_REST_USERNAME' is for places that "
            "begin with 'rest:' | This one does not: leave it out.");
  EXPECT_EQ(
      bad(first + "    limit_download: 0\n"),
      "belay.yaml:15:21: 'repository.copy_to.limit_download' would let nothing through | Write "
      "how much a second, as 2MiB, or leave it out.");
}

TEST(Config, Backup) {
  const std::string text = std::string{small} + "repository: { path: /b, password: env:P }\n";
  EXPECT_FALSE(good(text).stack.backup);
  const auto nightly =
      good(text + "backup:\n  schedule: '0 2 * * *'\n  zone: Europe/Berlin\n  jitter: 10m\n"
                  "  keep: { daily: 7 }\n  verify: { every: 7d }\n")
          .stack.backup;
  ASSERT_TRUE(nightly);
  EXPECT_EQ(nightly->timing.cron, "0 2 * * *");
  EXPECT_EQ(nightly->timing.zone, "Europe/Berlin");
  EXPECT_EQ(nightly->timing.jitter, std::chrono::minutes{10});
  EXPECT_EQ(nightly->keep.daily, 7U);
  EXPECT_EQ(nightly->keep.last, 0U);
  EXPECT_EQ(nightly->verify->every, std::chrono::hours{168});
  EXPECT_FALSE(nightly->age_max);
  EXPECT_TRUE(good(text + "backup: { every: 12h }\n").warnings.empty());
  EXPECT_EQ(bad(text + "backup: { schedule: '0 25 * * *' }\n"),
            "belay.yaml:8:21: the hour '25' is not between 0 and 23 | Five fields: minute, hour, "
            "day of the month, month, day of the week; '0 2 * * *' is every night at two.");
  EXPECT_EQ(bad(text + "backup: { schedule: '0 0 31 2 *' }\n"),
            "belay.yaml:8:21: '0 0 31 2 *' never comes | There is no such day in any month.");
  EXPECT_TRUE(bad(text + "backup: { schedule: '@daily', zone: Mars }\n")
                  .starts_with("belay.yaml:8:37: there is no time zone 'Mars'"));
  EXPECT_TRUE(bad(std::string{small} + "backup: { every: 1d }\n")
                  .contains("'backup' without 'repository'"));
}

TEST(Config, MergesAnchors) {
  const Loaded loaded = good(R"(stack: a
services:
  one: &common
    release: { directory: "d/{to}" }
    run: [a]
    ready: &ready { tcp: "127.0.0.1:1", within: 5s }
  two:
    <<: *common
    ready: { <<: *ready, tcp: "127.0.0.1:2" }
)");
  ASSERT_EQ(loaded.stack.services.size(), 2U);
  const auto& two = loaded.stack.services[1];
  EXPECT_EQ(two.ready.within, 5s);
  EXPECT_EQ(two.ready.probe.port, 2);
  EXPECT_EQ(two.releases_folder, "/srv/orders/.belay/releases/two");
}

TEST(Config, ReadsTriggersOnNumbers) {
  const Loaded loaded = good(std::string{small} + R"(checks:
  - { name: ops, http: "http://127.0.0.1:8086/ops", value: pendingOutboxEvents }
triggers:
  - { probe: ops, above: 200, growth: 10, growth_percent: 50, for: 5m, level: data }
  - { probe: ops, below: 0.5, severity: warning }
  - { probe: web.ready, failing_for: 30s }
)");
  const auto& triggers = loaded.stack.triggers;
  ASSERT_EQ(triggers.size(), 3U);
  EXPECT_EQ(triggers[0].above, 200);
  EXPECT_EQ(triggers[0].growth, 10);
  EXPECT_EQ(triggers[0].growth_percent, 50);
  EXPECT_EQ(triggers[0].below, std::nullopt);
  EXPECT_EQ(triggers[0].lasting, 5min);
  EXPECT_EQ(triggers[0].severity, domain::Severity::critical);
  EXPECT_EQ(triggers[0].level, domain::Level::data);
  EXPECT_TRUE(triggers[0].is_numeric());
  EXPECT_EQ(triggers[1].below, 0.5);
  EXPECT_EQ(triggers[1].lasting, 0ms);
  EXPECT_EQ(triggers[1].severity, domain::Severity::warning);
  EXPECT_FALSE(triggers[2].is_numeric());
}

TEST(Config, ReadsWhatAContainerMustSee) {
  const Loaded loaded = good(R"yaml(stack: shop
services:
  web: { container: web, image: "shop/web:{to}" }
checks:
  - { name: storage, mounted: { service: web, volumes: ["shop_data:/data", "./up:/srv/up"] } }
preflight: { hold_containers: [guardian] }
)yaml");
  const domain::ProbeSpec& storage = loaded.stack.checks[0].probe;
  EXPECT_EQ(storage.kind, domain::ProbeKind::mounted);
  EXPECT_EQ(storage.service, "web");
  using Mounts = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(storage.mounts, (Mounts{{"/data", "shop_data"}, {"/srv/up", "/srv/orders/up"}}));
  EXPECT_FALSE(domain::gives_number(storage));
  EXPECT_EQ(loaded.stack.preflight.hold_containers, std::vector<std::string>{"guardian"});
}

TEST(Config, ReadsProbesOfNumbers) {
  const Loaded loaded = good(std::string{small} + R"yaml(checks:
  - name: errors
    metric: requests_total
    at: http://127.0.0.1:8080/metrics
    service: web
    labels: { status: "~5..", method: GET }
    share_of: requests_total
    share_of_labels: { method: GET }
    over: 30s
  - { name: up, promql: "sum(up)", at: "http://127.0.0.1:9090", take: max, bearer: env:TOKEN }
  - { name: log, log: { service: web, pattern: ERROR, except: retry } }
  - { name: bounded, log: { service: web, pattern: x }, max: 3 }
  - { name: told, log: { service: web, pattern: x } }
  - { name: disk, disk: ./data }
  - { name: memory, memory: web, unit: mebibytes }
  - { name: age, http: "http://127.0.0.1:8080/b", value: last, as: age }
triggers:
  - { probe: told, above: 9 }
)yaml");
  const auto& checks = loaded.stack.checks;
  ASSERT_EQ(checks.size(), 8U);
  const domain::ProbeSpec& errors = checks[0].probe;
  EXPECT_EQ(errors.kind, domain::ProbeKind::metric);
  EXPECT_EQ(errors.url, "http://127.0.0.1:8080/metrics");
  EXPECT_EQ(errors.service, "web");
  EXPECT_EQ(errors.metric.name, "requests_total");
  EXPECT_EQ(errors.metric.labels.size(), 2U);
  ASSERT_TRUE(errors.whole);
  EXPECT_EQ(errors.whole->labels.size(), 1U);
  EXPECT_EQ(errors.whole_min, 20);
  EXPECT_EQ(errors.over, 30s);
  EXPECT_EQ(checks[1].probe.kind, domain::ProbeKind::promql);
  EXPECT_EQ(checks[1].probe.promql, "sum(up)");
  EXPECT_EQ(checks[1].probe.take, domain::Take::max);
  EXPECT_TRUE(checks[1].probe.bearer);
  EXPECT_EQ(checks[2].probe.kind, domain::ProbeKind::log);
  EXPECT_EQ(checks[2].probe.service, "web");
  EXPECT_EQ(checks[2].probe.except, "retry");
  EXPECT_EQ(checks[2].max, 0); // nobody else judges it
  EXPECT_EQ(checks[3].max, 3);
  EXPECT_EQ(checks[4].max, std::nullopt);
  EXPECT_EQ(checks[5].probe.path, "/srv/orders/data");
  EXPECT_EQ(checks[5].probe.unit, domain::Unit::percent);
  EXPECT_EQ(checks[6].probe.kind, domain::ProbeKind::memory);
  EXPECT_EQ(checks[6].probe.unit, domain::Unit::mebibytes);
  EXPECT_TRUE(checks[7].probe.is_age);
}

} // namespace
} // namespace config
