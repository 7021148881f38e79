// Any body and any path: a value, or an error; never a crash. The input is the path, a newline,
// the body.

#include "drivers/probe/json_path.hpp"

#include <algorithm>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto line = std::min(text.find('\n'), text.size());
  const std::string_view body = text.substr(std::min(line + 1, text.size()));
  const auto found = drivers::probe::find_json(body, text.substr(0, line));
  if (!found) {
    CHECK(found.error().kind == base::ErrorKind::invalid_input ||
          found.error().kind == base::ErrorKind::not_found);
    return 0;
  }
  CHECK(!found.value().text.empty());
  // What was found is JSON again, and equal to itself (a number past every range is none).
  const auto itself = drivers::probe::find_json(found.value().text, "");
  if (itself)
    CHECK(drivers::probe::is_same_json(found.value().text, itself.value().text));
  return 0;
}
