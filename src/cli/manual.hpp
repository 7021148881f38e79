#pragma once
// Manual: the commands 'manual' and 'completion', made from the table that parses the command line.

#include <string>

#include <CLI/CLI.hpp>

namespace cli {

class Manual {
public:
  // Adds both commands to `root`, which must outlive this.
  Manual(CLI::App& root, std::string version);
  bool is_asked() const; // after parsing: one of the two is what was typed
  std::string text() const;

private:
  CLI::App& root_;
  CLI::App* manual_;
  CLI::App* completion_;
  std::string version_;
  std::string format_ = "man";
  std::string shell_;
};

} // namespace cli
