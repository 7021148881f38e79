// A backup that reads before its lock is sure stores nothing until it is.

#include "os/folders.hpp"
#include "os/machine.hpp"
#include "os/world_for_test.hpp"
#include "repo/backend/memory.hpp"
#include "repo/backup.hpp"

namespace repo {
namespace {

class EarlyClock final : public world::Clock { // nobody waits
public:
  world::TimePoint now() override { return world::TimePoint{std::chrono::hours{24 * 365 * 50}}; }
  world::Milliseconds monotonic() override { return {}; }
  void sleep_for(world::Milliseconds) override {}
  bool stop_requested() override { return false; }
};

class early_lock : public os::RealWorld {
protected:
  EarlyClock quick;
  os::Machine machine;
  os::Folders folders{effects_};
  Ports ports{machine, quick, random_};
  backend::Memory memory;
};

TEST_F(early_lock, stores_nothing_when_somebody_came_at_the_same_moment) {
  write("tree/file", "content");
  const auto ours = std::move(Repository::create(memory, ports, "p")).value();
  const auto theirs = std::move(Repository::open(memory, ports, "p")).value();
  const auto lock = std::move(Lock::begin(*ours, Sharing::shared)).value();
  const auto with_ours = memory.files;
  const auto locks = memory.list(backend::FileKind::lock).value();
  ASSERT_EQ(locks.size(), 1U);
  ASSERT_TRUE(memory.remove({backend::FileKind::lock, locks.front().id})); // not visible yet
  ASSERT_TRUE(Lock::begin(*theirs, Sharing::exclusive));
  memory.files.insert(with_ours.begin(), with_ours.end());
  const BackupOptions how{.paths = {root + "/tree"}, .threads = 1};
  const auto done = backup(*ours, *lock, folders, how, {});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, base::ErrorKind::locked);
  EXPECT_TRUE(memory.list(backend::FileKind::pack).value().empty());
  EXPECT_TRUE(memory.list(backend::FileKind::snapshot).value().empty());
}

TEST_F(early_lock, is_as_good_as_any_once_it_settled) {
  const auto ours = std::move(Repository::create(memory, ports, "p")).value();
  const auto lock = std::move(Lock::begin(*ours, Sharing::shared)).value();
  EXPECT_TRUE(lock->settle());
  EXPECT_TRUE(lock->settle());
  EXPECT_EQ(Lock::acquire(*ours, Sharing::exclusive).error().kind, base::ErrorKind::locked);
  EXPECT_TRUE(lock->release());
  EXPECT_TRUE(Lock::acquire(*ours, Sharing::exclusive));
}

} // namespace
} // namespace repo
