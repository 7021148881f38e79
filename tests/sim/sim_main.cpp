// Plays simulated histories: a fault at every effect of an operation, and again at every effect of
// the recovery; then a clean resume must end it, old or new, with nothing lost.
//
//   belay_sim                    exhaustive: singles, and pairs that begin with a crash
//   belay_sim --quick            every single fault of every scenario, and pairs: a crash after an
//                                effect, then a crash, a failure or a lost reply in the recovery
//   belay_sim --singles          every single fault of every scenario
//   --stop                       with any of them: end at the first broken one (for mutants)
//   belay_sim --seed N [--count M]  M random histories of up to three faults from seed N
//   belay_sim --repo [--quick]   histories of repositories instead of upgrades: 16, or 10 of which
//                                not all is played; with --seed N [--count M] those from seed N on
//   belay_sim --history KIND FAULT@EFFECT...   one history, as a broken one is printed, with its
//                                journal

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <list>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "repo_play.hpp"
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

// A machine in the middle of a history: it can be copied, so that what two histories have in common
// is played once.
class Course {
public:
  explicit Course(std::unique_ptr<Scenario> machine) : machine_{std::move(machine)} {}
  Course fork() const {
    Course copy{machine_->clone()};
    copy.is_first_ = is_first_;
    copy.ended_ = ended_;
    copy.played_ = played_;
    return copy;
  }

  // As a crash leaves it, while a life is played.
  Course fork_crashed(bool with_power_cut) const {
    Course copy{machine_->clone_crashed(with_power_cut)};
    copy.is_first_ = false;
    copy.played_ = played_;
    copy.played_.fired.push_back(true);
    return copy;
  }

  // One more life, without a fault; `look` is called as Host::at_effect.
  void play_watched(const std::function<void(bool is_torn)>& look) {
    machine_->world().host.at_effect = look;
    play({});
    machine_->world().host.at_effect = nullptr;
  }

  // One more life of belay. Nothing happens when the operation has ended already.
  void play(const Injection& injection) {
    if (is_over())
      return;
    ended_ = live(*machine_, injection, is_first_);
    played_.fired.push_back(machine_->world().fired());
    is_first_ = false;
    if (ended_ && !is_over())
      played_.broken = machine_->broken(*ended_);
  }

  // Then a clean life must end it, and all must be well.
  Played finish() {
    if (!played_.broken.empty())
      return played_;
    if (!is_over()) {
      ended_ = live(*machine_, {}, is_first_);
      if (!ended_ || !has_really_ended(*ended_)) {
        played_.broken =
            "a clean resume does not end it: " + (!ended_   ? "died"
                                                  : *ended_ ? (*ended_).value().why
                                                            : (*ended_).error().message);
        return played_;
      }
    }
    machine_->world().arm(Fault::none, 0);
    played_.broken = machine_->broken(*ended_);
    if (played_.broken.empty() && played_.fired.empty())
      played_.broken = machine_->unexpected(*ended_);
    if (played_.broken.empty() && machine_->is_in_progress())
      played_.broken = "still in progress";
    return played_;
  }
  const Played& played() const { return played_; }
  void print_journal() const { machine_->print_journal(); }
  bool is_over() const {
    return !played_.broken.empty() ||
           (ended_ && has_really_ended(*ended_) && !machine_->is_in_progress());
  }

private:
  std::unique_ptr<Scenario> machine_;
  bool is_first_ = true;
  std::optional<base::Result<engine::Ended>> ended_;
  Played played_;
};

constexpr std::array first_faults{Fault::crash_before, Fault::crash_after, Fault::crash_torn,
                                  Fault::power_cut,    Fault::fail_once,   Fault::fail_always,
                                  Fault::lost_reply,   Fault::no_space,    Fault::clock_jump,
                                  Fault::read_fails};
constexpr std::array quick_seconds{Fault::fail_once, Fault::lost_reply}; // beside all crashes
constexpr std::array crashes{Fault::crash_after, Fault::crash_torn, Fault::power_cut};

class Player {
public:
  Player(bool is_quick, bool is_single, std::size_t broken_max)
      : is_quick_{is_quick}, is_single_{is_single}, broken_max_{broken_max} {}
  bool is_enough() const { return broken_ >= broken_max_; }

  // One row of histories: the first fault at a fixed effect, all second faults behind it.
  // Returns false when the first fault lies beyond the end of the run.
  bool row(const Scenario& start, scenario::Kind kind, Injection first) {
    Course course{start.clone()};
    course.play(first);
    if (!course.played().fired.front())
      return false;
    check(course.fork(), {kind, {first}});
    const bool is_crash = std::ranges::find(crashes, first.fault) != crashes.end();
    if (is_single_ || !is_crash || course.is_over() ||
        (is_quick_ && first.fault != Fault::crash_after))
      return true;
    pairs_of_crashes(course, {kind, {first}});
    for (const Fault second : first_faults) {
      const bool is_left_out =
          is_quick_ && std::ranges::find(quick_seconds, second) == quick_seconds.end();
      if (is_left_out || std::ranges::find(crashes, second) != crashes.end())
        continue;
      for (std::size_t again = 0; !is_enough(); ++again) {
        const Injection then{second, again};
        Course pair = course.fork();
        pair.play(then);
        if (!pair.played().fired.back())
          break;
        check(std::move(pair), {kind, {first, then}});
      }
    }
    return true;
  }

  // A crash does not change what came before it: the second life is played once, and at each of
  // its effects the machine is copied as the crash leaves it.
  void pairs_of_crashes(const Course& course, const History& history) {
    Course whole = course.fork();
    std::size_t at = 0;
    whole.play_watched([&](bool is_torn) {
      for (const Fault second : crashes) {
        History pair = history;
        pair.injections.push_back({second, at});
        if (is_torn == (second == Fault::crash_torn) && !is_enough())
          check(whole.fork_crashed(second == Fault::power_cut), pair);
      }
      at += is_torn ? 0 : 1;
    });
  }

  void check(Course course, const History& history) {
    const Played played = course.finish();
    ++histories_;
    if (!played.broken.empty()) {
      const std::scoped_lock guard{mutex_};
      if (++broken_ <= broken_max_)
        std::printf("BROKEN %s: %s\n", text_of(history).c_str(), played.broken.c_str());
    }
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

// All rows that begin with one fault; threads take them one by one, several from one task.
struct Task {
  Task(const Scenario& machine, scenario::Kind of, Fault first)
      : start{machine}, kind{of}, fault{first} {}
  const Scenario& start;
  scenario::Kind kind;
  Fault fault;
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> is_over = false;
};

void exhaustive(Player& player) {
  std::vector<std::unique_ptr<Scenario>> starts;
  std::list<Task> tasks;
  for (const auto kind : scenario::all_kinds) {
    const Scenario& start = *starts.emplace_back(std::make_unique<Scenario>(kind));
    player.check(Course{start.clone()}, {kind, {}});
    for (const Fault fault : first_faults)
      tasks.emplace_back(start, kind, fault);
  }
  const auto work = [&] {
    for (Task& task : tasks)
      while (!task.is_over && !player.is_enough())
        if (!player.row(task.start, task.kind, {task.fault, task.next++}))
          task.is_over = true;
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
    Course course{starts[kind]->clone()};
    for (const Injection& injection : drawn.injections)
      course.play(injection);
    player.check(std::move(course), drawn);
  }
}

int play_repositories(std::uint64_t seed, std::size_t count, bool is_quick, bool is_stopping) {
  std::atomic<std::uint64_t> next = seed;
  std::atomic<std::size_t> runs = 0;
  std::atomic<std::size_t> broken = 0;
  std::atomic<std::uint64_t> digest = 0;
  std::mutex mutex;
  const auto begun = std::chrono::steady_clock::now();
  const auto work = [&] {
    for (std::uint64_t at = next++; at < seed + count && !(is_stopping && broken > 0);
         at = next++) {
      const repo_sim::Played played = repo_sim::play(at, {.is_quick = is_quick});
      runs += played.runs;
      digest += played.digest;
      if (played.broken.empty())
        continue;
      ++broken;
      const std::scoped_lock guard{mutex};
      std::printf("BROKEN %s\n", played.broken.c_str());
    }
  };
  {
    std::vector<std::jthread> threads;
    for (unsigned thread = 0; thread < std::max(1U, std::thread::hardware_concurrency()); ++thread)
      threads.emplace_back(work);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  std::printf("%zu histories of repositories, hurt %zu times, in %.1f s, %zu broken (%016llx)\n",
              count, runs.load(), took.count(), broken.load(),
              static_cast<unsigned long long>(digest.load()));
  return broken == 0 ? 0 : 1;
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
  Course course{std::make_unique<Scenario>(history.kind)};
  for (const Injection& injection : history.injections)
    course.play(injection);
  const Played played = course.finish();
  course.print_journal();
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
  bool is_of_repositories = false;
  std::optional<std::uint64_t> seed;
  std::optional<std::size_t> count;
  for (int at = 1; at < argc; ++at) {
    const std::string word = argv[at];
    if (word == "--quick")
      is_quick = true;
    else if (word == "--singles")
      is_single = true;
    else if (word == "--repo")
      is_of_repositories = true;
    else if (word == "--stop")
      is_stopping = true;
    else if (word == "--seed" && at + 1 < argc)
      seed = std::strtoull(argv[++at], nullptr, 10);
    else if (word == "--count" && at + 1 < argc)
      count = std::strtoull(argv[++at], nullptr, 10);
    else {
      std::fprintf(
          stderr,
          "usage: belay_sim [--repo] [--quick | --singles | --seed N [--count M]] [--stop]\n");
      return 2;
    }
  }
  if (is_of_repositories)
    return play_repositories(seed.value_or(1), count.value_or(is_quick ? 10 : 16), is_quick,
                             is_stopping);
  Player player{is_quick, is_single, is_stopping ? 1U : 20U};
  const auto begun = std::chrono::steady_clock::now();
  if (seed)
    seeded(player, *seed, count.value_or(20'000));
  else
    exhaustive(player);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  std::printf("%zu simulated histories in %.1f s, %zu broken\n", player.histories(), took.count(),
              player.broken());
  return player.broken() == 0 ? 0 : 1;
}
