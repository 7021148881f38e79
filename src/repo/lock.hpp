#pragma once
// Lock: tells every other program that uses the repository that we do. The lock files are restic's.

#include "repo/repository.hpp"

#include <string>
#include <vector>

namespace repo {

enum class Sharing {
  shared,    // backup, restore, looking: several at once
  exclusive, // what removes files: alone
  none,      // only looking, where nothing can be written: nobody is told, and nobody is asked
};

struct FoundLock {
  format::Id id;
  format::LockFile lock;
  bool is_stale = false; // by restic's rules: older than 30 minutes, or its process died here
};
base::Result<std::vector<FoundLock>> find_locks(Repository& repository);

// Removes stale locks, or all. Returns how many.
base::Result<std::size_t> unlock(Repository& repository, bool is_all);

class Lock {
public:
  // locked: somebody else is at work; the message says who. Locks that a dead process of this host
  // left are removed. Whatever else: the place cannot be written to.
  static base::Result<std::unique_ptr<Lock>> acquire(Repository& repository, Sharing sharing);
  // To be called every now and then: renews the lock every five minutes. locked: it was lost, and
  // nothing may be written any more.
  base::Result<> keep();
  base::Result<> release(); // the last thing to be called; a lock that is not released turns stale

private:
  Lock(Repository& repository, Sharing sharing) : repository_{repository}, sharing_{sharing} {}
  base::Result<> write();
  base::Result<> check_others();
  base::Result<> check_age(); // others may take it for dead
  Repository& repository_;
  Sharing sharing_;
  format::Id id_;
  world::Milliseconds written_{0}; // monotonic
};

// `work` under a lock, which is released whatever comes of it. Nothing is to be read before: what
// an index says may be pruned until then.
template <class Work>
auto with_lock(Repository& repository, Sharing sharing, Work work)
    -> decltype(work(std::declval<Lock&>())) {
  const std::unique_ptr<Lock> lock = TRY(Lock::acquire(repository, sharing));
  auto done = work(*lock);
  auto released = lock->release();
  if (done && !released)
    return std::move(released).error();
  return done;
}

} // namespace repo
