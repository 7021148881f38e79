#pragma once
// Repo steps: what is done with the simulated repositories, what somebody else does meanwhile, and
// what has to be true afterwards.

#include <string>
#include <vector>

#include "repo_world.hpp"

namespace repo_sim {

enum class Kind {
  backup,
  forget,
  prune,
  copy,
  repair,
  mend, // repair, after index files were lost
  restore,
};
const char* name_of(Kind kind);

struct Step {
  Kind kind = Kind::backup;
  std::size_t place = 0;
  std::uint64_t choice = 0;        // options, by its bits
  std::vector<std::string> gone;   // snapshots to forget: their ids
  std::vector<std::string> copied; // that have to be copied
  std::string snapshot;            // to restore: its id
};

// Somebody else, on another host.
class Visitor {
public:
  explicit Visitor(State& state) : state_{state} {}
  ~Visitor() { leave(); }
  void come(std::size_t place, Hurt hurt);
  void leave(); // lets go of what is held
  const std::string& broken() const { return broken_; }

private:
  base::Result<> work(repo::Repository& repository, std::size_t place, Hurt hurt);
  State& state_;
  std::unique_ptr<Life> life_;
  std::unique_ptr<repo::Lock> held_;
  std::string broken_;
};

// By a process of its own, from its birth to its end. `live`: where a restore goes.
base::Result<> perform(State& state, const Step& step, Trouble* trouble, sim::SimFolders& live);

// For Trouble::rule: after each effect all that is needed can be found, and a lock covers it.
// `life`: the number of the process that has the effects.
std::string rule_broken(State& state, const Step& step, std::uint64_t life, std::size_t place,
                        bool is_save, const repo::backend::FileName& name);

// After a step, whatever came of it. Takes in what it made. Empty: all well.
std::string broken(State& state, const Step& step);
// And when it ended well.
std::string outcome_broken(State& state, const Step& step);
// Every snapshot gives back what it took.
std::string losses(State& state);

} // namespace repo_sim
