#pragma once
// Options: the one table of what belay.yaml may hold. Parser, reference page and schema read it.

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

namespace config {

enum class Type {
  name,        // [a-z0-9][a-z0-9-]*
  text,        // any scalar, as it is written
  unit,        // name of a systemd service unit
  path,        // made absolute from the project folder
  url,         // http or https
  endpoint,    // host:port
  boolean,     // true or false
  integer,     // low..high
  number,      // with or without a fraction
  duration,    // low..high in milliseconds
  size,        // bytes: "512MiB"
  choice,      // one of `values`
  secret,      // file: or env:
  sha256,      // 64 hexadecimal digits
  words,       // list of text, at least one: an argv
  paths,       // list of path
  names,       // list of names of probes
  inner_paths, // list of paths inside the store or the release, relative
  json_values, // map: JSON path to wanted scalar
  headers,     // map: text to text
  variables,   // map: variable to text or secret reference
  runtime,     // `process`, or a map with that one key
  section,     // the keys of `shape`
  named,       // map: name to `shape`
  list,        // list of `shape`
};

struct Option {
  std::string_view key;
  Type type = Type::text;
  // As it would be written; {state}, {service} and {number} stand for what they say. Empty: none.
  std::string_view by_default;
  std::string_view doc;    // one sentence
  std::string_view shape;  // section, named, list: of what
  std::string_view values; // choice, and words that are no argv: "TERM INT QUIT HUP"
  // Keys of this shape, "http run": makes sense only beside one of them.
  std::string_view only_with;
  std::int64_t low = 0;
  std::int64_t high = std::numeric_limits<std::int64_t>::max();
  bool is_required = false;
  bool is_alternative = false; // exactly one of the alternatives of its shape is given
};

struct Shape {
  std::string_view name;
  std::string_view title; // of its part of the reference page
  std::string_view doc;
  std::span<const Option> own;
  std::span<const Option> shared; // more keys, those of every probe
};

std::span<const Shape> all_shapes(); // the first is the file itself
const Shape& shape_named(std::string_view name);

} // namespace config
