#include "repo/exclude.hpp"

#include "base/text.hpp"

#include <optional>
#include <span>

namespace repo {

using base::Error;
using base::ErrorKind;
using base::Result;

namespace {

// Whether `c` is in the class that begins after '[' at `at`, which is moved behind its ']'.
std::optional<bool> in_class(std::string_view pattern, std::size_t& at, char c) {
  const bool is_negated = at < pattern.size() && pattern[at] == '^';
  if (is_negated)
    ++at;
  bool is_in = false;
  for (bool is_first = true; at < pattern.size() && (is_first || pattern[at] != ']');
       is_first = false) {
    const auto take = [&] {
      if (pattern[at] == '\\' && at + 1 < pattern.size())
        ++at;
      return static_cast<unsigned char>(pattern[at++]);
    };
    const unsigned char low = take();
    unsigned char high = low;
    if (at + 1 < pattern.size() && pattern[at] == '-' && pattern[at + 1] != ']') {
      ++at;
      high = take();
    }
    const auto own = static_cast<unsigned char>(c);
    is_in = is_in || (own >= low && own <= high);
  }
  if (at == pattern.size())
    return std::nullopt;
  ++at;
  return is_in != is_negated;
}

bool matches_part(std::string_view pattern, std::string_view text) {
  std::size_t at = 0;
  std::size_t in = 0;
  std::size_t star = std::string_view::npos; // where to go on after the last '*'
  std::size_t star_in = 0;
  while (in < text.size() || at < pattern.size()) {
    bool is_match = false;
    std::size_t next = at + 1;
    if (at < pattern.size() && pattern[at] == '*') {
      star = ++at;
      star_in = in;
      continue;
    }
    if (at < pattern.size() && in < text.size()) {
      if (pattern[at] == '?')
        is_match = true;
      else if (pattern[at] == '[')
        is_match = in_class(pattern, next, text[in]).value_or(false);
      else if (pattern[at] == '\\' && at + 1 < pattern.size())
        is_match = pattern[next++] == text[in];
      else
        is_match = pattern[at] == text[in];
    }
    if (is_match) {
      at = next;
      ++in;
    } else if (star != std::string_view::npos && star_in < text.size()) {
      at = star;
      in = ++star_in;
    } else {
      return false;
    }
  }
  return true;
}

using PathParts = std::span<const std::string>;

// The whole pattern against the beginning of the path: what is below is excluded with it.
bool matches_start(PathParts pattern, PathParts path) {
  if (pattern.empty())
    return true;
  if (pattern.front() == "**") {
    for (std::size_t skipped = 0; skipped <= path.size(); ++skipped)
      if (matches_start(pattern.subspan(1), path.subspan(skipped)))
        return true;
    return false;
  }
  return !path.empty() && matches_part(pattern.front(), path.front()) &&
         matches_start(pattern.subspan(1), path.subspan(1));
}

std::vector<std::string> words_of_path(std::string_view path) {
  std::vector<std::string> parts;
  for (std::string& part : base::split(path, '/'))
    if (!part.empty() && part != ".")
      parts.push_back(std::move(part));
  return parts;
}

} // namespace

Result<Excludes> Excludes::of(const std::vector<std::string>& patterns) {
  Excludes made;
  for (const std::string& text : patterns) {
    Pattern pattern;
    std::string_view rest = text;
    if (rest.starts_with('!')) {
      pattern.takes_back = true;
      rest.remove_prefix(1);
    }
    pattern.is_absolute = rest.starts_with('/');
    pattern.parts = words_of_path(rest);
    if (pattern.parts.empty())
      return Error{ErrorKind::invalid_input, "the pattern '" + text + "' names nothing", ""};
    for (const std::string& part : pattern.parts)
      for (std::size_t at = 0; at < part.size(); ++at) {
        if (part[at] == '\\') {
          ++at;
        } else if (part[at] == '[') {
          std::size_t end = at + 1;
          if (!in_class(part, end, 'x'))
            return Error{ErrorKind::invalid_input,
                         "the pattern '" + text + "' has a '[' without an end",
                         "Write '\\[' for the character itself."};
          at = end - 1;
        }
      }
    made.patterns_.push_back(std::move(pattern));
  }
  return made;
}

bool Excludes::matches(std::string_view path) const {
  if (patterns_.empty())
    return false;
  const std::vector<std::string> parts = words_of_path(path);
  bool is_out = false;
  for (const Pattern& pattern : patterns_) {
    if (is_out != pattern.takes_back)
      continue; // it could change nothing
    bool is_match = matches_start(pattern.parts, parts);
    for (std::size_t at = 1; !is_match && !pattern.is_absolute && at < parts.size(); ++at)
      is_match = matches_start(pattern.parts, PathParts{parts}.subspan(at));
    if (is_match)
      is_out = !pattern.takes_back;
  }
  return is_out;
}

std::vector<std::string> patterns_of(std::string_view file_text) {
  std::vector<std::string> patterns;
  for (std::string& line : base::split(file_text, '\n')) {
    while (!line.empty() && (line.back() == ' ' || line.back() == '\t' || line.back() == '\r'))
      line.pop_back();
    line.erase(0, line.find_first_not_of(" \t"));
    if (!line.empty() && line.front() != '#')
      patterns.push_back(std::move(line));
  }
  return patterns;
}

} // namespace repo
