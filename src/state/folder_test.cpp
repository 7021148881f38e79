#include "base/digest.hpp"
#include "sim/sim_world.hpp"
#include "state/folder.hpp"

#include <gtest/gtest.h>

namespace {

using base::ErrorKind;
using state::Folder;

class state_folder : public testing::Test {
protected:
  sim::SimWorld world;
  Folder folder() {
    auto opened = Folder::open(world.ports(), "/state");
    CHECK(opened);
    return std::move(opened).value();
  }
  static state::ConfigFile config(const std::string& bytes) {
    state::ConfigFile file;
    file.copy = {"/etc/app", true, 0640, 1, 2, base::sha256_hex(bytes)};
    file.bytes = bytes;
    return file;
  }
  static state::RestorePoint point(const std::string& id) {
    state::RestorePoint one;
    one.id = id;
    one.stack = "shop";
    one.config = {config("a").copy};
    return one;
  }
};

TEST_F(state_folder, absent_is_an_empty_one) {
  EXPECT_EQ(folder().current_generation().value(), 0);
  EXPECT_EQ(folder().in_progress().value(), "");
  EXPECT_TRUE(folder().point_ids().value().empty());
  EXPECT_EQ(world.host.disk.find("/state"), nullptr); // looking makes nothing
}

TEST_F(state_folder, of_a_newer_belay_is_refused) {
  world.host.disk.write("/state/format", "belay state 2\n");
  EXPECT_EQ(Folder::open(world.ports(), "/state").error().kind, ErrorKind::too_new);
}

TEST_F(state_folder, that_is_something_else_is_refused) {
  world.host.disk.write("/state/format", "PNG");
  EXPECT_EQ(Folder::open(world.ports(), "/state").error().kind, ErrorKind::corrupt);
}

TEST_F(state_folder, two_cannot_hold_the_lock) {
  const auto first = folder().lock("o-1");
  ASSERT_TRUE(first);
  const auto second = folder().lock("o-2");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::locked);
  EXPECT_NE(second.error().message.find("o-1"), std::string::npos);
}

TEST_F(state_folder, a_point_without_manifest_does_not_exist) {
  ASSERT_TRUE(folder().write_point(point("p-2"), {config("a")}));
  ASSERT_TRUE(folder().write_point(point("a-1"), {config("a")}));
  world.host.disk.put("/state/points/p-3/config", {world::EntryKind::folder, "", 0700, 0});
  EXPECT_EQ(folder().point_ids().value(), (std::vector<std::string>{"a-1", "p-2"}));
  EXPECT_EQ(folder().point("p-3").error().kind, ErrorKind::not_found);
  EXPECT_EQ(folder().point("../p-2").error().kind, ErrorKind::not_found);
  EXPECT_EQ(folder().unfinished_points().value(), std::vector<std::string>{"p-3"});
  ASSERT_TRUE(folder().begin_point("p-4"));
  ASSERT_TRUE(folder().remove_point("p-3"));
  EXPECT_EQ(folder().unfinished_points().value(), std::vector<std::string>{"p-4"});
}

TEST_F(state_folder, a_kept_config_file_that_rotted_is_found) {
  ASSERT_TRUE(folder().write_point(point("p-1"), {config("a")}));
  EXPECT_EQ(folder().point_config(folder().point("p-1").value()).value()[0].bytes, "a");
  world.host.disk.find("/state/points/p-1/config/0")->content = "b";
  EXPECT_EQ(folder().point_config(folder().point("p-1").value()).error().kind, ErrorKind::corrupt);
}

TEST_F(state_folder, a_crash_at_any_effect_of_a_begin_leaves_begun_or_not) {
  state::Plan plan;
  plan.operation = "o-1";
  plan.stack = "shop";
  for (std::size_t at = 0;; ++at) {
    sim::SimWorld fresh;
    auto opened = Folder::open(fresh.ports(), "/state");
    fresh.arm(sim::Fault::crash_before, at);
    try {
      ASSERT_TRUE(opened.value().begin_operation(plan, "stack: shop\n"));
      break; // the run ended before the fault
    } catch (const sim::Crash&) {
    }
    fresh.arm(sim::Fault::none, 0);
    auto again = Folder::open(fresh.ports(), "/state");
    ASSERT_TRUE(again);
    const auto id = again.value().in_progress();
    ASSERT_TRUE(id);
    if (!id.value().empty()) {
      EXPECT_TRUE(again.value().plan_of(id.value()));
      EXPECT_TRUE(again.value().config_text_of(id.value()));
    }
  }
}

TEST_F(state_folder, ids_never_lead_out_of_the_folder) {
  EXPECT_EQ(folder().plan_of("../../etc").error().kind, ErrorKind::not_found);
  world.host.disk.write("/state/format", "belay state 1\n");
  world.host.disk.write("/state/in-progress", "../x\n");
  EXPECT_EQ(folder().in_progress().error().kind, ErrorKind::corrupt);
}

} // namespace
