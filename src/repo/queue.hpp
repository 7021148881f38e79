#pragma once
// Queue: how the threads of a backup or restore hand work on, with a bound on what waits.

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace repo {

template <class T>
class Queue {
public:
  // With `is_taken_counted` what was taken last counts as waiting until more is asked for: for one
  // that takes.
  explicit Queue(std::size_t bound, bool is_taken_counted = false)
      : bound_{bound}, is_taken_counted_{is_taken_counted} {}

  // Waits while the queue is full. False when it was closed: the work is dropped.
  bool push(T item) {
    std::unique_lock guard{mutex_};
    has_room_.wait(guard, [&] { return is_closed_ || items_.size() + taken_ < bound_; });
    return put(std::move(item));
  }
  // The same; does something else every now and then while it waits.
  template <class Meanwhile>
  bool push_while(T item, Meanwhile meanwhile) {
    std::unique_lock guard{mutex_};
    const auto has_room = [&] { return is_closed_ || items_.size() + taken_ < bound_; };
    while (!has_room_.wait_for(guard, std::chrono::milliseconds{500}, has_room)) {
      guard.unlock();
      meanwhile();
      guard.lock();
    }
    return put(std::move(item));
  }
  // Never waits, and goes before what was pushed. False when there was no room: `item` is kept.
  bool try_push_first(T& item) {
    const std::unique_lock guard{mutex_};
    if (is_closed_ || first_.size() >= bound_first_)
      return false;
    first_.push_back(std::move(item));
    has_item_.notify_one();
    return true;
  }
  void set_bound_first(std::size_t bound) { bound_first_ = bound; }
  // Waits for an item. Nothing: it was closed, and nothing is left.
  std::optional<T> pop() {
    std::unique_lock guard{mutex_};
    forget_taken();
    has_item_.wait(guard, [&] { return is_closed_ || has_any(); });
    return take();
  }
  // The same, but waits no longer than this; `is_over` tells why there is nothing.
  std::optional<T> pop_within(std::chrono::milliseconds time, bool& is_over) {
    std::unique_lock guard{mutex_};
    forget_taken();
    has_item_.wait_for(guard, time, [&] { return is_closed_ || has_any(); });
    is_over = is_closed_ && !has_any();
    return take();
  }
  // What is in it can still be taken.
  void close() {
    const std::unique_lock guard{mutex_};
    is_closed_ = true;
    has_item_.notify_all();
    has_room_.notify_all();
  }
  void drop() { // and close
    const std::unique_lock guard{mutex_};
    is_closed_ = true;
    items_.clear();
    first_.clear();
    has_item_.notify_all();
    has_room_.notify_all();
  }

private:
  bool has_any() const { return !items_.empty() || !first_.empty(); }
  bool put(T item) {
    if (is_closed_)
      return false;
    items_.push_back(std::move(item));
    has_item_.notify_one();
    return true;
  }
  std::optional<T> take() {
    std::deque<T>& from = first_.empty() ? items_ : first_;
    if (from.empty())
      return std::nullopt;
    std::optional<T> item{std::move(from.front())};
    from.pop_front();
    if (is_taken_counted_)
      taken_ = 1;
    else
      has_room_.notify_one();
    return item;
  }
  void forget_taken() {
    if (std::exchange(taken_, 0) != 0)
      has_room_.notify_one();
  }

  std::size_t bound_;
  bool is_taken_counted_;
  std::size_t taken_ = 0;
  std::size_t bound_first_ = 0;
  std::mutex mutex_;
  std::condition_variable has_item_;
  std::condition_variable has_room_;
  std::deque<T> items_;
  std::deque<T> first_;
  bool is_closed_ = false;
};

// Threads that one waits for who has something else to do every now and then: a lock to keep.
class Crew {
public:
  explicit Crew(std::size_t threads) : at_work_{threads} {}
  void leave() { // each thread, last of all
    const std::unique_lock guard{mutex_};
    if (--at_work_ == 0)
      all_left_.notify_all();
  }
  template <class Meanwhile>
  void wait(Meanwhile meanwhile) {
    std::unique_lock guard{mutex_};
    while (
        !all_left_.wait_for(guard, std::chrono::milliseconds{500}, [&] { return at_work_ == 0; })) {
      guard.unlock();
      meanwhile();
      guard.lock();
    }
  }

private:
  std::size_t at_work_;
  std::mutex mutex_;
  std::condition_variable all_left_;
};

} // namespace repo
