#pragma once
// Notify: tells people of an operation, as `notify` of belay.yaml says.

#include "app/app.hpp"

namespace app {

struct Notice {
  std::string event; // one of the words of `notify[].on`
  std::string stack;
  std::string operation;
  std::string to; // of an upgrade
  std::string why;
};

// Tell everybody who wants to hear of it. Bounded: `attempts` tries each, a second and then three
// between them. Never fails: who cannot be reached is a warning among the events. A notice may
// arrive twice when only its answer was lost, and not at all when the machine dies before.
void notify(const Host& host, const domain::Stack& stack, const Notice& notice, int attempts);

// How an operation ended, as a notice. nullopt: nobody is told of it (interrupted).
std::optional<Notice> notice_of(const engine::Ended& ended, const state::Plan& plan);

} // namespace app
