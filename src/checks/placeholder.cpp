// Placeholders: values that somebody forgot to fill in.
#include "checks/variables.hpp"

#include <algorithm>
#include <array>

namespace checks {

namespace {

std::string lower(std::string_view text) {
  std::string made{text};
  std::ranges::transform(made, made.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return made;
}

// Nobody means these, wherever they stand.
constexpr std::array anywhere{"changeme",  "change_me",  "change-me", "changeit",
                              "replaceme", "replace_me", "replace-me"};
// The whole value, of any variable.
constexpr std::array whole{"todo",        "tbd",         "fixme", "fill_me_in",
                           "insert_here", "placeholder", "..."};
// The whole value, of a variable that holds a secret.
constexpr std::array weak{"password", "passwd", "pass",   "secret",  "token", "admin",
                          "root",     "test",   "dummy",  "default", "none",  "example",
                          "1234",     "12345",  "123456", "12345678"};

} // namespace

bool is_secret_name(std::string_view name) {
  constexpr std::array words{"secret",     "password", "passwd", "pass", "pwd", "token", "key",
                             "credential", "private",  "cookie", "salt", "dsn", "jwt"};
  const std::string text = lower(name);
  return std::ranges::any_of(words, [&](const char* word) { return text.contains(word); });
}

bool is_placeholder(std::string_view name, std::string_view value) {
  const std::string text = lower(value);
  if (text.empty())
    return false;
  if (std::ranges::any_of(anywhere, [&](const char* word) { return text.contains(word); }) ||
      std::ranges::find(whole, text) != whole.end())
    return true;
  if (text.front() == '<' && text.back() == '>' && text.size() > 2)
    return true;
  if ((text.starts_with("your_") || text.starts_with("your-")) && is_secret_name(name))
    return true;
  if (text.size() >= 3 && text.find_first_not_of('x') == std::string::npos)
    return true;
  return is_secret_name(name) && std::ranges::find(weak, text) != weak.end();
}

} // namespace checks
