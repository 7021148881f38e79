#include "os/http_connections.hpp"

#include <algorithm>

#include <sys/socket.h>

namespace os {

namespace {
constexpr unsigned kept_free = 32;
}

void HttpConnections::begin() {
  thread_ = std::thread{[this] { run(); }};
}

void HttpConnections::end() {
  {
    const std::lock_guard held{mutex_};
    has_ended_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable())
    thread_.join();
}

HeldConnection* HttpConnections::open(int socket) {
  auto one = std::make_unique<HeldConnection>();
  one->socket = socket;
  {
    const std::lock_guard held{mutex_};
    ++count_;
    if (count_ + std::min(kept_free, count_max_ / 2) > count_max_ && !hurried_.empty())
      cut(hurried_.front());
  }
  hurry(one.get());
  return one.release();
}

void HttpConnections::close(HeldConnection* one) {
  const std::unique_ptr<HeldConnection> gone{one};
  const std::lock_guard held{mutex_};
  --count_;
  take_out(one);
}

void HttpConnections::hurry(HeldConnection* one) {
  const std::lock_guard held{mutex_};
  take_out(one);
  one->until = std::chrono::steady_clock::now() + patience_;
  one->at = hurried_.insert(hurried_.end(), one);
  one->is_hurried = true;
  if (hurried_.size() == 1)
    changed_.notify_all();
}

void HttpConnections::spare(HeldConnection* one) {
  const std::lock_guard held{mutex_};
  take_out(one);
}

void HttpConnections::take_out(HeldConnection* one) {
  if (one->is_hurried)
    hurried_.erase(one->at);
  one->is_hurried = false;
}

// The library sees that it has ended, and closes it.
void HttpConnections::cut(HeldConnection* one) {
  take_out(one);
  ::shutdown(one->socket, SHUT_RDWR);
}

void HttpConnections::run() {
  std::unique_lock held{mutex_};
  while (!has_ended_) {
    if (hurried_.empty()) {
      changed_.wait(held);
      continue;
    }
    // A second later: who says nothing at all is closed by the library, which is in order.
    const auto until = hurried_.front()->until + std::chrono::seconds{1};
    if (std::chrono::steady_clock::now() >= until)
      cut(hurried_.front());
    else
      changed_.wait_until(held, until);
  }
}

} // namespace os
