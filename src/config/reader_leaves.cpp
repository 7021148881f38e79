// Reader, the part for single values, lists of text and maps of text.
#include "base/text.hpp"
#include "config/reader.hpp"

#include <algorithm>
#include <set>

namespace config {
namespace {

std::string json_list(const std::vector<std::string>& words) {
  std::vector<std::string> all;
  all.reserve(words.size());
  for (const std::string& word : words)
    all.push_back(json_text(word));
  return "[" + base::join(all, ",") + "]";
}

// What a text must be to be read as this option: "a duration".
std::string wanted_of(const Option& option) {
  if (option.type == Type::path)
    return "a path";
  Value ignored;
  const auto wrong = read_scalar(option, "\n", false, ignored); // nothing but text takes this
  return wrong ? wrong->wanted.substr(std::string_view{"must be "}.size()) : "a text";
}

bool is_header_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view{"!#$%&'*+-.^_`|~"}.contains(c);
  });
}

bool has_line_break(std::string_view text) {
  return text.find_first_of("\r\n") != std::string_view::npos;
}

} // namespace

bool Reader::expand_into(const Node& node, const Place& place, std::string& text, Value& value) {
  auto expanded = expand(node.text, scope_);
  if (!expanded) {
    problems_.add(node.mark, quoted(place.path) + ": " + expanded.error().message,
                  expanded.error().hint);
    return false;
  }
  text = std::move(expanded.value().text);
  for (const std::string& source : expanded.value().sources)
    if (!(value.from + ",").contains(", " + source + ","))
      value.from += ", " + source;
  return true;
}

Value Reader::read_leaf(const Node& node, const Option& option, const Place& place) {
  Value value = begun(node);
  std::string text;
  if (node.kind != Node::Kind::scalar || node.is_null()) {
    wrong_type(node, place, wanted_of(option));
    return value;
  }
  if (!expand_into(node, place, text, value))
    return value;
  const bool is_bare = node.is_plain || text != node.text;
  if (const auto wrong = read_scalar(option, text, is_bare, value)) {
    const std::string found = wrong->may_be_secret ? "" : ", not " + quoted(shortened(text));
    problems_.add(node.mark, quoted(place.path) + " " + wrong->wanted + found, wrong->hint);
    return value;
  }
  finish_text(option, place, value);
  return value;
}

// What depends on more than the text itself.
void Reader::finish_text(const Option& option, const Place& place, Value& value) {
  if (option.type == Type::secret)
    return finish_reference(value.text, place.path, value);
  if (option.type == Type::text && value.text.empty())
    return problems_.add(value.mark, quoted(place.path) + " is empty", "Remove it or fill it in.");
  if (option.type != Type::path)
    return;
  if (value.text.empty())
    return problems_.add(value.mark, quoted(place.path) + " must be a path, it is empty");
  if (has_line_break(value.text))
    return problems_.add(value.mark, quoted(place.path) + " must be a path, not several lines");
  if (value.text == "~" || value.text.starts_with("~/")) {
    problems_.add(value.mark, quoted(place.path) + " begins with '~', which only a shell knows",
                  "Write ${HOME} instead.");
    value.text = "/"; // told once, not again for each default below it
    return;
  }
  const std::string path = base::fill(value.text, {{"project", project_folder_}});
  // What is inside the release stays so: it is known only when there is a release.
  value.text = path.starts_with("{release}") ? path : base::absolute_path(path, project_folder_);
  value.json = json_text(value.text);
}

void Reader::finish_reference(std::string_view text, const std::string& path, Value& value) {
  value.is_reference = true;
  value.text = text;
  if (text.starts_with("file:"))
    value.text =
        "file:" + base::absolute_path(base::fill(text.substr(5), {{"project", project_folder_}}),
                                      project_folder_);
  else if (!is_variable_name(text.substr(4)))
    problems_.add(value.mark,
                  quoted(path) + " refers to " + quoted(std::string{text}) + ", no variable name",
                  "Write env:VARIABLE, or { text: ... } if this is no secret reference.");
  if (text == "file:")
    problems_.add(value.mark, quoted(path) + " refers to a file without a name",
                  "Write file:PATH, or { text: ... } if this is no secret reference.");
  value.json = json_text(value.text);
}

Value Reader::read_words(const Node& node, const Option& option, const Place& place) {
  Value value = begun(node);
  const std::string_view wanted = option.type == Type::words   ? "a list of words"
                                  : option.type == Type::names ? "a list of names"
                                                               : "a list of paths";
  Node single{.kind = Node::Kind::list, .mark = node.mark};
  const bool is_single = option.key == "env_file" && node.kind == Node::Kind::scalar;
  if (is_single && !node.is_null())
    single.items.push_back(node);
  else if (node.kind != Node::Kind::list) {
    wrong_type(node, place, wanted,
               option.type == Type::words
                   ? "Write it as [program, argument, argument]; no shell splits a text."
                   : "");
    return value;
  }
  const auto& items = is_single ? single.items : node.items;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Place inside{.path = is_single ? place.path : place.path + "[" + std::to_string(i) + "]",
                       .mark = items[i].mark};
    Value item = begun(items[i]);
    std::string text;
    if (items[i].kind != Node::Kind::scalar || items[i].is_null()) {
      wrong_type(items[i], inside, "a text");
      continue;
    }
    if (!expand_into(items[i], inside, text, value))
      continue;
    item.text = text;
    if (option.type == Type::paths)
      finish_text({.key = option.key, .type = Type::path}, inside, item);
    else if (option.type == Type::inner_paths) {
      const auto inner = inner_path(text);
      if (!inner)
        problems_.add(items[i].mark,
                      quoted(inside.path) + " must be a path inside it, not " + quoted(text),
                      "Write it without '/' at its begin and without '..'.");
      item.text = inner.value_or("");
    } else if (option.type == Type::names) {
      item.text = text;
    } else {
      item.text = base::fill(text, {{"project", project_folder_}});
    }
    if (option.type != Type::words && !seen.insert(item.text).second)
      problems_.add(items[i].mark, quoted(inside.path) + " repeats " + quoted(item.text), "");
    value.words.push_back(std::move(item.text));
  }
  if (option.type == Type::words && (value.words.empty() || value.words[0].empty()))
    problems_.add(node.mark, quoted(place.path) + " names no program",
                  "Write it as [program, argument, argument].");
  value.json = json_list(value.words);
  return value;
}

Value Reader::read_map(const Node& node, const Option& option, const Place& place) {
  Value value = begun(node);
  value.kind = Value::Kind::members;
  if (node.kind != Node::Kind::map) {
    wrong_type(node, place, "a map");
    return value;
  }
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const Place inside{.path = place.path + "." + node.keys[i].text, .mark = node.items[i].mark};
    value.members.push_back(
        {node.keys[i].text, read_entry(node.items[i], node.keys[i], option, inside)});
  }
  return value;
}

Value Reader::read_entry(const Node& node, const Node::Key& key, const Option& option,
                         const Place& place) {
  const bool is_variable = option.type == Type::variables;
  if (is_variable && !is_variable_name(key.text))
    problems_.add(key.mark, quoted(key.text) + " cannot be the name of a variable",
                  "Names are of letters, digits and '_', and begin with no digit.");
  if (is_variable && key.text.starts_with("BELAY_"))
    problems_.add(key.mark, quoted(key.text) + ": names with BELAY_ are belay's own",
                  "Belay finds its services by them; choose another name.");
  if (option.type == Type::headers && !is_header_name(key.text))
    problems_.add(key.mark, quoted(key.text) + " cannot be the name of a header", "");
  if (option.type == Type::json_values && key.text.empty())
    problems_.add(key.mark, "a JSON path is missing here", "");
  const Node* text_node = is_variable && node.kind == Node::Kind::map && node.keys.size() == 1
                              ? node.find("text")
                              : nullptr;
  const Node& said = text_node == nullptr ? node : *text_node;
  Value value = begun(said);
  const bool takes_null = option.type == Type::json_values;
  if (said.kind != Node::Kind::scalar || (said.is_null() && !takes_null)) {
    wrong_type(said, place, takes_null ? "a text, number, true, false or null" : "a text");
    return value;
  }
  std::string text;
  if (!expand_into(said, place, text, value))
    return value;
  value.text = base::fill(text, {{"project", project_folder_}});
  value.json = json_text(value.text);
  if (option.type == Type::json_values)
    value.json = scalar_json(text, said.is_plain);
  else if (option.type == Type::headers && has_line_break(text))
    problems_.add(said.mark, quoted(place.path) + " must be one line", "");
  else if (is_variable && text_node == nullptr &&
           (value.text.starts_with("file:") || value.text.starts_with("env:")))
    finish_reference(std::string{value.text}, place.path, value);
  return value;
}

} // namespace config
