#include "base/digest.hpp"
#include "drivers/postgres/migrations.hpp"
#include "drivers/postgres/server_for_test.hpp"

#include <thread>

namespace drivers::postgres {
namespace {

constexpr world::Milliseconds minute{60'000};

class MigrationsTest : public OnServer {
protected:
  void SetUp() override {
    database = make_database("shop");
    sql(database, "CREATE TABLE public.orders (id bigserial PRIMARY KEY, note text);\n"
                  "INSERT INTO public.orders (note) SELECT 'n' || i FROM generate_series(1, 50) i");
  }
  Migrations migrations() {
    return Migrations{ports(), Psql{ports(), Reach{spec_of(database), no_secret}}};
  }
  domain::FolderState look() {
    auto state = migrations().look(spec, root + "/sql");
    EXPECT_TRUE(state) << (state ? "" : state.error().message);
    return state ? std::move(state).value() : domain::FolderState{};
  }
  // Every pending file; "" or what the first that fails says.
  std::string apply_all(world::Milliseconds timeout = minute) {
    const auto state = look();
    if (!state.problems.empty())
      return "refused: " + state.problems.front();
    for (const auto& file : state.pending)
      if (const auto applied = migrations().apply(file, timeout); !applied)
        return applied.error().message;
    return "";
  }
  std::string ledger(const std::string& table = "belay_migrations", const char* column = "name") {
    return value(database, "SELECT string_agg(" + std::string{column} +
                               "::text, ' ' ORDER BY applied_at) FROM public." + table);
  }
  std::string database;
  domain::MigrationSpec spec;
};

TEST_F(MigrationsTest, a_file_and_its_line_are_applied_together_and_once) {
  write("sql/0001_note.sql", "ALTER TABLE orders ADD COLUMN cents int;\n"
                             "UPDATE orders SET cents = id * 2;\n");
  write("sql/0002_more.sql", "BEGIN;\nCREATE TABLE more (t text DEFAULT ':user \\ $$;');\n"
                             "INSERT INTO more VALUES (E'it''s \\\\'), (DEFAULT), (':VERSION');\n"
                             "SELECT count(*) FROM more;\nCOMMIT;\n");
  const auto state = look();
  ASSERT_EQ(state.pending.size(), 2U);
  EXPECT_EQ(state.problems, std::vector<std::string>{});
  EXPECT_EQ(state.pending[0].verdict, "compatible");
  EXPECT_TRUE(state.pending[0].is_compatible);
  EXPECT_EQ(state.pending[0].steps.at(0).does, "adds column orders.cents int4, nullable");
  EXPECT_EQ(state.pending[0].steps.at(1).rule, "backfill");
  EXPECT_EQ(apply_all(), "");
  EXPECT_EQ(ledger(), "0001_note.sql 0002_more.sql");
  EXPECT_EQ(value(database, "SELECT string_agg(t, '|') FROM public.more"),
            "it's \\|:user \\ $$;|:VERSION");
  EXPECT_EQ(value(database, "SELECT sha256 FROM public.belay_migrations WHERE name LIKE '0001%'"),
            base::sha256_hex("ALTER TABLE orders ADD COLUMN cents int;\n"
                             "UPDATE orders SET cents = id * 2;\n"));
  EXPECT_TRUE(migrations().apply(state.pending[0], minute)); // again: nothing
  const auto after = look();
  EXPECT_TRUE(after.pending.empty() && after.applied.size() == 2 && after.problems.empty());
  EXPECT_TRUE(after.applied[0].is_compatible);
  write("sql/0001_note.sql", "-- edited\n");
  EXPECT_TRUE(look().problems.at(0).starts_with("0001_note.sql was changed after it was applied"));
}

TEST_F(MigrationsTest, what_fails_says_where_and_leaves_nothing) {
  write("sql/1.sql", "CREATE TABLE a (id int);\n\n-- more\nINSERT INTO orders (note)\nSELECT\n  "
                     "nothing FROM orders;\nDROP TABLE a;");
  EXPECT_EQ(apply_all(), "1.sql:6: column \"nothing\" does not exist (SQLSTATE 42703)");
  write("sql/1.sql", "INSERT INTO orders (id) VALUES (1);");
  EXPECT_TRUE(apply_all().starts_with(
      "1.sql:1: duplicate key value violates unique constraint \"orders_pkey\"; Key (id)=(1)"));
  write("sql/1.sql", "DO $$ BEGIN COMMIT; END $$;");
  EXPECT_TRUE(apply_all().starts_with("1.sql:1: invalid transaction termination"));
  EXPECT_EQ(value(database, "SELECT count(*) FROM pg_class WHERE relname IN ('a', "
                            "'belay_migrations')"),
            "0");
}

TEST_F(MigrationsTest, blockers_are_named) {
  write("sql/1.sql", "ALTER TABLE orders ADD COLUMN a int;");
  std::jthread holder{[this] {
    (void)psql().run(database, "BEGIN;\nLOCK TABLE public.orders;\nSELECT pg_sleep(300)",
                     {.timeout = world::Milliseconds{300'000}});
  }};
  std::jthread reader{[this] { // in a transaction too, but in nobody's way
    (void)psql().run(database, "BEGIN;\nSELECT count(*) FROM pg_class;\nSELECT pg_sleep(300)",
                     {.timeout = world::Milliseconds{300'000}});
  }};
  ASSERT_TRUE(eventually([&] {
    return value(database, "SELECT count(*) FROM pg_stat_activity WHERE datname = "
                           "current_database() AND query LIKE '%pg_sleep(300)%' AND pid <> "
                           "pg_backend_pid()") == "2";
  }));
  ASSERT_TRUE(eventually([&] {
    return value(database, "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND "
                           "relation = 'public.orders'::regclass") == "1";
  }));
  const std::string said = apply_all(world::Milliseconds{2'500});
  EXPECT_TRUE(said.contains("1.sql:1: canceling statement due to lock timeout (SQLSTATE 55P03). It "
                            "is held by pid "))
      << said;
  EXPECT_TRUE(said.contains(" (postgres, belay, active, begun ") &&
              said.contains(" s ago: SELECT pg_sleep(300)"))
      << said;
  EXPECT_FALSE(said.contains("; pid ")) << said; // a reader beside it is not named
  sql("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE "
                  "'%pg_sleep(300)%' AND pid <> pg_backend_pid() AND datname = " +
                      literal(database));
  holder.join();
  reader.join();
  EXPECT_EQ(value(database, "SELECT count(*) FROM pg_class WHERE relname = 'belay_migrations'"),
            "0");
  EXPECT_EQ(apply_all(), "");
}

TEST_F(MigrationsTest, two_at_once_apply_a_file_once) {
  write("sql/1.sql", "CREATE TABLE one (id int);\nSELECT pg_sleep(0.5);");
  const auto state = look();
  std::string other;
  std::jthread second{[&] {
    if (const auto applied = migrations().apply(state.pending.at(0), minute); !applied)
      other = applied.error().message;
  }};
  const auto applied = migrations().apply(state.pending.at(0), minute);
  second.join();
  EXPECT_TRUE(applied) << applied.error().message;
  EXPECT_EQ(other, "");
  EXPECT_EQ(value(database, "SELECT count(*) FROM public.belay_migrations"), "1");
}

TEST_F(MigrationsTest, what_refuses_a_transaction_is_run_by_itself_and_again) {
  const std::string concurrent =
      "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS once ON orders (note);\n"
      "VACUUM orders;\n";
  write("sql/1.sql", concurrent);
  sql(database, "INSERT INTO public.orders (note) VALUES ('n1')");
  EXPECT_TRUE(apply_all().starts_with("1.sql:1: could not create unique index \"once\""));
  const char* const valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = "
                            "to_regclass('public.once')";
  EXPECT_EQ(value(database, valid), "f"); // what is left behind
  sql(database, "DELETE FROM public.orders WHERE id > 50");
  EXPECT_EQ(apply_all(), "");
  EXPECT_EQ(value(database, valid), "t");
  EXPECT_EQ(ledger(), "1.sql");
  write("sql/2.sql", "CREATE INDEX CONCURRENTLY i ON orders (note);\n");
  EXPECT_TRUE(apply_all().starts_with("refused: 2.sql:1: CREATE INDEX CONCURRENTLY is no part"));
}

TEST_F(MigrationsTest, a_ledger_of_the_users_own_is_kept_as_it_was) {
  spec.ledger = "_schema_migrations";
  sql(database, "CREATE TABLE public._schema_migrations (version text PRIMARY KEY, applied_at "
                "timestamptz NOT NULL DEFAULT now());\n"
                "INSERT INTO public._schema_migrations (version) VALUES ('0001_a'), ('0002_b')");
  write("sql/0001_a.sql", "CREATE TABLE a ();");
  write("sql/0002_b.sql", "CREATE TABLE b ();");
  write("sql/0003_c.sql", "CREATE TABLE c ();");
  EXPECT_EQ(look().applied.size(), 2U);
  EXPECT_EQ(apply_all(), "");
  EXPECT_EQ(ledger("_schema_migrations", "version"), "0001_a 0002_b 0003_c");
  spec.ledger = "numbers";
  sql(database,
      "CREATE TABLE public.numbers (version bigint PRIMARY KEY, applied_at timestamptz);\n"
      "INSERT INTO public.numbers VALUES (1, now()), (2, now())");
  write("sql/0003_c.sql", "CREATE TABLE d ();");
  EXPECT_EQ(apply_all(), "");
  EXPECT_EQ(ledger("numbers", "version"), "1 2 3");
  EXPECT_TRUE(look().pending.empty());
  spec.ledger = "odd";
  sql(database, "CREATE TABLE public.odd (version text, who text NOT NULL)");
  EXPECT_FALSE(migrations().look(spec, root + "/sql"));
}

TEST_F(MigrationsTest, a_declaration_against_a_certain_break_must_name_it) {
  write("sql/1.sql", "-- belay: compatible\nALTER TABLE orders DROP COLUMN note;\n");
  const auto state = look();
  ASSERT_EQ(state.problems.size(), 1U);
  EXPECT_TRUE(state.problems[0].starts_with("1.sql:2: drops column orders.note: statements that"))
      << state.problems[0];
  write("sql/1.sql", "-- belay: compatible drop-column\nALTER TABLE orders DROP COLUMN note;\n");
  EXPECT_TRUE(look().problems.empty() && look().pending.at(0).is_compatible);
  write("sql/1.sql", "ALTER TABLE orders DROP COLUMN note;\n");
  EXPECT_TRUE(look().problems.empty() && !look().pending.at(0).is_compatible);
  write("sql/1.sql", "-- belay: contract\nCREATE TABLE IF NOT EXISTS a ();\n");
  EXPECT_TRUE(look().problems.empty() && !look().pending.at(0).is_compatible);
}

} // namespace
} // namespace drivers::postgres
