#pragma once
// JSON path: looks one value up in a JSON text: "checks.backup.items[0].age", "a['b.c']". Pure.

#include "base/result.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace drivers::probe {

struct JsonValue {
  std::string text; // as JSON: "ok" with its quotes, 3, true, {"a":1}
  std::optional<double> number;
};

// invalid_input: the body is not JSON, or the path has no form; not_found: nothing is there.
base::Result<JsonValue> find_json(std::string_view body, std::string_view path);

// Two JSON texts mean the same value (1 and 1.0 do).
bool is_same_json(const std::string& a, const std::string& b);

} // namespace drivers::probe
