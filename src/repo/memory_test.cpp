#include "repo/memory.hpp"

#include <string>

#include <gtest/gtest.h>

namespace repo {
namespace {

constexpr std::uint64_t mebibyte = 1U << 20U;

std::uint64_t least_of(const MemoryNeed& need) {
  const auto refused = plan_memory(mebibyte, need, 0, 2);
  CHECK(!refused);
  const std::string& hint = refused.error().hint;
  return std::stoull(hint.substr(hint.find_first_of("0123456789"))) * mebibyte;
}

TEST(memory, what_is_usual_holds_two_threads_with_packs_of_the_usual_size) {
  for (const MemoryNeed* need :
       {&need_of_backup, &need_of_copy, &need_of_restore, &need_of_verify}) {
    const auto plan = plan_memory(memory_bytes_default, *need, 0, 2);
    ASSERT_TRUE(plan) << need->what;
    EXPECT_EQ(plan.value().threads, 2U) << need->what;
    EXPECT_EQ(plan.value().pack_bytes, pack_bytes_default) << need->what;
  }
  EXPECT_EQ(plan_memory(memory_bytes_default, need_of_prune, 1, 2).value().pack_bytes,
            pack_bytes_default);
}

TEST(memory, the_least_that_is_told_works_with_one_thread_and_less_does_not) {
  for (const MemoryNeed& need : {need_of_backup, need_of_copy, need_of_prune, need_of_restore,
                                 need_of_verify, need_of_check(128 * mebibyte)}) {
    const std::uint64_t least = least_of(need);
    const auto plan = plan_memory(least, need, 0, 8);
    ASSERT_TRUE(plan) << need.what;
    EXPECT_EQ(plan.value().threads, need.thread == 0 ? 8U : 1U) << need.what;
    const auto refused = plan_memory(least - mebibyte, need, 1, 8);
    ASSERT_FALSE(refused) << need.what;
    EXPECT_EQ(refused.error().kind, base::ErrorKind::invalid_input);
  }
}

// More is never worse: threads and packs grow, up to what was wanted and no further.
TEST(memory, threads_grow_with_it) {
  MemoryPlan before{0, 0, 0};
  for (std::uint64_t bytes = least_of(need_of_backup); bytes < 2048 * mebibyte; bytes += mebibyte) {
    const auto plan = plan_memory(bytes, need_of_backup, 0, 16);
    ASSERT_TRUE(plan);
    EXPECT_GE(plan.value().threads, before.threads) << bytes;
    EXPECT_GE(plan.value().pack_bytes, before.pack_bytes) << bytes;
    EXPECT_LE(plan.value().threads, 8U);
    EXPECT_LT(plan.value().left, bytes);
    before = plan.value();
  }
  EXPECT_EQ(before.threads, 8U);
  EXPECT_EQ(before.pack_bytes, pack_bytes_default);
}

} // namespace
} // namespace repo
