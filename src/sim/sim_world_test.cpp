#include "sim/sim_world.hpp"

#include <gtest/gtest.h>

namespace {

TEST(sim, a_crash_leaves_half_and_kills_every_later_call) {
  sim::SimWorld world;
  auto ports = world.ports();
  ASSERT_TRUE(ports.files.append("/j", "first\n"));
  world.arm(sim::Fault::crash_torn, 0);
  EXPECT_THROW((void)ports.files.append("/j", "second\n"), sim::Crash);
  EXPECT_THROW((void)ports.files.replace("/k", "x", 0600), sim::Crash);
  world.arm(sim::Fault::none, 0);
  const auto text = ports.files.read("/j", 1000);
  ASSERT_TRUE(text);
  EXPECT_TRUE(text.value().starts_with("first\n"));
  EXPECT_LT(text.value().size(), sizeof("first\nsecond\n") - 1);
}

TEST(sim, a_lock_dies_with_its_holder) {
  sim::SimWorld world;
  auto ports = world.ports();
  auto held = ports.files.lock("/lock", "me");
  ASSERT_TRUE(held);
  EXPECT_EQ(ports.files.lock("/lock", "you").error().kind, base::ErrorKind::conflict);
  world.arm(sim::Fault::crash_before, 0);
  EXPECT_THROW((void)ports.files.append("/j", "x"), sim::Crash);
  world.arm(sim::Fault::none, 0);
  EXPECT_TRUE(ports.files.lock("/lock", "you"));
}

TEST(sim, a_service_acknowledges_writes_and_a_folder_moves_with_all_below) {
  sim::SimWorld world;
  auto ports = world.ports();
  world.host.disk.write("/r/app", "#!sim version=1", 0755);
  world.host.disk.write("/d/writes", "");
  ASSERT_TRUE(ports.processes.start({.argv = {"/r/app", "--data", "/d", "--port", "80"}}));
  ports.clock.sleep_for(world::Milliseconds{1000});
  EXPECT_EQ(world.host.writes_in("/d", false), world.host.acknowledged["/d"]);
  EXPECT_FALSE(world.host.acknowledged["/d"].empty());
  EXPECT_EQ(ports.http.exchange({.url = "http://127.0.0.1:80/health"}).value().status, 200);
  ASSERT_TRUE(ports.files.rename("/d", "/e"));
  EXPECT_EQ(world.host.disk.find("/d/writes"), nullptr);
  EXPECT_NE(world.host.disk.find("/e/writes"), nullptr);
}

} // namespace
