#include "drivers/postgres/server_for_test.hpp"

namespace drivers::postgres {
namespace {

using base::ErrorKind;

class PsqlTest : public OnServer {};

TEST(Quoting, names_and_texts_survive) {
  EXPECT_EQ(ident("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(literal("it's"), "'it''s'");
  EXPECT_EQ(literal("a\\'"), " E'a\\\\'''");
}

TEST(Csv, reads_what_psql_writes) {
  EXPECT_EQ(parse_csv("a,\"b,\"\"c\ne\"\n\n,x\n"), (Rows{{"a", "b,\"c\ne"}, {""}, {"", "x"}}));
  EXPECT_EQ(parse_csv("a,\"b"), std::nullopt); // cut off
  EXPECT_EQ(parse_csv("a,b"), std::nullopt);
}

TEST(Connection, quotes_what_libpq_would_read) {
  domain::PostgresSpec spec;
  spec.host = "/run/it's";
  const Reach reach{spec, {}};
  EXPECT_EQ(reach.connection("a b\\"), "dbname='a b\\\\' host='/run/it\\'s' "
                                       "application_name='belay' connect_timeout='15'");
}

TEST(Connection, goes_through_other_commands_and_is_quoted_for_the_shell_behind_ssh) {
  domain::PostgresSpec spec;
  spec.through = {"docker", "exec", "-i", "db"};
  spec.tools = "/opt/pg";
  EXPECT_EQ((Reach{spec, {}}).command("psql", {"-d", "a b"}).value().argv,
            (std::vector<std::string>{"docker", "exec", "-i", "db", "/opt/pg/psql", "-d", "a b"}));
  spec.through = {"/usr/bin/ssh", "host"};
  EXPECT_EQ((Reach{spec, {}}).command("psql", {"it's"}).value().argv,
            (std::vector<std::string>{"/usr/bin/ssh", "host", "'/opt/pg/psql'", "'it'\\''s'"}));
}

TEST_F(PsqlTest, gives_the_rows_of_every_statement) {
  const auto rows =
      psql().run("postgres", "SELECT 1, 'a,\"b'; SELECT NULL;\nSELECT " + literal("x\n\\'y"));
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(rows.value(), (Rows{{"1", "a,\"b"}, {""}, {"x\n\\'y"}}));
}

TEST_F(PsqlTest, tells_what_the_server_said_no_to_and_runs_nothing_after_it) {
  const std::string database = make_database("db");
  const auto answer = psql().ask(database, "CREATE TABLE public.t(a int);\nSELECT nothing;\n"
                                           "DROP TABLE public.t;");
  ASSERT_TRUE(answer) << answer.error().message;
  ASSERT_TRUE(answer.value().error);
  EXPECT_EQ(answer.value().error->state, "42703");
  EXPECT_EQ(answer.value().error->line, 2);
  EXPECT_EQ(value(database, "SELECT count(*) FROM public.t"), "0");
  const auto failed = psql().run(database, "SELECT 1/0");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "PostgreSQL: division by zero (SQLSTATE 22012)");
}

// As a script that was cut off: psql itself ends with 0.
TEST_F(PsqlTest, a_script_that_swallows_the_mark_is_no_success) {
  for (const char* script : {"SELECT 1; /* no end", "SELECT 'no end", "SELECT 1; \\q"}) {
    const auto rows = psql().run("postgres", script);
    EXPECT_FALSE(rows) << script;
  }
}

TEST_F(PsqlTest, no_connection_is_told_apart) {
  const auto missing = psql().run("no-such-database", "SELECT 1");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::not_found) << missing.error().message;
  auto spec = spec_of("postgres");
  spec.host = root;
  const auto nobody = Psql{ports(), Reach{spec, no_secret}}.run("postgres", "SELECT 1");
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().kind, ErrorKind::unavailable) << nobody.error().message;
}

TEST_F(PsqlTest, a_password_is_in_the_environment_alone) {
  const std::string user = make_role("login", "PASSWORD 'right one'");
  auto spec = spec_of("postgres", user);
  spec.host = "127.0.0.1";
  const auto try_with = [&](const std::string& password) {
    spec.password = domain::SecretRef{domain::SecretRef::Kind::environment, "X"};
    const Reach reach{
        spec, [password](const domain::SecretRef&) { return base::Result<std::string>{password}; }};
    return Psql{ports(), reach}.run("postgres", "SELECT current_user");
  };
  const auto right = try_with("right one");
  ASSERT_TRUE(right) << right.error().message;
  EXPECT_EQ(right.value(), (Rows{{user}}));
  const auto wrong = try_with("wrong one");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().kind, ErrorKind::unavailable);
  EXPECT_TRUE(wrong.error().hint.contains("password")) << wrong.error().hint;
}

TEST_F(PsqlTest, a_lost_connection_and_a_long_statement_leave_the_outcome_unknown) {
  const auto lost = psql().run("postgres", "SELECT pg_terminate_backend(pg_backend_pid())");
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().kind, ErrorKind::unknown_outcome) << lost.error().message;
  const auto slow =
      psql().run("postgres", "SELECT pg_sleep(600)", {.timeout = world::Milliseconds{200}});
  ASSERT_FALSE(slow);
  EXPECT_EQ(slow.error().kind, ErrorKind::unknown_outcome) << slow.error().message;
}

TEST_F(PsqlTest, more_rows_than_are_wanted_are_an_error) {
  const auto many =
      psql().run("postgres", "SELECT generate_series(1, 100000)", {.bytes_max = 65536});
  ASSERT_FALSE(many);
  EXPECT_TRUE(many.error().message.contains("more than")) << many.error().message;
}

TEST_F(PsqlTest, a_client_older_than_the_server_is_refused) {
  const std::string old = root + "/old/psql"; // says that it is of version 9
  write("old/psql", "#!/bin/sh\nexec sed -n 's/^.echo \\(.*-begin\\) .*/\\1 90624 150000/p'\n",
        0755);
  auto spec = spec_of("postgres");
  spec.tools = root + "/old";
  const auto refused = Psql{ports(), Reach{spec, no_secret}}.run("postgres", "SELECT 1");
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().message.contains("version 9")) << refused.error().message;
  EXPECT_TRUE(refused.error().hint.contains("tools:")) << refused.error().hint;
}

TEST_F(PsqlTest, reaches_the_server_through_another_command) {
  auto spec = spec_of("postgres");
  spec.through = {"/usr/bin/env", "--"};
  const auto rows = Psql{ports(), Reach{spec, no_secret}}.run("postgres", "SELECT 'here'");
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(rows.value(), (Rows{{"here"}}));
}

} // namespace
} // namespace drivers::postgres
