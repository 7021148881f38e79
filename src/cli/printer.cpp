#include "cli/printer.hpp"

#include "base/text.hpp"
#include "engine/table.hpp"

#include <array>

#include <nlohmann/json.hpp>

namespace cli {

using world::EventKind;

namespace {

constexpr const char* green = "32";
constexpr const char* red = "31";
constexpr const char* yellow = "33";
constexpr std::size_t name_columns = 17;

const char* name_of(EventKind kind) {
  switch (kind) {
  case EventKind::operation_begun: return "operation_begun";
  case EventKind::step_begun: return "step_begun";
  case EventKind::progress: return "progress";
  case EventKind::step_done: return "step_done";
  case EventKind::step_failed: return "step_failed";
  case EventKind::notice: return "notice";
  case EventKind::warning: return "warning";
  case EventKind::operation_ended: return "operation_ended";
  }
  return "?";
}

// "[ 3/14] " for a step of the way forward; the way back has no total that could be promised.
std::string number_of(const std::string& step) {
  int number = 0;
  int total = 0;
  for (const engine::Row& row : engine::table()) {
    if (engine::is_way_back(row.state))
      continue;
    ++total;
    if (row.name == step)
      number = total;
  }
  if (number == 0)
    return "[ back] ";
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "[%2d/%2d] ", number, total);
  return text.data();
}

std::string padded(std::string text) {
  text.resize(std::max(text.size(), name_columns), ' ');
  return text;
}

} // namespace

void Printer::emit(const world::Event& event) {
  if (options_.is_json)
    emit_json(event);
  else
    emit_line(event);
  std::fflush(out_);
}

void Printer::emit_json(const world::Event& event) {
  nlohmann::json line{{"event", name_of(event.kind)}, {"at", base::format_time(event.at)}};
  if (!event.operation.empty())
    line["operation"] = event.operation;
  if (!event.step.empty())
    line["step"] = event.step;
  if (!event.text.empty())
    line["text"] = event.text;
  if (event.kind == EventKind::progress) {
    line["done"] = event.done;
    line["total"] = event.total;
  }
  std::fprintf(out_, "%s\n",
               line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

std::string Printer::coloured(const char* colour, const std::string& text) const {
  return options_.has_colour ? std::string{"\x1b["} + colour + "m" + text + "\x1b[0m" : text;
}

void Printer::emit_line(const world::Event& event) {
  if (event.kind == EventKind::progress)
    return emit_progress(event);
  clear_progress();
  const std::string took =
      " " + base::format_duration(
                std::chrono::duration_cast<std::chrono::milliseconds>(event.at - step_begun_));
  switch (event.kind) {
  case EventKind::step_begun: step_begun_ = event.at; break;
  case EventKind::step_done:
    std::fprintf(out_, "%s%s %s  %s  (%s)\n", number_of(event.step).c_str(),
                 padded(event.step).c_str(), coloured(green, "ok").c_str(), event.text.c_str(),
                 took.c_str() + 1);
    break;
  case EventKind::step_failed:
    std::fprintf(out_, "%s%s %s  %s  (%s)\n", number_of(event.step).c_str(),
                 padded(event.step).c_str(), coloured(red, "FAILED").c_str(), event.text.c_str(),
                 took.c_str() + 1);
    break;
  case EventKind::notice: std::fprintf(out_, "          %s\n", event.text.c_str()); break;
  case EventKind::warning:
    std::fprintf(out_, "%s %s\n", coloured(yellow, "warning:").c_str(), event.text.c_str());
    break;
  default: break; // where an operation begins and ends the command says more
  }
}

void Printer::emit_progress(const world::Event& event) {
  const auto since = event.at - progress_shown_;
  if (!options_.is_terminal || event.total == 0 || since < std::chrono::milliseconds{200})
    return;
  progress_shown_ = event.at;
  const auto percent = static_cast<unsigned>(100 * event.done / event.total);
  const auto elapsed =
      std::chrono::duration_cast<std::chrono::milliseconds>(event.at - step_begun_);
  std::string eta;
  if (event.done > 0 && event.done < event.total)
    eta = ", " +
          base::format_duration(std::chrono::milliseconds{static_cast<std::int64_t>(
              static_cast<double>(elapsed.count()) * static_cast<double>(event.total - event.done) /
              static_cast<double>(event.done))}) +
          " left";
  std::fprintf(out_, "\r\x1b[K%s%s %u %%%s", number_of(event.step).c_str(),
               padded(event.step).c_str(), percent, eta.c_str());
  has_progress_ = true;
}

void Printer::clear_progress() {
  if (has_progress_)
    std::fprintf(out_, "\r\x1b[K");
  has_progress_ = false;
}

} // namespace cli
