#pragma once
// Reader: a YAML tree read by the table of options: keys and types checked, variables expanded,
// paths made absolute, defaults filled in. What it returns may be trusted only without problems.

#include "config/expand.hpp"
#include "config/scalars.hpp"
#include "config/yaml_tree.hpp"

#include <string>

namespace config {

class Reader {
public:
  Reader(std::string project_folder, Scope& scope, Problems& problems);
  // The file: `root` is its top node.
  Value read(const Node& root);
  // One key of the file, before the others; absent: its default.
  Value read_first(const Node& root, std::string_view key);

private:
  struct Place { // where a section stands
    std::string path;
    Mark mark;
    std::string service;    // {service}
    std::size_t number = 1; // {number}, of an item of a list
  };

  Value read_section(const Node* node, const Shape& shape, const Place& place);
  void refuse_unknown_keys(const Node& node, const Shape& shape, const Place& place);
  std::string_view choose(const Node* node, const Shape& shape, const Place& place);
  Value read_option(const Node& section, const Option& option, const Place& place);
  Value read_given(const Node& node, const Option& option, const Place& place);
  Value read_default(const Option& option, const Place& place);
  Value read_named(const Node& node, const Option& option, const Place& place);
  Value read_list(const Node& node, const Option& option, const Place& place);
  Value read_words(const Node& node, const Option& option, const Place& place);
  Value read_map(const Node& node, const Option& option, const Place& place);
  Value read_entry(const Node& node, const Node::Key& key, const Option& option,
                   const Place& place);
  Value read_runtime(const Node& node, const Place& place);
  Value read_leaf(const Node& node, const Option& option, const Place& place);
  void finish_text(const Option& option, const Place& place, Value& value);
  void finish_reference(std::string_view text, const std::string& path, Value& value);
  bool expand_into(const Node& node, const Place& place, std::string& text, Value& value);
  void wrong_type(const Node& node, const Place& place, std::string_view wanted,
                  const std::string& hint = "");
  Value begun(const Node& node) const;

  std::string project_folder_;
  std::string state_folder_; // known once `state` was read
  Scope& scope_;
  Problems& problems_;
};

} // namespace config
