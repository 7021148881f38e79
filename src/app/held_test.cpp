#include "app/held_files.hpp"
#include "app/held_lines.hpp"
#include "sim/sim_world.hpp"

#include <gtest/gtest.h>

namespace app {
namespace {

using base::ErrorKind;

constexpr const char* crontab = "/var/spool/cron/crontabs/root";
constexpr const char* kept = "/state/run/held-o-1!var!spool!cron!crontabs!root";
constexpr const char* text = "# mine\n*/2 * * * * /opt/w.sh\n@daily tar /home\n";
constexpr const char* held = "# mine\n# held by belay (shop, o-1): */2 * * * * /opt/w.sh\n"
                             "@daily tar /home\n";

class Machine {
public:
  Machine() {
    sim.events.is_recording = true;
    sim.host.disk.write(crontab, text, 0640);
    sim.host.disk.write("/etc/cron.d/w", "x");
    EXPECT_TRUE(sim.ports().files.create_folders("/state"));
  }
  HeldLines lines(const std::string& operation = "o-1") {
    return {sim.ports(), {{crontab, "/opt/w.sh"}}, "/state", {"shop", operation}};
  }
  std::string content(const std::string& path) {
    const auto* node = sim.host.disk.find(path);
    return node == nullptr ? "(none)" : node->content;
  }
  sim::SimWorld sim;
};

TEST(HeldLines, are_held_and_given_back) {
  Machine machine;
  for (int times = 0; times < 2; ++times) {
    ASSERT_TRUE(machine.lines().hold());
    EXPECT_EQ(machine.content(crontab), held);
    EXPECT_EQ(machine.content(kept), text);
    EXPECT_EQ(machine.sim.host.disk.find(crontab)->mode, 0640U);
  }
  const auto second = machine.sim.host.now_ms / 1000;
  for (int times = 0; times < 2; ++times) {
    ASSERT_TRUE(machine.lines().let_go());
    EXPECT_EQ(machine.content(crontab), text);
    EXPECT_EQ(machine.content(kept), "(none)");
  }
  EXPECT_GT(machine.sim.host.now_ms / 1000, second); // cron sees the second change too
  EXPECT_TRUE(machine.sim.events.events.empty());
}

TEST(HeldLines, leave_what_others_changed_meanwhile) {
  Machine machine;
  ASSERT_TRUE(machine.lines().hold());
  machine.sim.host.disk.write(crontab, "# new\n" + std::string{held} + "@reboot y\n", 0600);
  ASSERT_TRUE(machine.lines().let_go());
  EXPECT_EQ(machine.content(crontab), "# new\n" + std::string{text} + "@reboot y\n");
  EXPECT_EQ(machine.content(kept), "(none)");
}

TEST(HeldLines, that_are_lost_are_told_once_and_kept) {
  Machine machine;
  ASSERT_TRUE(machine.lines().hold());
  machine.sim.host.disk.write(crontab, "@daily tar /home\n", 0600);
  HeldLines lines = machine.lines();
  ASSERT_TRUE(lines.let_go());
  ASSERT_TRUE(lines.let_go());
  EXPECT_EQ(machine.content(crontab), "@daily tar /home\n");
  EXPECT_EQ(machine.content(kept), text);
  ASSERT_EQ(machine.sim.events.events.size(), 1U);
  EXPECT_EQ(machine.sim.events.events[0].text,
            std::string{"1 cron lines that were held are not in '"} + crontab +
                "' any more: somebody has changed it; as it was before, it is in '" + kept + "'");
  ASSERT_TRUE(machine.sim.ports().files.remove(crontab));
  EXPECT_TRUE(machine.lines().let_go());
  EXPECT_TRUE(machine.lines("o-2").hold()); // nothing runs by what is not there
}

TEST(HeldLines, of_another_operation_are_not_taken_over) {
  Machine machine;
  ASSERT_TRUE(machine.lines().hold());
  EXPECT_EQ(machine.lines("o-2").hold().error().kind, ErrorKind::conflict);
  ASSERT_TRUE(machine.lines("o-2").let_go());
  EXPECT_EQ(machine.content(crontab), held);
}

// Whatever happens at whatever effect, and again: held or as it was, and at the end as it was.
TEST(HeldLines, survive_every_fault_at_every_effect) {
  for (const sim::Fault fault :
       {sim::Fault::crash_before, sim::Fault::crash_after, sim::Fault::crash_torn,
        sim::Fault::power_cut, sim::Fault::fail_once, sim::Fault::lost_reply})
    for (std::size_t at = 0;; ++at) {
      Machine machine;
      HeldFiles files{machine.sim.ports(), {"/etc/cron.d/w"}};
      HeldLines lines = machine.lines();
      const auto all = [&](bool is_hold) {
        try {
          const auto first = is_hold ? files.hold() : files.let_go();
          const auto second = is_hold ? lines.hold() : lines.let_go();
          return first && second;
        } catch (const sim::Crash&) {
          return false;
        }
      };
      machine.sim.arm(fault, at);
      const bool was_held = all(true) && all(false);
      if (!machine.sim.fired())
        break;
      machine.sim.arm(sim::Fault::none, 0);
      EXPECT_TRUE(machine.content(crontab) == text || machine.content(crontab) == held);
      if (!was_held) {
        EXPECT_TRUE(all(true));
        EXPECT_EQ(machine.content(crontab), held) << name_of(fault) << "@" << at;
        EXPECT_EQ(machine.content("/etc/cron.d/w"), "(none)") << name_of(fault) << "@" << at;
      }
      EXPECT_TRUE(all(false));
      EXPECT_EQ(machine.content(crontab), text) << name_of(fault) << "@" << at;
      EXPECT_EQ(machine.content("/etc/cron.d/w"), "x") << name_of(fault) << "@" << at;
      EXPECT_EQ(machine.content(kept), "(none)") << name_of(fault) << "@" << at;
      EXPECT_TRUE(machine.sim.events.events.empty());
    }
}

} // namespace
} // namespace app
