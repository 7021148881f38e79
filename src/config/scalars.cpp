#include "config/scalars.hpp"

#include "base/text.hpp"
#include "base/url.hpp"
#include "config/expand.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace config {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_lower_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f');
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return number;
}

std::optional<Wrong> read_integer(const Option& option, std::string_view text, Value& value) {
  const auto number = parse_number<std::int64_t>(text);
  if (!number || *number < option.low || *number > option.high)
    return Wrong{"must be a whole number from " + std::to_string(option.low) + " to " +
                     std::to_string(option.high),
                 ""};
  value.number = static_cast<double>(*number);
  value.json = std::to_string(*number);
  return std::nullopt;
}

std::optional<Wrong> read_number(std::string_view text, Value& value) {
  const auto canonical = json_number(text);
  const auto number = canonical ? parse_number<double>(*canonical) : std::nullopt;
  if (!number)
    return Wrong{"must be a number", "Write it as 3, 0.5 or -1e6."};
  value.number = *number;
  value.json = *canonical;
  return std::nullopt;
}

std::optional<Wrong> read_duration(const Option& option, std::string_view text, Value& value) {
  const auto parsed = base::parse_duration(text);
  if (!parsed)
    return Wrong{"must be a duration", parsed.error().hint};
  value.duration = parsed.value();
  if (value.duration.count() < option.low || value.duration.count() > option.high)
    return Wrong{option.low == 0 ? "must be a duration of at most " +
                                       duration_text(world::Milliseconds{option.high})
                                 : "must be a duration over 0s and of at most " +
                                       duration_text(world::Milliseconds{option.high}),
                 ""};
  value.text = duration_text(value.duration);
  value.json = json_text(value.text);
  return std::nullopt;
}

std::optional<Wrong> read_size(std::string_view text, Value& value) {
  constexpr std::uint64_t bytes_max = 1ULL << 50U; // exact in a double
  const auto parsed = base::parse_bytes(text);
  if (!parsed || parsed.value() > bytes_max)
    return Wrong{"must be a size of at most 1024TiB", "Write it as 512MiB or 4GB."};
  value.number = static_cast<double>(parsed.value());
  return std::nullopt;
}

std::optional<Wrong> read_boolean(std::string_view text, bool is_bare, Value& value) {
  if (!is_bare || (text != "true" && text != "false"))
    return Wrong{"must be true or false", ""};
  value.truth = text == "true";
  value.json = text;
  return std::nullopt;
}

std::optional<Wrong> read_choice(const Option& option, std::string_view text, Value& value) {
  if (option.key == "signal" && text.starts_with("SIG"))
    text.remove_prefix(3);
  const auto all = base::split(option.values, ' ');
  if (std::ranges::find(all, text) == all.end()) {
    const auto near = base::nearest(text, all);
    return Wrong{"must be one of " + base::join(all, ", "),
                 near ? "Did you mean '" + *near + "'?" : ""};
  }
  value.text = text;
  return std::nullopt;
}

std::optional<Wrong> read_url(std::string_view text, Value& value) {
  const std::string hint = "Write it as http://127.0.0.1:8080/health.";
  if (const auto scheme = text.find("://"); scheme != std::string_view::npos) {
    const auto authority = text.substr(scheme + 3);
    if (authority.substr(0, authority.find_first_of("/?#")).contains('@'))
      return Wrong{"must be a URL without a user or a password",
                   "Give a secret with 'bearer: file:PATH' instead.", true};
  }
  if (!base::parse_url(text))
    return Wrong{"must be an http or https URL", hint};
  value.text = text;
  return std::nullopt;
}

} // namespace

bool is_unit(std::string_view text, std::string_view suffix) {
  constexpr std::size_t bytes_max = 255;
  if (!text.ends_with(suffix) || text.size() == suffix.size() || text.size() > bytes_max ||
      text[text.size() - suffix.size() - 1] == '@' || text.starts_with('-'))
    return false;
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) ||
           std::string_view{":_.@\\-"}.contains(c);
  });
}

bool is_name(std::string_view text) {
  constexpr std::size_t name_bytes_max = 63;
  const auto is_part = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-'; };
  return !text.empty() && text.size() <= name_bytes_max && text[0] != '-' &&
         std::ranges::all_of(text, is_part);
}

std::string scalar_json(std::string_view text, bool is_plain) {
  if (is_plain && (text.empty() || text == "~" || text == "null"))
    return "null";
  if (is_plain && (text == "true" || text == "false"))
    return std::string{text};
  return (is_plain ? json_number(text) : std::nullopt).value_or(json_text(text));
}

std::optional<std::string> inner_path(std::string_view text) {
  const auto parts = base::split(text, '/');
  if (text.starts_with('/') || std::ranges::find(parts, "..") != parts.end())
    return std::nullopt;
  const std::string path = base::absolute_path(text, "").substr(1);
  if (path.empty())
    return std::nullopt;
  return path;
}

std::string duration_text(world::Milliseconds duration) {
  struct Unit {
    std::int64_t count;
    const char* name;
  };
  constexpr std::array units{Unit{86'400'000, "d"}, Unit{3'600'000, "h"}, Unit{60'000, "m"},
                             Unit{1000, "s"}};
  const std::int64_t count = duration.count();
  for (const Unit& unit : units)
    if (count > 0 && count % unit.count == 0)
      return std::to_string(count / unit.count) + unit.name;
  return count == 0 ? "0s" : std::to_string(count) + "ms";
}

std::optional<Wrong> read_scalar(const Option& option, std::string_view text, bool is_bare,
                                 Value& value) {
  value.text = text;
  value.json = json_text(text);
  switch (option.type) {
  case Type::boolean: return read_boolean(text, is_bare, value);
  case Type::integer: return read_integer(option, text, value);
  case Type::number: return read_number(text, value);
  case Type::duration: return read_duration(option, text, value);
  case Type::size: return read_size(text, value);
  case Type::url: return read_url(text, value);
  case Type::choice: {
    auto wrong = read_choice(option, text, value);
    value.json = json_text(value.text);
    return wrong;
  }
  case Type::endpoint:
    if (!base::parse_endpoint(text))
      return Wrong{"must be host:port", "Write it as 127.0.0.1:5432."};
    return std::nullopt;
  case Type::unit:
    if (!is_unit(text))
      return Wrong{"must be the name of a systemd service", "Write it as web.service."};
    return std::nullopt;
  case Type::sha256:
    if (text.size() != 64 || !std::ranges::all_of(text, is_lower_hex))
      return Wrong{"must be 64 digits from 0-9a-f", "'sha256sum FILE' prints them."};
    return std::nullopt;
  case Type::name:
    if (!is_name(text))
      return Wrong{"must be a name of a-z, 0-9 and '-', at most 63",
                   "It begins with a letter or a digit."};
    return std::nullopt;
  case Type::secret:
    value.is_reference = true;
    if (text.starts_with("env:") ? !is_variable_name(text.substr(4))
                                 : !text.starts_with("file:") || text.size() == 5)
      return Wrong{"must be a secret reference", "Write file:PATH or env:VARIABLE.", true};
    return std::nullopt;
  default: return std::nullopt;
  }
}

} // namespace config
