#include "drivers/systemd/runtime.hpp"
#include "drivers/systemd/systemd_for_test.hpp"

#include <array>

#include <gtest/gtest.h>

namespace drivers::systemd {
namespace {

using base::ErrorKind;

// Unit web.service, with a timer that wakes it, and releases 1 and 2 to be had.
class Machine {
public:
  explicit Machine(bool by_drop_in = true) {
    service.name = "web";
    service.unit = "web.service";
    service.releases_folder = "/releases";
    service.stop.timeout = world::Milliseconds{5000};
    for (const std::string label : {"1", "2"})
      sim.host.disk.write("/dist/" + label + "/bin/web", "web " + label, 0755);
    service.release.path = "/dist/{to}";
    FakeUnit unit;
    unit.triggers = {"web.timer", "web.path"};
    if (by_drop_in)
      service.run = {"./bin/web", "--port", "80"};
    else
      unit.program = unit.own_program = "/releases/current/bin/web";
    systemd.units["web.service"] = unit;
    systemd.units["web.timer"].active = "active";
    systemd.units["web.path"].is_enabled = false; // and nobody started it
  }
  Runtime runtime() { return {systemd.ports(), "shop", "/project", "/state", "", "/units"}; }
  FakeUnit& unit() { return systemd.units.at("web.service"); }
  bool exists(const std::string& path) { return sim.host.disk.find(path) != nullptr; }
  domain::Observed observed() { return runtime().observe(service).value(); }
  std::string start_error() {
    const auto done = runtime().start(service);
    return done ? "" : done.error().message;
  }

  // What the engine asks of a runtime, in its order.
  base::Result<> upgrade(const std::string& to) {
    Runtime one = runtime();
    const auto release = TRY(one.prepare(service, to));
    TRY(one.verify(service, release));
    TRY(one.hold(service));
    TRY(one.stop(service));
    TRY(one.switch_to(service, release));
    TRY(one.start(service));
    return one.let_go(service);
  }

  sim::SimWorld sim;
  SystemdForTest systemd{sim};
  domain::ServiceSpec service;
};

TEST(Runtime, runs_a_release_and_knows_it_again) {
  for (const bool by_drop_in : {true, false}) {
    Machine machine{by_drop_in};
    EXPECT_EQ(machine.runtime().current_folder(machine.service).value(), std::nullopt);
    ASSERT_TRUE(machine.upgrade("1"));
    const auto first = machine.observed();
    EXPECT_TRUE(first.is_running);
    EXPECT_EQ(first.release_folder, "/releases/1");
    EXPECT_EQ(first.process->start_ticks, 777U);
    EXPECT_EQ(first.pids, std::vector<int>{first.process->pid});
    ASSERT_TRUE(machine.runtime().start(machine.service)); // again: nothing happens
    EXPECT_EQ(machine.observed().start_id, first.start_id);
    ASSERT_TRUE(machine.upgrade("2"));
    EXPECT_EQ(machine.observed().release_folder, "/releases/2");
    EXPECT_NE(machine.observed().start_id, first.start_id);
    EXPECT_EQ(machine.unit().program.contains("/releases/2/"), by_drop_in);
  }
}

TEST(Runtime, knows_the_release_of_starts_that_others_made) {
  Machine machine;
  ASSERT_TRUE(machine.upgrade("1"));
  const auto first = machine.observed();
  machine.systemd.die("web.service");
  EXPECT_EQ(machine.observed().release_folder, "/releases/1");
  EXPECT_NE(machine.observed().start_id, first.start_id);
  EXPECT_EQ(machine.observed().restarts, 1);
  machine.systemd.boot();
  EXPECT_TRUE(machine.observed().is_running);
  EXPECT_EQ(machine.observed().release_folder, "/releases/1");
}

TEST(Runtime, a_switch_does_not_reach_what_runs) {
  Machine machine;
  ASSERT_TRUE(machine.upgrade("1"));
  const auto two = machine.runtime().prepare(machine.service, "2").value();
  ASSERT_TRUE(machine.runtime().switch_to(machine.service, two));
  EXPECT_EQ(machine.runtime().current_folder(machine.service).value(), two.folder);
  EXPECT_EQ(machine.observed().release_folder, "/releases/1");
  EXPECT_EQ(machine.runtime().start(machine.service).error().kind, ErrorKind::conflict);
  EXPECT_EQ(machine.runtime().discard(machine.service, two).error().kind, ErrorKind::conflict);
}

TEST(Runtime, does_not_claim_to_know_what_a_foreign_start_runs) {
  Machine machine;
  machine.systemd.start_by_others("web.service");
  EXPECT_TRUE(machine.observed().is_running);
  EXPECT_EQ(machine.observed().release_folder, "(unknown)");
  ASSERT_TRUE(machine.upgrade("1")); // it is taken over
  EXPECT_EQ(machine.observed().release_folder, "/releases/1");
}

TEST(Runtime, a_link_that_somebody_moved_is_not_believed) {
  Machine machine{false};
  ASSERT_TRUE(machine.upgrade("1"));
  ASSERT_TRUE(machine.sim.ports().files.replace_link("/releases/current", "2"));
  EXPECT_EQ(machine.observed().release_folder, "/releases/1");
  machine.systemd.die("web.service"); // and runs 2 now, which nobody told us
  EXPECT_EQ(machine.observed().release_folder, "(unknown)");
}

TEST(Runtime, a_hold_keeps_everybody_from_starting_it_and_is_let_go) {
  Machine machine;
  ASSERT_TRUE(machine.upgrade("1"));
  Runtime runtime = machine.runtime();
  for (int times = 0; times < 2; ++times) {
    ASSERT_TRUE(runtime.hold(machine.service));
    EXPECT_EQ(machine.systemd.units.at("web.timer").active, "inactive");
    EXPECT_TRUE(machine.unit().has_hold);
  }
  ASSERT_TRUE(runtime.stop(machine.service));
  EXPECT_FALSE(machine.systemd.start_by_others("web.service"));
  ASSERT_TRUE(runtime.start(machine.service));
  machine.systemd.die("web.service");
  EXPECT_FALSE(machine.observed().is_running); // systemd does not hide it by a restart
  ASSERT_TRUE(runtime.stop(machine.service));
  ASSERT_TRUE(runtime.start(machine.service));
  for (int times = 0; times < 2; ++times) {
    ASSERT_TRUE(runtime.let_go(machine.service));
    EXPECT_FALSE(machine.unit().has_hold);
    EXPECT_EQ(machine.systemd.units.at("web.timer").active, "active");
    EXPECT_EQ(machine.systemd.units.at("web.path").active, "inactive"); // as it was
    EXPECT_FALSE(machine.exists("/state/run/web.held"));
    EXPECT_FALSE(machine.exists("/state/run/web.may-start"));
  }
  const auto asked = machine.systemd.asked.size();
  ASSERT_TRUE(runtime.let_go(machine.service)); // what is not held costs nothing
  EXPECT_EQ(machine.systemd.asked.size(), asked);
}

TEST(Runtime, gives_back_what_ran_before_the_first_release_that_failed) {
  for (const bool by_drop_in : {true, false}) {
    Machine machine{by_drop_in};
    const std::string before = machine.unit().program;
    machine.sim.host.disk.write("/releases/0.9/bin/web", "", 0755);
    if (!by_drop_in) {
      ASSERT_TRUE(machine.sim.ports().files.replace_link("/releases/current", "0.9"));
    }
    machine.systemd.start_by_others("web.service");
    Runtime runtime = machine.runtime();
    const auto release = runtime.prepare(machine.service, "1").value();
    ASSERT_TRUE(runtime.hold(machine.service));
    ASSERT_TRUE(runtime.stop(machine.service));
    ASSERT_TRUE(runtime.switch_to(machine.service, release));
    ASSERT_TRUE(runtime.start(machine.service));
    ASSERT_TRUE(runtime.hold(machine.service)); // of the way back
    ASSERT_TRUE(runtime.stop(machine.service));
    ASSERT_TRUE(runtime.let_go(machine.service));
    EXPECT_TRUE(machine.observed().is_running);
    EXPECT_EQ(machine.observed().release_folder, "(unknown)");
    EXPECT_FALSE(machine.exists("/units/web.service.d/zz-belay-release.conf"));
    EXPECT_EQ(machine.runtime().current_folder(machine.service).value(),
              by_drop_in ? std::nullopt : std::optional<std::string>{"/releases/0.9"});
    if (by_drop_in) {
      EXPECT_EQ(machine.unit().program, before);
    }
  }
}

TEST(Runtime, a_service_is_handed_its_socket) {
  Machine machine;
  machine.unit().triggers = {"web.socket"};
  machine.systemd.units["web.socket"].active = "active";
  Runtime runtime = machine.runtime();
  const auto release = runtime.prepare(machine.service, "1").value();
  ASSERT_TRUE(runtime.hold(machine.service));
  EXPECT_EQ(machine.systemd.units.at("web.socket").active, "inactive");
  ASSERT_TRUE(runtime.switch_to(machine.service, release));
  ASSERT_TRUE(runtime.start(machine.service));
  EXPECT_EQ(machine.systemd.units.at("web.socket").active, "active");
  ASSERT_TRUE(runtime.stop(machine.service));
  EXPECT_EQ(machine.systemd.units.at("web.socket").active, "inactive");
}

TEST(Runtime, opens_sockets_before_what_may_start_the_service_at_once) {
  Machine machine;
  machine.unit().triggers = {"web.path", "web.socket"};
  for (const char* name : {"web.path", "web.socket"})
    machine.systemd.units[name].active = "active";
  Runtime runtime = machine.runtime();
  ASSERT_TRUE(runtime.hold(machine.service));
  machine.systemd.asked.clear();
  ASSERT_TRUE(runtime.let_go(machine.service));
  std::vector<std::string> started;
  for (const std::string& asked : machine.systemd.asked)
    if (const auto words = base::split(asked, ' ');
        std::ranges::find(words, "start") != words.end())
      started.push_back(words.back());
  EXPECT_EQ(started, (std::vector<std::string>{"web.socket", "web.path"}));
}

TEST(Runtime, a_trigger_that_does_not_start_keeps_no_other_down) {
  Machine machine;
  machine.unit().triggers = {"web.socket", "web.path", "web.timer"};
  for (const char* name : {"web.socket", "web.path"})
    machine.systemd.units[name].active = "active";
  ASSERT_TRUE(machine.runtime().hold(machine.service));
  machine.systemd.units["web.path"].starts_badly = true;
  machine.systemd.units["web.socket"].is_enabled = false;
  Runtime runtime = machine.runtime();
  ASSERT_TRUE(runtime.switch_to(machine.service, runtime.prepare(machine.service, "1").value()));
  ASSERT_TRUE(machine.runtime().start(machine.service));
  machine.systemd.boot(); // starts the service, and not the socket, which is too late then
  EXPECT_EQ(machine.runtime().let_go(machine.service).error().message,
            "unit 'web.path', which was stopped for the operation, does not start");
  EXPECT_EQ(machine.systemd.units.at("web.timer").active, "active");
  EXPECT_TRUE(machine.exists("/state/run/web.held")); // to be tried again
  machine.systemd.units["web.path"].starts_badly = false;
  ASSERT_TRUE(machine.runtime().let_go(machine.service));
  EXPECT_EQ(machine.systemd.units.at("web.path").active, "active");
  EXPECT_FALSE(machine.exists("/state/run/web.held"));
}

TEST(Runtime, refuses_a_unit_that_cannot_run_releases) {
  const auto can = [](auto change) {
    Machine machine{false};
    change(machine);
    const auto done = machine.runtime().can_prepare(machine.service, "1");
    return done ? "" : done.error().message + " | " + done.error().hint;
  };
  EXPECT_EQ(can([](Machine&) {}), "");
  EXPECT_EQ(can([](Machine& m) { m.systemd.units.erase("web.service"); }),
            "there is no unit 'web.service' | Install its unit file and run 'systemctl "
            "daemon-reload', or correct `unit:`.");
  EXPECT_EQ(can([](Machine& m) { m.unit().load = "masked"; }),
            "unit 'web.service' is masked | Allow it again: systemctl unmask web.service.");
  EXPECT_EQ(can([](Machine& m) { m.unit().load = "bad-setting"; }),
            "systemd cannot read unit 'web.service' (bad-setting) | 'systemd-analyze verify "
            "web.service' says what is wrong with it.");
  EXPECT_EQ(can([](Machine& m) { m.unit().type = "oneshot"; }),
            "unit 'web.service' is of Type=oneshot: it has no process that stays | Only "
            "long-running services can be upgraded.");
  EXPECT_EQ(can([](Machine& m) { m.unit().program = "/usr/bin/web"; }),
            "unit 'web.service' does not run from the link '/releases/current', so that a release "
            "would change nothing | Name that link in its ExecStart=, or give `exec_start:` and "
            "belay writes a drop-in.");
  EXPECT_EQ(can([](Machine& m) {
              m.unit().other_drop_ins = "/units/web.service.d/zzz.conf /units/gone.conf";
              m.sim.host.disk.write("/units/web.service.d/zzz.conf", "[Service]\nRestart=always\n");
            }),
            "'/units/web.service.d/zzz.conf' sets Restart=, and is stronger than belay's own "
            "drop-in 'zz-belay-hold.conf', which sorts before it | Give it a name that sorts "
            "before zz-belay, and run 'systemctl daemon-reload'.");
  EXPECT_EQ(can([](Machine& m) { // it sets what we do not, or is weaker
              m.unit().other_drop_ins = "/u/zzz.conf /u/override.conf";
              m.sim.host.disk.write("/u/zzz.conf", "[Service]\nExecStart=/x\n");
              m.sim.host.disk.write("/u/override.conf", "[Service]\nRestart=always\n");
            }),
            "");
  EXPECT_EQ(can([](Machine& m) { m.systemd.is_missing = true; }),
            "there is no program 'systemctl' | A service with `unit:` needs systemd; without it, "
            "give `run:`.");
}

TEST(Runtime, says_why_a_unit_does_not_start) {
  Machine machine;
  ASSERT_TRUE(machine.upgrade("1"));
  ASSERT_TRUE(machine.runtime().stop(machine.service));
  machine.unit().starts_badly = true;
  EXPECT_EQ(machine.start_error(), "unit 'web.service' is failed: started too often "
                                   "(StartLimitBurst=), right after it was started");
  machine.unit().starts_badly = false;
  machine.systemd.broken_verb = "start";
  EXPECT_EQ(machine.start_error(),
            "'systemctl --no-ask-password --no-block start -- web.service' ended with exit status "
            "1: it is broken");
  machine.systemd.broken_verb.clear();
  machine.unit().load = "masked";
  EXPECT_EQ(machine.start_error(), "unit 'web.service' is masked");
}

TEST(Runtime, kills_what_does_not_stop_and_says_so_when_it_survives) {
  Machine machine;
  ASSERT_TRUE(machine.upgrade("1"));
  machine.unit().ignores_stop = true;
  ASSERT_TRUE(machine.runtime().stop(machine.service));
  EXPECT_FALSE(machine.observed().is_running);
  ASSERT_TRUE(machine.runtime().start(machine.service));
  machine.unit().survives_kill = true;
  EXPECT_EQ(machine.runtime().stop(machine.service).error().message,
            "unit 'web.service' does not end: it survives KILL: unit 'web.service' is active "
            "(running)");
}

TEST(Runtime, a_drop_in_that_systemd_has_not_read_is_no_release) {
  Machine machine;
  const auto release = machine.runtime().prepare(machine.service, "1").value();
  machine.systemd.broken_verb = "daemon-reload";
  EXPECT_EQ(machine.runtime().switch_to(machine.service, release).error().message,
            "'systemctl --no-ask-password daemon-reload' ended with exit status 1: it is broken");
  EXPECT_FALSE(machine.runtime().hold(machine.service));
  machine.systemd.broken_verb.clear();
  machine.systemd.ignored_verb = "daemon-reload"; // it says that all is well
  EXPECT_EQ(machine.runtime().switch_to(machine.service, release).error().message,
            "unit 'web.service' would run '/usr/bin/false', not '/releases/1/bin/web' of "
            "'/units/web.service.d/zz-belay-release.conf'");
  EXPECT_EQ(machine.runtime().hold(machine.service).error().message,
            "unit 'web.service' cannot be held: '/units/web.service.d/zz-belay-hold.conf' says "
            "Restart=no, but systemd has not read it");
  machine.systemd.ignored_verb.clear();
  ASSERT_TRUE(machine.runtime().hold(machine.service)); // the file is there; it is read now
  ASSERT_TRUE(machine.runtime().switch_to(machine.service, release));
  EXPECT_EQ(machine.unit().program, "/releases/1/bin/web");
}

TEST(Runtime, the_log_is_that_of_the_last_start) {
  Machine machine;
  EXPECT_EQ(machine.runtime().log_tail(machine.service, 20).value(), "");
  ASSERT_TRUE(machine.upgrade("1"));
  EXPECT_EQ(machine.runtime().log_tail(machine.service, 20).value(), "log of inv1");
  machine.unit().invocation.clear(); // systemd forgets what does not run
  EXPECT_EQ(machine.runtime().log_tail(machine.service, 20).value(), "log of inv1");
}

TEST(Runtime, tells_numbers_of_the_start_that_runs) {
  Machine machine;
  ASSERT_TRUE(machine.upgrade("1"));
  EXPECT_EQ(machine.runtime().log_of_start(machine.service, 4096).value(), "log of inv1\n");
  EXPECT_EQ(machine.runtime().memory_bytes(machine.service).value(), 1000U);
  ASSERT_TRUE(machine.runtime().stop(machine.service));
  EXPECT_EQ(machine.runtime().memory_bytes(machine.service).error().message,
            "unit 'web.service' is inactive");
}

class CrashTest : public testing::TestWithParam<bool> {};

// One life of belay with a fault in it; false when the fault lies beyond its end.
bool live(Machine& machine, sim::Fault fault, std::size_t at) {
  machine.sim.arm(fault, at);
  bool is_fired = true;
  try {
    (void)machine.upgrade("2");
    is_fired = machine.sim.fired();
  } catch (const sim::Crash&) {
  }
  machine.sim.arm(sim::Fault::none, 0);
  if (fault == sim::Fault::power_cut && is_fired)
    machine.systemd.boot();
  return is_fired;
}

// What runs is what it is said to run; what is unknown may be anything.
std::string broken(Machine& machine, bool by_drop_in) {
  const auto observed = machine.observed();
  if (!observed.is_running || observed.release_folder == "(unknown)")
    return "";
  const std::string& program = machine.systemd.ran_from[observed.start_id];
  return !by_drop_in || program == observed.release_folder + "/bin/web"
             ? ""
             : "it is said to run " + observed.release_folder + ", and runs " + program;
}

std::string not_upgraded(Machine& machine) {
  if (const auto ended = machine.upgrade("2"); !ended)
    return "a clean run does not end it: " + ended.error().message;
  if (machine.observed().release_folder != "/releases/2")
    return "release 2 does not run";
  if (machine.unit().has_hold || machine.exists("/state/run/web.held") ||
      machine.exists("/state/run/web.may-start"))
    return "it is still held";
  if (machine.systemd.units.at("web.timer").active != "active")
    return "its timer does not run";
  return "";
}

TEST_P(CrashTest, at_every_effect_and_again_in_the_recovery_is_never_misled) {
  int histories = 0;
  for (const sim::Fault fault :
       {sim::Fault::crash_before, sim::Fault::crash_after, sim::Fault::crash_torn,
        sim::Fault::power_cut, sim::Fault::fail_once, sim::Fault::lost_reply, sim::Fault::no_space,
        sim::Fault::read_fails}) {
    for (std::size_t at = 0;; ++at) {
      Machine once{GetParam()};
      ASSERT_TRUE(once.upgrade("1"));
      if (!live(once, fault, at))
        break;
      const std::string where = std::string{sim::name_of(fault)} + "@" + std::to_string(at);
      ASSERT_EQ(broken(once, GetParam()), "") << where;
      ASSERT_EQ(not_upgraded(once), "") << where;
      ++histories;
      // A second one in the recovery of some: all of them would take a minute.
      const bool is_twice = fault == sim::Fault::crash_after && at % 3 == 0;
      for (std::size_t again = 0; is_twice; ++again) {
        Machine twice{GetParam()};
        ASSERT_TRUE(twice.upgrade("1"));
        ASSERT_TRUE(live(twice, fault, at));
        if (!live(twice, sim::Fault::crash_torn, again))
          break;
        ASSERT_EQ(broken(twice, GetParam()), "") << where << " crash_torn@" << again;
        ASSERT_EQ(not_upgraded(twice), "") << where << " crash_torn@" << again;
        ++histories;
      }
    }
  }
  EXPECT_GT(histories, 300); // else the faults did not reach what they are meant for
}

INSTANTIATE_TEST_SUITE_P(by, CrashTest, testing::Bool());

TEST(Files, a_word_is_read_back_exactly_by_systemd) {
  EXPECT_EQ(quoted("plain", true), "\"plain\"");
  EXPECT_EQ(quoted(R"(a "b" \c)", true), R"("a \"b\" \\c")");
  EXPECT_EQ(quoted("50% of $HOME", true), "\"50%% of $$HOME\"");
  EXPECT_EQ(quoted("A=50% of $HOME", false), "\"A=50%% of $HOME\"");
  EXPECT_EQ(quoted("a\nb\x7f", true), "\"a\\x0ab\\x7f\"");
}

TEST(Files, records_are_read_back) {
  const Starts starts{"inv", "/a b", "/c"};
  EXPECT_EQ(starts_in(text_of(starts)), starts);
  EXPECT_EQ(starts_in(text_of(Starts{})), Starts{});
  EXPECT_EQ(starts_in("starts 2\nnext /c\n"), Starts{});
  const Held held{{"a.timer", "b.path"}, true, "0.9"};
  EXPECT_EQ(held_in(text_of(held)), held);
  EXPECT_EQ(held_in(text_of(Held{{}, true, ""})), (Held{{}, true, ""}));
  EXPECT_EQ(held_in(""), Held{});
  EXPECT_EQ(folder_in(release_drop_in({.stack = "shop", .folder = "/r/1", .argv = {"/r/1/web"}})),
            "/r/1");
  EXPECT_EQ(folder_in("[Service]\n"), std::nullopt);
}

} // namespace
} // namespace drivers::systemd
