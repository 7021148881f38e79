// Build, the part for the repository of a stack.
#include "base/text.hpp"
#include "config/build.hpp"

namespace config {
namespace {

// "sftp:host:/path" is no path: something with a colon stands before the first slash.
bool is_elsewhere(const std::string& text) {
  const auto colon = text.find(':');
  return colon != std::string::npos && colon < text.find('/');
}

domain::PlaceSpec build_place(const Building& building, const Value& section,
                              const std::string& path) {
  domain::PlaceSpec place;
  Value folder = section.at("path");
  if (folder.text.starts_with("local:"))
    folder.text.erase(0, 6);
  if (!is_elsewhere(folder.text)) {
    folder.text = base::absolute_path(folder.text, building.stack.project_folder);
    check_own_folder(building, path, folder);
    if (base::is_inside(folder.text, building.stack.state_folder) ||
        base::is_inside(building.stack.state_folder, folder.text))
      building.problems.add(folder.mark, quoted(path) + " and the state folder hold one another",
                            "Choose a folder that holds nothing else, best on another disk.");
  }
  place.location = folder.text;
  place.password = secret_of(section.at("password").text);
  return place;
}

} // namespace

domain::RepositorySpec build_repository(const Building& building, const Value& section) {
  domain::RepositorySpec repository{build_place(building, section, "repository.path"), {}};
  const Value* copy = section.find("copy_to");
  if (copy == nullptr)
    return repository;
  repository.copy = build_place(building, *copy, "repository.copy_to.path");
  if (repository.copy->location == repository.first.location)
    building.problems.add(copy->at("path").mark,
                          "'repository.copy_to.path' is the place that it would be a copy of",
                          "Name another one, best on another machine.");
  return repository;
}

} // namespace config
