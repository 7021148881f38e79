#pragma once
// Repo play: histories of the simulated repositories, hurt at every effect.

#include <cstddef>
#include <cstdint>
#include <string>

namespace repo_sim {

struct PlayOptions {
  bool is_quick = false; // some of what can go wrong at each effect, by turns
  std::size_t steps = 8; // of a history
};

struct Played {
  std::size_t runs = 0;     // that were hurt
  std::string broken;       // the first that was, and how; empty: all well
  std::uint64_t digest = 0; // of every effect of every run: the same for the same seed
};

// The same seed is the same history, on every machine.
Played play(std::uint64_t seed, const PlayOptions& options);

} // namespace repo_sim
