#include "base/digest.hpp"
#include "errands/desk.hpp"
#include "sim/sim_world.hpp"

#include <gtest/gtest.h>

namespace errands {
namespace {

constexpr const char* plan = R"({"operation":"o-1","blockers":[]})";

// A plan that was shown a minute ago, and a belay that would carry it out.
class Site {
public:
  Site() {
    sim.host.disk.write("/usr/bin/belay", "#!sim version=1", 0755);
    sim.host.disk.write("/state/errands/o-1/plan.json", plan);
    Errand errand;
    errand.id = "o-1";
    errand.kind = "upgrade";
    errand.stack = "shop";
    errand.face = "mcp";
    errand.at = sim.ports().clock.now() - std::chrono::minutes{1};
    errand.expires = errand.at + std::chrono::minutes{15};
    errand.digest = digest;
    sim.host.disk.write("/state/errands/o-1/errand.json", to_json(errand));
  }
  Desk desk() {
    return Desk{{app::Host{sim.ports(), {}, "/srv/belay.yaml", {}}, "/usr/bin/belay", "shop",
                 "/state", "/srv"}};
  }
  const std::string digest = base::sha256_hex(plan);
  sim::SimWorld sim;
};

TEST(Desk, BeginsAPlanOnce) {
  Site site;
  const auto first = site.desk().apply("o-1", site.digest);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first.value().stage, Stage::running);
  const auto second = site.desk().apply("o-1", site.digest);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(second.value().errand.process, first.value().errand.process);
  EXPECT_EQ(site.sim.host.services.size(), 1U);
}

TEST(Desk, RefusesAPlanThatIsNotTheOneShown) {
  Site site;
  EXPECT_EQ(site.desk().apply("o-2", site.digest).error().kind, base::ErrorKind::not_found);
  EXPECT_EQ(site.desk().apply("o-1", "0").error().kind, base::ErrorKind::conflict);
  site.sim.host.disk.write("/state/errands/o-1/plan.json", R"({"operation":"o-1"})");
  EXPECT_EQ(site.desk().apply("o-1", site.digest).error().kind, base::ErrorKind::conflict);
  EXPECT_TRUE(site.sim.host.services.empty());
}

// Somebody else is ordering: it is waited for, and told when it takes too long.
TEST(Desk, TakesOneOrderAtATime) {
  Site site;
  {
    const auto held = site.sim.ports().files.lock("/state/errands/lock", "{}");
    ASSERT_TRUE(held);
    const auto began = site.sim.host.monotonic_ms;
    const auto applied = site.desk().apply("o-1", site.digest);
    ASSERT_FALSE(applied);
    EXPECT_EQ(applied.error().kind, base::ErrorKind::conflict);
    EXPECT_GE(site.sim.host.monotonic_ms - began, 10'000);
    EXPECT_FALSE(site.desk().begin("backup", {}, "mcp"));
  }
  EXPECT_TRUE(site.desk().apply("o-1", site.digest));
}

// Whatever happens at whatever effect: it is planned still and can be begun, or it was begun, and
// is told as that; never lost, and never begun twice.
TEST(Desk, SurvivesEveryFaultAtEveryEffect) {
  for (const sim::Fault fault :
       {sim::Fault::crash_before, sim::Fault::crash_after, sim::Fault::crash_torn,
        sim::Fault::power_cut, sim::Fault::fail_once, sim::Fault::lost_reply})
    for (std::size_t at = 0;; ++at) {
      Site site;
      site.sim.arm(fault, at);
      try {
        (void)site.desk().apply("o-1", site.digest);
      } catch (const sim::Crash&) { // the next one finds what it left
      }
      if (!site.sim.fired())
        break;
      const std::string where = std::string{name_of(fault)} + "@" + std::to_string(at);
      site.sim.arm(sim::Fault::none, 0);
      const bool was_started = !site.sim.host.services.empty();
      const auto applied = site.desk().apply("o-1", site.digest);
      ASSERT_TRUE(applied) << where << ": " << applied.error().message;
      EXPECT_NE(applied.value().stage, Stage::planned) << where;
      EXPECT_EQ(applied.value().stage == Stage::running, !site.sim.host.services.empty()) << where;
      EXPECT_TRUE(!was_started || applied.value().stage == Stage::running) << where;
      EXPECT_LE(site.sim.host.services.size(), 1U) << where;
    }
}

} // namespace
} // namespace errands
