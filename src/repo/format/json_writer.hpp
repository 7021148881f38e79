#pragma once
// Json writer: objects with members in the order they are given, as Go's encoder writes structs.

#include "repo/format/json.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace repo::format {

class JsonObject { // appends to `out`; one at a time
public:
  explicit JsonObject(std::string& out) : out_{out} { out_ += '{'; }
  JsonObject(const JsonObject&) = delete;
  JsonObject& operator=(const JsonObject&) = delete;
  // begin() a member, then append its value to the text itself.
  void begin(std::string_view name) {
    if (!is_first_)
      out_ += ',';
    is_first_ = false;
    out_ += '"';
    out_ += name;
    out_ += "\":";
  }
  void text(std::string_view name, std::string_view value) {
    begin(name);
    append_json_string(out_, value);
  }
  void plain(std::string_view name, std::string_view value) { // needs no escape
    begin(name);
    out_ += '"';
    out_ += value;
    out_ += '"';
  }
  void number(std::string_view name, std::uint64_t value) {
    begin(name);
    out_ += std::to_string(value);
  }
  void id(std::string_view name, const Id& value) { plain(name, value.hex()); }
  // Left out when empty or zero ("omitempty").
  void some_text(std::string_view name, std::string_view value) {
    if (!value.empty())
      text(name, value);
  }
  void some_number(std::string_view name, std::uint64_t value) {
    if (value != 0)
      number(name, value);
  }
  void some_id(std::string_view name, const std::optional<Id>& value) {
    if (value)
      id(name, *value);
  }
  void texts(std::string_view name, const std::vector<std::string>& values) {
    begin(name);
    for (std::size_t at = 0; at < values.size(); ++at) {
      out_ += at == 0 ? '[' : ',';
      append_json_string(out_, values[at]);
    }
    out_ += values.empty() ? "[]" : "]";
  }
  void end() { out_ += '}'; }

private:
  std::string& out_;
  bool is_first_ = true;
};

} // namespace repo::format
