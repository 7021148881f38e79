#include "repo/backend/limits.hpp"

#include <algorithm>

namespace repo::backend {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using world::Milliseconds;

class Limits::Turn {
public:
  explicit Turn(Limits& of) : of_{of} {
    std::unique_lock guard{of_.mutex_};
    of_.has_room_.wait(
        guard, [&] { return of_.limit_.connections == 0 || of_.busy_ < of_.limit_.connections; });
    ++of_.busy_;
  }
  ~Turn() {
    const std::scoped_lock guard{of_.mutex_};
    --of_.busy_;
    of_.has_room_.notify_one();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

private:
  Limits& of_;
};

Result<> Limits::wait_for(const Line& line) {
  for (;;) {
    Milliseconds left{0};
    {
      const std::scoped_lock guard{mutex_};
      left = line.free_at - clock_.monotonic();
    }
    if (left <= Milliseconds{0})
      return ok();
    if (clock_.stop_requested())
      return Error{ErrorKind::interrupted, "asked to stop while waiting for the line to be free",
                   ""};
    clock_.sleep_for(std::min(left, Milliseconds{1000}));
  }
}

void Limits::charge(Line& line, std::uint64_t bytes, std::uint64_t bytes_per_second) {
  if (bytes_per_second == 0)
    return;
  const std::scoped_lock guard{mutex_};
  line.free_at =
      std::max(line.free_at, clock_.monotonic()) + Milliseconds{bytes * 1000 / bytes_per_second};
}

Result<> Limits::create() {
  const Turn turn{*this};
  return inner_->create();
}

Result<std::string> Limits::load(const FileName& name, std::uint64_t offset, std::uint64_t bytes) {
  const Turn turn{*this};
  TRY(wait_for(down_));
  auto loaded = inner_->load(name, offset, bytes);
  if (loaded)
    charge(down_, loaded.value().size(), limit_.download_bytes_per_second);
  return loaded;
}

Result<std::optional<std::uint64_t>> Limits::size(const FileName& name) {
  const Turn turn{*this};
  return inner_->size(name);
}

Result<> Limits::save(const FileName& name, std::string_view bytes) {
  const Turn turn{*this};
  TRY(wait_for(up_));
  charge(up_, bytes.size(), limit_.upload_bytes_per_second);
  return inner_->save(name, bytes);
}

Result<> Limits::remove(const FileName& name) {
  const Turn turn{*this};
  return inner_->remove(name);
}

Result<std::vector<Listed>> Limits::list(FileKind kind) {
  const Turn turn{*this};
  return inner_->list(kind);
}

} // namespace repo::backend
