#include "base/digest.hpp"
#include "base/text.hpp"
#include "migrations/folder.hpp"
#include "os/world_for_test.hpp"

namespace migrations {
namespace {

class FolderTest : public os::RealWorld {
protected:
  domain::FolderState look(const std::vector<Applied>& ledger, Rules rules = {}) {
    auto state = migrations::look(files_, spec, root + "/sql", ledger, rules,
                                  [](const domain::MigrationFile& file, bool) {
                                    Reading reading;
                                    int line = 0;
                                    for (const std::string& each : base::split(file.text, '\n'))
                                      if (++line; each.starts_with("--"))
                                        read_comment(line, each.substr(2), line == 1, reading);
                                    return reading;
                                  });
    EXPECT_TRUE(state);
    return state ? std::move(state).value() : domain::FolderState{};
  }
  static std::string names_of(const std::vector<domain::MigrationFile>& files) {
    std::string names;
    for (const auto& file : files)
      names += file.name + " ";
    return names;
  }
  domain::MigrationSpec spec;
};

TEST_F(FolderTest, order_is_by_number_and_only_sql_counts) {
  for (const char* name : {"10_c.sql", "2_b.sql", "1_a.sql", "1_a.down.sql", "README", ".x.sql"})
    write(std::string{"sql/"} + name, "");
  EXPECT_EQ(names_of(look({}).pending), "1_a.sql 2_b.sql 10_c.sql ");
  EXPECT_TRUE(look({}).problems.empty());
  const auto state = look({}, {.must_sort_alike = true, .is_known_word = {}});
  ASSERT_EQ(state.problems.size(), 1U);
  EXPECT_TRUE(state.problems[0].starts_with("2_b.sql comes before 10_c.sql by its number"));
  EXPECT_TRUE(look({{"2_b.sql", ""}, {"1_a.sql", ""}, {"10_c.sql", ""}},
                   {.must_sort_alike = true, .is_known_word = {}})
                  .problems.empty()); // it is too late for them
}

TEST_F(FolderTest, what_was_applied_is_compared_by_digest_where_the_ledger_has_one) {
  write("sql/1.sql", "one");
  write("sql/2.sql", "two");
  write("sql/4.sql", "four");
  const std::string digest = base::sha256_hex("one");
  EXPECT_TRUE(look({{"1.sql", digest}, {"2.sql", ""}}).problems.empty());
  EXPECT_TRUE(look({{"1.sql", std::string(64, '0')}})
                  .problems.at(0)
                  .starts_with("1.sql was changed after it was applied"));
  EXPECT_TRUE(
      look({{"1.sql", ""}, {"3.sql", ""}}).problems.at(0).starts_with("3.sql was applied, but is"));
  EXPECT_TRUE(look({{"1.sql", ""}, {"4.sql", ""}})
                  .problems.at(0)
                  .starts_with("2.sql was never applied, but comes before 4.sql"));
}

TEST_F(FolderTest, a_file_says_what_it_is_at_its_head) {
  write("sql/1.sql", "-- belay: expand\n");
  write("sql/2.sql", "-- belay: compatible, mine\n");
  write("sql/3.sql", "SELECT 1;\n-- belay: expand\n");
  write("sql/4.sql", "-- +goose Down\n");
  write("sql/5.sql", "-- belay: contract compatible\n");
  const auto state = look({}, {.must_sort_alike = false, .is_known_word = {}});
  EXPECT_EQ(state.pending.at(0).kind, domain::MigrationClass::expand);
  EXPECT_TRUE(state.pending.at(0).is_compatible);
  EXPECT_TRUE(state.pending.at(1).is_compatible);
  ASSERT_EQ(state.problems.size(), 4U);
  EXPECT_EQ(state.problems[0],
            "2.sql:1: 'belay: mine' is not known: expand, change, contract and compatible are");
  EXPECT_EQ(state.problems[1], "3.sql:2: 'belay:' stands before the first statement only");
  EXPECT_TRUE(state.problems[2].starts_with("4.sql:1: '+goose down' is of another tool"));
  EXPECT_TRUE(state.problems[3].starts_with("5.sql:1: what takes something away"));
  const auto knowing =
      look({}, {.must_sort_alike = false,
                .is_known_word = [](std::string_view word) { return word == "mine"; }});
  EXPECT_EQ(knowing.problems.size(), 3U);
}

} // namespace
} // namespace migrations
