#include "cli/progress.hpp"

#include "base/text.hpp"
#include "cli/say.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace cli {

using base::format_bytes;
using world::Milliseconds;

namespace {

constexpr std::chrono::milliseconds shown_every{500};
constexpr Milliseconds shown_in_json_every{5'000};
constexpr Milliseconds window{30'000};
constexpr Milliseconds least{1'500};     // a speed of less time means nothing
constexpr std::uint64_t share_min = 200; // nor what less than this part of all tells of the rest

} // namespace

void Pace::add(const Moment& moment) {
  if (!moments_.empty() && moment.done < moments_.back().done)
    moments_.clear(); // something else is done now
  moments_.push_back(moment);
  while (moments_.size() > 2 && moment.at - moments_[1].at >= window)
    moments_.pop_front();
}

std::uint64_t Pace::rate(std::uint64_t Moment::*of) const {
  const Moment& first = moments_.front();
  const Moment& last = moments_.back();
  const Milliseconds time = last.at - first.at;
  if (time < least || last.*of <= first.*of)
    return 0;
  return (last.*of - first.*of) * 1000 / static_cast<std::uint64_t>(time.count());
}

bool Pace::is_sending() const {
  const Moment& first = moments_.front();
  const Moment& last = moments_.back();
  return last.sent - first.sent >= last.received - first.received;
}

std::uint64_t Pace::speed() const {
  const bool has_line = now().sent + now().received > 0;
  return rate(!has_line ? &Moment::done : is_sending() ? &Moment::sent : &Moment::received);
}

std::optional<Milliseconds> Pace::left(std::uint64_t total) const {
  const std::uint64_t each_second = rate(&Moment::done);
  const std::uint64_t lately = now().done - moments_.front().done;
  if (each_second == 0 || now().done >= total || lately < total / share_min)
    return std::nullopt;
  return Milliseconds{(total - now().done) * 1000 / each_second};
}

std::string text_of(const app::Doing& doing, const Pace& pace) {
  const Pace::Moment& now = pace.now();
  std::string text = doing.text;
  const auto add = [&](const std::string& more) { text += (text.empty() ? "" : ", ") + more; };
  const bool is_wrong = doing.is_guess && doing.done > doing.total;
  if (doing.total > 0 && !is_wrong)
    add(format_bytes(doing.done) + (doing.is_guess ? " of about " : " of ") +
        format_bytes(doing.total));
  else if (doing.done > 0)
    add(format_bytes(doing.done));
  if (now.sent + now.received > 0)
    add(pace.is_sending() ? "sent " + format_bytes(now.sent)
                          : "received " + format_bytes(now.received));
  if (const std::uint64_t speed = pace.speed(); speed > 0)
    add(format_bytes(speed) + "/s");
  if (const auto left = pace.left(doing.total))
    add(base::format_duration(std::chrono::ceil<std::chrono::seconds>(*left)) + " left");
  return text;
}

Progress::~Progress() {
  if (thread_.joinable()) {
    thread_.request_stop();
    thread_.join();
  }
  static_cast<void>(pause());
}

void Progress::at(app::Doing doing) {
  if (!is_shown_)
    return;
  const std::scoped_lock guard{mutex_};
  doing_ = std::move(doing);
  if (!thread_.joinable())
    thread_ = std::jthread{[this](const std::stop_token& stop) { run(stop); }};
}

std::unique_lock<std::mutex> Progress::pause() {
  std::unique_lock guard{mutex_};
  doing_.reset();
  if (has_line_) {
    std::fputs("\r\033[K", terminal_.err);
    std::fflush(terminal_.err);
  }
  has_line_ = false;
  return guard;
}

void Progress::run(const std::stop_token& stop) {
  std::unique_lock guard{mutex_};
  shown_json_ = clock_.monotonic();
  while (!stop.stop_requested()) {
    if (doing_) {
      pace_.add({.at = clock_.monotonic(),
                 .done = doing_->done,
                 .sent = traffic_.sent_bytes,
                 .received = traffic_.received_bytes});
      is_json_ ? show_json() : show();
    }
    wakes_.wait_for(guard, stop, shown_every, [] { return false; });
  }
}

void Progress::show() {
  std::fprintf(terminal_.err, "\r\033[K%s", base::printable(text_of(*doing_, pace_)).c_str());
  std::fflush(terminal_.err);
  has_line_ = true;
}

void Progress::show_json() {
  const Pace::Moment& now = pace_.now();
  if (now.at - shown_json_ < shown_in_json_every)
    return;
  shown_json_ = now.at;
  nlohmann::json line{{"event", "progress"},      {"text", doing_->text},
                      {"done", doing_->done},     {"sent", now.sent},
                      {"received", now.received}, {"bytes_per_second", pace_.speed()}};
  if (doing_->total > 0)
    line["total"] = doing_->total;
  if (const auto left = pace_.left(doing_->total))
    line["seconds_left"] = left->count() / 1000;
  const std::string text = line_of(line);
  std::fwrite(text.data(), 1, text.size(), terminal_.out);
  std::fflush(terminal_.out);
}

} // namespace cli
