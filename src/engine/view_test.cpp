#include "engine/engine.hpp"
#include "engine/golden_for_test.hpp"
#include "sim/sim_world.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>

#include <gtest/gtest.h>

namespace engine {
namespace {

class ViewTest : public testing::Test {
protected:
  const std::string id = "o-20231114T221327.500Z-235c";
  const std::string operation = "/srv/.belay/operations/" + id;
  void SetUp() override {
    world.host.disk.write("/srv/.belay/format", "belay state 1\n");
    world.host.disk.write(operation + "/plan.json", golden("journal-1/plan.json"));
    world.host.disk.write(operation + "/journal", golden("journal-1/journal"));
  }
  base::Result<OperationView> look() {
    const auto folder = TRY(state::Folder::open(world.ports(), "/srv/.belay"));
    return view(world.ports(), folder, id);
  }
  sim::SimWorld world;
};

TEST_F(ViewTest, a_journal_of_format_1_is_told_for_ever) {
  const auto told = look();
  ASSERT_TRUE(told) << told.error().message;
  EXPECT_TRUE(told.value().has_ended);
  EXPECT_EQ(told.value().outcome, domain::Outcome::rolled_back);
  EXPECT_EQ(told.value().failed_step, "smoke");
  EXPECT_NE(told.value().why.find("status 500, wanted 200"), std::string::npos);
  EXPECT_EQ(told.value().level, domain::Level::data); // after an escalation
  ASSERT_EQ(told.value().abandoned.size(), 2U);
  EXPECT_EQ(told.value().abandoned[1].differences, 24U);
  EXPECT_EQ(told.value().steps.size(), 29U);
  EXPECT_EQ(told.value().downtime_ms, 5100);
  EXPECT_EQ(told.value().logs.size(), 2U);
}

TEST_F(ViewTest, a_torn_last_record_is_not_told_and_a_rotten_one_is_an_error) {
  std::string& journal = world.host.disk.find(operation + "/journal")->content;
  journal.resize(journal.size() - 20);
  ASSERT_TRUE(look());
  EXPECT_FALSE(look().value().has_ended);
  journal[journal.size() / 2] ^= 1;
  ASSERT_FALSE(look());
  EXPECT_EQ(look().error().kind, base::ErrorKind::corrupt);
}

} // namespace
} // namespace engine
