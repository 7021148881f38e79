#include "checks/variables.hpp"

#include "base/text.hpp"
#include "config/yaml_tree.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace checks {

using base::Result;

namespace {

constexpr std::string_view blanks = " \t\r\v\f";

bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool is_name(std::string_view text) {
  return !text.empty() && !(text[0] >= '0' && text[0] <= '9') &&
         std::ranges::all_of(text, is_name_byte);
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// A quoted text up to its closing quote; another up to a comment.
std::string_view bare_value(std::string_view text) {
  text = trimmed(text);
  if (!text.empty() && (text[0] == '"' || text[0] == '\'')) {
    const auto end = text.find(text[0], 1);
    return text.substr(1, end == std::string_view::npos ? end : end - 1);
  }
  for (std::size_t at = text.find('#'); at != std::string_view::npos; at = text.find('#', at + 1))
    if (at == 0 || blanks.contains(text[at - 1]))
      return trimmed(text.substr(0, at));
  return text;
}

template <class Use>
void each_scalar(const config::Node& node, const std::string& name, const Use& use) {
  using Kind = config::Node::Kind;
  if (node.kind == Kind::scalar)
    return use(name, node);
  for (std::size_t i = 0; i < node.items.size(); ++i)
    each_scalar(node.items[i], node.kind == Kind::map ? node.keys[i].text : name, use);
}

// One `$NAME`, `${NAME}` or `${NAME<operator>text}`.
struct Reference {
  std::string name;
  std::string operation; // ":-", "-", ":?", "?", ":+", "+", or ""
  std::string text;      // after it
  std::size_t end = 0;   // of the whole reference
};

// At a '$'; an empty name when it is none, with `end` after what may be passed over.
Reference reference_at(std::string_view text, std::size_t at) {
  Reference found;
  const std::size_t open = at + 1;
  if (open >= text.size() || text[open] == '$') {
    found.end = open + 1;
    return found;
  }
  std::size_t name = text[open] == '{' ? open + 1 : open;
  std::size_t end = name;
  while (end < text.size() && is_name_byte(text[end]))
    ++end;
  found.end = end;
  if (!is_name(text.substr(name, end - name)))
    return found.end = open, found;
  found.name = text.substr(name, end - name);
  if (name == open)
    return found;
  const auto close = text.find('}', end);
  const std::string_view rest =
      text.substr(end, close == std::string_view::npos ? close : close - end);
  found.end = close == std::string_view::npos ? text.size() : close + 1;
  for (const std::string_view operation : {":-", ":?", ":+", "-", "?", "+"})
    if (rest.starts_with(operation)) {
      found.operation = operation;
      found.text = rest.substr(operation.size());
      break;
    }
  return found;
}

template <class Use>
void each_reference(std::string_view text, const Use& use) {
  for (auto at = text.find('$'); at != std::string_view::npos; at = text.find('$', at)) {
    const Reference found = reference_at(text, at);
    if (!found.name.empty())
      use(found, at);
    at = found.end;
  }
}

bool has_default(const Reference& reference) {
  return !reference.operation.empty() && !reference.operation.contains('?');
}

void add_wanted(std::vector<Wanted>& all, const std::string& name, bool may_be_absent) {
  const auto known = std::ranges::find(all, name, &Wanted::name);
  if (known == all.end())
    all.push_back({name, may_be_absent});
  else
    known->has_default = known->has_default && may_be_absent;
}

// `environment: [NAME]` and `environment: { NAME: }` take the value from outside.
void add_passed_through(std::vector<Wanted>& all, const config::Node& root) {
  const config::Node* services = root.find("services");
  if (services == nullptr || services->kind != config::Node::Kind::map)
    return;
  for (const config::Node& service : services->items) {
    const config::Node* variables =
        service.kind == config::Node::Kind::map ? service.find("environment") : nullptr;
    if (variables == nullptr)
      continue;
    for (std::size_t i = 0; i < variables->items.size(); ++i) {
      const config::Node& item = variables->items[i];
      if (variables->kind == config::Node::Kind::map && item.is_null())
        add_wanted(all, variables->keys[i].text, true);
      else if (variables->kind == config::Node::Kind::list && is_name(item.text))
        add_wanted(all, item.text, true);
    }
  }
}

void add_keys(const config::Node& node, const std::string& above, std::vector<std::string>& all) {
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const std::string key = above + (above.empty() ? "" : ".") + node.keys[i].text;
    if (node.items[i].kind == config::Node::Kind::map && !node.items[i].keys.empty())
      add_keys(node.items[i], key, all);
    else
      all.push_back(key);
  }
}

std::string with_defaults(std::string_view text, const std::set<std::string>& set) {
  std::string value;
  std::size_t done = 0;
  each_reference(text, [&](const Reference& found, std::size_t at) {
    value += text.substr(done, at - done);
    if (found.operation.contains('-') && !set.contains(found.name))
      value += found.text;
    done = found.end;
  });
  return value + std::string{text.substr(std::min(done, text.size()))};
}

} // namespace

std::vector<Variable> parse_variables(std::string_view text) {
  std::vector<Variable> all;
  for (const std::string& each : base::split(text, '\n')) {
    std::string_view line = trimmed(each);
    if (line.starts_with("\xEF\xBB\xBF"))
      line = trimmed(line.substr(3));
    if (line.starts_with("export ") || line.starts_with("export\t"))
      line = trimmed(line.substr(7));
    const auto equals = line.find('=');
    const std::string_view name = trimmed(line.substr(0, equals));
    if (equals == std::string_view::npos || !is_name(name))
      continue;
    const std::string value{bare_value(line.substr(equals + 1))};
    const auto known = std::ranges::find(all, name, &Variable::name);
    if (known == all.end())
      all.push_back({std::string{name}, value});
    else
      known->value = value;
  }
  return all;
}

std::vector<Wanted> wanted_by_example(std::string_view text) {
  std::vector<Wanted> all;
  for (const Variable& variable : parse_variables(text))
    all.push_back(
        {variable.name, !variable.value.empty() && !is_placeholder(variable.name, variable.value)});
  return all;
}

Result<std::vector<Wanted>> wanted_by_compose(std::string_view text) {
  const config::Node root = TRY(config::parse_yaml(text, "compose file"));
  std::vector<Wanted> all;
  each_scalar(root, "", [&](const std::string& /*name*/, const config::Node& node) {
    each_reference(node.text, [&](const Reference& found, std::size_t /*at*/) {
      add_wanted(all, found.name, has_default(found));
    });
  });
  add_passed_through(all, root);
  return all;
}

Result<std::vector<std::string>> keys_of_values(std::string_view text) {
  std::vector<std::string> all;
  add_keys(TRY(config::parse_yaml(text, "values file")), "", all);
  return all;
}

Result<std::vector<Variable>> values_in_yaml(std::string_view text,
                                             const std::set<std::string>& set) {
  const config::Node root = TRY(config::parse_yaml(text, "YAML file"));
  std::vector<Variable> all;
  each_scalar(root, "", [&](const std::string& name, const config::Node& node) {
    const auto equals = node.text.find('=');
    if (equals != std::string::npos && is_name(std::string_view{node.text}.substr(0, equals)))
      all.push_back({node.text.substr(0, equals),
                     with_defaults(std::string_view{node.text}.substr(equals + 1), set)});
    else
      all.push_back({name, with_defaults(node.text, set)});
  });
  return all;
}

} // namespace checks
