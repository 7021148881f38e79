#pragma once
// Verify: whether one snapshot can be brought back whole, by reading all of it.

#include "repo/lock.hpp"

#include <functional>
#include <string>
#include <vector>

namespace repo {

struct VerifyReport {
  std::vector<std::string> errors; // each names a blob, its pack and what is wrong, or a path
  std::uint64_t files = 0;         // entries of any kind but folders
  std::uint64_t folders = 0;
  std::uint64_t blobs = 0; // read, decrypted, unpacked and hashed
  std::uint64_t bytes = 0; // of them, before compression
};

// Reads every blob that the snapshot needs. Harm is in the report, an error only when it cannot be
// looked for. `progress` hears of bytes done and in all, by one thread at a time.
base::Result<VerifyReport>
verify(Repository& repository, Lock& lock, const format::Snapshot& snapshot,
       const std::function<void(std::uint64_t, std::uint64_t)>& progress);

} // namespace repo
