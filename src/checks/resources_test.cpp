#include "base/text.hpp"
#include "checks/for_test.hpp"

namespace checks {
namespace {

TEST_F(ChecksTest, memory_must_hold_a_quarter_of_what_is_used) {
  request.services = {{"web", std::nullopt, 2ULL << 30U}};
  EXPECT_TRUE(said("memory").starts_with("ok: ")) << said("memory");
  resources.memory_info.available_bytes = 100U << 20U;
  EXPECT_TRUE(said("memory").starts_with("blocker: 100.0 MiB of 8.0 GiB are available"))
      << said("memory");
  stack.preflight.levels["memory"] = domain::CheckLevel::warn;
  EXPECT_TRUE(said("memory").starts_with("warning: ")) << said("memory");
  stack.preflight.levels["memory"] = domain::CheckLevel::off;
  EXPECT_EQ(said("memory"), "");
}

TEST_F(ChecksTest, memory_has_a_least_amount) {
  resources.memory_info.available_bytes = 63U << 20U;
  EXPECT_TRUE(said("memory").starts_with("blocker: ")) << said("memory");
  stack.preflight.memory_free_bytes = 10U << 20U;
  EXPECT_TRUE(said("memory").starts_with("ok: ")) << said("memory");
}

TEST_F(ChecksTest, the_limit_of_open_files_is_the_one_that_is_inherited) {
  request.services = {{"web", world::ProcessId{.pid = 7}, std::nullopt}};
  resources.service_files = {900, 65536};
  resources.own_files = {10, 1024};
  EXPECT_TRUE(said("open-files")
                  .contains("blocker: service 'web' has 900 files open, its limit is "
                            "65536; started by this belay it would be 1024"))
      << said("open-files");
  resources.service_files = {20, 65536};
  EXPECT_TRUE(said("open-files").contains("warning: ")) << said("open-files");
  resources.service_files = {20, 1024};
  EXPECT_FALSE(said("open-files").contains("warning: ")) << said("open-files");
  resources.all_files = {95'000, 100'000};
  EXPECT_TRUE(said("open-files").contains("blocker: the machine has 95000")) << said("open-files");
}

TEST_F(ChecksTest, a_clock_behind_the_newest_record_blocks) {
  world.host.now_ms = 1'795'000'000'000; // 2026
  const auto now = ports().clock.now();
  request.newest_record = base::format_time(now);
  EXPECT_FALSE(said("clock").contains("blocker")) << said("clock");
  request.newest_record = base::format_time(now + std::chrono::hours{25});
  EXPECT_TRUE(said("clock").contains("blocker: it is 2026")) << said("clock");
  world.host.now_ms = 1000;
  EXPECT_TRUE(said("clock").starts_with("blocker: the clock says the year 1970")) << said("clock");
}

TEST_F(ChecksTest, a_clock_that_nobody_keeps_right_is_told) {
  world.host.now_ms = 1'795'000'000'000;
  resources.synchronised = false;
  EXPECT_TRUE(said("clock").contains("warning: nothing keeps the clock right")) << said("clock");
  resources.synchronised = base::Error{base::ErrorKind::unavailable, "not told", ""};
  EXPECT_TRUE(said("clock").contains("warning: not told")) << said("clock");
}

} // namespace
} // namespace checks
