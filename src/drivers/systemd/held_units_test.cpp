#include "drivers/systemd/held_units.hpp"
#include "drivers/systemd/systemd_for_test.hpp"

#include <gtest/gtest.h>

namespace drivers::systemd {
namespace {

using base::ErrorKind;

constexpr const char* record = "/state/run/held-units";

// Timers that wake others: one is active, one is not.
class Timers {
public:
  Timers() {
    for (const char* name : {"refresh.timer", "idle.timer", "watch.path"})
      systemd.units[name].is_enabled = name != std::string{"idle.timer"};
    EXPECT_TRUE(systemd.start_by_others("refresh.timer"));
    EXPECT_TRUE(systemd.start_by_others("watch.path"));
  }
  HeldUnits held(const std::string& stack = "shop") {
    return {
        systemd.ports(), {"refresh.timer", "idle.timer", "watch.path"}, stack, "/state", "/units"};
  }
  std::string states() {
    std::string all;
    for (const auto& [name, unit] : systemd.units)
      all += unit.active + (unit.has_hold ? "(held) " : " ");
    return all; // idle refresh watch
  }
  bool exists(const std::string& path) { return sim.host.disk.find(path) != nullptr; }
  sim::SimWorld sim;
  SystemdForTest systemd{sim};
};
constexpr const char* as_before = "inactive active active ";
constexpr const char* all_held = "inactive inactive(held) inactive(held) ";

TEST(HeldUnits, that_were_active_are_stopped_and_started_again) {
  Timers machine;
  for (int times = 0; times < 2; ++times) {
    ASSERT_TRUE(machine.held().hold());
    EXPECT_EQ(machine.states(), all_held);
  }
  EXPECT_FALSE(machine.systemd.start_by_others("refresh.timer"));
  machine.systemd.boot(); // they are enabled, and stay away all the same
  EXPECT_EQ(machine.states(), all_held);
  for (int times = 0; times < 2; ++times) {
    ASSERT_TRUE(machine.held().let_go());
    EXPECT_EQ(machine.states(), as_before);
    EXPECT_FALSE(machine.exists(record));
    EXPECT_FALSE(machine.exists("/units/refresh.timer.d/zz-belay-hold.conf"));
  }
}

TEST(HeldUnits, that_are_not_active_are_not_touched) {
  Timers machine;
  HeldUnits idle{machine.systemd.ports(), {"idle.timer", "none.timer"}, "shop", "/state", "/units"};
  ASSERT_TRUE(idle.hold());
  EXPECT_FALSE(machine.exists(record));
  EXPECT_FALSE(machine.exists("/units/idle.timer.d/zz-belay-hold.conf"));
  machine.systemd.asked.clear();
  ASSERT_TRUE(idle.let_go());
  EXPECT_TRUE(machine.systemd.asked.empty());
  HeldUnits none{machine.systemd.ports(), {}, "shop", "/state", "/units"};
  ASSERT_TRUE(none.hold());
  EXPECT_TRUE(machine.systemd.asked.empty()); // nobody asked for it: no systemd is needed
}

TEST(HeldUnits, of_another_stack_are_not_taken_over) {
  Timers machine;
  ASSERT_TRUE(machine.held().hold());
  HeldUnits other{machine.systemd.ports(), {"refresh.timer"}, "mill", "/mill", "/units"};
  EXPECT_EQ(other.hold().error().kind, ErrorKind::conflict);
  ASSERT_TRUE(other.let_go());
  EXPECT_EQ(machine.states(), all_held);
}

TEST(HeldUnits, one_that_does_not_start_keeps_no_other_down) {
  Timers machine;
  ASSERT_TRUE(machine.held().hold());
  machine.systemd.units["refresh.timer"].starts_badly = true;
  EXPECT_EQ(machine.held().let_go().error().message,
            "unit 'refresh.timer', which was stopped for the operation, does not start");
  EXPECT_EQ(machine.systemd.units["watch.path"].active, "active");
  EXPECT_TRUE(machine.exists(record));          // to be tried again
  machine.systemd.units.erase("refresh.timer"); // or somebody removes it
  ASSERT_TRUE(machine.held().let_go());
  EXPECT_FALSE(machine.exists(record));
}

TEST(HeldUnits, are_not_believed_to_be_held_when_systemd_has_not_read_it) {
  Timers machine;
  machine.systemd.ignored_verb = "daemon-reload";
  EXPECT_EQ(machine.held().hold().error().message,
            "unit 'refresh.timer' cannot be held: systemd has not read "
            "'/units/refresh.timer.d/zz-belay-hold.conf'");
  machine.systemd.ignored_verb.clear();
  ASSERT_TRUE(machine.held().hold());
  machine.systemd.ignored_verb = "daemon-reload";
  EXPECT_EQ(machine.held().let_go().error().message,
            "refresh.timer, watch.path are still held: systemd has not read its files");
  machine.systemd.ignored_verb.clear();
  ASSERT_TRUE(machine.held().let_go());
  EXPECT_EQ(machine.states(), as_before);
}

TEST(HeldUnits, survive_every_fault_at_every_effect) {
  for (const sim::Fault fault :
       {sim::Fault::crash_before, sim::Fault::crash_after, sim::Fault::crash_torn,
        sim::Fault::power_cut, sim::Fault::fail_once, sim::Fault::lost_reply})
    for (std::size_t at = 0;; ++at) {
      Timers machine;
      const std::string where = std::string{name_of(fault)} + "@" + std::to_string(at);
      const auto all = [&](bool is_hold) {
        try {
          return static_cast<bool>(is_hold ? machine.held().hold() : machine.held().let_go());
        } catch (const sim::Crash&) {
          return false;
        }
      };
      machine.sim.arm(fault, at);
      const bool was_held = all(true);
      const bool was_let_go = was_held && all(false);
      if (!machine.sim.fired())
        break;
      machine.sim.arm(sim::Fault::none, 0);
      if (fault == sim::Fault::power_cut)
        machine.systemd.boot();
      if (!was_held) {
        EXPECT_TRUE(all(true)) << where;
        EXPECT_EQ(machine.states(), all_held) << where;
      }
      if (!was_let_go) {
        EXPECT_TRUE(all(false)) << where;
      }
      EXPECT_EQ(machine.states(), as_before) << where;
      EXPECT_FALSE(machine.exists(record)) << where;
    }
}

} // namespace
} // namespace drivers::systemd
