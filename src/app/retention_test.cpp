#include "app/stack_retention.hpp"

#include <gtest/gtest.h>

namespace app {
namespace {

StoredPoint point(int number, std::uint64_t torn = 0, std::vector<std::string> tags = {}) {
  StoredPoint made{.id = "p-" + std::to_string(number), .generation = 1, .torn = torn};
  made.snapshot.id.bytes[0] = static_cast<unsigned char>(number);
  made.snapshot.time.seconds = 1'700'000'000 + number * 86'400;
  made.snapshot.host = number % 2 == 0 ? "old-host" : "new-host"; // one group all the same
  made.snapshot.tags = std::move(tags);
  return made;
}

std::string kept_of(const std::vector<StoredPoint>& points, const domain::KeepPolicy& policy) {
  std::string all;
  for (const repo::Decision& each : decide_points(points, policy))
    if (each.is_kept)
      all += std::to_string(each.snapshot.id.bytes[0]) + " ";
  return all;
}

TEST(StackRetention, KeepsByThePolicyAndNeverTheLastOnes) {
  EXPECT_EQ(kept_of({}, {.last = 3}), "");
  EXPECT_EQ(kept_of({point(1), point(2), point(3), point(4)}, {.last = 3}), "2 3 4 ");
  EXPECT_EQ(kept_of({point(1), point(2), point(3), point(4)}, {.last = 1}), "3 4 ");
  EXPECT_EQ(kept_of({point(1, 0, {"pinned"}), point(2), point(3), point(4)}, {.last = 1}),
            "1 3 4 ");
  // The newest two have torn files: the newest whole one stays too.
  EXPECT_EQ(kept_of({point(1), point(2), point(3, 1), point(4, 2)}, {.last = 1}), "2 3 4 ");
  EXPECT_EQ(kept_of({point(4), point(1), point(3)}, {.daily = 2}), "3 4 ");
}

TEST(StackRetention, PinsRestorePointsOnly) {
  EXPECT_TRUE(is_pinned(point(1, 0, {"belay", "pinned"}).snapshot));
  EXPECT_FALSE(is_pinned(point(1, 0, {"pinned"}).snapshot)) << "somebody else's word";
  EXPECT_FALSE(is_pinned(point(1, 0, {"belay"}).snapshot));
}

} // namespace
} // namespace app
