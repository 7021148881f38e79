#pragma once
// Windows: how much counters grew over a window of time, whatever restarts did to them. Pure.

#include "world/clock.hpp"

#include <deque>
#include <map>
#include <string>

namespace drivers::probe {

using Counters = std::map<std::string, double>; // by series

struct Growth {
  double part = 0;
  double whole = 0;
  world::Milliseconds span{0}; // that they grew in; shorter than the window: it is not full yet
};

class Windows {
public:
  // Takes one look at the counters of `probe`. A counter that fell was set to 0 in between, and
  // one that was not there before has begun at 0. Some thousand looks are kept at most.
  Growth add(const std::string& probe, world::Milliseconds now, world::Milliseconds window,
             Counters part, Counters whole);
  void start_over() { windows_.clear(); }

private:
  struct Look {
    world::Milliseconds at{0};
    double part = 0; // sum of all growth since the first look
    double whole = 0;
  };
  struct Window {
    Counters part;
    Counters whole;
    std::deque<Look> looks; // the first is at or before the begin of the window, when it is full
    Look newest;
  };
  std::map<std::string, Window> windows_;
};

} // namespace drivers::probe
