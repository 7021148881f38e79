// Two who take their locks at the same moment: one of them is told.

#include "os/machine.hpp"
#include "os/world_for_test.hpp"
#include "repo/backend/memory.hpp"
#include "repo/lock.hpp"

#include <functional>

namespace repo {
namespace {

class BusyClock final : public world::Clock { // something happens while anybody waits
public:
  world::TimePoint now() override { return world::TimePoint{std::chrono::hours{24 * 365 * 50}}; }
  world::Milliseconds monotonic() override { return {}; }
  void sleep_for(world::Milliseconds) override {
    if (const auto once = std::exchange(meanwhile, nullptr))
      once();
  }
  bool stop_requested() override { return false; }
  std::function<void()> meanwhile;
};

class taking_a_lock : public os::RealWorld {
protected:
  BusyClock clock;
  os::Machine machine;
  Ports ports{machine, clock, random_};
  backend::Memory memory;
};

// Theirs was written after we had looked, and before ours could be seen.
TEST_F(taking_a_lock, is_given_back_when_somebody_came_at_the_same_moment) {
  const auto ours = std::move(Repository::create(memory, ports, "p")).value();
  const auto theirs = std::move(Repository::open(memory, ports, "p")).value();
  std::unique_ptr<Lock> other;
  clock.meanwhile = [&] {
    auto with_ours = memory.files;
    const auto locks = memory.list(backend::FileKind::lock).value();
    ASSERT_EQ(locks.size(), 1U);
    ASSERT_TRUE(memory.remove({backend::FileKind::lock, locks.front().id}));
    other = std::move(Lock::acquire(*theirs, Sharing::exclusive)).value();
    memory.files.merge(with_ours);
  };
  const auto taken = Lock::acquire(*ours, Sharing::shared);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().kind, base::ErrorKind::locked);
  EXPECT_EQ(memory.list(backend::FileKind::lock).value().size(), 1U) << "theirs";
  EXPECT_TRUE(other->release());
  EXPECT_TRUE(Lock::acquire(*ours, Sharing::shared));
}

} // namespace
} // namespace repo
