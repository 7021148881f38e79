#pragma once
// Progress: how far a command on a repository is: a line on a terminal that is written over, or
// with --json an event every few seconds. Nothing otherwise, and nothing when it ends soon.

#include "app/stack_places.hpp"
#include "cli/cli.hpp"
#include "world/clock.hpp"
#include "world/traffic.hpp"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace cli {

// What is shown, from moments that were looked at. Pure.
class Pace {
public:
  struct Moment {
    world::Milliseconds at{0};
    std::uint64_t done = 0;
    std::uint64_t sent = 0; // over the line; 0 for a place of this machine
    std::uint64_t received = 0;
  };
  void add(const Moment& moment); // in the order of time; begins anew when `done` goes back
  // Bytes a second of the last half minute: over the line, when anything goes over it, else of
  // what is done.
  std::uint64_t speed() const;
  // Until `total` is done, as fast as in the last half minute. Nothing: nobody knows.
  std::optional<world::Milliseconds> left(std::uint64_t total) const;
  bool is_sending() const; // more than it receives, lately
  const Moment& now() const { return moments_.back(); }

private:
  std::uint64_t rate(std::uint64_t Moment::*of) const;
  std::deque<Moment> moments_;
};
std::string text_of(const app::Doing& doing, const Pace& pace);

class Progress {
public:
  Progress(const Terminal& terminal, world::Clock& clock, bool is_json)
      : terminal_{terminal}, clock_{clock}, is_json_{is_json}, is_shown_{
                                                                   is_json ||
                                                                   terminal.is_output_terminal} {}
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // For the places that are opened for this command; what of it is the upload is sent to them.
  world::Traffic& traffic() { return traffic_; }
  void at(app::Doing doing); // by any thread
  // The line is gone, and comes back with the next at(). Hold it while something else is printed.
  [[nodiscard]] std::unique_lock<std::mutex> pause();

private:
  void run(const std::stop_token& stop);
  void show();
  void show_json();

  const Terminal& terminal_;
  world::Clock& clock_;
  const bool is_json_;
  const bool is_shown_;
  world::Traffic traffic_;
  std::mutex mutex_; // for what stands below
  std::condition_variable_any wakes_;
  std::optional<app::Doing> doing_;
  Pace pace_;
  bool has_line_ = false;
  world::Milliseconds shown_json_{0};
  std::jthread thread_; // last: it uses all the others
};

} // namespace cli
