#include "admission/audit.hpp"
#include "base/text.hpp"
#include "sim/sim_world.hpp"

#include <cstdio>
#include <memory>

#include <gtest/gtest.h>

namespace admission {
namespace {

using base::ErrorKind;

constexpr const char* path = "/a/audit";
const world::TimePoint morning = base::parse_time("2026-11-22T06:00:00.000Z").value();

std::string golden_audit() {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{
      std::fopen((std::string{GOLDEN_FOLDER} + "/audit-1/audit").c_str(), "rb"), &std::fclose};
  std::string text(1U << 16U, '\0');
  text.resize(file ? std::fread(text.data(), 1, text.size(), file.get()) : 0);
  return text;
}

std::vector<AuditRecord> three_records() {
  return {{.number = 1,
           .at = morning,
           .who = "user 0",
           .over = "command line",
           .what = "token create",
           .arguments = {"name=ci", "role=operator"}},
          {.number = 2,
           .at = morning,
           .is_end = true,
           .who = "user 0",
           .over = "command line",
           .what = "token create",
           .begun = 1,
           .status = 0},
          {.number = 3,
           .at = morning,
           .who = "token ci",
           .over = "http from 192.0.2.7",
           .what = "createOperation",
           .arguments = {"stack=shop", "kind=backup"}}};
}

class AuditTest : public testing::Test {
protected:
  AuditTest() : log{world.ports(), "/a"} {}
  AuditRecord add(const std::string& what) {
    return log.append({.who = "user 0", .over = "http", .what = what}).value();
  }
  std::string text() { return world.ports().files.read(path).value(); }
  void write(const std::string& bytes) { world.host.disk.write(path, bytes); }
  std::vector<std::string> all_done() {
    std::vector<std::string> all;
    EXPECT_TRUE(
        log.read([&](const AuditRecord& record, const AuditHead&) { all.push_back(record.what); }));
    return all;
  }
  sim::SimWorld world;
  AuditLog log;
};

// The first release wrote this file; every later one must read it for ever.
TEST_F(AuditTest, GoldenAuditOfVersion1IsRead) {
  std::string made;
  AuditHead head;
  for (const AuditRecord& record : three_records()) {
    const AuditLine line = audit_line(record, head);
    made += line.text;
    head = line.head;
  }
  EXPECT_EQ(made, golden_audit());
  world.ports().files.create_folders("/a").value();
  write(golden_audit());
  std::vector<AuditRecord> read;
  const auto ended =
      log.read([&](const AuditRecord& record, const AuditHead&) { read.push_back(record); });
  ASSERT_TRUE(ended) << ended.error().message;
  EXPECT_EQ(read, three_records());
  EXPECT_EQ(ended.value().head, head);
}

TEST_F(AuditTest, EachRecordFollowsFromTheOneBefore) {
  EXPECT_EQ(log.verify({}).value().head.number, 0U);
  EXPECT_EQ(add("a").number, 1U);
  EXPECT_EQ(add("b").number, 2U);
  EXPECT_EQ(all_done(), (std::vector<std::string>{"a", "b"}));
  const AuditHead kept = log.verify({}).value().head;
  EXPECT_EQ(head_named(words_of(kept)), kept);
  add("c");
  EXPECT_TRUE(log.verify(kept));
  EXPECT_FALSE(log.verify(AuditHead{.number = 2, .digest = std::string(64, '0')}));
}

TEST_F(AuditTest, AFlippedByteAnywhereIsFound) {
  for (const char* what : {"a", "b", "c"})
    add(what);
  const std::string good = text();
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    write(bad);
    const auto read = log.verify({});
    const bool is_last_newline = i + 1 == good.size(); // then the last record looks unfinished
    ASSERT_TRUE(is_last_newline ? read && read.value().has_torn_end : !read) << i;
    if (!read) {
      EXPECT_EQ(read.error().kind, ErrorKind::corrupt);
    }
  }
}

TEST_F(AuditTest, ALineThatIsTakenOutOrPutElsewhereIsFound) {
  for (const char* what : {"a", "b", "c"})
    add(what);
  const AuditHead head = log.verify({}).value().head;
  const auto lines = base::split(text(), '\n');
  write(lines[0] + "\n" + lines[2] + "\n");
  EXPECT_NE(log.verify({}).error().message.find("record 2"), std::string::npos);
  write(lines[1] + "\n" + lines[2] + "\n");
  EXPECT_NE(log.verify({}).error().message.find("record 1"), std::string::npos);
  write(lines[0] + "\n" + lines[2] + "\n" + lines[1] + "\n");
  EXPECT_FALSE(log.verify({}));
  write(lines[0] + "\n" + lines[1] + "\n"); // a chain alone cannot tell this
  EXPECT_TRUE(log.verify({}));
  const auto missing = log.verify(head);
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("ends at record 2"), std::string::npos);
  world.ports().files.remove(path).value();
  EXPECT_FALSE(log.verify(head));
}

TEST_F(AuditTest, ARecordThatWasNotWrittenWholeIsCutOffAndTheChainGoesOn) {
  add("a");
  const std::string one = text();
  add("b");
  const std::string two = text();
  for (std::size_t length = one.size() + 1; length < two.size(); ++length) {
    write(two.substr(0, length));
    const auto read = log.verify({});
    ASSERT_TRUE(read) << length;
    EXPECT_TRUE(read.value().has_torn_end);
    EXPECT_EQ(read.value().head.number, 1U);
    EXPECT_EQ(add("c").number, 2U);
    EXPECT_EQ(all_done(), (std::vector<std::string>{"a", "c"}));
    EXPECT_FALSE(log.verify({}).value().has_torn_end);
  }
  write(one.substr(0, 10)); // the very first one
  EXPECT_EQ(add("d").number, 1U);
  EXPECT_EQ(all_done(), (std::vector<std::string>{"d"}));
}

TEST_F(AuditTest, WhatIsBrokenStaysBrokenAndTakesMore) {
  add("a");
  write(text() + "rubbish\n");
  add("b");
  EXPECT_NE(log.verify({}).error().message.find("record 2"), std::string::npos);
}

// Nothing that a death of ours leaves is so long: somebody else wrote it, and it is kept.
TEST_F(AuditTest, ALongEndWithoutANewlineIsKeptAndTakesMore) {
  add("a");
  const std::string bad = text() + std::string(200U << 10U, 'x');
  write(bad);
  add("b");
  EXPECT_TRUE(text().starts_with(bad + "\n"));
  EXPECT_EQ(add("c").number, 3U);
  EXPECT_NE(log.verify({}).error().message.find("record 2"), std::string::npos);
}

TEST_F(AuditTest, WhateverFailsOrDiesWhileARecordIsWrittenTheChainHolds) {
  using sim::Fault;
  for (const Fault fault : {Fault::crash_before, Fault::crash_after, Fault::crash_torn,
                            Fault::power_cut, Fault::fail_once, Fault::fail_always,
                            Fault::lost_reply, Fault::no_space, Fault::read_fails})
    for (std::size_t at = 0; at < 6; ++at) {
      const std::string which = std::string{sim::name_of(fault)} + "@" + std::to_string(at);
      sim::SimWorld one;
      AuditLog written{one.ports(), "/a"};
      const auto begin = [&](const char* what) {
        return written.append({.who = "user 0", .over = "http", .what = what});
      };
      ASSERT_TRUE(begin("a"));
      one.arm(fault, at);
      std::uint64_t told = 0;
      try {
        for (int i = 0; i < 2; ++i) // the second one stands behind what failed
          told += begin("b") ? 1U : 0U;
      } catch (const sim::Crash&) {
      }
      one.arm(Fault::none, 0);
      ASSERT_TRUE(written.verify({})) << which;
      const auto last = begin("c");
      ASSERT_TRUE(last) << which;
      EXPECT_GE(last.value().number, 2 + told) << which;
      EXPECT_EQ(written.verify({}).value().head.number, last.value().number) << which;
    }
}

TEST_F(AuditTest, WhoWaitsForTheLockWaitsForSoLongAndNoLonger) {
  auto ports = world.ports();
  AuditLog patient{ports, "/a", std::chrono::seconds{1}};
  ports.files.create_folders("/a").value();
  auto held = ports.files.lock("/a/audit.lock", "{}");
  ASSERT_TRUE(held);
  const auto began = ports.clock.monotonic();
  const auto refused = patient.append({.who = "user 0", .over = "http", .what = "x"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::locked);
  EXPECT_LT(ports.clock.monotonic() - began, std::chrono::seconds{2});
  held.value().reset();
  EXPECT_TRUE(patient.append({.who = "user 0", .over = "http", .what = "x"}));
}

TEST_F(AuditTest, PagesHoldEachRecordOnceTheNewestFirst) {
  EXPECT_TRUE(log.newest(10, {}).value().records.empty());
  std::string all;
  AuditHead head;
  for (std::uint64_t number = 1; number <= 600; ++number) { // some pieces
    const AuditLine line = audit_line(
        {.number = number, .at = morning, .who = "user 0", .over = "http", .what = "x"}, head);
    all += line.text;
    head = line.head;
  }
  world.ports().files.create_folders("/a").value();
  write(all + all.substr(0, 50)); // one is being written
  for (const std::size_t count : {1U, 19U, 200U, 5000U}) {
    std::uint64_t next = 600;
    std::optional<std::uint64_t> before;
    do {
      const auto page = log.newest(count, before);
      ASSERT_TRUE(page) << page.error().message;
      EXPECT_EQ(page.value().records.size(), std::min<std::uint64_t>(count, next));
      for (const AuditRecord& record : page.value().records)
        ASSERT_EQ(record.number, next--);
      before = page.value().older_before;
      if (count == 1 && next < 590)
        break;
    } while (*before != 0);
    EXPECT_TRUE(count == 1 || next == 0) << count;
  }
}

TEST_F(AuditTest, APlaceThatNoPageEndedAtIsRefused) {
  add("a");
  add("b");
  const std::uint64_t place = log.newest(1, {}).value().older_before;
  EXPECT_EQ(log.newest(5, place).value().records.size(), 1U);
  const std::size_t size = text().size();
  EXPECT_EQ(log.newest(5, size).value().records.size(), 2U);
  for (const std::uint64_t wrong : std::vector<std::uint64_t>{0, 1, place - 1, place + 1, size + 1})
    EXPECT_EQ(log.newest(5, wrong).error().kind, ErrorKind::invalid_input) << wrong;
  write(text() + "rubbish\n");
  EXPECT_EQ(log.newest(5, {}).error().kind, ErrorKind::corrupt);
  write(std::string(1U << 20U, 'x'));
  EXPECT_EQ(log.newest(5, {}).error().kind, ErrorKind::corrupt);
}

TEST_F(AuditTest, LongAndStrangeArgumentsAreCut) {
  const std::vector<std::string> many(100, std::string(5000, '\xff') + "\n");
  ASSERT_TRUE(log.append({.who = "user 0", .over = "http", .what = "x", .arguments = many}));
  EXPECT_LT(text().size(), 64U << 10U);
  EXPECT_TRUE(log.verify({}));
  EXPECT_EQ(add("y").number, 2U);
  EXPECT_TRUE(log.verify({}));
}

TEST(AuditHead, IsReadAsItIsPrintedOrNotAtAll) {
  EXPECT_EQ(head_named("0"), AuditHead{});
  for (const std::string& wrong : std::vector<std::string>{
           "", "x", "1", "1:", "1:ab", "0:" + std::string(64, 'a'), "1:" + std::string(64, 'g'),
           "-1:" + std::string(64, 'a'), "1 :" + std::string(64, 'a')})
    EXPECT_FALSE(head_named(wrong)) << wrong;
}

} // namespace
} // namespace admission
