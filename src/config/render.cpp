// Config, the part that prints the effective one.
#include "config/config.hpp"
#include "config/value.hpp"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

namespace config {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t comment_column = 48;

bool is_plain_part(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view{"_./@+=-"}.contains(c);
}

// Without quotes it would be read as this text, by this and by any other YAML reader.
bool is_plain(std::string_view text) {
  constexpr std::array words{"true", "false", "null", "yes", "no", "on", "off", "y", "n"};
  constexpr std::array units{"ms", "s", "m", "h", "d"}; // a duration
  std::string lower{text};
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (text.empty() || std::ranges::find(words, lower) != words.end())
    return false;
  if (const auto digits = lower.find_first_not_of("0123456789");
      digits > 0 && digits < lower.size())
    return std::ranges::find(units, lower.substr(digits)) != units.end();
  const bool begins_well =
      (lower[0] >= 'a' && lower[0] <= 'z') || lower[0] == '/' || lower.starts_with("./");
  if (!begins_well)
    return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char next = i + 1 < text.size() ? text[i + 1] : ' ';
    const bool is_colon_inside = text[i] == ':' && (next == '/' || (next >= '0' && next <= '9'));
    if (!is_plain_part(text[i]) && !is_colon_inside)
      return false;
  }
  return true;
}

std::string yaml_text(const std::string& text) {
  if (is_plain(text))
    return text;
  std::string quoted;
  for (const char c : json_text(text)) {
    quoted += c;
    if (c == '$')
      quoted += c; // or it would name a variable when this is read again
  }
  return quoted;
}

std::string yaml_key(const std::string& text) {
  return is_plain(text) ? text : json_text(text); // variables are not expanded in keys
}

std::string yaml_leaf(const Json& value) {
  if (value.is_string())
    return yaml_text(value.get<std::string>());
  if (value.is_object() && value.contains("text"))
    return "{ text: " + yaml_text(value["text"].get<std::string>()) + " }";
  if (!value.is_array())
    return value.dump();
  std::string list;
  for (const Json& item : value)
    list += (list.empty() ? "" : ", ") + yaml_text(item.get<std::string>());
  return "[" + list + "]";
}

// Every value was printed by us as JSON; it is JSON.
Json parsed(const Origin& origin) {
  Json value = Json::parse(origin.value, nullptr, false);
  CHECK(!value.is_discarded());
  return value;
}

bool is_item(const std::string& part) {
  return part.starts_with('[') && part.ends_with(']');
}

// The lines of one origin: headings for the sections that it opens, then itself.
class Yaml {
public:
  void add(const Origin& origin) {
    const auto& path = origin.path;
    std::size_t same = 0;
    while (same + 1 < path.size() && same < open_.size() && open_[same] == path[same])
      ++same;
    for (std::size_t depth = same; depth + 1 < path.size(); ++depth) {
      if (is_item(path[depth]))
        dash_ = true;
      else
        line(path, depth, yaml_key(path[depth]) + ":", "");
    }
    line(path, path.size() - 1, yaml_key(path.back()) + ": " + yaml_leaf(parsed(origin)),
         origin.from);
    open_.assign(path.begin(), path.end() - 1);
  }
  std::string text;

private:
  void line(const std::vector<std::string>& path, std::size_t depth, const std::string& content,
            const std::string& from) {
    // An item of a list takes no level of its own: its dash stands in the indentation.
    std::string indent(2 * depth, ' ');
    if (std::exchange(dash_, false))
      indent.replace(indent.size() - 2, 2, "- ");
    const bool is_section = depth == 0 && !text.empty() && path.size() > 1;
    text += (is_section ? "\n" : "") + indent + content;
    if (!from.empty()) {
      const std::size_t width = indent.size() + content.size();
      text += std::string(width + 2 < comment_column ? comment_column - width : 2, ' ');
      text += "# " + from;
    }
    text += "\n";
  }
  std::vector<std::string> open_;
  bool dash_ = false;
};

} // namespace

std::string render_effective(const Loaded& loaded) {
  Yaml yaml;
  for (const Origin& origin : loaded.origins)
    yaml.add(origin);
  return yaml.text;
}

std::string render_effective_json(const Loaded& loaded) {
  Json effective = Json::object();
  Json origins = Json::object();
  for (const Origin& origin : loaded.origins) {
    Json* at = &effective;
    std::string name;
    for (std::size_t i = 0; i < origin.path.size(); ++i) {
      const std::string& part = origin.path[i];
      if (is_item(part) && i + 1 < origin.path.size()) { // the last may be a JSON path "[0]"

        const auto index = static_cast<std::size_t>(std::stoul(part.substr(1)));
        if (at->is_null())
          *at = Json::array();
        while (at->size() <= index)
          at->push_back(nullptr);
        at = &(*at)[index];
        name += part;
      } else {
        at = &(*at)[part];
        name += (name.empty() ? "" : ".") + part;
      }
    }
    *at = parsed(origin);
    origins[name] = origin.from;
  }
  const Json whole{{"stack", loaded.stack.name},
                   {"digest", loaded.effective_digest},
                   {"config", std::move(effective)},
                   {"origins", std::move(origins)},
                   {"warnings", loaded.warnings}};
  return whole.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

} // namespace config
