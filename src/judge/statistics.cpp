#include "judge/statistics.hpp"

#include "base/result.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace judge {

namespace {

// log of "n over k". `lgamma` writes a global sign, which nobody here reads.
double log_choose(std::int64_t n, std::int64_t k) {
  const auto log_factorial = [](std::int64_t of) {
    return std::lgamma(static_cast<double>(of) + 1.0);
  };
  return log_factorial(n) - log_factorial(k) - log_factorial(n - k);
}

} // namespace

double median(std::vector<double> values) {
  CHECK(!values.empty());
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  if (values.size() % 2 == 1)
    return *middle;
  return std::midpoint(*std::max_element(values.begin(), middle), *middle);
}

double fisher_greater(const Share& before, const Share& after) {
  if (before.total == 0 || after.total == 0)
    return 1;
  const std::int64_t failed = before.failed + after.failed;
  const std::int64_t most = std::min(failed, after.total);
  const double all = log_choose(before.total + after.total, failed);
  double sum = 0;
  for (std::int64_t at = after.failed; at <= most; ++at)
    if (failed - at <= before.total)
      sum += std::exp(log_choose(after.total, at) + log_choose(before.total, failed - at) - all);
  return std::min(sum, 1.0);
}

std::int64_t failures_that_count(const Share& before, std::int64_t total, double p_max) {
  std::int64_t low = 0; // never enough: its probability is 1
  std::int64_t high = total + 1;
  while (high - low > 1) { // it falls with every further failure
    const std::int64_t middle = std::midpoint(low, high);
    (fisher_greater(before, {middle, total}) <= p_max ? high : low) = middle;
  }
  return high;
}

double quantile(const std::vector<double>& sorted, double q) {
  CHECK(!sorted.empty());
  const double rank = std::ceil(q * static_cast<double>(sorted.size()));
  const auto at = static_cast<std::size_t>(std::max(rank, 1.0)) - 1;
  return sorted[std::min(at, sorted.size() - 1)];
}

} // namespace judge
