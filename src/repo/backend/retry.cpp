#include "repo/backend/retry.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace repo::backend {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using world::Milliseconds;

namespace {

bool may_work_later(const Error& error) {
  return error.kind == ErrorKind::unavailable || error.kind == ErrorKind::unknown_outcome;
}

} // namespace

bool Retry::waits(const Error& why, std::size_t attempt, Milliseconds begin) {
  const Milliseconds whole =
      std::min(patience_.pause_max, patience_.pause * (1U << std::min<std::size_t>(attempt, 16)));
  std::array<unsigned char, 1> lot{};
  random_.fill(lot);
  const Milliseconds pause = whole - whole * lot[0] / 512;
  const Milliseconds limit = has_answered_ ? patience_.in_all : patience_.at_first;
  if (clock_.stop_requested() || clock_.monotonic() - begin + pause > limit)
    return false;
  if (notice_)
    notice_(why.message + "; trying again in " + base::format_duration(pause));
  clock_.sleep_for(pause);
  return !clock_.stop_requested();
}

template <class Call>
auto Retry::again_and_again(Call call) -> decltype(call(std::size_t{})) {
  const Milliseconds begin = clock_.monotonic();
  for (std::size_t attempt = 0;; ++attempt) {
    auto done = call(attempt);
    if (done || !may_work_later(done.error())) {
      has_answered_ = true;
      return done;
    }
    if (waits(done.error(), attempt, begin))
      continue;
    if (attempt == 0)
      return done;
    return std::move(done).error().context("after " + std::to_string(attempt + 1) + " attempts");
  }
}

Result<> Retry::create() {
  return again_and_again([&](std::size_t) { return inner_->create(); });
}

Result<std::string> Retry::load(const FileName& name, std::uint64_t offset, std::uint64_t bytes) {
  return again_and_again([&](std::size_t) { return inner_->load(name, offset, bytes); });
}

Result<std::optional<std::uint64_t>> Retry::size(const FileName& name) {
  return again_and_again([&](std::size_t) { return inner_->size(name); });
}

Result<> Retry::save(const FileName& name, std::string_view bytes) {
  return again_and_again([&](std::size_t attempt) -> Result<> {
    auto saved = inner_->save(name, bytes);
    if (saved || attempt == 0 || saved.error().kind != ErrorKind::conflict)
      return saved;
    // The attempt before this one may have done it: the answer was lost, not the file.
    return TRY(load(name, 0, to_the_end)) == bytes ? ok() : std::move(saved);
  });
}

Result<> Retry::remove(const FileName& name) {
  return again_and_again([&](std::size_t) { return inner_->remove(name); });
}

Result<std::vector<Listed>> Retry::list(FileKind kind) {
  return again_and_again([&](std::size_t) { return inner_->list(kind); });
}

} // namespace repo::backend
