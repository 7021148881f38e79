#pragma once
// Memory: from what a command may take, to the number of its threads and the size of its packs.

#include "base/result.hpp"

#include <cstddef>
#include <cstdint>

namespace repo {

constexpr std::uint64_t memory_bytes_default = 256U << 20U;
constexpr std::size_t pack_bytes_default = 16U << 20U; // restic's

// What a command needs at the most, in bytes, when no blob is larger than a chunk of restic's.
// Beside it stand what the program itself takes, the index, and what is known of each new blob.
struct MemoryNeed {
  const char* what = ""; // "a backup"
  std::uint64_t shared = 0;
  std::uint64_t thread = 0;
  std::size_t packs_shared = 0; // in the making, or being stored
  std::size_t packs_thread = 0;
};
extern const MemoryNeed need_of_backup;
extern const MemoryNeed need_of_copy;
extern const MemoryNeed need_of_prune;
extern const MemoryNeed need_of_restore;
extern const MemoryNeed need_of_verify;
MemoryNeed need_of_check(std::uint64_t largest_pack_bytes); // of the repository

struct MemoryPlan {
  std::size_t threads = 1;
  std::size_t pack_bytes = pack_bytes_default;
  std::uint64_t left = 0; // of what was given
  bool operator==(const MemoryPlan&) const = default;
};

// Packs of the usual size when all the wanted threads can have them, smaller ones otherwise, and
// then as many threads as there is room for. Zero wanted are as many as cores, at most 8.
// invalid_input: there is no room for one; the hint names the least that works.
base::Result<MemoryPlan> plan_memory(std::uint64_t bytes, const MemoryNeed& need,
                                     std::size_t threads_wanted, unsigned cores);

} // namespace repo
