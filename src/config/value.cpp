#include "config/value.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace config {

const Value* Value::find(std::string_view key) const {
  for (const auto& [name, value] : members)
    if (name == key)
      return &value;
  return nullptr;
}

const Value& Value::at(std::string_view key) const {
  const Value* found = find(key);
  CHECK(found != nullptr);
  return *found;
}

std::string Value::text_or_empty(std::string_view key) const {
  const Value* found = find(key);
  return found == nullptr ? "" : found->text;
}

std::string json_text(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::optional<std::string> json_number(std::string_view text) {
  const auto number = nlohmann::json::parse(text, nullptr, false);
  if (!number.is_number())
    return std::nullopt;
  return number.dump();
}

} // namespace config
