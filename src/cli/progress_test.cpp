// What is told of how far a command is.
#include "cli/progress.hpp"

#include <gtest/gtest.h>

namespace cli {
namespace {

using world::Milliseconds;

constexpr std::uint64_t mib = 1U << 20U;

TEST(pace, of_a_place_of_this_machine_is_that_of_what_is_done) {
  Pace pace;
  pace.add({.at = Milliseconds{0}});
  EXPECT_EQ(text_of({.text = "0 files"}, pace), "0 files");
  pace.add({.at = Milliseconds{1'000}, .done = 10 * mib});
  EXPECT_EQ(pace.speed(), 0U) << "too soon";
  pace.add({.at = Milliseconds{2'000}, .done = 20 * mib});
  EXPECT_EQ(
      text_of({.text = "5 files", .done = 20 * mib, .total = 100 * mib, .is_guess = true}, pace),
      "5 files, 20.0 MiB of about 100.0 MiB, 10.0 MiB/s, 8.0 s left");
  EXPECT_EQ(text_of({.text = "5 files", .done = 20 * mib}, pace), "5 files, 20.0 MiB, 10.0 MiB/s");
}

TEST(pace, tells_no_total_that_was_a_wrong_guess) {
  Pace pace;
  pace.add({.at = Milliseconds{0}});
  pace.add({.at = Milliseconds{2'000}, .done = 20 * mib});
  EXPECT_EQ(
      text_of({.text = "5 files", .done = 20 * mib, .total = 10 * mib, .is_guess = true}, pace),
      "5 files, 20.0 MiB, 10.0 MiB/s");
  EXPECT_FALSE(pace.left(10'000 * mib)) << "too little of it is done";
}

TEST(pace, over_a_line_is_that_of_what_went_over_it) {
  Pace pace;
  pace.add({.at = Milliseconds{0}, .received = mib});
  pace.add({.at = Milliseconds{10'000}, .done = 100 * mib, .sent = 5 * mib, .received = 2 * mib});
  EXPECT_EQ(text_of({.text = "7 files", .done = 100 * mib, .total = 150 * mib}, pace),
            "7 files, 100.0 MiB of 150.0 MiB, sent 5.0 MiB, 512.0 KiB/s, 5.0 s left");
  // Then it is read back.
  pace.add({.at = Milliseconds{60'000}, .done = 150 * mib, .sent = 5 * mib, .received = 7 * mib});
  EXPECT_EQ(text_of({.text = "9 files", .done = 150 * mib, .total = 150 * mib}, pace),
            "9 files, 150.0 MiB of 150.0 MiB, received 7.0 MiB, 102.4 KiB/s");
}

TEST(pace, forgets_what_is_long_ago) {
  Pace pace;
  for (int second = 0; second <= 100; ++second) // a burst, then a mebibyte a second
    pace.add({.at = Milliseconds{1000 * second},
              .done = (second == 0 ? 0 : 1000 + static_cast<std::uint64_t>(second)) * mib});
  EXPECT_EQ(pace.speed(), mib);
  EXPECT_EQ(pace.left(1110 * mib), Milliseconds{10'000});
  EXPECT_FALSE(pace.left(1100 * mib)) << "nothing is left";
  for (int second = 101; second <= 140; ++second) // nothing moves
    pace.add({.at = Milliseconds{1000 * second}, .done = 1100 * mib});
  EXPECT_EQ(pace.speed(), 0U);
  EXPECT_FALSE(pace.left(1110 * mib));
  pace.add({.at = Milliseconds{141'000}}); // the next thing
  EXPECT_EQ(pace.speed(), 0U);
}

} // namespace
} // namespace cli
