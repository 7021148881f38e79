#include "api/sessions.hpp"
#include "sim/sim_world.hpp"

#include <set>

#include <gtest/gtest.h>

namespace api {
namespace {

class SessionsTest : public testing::Test {
protected:
  void pass(std::chrono::seconds time) { world.ports().clock.sleep_for(time); }
  sim::SimWorld world;
};

TEST_F(SessionsTest, OneIsFoundByItsOwnerUntilHeClosesIt) {
  Sessions sessions{world.ports()};
  const std::string id = sessions.open("a");
  EXPECT_EQ(id.size(), 64U);
  EXPECT_NE(sessions.open("a"), id);
  EXPECT_TRUE(sessions.find(id, "a"));
  EXPECT_FALSE(sessions.find(id, "b")); // also who has seen the id is not let in by it
  EXPECT_FALSE(sessions.find("", "a"));
  EXPECT_FALSE(sessions.close(id, "b"));
  EXPECT_TRUE(sessions.close(id, "a"));
  EXPECT_FALSE(sessions.close(id, "a"));
  EXPECT_FALSE(sessions.find(id, "a"));
  EXPECT_EQ(sessions.size(), 1U);
}

TEST_F(SessionsTest, WhoOpensTooManyLosesHisOwnOldestOne) {
  Sessions sessions{world.ports(), {.all = 10, .of_one = 3}};
  const std::string other = sessions.open("other");
  std::vector<std::string> his;
  for (int i = 0; i < 3; ++i) {
    pass(std::chrono::seconds{1});
    his.push_back(sessions.open("he"));
  }
  pass(std::chrono::seconds{1});
  EXPECT_TRUE(sessions.find(his[0], "he")); // used now: the second is the oldest
  pass(std::chrono::seconds{1});
  his.push_back(sessions.open("he"));
  EXPECT_TRUE(sessions.find(other, "other"));
  EXPECT_TRUE(sessions.find(his[0], "he"));
  EXPECT_FALSE(sessions.find(his[1], "he"));
  for (int i = 0; i < 1000; ++i) {
    pass(std::chrono::seconds{1});
    sessions.open("owner " + std::to_string(i));
  }
  EXPECT_EQ(sessions.size(), 10U);
  EXPECT_FALSE(sessions.find(other, "other"));
}

TEST_F(SessionsTest, OneThatNobodyUsesIsForgottenAfterADay) {
  Sessions sessions{world.ports()};
  const std::string id = sessions.open("a");
  pass(std::chrono::hours{23});
  EXPECT_TRUE(sessions.find(id, "a"));
  pass(std::chrono::hours{23});
  EXPECT_TRUE(sessions.find(id, "a"));
  pass(std::chrono::hours{25});
  EXPECT_FALSE(sessions.find(id, "a"));
  sessions.open("b");
  EXPECT_EQ(sessions.size(), 1U);
}

TEST_F(SessionsTest, RequestsUnderWayAreCountedAndCancelledAlsoWhenTheirSessionIsGone) {
  Sessions sessions{world.ports(), {.under_way = 2}};
  const std::string id = sessions.open("a");
  const auto session = sessions.find(id, "a");
  auto first = session->begin("1");
  ASSERT_TRUE(first);
  EXPECT_FALSE(session->begin("1"));
  auto text = session->begin("\"1\""); // a text is another id than a number
  ASSERT_TRUE(text);
  EXPECT_TRUE(session->is_busy());
  session->cancel("2");
  session->cancel("1");
  EXPECT_TRUE(first->is_cancelled());
  EXPECT_FALSE(text->is_cancelled());
  first.reset();
  EXPECT_FALSE(session->is_busy());
  EXPECT_TRUE(session->begin("1"));
  EXPECT_TRUE(sessions.close(id, "a"));
  text.reset();
}

} // namespace
} // namespace api
