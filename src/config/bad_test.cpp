// One change to a good file, and exactly what is said: "message | hint".
#include "config/config.hpp"
#include "sim/sim_world.hpp"

#include <gtest/gtest.h>

namespace config {
namespace {

const char* const whole_file = R"(stack: orders
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
triggers:
  - { name: not-ready, probe: node-red.ready, failing_for: 2m, level: full }
  - { probe: smoke-2, failing_for: 1s }
  - { probe: check-2, failing_for: 1s, level: restart }
keep: { points: 4, abandoned: 5, releases: 6 }
)";

std::string said_to(const std::string& text) {
  sim::SimWorld world;
  const auto loaded = parse(world.ports().files, text, "/srv/orders/belay.yaml", {});
  if (loaded)
    return "accepted";
  EXPECT_EQ(loaded.error().kind, base::ErrorKind::invalid_input);
  return loaded.error().message + " | " + loaded.error().hint;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

struct Bad {
  const char* from;
  const char* to;
  const char* said;
};

void refuse_all(const std::vector<Bad>& all) {
  for (const Bad& each : all)
    EXPECT_EQ(said_to(replaced(whole_file, each.from, each.to)), each.said) << each.to;
}

TEST(ConfigBad, NamesPlaceAndNearestOfUnknownKeys) {
  refuse_all({
      {"consecutive: 5", "consecutiv: 5",
       "belay.yaml:39:7: unknown key 'consecutiv' in 'services.node-red.ready' | Did you mean "
       "'consecutive'?"},
      {"watch: 10m", "qqqqqqqq: 10m",
       "belay.yaml:54:3: unknown key 'qqqqqqqq' in 'upgrade' | Known here are migrate, rehearse, "
       "smoke, watch, watch_every, judge."},
      {"{ name: order,", "{ namex: order,",
       "belay.yaml:52:9: unknown key 'namex' in 'upgrade.smoke[0]' | Did you mean 'name'?"},
      {"keep: { points: 4", "keep: { pointz: 4",
       "belay.yaml:60:9: unknown key 'pointz' in 'keep' | Did you mean 'points'?"},
      {"layout: [flows.json]", "lay_out: [flows.json]",
       "belay.yaml:42:61: unknown key 'lay_out' in 'stores.data' | Did you mean 'layout'?"},
  });
}

TEST(ConfigBad, RefusesWrongTypes) {
  refuse_all({
      {"stack: orders", "stack: [orders]",
       "belay.yaml:1:8: 'stack' must be a name of a-z, 0-9 and '-', at most 63, not a list | "},
      {"stack: orders", "stack: Orders",
       "belay.yaml:1:8: 'stack' must be a name of a-z, 0-9 and '-', at most 63, not 'Orders' | It "
       "begins with a letter or a digit."},
      {"stack: orders", "stack:",
       "belay.yaml:1:7: 'stack' must be a name of a-z, 0-9 and '-', at most 63, it is empty | "},
      {"runtime: { process: {} }", "runtime: compose",
       "belay.yaml:2:10: there is no runtime 'compose' | The runtimes are: process."},
      {"runtime: { process: {} }", "runtime: { process: { a: 1 } }",
       "belay.yaml:2:21: runtime 'process' has no keys of its own | Write 'runtime: process'."},
      {"runtime: { process: {} }", "runtime: []",
       "belay.yaml:2:10: 'runtime' must be the name of a runtime, not a list | "},
      {"state: ../state", "state: {}", "belay.yaml:3:8: 'state' must be a path, not a map | "},
      {"state: ../state", "state: ~/state",
       "belay.yaml:3:8: 'state' begins with '~', which only a shell knows | Write ${HOME} "
       "instead."},
      {"config_files: [settings.js,", "config_files: [~/settings.js,",
       "belay.yaml:44:16: 'config_files[0]' begins with '~', which only a shell knows | Write "
       "${HOME} instead."},
      {"state: ../state", "state: ''", "belay.yaml:3:8: 'state' must be a path, it is empty | "},
      {"  db:\n    release:", "  Db:\n    release:",
       "belay.yaml:5:3: 'Db' in 'services' must be a name of a-z, 0-9 and '-', at most 63 | It "
       "begins with a letter or a digit."},
      {"archive: ./dist/db-{to}.tar.gz", "archive: [a]",
       "belay.yaml:7:16: 'services.db.release.archive' must be a path, not a list | "},
      {"run: [node, ./red.js]", "run: node red.js",
       "belay.yaml:16:10: 'services.node-red.run' must be a list of words, not 'node red.js' | "
       "Write it as [program, argument, argument]; no shell splits a text."},
      {"run: [node, ./red.js]", "run: []",
       "belay.yaml:16:10: 'services.node-red.run' names no program | Write it as [program, "
       "argument, argument]."},
      {"run: [node, ./red.js]", "run: [node, [a]]",
       "belay.yaml:16:17: 'services.node-red.run[1]' must be a text, not a list | "},
      {"run: [node, ./red.js]", "run: [node, ~]",
       "belay.yaml:16:17: 'services.node-red.run[1]' must be a text, it is empty | "},
      {"NODE_ENV: production", "1NODE: production",
       "belay.yaml:19:7: '1NODE' cannot be the name of a variable | Names are of letters, digits "
       "and '_', and begin with no digit."},
      {"NODE_ENV: production", "BELAY_START: x",
       "belay.yaml:19:7: 'BELAY_START': names with BELAY_ are belay's own | Belay finds its "
       "services by them; choose another name."},
      {"NODE_ENV: production", "NODE_ENV: { test: a }",
       "belay.yaml:19:17: 'services.node-red.env.NODE_ENV' must be a text, not a map | "},
      {"NODE_ENV: production", "NODE_ENV:",
       "belay.yaml:19:16: 'services.node-red.env.NODE_ENV' must be a text, it is empty | "},
      {"\"env:APP_TOKEN\"", "\"env:APP TOKEN\"",
       "belay.yaml:21:14: 'services.node-red.env.TOKEN' refers to 'env:APP TOKEN', no variable "
       "name | Write env:VARIABLE, or { text: ... } if this is no secret reference."},
      {"file:./secret", "\"file:\"",
       "belay.yaml:22:13: 'services.node-red.env.PASS' refers to a file without a name | Write "
       "file:PATH, or { text: ... } if this is no secret reference."},
      {"signal: SIGINT", "signal: SIGNIT",
       "belay.yaml:25:21: 'services.node-red.stop.signal' must be one of TERM, INT, QUIT, HUP, not "
       "'SIGNIT' | Did you mean 'INT'?"},
      {"signal: SIGINT", "signal: KILL",
       "belay.yaml:25:21: 'services.node-red.stop.signal' must be one of TERM, INT, QUIT, HUP, not "
       "'KILL' | "},
      {"timeout: 1m30s", "timeout: 90",
       "belay.yaml:25:38: 'services.node-red.stop.timeout' must be a duration, not '90' | Write a "
       "number with a unit: 500ms, 20s, 10m, 1h30m, 2d."},
      {"timeout: 1m30s", "timeout: 0s",
       "belay.yaml:25:38: 'services.node-red.stop.timeout' must be a duration over 0s and of at "
       "most 1h, not '0s' | "},
      {"timeout: 1m30s", "timeout: 2h",
       "belay.yaml:25:38: 'services.node-red.stop.timeout' must be a duration over 0s and of at "
       "most 1h, not '2h' | "},
      {"timeout: 1m30s", "timeout: [1s]",
       "belay.yaml:25:38: 'services.node-red.stop.timeout' must be a duration, not a list | "},
      {"http://127.0.0.1:1880/health", "ftp://127.0.0.1/",
       "belay.yaml:27:13: 'services.node-red.ready.http' must be an http or https URL, not "
       "'ftp://127.0.0.1/' | Write it as http://127.0.0.1:8080/health."},
      {"http://127.0.0.1:1880/health", "http://127.0.0.1:99999/",
       "belay.yaml:27:13: 'services.node-red.ready.http' must be an http or https URL, not "
       "'http://127.0.0.1:99999/' | Write it as http://127.0.0.1:8080/health."},
      {"http://127.0.0.1:1880/health", "http:///health",
       "belay.yaml:27:13: 'services.node-red.ready.http' must be an http or https URL, not "
       "'http:///health' | Write it as http://127.0.0.1:8080/health."},
      {"http://127.0.0.1:1880/health", "http://me:secret@127.0.0.1/",
       "belay.yaml:27:13: 'services.node-red.ready.http' must be a URL without a user or a "
       "password | Give a secret with 'bearer: file:PATH' instead."},
      {"\"localhost:5432\"", "\"localhost\"",
       "belay.yaml:10:19: 'services.db.ready.tcp' must be host:port, not 'localhost' | Write it as "
       "127.0.0.1:5432."},
      {"\"localhost:5432\"", "\"300.1.1.1:80\"",
       "belay.yaml:10:19: 'services.db.ready.tcp' must be host:port, not '300.1.1.1:80' | Write it "
       "as 127.0.0.1:5432."},
      {"Accept: application/json", "\"Acc ept\": application/json",
       "belay.yaml:29:18: 'Acc ept' cannot be the name of a header | "},
      {"Accept: application/json", "Accept: \"a\\nb\"",
       "belay.yaml:29:26: 'services.node-red.ready.headers.Accept' must be one line | "},
      {"bearer: file:/etc/token", "bearer: abcdef",
       "belay.yaml:30:15: 'services.node-red.ready.bearer' must be a secret reference | Write "
       "file:PATH or env:VARIABLE."},
      {"status: 201", "status: ok",
       "belay.yaml:32:15: 'services.node-red.ready.status' must be a whole number from 100 to 599, "
       "not 'ok' | "},
      {"status: 201", "status: 99",
       "belay.yaml:32:15: 'services.node-red.ready.status' must be a whole number from 100 to 599, "
       "not '99' | "},
      {"follow_redirects: true", "follow_redirects: yes",
       "belay.yaml:33:25: 'services.node-red.ready.follow_redirects' must be true or false, not "
       "'yes' | "},
      {"follow_redirects: true", "follow_redirects: \"true\"",
       "belay.yaml:33:25: 'services.node-red.ready.follow_redirects' must be true or false, not "
       "'true' | "},
      {"json: { status: ok,", "json: { status: [ok],",
       "belay.yaml:34:23: 'services.node-red.ready.json.status' must be a text, number, true, "
       "false or null, not a list | "},
      {"contains: fine", "contains: ''",
       "belay.yaml:35:17: 'services.node-red.ready.contains' is empty | Remove it or fill it in."},
      {"consecutive: 5", "consecutive: 0",
       "belay.yaml:39:20: 'services.node-red.ready.consecutive' must be a whole number from 1 to "
       "1000, not '0' | "},
      {"stable: 10s", "stable: -1s",
       "belay.yaml:40:15: 'services.node-red.ready.stable' must be a duration, not '-1s' | Write a "
       "number with a unit: 500ms, 20s, 10m, 1h30m, 2d."},
      {"sqlite: ./data/app.db",
       "sqlite:", "belay.yaml:43:17: 'stores.db.sqlite' must be a path, it is empty | "},
      {"exclude: [backups/,", "exclude: [../backups,",
       "belay.yaml:42:40: 'stores.data.exclude[0]' must be a path inside it, not "
       "'../backups' | Write it without '/' at its begin and without '..'."},
      {"exclude: [backups/,", "exclude: [/backups,",
       "belay.yaml:42:40: 'stores.data.exclude[0]' must be a path inside it, not '/backups' "
       "| Write it without '/' at its begin and without '..'."},
      {"exclude: [backups/,", "exclude: [., app.db/,",
       "belay.yaml:42:40: 'stores.data.exclude[0]' must be a path inside it, not '.' (Write "
       "it without '/' at its begin and without '..'.)\nbelay.yaml:42:52: 'stores.data.exclude[2]' "
       "repeats 'app.db' | Correct these 2 places in 'belay.yaml'."},
      {"config_files: [settings.js,", "config_files: [settings.js, ./settings.js,",
       "belay.yaml:44:29: 'config_files[1]' repeats '/srv/orders/settings.js' | "},
      {"config_files: [settings.js, /etc/orders.conf]", "config_files: settings.js",
       "belay.yaml:44:15: 'config_files' must be a list of paths, not 'settings.js' | "},
      {"min: 0,", "min: few,",
       "belay.yaml:47:12: 'checks[0].min' must be a number, not 'few' | Write it as 3, 0.5 or "
       "-1e6."},
      {"min: 0,", "min: 1e999,",
       "belay.yaml:47:12: 'checks[0].min' must be a number, not '1e999' | Write it as 3, 0.5 or "
       "-1e6."},
      {"min: 0,", "min: .5,",
       "belay.yaml:47:12: 'checks[0].min' must be a number, not '.5' | Write it as 3, 0.5 or "
       "-1e6."},
      {"level: full", "level: ful",
       "belay.yaml:57:71: 'triggers[0].level' must be one of auto, restart, release, data, full, "
       "not 'ful' | Did you mean 'full'?"},
      {"failing_for: 2m,", "",
       "belay.yaml:57:5: 'triggers[0]' has no condition | Give failing_for, or one or more of "
       "above, below, growth and growth_percent."},
      {"probe: smoke-2, failing_for: 1s", "probe: check-2, failing_for: 1s, above: 3",
       "belay.yaml:58:36: 'triggers[1]' has both 'failing_for' and a number's condition | Give "
       "failing_for, or one or more of above, below, growth and growth_percent."},
      {"probe: smoke-2, failing_for: 1s", "probe: smoke-2, failing_for: 1s, for: 2s",
       "belay.yaml:58:45: 'triggers[1].for' is for numbers | With failing_for it has no meaning; "
       "remove it."},
      {"probe: smoke-2, failing_for: 1s", "probe: check-2, above: 5, below: 5.0",
       "belay.yaml:58:30: 'triggers[1]' can never fire: nothing is above 5 and below 5.0 | All "
       "conditions of a trigger must hold; make two triggers of it."},
      {"probe: smoke-2, failing_for: 1s", "probe: check-2, growth: -5",
       "belay.yaml:58:31: 'triggers[1].growth' must not be negative | For a number that must not "
       "fall, give the check min_of_baseline."},
      {"probe: smoke-2, failing_for: 1s", "probe: smoke-2, above: 5",
       "belay.yaml:58:14: trigger 'trigger-2' wants a number, but probe 'smoke-2' gives none | "
       "Name the number in the JSON answer of a check: value: orders.count."},
      {"probe: smoke-2, failing_for: 1s", "probe: check-2, above: 5, severity: mild",
       "belay.yaml:58:43: 'triggers[1].severity' must be one of critical, warning, not 'mild' | "},
      {"points: 4", "points: 0",
       "belay.yaml:60:17: 'keep.points' must be a whole number from 1 to 1000, not '0' | "},
      {"releases: 6", "releases: 1",
       "belay.yaml:60:44: 'keep.releases' must be a whole number from 2 to 1000, not '1' | "},
      {"keep: { points: 4, abandoned: 5, releases: 6 }", "keep: [4]",
       "belay.yaml:60:7: 'keep' must be a map of keys, not a list | "},
      {"checks:\n  - { name: orders", "checks:\n  - orders\n  - { name: orders",
       "belay.yaml:46:5: 'checks[0]' must be a map of keys, not 'orders' | "},
      {"upgrade:\n", "upgrade: 3\nx:\n",
       "belay.yaml:49:10: 'upgrade' must be a map of keys, not '3'\nbelay.yaml:50:1: unknown key "
       "'x' in 'belay.yaml' (Known here are stack, runtime, state, docker_socket, env_file, "
       "compose, services, stores, config_files, checks, preflight, upgrade, hooks, triggers, "
       "notify, keep, repository, backup.) | Correct these 2 places in 'belay.yaml'."},
  });
}

TEST(ConfigBad, RefusesKeysThatDoNotGoTogether) {
  refuse_all({
      {"checksums: ./dist/SHA256SUMS", "sha256: abc",
       "belay.yaml:8:15: 'services.db.release.sha256' must be 64 digits from 0-9a-f, not 'abc' | "
       "'sha256sum FILE' prints them."},
      {"checksums: ./dist/SHA256SUMS", "timeout: 3s",
       "belay.yaml:8:16: 'services.db.release.timeout' has no meaning beside 'archive' | It goes "
       "with command."},
      {"      checksums: ./dist/SHA256SUMS\n", "",
       "belay.yaml:7:16: 'services.db.release' has an archive without a digest | Give exactly one "
       "of sha256 and checksums."},
      {"checksums: ./dist/SHA256SUMS",
       "checksums: ./dist/SHA256SUMS\n      sha256: "
       "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
       "belay.yaml:7:16: 'services.db.release' has both 'sha256' and 'checksums' | Give exactly "
       "one of sha256 and checksums."},
      {"command: [./make, \"{to}\",", "command: [./make, \"{from}\",",
       "belay.yaml:13:16: 'services.node-red.release.command' does not hold '{to}' | Put {to} "
       "where the release is named, or every upgrade is the same."},
      {"archive: ./dist/db-{to}.tar.gz", "archive: ./dist/db.tar.gz",
       "belay.yaml:7:16: 'services.db.release.archive' does not hold '{to}' | Put {to} where the "
       "release is named, or every upgrade is the same."},
      {"archive: ./dist/db-{to}.tar.gz",
       "archive: ./dist/db-{to}.tar.gz\n      directory: ./dist/{to}",
       "belay.yaml:7:7: 'services.db.release' has both 'directory' and 'archive' | Give exactly "
       "one of directory, archive, command."},
      {"      command: [./make, \"{to}\", \"${FLAVOUR:-plain}\"]\n      timeout: 3m", "      {}",
       "belay.yaml:13:7: 'services.node-red.release' has none of directory, archive, command | "
       "Give exactly one of directory, archive, command."},
      {"http: http://127.0.0.1:1880/health",
       "http: http://127.0.0.1:1880/health\n      tcp: 127.0.0.1:80",
       "belay.yaml:27:7: 'services.node-red.ready' has both 'http' and 'tcp' | Give exactly one of "
       "process, http, tcp, run."},
      {"{ tcp: \"localhost:5432\", foreign: true, timeout: 2s }",
       "{ tcp: \"localhost:5432\", status: 200 }",
       "belay.yaml:10:45: 'services.db.ready.status' has no meaning beside 'tcp' | It goes with "
       "http."},
      {"{ tcp: \"localhost:5432\", foreign: true, timeout: 2s }", "{ process: false }",
       "belay.yaml:10:23: 'process' of probe 'db.ready' can only be true | Remove it and give "
       "http, tcp or run instead."},
      {"within: 30s", "within: 9s",
       "belay.yaml:37:15: 'services.node-red.ready' can never pass: its readings take 10s, "
       "'within' is 9s | Raise within, or lower consecutive, every or stable."},
      {"{ process: true, service: db }", "{ process: true }",
       "belay.yaml:53:18: 'upgrade.smoke[1].process' needs 'service' | Name the service whose "
       "process must live."},
      {"{ process: true, service: db }", "{ process: true, service: dc }",
       "belay.yaml:53:33: there is no service 'dc' | Did you mean 'db'?"},
      {"{ process: true, service: db }", "{ run: [a], service: db }",
       "belay.yaml:53:28: 'upgrade.smoke[1].service' cannot be looked at by this probe | Only with "
       "process, or http, tcp or metric on a loopback address."},
      {"{ process: true, service: db }", "{ tcp: \"10.0.0.1:80\", service: db }",
       "belay.yaml:53:38: 'upgrade.smoke[1].service' cannot be looked at by this probe | Only with "
       "process, or http, tcp or metric on a loopback address."},
      {"{ process: true, service: db }", "{ name: x }",
       "belay.yaml:53:7: 'upgrade.smoke[1]' has none of process, http, tcp, run | Give exactly one "
       "of process, http, tcp, run."},
      {"{ process: true, service: db }", "{ name: order, run: [a] }",
       "belay.yaml:53:15: the name 'order' is used twice (It is also in line 52: give each its "
       "own.)\nbelay.yaml:58:14: trigger 'trigger-2' looks at 'smoke-2', which is no probe (The "
       "probes are db.ready, node-red.ready, orders, check-2, order, order.) | Correct these 2 "
       "places in 'belay.yaml'."},
      {"{ process: true, service: db }", "{ name: orders, run: [a] }",
       "belay.yaml:53:15: the name 'orders' is used twice (It is also in line 46: give each its "
       "own.)\nbelay.yaml:58:14: trigger 'trigger-2' looks at 'smoke-2', which is no probe (The "
       "probes are db.ready, node-red.ready, orders, check-2, order, orders.) | Correct these 2 "
       "places in 'belay.yaml'."},
      {"{ run: [./count], value: n }", "{ run: [./count], min: 3 }",
       "belay.yaml:48:28: 'checks[1].min' needs 'value' | Name the number in the JSON answer: "
       "value: orders.count."},
      {"{ run: [./count], value: n }", "{ metric: m }",
       "belay.yaml:48:15: 'checks[1]' needs 'at' | Give the URL of the page, or of the Prometheus "
       "server."},
      {"{ run: [./count], value: n }", "{ metric: m, at: \"http://h/\", at_least: 3 }",
       "belay.yaml:48:15: 'checks[1]' needs 'share_of' | 'at_least' and 'share_of_labels' have no "
       "meaning without it."},
      {"{ run: [./count], value: n }", "{ metric: m, at: \"http://h/\", over: 10m }",
       "belay.yaml:48:41: 'checks[1].over' is not shorter than the watch | The window would never "
       "be full: shorten it, or watch for longer."},
      {"{ run: [./count], value: n }", "{ metric: m, at: \"http://h/\", labels: { a: \"~(\" } }",
       "belay.yaml:48:48: '(' is no pattern: missing ): ( | The syntax is RE2's: no look-around, "
       "no back-references."},
      {"{ run: [./count], value: n }", "{ log: { service: dc, pattern: x } }",
       "belay.yaml:48:23: there is no service 'dc' | Did you mean 'db'?"},
      {"{ run: [./count], value: n }", "{ mounted: { service: db, volumes: [\"data\"] } }",
       "belay.yaml:48:27: 'db' is no container (Only of services with container or compose it can "
       "be told.)\nbelay.yaml:48:40: 'data' is not SOURCE:PATH (Name a volume, and where it must "
       "be seen: shop_data:/data.) | Correct these 2 places in 'belay.yaml'."},
      {"{ run: [./count], value: n }", "{ memory: dc }",
       "belay.yaml:48:15: there is no service 'dc' | Did you mean 'db'?"},
      {"{ run: [./count], value: n }", "{ disk: /srv, service: db }",
       "belay.yaml:48:28: 'checks[1].service' cannot be looked at by this probe | Only with "
       "process, or http, tcp or metric on a loopback address."},
      {"{ run: [./count], value: n }", "{ run: [./count], as: age }",
       "belay.yaml:48:27: 'checks[1].as' needs 'value' | Name the time in the JSON answer: value: "
       "backup.last_success."},
      {"{ run: [./count], value: n }", "{ disk: /srv, take: sum }",
       "belay.yaml:48:25: 'checks[1].take' has no meaning beside 'disk' | It goes with metric or "
       "promql."},
      {"min: 0, max: 1e6", "min: 2, max: 1", "belay.yaml:47:12: 'checks[0].min' is above 'max' | "},
      {"min_of_baseline: 1.0", "min_of_baseline: -1",
       "belay.yaml:47:42: 'checks[0].min_of_baseline' must not be negative | It is a ratio: 1.0 is "
       "the number before the change."},
      {"min_of_baseline: 1.0", "min_of_baseline: 3",
       "belay.yaml:47:42: 'checks[0].min_of_baseline' is above 'max_of_baseline' | "},
      {"watch_every: 5s", "watch_every: 11m",
       "belay.yaml:55:16: 'upgrade.watch_every' is longer than 'upgrade.watch' | Nothing would be "
       "measured: shorten it, or leave it out."},
      {"triggers:\n",
       "preflight: { hold_lines: [ { crontab: /etc/crontab, with: x } ] }\ntriggers:\n",
       "belay.yaml:56:59: 'x' tells no line from the others | Write a part of the line, as "
       "/opt/watchdog.sh."},
      {"triggers:\n", "preflight: { hold_units: [a.timer, b.service] }\ntriggers:\n",
       "belay.yaml:56:26: 'b.service' cannot be held | Only timers and path units can, as "
       "refresh.timer."},
      {"triggers:\n", "preflight: { hold: [/etc/crontab] }\ntriggers:\n",
       "belay.yaml:56:20: '/etc/crontab' cannot be held | Only files that cron reads in a folder "
       "can, as /etc/cron.d/watchdog; lines of a crontab by `hold_lines`."},
      {"probe: node-red.ready", "probe: nodered.ready",
       "belay.yaml:57:31: trigger 'not-ready' looks at 'nodered.ready', which is no probe | Did "
       "you mean 'node-red.ready'?"},
      {"probe: node-red.ready", "probe: zzzzzzzzzzzzzz",
       "belay.yaml:57:31: trigger 'not-ready' looks at 'zzzzzzzzzzzzzz', which is no probe | The "
       "probes are db.ready, node-red.ready, orders, check-2, order, smoke-2."},
      {"{ probe: smoke-2,", "{ name: not-ready, probe: smoke-2,",
       "belay.yaml:58:13: the name 'not-ready' is used twice | It is also in line 57: give each "
       "its own."},
      {"[\"{release}/bin/db\", --data", "[\"{release}/bin/db\", \"{to}\"",
       "belay.yaml:9:10: '{to}' is known in a service's 'release' and 'image' only | A command "
       "finds the "
       "target in the variable BELAY_TO."},
      {"run: [./smoke.sh]", "run: [./smoke.sh, \"{to}\"]",
       "belay.yaml:52:27: '{to}' is known in a service's 'release' and 'image' only | A command "
       "finds the "
       "target in the variable BELAY_TO."},
      {"run: [./smoke.sh]", "run: [\"{release}/smoke.sh\"]",
       "belay.yaml:52:27: '{release}' is known in a service's 'run', 'working_folder', 'env' and "
       "'release.command' only | Name the place otherwise."},
  });
}

TEST(ConfigBad, RefusesPlacesInsideOneAnother) {
  refuse_all({
      {"exclude: [backups/, \"app.db\"],", "exclude: [backups/],",
       "belay.yaml:43:17: store 'db' is inside store 'data' | Add 'app.db' to "
       "'stores.data.exclude', or remove one of them."},
      {"db: { sqlite: ./data/app.db }", "db: { directory: ./data }",
       "belay.yaml:43:20: stores 'data' and 'db' are the same place | Remove one of them."},
      {"db: { sqlite: ./data/app.db }", "db: { directory: ./data/sub }",
       "belay.yaml:43:20: store 'db' is inside store 'data' | Add 'sub' to 'stores.data.exclude', "
       "or remove one of them."},
      {"db: { sqlite: ./data/app.db }", "all: { directory: .. }",
       "belay.yaml:42:22: store 'data' is inside store 'all' (Add 'orders/data' to "
       "'stores.all.exclude', or remove one of them.)\nbelay.yaml:43:21: store 'all' holds "
       "'state', so that it would capture itself (Choose another folder, or add 'state' to "
       "'stores.all.exclude'.) | Correct these 2 places in 'belay.yaml'."},
      {"db: { sqlite: ./data/app.db }", "db: { directory: ../state/x }",
       "belay.yaml:43:20: store 'db' is inside 'state' | Keep the data apart from what belay makes "
       "and removes."},
      {"db: { sqlite: ./data/app.db }", "db: { postgres: { data: ./data/pg } }",
       "belay.yaml:43:27: store 'db' is inside store 'data' | Add 'pg' to 'stores.data.exclude', "
       "or "
       "remove one of them."},
      {"db: { sqlite: ./data/app.db }", "db: { postgres: { data: /pg }, ledger: SELECT 1 }",
       "belay.yaml:43:42: a store with 'postgres.data' has no 'ledger' | Its server is stopped "
       "when "
       "belay decides."},
      {"state: ../state", "state: ./data/.belay",
       "belay.yaml:42:22: store 'data' holds 'state', so that it would capture itself | Choose "
       "another folder, or add '.belay' to 'stores.data.exclude'."},
      {"state: ../state", "state: ./data",
       "belay.yaml:42:22: store 'data' holds 'state', so that it would capture itself (Choose "
       "another folder.)\nbelay.yaml:43:17: store 'db' is inside 'state' (Keep the data apart from "
       "what belay makes and removes.) | Correct these 2 places in 'belay.yaml'."},
      {"releases: /opt/node-red", "releases: ./data/releases",
       "belay.yaml:42:22: store 'data' holds 'services.node-red.releases', so that it would "
       "capture itself | Choose another folder, or add 'releases' to 'stores.data.exclude'."},
      {"releases: /opt/node-red", "releases: /srv",
       "belay.yaml:15:15: 'services.node-red.releases' holds the state folder (Choose a folder "
       "that holds nothing else.)\nbelay.yaml:15:15: 'services.node-red.releases' is also the "
       "folder of service 'db' (Give each service its own.)\nbelay.yaml:42:22: store 'data' is "
       "inside 'services.node-red.releases' (Keep the data apart from what belay makes and "
       "removes.)\nbelay.yaml:43:17: store 'db' is inside 'services.node-red.releases' (Keep the "
       "data apart from what belay makes and removes.)\nbelay.yaml:44:15: config file "
       "'/srv/orders/settings.js' is inside 'services.node-red.releases' (Keep it apart from what "
       "belay makes and removes.) | Correct these 5 places in 'belay.yaml'."},
      {"releases: /opt/node-red", "releases: ../state/releases/db",
       "belay.yaml:15:15: 'services.node-red.releases' is also the folder of service 'db' | Give "
       "each service its own."},
      {"log: ./node-red.log", "log: /opt/node-red",
       "belay.yaml:24:10: 'services.node-red.log' is also a folder of releases | Name a file."},
      {"config_files: [settings.js,", "config_files: [../state/settings.js,",
       "belay.yaml:44:15: config file '/srv/state/settings.js' is inside 'state' | Keep it apart "
       "from what belay makes and removes."},
      {"config_files: [settings.js,", "config_files: [data,",
       "belay.yaml:44:15: config file '/srv/orders/data' holds store 'data' (Name files here, and "
       "leave data to the stores.)\nbelay.yaml:44:15: config file '/srv/orders/data' holds store "
       "'db' (Name files here, and leave data to the stores.) | Correct these 2 places in "
       "'belay.yaml'."},
      {"layout: [flows.json]", "layout: [backups/flows.json]",
       "belay.yaml:42:69: layout file 'backups/flows.json' of store 'data' is excluded | What is "
       "excluded cannot tell the layout of the data."},
  });
}

} // namespace
} // namespace config
