#include "serve/vitals.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace serve {

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""min;
using world::Milliseconds;

namespace {

constexpr Milliseconds look_again = 60s;
constexpr Milliseconds beginning_moves_every = 10s;
// A way back may take hours, and is no reason to end the start; a loop that hangs is.
constexpr const char* more_time = "EXTEND_TIMEOUT_USEC=120000000";
constexpr Milliseconds status_every = 5s; // what is told looks at every stack
constexpr std::size_t named_max = 3;

} // namespace

std::string status_of(const Board& board, world::TimePoint now) {
  std::string text =
      board.stacks.size() == 1 ? "1 stack" : std::to_string(board.stacks.size()) + " stacks";
  std::size_t running = 0;
  std::size_t unwell = 0;
  for (const StackView& view : board.stacks) {
    for (const RoutineView& routine : view.routines)
      if (routine.record.is_running() && ++running <= named_max)
        text += "; " + view.stack + ": " + routine.record.name + " runs";
    if (worst_of(checks_of(view, now)) == Health::error)
      ++unwell;
  }
  if (board.archives) {
    text += board.archives->is_enabled ? "; KM_BACKUP" : "";
    if (board.archives->record.is_running() && ++running <= named_max)
      text += ": an archive is made";
    if (worst_of({check_of(*board.archives, now)}) == Health::error)
      ++unwell;
  }
  if (running > named_max)
    text += "; and " + std::to_string(running - named_max) + " more";
  if (unwell > 0)
    text +=
        "; " + std::to_string(unwell) + (unwell == 1 ? " is" : " are") + " not well: see /healthz";
  return base::printable(text);
}

Milliseconds Vitals::pause_max() const {
  if (supervisor_ == nullptr || !supervisor_->is_there())
    return look_again;
  const Milliseconds wanted = is_ready_ ? look_again : beginning_moves_every;
  const auto patience = supervisor_->patience();
  return patience ? std::clamp(*patience / 4, Milliseconds{50}, wanted) : wanted;
}

void Vitals::send(const std::string& lines) {
  const auto told = supervisor_->tell(lines);
  if (!told && !has_failed_)
    tell_({Level::warning, "", told.error().message});
  has_failed_ = !told;
}

void Vitals::moves() {
  if (supervisor_ == nullptr || !supervisor_->is_there())
    return;
  const Milliseconds now = clock_.monotonic();
  if (moved_at_ && now - *moved_at_ < pause_max() / 2)
    return;
  moved_at_ = now;
  if (!is_ready_)
    send(std::string{"WATCHDOG=1\n"} + more_time);
  else if (supervisor_->patience())
    send("WATCHDOG=1");
}

void Vitals::looked(const Board& board) {
  if (supervisor_ == nullptr || !supervisor_->is_there())
    return;
  moves();
  const bool becomes_ready = board.is_ready && !is_ready_;
  const Milliseconds now = clock_.monotonic();
  if (!becomes_ready && looked_at_ && now - *looked_at_ < status_every)
    return;
  looked_at_ = now;
  const std::string status = status_of(board, clock_.now());
  if (!becomes_ready && status == status_)
    return;
  is_ready_ = board.is_ready;
  status_ = status;
  send((becomes_ready ? "READY=1\nSTATUS=" : "STATUS=") + status);
}

void Vitals::stops() {
  if (supervisor_ != nullptr && supervisor_->is_there())
    send("STOPPING=1\nSTATUS=stops");
}

} // namespace serve
