#include "drivers/postgres/counters.hpp"
#include "drivers/postgres/record.hpp"
#include "drivers/postgres/server_for_test.hpp"

namespace drivers::postgres {
namespace {

TEST(PostgresCounters, TellWhatWasWrittenOrThatTheyCannot) {
  const Counters before{7, "", {{"public.a", 10, 2, 1}, {"public.b", 5, 0, 0}}};
  Counters now = before;
  EXPECT_EQ(tell_counted(before, now), "about 0 rows in 0 tables, by the server's counters");
  now.tables = {{"public.a", 12, 5, 1}, {"public.b", 5, 0, 0}, {"public.new", 100, 0, 0}};
  EXPECT_EQ(tell_counted(before, now), "about 105 rows in 2 tables, by the server's counters");
  now.tables[1].inserted = 4; // they began anew
  EXPECT_EQ(tell_counted(before, now), std::nullopt);
  EXPECT_EQ(tell_counted(before, Counters{8, "", {}}), std::nullopt); // of another database
  EXPECT_EQ(tell_counted(before, Counters{7, "2026-11-21", {}}), std::nullopt);
  EXPECT_EQ(tell_counted(Counters{}, before), std::nullopt); // an older record
}

TEST(PostgresCounters, AreKeptInTheRecordAndMayBeMissingInAnOlderOne) {
  Kept kept;
  kept.live = "app";
  kept.counters = {7, "then", {{"public.a", 10, 2, 1}}};
  const std::string text = to_json(kept);
  const auto read = kept_from(text, "x");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read.value(), kept);
  const auto at = text.find(" \"counters\"");
  const auto end = text.find("\n },\n", at) + 5;
  ASSERT_TRUE(at != std::string::npos && end > at);
  const auto older = kept_from(text.substr(0, at) + text.substr(end), "x");
  ASSERT_TRUE(older) << older.error().message;
  EXPECT_EQ(older.value().counters, Counters{});
}

using CountersTest = OnServer;

TEST_F(CountersTest, count_what_others_have_written) {
  const std::string live = make_database("app");
  sql(live, "CREATE TABLE public.t (i int)");
  const auto before = counters_of(psql(), live);
  ASSERT_TRUE(before) << before.error().message;
  EXPECT_GT(before.value().oid, 0U);
  sql(live, "INSERT INTO public.t SELECT generate_series(1, 5);\nDELETE FROM public.t WHERE i = 1");
  ASSERT_TRUE(eventually([&] {
    const auto now = counters_of(psql(), live);
    return now && tell_counted(before.value(), now.value()) ==
                      "about 6 rows in 1 table, by the server's counters";
  }));
}

// The proof of a copy is that it was read, and an index is not the table.
TEST_F(CountersTest, tell_that_rows_are_counted_in_the_table_itself) {
  const std::string live = make_database("app");
  sql(live, "CREATE TABLE public.t (i int PRIMARY KEY, wide text);\nINSERT INTO public.t SELECT i, "
            "repeat('x', 200) FROM generate_series(1, 20000) i");
  sql(live, "VACUUM ANALYZE public.t");
  const auto content = content_of(psql(), live, Reading::counts, {});
  ASSERT_TRUE(content) << content.error().message;
  EXPECT_EQ(rows_of(content.value()), 20'000U);
  EXPECT_TRUE(eventually([&] {
    return value(live, "SELECT seq_scan > 0 AND idx_scan = 0 FROM pg_stat_user_tables") == "t";
  }));
}

} // namespace
} // namespace drivers::postgres
