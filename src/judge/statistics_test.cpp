#include "judge/statistics.hpp"

#include <gtest/gtest.h>

namespace judge {
namespace {

TEST(statistics, median_is_the_middle_or_the_mean_of_the_two) {
  EXPECT_EQ(median({3, 1, 2}), 2);
  EXPECT_EQ(median({4, 1, 3, 2}), 2.5);
  EXPECT_EQ(median({7}), 7);
}

// The lady who tastes tea: 8 cups, 4 of each kind. C(8,4) = 70.
TEST(statistics, fisher_gives_the_values_of_the_book) {
  EXPECT_NEAR(fisher_greater({0, 4}, {4, 4}), 1.0 / 70, 1e-12);
  EXPECT_NEAR(fisher_greater({1, 4}, {3, 4}), 17.0 / 70, 1e-12);
  EXPECT_NEAR(fisher_greater({4, 4}, {0, 4}), 1.0, 1e-12);
  // 2 of 5 failures fall on the 3 after: C(3,2)*C(7,3) + C(3,3)*C(7,2), of C(10,5) = 252.
  EXPECT_NEAR(fisher_greater({3, 7}, {2, 3}), (3.0 * 35 + 21) / 252, 1e-12);
}

TEST(statistics, fisher_says_nothing_without_readings) {
  EXPECT_EQ(fisher_greater({0, 0}, {5, 5}), 1);
  EXPECT_EQ(fisher_greater({0, 5}, {0, 0}), 1);
}

// None of 600 before, k of 300 after: the product of (300-i)/(900-i). k=6: 0.00133, k=7: 0.00044.
TEST(statistics, the_smallest_count_is_where_fisher_begins_to_agree) {
  EXPECT_NEAR(fisher_greater({0, 600}, {6, 300}), 0.001327, 5e-6);
  EXPECT_EQ(failures_that_count({0, 600}, 300, 0.001), 7);
  EXPECT_EQ(failures_that_count({0, 3}, 3, 0.001), 4); // not even all: p = 1/20
}

TEST(statistics, quantile_is_a_value_that_was_there) {
  const std::vector<double> ten{1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  EXPECT_EQ(quantile(ten, 0.5), 5);
  EXPECT_EQ(quantile(ten, 0.99), 10);
  EXPECT_EQ(quantile(ten, 0), 1);
}

} // namespace
} // namespace judge
