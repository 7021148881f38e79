#include "discovery/words.hpp"

#include <algorithm>
#include <array>

namespace discovery {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// "--api-key" is API_KEY.
std::string variable_name(std::string_view option) {
  std::string name;
  for (const char c : option)
    if (is_letter(c) || is_digit(c))
      name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    else if (!name.empty() && name.back() != '_')
      name += '_';
  while (name.ends_with('_'))
    name.pop_back();
  return name.empty() || is_digit(name[0]) ? "SECRET_" + name : name;
}

// The part of "postgres://user:password@host" that must not be told is its whole.
bool has_login(std::string_view text) {
  const auto scheme = text.find("://");
  return scheme != std::string_view::npos && text.find('@', scheme) != std::string_view::npos;
}

} // namespace

std::string lowered(std::string_view text) {
  std::string result{text};
  std::ranges::transform(result, result.begin(), lower);
  return result;
}

std::string dollars_doubled(std::string_view text) {
  std::string result;
  for (const char c : text)
    result += c == '$' ? std::string{"$$"} : std::string{c};
  return result;
}

std::optional<std::vector<std::string>> split_command(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool is_open = false; // a word has begun, perhaps by an empty quote
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool is_escape = c == '\\' && quote != '\'';
    if (is_escape && i + 1 < text.size()) {
      word += text[++i];
      is_open = true;
    } else if (quote != 0 && c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
      is_open = true;
    } else if (quote == 0 && (c == ' ' || c == '\t')) {
      if (is_open)
        words.push_back(std::exchange(word, ""));
      is_open = false;
    } else if ((quote != '\'' && (c == '$' || c == '`')) ||
               (quote == 0 && std::string_view{"|&;<>()*?[]#~!\n"}.contains(c))) {
      return std::nullopt;
    } else {
      word += c;
      is_open = true;
    }
  }
  if (quote != 0)
    return std::nullopt;
  if (is_open)
    words.push_back(word);
  return words;
}

bool is_secret_name(std::string_view name) {
  constexpr std::array words{"secret", "password", "passwd", "pass", "token", "key", "credential",
                             "auth",   "private",  "cookie", "salt", "dsn",   "jwt", "pwd"};
  const std::string all = lowered(name);
  return std::ranges::any_of(words, [&](const char* word) { return all.contains(word); });
}

std::string scheme_of(std::string_view value) {
  const auto end = value.find("://");
  if (end == std::string_view::npos || end == 0 || end > 20)
    return "";
  const std::string scheme = lowered(value.substr(0, end));
  const bool is_scheme = std::ranges::all_of(
      scheme, [](char c) { return is_letter(c) || is_digit(c) || c == '+' || c == '-'; });
  return is_scheme ? scheme : "";
}

void Writer::know(const std::vector<std::pair<std::string, std::string>>& variables) {
  variables_.insert(variables_.end(), variables.begin(), variables.end());
  // The longest first: a value may hold another one.
  std::ranges::stable_sort(
      variables_, [](const auto& a, const auto& b) { return a.second.size() > b.second.size(); });
}

std::string Writer::write_text(std::string_view text) const {
  constexpr std::size_t whole_min = 4; // "1" and "on" are in every command by chance
  constexpr std::size_t part_min = 4;
  for (const auto& [name, value] : variables_)
    if (value.size() >= whole_min && text == value)
      return "${" + name + "}";
  for (const auto& [name, value] : variables_) {
    if (value.size() < part_min || !(is_secret_name(name) || has_login(value)))
      continue;
    if (const auto at = text.find(value); at != std::string_view::npos)
      return write_text(text.substr(0, at)) + "${" + name + "}" +
             write_text(text.substr(at + value.size()));
  }
  return dollars_doubled(text);
}

std::string Writer::write_word(const std::string& word, const std::string& before) const {
  const auto equals = word.find('=');
  const bool has_value = equals != std::string::npos && equals > 0;
  const std::string head = has_value ? word.substr(0, equals + 1) : "";
  const std::string value = word.substr(head.size());
  std::string written = write_text(value);
  const bool is_told_by_option = (has_value && is_secret_name(head)) ||
                                 (!has_value && before.starts_with('-') && !before.contains('=') &&
                                  is_secret_name(before) && !word.starts_with('-'));
  const bool is_path = value.starts_with('/') || value.starts_with("./") || value.starts_with("..");
  const bool is_secret = (is_told_by_option && !is_path) || has_login(value);
  if (is_secret && !written.contains("${") && !value.empty())
    written = "${" +
              variable_name(has_value           ? head
                            : is_told_by_option ? before
                                                : "address") +
              "-}";
  return dollars_doubled(head) + written;
}

std::vector<std::string> Writer::write(const std::vector<std::string>& words) const {
  std::vector<std::string> written;
  for (std::size_t i = 0; i < words.size(); ++i)
    written.push_back(write_word(words[i], i == 0 ? "" : words[i - 1]));
  return written;
}

std::string slug(std::string_view text) {
  constexpr std::size_t bytes_max = 40; // room for "-2" and the like
  std::string result;
  for (const char c : text.substr(0, bytes_max))
    if (is_letter(c) || is_digit(c))
      result += lower(c);
    else if (!result.empty() && result.back() != '-')
      result += '-';
  while (result.ends_with('-'))
    result.pop_back();
  return result;
}

std::optional<Label> label_in(const std::string& name, bool is_archive) {
  Label found;
  std::string stem = name;
  if (is_archive) {
    constexpr std::array suffixes{".tar.gz",  ".tgz", ".tar.xz", ".tar.zst",
                                  ".tar.bz2", ".tar", ".zip"};
    const auto* const suffix =
        std::ranges::find_if(suffixes, [&](const char* each) { return name.ends_with(each); });
    if (suffix == suffixes.end())
      return std::nullopt;
    found.after = *suffix;
    stem.resize(stem.size() - found.after.size());
  }
  for (std::size_t at = 0; at < stem.size(); ++at) {
    if (at > 0 && stem[at - 1] != '-' && stem[at - 1] != '_')
      continue;
    const std::string label = stem.substr(at);
    const std::size_t digit = label.starts_with('v') ? 1 : 0;
    const bool is_version =
        digit < label.size() && is_digit(label[digit]) &&
        (label.contains('.') || std::ranges::all_of(label.substr(digit), is_digit)) &&
        std::ranges::all_of(label, [](char c) {
          return is_digit(c) || is_letter(c) || std::string_view{".-_+~"}.contains(c);
        });
    if (is_version) {
      found.before = stem.substr(0, at);
      found.label = label;
      return found;
    }
  }
  return std::nullopt;
}

bool is_older(const std::string& a, const std::string& b) {
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() && j < b.size()) {
    if (!is_digit(a[i]) || !is_digit(b[j])) {
      if (a[i] != b[j])
        return a[i] < b[j];
      ++i;
      ++j;
      continue;
    }
    const auto number = [](const std::string& text, std::size_t& at) {
      std::string digits;
      for (; at < text.size() && is_digit(text[at]); ++at)
        if (!digits.empty() || text[at] != '0')
          digits += text[at];
      return digits;
    };
    const std::string left = number(a, i);
    const std::string right = number(b, j);
    if (left.size() != right.size())
      return left.size() < right.size();
    if (left != right)
      return left < right;
  }
  return a.size() - i < b.size() - j;
}

} // namespace discovery
