// Build, the part for the repository of a stack.
#include "base/text.hpp"
#include "config/build.hpp"
#include "config/secret_texts.hpp"

#include <algorithm>
#include <array>

namespace config {
namespace {

// "sftp:host:/path" is no path: something with a colon stands before the first slash.
bool is_elsewhere(const std::string& text) {
  const auto colon = text.find(':');
  return colon != std::string::npos && colon < text.find('/');
}

// What the backends ask for (repo/backend): any other name here would do nothing.
constexpr std::array variables{
    "AWS_ACCESS_KEY_ID",  "AWS_SECRET_ACCESS_KEY",       "AWS_SESSION_TOKEN",
    "AWS_PROFILE",        "AWS_SHARED_CREDENTIALS_FILE", "AWS_REGION",
    "AWS_DEFAULT_REGION", "RESTIC_REST_USERNAME",        "RESTIC_REST_PASSWORD"};
constexpr double part_bytes_min = 5.0 * (1U << 20U); // as S3 has it
constexpr double part_bytes_max = 5.0 * (1U << 30U);

void build_options(const Building& building, const Value& section, const std::string& path,
                   domain::PlaceSpec& place) {
  for (const auto& [name, value] : section.members) {
    const std::string kind = name.substr(0, name.find('.')) + ":";
    if (!place.location.starts_with(kind))
      building.problems.add(value.mark,
                            quoted(path + ".options." + name) + " is for places that begin with " +
                                quoted(kind),
                            "This one does not: leave it out.");
    if (name == "s3.part-size" && (value.number < part_bytes_min || value.number > part_bytes_max))
      building.problems.add(value.mark,
                            quoted(path + ".options." + name) + " must be a size from 5MiB to 5GiB",
                            "S3 takes no other parts.");
    place.options.emplace_back(name, value.text);
  }
}

void build_variables(const Building& building, const Value& section, const std::string& path,
                     domain::PlaceSpec& place) {
  const std::vector<std::string> known{variables.begin(), variables.end()};
  for (const auto& [name, value] : section.members) {
    const auto near = base::nearest(name, known);
    const std::string kind = name.starts_with("AWS_") ? "s3:" : "rest:";
    if (std::ranges::find(known, name) == known.end())
      building.problems.add(value.mark, quoted(path + ".env." + name) + " is used by no place",
                            near ? "Did you mean '" + *near + "'?"
                                 : "Known here are " + base::join(known, ", ") + ".");
    else if (!place.location.starts_with(kind))
      building.problems.add(value.mark,
                            quoted(path + ".env." + name) + " is for places that begin with " +
                                quoted(kind),
                            "This one does not: leave it out.");
    if (!value.is_reference && looks_secret(name) && name != "AWS_ACCESS_KEY_ID")
      building.warn(value.mark, quoted(path + ".env." + name) +
                                    " stands in clear text; 'file:PATH' keeps it out of this file");
  }
  place.environment = build_environment(section);
}

std::uint64_t rate_of(const Building& building, const Value& section, const std::string& path,
                      const char* key) {
  const Value* value = section.find(key);
  if (value != nullptr && value->number < 1)
    building.problems.add(value->mark, quoted(path + "." + key) + " would let nothing through",
                          "Write how much a second, as 2MiB, or leave it out.");
  return value == nullptr ? 0 : static_cast<std::uint64_t>(value->number);
}

// `section` is `path` of the file.
domain::PlaceSpec build_place(const Building& building, const Value& section,
                              const std::string& path) {
  domain::PlaceSpec place;
  Value folder = section.at("path");
  if (folder.text.starts_with("local:"))
    folder.text.erase(0, 6);
  if (!is_elsewhere(folder.text)) {
    folder.text = base::absolute_path(folder.text, building.stack.project_folder);
    check_own_folder(building, path + ".path", folder);
    if (base::is_inside(folder.text, building.stack.state_folder) ||
        base::is_inside(building.stack.state_folder, folder.text))
      building.problems.add(folder.mark,
                            quoted(path + ".path") + " and the state folder hold one another",
                            "Choose a folder that holds nothing else, best on another disk.");
  }
  place.location = folder.text;
  place.password = secret_of(section.at("password").text);
  build_options(building, section.at("options"), path, place);
  if (const Value* env = section.find("env"))
    build_variables(building, *env, path, place);
  place.limit_upload = rate_of(building, section, path, "limit_upload");
  place.limit_download = rate_of(building, section, path, "limit_download");
  return place;
}

} // namespace

domain::RepositorySpec build_repository(const Building& building, const Value& section) {
  domain::RepositorySpec repository{build_place(building, section, "repository"), {}};
  const Value* copy = section.find("copy_to");
  if (copy == nullptr)
    return repository;
  repository.copy = build_place(building, *copy, "repository.copy_to");
  if (repository.copy->location == repository.first.location)
    building.problems.add(copy->at("path").mark,
                          "'repository.copy_to.path' is the place that it would be a copy of",
                          "Name another one, best on another machine.");
  return repository;
}

} // namespace config
