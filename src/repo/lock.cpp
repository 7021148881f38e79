#include "repo/lock.hpp"

#include "base/text.hpp"

namespace repo {

using backend::FileKind;
using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

constexpr std::chrono::minutes stale_after{30};
constexpr std::chrono::minutes renewed_after{5};
constexpr std::chrono::seconds lost_after{1350}; // 22.5 minutes: well before others call it stale
constexpr world::Milliseconds settle_time{200};  // for another's lock to become visible

bool is_ours_and_dead(const format::LockFile& lock, const Ports& ports,
                      const world::Identity& self) {
  return lock.host == self.host && lock.pid != self.pid && !ports.machine.is_running(lock.pid);
}

bool is_old(const format::LockFile& lock, const Ports& ports) {
  return ports.clock.now() - lock.time.point() > stale_after;
}

std::string words_of(const format::LockFile& lock) {
  return std::string{lock.is_exclusive ? "an exclusive lock" : "a lock"} + " of '" + lock.user +
         "' on '" + lock.host + "', process " + std::to_string(lock.pid) + ", of " +
         base::format_time(lock.time.point());
}

} // namespace

Result<std::vector<FoundLock>> find_locks(Repository& repository) {
  std::vector<FoundLock> found;
  const Ports& ports = repository.ports();
  const world::Identity self = ports.machine.identity();
  for (const backend::Listed& file : TRY(repository.backend().list(FileKind::lock))) {
    const backend::FileName name{FileKind::lock, file.id};
    auto json = repository.load(name);
    if (!json && json.error().kind == ErrorKind::not_found)
      continue; // let go since
    if (!json && json.error().kind == ErrorKind::corrupt)
      return Error{
          ErrorKind::corrupt, json.error().message,
          "'belay repo unlock --remove-all' removes it: look first that nobody is at work."};
    if (!json)
      return std::move(json).error();
    const auto lock = TRY_CONTEXT(format::lock_from_json(json.value()), backend::text_of(name));
    found.push_back({file.id, lock, is_old(lock, ports) || is_ours_and_dead(lock, ports, self)});
  }
  return found;
}

Result<std::size_t> unlock(Repository& repository, bool is_all) {
  std::size_t removed = 0;
  if (is_all) { // also those that cannot be read
    for (const backend::Listed& file : TRY(repository.backend().list(FileKind::lock))) {
      TRY(repository.backend().remove({FileKind::lock, file.id}));
      ++removed;
    }
    return removed;
  }
  for (const FoundLock& each : TRY(find_locks(repository)))
    if (each.is_stale) {
      TRY(repository.backend().remove({FileKind::lock, each.id}));
      ++removed;
    }
  return removed;
}

Result<> Lock::check_others() {
  const Ports& ports = repository_.ports();
  const world::Identity self = ports.machine.identity();
  for (const FoundLock& other : TRY(find_locks(repository_))) {
    if (other.id == id_)
      continue;
    if (is_ours_and_dead(other.lock, ports, self)) {
      TRY(repository_.backend().remove({FileKind::lock, other.id}));
      continue;
    }
    if (sharing_ == Sharing::exclusive || other.lock.is_exclusive)
      return Error{ErrorKind::locked, "the repository is in use: " + words_of(other.lock),
                   other.is_stale ? "It is older than 30 minutes: if nobody is at work any more, "
                                    "run 'belay repo unlock'."
                                  : "Wait until it has ended."};
  }
  return ok();
}

Result<> Lock::write() {
  const Ports& ports = repository_.ports();
  const world::Identity self = ports.machine.identity();
  const format::LockFile lock{format::Time::of(ports.clock.now()), sharing_ == Sharing::exclusive,
                              self.host, self.user, self.pid};
  // As old as the time in it, also when we fell asleep while it was written.
  const world::Milliseconds now = ports.clock.monotonic();
  auto saved = repository_.save(FileKind::lock, format::to_json(lock));
  if (!saved) {
    Error error = std::move(saved).error().context("unable to lock the repository");
    error.hint +=
        std::string{error.hint.empty() ? "" : " "} + "What only reads can do without: --no-lock.";
    return error;
  }
  id_ = saved.value();
  written_ = now;
  return ok();
}

Result<std::unique_ptr<Lock>> Lock::acquire(Repository& repository, Sharing sharing) {
  std::unique_ptr<Lock> lock{new Lock{repository, sharing}}; // NOLINT: the constructor is private
  if (sharing == Sharing::none)
    return lock;
  TRY(lock->check_others());
  TRY(lock->write());
  repository.ports().clock.sleep_for(settle_time);
  // Who came at the same moment sees ours, or we see theirs.
  if (auto alone = lock->check_others(); !alone) {
    if (auto released = lock->release(); !released)
      return std::move(released).error();
    return std::move(alone).error();
  }
  return lock;
}

Result<> Lock::keep() {
  if (sharing_ == Sharing::none)
    return ok();
  const auto age = repository_.ports().clock.monotonic() - written_;
  if (age < renewed_after)
    return ok();
  TRY(check_age());
  const format::Id old = id_;
  if (auto renewed = write(); !renewed)
    return age + renewed_after > lost_after ? std::move(renewed) : ok(); // there is time to retry
  TRY(repository_.backend().remove({FileKind::lock, old}));
  return check_age(); // the machine may have slept meanwhile
}

Result<> Lock::check_age() {
  if (repository_.ports().clock.monotonic() - written_ <= lost_after)
    return ok();
  return Error{ErrorKind::locked, "the lock of the repository was lost: it was not renewed",
               "Was the machine asleep, or the repository out of reach? Start it again."};
}

Result<> Lock::release() {
  return sharing_ == Sharing::none ? ok() : repository_.backend().remove({FileKind::lock, id_});
}

} // namespace repo
