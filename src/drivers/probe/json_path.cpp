#include "drivers/probe/json_path.hpp"

#include <charconv>
#include <vector>

#include <nlohmann/json.hpp>

namespace drivers::probe {

using base::Error;
using base::ErrorKind;
using base::Result;
using nlohmann::json;

namespace {

constexpr std::size_t depth_max = 64;

struct Part {
  std::string key;
  std::size_t index = 0;
  bool is_index = false;
};

Error no_form(std::string_view path) {
  return {ErrorKind::invalid_input, "'" + std::string{path} + "' is not a JSON path",
          "Write keys with dots and indexes in brackets: checks.items[0].age, a['b.c']."};
}

// "[3]", "['key']" or "["key"]" at the front of `rest`, which is shortened.
std::optional<Part> take_bracket(std::string_view& rest) {
  if (rest.starts_with("['") || rest.starts_with("[\"")) {
    const auto quoted = rest.find(std::string{rest[1]} + "]", 2);
    if (quoted == std::string_view::npos)
      return std::nullopt;
    Part part{std::string{rest.substr(2, quoted - 2)}};
    rest.remove_prefix(quoted + 2);
    return part;
  }
  const auto end = rest.find(']');
  if (end == std::string_view::npos || end < 2)
    return std::nullopt;
  Part part;
  part.is_index = true;
  const auto digits = rest.substr(1, end - 1);
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), part.index);
  if (parsed.ec != std::errc{} || parsed.ptr != digits.data() + digits.size())
    return std::nullopt;
  rest.remove_prefix(end + 1);
  return part;
}

Result<std::vector<Part>> parts_of(std::string_view path) {
  std::vector<Part> parts;
  std::string_view rest = path;
  if (rest == "$" || rest.starts_with("$.") || rest.starts_with("$[")) // as other tools write it
    rest.remove_prefix(1);
  bool is_first = true;
  while (!rest.empty()) {
    if (parts.size() >= depth_max)
      return no_form(path);
    if (rest.front() == '[') {
      auto part = take_bracket(rest);
      if (!part)
        return no_form(path);
      parts.push_back(std::move(*part));
      is_first = false;
      continue;
    }
    if (rest.front() == '.')
      rest.remove_prefix(1);
    else if (!is_first)
      return no_form(path); // "a[0]b"
    is_first = false;
    const auto end = std::min(rest.find_first_of(".["), rest.size());
    if (end == 0)
      return no_form(path);
    parts.push_back({std::string{rest.substr(0, end)}});
    rest.remove_prefix(end);
  }
  return parts;
}

// nlohmann's parser is recursive in its destructor only; the depth is bounded all the same.
bool is_too_deep(std::string_view body) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < body.size(); ++at) {
    const char c = body[at];
    if (in_string) {
      at += c == '\\' ? 1 : 0;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > 512)
        return true;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return false;
}

json parse(std::string_view text) {
  return is_too_deep(text) ? json(json::value_t::discarded) : json::parse(text, nullptr, false);
}

} // namespace

Result<JsonValue> find_json(std::string_view body, std::string_view path) {
  const auto parts = TRY(parts_of(path));
  const json whole = parse(body);
  if (whole.is_discarded())
    return Error{ErrorKind::invalid_input, "the answer is not JSON", ""};
  const json* at = &whole;
  for (const Part& part : parts) {
    const bool is_there = part.is_index ? at->is_array() && part.index < at->size()
                                        : at->is_object() && at->contains(part.key);
    if (!is_there)
      return Error{ErrorKind::not_found, "the answer has no '" + std::string{path} + "'", ""};
    at = part.is_index ? &(*at)[part.index] : &*at->find(part.key);
  }
  JsonValue value;
  value.text = at->dump(-1, ' ', false, json::error_handler_t::replace);
  if (at->is_number())
    value.number = at->get<double>();
  return value;
}

bool is_same_json(const std::string& a, const std::string& b) {
  const json left = parse(a);
  const json right = parse(b);
  return !left.is_discarded() && left == right;
}

} // namespace drivers::probe
