#pragma once
// Driver trial: drives a program through every promise of docs/formats/driver-protocol.md, for
// those who write one. Works in a scratch folder; of a folder that is named only what the program
// does.

#include "app/app.hpp"

#include <functional>
#include <string>
#include <vector>

namespace app {

struct TrialOptions {
  std::vector<std::string> argv; // argv[0] absolute, or looked up in PATH
  std::string kind;              // "runtime", "store"; empty: as `describe` says
  std::string folder;            // where it runs; empty: a scratch folder with something to work on
  std::vector<std::string> labels;     // runtime: two releases; empty: those of the scratch folder
  std::string change;                  // store: a program that changes the data ...
  std::string look;                    // ... and one that prints it; empty: the files in `data`
  world::Milliseconds timeout{30'000}; // of one request
};

struct Promise {
  std::string text; // what was promised
  bool is_kept = false;
  std::string why; // it is not
};

struct Tried {
  int kept = 0;
  int broken = 0;
  std::string scratch; // left behind, to look at, when something is broken
};

// Tells each promise as soon as it was tried. After a request that did not end in time no more is
// tried. An error only when nothing could be tried.
base::Result<Tried> try_driver(const Host& host, const TrialOptions& options,
                               const std::function<void(const Promise&)>& tell);

} // namespace app
