#pragma once
// Problems: what is wrong in a file, each with its place; several are told at once.

#include "base/result.hpp"

#include <string>
#include <vector>

namespace config {

struct Mark { // from 1
  int line = 1;
  int column = 1;
  bool operator==(const Mark&) const = default;
};

class Problems {
public:
  explicit Problems(std::string file) : file_{std::move(file)} {}
  void add(Mark mark, std::string message, const std::string& hint = "");
  bool any() const { return !list_.empty(); }
  const std::string& file() const { return file_; }
  std::string place(Mark mark) const; // "belay.yaml:12:5"
  // The first ten by their place, one a line; call only when there are any.
  base::Error error() const;

private:
  struct Problem {
    Mark mark;
    std::string message;
    std::string hint;
  };
  std::string file_;
  std::vector<Problem> list_;
};

std::string quoted(const std::string& text);    // 'text'
std::string shortened(const std::string& text); // what a file says may be long

} // namespace config
