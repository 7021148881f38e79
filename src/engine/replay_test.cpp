#include "base/digest.hpp"
#include "engine/golden_for_test.hpp"
#include "engine/judging.hpp"
#include "engine/record.hpp"
#include "sim/sim_world.hpp"

#include <cstdio>
#include <memory>

#include <gtest/gtest.h>

namespace engine {
namespace {

constexpr std::int64_t minute = 60'000;

// An operation whose watch took 200 rounds before the change and 300 after it.
class ReplayTest : public testing::Test {
protected:
  const std::string id = "o-20231114T221327.500Z-235c";
  const std::string operation = "/srv/.belay/operations/" + id;
  const std::string path = operation + "/readings";

  void SetUp() override {
    world.host.disk.write("/srv/.belay/format", "belay state 1\n");
    world.host.disk.write(operation + "/plan.json", golden("journal-1/plan.json"));
  }

  journal::Journal file(const std::string& name) {
    auto opened = journal::Journal::open(files(), operation + "/" + name);
    EXPECT_TRUE(opened);
    return std::move(opened).value();
  }
  world::Files& files() { return world.ports().files; }

  static std::vector<judge::Reading> round(std::int64_t at, bool is_ok) {
    return {{at, "web.ready", is_ok ? judge::Answer::ok : judge::Answer::failed, 80.5, {}},
            {at, "orders", judge::Answer::ok, 40, 7.0 / 3}};
  }

  void keep_before() {
    auto kept = file("readings");
    EXPECT_TRUE(kept.append(encode_policy({.warm_up_ms = minute, .numbers = {"orders"}})));
    for (int i = 0; i < 200; ++i)
      EXPECT_TRUE(kept.append(encode_round("before", 1, round(3000 * i, true))));
  }

  // A watch from its begin on, in which each `fails_every`-th request fails.
  void keep_watch(int fails_every) {
    auto kept = file("readings");
    EXPECT_TRUE(kept.append(encode_watch(10 * minute)));
    EXPECT_TRUE(kept.append(encode_placebo({.request = "orders", .shifts = {-0.1, 1.0 / 3}})));
    for (int i = 0; i < 300; ++i)
      EXPECT_TRUE(kept.append(
          encode_round("after", 2, round(10 * minute + 3000 * i, i % fails_every != 0))));
    const auto all = load_case(files(), path);
    ASSERT_TRUE(all) << all.error().message;
    for (int look = 1; look <= judge::looks; ++look)
      EXPECT_TRUE(kept.append(
          encode_judgement(judge::judge_at(all.value().readings, all.value().policy, look))));
  }

  void write_journal(RecordEvent event, bool is_sealed, bool stays = false) {
    Record record{.event = event, .step = "watch", .at = "2026-11-21T02:34:05.123Z"};
    record.stays = stays;
    if (is_sealed)
      record.readings = base::sha256_hex(world.host.disk.find(path)->content);
    EXPECT_TRUE(file("journal").append(encode(record)));
  }

  base::Result<Replay> look() {
    const auto folder = TRY(state::Folder::open(world.ports(), "/srv/.belay"));
    return replay(world.ports(), folder, id);
  }

  sim::SimWorld world;
};

TEST_F(ReplayTest, every_number_of_every_verdict_is_found_again) {
  keep_before();
  keep_watch(10);
  write_journal(RecordEvent::failed, true);
  const auto replayed = look();
  ASSERT_TRUE(replayed) << replayed.error().message;
  EXPECT_TRUE(replayed.value().is_sealed);
  ASSERT_EQ(replayed.value().verdicts.size(), 3U);
  for (const auto& [judgement, is_as_recorded] : replayed.value().verdicts)
    EXPECT_TRUE(is_as_recorded) << judgement.look;
  EXPECT_EQ(replayed.value().verdicts[2].judgement.verdict, judge::Verdict::worse);
}

TEST_F(ReplayTest, readings_that_were_cut_or_changed_are_refused) {
  keep_before();
  keep_watch(10);
  write_journal(RecordEvent::failed, true);
  const std::string whole = world.host.disk.find(path)->content;
  std::string& text = world.host.disk.find(path)->content;
  const auto refused = [&] {
    const auto replayed = look();
    return !replayed && replayed.error().kind == base::ErrorKind::corrupt &&
           replayed.error().message.contains("was cut or changed since");
  };
  text.resize(text.size() - 5);
  EXPECT_TRUE(refused()) << "inside a record";
  text.resize(text.rfind('\n') + 1);
  EXPECT_TRUE(refused()) << "between two records";
  text = whole;
  text[text.size() / 2] ^= 1;
  EXPECT_TRUE(refused()) << "changed";
  ASSERT_TRUE(files().remove(path));
  EXPECT_EQ(look().error().kind, base::ErrorKind::corrupt);
  EXPECT_NE(look().error().message.find("is gone"), std::string::npos);
}

TEST_F(ReplayTest, a_watch_that_began_again_counts_alone) {
  keep_before();
  keep_watch(10);
  write_journal(RecordEvent::failed, true, true); // no automatic way back
  write_journal(RecordEvent::begin, false);
  keep_watch(1'000'000);
  EXPECT_FALSE(look().value().is_sealed); // what the failed one said is of fewer readings
  write_journal(RecordEvent::done, true);
  const auto replayed = look();
  ASSERT_TRUE(replayed) << replayed.error().message;
  EXPECT_TRUE(replayed.value().is_sealed);
  ASSERT_EQ(replayed.value().verdicts.size(), 3U);
  EXPECT_NE(replayed.value().verdicts[2].judgement.verdict, judge::Verdict::worse);
}

TEST_F(ReplayTest, what_is_broken_off_is_told_as_such_and_what_was_not_judged_too) {
  keep_before();
  EXPECT_EQ(look().error().kind, base::ErrorKind::not_found);
  keep_watch(10);
  std::string& text = world.host.disk.find(path)->content;
  text.resize(text.size() - 5);
  const auto replayed = look();
  ASSERT_TRUE(replayed) << replayed.error().message;
  EXPECT_FALSE(replayed.value().is_sealed);
  EXPECT_EQ(replayed.value().verdicts.size(), 2U);
}

TEST_F(ReplayTest, a_verdict_that_does_not_follow_says_so) {
  keep_before();
  keep_watch(10);
  EXPECT_TRUE(file("readings").append(encode_judgement({.look = 2})));
  write_journal(RecordEvent::done, true);
  EXPECT_TRUE(look().value().verdicts[1].is_as_recorded);
  EXPECT_FALSE(look().value().verdicts[3].is_as_recorded);
}

TEST_F(ReplayTest, readings_of_version_1_are_read_for_ever) {
  world.host.disk.write(path, golden("readings-1/readings"));
  const auto all = load_case(files(), path);
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_EQ(all.value().policy.watch_ms, 900'000);
  EXPECT_EQ(all.value().readings.before.size(), 400U);
  EXPECT_EQ(all.value().readings.after.size(), 600U);
  EXPECT_EQ(all.value().readings.after[1].number, 7.0 / 3);
  EXPECT_EQ(all.value().readings.placebos.at(0).shifts.at(1), 1.0 / 3);
  EXPECT_EQ(all.value().verdicts.size(), 3U);
}

TEST_F(ReplayTest, a_newer_version_is_refused_and_what_is_no_record_is_damaged) {
  EXPECT_TRUE(file("readings").append(R"({"kind":"policy","version":2})"));
  EXPECT_EQ(load_case(files(), path).error().kind, base::ErrorKind::too_new);
  for (const char* text : {"", "[]", "{}", R"({"kind":"round"})", R"({"kind":"watch","at_ms":"x"})",
                           R"({"kind":"verdict","look":9})"}) {
    world.host.disk.write(path, "");
    EXPECT_TRUE(file("readings").append(text));
    EXPECT_EQ(load_case(files(), path).error().kind, base::ErrorKind::corrupt) << text;
  }
  world.host.disk.write(path, "");
  EXPECT_TRUE(file("readings").append(R"({"kind":"of a later belay"})"));
  EXPECT_TRUE(load_case(files(), path));
}

} // namespace
} // namespace engine
