#pragma once
// Exclude: patterns of paths that are left out of a backup, as restic reads them.

#include "base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace repo {

// `*` any characters but '/', `?` one, `[a-z]` `[^a]` one of these, `\` takes the next as it is, a
// part `**` any number of parts. With a leading '/' the pattern is of the whole path, otherwise of
// any run of its parts. What is below something excluded is never looked at. A leading '!' takes
// back in what an earlier pattern left out.
class Excludes {
public:
  Excludes() = default;
  // invalid_input: a pattern has a '[' without an end, or is empty.
  static base::Result<Excludes> of(const std::vector<std::string>& patterns);
  bool matches(std::string_view path) const; // absolute

private:
  struct Pattern {
    std::vector<std::string> parts;
    bool is_absolute = false;
    bool takes_back = false;
  };
  std::vector<Pattern> patterns_;
};

// A pattern a line; empty lines and those that begin with '#' are passed over.
std::vector<std::string> patterns_of(std::string_view file_text);

} // namespace repo
