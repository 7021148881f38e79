// Any page of metrics and any answer of a Prometheus server: samples, or an error; never a crash.
// The input is a line for the name, a line for a label's value, and the page.

#include "drivers/probe/numbers.hpp"

#include <algorithm>
#include <cstdint>

namespace {

std::string_view take_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  const auto line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text{reinterpret_cast<const char*>(data), size};
  const std::string name{take_line(text)};
  const std::string label{take_line(text)};
  (void)drivers::probe::values_of_answer(text);
  (void)drivers::probe::time_of(text);
  const auto samples = drivers::probe::select(text, {name, {{"status", label}}});
  if (!samples) {
    CHECK(samples.error().kind == base::ErrorKind::invalid_input ||
          samples.error().kind == base::ErrorKind::not_found);
    return 0;
  }
  CHECK(samples.value().size() <= 10'000);
  // What was read is written again as a line that is read as the same.
  for (const auto& sample : samples.value()) {
    const auto again =
        drivers::probe::find_metric(drivers::probe::series_text(name, sample.labels) + " 1", name);
    CHECK(again && again.value().samples.size() == 1);
    CHECK(again.value().samples[0].labels == sample.labels);
  }
  return 0;
}
