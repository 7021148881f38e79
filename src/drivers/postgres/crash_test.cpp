#include "drivers/postgres/server_for_test.hpp"
#include "drivers/postgres/store.hpp"

namespace drivers::postgres {
namespace {

struct Death {};

// Dies before the nth change of the world, and at every one after it, as the dead do.
class Mortal final : public os::Effects {
public:
  void before(std::string_view, const std::string&) override {
    if (dies_at != 0 && ++count >= dies_at)
      throw Death{};
  }
  void after() override {}
  std::size_t count = 0;
  std::size_t dies_at = 0; // 0: never
};

class PostgresCrashTest : public OnServer {
protected:
  void SetUp() override {
    owner = make_role("owner", "CREATEDB");
    live = make_database("app", owner);
    must("CREATE TABLE public.t(a int PRIMARY KEY); INSERT INTO public.t VALUES (1)");
    spec.name = "db";
    spec.kind = domain::StoreKind::postgres;
    spec.postgres = spec_of(live, owner);
    spec.postgres.method = domain::PostgresMethod::clone;
  }
  Store store() {
    return Store{
        {mortal_files_, mortal_trees_, mortal_processes_, http_, sqlite_, clock_, random_, events_},
        {"stack", root + "/state", no_secret}};
  }
  void must(const std::string& script) {
    const auto rows = psql(owner).run(live, script);
    ASSERT_TRUE(rows) << script << ": " << rows.error().message;
  }
  template <class Act>
  bool dies(std::size_t at, Act act) {
    mortal_.count = 0;
    mortal_.dies_at = at;
    bool has_died = false;
    try {
      act();
    } catch (const Death&) {
      has_died = true;
    }
    mortal_.dies_at = 0;
    return has_died;
  }
  // A person would look here: as it was, or as it was kept, and nothing else.
  std::string sum() { return value(live, "SELECT coalesce(sum(a), 0) FROM public.t"); }
  bool is_open() {
    return value("postgres",
                 "SELECT datallowconn FROM pg_database WHERE datname = " + literal(live)) == "t";
  }

  std::string owner;
  std::string live;
  domain::StoreSpec spec;

private:
  Mortal mortal_;
  os::Files mortal_files_{mortal_};
  os::Trees mortal_trees_{mortal_};
  os::Processes mortal_processes_{mortal_};
};

TEST_F(PostgresCrashTest, a_capture_that_died_leaves_the_database_open_and_can_be_made_again) {
  int died = 0;
  for (std::size_t at = 2;; at += 3) {
    const std::string point = "p-" + std::to_string(at);
    if (!dies(at, [&] { ASSERT_TRUE(store().secure(spec, point, {})); }))
      break;
    ++died;
    ASSERT_TRUE(store().let_in(spec)) << at; // as the engine does before services start
    ASSERT_TRUE(is_open()) << at;
    must("UPDATE public.t SET a = a + 0");
    if (at % 2 == 0) {
      const auto again = store().secure(spec, point, {});
      ASSERT_TRUE(again) << at << ": " << again.error().message;
      ASSERT_TRUE(store().verify(spec, again.value().snapshot, world::Depth::full)) << at;
    }
    ASSERT_TRUE(store().discard(spec, point)) << at;
  }
  EXPECT_GE(died, 5);
  EXPECT_EQ(sum(), "1");
}

TEST_F(PostgresCrashTest, a_rehearsal_that_died_leaves_nothing_once_its_point_is_discarded) {
  write("sql/1.sql", "ALTER TABLE t ADD COLUMN b int;\n");
  const std::string not_ours = make_database("app__rehearse_p", owner);
  int died = 0;
  for (std::size_t at = 2;; at += 5) {
    domain::RehearsalRequest request{.point = "p-" + std::to_string(at), .folders = {}};
    request.folders.push_back({.migration = {.store = "db"}, .folder = root + "/sql"});
    const bool has_died = dies(at, [&] {
      const auto done = store().rehearse(spec, request);
      ASSERT_TRUE(done) << done.error().message;
      ASSERT_EQ(done.value().failure, "");
    });
    if (at == 12) { // as `resume` does
      ASSERT_TRUE(store().rehearse(spec, request)) << at;
    }
    ASSERT_TRUE(store().discard(spec, request.point)) << at;
    ASSERT_EQ(value("postgres", "SELECT count(*) FROM pg_database WHERE datname LIKE " +
                                    literal(live + "\\_\\_rehearse%")),
              "0")
        << at;
    ASSERT_FALSE(files_.info(root + "/state/postgres/db/" + request.point).value()) << at;
    if (!has_died)
      break;
    ++died;
  }
  EXPECT_GE(died, 3);
  EXPECT_EQ(
      value("postgres", "SELECT count(*) FROM pg_database WHERE datname = " + literal(not_ours)),
      "1");
  EXPECT_EQ(sum(), "1");
}

TEST_F(PostgresCrashTest, a_way_back_that_died_ends_old_or_new_and_goes_on) {
  int died = 0;
  for (std::size_t at = 1;; at += 3) {
    const std::string id = std::to_string(at);
    const auto snapshot = store().secure(spec, "p-" + id, {});
    ASSERT_TRUE(snapshot) << snapshot.error().message;
    must("INSERT INTO public.t VALUES (100)");
    const bool has_died =
        dies(at, [&] { ASSERT_TRUE(store().restore(spec, snapshot.value().snapshot, "a-" + id)); });
    ASSERT_TRUE(store().let_in(spec)) << at;
    const std::string now = sum();
    ASSERT_TRUE(now == "1" || now == "101") << at << ": " << now;
    const auto abandoned = store().restore(spec, snapshot.value().snapshot, "a-" + id);
    ASSERT_TRUE(abandoned) << at << ": " << abandoned.error().message;
    ASSERT_TRUE(is_open()) << at;
    ASSERT_EQ(sum(), "1") << at;
    ASSERT_EQ(abandoned.value().differences, 1U) << at;
    ASSERT_EQ(value(live + "__abandoned_a-" + id, "SELECT sum(a) FROM public.t"), "101") << at;
    for (const char* kept : {"p-", "a-"})
      ASSERT_TRUE(store().discard(spec, kept + id)) << at;
    if (!has_died)
      break;
    ++died;
  }
  EXPECT_GE(died, 6);
}

} // namespace
} // namespace drivers::postgres
