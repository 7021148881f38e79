#pragma once
// Parallel: a loop over many small works on a bounded number of threads.

#include "base/result.hpp"

#include <cstddef>
#include <functional>

namespace os {

// Calls `work(index)` for 0..count-1 from two to eight threads, in about this order; returns when
// all have ended. After an error nobody begins another one, and the first error is returned.
base::Result<> in_parallel(std::size_t count,
                           const std::function<base::Result<>(std::size_t)>& work);

} // namespace os
