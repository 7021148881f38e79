#include "errands/stacks.hpp"

#include "base/text.hpp"

namespace errands {

using base::Error;
using base::ErrorKind;
using base::Result;

Stacks::Stacks(app::Host host, std::string program, std::vector<std::string> config_paths)
    : host_{std::move(host)}, program_{std::move(program)} {
  for (std::string& path : config_paths)
    stacks_.push_back({.name = {}, .config_path = std::move(path), .problem = {}});
  look();
}

Result<Place> Stacks::read(const std::string& config_path) const {
  app::Host host = host_;
  host.config_path = config_path;
  return place_of(std::move(host), program_);
}

const std::vector<KnownStack>& Stacks::look() {
  if (is_known_)
    return stacks_;
  for (KnownStack& stack : stacks_) {
    const auto place = read(stack.config_path);
    stack.problem = place ? "" : place.error().message;
    if (place)
      stack.name = place.value().stack;
  }
  return stacks_;
}

Result<Place> Stacks::find(const std::string& name) {
  for (const bool is_read_again : {false, true}) {
    const KnownStack* found = nullptr;
    for (const KnownStack& stack : stacks_) {
      if (stack.name != name)
        continue;
      if (found != nullptr)
        return Error{ErrorKind::conflict,
                     "two stacks are called '" + name + "': " + found->config_path + " and " +
                         stack.config_path,
                     "Give one of them another name, or serve one alone."};
      found = &stack;
    }
    if (found != nullptr) {
      Place place = TRY(read(found->config_path));
      if (place.stack == name)
        return place;
    }
    if (!is_read_again)
      look();
  }
  std::vector<std::string> names;
  for (const KnownStack& stack : stacks_)
    if (!stack.name.empty())
      names.push_back(stack.name);
  const auto near = base::nearest(name, names);
  return Error{ErrorKind::not_found,
               "there is no stack '" + base::printable(name.substr(0, 64)) + "' here",
               near                                 ? "Do you mean '" + *near + "'?"
               : names.empty() || names.size() > 20 ? ""
                                                    : "There is " + base::join(names, ", ") + "."};
}

} // namespace errands
