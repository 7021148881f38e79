#pragma once
// Host: the simulated machine: its disk, its clock, its processes and the clients that write to
// them. The ports of SimWorld are thin views of it.
//
// A service is a program file whose content says how it behaves:
//   "#!sim version=2 migrates never_ready damages dies_after=20000 ignores_term refuses_newer
//    queue=5"
// It is run with `--port N` and `--data FOLDER` or `--db FILE`. It keeps every acknowledged write
// as one line in FOLDER/writes, or as one row of FILE (new rows are in FILE-wal until a clean
// stop), and the version that owns the layout in FOLDER/layout, or in FILE's first line.

#include "sim/disk.hpp"
#include "sim/faults.hpp"
#include "world/http.hpp"
#include "world/processes.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace sim {

struct Program {
  int version = 0;
  bool migrates = false;      // at its start makes the layout its own
  bool never_ready = false;   // answers 503 for ever
  bool damages = false;       // at its start loses half of the writes; answers 200 all the same
  bool ignores_term = false;  // only KILL ends it
  bool refuses_newer = false; // answers 503 on a layout newer than itself, as a good program does
  std::int64_t dies_after_ms = -1;
  int queue_a_second = 0; // its backlog grows so fast; answers 200 all the same
};

struct Service {
  world::ProcessId id;
  world::Environment environment;
  Program program;
  int port = 0;
  std::string data; // folder, or database file
  bool is_database = false;
  std::int64_t started_ms = 0;
};

class Host {
public:
  explicit Host(std::uint64_t seed) : random{seed} {}

  Disk disk;
  Faults faults;
  std::mt19937_64 random;
  std::vector<Service> services;                        // the living ones
  std::set<std::string> locks;                          // paths held by the belay that lives now
  std::map<std::string, std::vector<int>> acknowledged; // by data path: the writes clients trust
  std::int64_t now_ms = 1'700'000'000'000;              // wall clock
  std::int64_t monotonic_ms = 0;
  std::string boot_id = "boot-1";
  bool has_reflink = false;
  // What is on the machine beside the simulated services: for those who only look.
  std::vector<world::ListeningProcess> listening;
  std::map<std::string, world::HttpResponse> pages; // by URL
  std::map<std::string, world::Output> answers;     // of commands, by argv joined with blanks

  // One mutating port call. `apply` does it; `tear` does half of it (or nothing).
  template <class T, class Apply, class Tear>
  base::Result<T> effect(bool writes_bytes, Apply&& apply, Tear&& tear);
  template <class T, class Apply>
  base::Result<T> effect(bool writes_bytes, Apply&& apply) {
    return effect<T>(writes_bytes, std::forward<Apply>(apply), NoTear{});
  }
  bool read_fails();
  // Called for an effect that happens: when it is half done, if it can be, and when it is done. A
  // copy of the machine then is what `crash_torn` and `crash_after` at this effect would leave, so
  // that a run can be played once for a crash at each of its effects.
  std::function<void(bool is_torn)> at_effect;
  void crash(bool with_power_cut); // what dies with belay, and with the machine

  void pass(std::int64_t milliseconds);
  void client_writes(); // every ready service gets one write, which it acknowledges
  base::Result<world::ProcessId> start(const world::ServiceStart& start);
  void kill(const world::ProcessId& id, bool cleanly);
  void power_cut();
  bool is_ready(const Service& service) const;
  bool is_damaged(const Service& service) const;
  int layout_of(const std::string& data, bool is_database) const;
  std::vector<int> writes_in(const std::string& data, bool is_database) const;
  bool has_foreign_wal(const std::string& database) const; // one of another database lies beside it
  static bool is_database_file(std::string_view content);

private:
  struct NoTear { // all or nothing: `crash_torn` is `crash_before` then
    void operator()() const {}
  };
  // Half of the effect happens to a copy that stands in for us, and is looked at. The effect may
  // hold pointers to our nodes: they stay where they are.
  template <class Tear>
  void show_torn(Tear& tear) {
    Host copy = *this;
    std::swap(*this, copy);
    tear();
    at_effect(true);
    std::swap(*this, copy);
  }
  void at_start(Service& service);
  std::string wal_head(const std::string& database) const;
  int next_pid_ = 100;
  int next_write_ = 1;
};

base::Error injected();

template <class T, class Apply, class Tear>
base::Result<T> Host::effect(bool writes_bytes, Apply&& apply, Tear&& tear) {
  const Verdict verdict = faults.next_effect(writes_bytes);
  if (faults.take_clock_jump())
    now_ms -= 86'400'000;
  client_writes();
  switch (verdict) {
  case Verdict::apply: {
    if constexpr (!std::is_same_v<std::remove_cvref_t<Tear>, NoTear>)
      if (at_effect)
        show_torn(tear);
    auto result = apply();
    if (at_effect)
      at_effect(false);
    return result;
  }
  case Verdict::fail: return injected();
  case Verdict::no_space:
    return base::Error{base::ErrorKind::no_space, "no space left on device (injected)", ""};
  case Verdict::crash_before: break;
  case Verdict::tear: tear(); break;
  case Verdict::lose_reply: {
    auto result = apply();
    if (!result)
      return result;
    return base::Error{base::ErrorKind::unknown_outcome, "no reply (injected)", ""};
  }
  case Verdict::power_cut:
  case Verdict::crash_after: {
    const auto result = apply();
    (void)result;
    break;
  }
  }
  crash(verdict == Verdict::power_cut);
  faults.die();
  return injected(); // not reached: die() throws
}

} // namespace sim
