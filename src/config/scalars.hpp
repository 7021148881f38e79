#pragma once
// Scalars: one expanded text read as the type that its option wants.

#include "config/value.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace config {

struct Wrong { // "must be a whole number", and how to write it
  std::string wanted;
  std::string hint;
  bool may_be_secret = false; // then what was found must not be quoted
};

bool is_name(std::string_view text);
// systemd.unit(5); a template needs its instance.
bool is_unit(std::string_view text, std::string_view suffix = ".service");
// The JSON of a scalar: a plain number, true, false or null is one; the rest is text.
std::string scalar_json(std::string_view text, bool is_plain);
// A relative path that stays inside: "a/b" of "./a//b/"; nullopt for "", ".", "/a", "../a".
std::optional<std::string> inner_path(std::string_view text);
// Exact, in the largest unit: "90s", "10m".
std::string duration_text(world::Milliseconds duration);

// Sets text, json and the typed member of `value` from the expanded `text`; nullopt: it is good.
// Not for paths, lists, maps and sections. `is_bare`: not quoted, or a variable stands in it.
std::optional<Wrong> read_scalar(const Option& option, std::string_view text, bool is_bare,
                                 Value& value);

} // namespace config
