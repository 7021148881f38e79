// From a machine in memory to a belay.yaml that config accepts, for each kind of evidence.
#include "discovery/draft.hpp"
#include "discovery/look.hpp"
#include "sim/sim_world.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace {

using base::ErrorKind;
using discovery::Answers;

class discovery_of_a_folder : public testing::Test {
protected:
  discovery_of_a_folder() {
    sim.host.disk.write("/srv/shop/app.py", "print()");
    sim.host.disk.write("/usr/bin/python3", "", 0755);
  }
  void database(const std::string& path) {
    std::string bytes{"SQLite format 3\0", 16};
    bytes.resize(1024, 'x');
    sim.host.disk.write(path, bytes);
  }
  world::ListeningProcess& runs(int pid, std::vector<std::string> argv,
                                const std::string& folder = "/srv/shop", int port = 8080) {
    world::ListeningProcess process;
    process.process.id = {pid, 1, "boot-1"};
    process.process.parent_pid = 1;
    process.argv = std::move(argv);
    process.working_folder = folder;
    process.user = "shop";
    process.ports = {{"127.0.0.1", port}};
    sim.host.listening.push_back(std::move(process));
    return sim.host.listening.back();
  }
  void answers_http(const std::string& path, const std::string& body, int port = 8080) {
    for (const char* each : {"/health", "/healthz", "/readyz", "/ready", "/api/health",
                             "/api/healthz", "/-/healthy", "/status", "/"}) {
      auto& page = sim.host.pages["http://127.0.0.1:" + std::to_string(port) + each];
      page.status = each == path ? 200 : 404;
      page.body = each == path ? body : "";
    }
  }
  discovery::Seen look() {
    auto seen = discovery::look(sim.ports(), "/srv/shop", {});
    EXPECT_TRUE(seen);
    return seen.value();
  }
  discovery::Draft drafted(const Answers& answers) {
    auto draft = discovery::draft(look(), answers);
    if (!draft)
      ADD_FAILURE() << draft.error().message;
    return draft ? draft.value() : discovery::Draft{};
  }
  // The file, as config reads it: it must be valid in every test.
  config::Loaded loaded(const Answers& answers) {
    text = drafted(answers).text;
    auto parsed =
        config::parse(sim.ports().files, text, "/srv/shop/belay.yaml", config::Environment{});
    if (!parsed)
      ADD_FAILURE() << parsed.error().message << "\n" << text;
    return parsed ? parsed.value() : config::Loaded{};
  }
  bool has_note(const discovery::Draft& draft, const std::string& part) {
    return std::ranges::any_of(draft.notes,
                               [&](const std::string& note) { return note.contains(part); });
  }

  sim::SimWorld sim;
  std::string text;
  const Answers from_dist{{"release", "./dist/{to}"}};
};

TEST_F(discovery_of_a_folder, nothing_is_known_and_both_questions_must_be_answered) {
  const auto draft = drafted({});
  EXPECT_TRUE(draft.text.empty());
  std::vector<std::string> keys;
  for (const auto& question : draft.questions)
    if (question.guess.empty())
      keys.push_back(question.key);
  EXPECT_EQ(keys, (std::vector<std::string>{"run", "release"}));
}

TEST_F(discovery_of_a_folder, answers_alone_make_a_valid_file) {
  const auto made = loaded({{"run", "./bin/shop --data {project}/data"},
                            {"release", "./dist/shop-{to}.tar.gz"},
                            {"ready", "http://127.0.0.1:9/health"},
                            {"data", "./data,shop.db"},
                            {"stack", "corner"}});
  EXPECT_EQ(made.stack.name, "corner");
  ASSERT_EQ(made.stack.services.size(), 1U);
  EXPECT_EQ(made.stack.services[0].release.path, "/srv/shop/dist/shop-{to}.tar.gz");
  EXPECT_EQ(made.stack.services[0].release.checksums, "/srv/shop/dist/SHA256SUMS");
  EXPECT_EQ(made.stack.stores.size(), 2U);
  EXPECT_EQ(made.stack.stores[1].kind, domain::StoreKind::sqlite);
}

TEST_F(discovery_of_a_folder, wrong_answers_are_refused_with_the_way_out) {
  for (const Answers& wrong : {Answers{{"relezse", "x"}}, Answers{{"run", "a | b"}},
                               Answers{{"run", "a"}, {"release", "./dist"}},
                               Answers{{"run", "a"}, {"release", "git"}, {"ready", "soon"}},
                               Answers{{"run", "a"}, {"release", "git"}, {"data", "."}}}) {
    const auto draft = discovery::draft(look(), wrong);
    ASSERT_FALSE(draft) << wrong.begin()->first;
    EXPECT_EQ(draft.error().kind, ErrorKind::invalid_input);
    EXPECT_FALSE(draft.error().hint.empty());
  }
}

TEST_F(discovery_of_a_folder, a_running_process_is_a_service_with_its_port_and_health) {
  runs(12, {"python3", "app.py", "--data", "./data"});
  sim.host.disk.write("/srv/shop/data/x", "1");
  answers_http("/health", R"({"status":"ok"})");
  const auto made = loaded(from_dist);
  ASSERT_EQ(made.stack.services.size(), 1U);
  const auto& service = made.stack.services[0];
  EXPECT_EQ(service.name, "shop");
  EXPECT_EQ(service.run,
            (std::vector<std::string>{"python3", "{release}/app.py", "--data", "/srv/shop/data"}));
  EXPECT_EQ(service.working_folder, "/srv/shop");
  EXPECT_EQ(service.ready.probe.url, "http://127.0.0.1:8080/health");
  ASSERT_EQ(made.stack.stores.size(), 1U);
  EXPECT_EQ(made.stack.stores[0].path, "/srv/shop/data");
  EXPECT_TRUE(text.contains("json: { status: ok }"));
  EXPECT_TRUE(text.contains("process 12"));
}

TEST_F(discovery_of_a_folder, a_process_elsewhere_and_a_worker_are_no_services) {
  runs(12, {"python3", "app.py"});
  auto& worker = runs(13, {"python3", "app.py"});
  worker.process.parent_pid = 12;
  runs(14, {"nginx"}, "/", 80);
  EXPECT_EQ(loaded(from_dist).stack.services.size(), 1U);
}

TEST_F(discovery_of_a_folder, two_processes_get_names_of_their_own) {
  runs(12, {"python3", "app.py"});
  sim.host.disk.write("/srv/shop/mail.py", "");
  runs(13, {"python3", "/srv/shop/mail.py"}, "/", 8081);
  const auto made = loaded(from_dist);
  ASSERT_EQ(made.stack.services.size(), 2U);
  EXPECT_EQ(made.stack.services[0].name, "app");
  EXPECT_EQ(made.stack.services[1].name, "mail");
  EXPECT_EQ(made.stack.services[1].working_folder, "/");
}

TEST_F(discovery_of_a_folder, a_process_in_a_release_folder_tells_where_releases_are) {
  sim.host.disk.write("/srv/shop/dist/1.9/bin/app", "", 0755);
  sim.host.disk.write("/srv/shop/dist/1.10/bin/app", "", 0755);
  sim.host.disk.write("/srv/shop/dist/1.9/data/x", "");
  runs(12, {"./bin/app", "--conf", "/srv/shop/app.conf"}, "/srv/shop/dist/1.9");
  sim.host.disk.write("/srv/shop/app.conf", "");
  const auto made = loaded({});
  const auto& service = made.stack.services.at(0);
  EXPECT_EQ(service.release.path, "/srv/shop/dist/{to}");
  EXPECT_EQ(service.run, (std::vector<std::string>{"./bin/app", "--conf", "/srv/shop/app.conf"}));
  EXPECT_EQ(made.stack.config_files, std::vector<std::string>{"/srv/shop/app.conf"});
  EXPECT_TRUE(made.stack.stores.empty());
  EXPECT_EQ(drafted({}).next.back(), "belay upgrade shop --to 1.9");
}

TEST_F(discovery_of_a_folder, archives_are_taken_when_a_list_of_checksums_is_with_them) {
  runs(12, {"python3", "app.py"});
  sim.host.disk.write("/srv/shop/dl/shop-1.0.tar.gz", "x");
  EXPECT_TRUE(drafted({}).text.empty());
  sim.host.disk.write("/srv/shop/dl/SHA256SUMS", "x");
  const auto made = loaded({});
  EXPECT_EQ(made.stack.services.at(0).release.path, "/srv/shop/dl/shop-{to}.tar.gz");
}

TEST_F(discovery_of_a_folder, a_git_repository_is_a_source_with_its_tags) {
  runs(12, {"python3", "app.py"});
  sim.host.disk.write("/srv/shop/.git/packed-refs", "aa refs/tags/v1.2\nbb refs/tags/v1.10\n");
  const auto made = loaded({});
  EXPECT_EQ(made.stack.services.at(0).release.kind, domain::ReleaseSourceKind::command);
  EXPECT_EQ(drafted({}).next.back(), "belay upgrade shop --to v1.10");
}

TEST_F(discovery_of_a_folder, no_value_of_the_variables_file_is_in_what_is_said) {
  sim.host.disk.write("/srv/shop/.env", "PORT=8080\nAPI_TOKEN=hunter2-abc\nOTHER=elsewhere\n"
                                        "DB_URL=postgres://u:hunter3@db/shop\n");
  auto& process = runs(12, {"python3", "app.py", "--token", "hunter2-abc", "--port=8080", "--db",
                            "postgres://u:hunter3@db/shop", "--password", "hunter4"});
  process.environment = {
      {"PORT", "8080"}, {"API_TOKEN", "hunter2-abc"}, {"EXTRA", "hunter5"}, {"PATH", "/bin"}};
  const auto seen = look();
  std::string all;
  for (const auto& each : seen.evidence)
    all += discovery::tell(seen, each).seen + "\n";
  const auto draft = drafted(from_dist);
  all += draft.text;
  for (const auto& note : draft.notes)
    all += note;
  EXPECT_FALSE(all.contains("hunter")) << all;
  const auto made = loaded(from_dist);
  EXPECT_EQ(made.stack.services.at(0).run.at(3), "hunter2-abc"); // expanded when it is used
  std::vector<std::string> names;
  for (const auto& each : made.stack.services.at(0).environment)
    names.push_back(each.name);
  EXPECT_EQ(names, (std::vector<std::string>{"API_TOKEN", "PORT"})); // OTHER it does not have
  EXPECT_TRUE(text.contains("EXTRA"));
  EXPECT_TRUE(text.contains("tcp: \"127.0.0.1:${PORT}\""));
  EXPECT_TRUE(has_note(draft, "DB_URL"));
}

TEST_F(discovery_of_a_folder, a_variables_file_that_config_would_refuse_is_left_out) {
  sim.host.disk.write("/srv/shop/.env", "this is no variables file\n");
  runs(12, {"python3", "app.py"});
  loaded(from_dist);
  EXPECT_TRUE(has_note(drafted(from_dist), ".env"));
}

TEST_F(discovery_of_a_folder, databases_are_stores_of_their_own) {
  runs(12, {"python3", "app.py"}).written_files = {"/srv/shop/data/a.db", "/srv/shop/x.log"};
  database("/srv/shop/data/a.db");
  sim.host.disk.write("/srv/shop/data/notes", "x");
  database("/srv/shop/db/only.db");
  database("/srv/shop/a.sqlite");
  database("/srv/shop/node_modules/pkg/test.db");
  const auto made = loaded(from_dist);
  std::vector<std::string> paths;
  for (const auto& store : made.stack.stores)
    paths.push_back(store.path);
  std::ranges::sort(paths);
  EXPECT_EQ(paths, (std::vector<std::string>{"/srv/shop/a.sqlite", "/srv/shop/data",
                                             "/srv/shop/data/a.db", "/srv/shop/db/only.db"}));
  EXPECT_TRUE(text.contains("process 12 has it open for writing"));
}

TEST_F(discovery_of_a_folder, a_unit_tells_the_command_and_is_warned_of) {
  sim.host.disk.write("/srv/shop/deploy/shop.service",
                      "[Service]\nExecStart=/usr/bin/python3 /srv/shop/app.py\n"
                      "WorkingDirectory=/srv/shop\nUser=shop\n");
  const auto made = loaded(from_dist);
  EXPECT_EQ(made.stack.services.at(0).run.at(1), "{release}/app.py");
  EXPECT_TRUE(has_note(drafted(from_dist), "systemctl disable --now shop.service"));
}

TEST_F(discovery_of_a_folder, an_installed_unit_that_names_the_folder_is_found) {
  sim.host.disk.write("/etc/systemd/system/other.service", "[Service]\nExecStart=/bin/true\n");
  sim.host.disk.write("/etc/systemd/system/shop.service",
                      "[Service]\nExecStart=/usr/bin/python3 /srv/shop/app.py\n");
  const auto seen = look();
  EXPECT_EQ(discovery::all_of<discovery::Unit>(seen).size(), 1U);
}

TEST_F(discovery_of_a_folder, a_script_and_a_package_tell_the_command) {
  sim.host.disk.write("/srv/shop/start.sh", "#!/bin/sh\nexec python3 app.py --port 80\n", 0755);
  EXPECT_EQ(loaded(from_dist).stack.services.at(0).run,
            (std::vector<std::string>{"python3", "{release}/app.py", "--port", "80"}));
  sim.host.disk.write("/srv/shop/server.js", "");
  sim.host.disk.write(
      "/srv/shop/package.json",
      R"({"name":"@corner/Shop","version":"1.2.3","scripts":{"start":"node server.js"}})");
  const auto made = loaded(from_dist);
  EXPECT_EQ(made.stack.name, "corner-shop");
  EXPECT_EQ(made.stack.services.at(0).run,
            (std::vector<std::string>{"node", "{release}/server.js"}));
}

TEST_F(discovery_of_a_folder, what_this_belay_does_not_handle_is_said_in_comments) {
  sim.host.disk.write("/srv/shop/compose.yaml", "services: {web: {image: 'nginx:1.25'}}\n");
  sim.host.disk.write("/run/postgresql/.s.PGSQL.5432", "");
  sim.host.disk.write("/run/postgresql/.s.PGSQL.5432.lock", "");
  sim.host.answers["helm list --all-namespaces --output json"] = {
      0, R"([{"name":"corner","namespace":"prod","chart":"corner-1.2.0"}])", ""};
  loaded({{"run", "./bin/shop"}, {"release", "./dist/{to}"}});
  EXPECT_TRUE(text.contains("web (nginx:1.25)"));
  EXPECT_TRUE(text.contains("release corner in namespace prod"));
  EXPECT_TRUE(text.contains("PostgreSQL"));
}

TEST_F(discovery_of_a_folder, a_compose_file_becomes_services_and_stores) {
  sim.host.disk.write("/srv/shop/.env", "PORT=8080\n");
  sim.host.disk.write("/srv/shop/conf/a", "1");
  sim.host.disk.write("/srv/shop/uploads/a", "1");
  sim.host.disk.write("/srv/shop/docker-compose.yml", R"(services:
  web:
    image: registry:5000/shop/web:${TAG}
    ports: ["127.0.0.1:${PORT:-8080}:80/tcp"]
    volumes: ["./conf:/conf:ro", "./uploads:/uploads", "cache:/cache", "/anonymous"]
    depends_on: { db: { condition: service_healthy },
                  migrate: { condition: service_completed_successfully } }
  worker: { image: shop/other:1, depends_on: [web] }
  migrate: { image: shop/web:1 }
  db:
    image: postgres:16
    healthcheck: { test: [CMD, pg_isready] }
    volumes: [{ type: volume, source: pg, target: /var/lib/postgresql/data }]
volumes: { pg: { name: shop-database }, cache: {} }
)");
  const auto made = loaded({});
  ASSERT_EQ(made.stack.services.size(), 3U);
  EXPECT_EQ(made.stack.services[0].compose_service, "db");
  EXPECT_EQ(made.stack.services[0].image, "");
  EXPECT_EQ(made.stack.services[1].image, "registry:5000/shop/web:{to}");
  EXPECT_EQ(made.stack.services[1].ready.probe.port, 8080);
  EXPECT_EQ(made.stack.services[2].compose_service, "worker");
  EXPECT_EQ(made.stack.compose.project, "shop");
  ASSERT_EQ(made.stack.stores.size(), 3U);
  EXPECT_EQ(made.stack.stores[0].path, "/srv/shop/uploads");
  EXPECT_EQ(made.stack.stores[1].volume, "shop_cache");
  EXPECT_EQ(made.stack.stores[2].volume, "shop-database");
  EXPECT_TRUE(std::ranges::any_of(drafted({}).notes, [](const std::string& note) {
    return note.contains("migrate") && note.contains("runs once");
  }));
}

TEST_F(discovery_of_a_folder, kubectl_is_asked_where_helm_says_nothing) {
  sim.host.answers["kubectl get secrets --all-namespaces --selector owner=helm --request-timeout "
                   "3s --no-headers --output custom-columns=P:.metadata.namespace,"
                   "N:.metadata.labels.name,S:.metadata.labels.status"] = {0, "p c deployed\n", ""};
  EXPECT_EQ(discovery::all_of<discovery::HelmRelease>(look()).size(), 1U);
}

TEST_F(discovery_of_a_folder, a_process_of_a_belay_is_left_alone) {
  runs(12, {"python3", "app.py"}).environment = {{"BELAY_SERVICE", "x"}};
  EXPECT_TRUE(drafted(from_dist).text.empty());
}

TEST_F(discovery_of_a_folder, odd_names_stay_one_line_and_valid) {
  sim.host.disk.write("/srv/shop/data/x", "1");
  sim.host.disk.write("/srv/shop/a $b: {c}.conf", "1");
  database("/srv/shop/two\nlines.db");
  runs(12, {"python3", "app.py", "--conf", "a $b: {c}.conf", "# \"x\"", "\x1b[31m"});
  const auto made = loaded(from_dist);
  EXPECT_EQ(made.stack.services.at(0).run.at(4), "# \"x\"");
  EXPECT_EQ(made.stack.config_files, std::vector<std::string>{"/srv/shop/a $b: {c}.conf"});
  EXPECT_FALSE(text.contains('\x1b'));
}

TEST_F(discovery_of_a_folder, unreadable_places_are_said_and_no_failure) {
  EXPECT_FALSE(discovery::look(sim.ports(), "/srv/none", {}));
  EXPECT_FALSE(discovery::look(sim.ports(), "/srv/shop/app.py", {}));
  for (std::size_t at = 2; at < 12; ++at) { // without the first two there is no folder
    sim.arm(sim::Fault::read_fails, at);
    EXPECT_TRUE(discovery::look(sim.ports(), "/srv/shop", {})) << at;
  }
}

} // namespace
