#include "config/expand.hpp"

#include <algorithm>

namespace config {
namespace {

using base::Error;
using base::ErrorKind;
using base::Result;

constexpr int depth_max = 16;

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_name_part(char c) {
  return is_letter(c) || (c >= '0' && c <= '9');
}

Error wrong(std::string message, std::string hint) {
  return {ErrorKind::invalid_input, std::move(message), std::move(hint)};
}

std::string missing_hint(std::string_view name) {
  return "Set " + std::string{name} +
         " in the environment or in an env_file, or give a default: ${" + std::string{name} +
         ":-value}.";
}

class Expander {
public:
  explicit Expander(Scope& scope) : scope_{scope} {}

  // Up to the end of the text, or, inside braces, up to the '}' that closes them.
  Result<std::string> run(std::string_view& rest, int depth) {
    std::string out;
    while (!rest.empty() && (depth == 0 || rest[0] != '}')) {
      const auto plain = std::min(rest.find_first_of(depth == 0 ? "$" : "$}"), rest.size());
      out += rest.substr(0, plain);
      rest.remove_prefix(plain);
      if (rest.starts_with('$'))
        out += TRY(variable(rest, depth));
      if (out.size() > scope_.bytes_left)
        return wrong("its variables expand to too much text", "Shorten their values.");
    }
    return out;
  }

  std::vector<std::string> sources;

private:
  Result<std::string> variable(std::string_view& rest, int depth) {
    rest.remove_prefix(1);
    if (rest.starts_with('$')) {
      rest.remove_prefix(1);
      return std::string{"$"};
    }
    const bool has_brace = rest.starts_with('{');
    if (has_brace)
      rest.remove_prefix(1);
    const std::string_view name = take_name(rest);
    if (name.empty())
      return wrong("a '$' that names no variable", "Write '$$' for a dollar sign.");
    if (!has_brace)
      return value_or_error(name);
    if (depth >= depth_max)
      return wrong("variables nested too deep", "");
    const std::string found = TRY(in_braces(name, rest, depth));
    if (!rest.starts_with('}'))
      return wrong("'${" + std::string{name} + "' has no closing brace",
                   "Write ${" + std::string{name} + "}, or '$$' for a dollar sign.");
    rest.remove_prefix(1);
    return found;
  }

  static std::string_view take_name(std::string_view& rest) {
    if (rest.empty() || !is_letter(rest[0]))
      return {};
    const auto end = std::ranges::find_if_not(rest, is_name_part);
    const std::string_view name = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
    rest.remove_prefix(name.size());
    return name;
  }

  Result<std::string> in_braces(std::string_view name, std::string_view& rest, int depth) {
    const bool empty_is_missing = rest.starts_with(':');
    if (rest.empty() || rest[0] == '}')
      return value_or_error(name);
    if (empty_is_missing)
      rest.remove_prefix(1);
    const char operation = rest.empty() ? '\0' : rest[0];
    if (operation != '-' && operation != '?' && operation != '+')
      return wrong("'${" + std::string{name} + "' goes on with an unknown operator",
                   "Operators are :- - :? ? :+ and +.");
    rest.remove_prefix(1);
    const auto found = scope_.find(name);
    const bool is_set = found.value != nullptr && !(empty_is_missing && found.value->empty());
    // The other branch is read, for its end, but what it lacks is no error and no source.
    const bool takes_operand = operation == '+' ? is_set : !is_set;
    const std::string operand = TRY(takes_operand ? run(rest, depth + 1) : skip(rest, depth + 1));
    if (operation == '?' && !is_set)
      return wrong("variable '" + std::string{name} +
                       "' is required: " + (operand.empty() ? "it is not set" : operand),
                   missing_hint(name));
    if (operation == '+' || !is_set)
      return operand;
    return value_or_error(name);
  }

  static Result<std::string> skip(std::string_view& rest, int depth) {
    int open = 1;
    while (!rest.empty() && (open > 1 || rest[0] != '}')) {
      if (rest.starts_with("${") && ++open + depth > depth_max + 1)
        return wrong("variables nested too deep", "");
      if (rest[0] == '}')
        --open;
      rest.remove_prefix(rest.starts_with("$$") || rest.starts_with("${") ? 2 : 1);
    }
    return std::string{};
  }

  Result<std::string> value_or_error(std::string_view name) {
    const auto found = scope_.find(name);
    if (found.value == nullptr)
      return wrong("variable '" + std::string{name} + "' is not set", missing_hint(name));
    std::string source = found.layer->name + " " + std::string{name};
    if (std::ranges::find(sources, source) == sources.end())
      sources.push_back(std::move(source));
    return *found.value;
  }

  Scope& scope_;
};

} // namespace

Scope::Found Scope::find(std::string_view name) const {
  for (const Layer& layer : layers)
    if (const auto at = layer.variables.find(name); at != layer.variables.end())
      return {&layer, &at->second};
  return {};
}

bool is_variable_name(std::string_view name) {
  return !name.empty() && is_letter(name[0]) && std::ranges::all_of(name, is_name_part);
}

Result<Expanded> expand(std::string_view text, Scope& scope) {
  Expander expander{scope};
  std::string out = TRY(expander.run(text, 0));
  scope.bytes_left -= std::min(scope.bytes_left, out.size());
  return Expanded{std::move(out), std::move(expander.sources)};
}

} // namespace config
