#pragma once
// Server: a real PostgreSQL server of the test program's own, started once and always stopped; and
// a world with databases in it.

#include "drivers/postgres/psql.hpp"
#include "os/world_for_test.hpp"

#include <memory>
#include <string>
#include <utility>

namespace drivers::postgres {

class TestServer {
public:
  static TestServer& get() {
    static TestServer server;
    return server;
  }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  std::string socket; // its folder
  int port = 0;
  std::string tools;
  std::string data;

private:
  TestServer() : ready_{testing::TempDir() + "belay-pg-ready-" + random_.hex(8)} {
    const std::string here = __FILE__;
    const auto script = files_.resolve(here.substr(0, here.rfind("src/drivers/")) +
                                       "tests/support/postgres_server.py");
    CHECK(script); // tests run in the build folder
    const auto self = processes_.self();
    CHECK(self);
    auto started = processes_.start({.argv = {"/usr/bin/python3", script.value(), "--parent",
                                              std::to_string(self.value().pid), "--ready", ready_},
                                     .working_folder = "/",
                                     .environment = {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}},
                                     .log_path = ready_ + ".log",
                                     .lock_path = ready_ + ".lock"});
    CHECK(started);
    process_ = started.value();
    wait_for([&] {
      CHECK(processes_.is_alive(process_).value()); // else: see its log beside `ready_`
      return files_.info(ready_).value().has_value();
    });
    const auto text = files_.read(ready_, 4096);
    CHECK(text);
    for (const std::string& line : base::split(text.value(), '\n')) {
      const auto blank = line.find(' ');
      const std::string value = blank == std::string::npos ? "" : line.substr(blank + 1);
      if (line.starts_with("socket "))
        socket = value;
      else if (line.starts_with("port "))
        port = std::stoi(value);
      else if (line.starts_with("tools "))
        tools = value;
      else if (line.starts_with("data "))
        data = value;
    }
  }
  ~TestServer() {
    (void)processes_.signal(process_, world::Signal::terminate);
    wait_for([&] { return !processes_.is_alive(process_).value(); });
    for (const char* ending : {"", ".log", ".lock"})
      (void)files_.remove(ready_ + ending);
  }
  // Minutes, for a machine that is busy with other things.
  template <class Condition>
  void wait_for(Condition condition) {
    const auto deadline = clock_.monotonic() + world::Milliseconds{180'000};
    while (!condition()) {
      CHECK(clock_.monotonic() < deadline);
      clock_.sleep_for(world::Milliseconds{20});
    }
  }

  os::NoEffects effects_;
  os::Files files_{effects_};
  os::Processes processes_{effects_};
  os::Clock clock_;
  os::Random random_;
  std::string ready_;
  world::ProcessId process_;
};

// Each test has databases of its own, made by make_database(), and dropped again with all that
// belay made of them.
class OnServer : public os::RealWorld {
protected:
  void TearDown() override {
    for (const Row& row : sql("postgres", "SELECT datname FROM pg_database WHERE datname LIKE " +
                                              literal("%" + tag_ + "%")))
      sql("postgres", "ALTER DATABASE " + ident(row.at(0)) + " IS_TEMPLATE false;\nDROP DATABASE " +
                          ident(row.at(0)) + " WITH (FORCE)");
    for (const Row& row : sql("postgres", "SELECT rolname FROM pg_roles WHERE rolname LIKE " +
                                              literal("%" + tag_ + "%")))
      sql("postgres", "DROP ROLE " + ident(row.at(0)));
    RealWorld::TearDown();
  }

  domain::PostgresSpec spec_of(const std::string& database, const std::string& user = "postgres") {
    domain::PostgresSpec spec;
    spec.database = database;
    spec.host = TestServer::get().socket;
    spec.port = TestServer::get().port;
    spec.user = user;
    spec.tools = TestServer::get().tools;
    spec.maintenance = "postgres";
    spec.sample_above_bytes = std::uint64_t{1} << 32U;
    spec.timeout = world::Milliseconds{300'000};
    spec.fence_timeout = world::Milliseconds{20'000};
    return spec;
  }
  static base::Result<std::string> no_secret(const domain::SecretRef&) {
    return base::Error{base::ErrorKind::not_found, "no secret here", ""};
  }
  Psql psql(const std::string& user = "postgres") {
    return Psql{ports(), Reach{spec_of("postgres", user), no_secret}};
  }
  // As the superuser; must work.
  Rows sql(const std::string& database, const std::string& script) {
    auto rows = psql().run(database, script, {.timeout = world::Milliseconds{120'000}});
    EXPECT_TRUE(rows) << script << ": " << (rows ? "" : rows.error().message);
    return rows ? std::move(rows).value() : Rows{};
  }
  std::string value(const std::string& database, const std::string& query) {
    const Rows rows = sql(database, query);
    return rows.empty() || rows[0].empty() ? "nothing" : rows[0][0];
  }
  std::string name(const std::string& word) { return word + tag_; }
  std::string make_role(const std::string& word, const std::string& attributes) {
    sql("postgres", "CREATE ROLE " + ident(name(word)) + " LOGIN " + attributes);
    return name(word);
  }
  std::string make_database(const std::string& word, const std::string& owner = "postgres") {
    sql("postgres",
        "CREATE DATABASE " + ident(name(word)) + " OWNER " + ident(owner) + " STRATEGY wal_log");
    return name(word);
  }

private:
  std::string tag_ = "_" + random_.hex(6);
};

} // namespace drivers::postgres
