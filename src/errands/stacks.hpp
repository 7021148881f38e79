#pragma once
// Stacks: those that clients may name, each with its belay.yaml.

#include "errands/place.hpp"

#include <string>
#include <vector>

namespace errands {

struct KnownStack {
  std::string name; // empty: never read yet
  std::string config_path;
  std::string problem; // why its belay.yaml cannot be used; empty: it can
};

class Stacks {
public:
  // `host` names no belay.yaml; `config_paths` are absolute.
  Stacks(app::Host host, std::string program, std::vector<std::string> config_paths);
  // These and no others, as somebody else has read them.
  Stacks(app::Host host, std::string program, std::vector<KnownStack> known)
      : host_{std::move(host)}, program_{std::move(program)}, stacks_{std::move(known)},
        is_known_{true} {}

  // Reads every belay.yaml again, unless they were known from the beginning.
  const std::vector<KnownStack>& look();
  // As its belay.yaml is now. not_found; conflict: two are called that; errors of app::load.
  base::Result<Place> find(const std::string& name);

private:
  base::Result<Place> read(const std::string& config_path) const;
  app::Host host_;
  std::string program_;
  std::vector<KnownStack> stacks_;
  bool is_known_ = false;
};

} // namespace errands
