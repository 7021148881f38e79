// Plays simulated histories: a fault at every effect of an operation, and again at every effect of
// the recovery; then a clean resume must end it, old or new, with nothing lost.
//
//   belay_sim                    exhaustive: singles, and pairs that begin with a crash
//   belay_sim --quick            every single fault, and pairs of crashes, of every scenario
//   belay_sim --singles          every single fault of every scenario
//   --stop                       with any of them: end at the first broken one (for mutants)
//   belay_sim --seed N [--count M]  M random histories of up to three faults from seed N
//   belay_sim --history KIND FAULT@EFFECT...   one history, as a broken one is printed, with its
//                                journal

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "scenario.hpp"

namespace {

using scenario::Scenario;
using sim::Fault;

struct Injection {
  Fault fault = Fault::none;
  std::size_t at = 0;
};

struct History {
  scenario::Kind kind = scenario::Kind::upgrade_good;
  std::vector<Injection> injections; // one for each life of belay; then a clean one
};

struct Played {
  std::vector<bool> fired; // for each injection
  std::string broken;      // empty: all well
};

std::string text_of(const History& history) {
  std::string text = scenario::name_of(history.kind);
  for (const Injection& injection : history.injections)
    text += std::string{" "} + sim::name_of(injection.fault) + "@" + std::to_string(injection.at);
  return text;
}

// One life: armed, until it ends or dies. nullopt: it died.
std::optional<base::Result<engine::Ended>> live(Scenario& machine, Injection injection,
                                                bool first) {
  machine.world().arm(injection.fault, injection.at);
  if (injection.fault == Fault::power_cut)
    machine.note_power_cut();
  try {
    return first ? machine.begin() : machine.resume();
  } catch (const sim::Crash&) {
    return std::nullopt;
  }
}

bool has_really_ended(const base::Result<engine::Ended>& ended) {
  return ended ? ended.value().ending <= engine::Ending::blocked
               : ended.error().kind == base::ErrorKind::not_found;
}

Played play(Scenario& machine_here, const History& history);

Played play_on_clone(const Scenario& start, const History& history) {
  const auto machine = start.clone();
  return play(*machine, history);
}

Played play(Scenario& machine_here, const History& history) {
  Played played;
  Scenario* const machine = &machine_here;
  bool is_first = true;
  std::optional<base::Result<engine::Ended>> ended;
  for (const Injection& injection : history.injections) {
    ended = live(*machine, injection, is_first);
    played.fired.push_back(machine->world().fired());
    is_first = false;
    if (ended && has_really_ended(*ended) && !machine->is_in_progress())
      break;
    if (ended)
      if (played.broken = machine->broken(*ended); !played.broken.empty())
        return played;
  }
  if (!ended || !has_really_ended(*ended) || machine->is_in_progress()) {
    ended = live(*machine, {}, is_first);
    if (!ended || !has_really_ended(*ended)) {
      played.broken = "a clean resume does not end it: " + (!ended   ? "died"
                                                            : *ended ? ended->value().why
                                                                     : ended->error().message);
      return played;
    }
  }
  machine->world().arm(Fault::none, 0);
  played.broken = machine->broken(*ended);
  if (played.broken.empty() && machine->is_in_progress())
    played.broken = "still in progress";
  return played;
}

constexpr std::array first_faults{Fault::crash_before, Fault::crash_after, Fault::crash_torn,
                                  Fault::power_cut,    Fault::fail_once,   Fault::fail_always,
                                  Fault::lost_reply,   Fault::no_space,    Fault::clock_jump,
                                  Fault::read_fails};
constexpr std::array crashes{Fault::crash_after, Fault::crash_torn, Fault::power_cut};

class Player {
public:
  Player(bool is_quick, bool is_single, std::size_t broken_max)
      : is_quick_{is_quick}, is_single_{is_single}, broken_max_{broken_max} {}
  bool is_enough() const { return broken_ >= broken_max_; }

  // One row of histories: the first fault at a fixed effect, all second faults behind it.
  // Returns false when the first fault lies beyond the end of the run.
  bool row(const Scenario& start, scenario::Kind kind, Injection first) {
    const Played single = check(start, {kind, {first}});
    if (!single.fired.front())
      return false;
    const bool is_crash = std::ranges::find(crashes, first.fault) != crashes.end();
    if (is_single_ || !is_crash || (is_quick_ && first.fault != Fault::crash_after))
      return true;
    for (const Fault second : first_faults) {
      if (is_quick_ && second != Fault::crash_after && second != Fault::fail_once)
        continue;
      for (std::size_t again = 0;; ++again) {
        const Played pair = check(start, {kind, {first, {second, again}}});
        if (pair.fired.size() < 2 || !pair.fired[1] || is_enough())
          break;
      }
    }
    return true;
  }

  Played check(const Scenario& start, const History& history) {
    Played played = play_on_clone(start, history);
    ++histories_;
    if (!played.broken.empty()) {
      const std::scoped_lock guard{mutex_};
      if (++broken_ <= broken_max_)
        std::printf("BROKEN %s: %s\n", text_of(history).c_str(), played.broken.c_str());
    }
    return played;
  }

  std::size_t histories() const { return histories_; }
  std::size_t broken() const { return broken_; }

private:
  bool is_quick_;
  bool is_single_;
  std::size_t broken_max_; // then it stops: more of them say nothing new
  std::atomic<std::size_t> histories_ = 0;
  std::mutex mutex_;
  std::atomic<std::size_t> broken_ = 0;
};

struct Task {
  scenario::Kind kind;
  Fault fault;
};

void exhaustive(Player& player) {
  std::vector<Task> tasks;
  for (const auto kind : scenario::all_kinds)
    for (const Fault fault : first_faults)
      tasks.push_back({kind, fault});
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t index = next++; index < tasks.size(); index = next++) {
      const Scenario start{tasks[index].kind};
      for (std::size_t at = 0; player.row(start, tasks[index].kind, {tasks[index].fault, at}); ++at)
        if (player.is_enough())
          return;
    }
  };
  std::vector<std::jthread> threads;
  for (unsigned count = 0; count < std::max(1U, std::thread::hardware_concurrency()); ++count)
    threads.emplace_back(work);
}

void seeded(Player& player, std::uint64_t seed, std::size_t count) {
  std::vector<std::unique_ptr<Scenario>> starts;
  for (const auto kind : scenario::all_kinds)
    starts.push_back(std::make_unique<Scenario>(kind, seed));
  std::mt19937_64 random{seed};
  for (std::size_t history = 0; history < count && !player.is_enough(); ++history) {
    const std::size_t kind = random() % starts.size();
    History drawn{scenario::all_kinds.at(kind), {}};
    for (std::size_t faults = 1 + random() % 3; faults > 0; --faults)
      drawn.injections.push_back({first_faults.at(random() % first_faults.size()), random() % 140});
    player.check(*starts[kind], drawn);
  }
}

int show(int count, char** words) {
  History history;
  for (const auto kind : scenario::all_kinds)
    if (std::strcmp(scenario::name_of(kind), words[0]) == 0)
      history.kind = kind;
  for (int at = 1; at < count; ++at) {
    const std::string word = words[at];
    for (const Fault fault : first_faults)
      if (word.starts_with(std::string{sim::name_of(fault)} + "@"))
        history.injections.push_back(
            {fault, std::strtoull(word.substr(word.find('@') + 1).c_str(), nullptr, 10)});
  }
  Scenario machine{history.kind};
  const Played played = play(machine, history);
  machine.print_journal();
  std::printf("%s: %s\n", text_of(history).c_str(),
              played.broken.empty() ? "all well" : played.broken.c_str());
  return played.broken.empty() ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) {
  if (argc > 2 && std::strcmp(argv[1], "--history") == 0)
    return show(argc - 2, argv + 2);
  bool is_quick = false;
  bool is_stopping = false;
  bool is_single = false;
  std::optional<std::uint64_t> seed;
  std::size_t count = 20'000;
  for (int at = 1; at < argc; ++at) {
    const std::string word = argv[at];
    if (word == "--quick")
      is_quick = true;
    else if (word == "--singles")
      is_single = true;
    else if (word == "--stop")
      is_stopping = true;
    else if (word == "--seed" && at + 1 < argc)
      seed = std::strtoull(argv[++at], nullptr, 10);
    else if (word == "--count" && at + 1 < argc)
      count = std::strtoull(argv[++at], nullptr, 10);
    else {
      std::fprintf(stderr,
                   "usage: belay_sim [--quick | --singles | --seed N [--count M]] [--stop]\n");
      return 2;
    }
  }
  Player player{is_quick, is_single, is_stopping ? 1U : 20U};
  const auto begun = std::chrono::steady_clock::now();
  if (seed)
    seeded(player, *seed, count);
  else
    exhaustive(player);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  std::printf("%zu simulated histories in %.1f s, %zu broken\n", player.histories(), took.count(),
              player.broken());
  return player.broken() == 0 ? 0 : 1;
}
