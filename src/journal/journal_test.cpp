#include "journal/journal.hpp"
#include "sim/sim_world.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace {

using base::ErrorKind;
using journal::Journal;

class journal_of : public testing::Test {
protected:
  sim::SimWorld world;
  world::Files& files = world.ports().files;
  void write(std::initializer_list<const char*> payloads) {
    auto log = Journal::open(files, "/j");
    for (const char* payload : payloads)
      ASSERT_TRUE(log.value().append(payload));
  }
  std::string& bytes() { return world.host.disk.find("/j")->content; }
};

TEST_F(journal_of, absent_is_empty) {
  EXPECT_TRUE(Journal::open(files, "/j").value().records().empty());
}

TEST_F(journal_of, what_was_appended_is_read_back) {
  write({"one", "two with spaces", ""});
  EXPECT_EQ(Journal::open(files, "/j").value().records(),
            (std::vector<std::string>{"one", "two with spaces", ""}));
}

TEST_F(journal_of, a_torn_last_record_is_dropped_at_every_length) {
  write({"one", "two"});
  const std::string whole = bytes();
  const auto second = whole.find('\n') + 1;
  for (auto length = second; length < whole.size(); ++length) {
    bytes() = whole.substr(0, length);
    auto log = Journal::open(files, "/j");
    ASSERT_TRUE(log) << length;
    EXPECT_EQ(log.value().records(), std::vector<std::string>{"one"});
    EXPECT_EQ(bytes().size(), second); // the tail is gone, so that the next append is whole
  }
}

TEST_F(journal_of, a_torn_write_of_several_leaves_the_first_few) {
  write({"one"});
  ASSERT_TRUE(Journal::open(files, "/j").value().append_all({"two", "three"}));
  const std::string whole = bytes();
  const std::vector<std::string> all{"one", "two", "three"};
  for (std::size_t length = whole.find('\n') + 1; length <= whole.size(); ++length) {
    bytes() = whole.substr(0, length);
    const auto left = std::ranges::count(bytes(), '\n');
    auto log = Journal::open(files, "/j");
    ASSERT_TRUE(log) << length;
    EXPECT_EQ(log.value().records(), std::vector<std::string>(all.begin(), all.begin() + left));
    ASSERT_TRUE(log.value().append("next"));
    EXPECT_EQ(Journal::open(files, "/j").value().records().back(), "next");
  }
}

TEST_F(journal_of, a_failed_write_of_several_leaves_none) {
  write({"one"});
  auto log = Journal::open(files, "/j");
  world.arm(sim::Fault::lost_reply, 0); // all of it was written, and nobody knows
  EXPECT_FALSE(log.value().append_all({"two", "three"}));
  world.arm(sim::Fault::none, 0);
  EXPECT_EQ(Journal::open(files, "/j").value().records(), std::vector<std::string>{"one"});
}

TEST_F(journal_of, looking_changes_nothing) {
  write({"one", "two"});
  bytes().pop_back();
  const std::string before = bytes();
  EXPECT_EQ(Journal::look(files, "/j").value().records().size(), 1U);
  EXPECT_EQ(bytes(), before);
}

TEST_F(journal_of, every_flipped_bit_is_found) {
  write({"one", "two", "three"});
  const std::string whole = bytes();
  for (std::size_t at = 0; at + 1 < whole.size(); ++at) // the last newline: that is a torn record
    for (unsigned bit = 0; bit < 8; ++bit) {
      bytes() = whole;
      bytes()[at] = static_cast<char>(static_cast<unsigned char>(bytes()[at]) ^ (1U << bit));
      const auto log = Journal::look(files, "/j");
      ASSERT_FALSE(log) << at << " " << bit;
      EXPECT_EQ(log.error().kind, ErrorKind::corrupt);
    }
}

TEST_F(journal_of, a_missing_record_in_the_middle_is_found) {
  write({"one", "two", "three"});
  const auto first = bytes().find('\n') + 1;
  bytes().erase(first, bytes().find('\n', first) + 1 - first);
  bytes() += bytes().substr(first); // so that the gap is not in the last record
  EXPECT_EQ(Journal::open(files, "/j").error().kind, ErrorKind::corrupt);
}

TEST_F(journal_of, a_failed_append_leaves_no_torn_record_behind) {
  write({"one"});
  auto log = Journal::open(files, "/j");
  world.arm(sim::Fault::fail_once, 0);
  EXPECT_FALSE(log.value().append("two"));
  world.arm(sim::Fault::none, 0);
  ASSERT_TRUE(log.value().append("three"));
  EXPECT_EQ(Journal::open(files, "/j").value().records(),
            (std::vector<std::string>{"one", "three"}));
}

} // namespace
