#pragma once
// Printer: the events of an operation as lines for people, or as JSON, one event a line.

#include "world/events.hpp"

#include <cstdio>
#include <string>

namespace cli {

struct PrinterOptions {
  bool is_json = false;
  bool is_terminal = false; // then progress is shown, on a line that is written over
  bool has_colour = false;
};

class Printer final : public world::Events {
public:
  // `out` must outlive it.
  Printer(std::FILE* out, PrinterOptions options) : out_{out}, options_{options} {}
  void emit(const world::Event& event) override;
  void set_options(PrinterOptions options) { options_ = options; }

private:
  void emit_json(const world::Event& event);
  void emit_line(const world::Event& event);
  void emit_progress(const world::Event& event);
  void clear_progress();
  std::string coloured(const char* colour, const std::string& text) const;
  std::FILE* out_;
  PrinterOptions options_;
  bool has_progress_ = false;
  world::TimePoint step_begun_;
  world::TimePoint progress_shown_;
};

} // namespace cli
