#pragma once
// Json: what an engine answers, read so that a value of another type is an absent one.

#include <string>

#include <nlohmann/json.hpp>

namespace drivers::docker {

using Json = nlohmann::json;

inline const Json& part(const Json& whole, const char* key) { // an object
  static const Json nothing = Json::object();
  const auto found = whole.find(key);
  return found == whole.end() || !found->is_object() ? nothing : *found;
}
inline const Json& list(const Json& whole, const char* key) { // an array
  static const Json nothing = Json::array();
  const auto found = whole.find(key);
  return found == whole.end() || !found->is_array() ? nothing : *found;
}
inline std::string text(const Json& whole, const char* key) {
  const auto found = whole.find(key);
  return found == whole.end() || !found->is_string() ? "" : found->get<std::string>();
}
inline bool truth(const Json& whole, const char* key) {
  const auto found = whole.find(key);
  return found != whole.end() && found->is_boolean() && found->get<bool>();
}
inline std::int64_t number(const Json& whole, const char* key) {
  const auto found = whole.find(key);
  return found == whole.end() || !found->is_number_integer() ? 0 : found->get<std::int64_t>();
}

// Of a container as `inspect` tells it, and as the list of containers does.
inline std::string label(const Json& container, const char* name) {
  return text(part(part(container, "Config"), "Labels"), name);
}
inline std::string listed_label(const Json& container, const char* name) {
  return text(part(container, "Labels"), name);
}

// It runs, or would in a moment.
inline bool is_up(const Json& container) {
  const Json& state = part(container, "State");
  return truth(state, "Running") || truth(state, "Restarting") || truth(state, "Paused");
}

} // namespace drivers::docker
