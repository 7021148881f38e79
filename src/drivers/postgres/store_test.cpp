#include "drivers/postgres/names.hpp"
#include "drivers/postgres/server_for_test.hpp"
#include "drivers/postgres/store.hpp"

#include <thread>

namespace drivers::postgres {
namespace {

using base::ErrorKind;
using domain::Movement;
using domain::PostgresMethod;

constexpr const char* shop =
    "CREATE TYPE public.state AS ENUM ('new', 'paid');\n"
    "CREATE TABLE public.customers(id bigserial PRIMARY KEY, name text NOT NULL);\n"
    "CREATE TABLE public.orders(id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer bigint "
    "REFERENCES public.customers, item text, state public.state DEFAULT 'new', data jsonb, raw "
    "bytea, twice int GENERATED ALWAYS AS (length(item) * 2) STORED);\n"
    "CREATE INDEX ON public.orders(item) WHERE state = 'new';\n"
    "CREATE TABLE public.log(line text);\n"
    "CREATE TABLE public.schema_migrations(version text PRIMARY KEY);\n"
    "CREATE VIEW public.paid AS SELECT * FROM public.orders WHERE state = 'paid';\n"
    "CREATE FUNCTION public.one() RETURNS int LANGUAGE sql AS 'SELECT 1';\n"
    "INSERT INTO public.customers(name) VALUES ('ann'), ('bob'), ('it''s \\ \"c\"');\n"
    "INSERT INTO public.orders(customer, item, data, raw) SELECT 1 + i % 3, 'item ' || i, "
    "jsonb_build_object('n', i), decode(lpad(to_hex(i), 8, '0'), 'hex') FROM generate_series(1, "
    "200) i;\n"
    "INSERT INTO public.log SELECT 'line ' || i % 10 FROM generate_series(1, 50) i;\n"
    "INSERT INTO public.schema_migrations VALUES ('0001'), ('0002');\n"
    "SELECT lo_from_bytea(0, 'large');\n";

class PostgresStoreTest : public OnServer, public testing::WithParamInterface<PostgresMethod> {
protected:
  void SetUp() override {
    owner = make_role("owner", "CREATEDB");
    live = make_database("shop", owner);
    as_owner(live, shop);
    spec.name = "db";
    spec.kind = domain::StoreKind::postgres;
    spec.postgres = spec_of(live, owner);
    spec.postgres.method = GetParam();
  }
  Store store() { return Store{ports(), {"stack", root + "/state", no_secret}}; }
  Rows as_owner(const std::string& database, const std::string& script) {
    auto rows = psql(owner).run(database, script);
    EXPECT_TRUE(rows) << script << ": " << (rows ? "" : rows.error().message);
    return rows ? std::move(rows).value() : Rows{};
  }
  domain::Snapshot secured(const std::string& point = "p-1") {
    auto report = store().secure(spec, point, {});
    EXPECT_TRUE(report) << (report ? "" : report.error().message + report.error().hint);
    CHECK(report);
    return report.value().snapshot;
  }
  std::string content() {
    std::string text;
    const Psql asked = psql();
    const Content all = content_of(asked, live, Reading::whole, RunOptions{}).value();
    for (const TableContent& table : all)
      text += table.name + " " + std::to_string(table.rows) + " " + table.hash + "\n";
    return text + digest_of_layout(layout_of(asked, live, RunOptions{}).value());
  }
  std::string settings() {
    std::string text;
    const Psql asked = psql();
    const auto all = Server{asked}.settings_of(live).value();
    for (const Setting& one : all)
      text += one.before + "X" + one.after + "\n";
    return text;
  }
  std::vector<std::string> databases() {
    std::vector<std::string> names;
    for (const Row& row : sql("postgres", "SELECT datname FROM pg_database WHERE datname LIKE " +
                                              literal(live + "%") + " ORDER BY 1"))
      names.push_back(row.at(0).substr(live.size()));
    return names;
  }
  std::string owner;
  std::string live;
  domain::StoreSpec spec;
};

TEST_P(PostgresStoreTest, brings_back_data_layout_grants_and_settings) {
  const std::string other = make_role("other", "");
  sql("postgres", "REVOKE CONNECT ON DATABASE " + ident(live) +
                      " FROM PUBLIC;\nGRANT CONNECT ON "
                      "DATABASE " +
                      ident(live) + " TO " + ident(other) + ";\nALTER DATABASE " + ident(live) +
                      " SET search_path = \"$user\", public;\nALTER DATABASE " + ident(live) +
                      " SET work_mem = '5MB';\nALTER DATABASE " + ident(live) +
                      " CONNECTION LIMIT 17;\nCOMMENT ON DATABASE " + ident(live) +
                      " IS 'it''s mine';");
  const std::string before = content();
  const std::string settings_before = settings();
  const auto snapshot = secured();
  ASSERT_TRUE(snapshot.is_secured);
  EXPECT_EQ(content(), before);
  EXPECT_EQ(settings(), settings_before); // the live one has no trace of it

  as_owner(live, "ALTER TABLE public.orders ADD note text;\nDELETE FROM public.log;\nUPDATE "
                 "public.orders SET item = 'harmed' WHERE id < 5;\nINSERT INTO "
                 "public.schema_migrations VALUES ('0003');");
  const auto evidence = store().evidence(spec, snapshot);
  ASSERT_TRUE(evidence) << evidence.error().message;
  EXPECT_EQ(evidence.value().movement, Movement::layout);
  EXPECT_TRUE(evidence.value().detail.contains("column public.orders.note is new"))
      << evidence.value().detail;
  EXPECT_TRUE(evidence.value().ledger_moved.contains("0003")) << evidence.value().ledger_moved;

  const auto abandoned = store().restore(spec, snapshot, "a-1");
  ASSERT_TRUE(abandoned) << abandoned.error().message << abandoned.error().hint;
  EXPECT_EQ(content(), before);
  EXPECT_EQ(settings(), settings_before);
  EXPECT_EQ(abandoned.value().differences, 4U + 50U + 1U);
  EXPECT_EQ(store().restore(spec, snapshot, "a-1").value().kept, abandoned.value().kept);
  EXPECT_EQ(content(), before);
  const auto refused = psql(owner).run(live + "__abandoned_a-1", "DELETE FROM public.log");
  EXPECT_FALSE(refused);

  // And a way back can be undone.
  const auto adopted = store().adopt(spec, abandoned.value());
  ASSERT_TRUE(adopted) << adopted.error().message;
  ASSERT_TRUE(store().verify(spec, adopted.value(), world::Depth::full));
  ASSERT_TRUE(store().discard(spec, "p-1"));
  const auto again = store().restore(spec, adopted.value(), "a-2");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(value(live, "SELECT count(*) FROM public.schema_migrations"), "3");
  EXPECT_EQ(settings(), settings_before);
  as_owner(live, "INSERT INTO public.log VALUES ('may write again')");
  ASSERT_TRUE(store().discard(spec, "a-1"));
  ASSERT_TRUE(store().discard(spec, "a-2"));
  EXPECT_EQ(databases(), (std::vector<std::string>{""}));
}

TEST_P(PostgresStoreTest, tells_nothing_from_data_from_layout) {
  const auto snapshot = secured();
  EXPECT_EQ(store().evidence(spec, snapshot).value().movement, Movement::none);
  as_owner(live, "UPDATE public.customers SET name = 'dora' WHERE id = 1");
  const auto data = store().evidence(spec, snapshot).value();
  EXPECT_EQ(data.movement, Movement::data_only);
  if (GetParam() == PostgresMethod::clone) {
    EXPECT_EQ(data.detail, "1 row in 1 table");
  }
  as_owner(live, "CREATE INDEX extra ON public.customers(name)");
  const auto layout = store().evidence(spec, snapshot).value();
  EXPECT_EQ(layout.movement, Movement::layout);
  EXPECT_TRUE(layout.detail.contains("index public.extra is new")) << layout.detail;
}

TEST_P(PostgresStoreTest, what_is_kept_and_then_harmed_is_found) {
  const auto snapshot = secured();
  ASSERT_TRUE(store().verify(spec, snapshot, world::Depth::full));
  const std::string kept = snapshot.kept.substr(root.size() + 1);
  if (GetParam() == PostgresMethod::clone) {
    sql(live + "__belay_p-1", "SET default_transaction_read_only = off; DELETE FROM public.log");
    EXPECT_EQ(store().verify(spec, snapshot, world::Depth::full).error().kind, ErrorKind::corrupt);
    sql("postgres", "DROP DATABASE " + ident(live + "__belay_p-1"));
    EXPECT_EQ(store().verify(spec, snapshot, world::Depth::quick).error().kind,
              ErrorKind::not_found);
  } else {
    std::string bytes = text_of(kept + "/dump");
    write(kept + "/dump", bytes.substr(0, bytes.size() / 2), 0600);
    EXPECT_EQ(store().verify(spec, snapshot, world::Depth::quick).error().kind, ErrorKind::corrupt);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    write(kept + "/dump", bytes, 0600);
    EXPECT_EQ(store().verify(spec, snapshot, world::Depth::full).error().kind, ErrorKind::corrupt);
  }
  const std::string before = content();
  EXPECT_FALSE(store().restore(spec, snapshot, "a-1"));
  EXPECT_EQ(content(), before);
}

TEST_P(PostgresStoreTest, a_database_that_was_dropped_comes_back) {
  const std::string before = content();
  const auto snapshot = secured();
  sql("postgres", "DROP DATABASE " + ident(live));
  EXPECT_EQ(store().evidence(spec, snapshot).value().movement, Movement::unreadable);
  const auto abandoned = store().restore(spec, snapshot, "a-1");
  ASSERT_TRUE(abandoned) << abandoned.error().message;
  EXPECT_EQ(content(), before);
  EXPECT_EQ(abandoned.value().files, 0U);
  ASSERT_TRUE(store().restore(spec, snapshot, "a-1"));
}

TEST_P(PostgresStoreTest, exports_what_was_written_as_sql_that_can_be_replayed) {
  const auto snapshot = secured();
  const std::string change =
      "INSERT INTO public.customers(name) VALUES ('new ''one'), ('tab\there');\nINSERT INTO "
      "public.orders(customer, item, data) VALUES (4, 'for the new', '{\"a\": [1, "
      "null]}');\nUPDATE "
      "public.orders SET state = 'paid', raw = NULL WHERE id IN (3, 4);\nDELETE FROM public.orders "
      "WHERE id = 7;\nINSERT INTO public.log VALUES ('line 1'), ('other');\n";
  as_owner(live, change);
  const std::string wanted = content();
  as_owner(live,
           "CREATE TABLE public.extra(a int PRIMARY KEY); INSERT INTO public.extra VALUES (5);");
  const auto abandoned = store().restore(spec, snapshot, "a-1");
  ASSERT_TRUE(abandoned) << abandoned.error().message;
  EXPECT_EQ(abandoned.value().differences, 2U + 1 + 2 + 1 + 2 + 1);
  ASSERT_TRUE(store().export_written(spec, abandoned.value(), root + "/out"));
  EXPECT_TRUE(text_of("out/summary.txt").contains("9 rows in 4 tables"))
      << text_of("out/summary.txt");
  for (const char* file : {"written.sql", "removed.sql"})
    as_owner(live, text_of(std::string{"out/"} + file));
  EXPECT_EQ(content(), wanted) << text_of("out/written.sql") << text_of("out/removed.sql");
  EXPECT_TRUE(text_of("out/new-tables.sql").contains("INSERT INTO public.extra (a)"));
}

TEST_P(PostgresStoreTest, sessions_that_come_again_and_again_are_held_off) {
  std::atomic<bool> ends = false;
  std::vector<std::thread> storm;
  for (int i = 0; i < 3; ++i)
    storm.emplace_back([&] {
      while (!ends)
        (void)psql(owner).run(live, "SELECT pg_sleep(0.2)");
    });
  const auto snapshot = secured();
  as_owner(live, "INSERT INTO public.log VALUES ('since')");
  const auto abandoned = store().restore(spec, snapshot, "a-1");
  ends = true;
  for (std::thread& each : storm)
    each.join();
  ASSERT_TRUE(abandoned) << abandoned.error().message;
  EXPECT_EQ(value(live, "SELECT count(*) FROM public.log"), "50");
}

TEST_P(PostgresStoreTest, a_superusers_session_is_named_and_the_database_is_open_again) {
  const auto snapshot = secured();
  spec.postgres.fence_timeout = world::Milliseconds{300};
  std::thread monitor{[&] { (void)psql().run(live, "SELECT pg_sleep(30)"); }};
  EXPECT_TRUE(eventually([&] {
    return value("postgres", "SELECT count(*) FROM pg_stat_activity WHERE datname = " +
                                 literal(live) + " AND query LIKE '%sleep(30)%'") == "1";
  }));
  const auto state = store().inspect(spec);
  ASSERT_TRUE(state);
  EXPECT_TRUE(base::join(state.value().problems, "\n").contains("pg_signal_backend"));
  const auto refused = store().restore(spec, snapshot, "a-1");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::conflict);
  EXPECT_TRUE(refused.error().message.contains("postgres (pid")) << refused.error().message;
  EXPECT_EQ(
      value("postgres", "SELECT datallowconn FROM pg_database WHERE datname = " + literal(live)),
      "t");
  sql("postgres",
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = " + literal(live));
  monitor.join();
  EXPECT_TRUE(store().restore(spec, snapshot, "a-1"));
}

TEST_P(PostgresStoreTest, inspect_names_the_grant_that_is_missing) {
  const auto fine = store().inspect(spec);
  ASSERT_TRUE(fine) << fine.error().message;
  EXPECT_EQ(fine.value().problems, std::vector<std::string>{});
  EXPECT_GT(fine.value().size.bytes, 1'000'000U);
  const std::string poor = make_role("poor", "");
  spec.postgres.user = poor;
  const auto state = store().inspect(spec);
  ASSERT_TRUE(state) << state.error().message;
  const std::string said = base::join(state.value().problems, "\n");
  EXPECT_TRUE(said.contains("ALTER ROLE \"" + poor + "\" CREATEDB;")) << said;
  EXPECT_TRUE(said.contains("GRANT \"" + owner + "\" TO \"" + poor + "\"")) << said;
}

TEST_P(PostgresStoreTest, a_copy_for_a_repository_holds_one_moment_of_a_busy_database) {
  std::atomic<bool> ends = false;
  std::thread writer{[&] {
    while (!ends)
      (void)psql(owner).run(live, "INSERT INTO public.orders(customer, item) VALUES (1, 'busy'); "
                                  "INSERT INTO public.log VALUES ('busy')");
  }};
  const auto report = store().take_out(spec, "p-1", {});
  ends = true;
  writer.join();
  ASSERT_TRUE(report) << report.error().message;
  const auto& kept = report.value().snapshot;
  ASSERT_TRUE(store().verify(spec, kept, world::Depth::full));
  EXPECT_EQ(databases(), (std::vector<std::string>{""})); // the throwaway one is gone
  as_owner(live, "DROP TABLE public.log");
  const auto adopted = store().adopt(
      spec,
      {.store = "db", .kept = kept.kept, .files = 2, .bytes = kept.bytes, .written_since = {}});
  ASSERT_TRUE(adopted) << adopted.error().message;
  EXPECT_EQ(adopted.value().digest, kept.digest);
  ASSERT_TRUE(store().restore(spec, adopted.value(), "a-1"));
  EXPECT_EQ(value(live, "SELECT (SELECT count(*) FROM public.log) - 50 = (SELECT count(*) FROM "
                        "public.orders) - 200"),
            "t");
}

INSTANTIATE_TEST_SUITE_P(methods, PostgresStoreTest,
                         testing::Values(PostgresMethod::clone, PostgresMethod::dump));

TEST(Names, fit_and_differ) {
  const std::string id = "p-20261121T023405.123Z-1a2b";
  EXPECT_EQ(clone_name("app", id), "app__belay_" + id);
  const std::string longest(63, 'x');
  EXPECT_EQ(clone_name(longest, id).size(), 63U);
  EXPECT_NE(clone_name(longest, id), clone_name(longest, id + "c"));
  const std::string umlauts = "äöüäöüäöüäöüäöüäöüäöüäöüäöüäöü";
  EXPECT_EQ(base::printable(abandoned_name(umlauts, id)), abandoned_name(umlauts, id));
}

} // namespace
} // namespace drivers::postgres
