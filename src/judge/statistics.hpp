#pragma once
// Statistics: the few exact ones that the judge stands on. Pure.

#include <cstdint>
#include <vector>

namespace judge {

struct Share {
  std::int64_t failed = 0;
  std::int64_t total = 0;
  double value() const {
    return total == 0 ? 0.0 : static_cast<double>(failed) / static_cast<double>(total);
  }
};

// The mean of the two in the middle when their number is even. `values` must not be empty.
double median(std::vector<double> values);

// Fisher's exact test, one-sided: the probability that at least `after.failed` of all failures
// fall on `after` when both have the same error rate. 1 when one of them is empty.
double fisher_greater(const Share& before, const Share& after);

// The smallest number of failures among `total` that fisher_greater finds at most `p_max`;
// `total` + 1 when not even all of them would do.
std::int64_t failures_that_count(const Share& before, std::int64_t total, double p_max);

// The smallest value that at least the share `q` of the values do not exceed. `sorted` is in
// ascending order and not empty; with few values and a high `q` it is their maximum.
double quantile(const std::vector<double>& sorted, double q);

} // namespace judge
