#pragma once
// YamlTree: one YAML document as a tree of nodes that know their place. Aliases are copied in,
// `<<` is merged; nothing is typed yet. Every limit is on what the tree holds, not on the text.

#include "config/problems.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace config {

struct Node {
  enum class Kind { scalar, list, map };
  struct Key {
    std::string text;
    Mark mark;
  };
  Kind kind = Kind::scalar;
  Mark mark;
  std::string text;      // scalar
  bool is_plain = false; // scalar: written without quotes, so that `true`, `3`, `null` may mean it
  std::vector<Node> items; // list: its items; map: the values of `keys`
  std::vector<Key> keys;   // map: unique

  const Node* find(std::string_view key) const; // nullptr: absent
  bool is_null() const;                         // nothing, `~` or `null`, without quotes
};

constexpr std::size_t text_bytes_max = 1U << 20U;

// invalid_input names the place ("belay.yaml:3:1: ...").
base::Result<Node> parse_yaml(std::string_view text, const std::string& file);

} // namespace config
