// The effective config: every value with its origin, readable again, without secrets.
#include "config/config.hpp"
#include "sim/sim_world.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace config {
namespace {

Loaded loaded_from(const std::string& text, const Environment& environment = {}) {
  sim::SimWorld world;
  world.host.disk.write("/srv/orders/.env", "PORT=1880\nNAME=from-file\n");
  auto loaded = parse(world.ports().files, text, "/srv/orders/belay.yaml", environment);
  if (!loaded) {
    ADD_FAILURE() << loaded.error().message << "\n" << loaded.error().hint << "\n" << text;
    return {};
  }
  return std::move(loaded).value();
}

const char* const text = R"(stack: ${NAME}
env_file: .env
services:
  web:
    release: { directory: "./dist/{to}" }
    run: [./serve, "1 2", $$HOME]
    env: { PORT: "${PORT}", API_TOKEN: abc, PASSWORD: "file:secret", NOTE: "yes", COST: 5$$ }
    ready: { http: "http://127.0.0.1:${PORT}/health", json: { status: ok, "a[0]": 2 } }
checks: [ { run: [count], value: n, max: 1e3 }, { name: b, tcp: "db:1" } ]
)";

TEST(Render, PrintsEveryValueWithItsOrigin) {
  EXPECT_EQ(render_effective(loaded_from(text, {{"NAME", "orders"}})),
            R"yaml(stack: orders                                   # belay.yaml:1:8, env NAME
runtime: process                                # default
state: /srv/orders/.belay                       # default
docker_socket: /var/run/docker.sock             # default
env_file: [/srv/orders/.env]                    # belay.yaml:2:11

compose:
  files: []                                     # default

services:
  web:
    release:
      directory: "/srv/orders/dist/{to}"        # belay.yaml:5:27
    releases: /srv/orders/.belay/releases/web   # default
    run: [./serve, "1 2", "$$HOME"]             # belay.yaml:6:10
    working_folder: "{release}"                 # default
    env:
      PORT: "1880"                              # belay.yaml:7:18, .env PORT
      API_TOKEN: "(hidden)"                     # belay.yaml:7:40
      PASSWORD: file:/srv/orders/secret         # belay.yaml:7:55
      NOTE: "yes"                               # belay.yaml:7:76
      COST: "5$$"                               # belay.yaml:7:89
    log: /srv/orders/.belay/log/web.log         # default
    stop:
      signal: TERM                              # default
      timeout: 20s                              # default
    ready:
      within: 1m                                # default
      every: 1s                                 # default
      consecutive: 3                            # default
      stable: 0s                                # default
      foreign: false                            # default
      http: http://127.0.0.1:1880/health        # belay.yaml:8:20, .env PORT
      method: GET                               # default
      headers: {}                               # default
      status: 200                               # default
      follow_redirects: false                   # default
      json:
        status: ok                              # belay.yaml:8:71
        "a[0]": 2                               # belay.yaml:8:83
      timeout: 5s                               # default
stores: {}                                      # default
config_files: []                                # default

checks:
  - name: check-1                               # default
    value: "n"                                  # belay.yaml:9:34
    as: number                                  # default
    max: 1000.0                                 # belay.yaml:9:42
    run: [count]                                # belay.yaml:9:18
    timeout: 5s                                 # default
  - name: b                                     # belay.yaml:9:57
    tcp: db:1                                   # belay.yaml:9:65
    timeout: 5s                                 # default

preflight:
  disk_margin: "256MiB"                         # default
  memory_free: "64MiB"                          # default
  env_files: []                                 # default
  examples: [".env.example", ".env.sample", ".env.template", docker-compose.yml, )yaml"
            R"yaml(docker-compose.yaml, compose.yml, compose.yaml, values.yaml]  # default
  licenses: []                                  # default
  git: []                                       # default
  backups: []                                   # default
  neighbours: []                                # default
  hold: []                                      # default
  hold_lines: []                                # default
  windows: []                                   # default
  evidence: []                                  # default
  levels:
    disk: block                                 # default
    memory: block                               # default
    open-files: block                           # default
    clock: block                                # default
    environment: block                          # default
    placeholders: block                         # default
    license: block                              # default
    git: block                                  # default
    backups: block                              # default
    claims: block                               # default
    other-hands: block                          # default
    release-notes: warn                         # default

upgrade:
  migrate: []                                   # default
  rehearse: auto                                # default
  smoke: []                                     # default
  watch: 1m                                     # default
  watch_every: 2s                               # default
  judge:
    probes: []                                  # default
    numbers: []                                 # default
    every: 3s                                   # default
    baseline: 30m                               # default
    warm_up: 5m                                 # default
    ratio: 1.5                                  # default
    history: 23h                                # default

hooks:
  pre_check: []                                 # default
  pre_quiesce: []                               # default
  post_secure: []                               # default
  post_start: []                                # default
  post_ready: []                                # default
  pre_rollback: []                              # default
  post_rollback: []                             # default
triggers: []                                    # default
notify: []                                      # default

keep:
  points: 2                                     # default
  abandoned: 2                                  # default
  releases: 3                                   # default
)yaml");
}

TEST(Render, IsReadAsTheSameStack) {
  const char* const other = R"(stack: orders
services:
  a:
    release: { archive: "d/{to}.tar", sha256: ")"
                            "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
                            R"(" }
    run: ["{release}/a", "--json={\"a\": 1}", "tab\there", "ünï", "$$x", "# no comment", "'", "~"]
    working_folder: "{release}/sub"
    env: { A: "file:/x y", B: { text: "env:C" }, C: "env:C", D: "", E: "null", F: "a: b", G: "3" }
    stop: { signal: HUP, timeout: 1500ms }
    ready: { run: [./ready, "-"], contains: "yes", stable: 90s, within: 2m, every: 300ms }
  b:
    release: { command: [make, "{to}"], timeout: 1d }
    run: [b]
    ready: { http: "https://[::1]:8443/?a=$$b#c", headers: { X-A: "1", "If-Match": "\"q\"" },
             bearer: "env:TOKEN", json: { "a.b[0]": null, "[1]": 1.50, c: "1.50", d: false },
             body: "line\nline\n", method: PUT, foreign: true }
stores: { d: { directory: /data, exclude: ["a b", x/y] }, s: { sqlite: /data2/s.db } }
config_files: [a.conf]
checks: [ { http: "http://h/", value: "a['b.c']", min: -1e-3, max_of_baseline: 0 } ]
upgrade: { migrate: [ { run: [a] } ], smoke: [ { process: true, service: a }, { tcp: "h:1" } ],
           watch: 0s }
triggers: [ { name: t, probe: a.ready, failing_for: 100ms, level: data } ]
keep: { points: 9 }
)";
  for (const char* const first_text : {text, other}) {
    const Environment environment{{"NAME", "orders"}};
    const Loaded first = loaded_from(first_text, environment);
    std::string printed = render_effective(first);
    if (const auto at = printed.find("\"(hidden)\""); at != std::string::npos)
      printed.replace(at, 10, "abc");
    const Loaded second = loaded_from(printed, environment);
    EXPECT_EQ(second.effective_digest, first.effective_digest) << printed;
    ASSERT_EQ(second.origins.size(), first.origins.size());
    for (std::size_t i = 0; i < first.origins.size(); ++i)
      EXPECT_EQ(second.origins[i].value, first.origins[i].value);
  }
}

TEST(Render, DigestFollowsValuesNotForm) {
  const Environment environment{{"NAME", "orders"}};
  const std::string digest = loaded_from(text, environment).effective_digest;
  EXPECT_EQ(digest.size(), 64U);
  const auto digest_with = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    const auto at = changed.find(from);
    EXPECT_NE(at, std::string::npos);
    return loaded_from(changed.replace(at, from.size(), to), environment).effective_digest;
  };
  EXPECT_EQ(digest_with("stack: ${NAME}", "# a comment\nstack: 'orders'"), digest);
  EXPECT_EQ(digest_with("max: 1e3", "max: 1e3, timeout: 5000ms"), digest);
  EXPECT_NE(digest_with("API_TOKEN: abc", "API_TOKEN: abd"), digest); // though it is hidden
  EXPECT_NE(digest_with("PASSWORD: \"file:secret\"", "PASSWORD: {text: \"file:secret\"}"), digest);
  EXPECT_NE(digest_with("max: 1e3", "max: 1e4"), digest);
}

TEST(Render, JsonHoldsValuesAndOrigins) {
  const std::string json = render_effective_json(loaded_from(text, {{"NAME", "orders"}}));
  EXPECT_EQ(json.find("abc"), std::string::npos);
  const auto all = nlohmann::json::parse(json);
  EXPECT_EQ(all["stack"], "orders");
  EXPECT_EQ(all["config"]["services"]["web"]["ready"]["json"]["a[0]"], 2);
  EXPECT_EQ(all["config"]["checks"][1]["name"], "b");
  EXPECT_EQ(all["config"]["checks"][0]["max"], 1000.0);
  EXPECT_EQ(all["config"]["stores"], nlohmann::json::object());
  EXPECT_EQ(all["origins"]["checks[0].value"], "belay.yaml:9:34");
  EXPECT_EQ(all["origins"]["services.web.env.PORT"], "belay.yaml:7:18, .env PORT");
}

} // namespace
} // namespace config
