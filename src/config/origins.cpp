#include "config/origins.hpp"

#include "base/digest.hpp"
#include "config/secret_texts.hpp"

#include <algorithm>
#include <array>

namespace config {
namespace {

using Path = std::vector<std::string>;

// A value of `env` that would be read as a reference if it were written alone.
std::string leaf_json(const Value& value, const Path& path) {
  const bool is_variable =
      (path.size() == 4 && (path[0] == "services" || path[0] == "stores") && path[2] == "env") ||
      (path.size() >= 3 && path[0] == "repository" && path[path.size() - 2] == "env");
  if (is_variable && !value.is_reference &&
      (value.text.starts_with("file:") || value.text.starts_with("env:")))
    return "{\"text\":" + value.json + "}";
  return value.json;
}

// Literals only: references are what keeps secrets out of the file.
bool hides(const Value& value, const Path& path) {
  if (value.is_reference || path.size() < 2)
    return false;
  const std::string& section = path[path.size() - 2];
  if (section != "env" && section != "headers")
    return false;
  const bool has_login = value.text.contains("://") && value.text.contains('@');
  return has_login || looks_secret(path.back());
}

template <class Use>
void each_leaf(const Value& value, Path& path, const Use& use) {
  const auto inside = [&](std::string key, const Value& part) {
    path.push_back(std::move(key));
    each_leaf(part, path, use);
    path.pop_back();
  };
  if (value.kind == Value::Kind::leaf)
    return use(path, value, leaf_json(value, path));
  if (value.members.empty() && value.items.empty())
    return use(path, value, value.kind == Value::Kind::items ? "[]" : "{}");
  for (const auto& [key, member] : value.members)
    inside(key, member);
  for (std::size_t i = 0; i < value.items.size(); ++i)
    inside("[" + std::to_string(i) + "]", value.items[i]);
}

} // namespace

bool looks_secret(std::string_view name) {
  std::string lower{name};
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  constexpr std::array words{"secret", "password", "passwd", "pass", "token", "key", "credential",
                             "auth",   "private",  "cookie", "salt", "dsn",   "jwt"};
  return std::ranges::any_of(words, [&](const char* word) { return lower.contains(word); });
}

std::vector<Origin> origins_of(const Value& root) {
  std::vector<Origin> origins;
  Path path;
  each_leaf(root, path, [&](const Path& at, const Value& value, std::string json) {
    if (hides(value, at))
      json = "\"(hidden)\"";
    origins.push_back({at, std::move(json), value.from});
  });
  return origins;
}

std::string digest_of(const Value& root) {
  base::Sha256 digest;
  Path path;
  each_leaf(root, path, [&](const Path& at, const Value&, const std::string& json) {
    std::string line;
    for (const std::string& part : at)
      line += json_text(part) + " ";
    digest.update(line + json + "\n");
  });
  return digest.hex();
}

} // namespace config
