#include "base/text.hpp"
#include "pgsql/classify.hpp"
#include "pgsql/file.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>

#include <gtest/gtest.h>

namespace {

using pgsql::Classifier;
using pgsql::File;
using pgsql::read_file;

std::string table_text() {
  const std::string path = base::parent_of(__FILE__) + "/statements.sql";
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{std::fopen(path.c_str(), "rb"),
                                                             &std::fclose};
  std::string text;
  if (file == nullptr)
    return text;
  for (int c = std::fgetc(file.get()); c != EOF; c = std::fgetc(file.get()))
    text += static_cast<char>(c);
  return text;
}

// "breaking drop-table new-object"
std::string verdict_of(const File& file) {
  std::vector<std::string> words{std::string{name_of(pgsql::kind_of(file))}};
  for (const auto& step : file.steps)
    for (const auto& finding : step.judgement.findings)
      if (const std::string name{finding.rule->name}; std::ranges::find(words, name) == words.end())
        words.push_back(name);
  return base::join(words, " ");
}

std::string verdict_of(const std::string& sql, pgsql::Catalog catalog = {}) {
  Classifier classifier{std::move(catalog)};
  return verdict_of(read_file(sql, classifier));
}

std::vector<std::string> problems_of(const std::string& sql) {
  Classifier classifier;
  std::vector<std::string> problems;
  for (const auto& problem : read_file(sql, classifier).problems)
    problems.push_back(std::to_string(problem.line) + ": " + problem.text);
  return problems;
}

TEST(Classify, SaysOfEachStatementWhatTheTableSays) {
  std::string wanted;
  int count = 0;
  int number = 0;
  for (const std::string& line : base::split(table_text(), '\n')) {
    ++number;
    if (line.starts_with("--= ")) {
      wanted = line.substr(4);
    } else if (!line.empty() && !line.starts_with("--")) {
      EXPECT_EQ(verdict_of(line), wanted) << "statements.sql:" << number << ": " << line;
      ++count;
    }
  }
  EXPECT_GT(count, 300);
}

TEST(Classify, TellsWhatAStatementDoes) {
  Classifier classifier;
  const File file =
      read_file("ALTER TABLE shop.orders ADD COLUMN note text,\n DROP COLUMN old;\n"
                "-- and\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \"I\" ON shop.orders (a)",
                classifier);
  ASSERT_EQ(file.steps.size(), 2U);
  const auto& first = file.steps[0].judgement.findings;
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first[0].does, "adds column shop.orders.note text, nullable");
  EXPECT_EQ(first[1].does, "drops column shop.orders.old");
  EXPECT_TRUE(first[1].rule->is_certain);
  EXPECT_EQ(file.steps[1].piece.line, 4);
  EXPECT_EQ(file.steps[1].judgement.makes_index, "\"shop\".\"I\"");
}

TEST(Classify, KnowsOfTheDatabaseWhatItIsTold) {
  const pgsql::Catalog catalog{
      .is_known = true, .relations = {"orders", "i"}, .columns = {"orders.id"}, .functions = {"f"}};
  EXPECT_EQ(
      verdict_of("CREATE TABLE IF NOT EXISTS a (id int); CREATE UNIQUE INDEX j ON a (id)", catalog),
      "additive new-object own-object");
  EXPECT_EQ(verdict_of("CREATE TABLE IF NOT EXISTS orders (id int); CREATE UNIQUE INDEX j ON "
                       "orders (id)",
                       catalog),
            "breaking new-object unique-index");
  EXPECT_EQ(verdict_of("CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1", catalog),
            "breaking replace-function");
  EXPECT_EQ(verdict_of("CREATE OR REPLACE FUNCTION g() RETURNS int LANGUAGE sql RETURN 1", catalog),
            "additive new-object");
  EXPECT_EQ(verdict_of("DROP TABLE IF EXISTS a; DROP INDEX IF EXISTS i", catalog),
            "breaking no-effect drop-index");
  EXPECT_EQ(
      verdict_of("ALTER TABLE orders ADD COLUMN IF NOT EXISTS a text; UPDATE orders SET a = ''",
                 catalog),
      "compatible new-column backfill");
  EXPECT_EQ(verdict_of("ALTER TABLE orders DROP COLUMN IF EXISTS a", catalog),
            "compatible no-effect");
}

TEST(Classify, RemembersWhatEarlierFilesHaveMade) {
  Classifier classifier;
  EXPECT_EQ(verdict_of(read_file("CREATE TABLE a (id int)", classifier)), "additive new-object");
  EXPECT_EQ(verdict_of(read_file("ALTER TABLE a DROP COLUMN id", classifier)),
            "additive own-object");
}

struct Refused {
  std::string sql;
  std::string problem; // "" when there is none
};

TEST(File, SaysWhatCannotRunAsAMigration) {
  const std::vector<Refused> all{
      {"BEGIN;\nCREATE TABLE a ();\nCOMMIT;\n", ""},
      {"-- head\nSTART TRANSACTION; CREATE TABLE a (); END", ""},
      {"CREATE TABLE a ();\nCOMMIT;\nCREATE TABLE b ();", "2: COMMIT is not for a migration"},
      {"BEGIN; CREATE TABLE a (); COMMIT;\nCREATE TABLE b ();", "1: BEGIN is not for a migration"},
      {"BEGIN; SELECT 1; COMMIT; BEGIN;\nSELECT 1; COMMIT", "1: BEGIN is not for a migration"},
      {"BEGIN; SELECT 1", "1: BEGIN is not"},
      {"BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT 1; COMMIT", "1: BEGIN with options is not"},
      {"BEGIN; SELECT 1; COMMIT AND CHAIN", "1: BEGIN is not"},
      {"SELECT 1;\n\nROLLBACK", "3: ROLLBACK is not for a migration"},
      {"SAVEPOINT a", "1: SAVEPOINT is not"},
      {"PREPARE TRANSACTION 'a'", "1: PREPARE TRANSACTION is not"},
      {"SET TRANSACTION READ ONLY", "1: SET TRANSACTION is not"},
      {"CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON a (b);\nVACUUM a", ""},
      {"SET lock_timeout = 0; DROP INDEX CONCURRENTLY IF EXISTS i", ""},
      {"CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON a (b);\nALTER TABLE a ADD b int",
       "1: 'CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON a ' cannot be part of a transaction, but "
       "line 2 is"},
      {"BEGIN;\nVACUUM;\nCOMMIT", "2: 'VACUUM' cannot be part of a transaction: leave BEGIN"},
      {"CREATE INDEX CONCURRENTLY ON a (b)", "1: CREATE INDEX CONCURRENTLY is no part"},
      {"CREATE INDEX CONCURRENTLY i ON a (b)", "1: CREATE INDEX CONCURRENTLY is no part"},
      {"DROP INDEX CONCURRENTLY i", "1: DROP INDEX CONCURRENTLY is no part"},
      {"REINDEX TABLE CONCURRENTLY a", "1: REINDEX CONCURRENTLY leaves"},
      {"ALTER TABLE a DETACH PARTITION b CONCURRENTLY", "1: DETACH ... CONCURRENTLY"},
      {"ALTER SYSTEM SET work_mem = '1GB'", "1: this changes the server"},
      {"CREATE DATABASE a", "1: this changes the server"},
      {"ALTER DATABASE a SET work_mem = '1GB'", "1: this changes the server"},
      {"ALTER DATABASE a RENAME TO b", "1: renaming a database"},
      {"DROP TABLESPACE a", "1: this changes the server"},
      {"CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p", "1: a subscription"},
      {"ALTER TYPE e ADD VALUE 'x';\nSELECT 1;", ""},
      {"ALTER TYPE e ADD VALUE 'x';\nALTER TABLE a ALTER b\nSET DEFAULT 'x'",
       "2: 'x' is added to its enum in line 1"},
      {"ALTER TYPE e ADD VALUE 'x';\n\nDO $$ BEGIN INSERT INTO a VALUES ('x'); END $$",
       "3: 'x' is added to its enum in line 1"},
      {"COPY a FROM STDIN;\n1\n\\.\n", "1: COPY ... FROM STDIN reads rows"},
      {"COPY a TO PROGRAM 'cat'", "1: COPY TO reaches out"},
      {"SELECT 1;\n\\i other.sql\n", "2: a line with '\\' outside of quotes"},
      {"SELECT 1 \\gexec", "1: a line with '\\' outside of quotes"},
      {"SELECT E'a\\'b', '\\d', $$\\$$", ""},
      {"GRANT SELECT ON a TO :owner", "1: ':owner' is a variable of the program psql"},
      {"INSERT INTO a VALUES (:'name')", "1: ':'name'' is a variable"},
      {"SELECT a[1:n], x::text FROM a", ""},
      {"INSERT INTO Belay_Migrations VALUES ('x')", "1: the ledger 'belay_migrations' is kept"},
      {"SET standard_conforming_strings = off", "1: 'standard_conforming_strings' would change"},
      {"RESET ALL", "1: 'RESET ALL' would change"},
      {"SELECT 'one;\n", "1: unterminated quoted string"},
      {"SELECT 1;\n/* never ends", "2: unterminated /* comment"},
      {std::string{"SELECT 1;\n\0", 11}, "2: this is not text"},
      {"", ""},
      {"-- nothing\n;;\n", ""},
  };
  for (const Refused& each : all) {
    const auto problems = problems_of(each.sql);
    if (each.problem.empty())
      EXPECT_EQ(problems, std::vector<std::string>{}) << each.sql;
    else
      EXPECT_TRUE(std::ranges::any_of(
          problems, [&](const std::string& problem) { return problem.starts_with(each.problem); }))
          << each.sql << "\nwanted " << each.problem << "\nsays " << base::join(problems, "\n");
  }
}

TEST(File, CutsStatementsWhereTheServerDoes) {
  Classifier classifier;
  const File file =
      read_file("/* a; b */ CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END;\n"
                "DO $a$ BEGIN; $b$ ; $b$ END $a$; -- one;\n"
                "\n  SELECT ';' AS \";\";\n"
                "CREATE RULE r AS ON INSERT TO a DO (SELECT 1;\nSELECT 2)\n",
                classifier);
  std::vector<int> lines;
  for (const auto& step : file.steps)
    lines.push_back(step.piece.line);
  EXPECT_EQ(lines, (std::vector<int>{1, 2, 4, 5}));
  EXPECT_EQ(file.steps[2].piece.sql, "SELECT ';' AS \";\"");
  EXPECT_TRUE(file.problems.empty());
}

TEST(File, KeepsTheCommentsOfItsHead) {
  Classifier classifier;
  const File file = read_file("-- belay: expand\n/* x */\n--two\nSELECT 1; -- three\n", classifier);
  ASSERT_EQ(file.comments.size(), 3U);
  EXPECT_EQ(file.comments[0].text, " belay: expand");
  EXPECT_TRUE(file.comments[1].is_head);
  EXPECT_EQ(file.comments[1].line, 3);
  EXPECT_FALSE(file.comments[2].is_head);
}

TEST(Classifier, TellsWhatReachesBeyondTheDatabase) {
  const auto reaches = [](const char* sql) {
    Classifier classifier;
    const File file = read_file(sql, classifier);
    return std::ranges::any_of(
        file.steps, [](const pgsql::Step& step) { return step.judgement.reaches_beyond; });
  };
  for (const char* sql :
       {"CREATE ROLE app", "ALTER ROLE app SET work_mem = '1MB'", "DROP USER app",
        "GRANT admin TO app", "REASSIGN OWNED BY a TO b", "COMMENT ON DATABASE shop IS 'x'",
        "GRANT CONNECT ON DATABASE shop TO app", "ALTER DATABASE shop OWNER TO app",
        "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles) THEN CREATE ROLE app; END IF; END $$",
        "DO $$ BEGIN EXECUTE format('GRANT %I TO app', 'admin'); END $$",
        "SELECT dblink_exec('dbname=other', 'DELETE FROM a')",
        "UPDATE a SET b = (SELECT count(*) FROM (SELECT pg_terminate_backend(1)) x)",
        "CREATE SERVER other FOREIGN DATA WRAPPER f", "CREATE ROLE is not sql"})
    EXPECT_TRUE(reaches(sql)) << sql;
  for (const char* sql :
       {"CREATE TABLE users (role text, database text)", "GRANT SELECT ON a TO app",
        "DO $$ BEGIN GRANT SELECT ON a TO app; ALTER TABLE a ADD b int; END $$",
        "UPDATE a SET role = 'user'", "COMMENT ON TABLE a IS 'a role'", "SELECT now()"})
    EXPECT_FALSE(reaches(sql)) << sql;
}

TEST(File, NestedWithoutEndIsUnknown) {
  const auto many = [](const std::string& part, int count) {
    std::string text;
    for (int i = 0; i < count; ++i)
      text += part;
    return text;
  };
  for (const std::string& sql :
       {"SELECT 1" + many("+1", 20'000), "SELECT " + many("(", 20'000),
        "SELECT " + many("- ", 20'000) + "1", "SELECT " + many("NOT ", 10'000) + "true",
        "SELECT 1, 2" + many(" UNION SELECT 1, 2", 5'000),
        "SELECT " + many("(1, ", 5'000) + "1" + many(")", 5'000), "SELECT a" + many("[1]", 10'000),
        "SELECT 1" + many("::int", 10'000), "SELECT * FROM a" + many(" CROSS JOIN b", 5'000)})
    EXPECT_EQ(verdict_of(sql), "unknown not-parsed") << sql.substr(0, 20);
  EXPECT_EQ(verdict_of("SELECT 1" + many("+1", 1'500)), "compatible no-effect");
  EXPECT_EQ(verdict_of("CREATE TABLE a (id int); INSERT INTO a VALUES (1)" + many(", (-1)", 3'000)),
            "additive new-object own-object");
}

} // namespace
