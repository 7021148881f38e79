#pragma once
// Guess: what the evidence means for a stack, before it is written as text.

#include "discovery/draft.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace discovery {

struct ReleaseGuess {
  std::string kind;      // "directory", "archive", "git"; empty: unknown
  std::string path;      // as belay.yaml writes it
  std::string checksums; // the same
  std::string why;
};

struct ServiceGuess {
  std::string name;
  std::string who; // "process 1204", "'start.sh'", "your answer"
  std::vector<std::string> why;
  std::vector<std::string> run; // as belay.yaml writes them, without quotes
  std::string working_folder;   // empty: the release folder
  ReleaseGuess release;
  std::vector<std::pair<std::string, std::string>> env;
  std::vector<std::string> env_why;
  std::string ready;    // "http", "tcp", "process"
  std::string ready_at; // URL or endpoint
  int ready_status = 200;
  bool ready_says_ok = false;
  std::string ready_why;
  std::string label; // of the release that runs now, when its folder tells
};

struct StoreGuess {
  std::string name;
  bool is_sqlite = false;
  std::string path; // absolute
  std::vector<std::string> exclude;
  std::string why;
};

struct Guess {
  std::string stack;
  std::string stack_why;
  std::vector<std::string> env_files; // absolute
  std::vector<ServiceGuess> services;
  std::vector<StoreGuess> stores;
  std::vector<std::pair<std::string, std::string>> config_files; // absolute path, why
  std::vector<Question> questions;
  std::vector<std::string> notes;
  std::vector<std::string> labels; // of releases, oldest first
};

base::Result<Guess> guess(const Seen& seen, const Answers& answers);

// A path as belay.yaml writes it: "./a" inside the project, every '$' doubled.
std::string yaml_path(const Seen& seen, const std::string& path);
std::string render(const Seen& seen, const Guess& guess);

} // namespace discovery
