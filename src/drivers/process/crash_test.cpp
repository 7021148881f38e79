#include "drivers/process/runtime.hpp"
#include "sim/sim_world.hpp"

#include <array>

#include <gtest/gtest.h>

namespace drivers::process {
namespace {

using domain::ReleaseSourceKind;
using sim::Fault;

constexpr std::array faults{Fault::crash_before, Fault::crash_after, Fault::crash_torn,
                            Fault::power_cut,    Fault::fail_once,   Fault::lost_reply,
                            Fault::no_space,     Fault::read_fails};

// A machine on which release 1 of a service runs, and 2 stands ready to be made.
class Machine {
public:
  explicit Machine(ReleaseSourceKind kind) {
    service_.name = "shop";
    service_.releases_folder = "/releases";
    service_.run = {"./bin/app", "--port", "80", "--data", "/data"};
    world.host.disk.write("/data/writes", "");
    for (const std::string label : {"1", "2"}) {
      const std::string program = "#!sim version=" + label;
      world.host.disk.write("/dist/" + label + "/bin/app", program, 0755);
      world.host.disk.write("/dist/" + label + "/bin/help", "help of " + label);
      world.host.disk.write("/dist/" + label + ".tar", program);
    }
    service_.release.kind = kind;
    service_.release.path = kind == ReleaseSourceKind::archive ? "/dist/{to}.tar" : "/dist/{to}";
    const auto sum = [&](const std::string& label) {
      return world.ports().trees.file_digest("/dist/" + label + ".tar").value() + "  " + label +
             ".tar\n";
    };
    world.host.disk.write("/dist/sums", sum("1") + sum("2"));
    service_.release.checksums = "/dist/sums";
    CHECK(upgrade("1"));
  }

  // What the engine asks of a runtime, in its order; each part may be asked for again.
  base::Result<> upgrade(const std::string& to) {
    Runtime one{world.ports(), "orders", "/project", "/state", {}, {}};
    const auto release = TRY(one.prepare(service_, to));
    TRY(one.verify(service_, release));
    TRY(one.stop(service_));
    TRY(one.switch_to(service_, release));
    TRY(one.start(service_));
    if (to == "2")
      TRY(one.discard(service_, {"shop", "1", "/releases/1", ""}));
    return base::ok();
  }

  // One life of belay with a fault in it; false when the fault lies beyond its end.
  bool live(Fault fault, std::size_t at) {
    world.arm(fault, at);
    try {
      (void)upgrade("2");
    } catch (const sim::Crash&) {
      return true;
    }
    return world.fired();
  }

  // A release that has its name is whole, one process runs at most, and `current` can be started.
  std::string broken() {
    world.arm(Fault::none, 0);
    auto ports = world.ports();
    for (const std::string label : {"1", "2"}) {
      const auto* record = world.host.disk.find("/releases/.records/" + label);
      const auto digest = ports.trees.digest("/releases/" + label);
      if (digest && record == nullptr)
        return "release " + label + " has no record";
      if (digest && !record->content.contains("digest " + digest.value() + "\n"))
        return "release " + label + " is half made";
    }
    if (world.host.services.size() > 1)
      return "it runs twice";
    const std::string current = ports.files.read_link("/releases/current").value();
    return world.host.disk.find("/releases/" + current + "/bin/app") != nullptr
               ? ""
               : "current names a release that is not there";
  }

  std::string not_upgraded() {
    if (const auto ended = upgrade("2"); !ended)
      return "a clean run does not end it: " + ended.error().message;
    if (std::string what = broken(); !what.empty())
      return what;
    if (world.host.services.size() != 1 || world.host.services[0].program.version != 2)
      return "release 2 does not run";
    for (const char* path :
         {"/releases/1", "/releases/.making-1", "/releases/.making-2", "/releases/.records/1"})
      if (world.host.disk.find(path) != nullptr)
        return std::string{path} + " is left over";
    return "";
  }

  sim::SimWorld world;

private:
  domain::ServiceSpec service_;
};

class CrashTest : public testing::TestWithParam<ReleaseSourceKind> {};

TEST_P(CrashTest, at_every_effect_and_again_in_the_recovery_ends_old_or_new) {
  int histories = 0;
  for (const Fault first : faults) {
    for (std::size_t at = 0;; ++at) {
      Machine once{GetParam()};
      if (!once.live(first, at))
        break;
      const std::string where = std::string{sim::name_of(first)} + "@" + std::to_string(at);
      ASSERT_EQ(once.broken(), "") << where;
      ASSERT_EQ(once.not_upgraded(), "") << where;
      ++histories;
      for (std::size_t again = 0;; ++again) {
        Machine twice{GetParam()};
        ASSERT_TRUE(twice.live(first, at));
        if (!twice.live(Fault::crash_torn, again))
          break;
        ASSERT_EQ(twice.broken(), "") << where << " crash_torn@" << again;
        ASSERT_EQ(twice.not_upgraded(), "") << where << " crash_torn@" << again;
        ++histories;
      }
    }
  }
  EXPECT_GT(histories, 300); // else the faults did not reach what they are meant for
}

INSTANTIATE_TEST_SUITE_P(sources, CrashTest,
                         testing::Values(ReleaseSourceKind::folder, ReleaseSourceKind::archive));

} // namespace
} // namespace drivers::process
