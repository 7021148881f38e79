#include "os/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

namespace os {

using base::Error;
using base::ok;
using base::Result;

Result<> in_parallel(std::size_t count, const std::function<Result<>(std::size_t)>& work) {
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> is_over = false;
  std::mutex mutex;
  std::optional<Error> failure;
  const auto run = [&] {
    for (std::size_t index = next++; index < count && !is_over; index = next++)
      if (auto done = work(index); !done) {
        const std::scoped_lock guard{mutex};
        if (!failure)
          failure = done.error();
        is_over = true;
      }
  };
  const auto threads =
      std::min<std::size_t>(std::clamp(std::thread::hardware_concurrency(), 2U, 8U), count);
  std::vector<std::jthread> others;
  try {
    for (std::size_t thread = 1; thread < threads; ++thread)
      others.emplace_back(run);
  } catch (const std::system_error&) {
    // No more threads to be had: those that there are do it all.
  }
  run(); // this thread is one of them
  others.clear();
  if (failure)
    return *failure;
  return ok();
}

} // namespace os
