#include "drivers/sqlite/script.hpp"

#include <gtest/gtest.h>

namespace drivers::sqlite {
namespace {

std::vector<std::string> statements_of(std::string_view text) {
  std::vector<std::string> all;
  for (const Statement& statement : read_script(text).statements)
    all.push_back(std::to_string(statement.line) + " " + statement.sql);
  return all;
}

std::string problem_of(std::string_view text) {
  const auto problems = read_script(text).problems;
  return problems.empty() ? "" : std::to_string(problems[0].line) + " " + problems[0].text;
}

using Texts = std::vector<std::string>;

TEST(script, semicolons_part_statements_but_not_in_quotations_and_comments) {
  EXPECT_EQ(statements_of("SELECT 1;\n\n -- a; b\nSELECT ';''x;', \"a;\", [b;], `c;` /* ; */;;x"),
            (Texts{"1 SELECT 1", "4 SELECT ';''x;', \"a;\", [b;], `c;` /* ; */", "4 x"}));
  EXPECT_EQ(statements_of(""), Texts{});
  EXPECT_EQ(statements_of("-- nothing\n/* at all */ ;\n"), Texts{});
}

TEST(script, a_trigger_is_one_statement) {
  const std::string trigger = "CREATE TEMP TRIGGER t AFTER INSERT ON a BEGIN\n"
                              "  SELECT CASE WHEN 1 THEN 2 END;\n  DELETE FROM b;\nEND";
  EXPECT_EQ(statements_of(trigger + ";\nSELECT 1"), (Texts{"1 " + trigger, "5 SELECT 1"}));
  EXPECT_EQ(read_script(trigger + ";").problems, std::vector<ScriptProblem>{});
  EXPECT_EQ(problem_of("create trigger t after insert on a begin select 1;"),
            "1 this trigger has no END");
  // A table may be called so.
  EXPECT_EQ(statements_of("CREATE TABLE t (trigger TEXT); SELECT 1").size(), 2U);
  EXPECT_EQ(statements_of("CREATE TABLE trigger (id INT); SELECT 1").size(), 2U);
  EXPECT_EQ(statements_of("EXPLAIN QUERY PLAN " + trigger + "; SELECT 1").size(), 2U);
}

TEST(script, what_cannot_be_part_of_a_transaction_is_told_with_its_line) {
  for (const char* text :
       {"VACUUM", "attach 'x' as y", "Detach y", "BEGIN", "commit", "END", "ROLLBACK",
        "SAVEPOINT a", "release a", "PRAGMA journal_mode=WAL", "pragma foreign_keys = off",
        "PRAGMA main.page_size=512", ".read x", "INSERT INTO belay_migrations VALUES (1)",
        "DROP TABLE \"Belay_Migrations\"", "SELECT 'x", "/* x", "-- +goose Down"})
    EXPECT_TRUE(problem_of("SELECT 1;\n" + std::string{text}).starts_with("2 ")) << text;
  EXPECT_EQ(problem_of(std::string_view{"SELECT 1;\0", 10}), "1 this is not text");
  for (const char* text :
       {"PRAGMA user_version = 3", "PRAGMA main.application_id=1", "SELECT 'VACUUM; BEGIN'",
        "REINDEX", "ANALYZE", "UPDATE a SET b = 'belay_migrations'"})
    EXPECT_EQ(problem_of(text), "") << text;
}

TEST(script, directives_stand_at_the_head) {
  const Script script = read_script("-- belay: expand, compatible\r\n--belay: x\nSELECT 1;");
  ASSERT_EQ(script.directives.size(), 3U);
  EXPECT_EQ(script.directives[0].word, "expand");
  EXPECT_EQ(script.directives[1].word, "compatible");
  EXPECT_EQ(script.directives[2].line, 2);
  EXPECT_EQ(problem_of("SELECT 1;\n-- belay: expand"),
            "2 'belay:' stands before the first statement only");
}

} // namespace
} // namespace drivers::sqlite
