#pragma once
// Repo world: two repositories in memory, the machine of those who use them, and what goes wrong:
// who works on one dies, is told lies, falls asleep, or is not alone.
//
// What a backend promises (repo/backend/backend.hpp) is what is simulated: a file that was saved
// is whole and durable, one whose saving died is absent. Each save and remove is one effect.

#include "repo/backend/backend.hpp"
#include "repo/lock.hpp"
#include "sim/sim_folders.hpp"

#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace repo_sim {

constexpr std::size_t places = 2; // the second one is for copies

enum class Hurt {
  none,
  die_before,   // kill -9 before the effect
  die_after,    // and after it
  fail,         // it reports failure and did nothing
  lie,          // it reports failure and happened
  fail_on,      // so does every effect from here on, without having happened
  visit_backup, // before it, somebody else makes a backup
  visit_prune,  // prunes
  visit_hold,   // takes the exclusive lock, and keeps it until we have ended
  sleep,        // after it, 40 minutes go by, in which somebody else forgets and prunes
};
const char* name_of(Hurt hurt);

using Files = std::map<std::string, std::shared_ptr<const std::string>>;

// What a snapshot has to give back.
struct Expected {
  std::string below;
  std::string tree; // as FolderTree::describe() says it
};

// The whole world. To copy it is to fork it.
struct State {
  std::array<Files, places> files;
  std::shared_ptr<std::mutex> files_mutex = std::make_shared<std::mutex>();
  std::array<std::map<std::string, Expected>, places> expected; // by id: what has to be there
  std::map<std::string, Expected> known;                        // all that ever were
  sim::FolderDisk source;                                       // /src is backed up
  sim::FolderDisk live;                                         // /live is restored into
  sim::FolderDisk others;                                       // /others is somebody else's
  std::int64_t milliseconds = 0;
  std::uint64_t seed = 0;
  std::uint64_t lives = 0; // so far; each has its own process id and its own random bytes
};

class Clock final : public world::Clock {
public:
  explicit Clock(State& state) : state_{state} {}
  world::TimePoint now() override {
    return world::TimePoint{std::chrono::hours{24 * 365 * 50} + monotonic()};
  }
  world::Milliseconds monotonic() override {
    const std::scoped_lock guard{mutex_};
    return world::Milliseconds{state_.milliseconds};
  }
  void sleep_for(world::Milliseconds duration) override {
    const std::scoped_lock guard{mutex_};
    state_.milliseconds += duration.count();
  }
  bool stop_requested() override { return false; }

private:
  State& state_;
  std::mutex mutex_;
};

class Machine final : public world::Machine {
public:
  Machine(std::string host, std::uint64_t pid) : host_{std::move(host)}, pid_{pid} {}
  world::Identity identity() override { return {host_, "user", 0, 0, pid_}; }
  bool is_running(std::uint64_t pid) override { return pid == pid_; } // the others have died
  std::string user_name(std::uint32_t) override { return "user"; }
  std::string group_name(std::uint32_t) override { return "group"; }
  unsigned cores() override { return 1; }

private:
  std::string host_;
  std::uint64_t pid_;
};

// Whichever thread asks first: the same bytes for the same life, so that names are the same in
// every run of a seed. Nobody's secrets are kept here.
class Random final : public world::Random {
public:
  explicit Random(std::uint64_t seed) : seed_{seed} {}
  std::string hex(std::size_t count) override { return std::string(count, 'a'); }
  void fill(std::span<unsigned char> bytes) override {
    std::mt19937_64 random{seed_};
    for (unsigned char& byte : bytes)
      byte = static_cast<unsigned char>(random());
  }

private:
  std::uint64_t seed_;
};

// Counts the effects of one run, on both places, and hurts it at one of them.
class Trouble {
public:
  Hurt hurt = Hurt::none;
  std::size_t at = 0;
  std::function<void(std::size_t place, Hurt)> visit;
  // Looked at after each effect of ours; says what is wrong.
  std::function<std::string(std::size_t place, bool is_save, const repo::backend::FileName&)> rule;

  std::vector<std::string> effects; // "save index/3f2a..."
  std::atomic<bool> is_dead = false;
  bool has_fired = false;
  std::string broken; // what `rule` said first
};

// One repository, as one process sees it.
class Place final : public repo::backend::Backend {
public:
  // Without trouble: somebody else, or who looks at what came of it.
  Place(State& state, std::size_t number, Clock& clock, Trouble* trouble)
      : state_{state}, number_{number}, clock_{clock}, trouble_{trouble} {}
  std::string location() const override { return "place " + std::to_string(number_); }
  base::Result<> create() override { return base::ok(); }
  base::Result<std::string> load(const repo::backend::FileName& name, std::uint64_t offset,
                                 std::uint64_t bytes) override;
  base::Result<std::optional<std::uint64_t>> size(const repo::backend::FileName& name) override;
  base::Result<> save(const repo::backend::FileName& name, std::string_view bytes) override;
  base::Result<> remove(const repo::backend::FileName& name) override;
  base::Result<std::vector<repo::backend::Listed>> list(repo::backend::FileKind kind) override;

private:
  base::Result<> effect(bool is_save, const repo::backend::FileName& name,
                        const std::function<void()>& apply);
  base::Result<> refuse(bool is_save, const repo::backend::FileName& name);
  State& state_;
  std::size_t number_;
  Clock& clock_;
  Trouble* trouble_;
};

// A process from its birth to its end: it opens repositories when they are asked for.
class Life {
public:
  Life(State& state, const std::string& host, Trouble* trouble);
  repo::Repository& open(std::size_t place);
  repo::Ports ports() { return {machine_, clock_, random_}; }
  std::uint64_t pid() { return machine_.identity().pid; }

private:
  Clock clock_;
  Machine machine_;
  Random random_;
  std::array<Place, places> places_;
  std::array<std::unique_ptr<repo::Repository>, places> opened_;
};

// Two empty repositories, which open in no time.
State new_state(std::uint64_t seed);

} // namespace repo_sim
