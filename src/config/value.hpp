#pragma once
// Value: one typed value of the effective config: read, expanded, defaulted, with its origin.

#include "config/options.hpp"
#include "config/problems.hpp"
#include "world/clock.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace config {

struct Member;

struct Value {
  enum class Kind { leaf, members, items };
  Kind kind = Kind::leaf;
  Mark mark;
  std::string from;          // as Origin::from
  bool is_given = false;     // the file says it
  std::string json;          // leaf: as Origin::value, but with nothing hidden
  std::string text;          // leaf: a text, a path, a choice, a secret reference as written
  double number = 0;         // integer and number
  bool truth = false;        // boolean
  bool is_reference = false; // a text that names a secret
  world::Milliseconds duration{0};
  std::vector<std::string> words; // a list of text
  std::vector<Member> members;    // sections and maps, keys in order
  std::vector<Value> items;       // a list of sections

  const Value* find(std::string_view key) const; // nullptr: absent
  // For keys that the table gives a default or makes required: they are there.
  const Value& at(std::string_view key) const;
  // For the others: an empty text, no words, when absent.
  std::string text_or_empty(std::string_view key) const;
};

struct Member {
  std::string key;
  Value value;
};

std::string json_text(std::string_view text); // quoted; broken UTF-8 is replaced
// In the one form in which it is printed ("1e3" is 1000.0); nullopt: it is no finite JSON number.
std::optional<std::string> json_number(std::string_view text);

} // namespace config
