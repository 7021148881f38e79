#include "drivers/postgres/server_for_test.hpp"
#include "drivers/postgres/store.hpp"

#include <thread>

namespace drivers::postgres {
namespace {

class RehearseTest : public OnServer {
protected:
  void SetUp() override {
    owner = make_role("owner", "CREATEDB");
    live = make_database("shop", owner);
    sql(live, "CREATE SCHEMA shop AUTHORIZATION " + ident(owner) + ";\nALTER DATABASE " +
                  ident(live) + " SET search_path = shop;\nSET ROLE " + ident(owner) +
                  ";\nCREATE TABLE shop.orders (id bigserial PRIMARY KEY, note text);\n"
                  "INSERT INTO shop.orders (note) SELECT 'n' || i FROM generate_series(1, 50) i");
    spec.name = "db";
    spec.kind = domain::StoreKind::postgres;
    spec.postgres = spec_of(live, owner);
    request.point = "p-1";
    request.folders.push_back({.migration = {.store = "db"}, .folder = root + "/sql"});
    request.folders.back().migration.command.timeout = world::Milliseconds{60'000};
  }
  Store store() { return Store{ports(), {"stack", root + "/state", no_secret}}; }
  domain::Rehearsal rehearse() {
    auto done = store().rehearse(spec, request);
    EXPECT_TRUE(done) << (done ? "" : done.error().message);
    EXPECT_EQ(value("postgres", "SELECT count(*) FROM pg_database WHERE datname LIKE " +
                                    literal(live + "\\_\\_rehearse%")),
              "0");
    return done ? std::move(done).value() : domain::Rehearsal{};
  }
  std::string why_not() {
    const auto why = store().why_no_rehearsal(spec, request);
    return why ? why.value() : why.error().message;
  }

  std::string owner;
  std::string live;
  domain::StoreSpec spec;
  domain::RehearsalRequest request;
};

TEST_F(RehearseTest, tells_what_files_do_to_a_copy_and_leaves_the_database_and_its_users_alone) {
  write("sql/1_cents.sql", "ALTER TABLE orders ADD COLUMN cents int;\n"
                           "UPDATE orders SET cents = id * 2;\n");
  write("sql/2_kind.sql", "ALTER TABLE orders ALTER COLUMN note TYPE int USING length(note);\n"
                          "ALTER TABLE orders ADD CONSTRAINT many CHECK (cents > 5) NOT VALID;\n");
  write("sql/3_index.sql", "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON orders (cents);\n");
  std::jthread user{[this] {
    (void)psql(owner).run(live,
                          "BEGIN;\nINSERT INTO shop.orders (note) VALUES ('late');\n"
                          "SELECT pg_sleep(300)",
                          {.timeout = world::Milliseconds{300'000}});
  }};
  const std::string sleeps = "SELECT pid FROM pg_stat_activity WHERE query LIKE "
                             "'%pg_sleep(300)%' AND pid <> pg_backend_pid() AND datname = " +
                             literal(live);
  ASSERT_TRUE(eventually([&] { return sql("postgres", sleeps).size() == 1; }));
  EXPECT_EQ(why_not(), "");
  const auto done = rehearse();
  EXPECT_EQ(done.failure, "");
  ASSERT_EQ(done.files.size(), 3U);
  EXPECT_EQ(done.files[0].verdict, "compatible");
  EXPECT_EQ(done.files[0].saw, std::vector<std::string>{"locks orders against reads and writes"});
  EXPECT_EQ(done.files[1].verdict, "breaking");
  ASSERT_EQ(done.files[1].saw.size(), 1U);
  EXPECT_TRUE(done.files[1].saw[0].starts_with(
      "locks orders against reads and writes, and writes it anew ("))
      << done.files[1].saw[0];
  EXPECT_EQ(done.files[2].saw, std::vector<std::string>{});
  ASSERT_EQ(done.left.size(), 2U);
  EXPECT_TRUE(done.left[0].contains("column shop.orders.cents is new")) << done.left[0];
  EXPECT_TRUE(done.left[1].starts_with("leaves constraint many on shop.orders not validated"));
  EXPECT_EQ(sql("postgres", sleeps).size(), 1U); // nobody was sent away
  sql("postgres", "SELECT pg_terminate_backend(pid) FROM (" + sleeps + ") a");
  user.join();
  EXPECT_EQ(value(live, "SELECT count(*) FROM pg_attribute WHERE attname = 'cents'"), "0");
  EXPECT_EQ(value(live, "SELECT to_regclass('shop.belay_migrations') IS NULL"), "t");
  // And the real ones leave the same.
  const auto pending = store().migrations(spec, request.folders[0].migration, root + "/sql");
  ASSERT_TRUE(pending);
  for (const auto& file : pending.value().pending)
    ASSERT_TRUE(store().migrate(spec, file, "", world::Milliseconds{60'000}));
  const auto ledgers = store().ledgers(spec, nullptr);
  ASSERT_TRUE(ledgers) << ledgers.error().message;
  EXPECT_EQ(ledgers.value().layout, done.layout);
}

TEST_F(RehearseTest, what_fails_is_told_and_leaves_nothing) {
  write("sql/1.sql", "CREATE TABLE a (id int);\n");
  write("sql/2.sql", "CREATE UNIQUE INDEX u ON orders ((length(note)));\n");
  write("sql/3.sql", "CREATE TABLE c (id int);\n");
  const auto done = rehearse();
  EXPECT_TRUE(done.failure.starts_with("2.sql:1: could not create unique index \"u\"; Key"))
      << done.failure;
  EXPECT_EQ(done.files.size(), 2U);
  EXPECT_EQ(value(live, "SELECT to_regclass('shop.a') IS NULL"), "t");
  EXPECT_EQ(files_.list(root + "/state/postgres/db/p-1").value(), std::vector<std::string>{});
}

TEST_F(RehearseTest, what_a_copy_does_not_make_harmless_is_not_rehearsed) {
  write("sql/1.sql", "CREATE TABLE a (id int);\nCREATE ROLE somebody;\n");
  EXPECT_EQ(why_not(), "1.sql:2 reaches beyond the database, so that a copy does not make it "
                       "harmless");
  write("sql/1.sql", "CREATE TABLE a (id int);\n");
  sql(live, "CREATE FOREIGN DATA WRAPPER w;\nCREATE SERVER elsewhere FOREIGN DATA WRAPPER w");
  EXPECT_TRUE(why_not().starts_with("the database has the foreign server 'elsewhere'"));
  sql(live, "DROP FOREIGN DATA WRAPPER w CASCADE");
  sql("postgres", "ALTER ROLE " + ident(owner) + " NOCREATEDB");
  EXPECT_EQ(why_not(), "role '" + owner + "' may not create databases");
}

TEST_F(RehearseTest, without_a_copy_there_is_an_error_and_nothing_is_left) {
  write("sql/1.sql", "CREATE TABLE a (id int);\n");
  sql(live, "CREATE TABLE shop.secret (id int);\nREVOKE ALL ON shop.secret FROM PUBLIC");
  const auto done = store().rehearse(spec, request);
  ASSERT_FALSE(done);
  EXPECT_TRUE(done.error().message.contains("permission denied")) << done.error().message;
  EXPECT_EQ(value("postgres", "SELECT count(*) FROM pg_database WHERE datname LIKE " +
                                  literal(live + "\\_\\_rehearse%")),
            "0");
}

} // namespace
} // namespace drivers::postgres
