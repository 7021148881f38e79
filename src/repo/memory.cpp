#include "repo/memory.hpp"

#include "base/text.hpp"
#include "repo/format/chunker.hpp"

#include <algorithm>

namespace repo {

using base::Error;
using base::ErrorKind;
using base::Result;

namespace {

constexpr std::uint64_t mebibyte = 1U << 20U;
constexpr std::uint64_t blob_bytes = format::chunk_bytes_max;
constexpr std::uint64_t program_bytes = 20 * mebibyte; // libraries, stacks, small things
constexpr std::uint64_t key_bytes = 36 * mebibyte;     // to open a key, before any thread begins
constexpr std::size_t pack_bytes_small = 8U << 20U;    // as large as the largest blob

std::uint64_t needed(const MemoryNeed& need, std::size_t threads, std::size_t pack_bytes) {
  return program_bytes + need.shared + need.packs_shared * pack_bytes +
         threads * (need.thread + need.packs_thread * pack_bytes);
}

} // namespace

// Two chunks that are read, one that is compared and one that waits, what is made of one, and what
// zstd wants for it.
const MemoryNeed need_of_backup{"a backup", 0, 4 * blob_bytes + 12 * mebibyte, 2, 1};
// A part of a pack, a blob opened, unpacked, and packed again.
const MemoryNeed need_of_copy{"a copy", 0, 4 * blob_bytes + 5 * mebibyte, 1, 1};
const MemoryNeed need_of_prune{"a prune", 4 * blob_bytes, 0, 3, 0};
// A part of a pack, a blob opened and unpacked, what is there, and a piece that is written.
const MemoryNeed need_of_restore{"a restore", 0, 4 * blob_bytes + 2 * mebibyte, 0, 0};
const MemoryNeed need_of_verify{"a verification", 0, 3 * blob_bytes, 0, 0};

MemoryNeed need_of_check(std::uint64_t largest_pack_bytes) {
  return {"a check that reads the data of this repository", 0, largest_pack_bytes + 2 * blob_bytes,
          0, 0};
}

Result<MemoryPlan> plan_memory(std::uint64_t bytes, const MemoryNeed& need,
                               std::size_t threads_wanted, unsigned cores) {
  const std::size_t wanted = threads_wanted != 0 ? threads_wanted : std::clamp(cores, 1U, 8U);
  const std::uint64_t least =
      std::max(needed(need, 1, pack_bytes_small), program_bytes + key_bytes);
  if (bytes < least)
    return Error{ErrorKind::invalid_input,
                 base::format_bytes(bytes) + " of memory are too little for " + need.what,
                 "It needs at least --memory " + std::to_string((least + mebibyte - 1) / mebibyte) +
                     "MiB."};
  if (const std::uint64_t all = needed(need, wanted, pack_bytes_default); all <= bytes)
    return MemoryPlan{wanted, pack_bytes_default, bytes - all};
  std::size_t threads = wanted;
  while (threads > 1 && needed(need, threads, pack_bytes_small) > bytes)
    --threads;
  return MemoryPlan{threads, pack_bytes_small, bytes - needed(need, threads, pack_bytes_small)};
}

} // namespace repo
