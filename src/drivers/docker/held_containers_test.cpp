#include "drivers/docker/held_containers.hpp"
#include "sim/sim_world.hpp"

#include <map>

#include <gtest/gtest.h>

namespace drivers::docker {
namespace {

constexpr const char* record = "/state/run/held-containers";

// An engine in memory behind the Http port. What it changes is an effect, which faults can hit.
class EngineForTest final : public world::Http {
public:
  struct Container {
    std::string id;
    std::string policy = "unless-stopped";
    bool is_running = true;
    bool starts_badly = false;
    bool is_removed_at_end = false;
    std::string service; // of compose project "shop"
  };

  explicit EngineForTest(sim::SimWorld& sim) : sim_{sim} {}
  base::Result<world::HttpResponse> exchange(const world::HttpRequest& request) override {
    if (request.url == "http://docker/_ping")
      return world::HttpResponse{.status = 200, .headers = {{"api-version", "1.41"}}};
    std::string path = request.url.substr(std::string{"http://docker/v1.41/containers/"}.size());
    path = path.substr(0, path.find('?'));
    const auto slash = path.find('/');
    Container* container = find(path.substr(0, slash));
    if (container == nullptr)
      return world::HttpResponse{.status = 404, .body = R"({"message": "No such container"})"};
    const std::string verb = path.substr(slash + 1);
    if (verb == "json")
      return world::HttpResponse{.status = 200, .body = inspect(*container).dump()};
    return sim_.host.effect<world::HttpResponse>(
        false, [&] { return act(*container, verb, request.body); });
  }
  base::Result<> send(const world::Mail&) override { return base::ok(); }
  base::Result<> connect(const std::string&, int, world::Milliseconds) override {
    return base::ok();
  }
  void boot() { // as its owner's policies say
    for (auto& [name, container] : containers)
      container.is_running = container.policy == "always" ||
                             (container.policy == "unless-stopped" && container.is_running);
  }

  std::map<std::string, Container> containers; // by name

private:
  Container* find(const std::string& id_or_name) {
    for (auto& [name, container] : containers)
      if (name == id_or_name || container.id == id_or_name)
        return &container;
    return nullptr;
  }
  Json inspect(const Container& container) const {
    std::string name;
    for (const auto& [each, one] : containers)
      if (one.id == container.id)
        name = each;
    Json labels = Json::object();
    if (!container.service.empty())
      labels = {{"com.docker.compose.project", "shop"},
                {"com.docker.compose.service", container.service}};
    return {{"Id", container.id},
            {"Name", "/" + name},
            {"State", {{"Running", container.is_running}}},
            {"Config", {{"Labels", labels}}},
            {"HostConfig",
             {{"AutoRemove", container.is_removed_at_end},
              {"RestartPolicy", {{"Name", container.policy}, {"MaximumRetryCount", 0}}}}}};
  }
  static base::Result<world::HttpResponse> act(Container& container, const std::string& verb,
                                               const std::string& body) {
    if (verb == "start" && container.starts_badly)
      return world::HttpResponse{.status = 500,
                                 .body = R"({"message": "port is already allocated"})"};
    if (verb == "start" || verb == "stop")
      container.is_running = verb == "start";
    if (verb == "update")
      container.policy = Json::parse(body)["RestartPolicy"]["Name"];
    return world::HttpResponse{.status = 204};
  }
  sim::SimWorld& sim_;
};

class Watchdogs {
public:
  Watchdogs() {
    engine.containers = {{"guardian", {.id = "1"}},
                         {"idle", {.id = "2", .policy = "always", .is_running = false}},
                         {"updater", {.id = "3", .policy = "no"}}};
    stack.name = "shop";
    stack.state_folder = "/state";
    stack.docker_socket = "/run/d.sock";
    stack.compose.project = "shop";
    stack.services.push_back({.name = "web", .compose_service = "web"});
    stack.preflight.hold_containers = {"guardian", "idle", "updater"};
  }
  base::Result<> hold() { return Both{*this}.held.hold(); }
  base::Result<> let_go() { return Both{*this}.held.let_go(); }
  std::string findings() {
    std::string all;
    const auto found = Both{*this}.held.findings();
    for (const domain::Finding& finding : found.value())
      all += std::string{domain::name_of(finding.level)} + ": " + finding.text + "\n";
    return all;
  }
  std::string states() const {
    std::string all;
    for (const auto& [name, container] : engine.containers)
      all += (container.is_running ? "runs " : "rests ") + container.policy + ", ";
    return all; // guardian idle updater
  }
  bool has_record() { return sim.host.disk.find(record) != nullptr; }

  sim::SimWorld sim;
  EngineForTest engine{sim};
  domain::Stack stack;

private:
  struct Both { // as a belay of its own has them
    explicit Both(Watchdogs& of)
        : world{of.sim.ports().files,     of.sim.ports().trees,
                of.sim.ports().processes, of.engine,
                of.sim.ports().sqlite,    of.sim.ports().clock,
                of.sim.ports().random,    of.sim.ports().events},
          runtime{world, "shop", "/state", "/run/d.sock", {}, {}}, held{world, of.stack, runtime} {}
    world::World world;
    Runtime runtime;
    HeldContainers held;
  };
};
constexpr const char* as_before = "runs unless-stopped, rests always, runs no, ";
constexpr const char* all_held = "rests no, rests always, rests no, ";

TEST(HeldContainers, ThatRanAreStoppedAndStartedAgain) {
  Watchdogs machine;
  for (int times = 0; times < 2; ++times) {
    ASSERT_TRUE(machine.hold());
    EXPECT_EQ(machine.states(), all_held);
  }
  EXPECT_TRUE(machine.has_record());
  for (int times = 0; times < 2; ++times) {
    ASSERT_TRUE(machine.let_go());
    EXPECT_EQ(machine.states(), as_before);
    EXPECT_FALSE(machine.has_record());
  }
}

TEST(HeldContainers, ThatDoNotRunAreLeftAlone) {
  Watchdogs machine;
  machine.stack.preflight.hold_containers = {"idle", "none"};
  ASSERT_TRUE(machine.hold());
  EXPECT_FALSE(machine.has_record());
  ASSERT_TRUE(machine.let_go());
  EXPECT_EQ(machine.states(), as_before);
}

TEST(HeldContainers, OneThatDoesNotStartKeepsNoOtherDown) {
  Watchdogs machine;
  ASSERT_TRUE(machine.hold());
  machine.engine.containers["guardian"].starts_badly = true;
  EXPECT_EQ(machine.let_go().error().message,
            "container 'guardian', which was stopped for the operation, does not start: the "
            "engine says: port is already allocated");
  EXPECT_TRUE(machine.engine.containers["updater"].is_running);
  EXPECT_TRUE(machine.has_record());           // to be tried again
  machine.engine.containers.erase("guardian"); // or somebody removes it
  ASSERT_TRUE(machine.let_go());
  EXPECT_FALSE(machine.has_record());
}

TEST(HeldContainers, APolicySetMeanwhileStays) {
  Watchdogs machine;
  ASSERT_TRUE(machine.hold());
  machine.engine.containers["guardian"].policy = "on-failure";
  ASSERT_TRUE(machine.let_go());
  EXPECT_EQ(machine.states(), "runs on-failure, rests always, runs no, ");
}

TEST(HeldContainers, ThatWouldBeGoneAreNotStopped) {
  Watchdogs machine;
  machine.engine.containers["updater"].is_removed_at_end = true;
  ASSERT_TRUE(machine.hold());
  EXPECT_EQ(machine.states(), "rests no, rests always, runs no, ");
  ASSERT_TRUE(machine.let_go());
  EXPECT_EQ(machine.states(), as_before);
  EXPECT_TRUE(machine.findings().contains("blocker: container 'updater' was run with --rm"));
}

TEST(HeldContainers, AreToldBefore) {
  Watchdogs machine;
  machine.engine.containers["store_web_1"] = {.id = "4", .service = "web"};
  machine.stack.preflight.hold_containers = {"guardian", "idle", "none", "store_web_1"};
  EXPECT_EQ(machine.findings(),
            "ok: container 'guardian' is held during the upgrade\n"
            "ok: container 'idle' does not run, and is left alone\n"
            "blocker: container 'none' cannot be held, for there is none of that name ('docker ps "
            "-a' lists them): correct `preflight.hold_containers`\n"
            "blocker: container 'store_web_1' is a service of this stack, and stopped as one: take "
            "it out of `preflight.hold_containers`\n");
}

TEST(HeldContainers, SurviveEveryFaultAtEveryEffect) {
  for (const sim::Fault fault :
       {sim::Fault::crash_before, sim::Fault::crash_after, sim::Fault::crash_torn,
        sim::Fault::power_cut, sim::Fault::fail_once, sim::Fault::lost_reply})
    for (std::size_t at = 0;; ++at) {
      Watchdogs machine;
      const std::string where = std::string{name_of(fault)} + "@" + std::to_string(at);
      const auto all = [&](bool is_hold) {
        try {
          return static_cast<bool>(is_hold ? machine.hold() : machine.let_go());
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
        machine.engine.boot();
      if (!was_held) {
        EXPECT_TRUE(all(true)) << where;
      }
      if (!was_let_go) {
        EXPECT_TRUE(all(false)) << where;
      }
      EXPECT_FALSE(machine.has_record()) << where;
      // A boot leaves down what has no policy, held or not.
      if (fault != sim::Fault::power_cut) {
        EXPECT_EQ(machine.states(), as_before) << where;
      }
      EXPECT_EQ(machine.engine.containers["guardian"].policy, "unless-stopped") << where;
      EXPECT_TRUE(machine.engine.containers["guardian"].is_running) << where;
    }
}

} // namespace
} // namespace drivers::docker
