#include "config/reader.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace config {
namespace {

std::string below(const std::string& path, std::string_view key) {
  return path.empty() ? std::string{key} : path + "." + std::string{key};
}

std::string_view kind_of(const Node& node) {
  switch (node.kind) {
  case Node::Kind::list: return "a list";
  case Node::Kind::map: return "a map";
  case Node::Kind::scalar: break;
  }
  return node.is_null() ? "empty" : "a text";
}

template <class Use>
void for_each_option(const Shape& shape, const Use& use) {
  std::ranges::for_each(shape.own, use);
  std::ranges::for_each(shape.shared, use);
}

bool applies(const Option& option, std::string_view chosen) {
  if (option.is_alternative)
    return option.key == chosen;
  if (option.only_with.empty())
    return true;
  const auto all = base::split(option.only_with, ' ');
  return std::ranges::find(all, chosen) != all.end();
}

bool is_section_like(Type type) {
  return type == Type::section || type == Type::named || type == Type::list;
}

// '[]', '[a, b]' or '{}' as the table writes it, else one scalar.
Node default_node(std::string_view text, Mark mark) {
  if (text == "[]")
    return {.kind = Node::Kind::list, .mark = mark};
  if (text.starts_with("[")) {
    Node list{.kind = Node::Kind::list, .mark = mark};
    for (const std::string& item : base::split(text.substr(1, text.size() - 2), ','))
      list.items.push_back(default_node(item.substr(item.starts_with(" ") ? 1 : 0), mark));
    return list;
  }
  if (text == "{}")
    return {.kind = Node::Kind::map, .mark = mark};
  return {.kind = Node::Kind::scalar, .mark = mark, .text = std::string{text}, .is_plain = true};
}

// A section of which nothing must be given is there without being given.
bool has_defaults(const Option& option) {
  if (option.type != Type::section)
    return false;
  bool has = true;
  bool has_choice = true; // of its alternatives, one by default
  bool has_alternative = false;
  for_each_option(shape_named(option.shape), [&](const Option& inner) {
    has = has && (!inner.is_required || !inner.only_with.empty());
    has_alternative = has_alternative || (inner.is_alternative && !inner.by_default.empty());
    has_choice = has_choice && !inner.is_alternative;
  });
  return has && (has_choice || has_alternative);
}

} // namespace

Reader::Reader(std::string project_folder, Scope& scope, Problems& problems)
    : project_folder_{std::move(project_folder)}, scope_{scope}, problems_{problems} {}

Value Reader::read(const Node& root) {
  const Shape& shape = all_shapes().front();
  if (root.kind != Node::Kind::map) {
    wrong_type(root, {.path = problems_.file(), .mark = root.mark}, "a map of keys");
    return {};
  }
  return read_section(&root, shape, {.path = "", .mark = root.mark});
}

Value Reader::read_first(const Node& root, std::string_view key) {
  const auto options = all_shapes().front().own;
  const auto option = std::ranges::find(options, key, &Option::key);
  CHECK(option != options.end());
  return read_option(root, *option, {.path = "", .mark = root.mark});
}

Value Reader::begun(const Node& node) const {
  Value value;
  value.mark = node.mark;
  value.from = problems_.place(node.mark);
  value.is_given = true;
  return value;
}

void Reader::wrong_type(const Node& node, const Place& place, std::string_view wanted,
                        const std::string& hint) {
  const std::string found =
      node.kind == Node::Kind::scalar && !node.is_null()
          ? "not " + quoted(shortened(node.text))
          : (node.is_null() ? "it is empty" : "not " + std::string{kind_of(node)});
  problems_.add(node.mark, quoted(place.path) + " must be " + std::string{wanted} + ", " + found,
                hint);
}

void Reader::refuse_unknown_keys(const Node& node, const Shape& shape, const Place& place) {
  std::vector<std::string> known;
  for_each_option(shape, [&](const Option& option) { known.emplace_back(option.key); });
  for (const Node::Key& key : node.keys) {
    if (std::ranges::find(known, key.text) != known.end())
      continue;
    const auto near = base::nearest(key.text, known);
    problems_.add(key.mark,
                  "unknown key " + quoted(shortened(key.text)) + " in " +
                      quoted(place.path.empty() ? problems_.file() : place.path),
                  near ? "Did you mean '" + *near + "'?"
                       : "Known here are " + base::join(known, ", ") + ".");
  }
}

// Which of the shape's alternatives is given; "" when it has none, or there is a problem.
std::string_view Reader::choose(const Node* node, const Shape& shape, const Place& place) {
  std::vector<std::string> all;
  std::vector<const Option*> given;
  const Option* by_default = nullptr;
  for_each_option(shape, [&](const Option& option) {
    if (!option.is_alternative)
      return;
    all.emplace_back(option.key);
    if (!option.by_default.empty())
      by_default = &option;
    if (node != nullptr && node->find(option.key) != nullptr)
      given.push_back(&option);
  });
  if (given.size() == 1)
    return given[0]->key;
  if (all.empty())
    return "";
  if (given.empty() && by_default != nullptr)
    return by_default->key;
  const std::string hint = "Give exactly one of " + base::join(all, ", ") + ".";
  if (given.empty())
    problems_.add(place.mark, quoted(place.path) + " has none of " + base::join(all, ", "), hint);
  else
    problems_.add(place.mark,
                  quoted(place.path) + " has both '" + std::string{given[0]->key} + "' and '" +
                      std::string{given[1]->key} + "'",
                  hint);
  return "";
}

Value Reader::read_section(const Node* node, const Shape& shape, const Place& place) {
  Value value;
  value.kind = Value::Kind::members;
  value.mark = place.mark;
  value.from = "default";
  if (node != nullptr && node->kind != Node::Kind::map) {
    wrong_type(*node, place, "a map of keys");
    return value;
  }
  const Node nothing{.kind = Node::Kind::map, .mark = place.mark};
  const Node& section = node == nullptr ? nothing : *node;
  value.is_given = node != nullptr;
  refuse_unknown_keys(section, shape, place);
  const std::string_view chosen = choose(node, shape, place);
  for_each_option(shape, [&](const Option& option) {
    const Node* given = section.find(option.key);
    if (!applies(option, chosen)) {
      if (given != nullptr && !option.is_alternative && !chosen.empty())
        problems_.add(given->mark,
                      quoted(below(place.path, option.key)) + " has no meaning beside '" +
                          std::string{chosen} + "'",
                      "It goes with " + base::join(base::split(option.only_with, ' '), " or ") +
                          ".");
      return;
    }
    if (given == nullptr && option.by_default.empty() && !has_defaults(option)) {
      if (option.is_required)
        problems_.add(place.mark, quoted(below(place.path, option.key)) + " is missing",
                      std::string{option.doc});
      return;
    }
    Value read = read_option(section, option, place);
    if (option.key == "state" && place.path.empty())
      state_folder_ = read.text;
    value.members.push_back({std::string{option.key}, std::move(read)});
  });
  return value;
}

Value Reader::read_option(const Node& section, const Option& option, const Place& place) {
  const Node* given = section.find(option.key);
  Place inside = place;
  inside.path = below(place.path, option.key);
  if (given == nullptr && option.is_required) {
    problems_.add(place.mark, quoted(inside.path) + " is missing", std::string{option.doc});
    return {};
  }
  if (given != nullptr)
    inside.mark = given->mark;
  return given == nullptr ? read_default(option, inside) : read_given(*given, option, inside);
}

Value Reader::read_default(const Option& option, const Place& place) {
  if (option.type == Type::section)
    return read_section(nullptr, shape_named(option.shape), place);
  const std::string text =
      base::fill(option.by_default, {{"state", state_folder_},
                                     {"service", place.service},
                                     {"number", std::to_string(place.number)}});
  // Read as if it were written, but a '$' in the state folder is no variable.
  const Node node = default_node(text, place.mark);
  Value value;
  if (node.kind == Node::Kind::scalar && option.type != Type::runtime) {
    value.mark = place.mark;
    const auto wrong = read_scalar(option, text, true, value);
    CHECK(!wrong);
    finish_text(option, place, value);
  } else {
    value = read_given(node, option, place);
  }
  value.from = "default";
  value.is_given = false;
  return value;
}

Value Reader::read_given(const Node& node, const Option& option, const Place& place) {
  // `stores:` with all that was below it removed
  if (is_section_like(option.type) && node.is_null() && !option.is_required)
    return read_default(option, place);
  switch (option.type) {
  case Type::section: return read_section(&node, shape_named(option.shape), place);
  case Type::named: return read_named(node, option, place);
  case Type::list: return read_list(node, option, place);
  case Type::words:
  case Type::paths:
  case Type::names:
  case Type::inner_paths: return read_words(node, option, place);
  case Type::headers:
  case Type::variables:
  case Type::json_values: return read_map(node, option, place);
  case Type::runtime: return read_runtime(node, place);
  default: return read_leaf(node, option, place);
  }
}

Value Reader::read_named(const Node& node, const Option& option, const Place& place) {
  Value value = begun(node);
  value.kind = Value::Kind::members;
  if (node.kind != Node::Kind::map) {
    wrong_type(node, place, "a map of names");
    return value;
  }
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const Node::Key& key = node.keys[i];
    if (!is_name(key.text))
      problems_.add(key.mark,
                    quoted(shortened(key.text)) + " in " + quoted(place.path) +
                        " must be a name of a-z, 0-9 and '-', at most 63",
                    "It begins with a letter or a digit.");
    const Place inside{.path = below(place.path, key.text), .mark = key.mark, .service = key.text};
    value.members.push_back(
        {key.text, read_section(&node.items[i], shape_named(option.shape), inside)});
  }
  if (value.members.empty() && option.is_required)
    problems_.add(node.mark, quoted(place.path) + " is empty", "Give at least one.");
  return value;
}

Value Reader::read_list(const Node& node, const Option& option, const Place& place) {
  Value value = begun(node);
  value.kind = Value::Kind::items;
  if (node.kind != Node::Kind::list) {
    wrong_type(node, place, "a list of maps");
    return value;
  }
  for (const Node& item : node.items) {
    const std::size_t number = value.items.size() + 1;
    const Place inside{.path = place.path + "[" + std::to_string(number - 1) + "]",
                       .mark = item.mark,
                       .number = number};
    value.items.push_back(read_section(&item, shape_named(option.shape), inside));
  }
  return value;
}

Value Reader::read_runtime(const Node& node, const Place& place) {
  Value value = begun(node);
  const bool is_map = node.kind == Node::Kind::map && node.keys.size() == 1;
  if (!is_map && (node.kind != Node::Kind::scalar || node.is_null())) {
    wrong_type(node, place, "the name of a runtime");
    return value;
  }
  value.text = is_map ? node.keys[0].text : node.text;
  value.json = json_text(value.text);
  if (value.text != "process")
    problems_.add(node.mark, "there is no runtime " + quoted(shortened(value.text)),
                  "The runtimes are: process.");
  else if (is_map && !node.items[0].is_null() &&
           (node.items[0].kind != Node::Kind::map || !node.items[0].keys.empty()))
    problems_.add(node.items[0].mark, "runtime 'process' has no keys of its own",
                  "Write 'runtime: process'.");
  return value;
}

} // namespace config
