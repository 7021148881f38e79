// Repo place: from the options of a command to the place of a repository.

#include "base/text.hpp"
#include "cli/repo_work.hpp"

#include <CLI/CLI.hpp>

namespace cli {

using base::Error;
using base::ErrorKind;
using base::Result;
using repo::backend::Place;

namespace {

std::string first_line(const std::string& text) {
  const std::string line = text.substr(0, text.find('\n'));
  const auto end = line.find_last_not_of(" \t\r");
  return end == std::string::npos ? "" : line.substr(0, end + 1);
}

Result<std::uint64_t> rate_of(const std::string& text, const char* option) {
  if (text.empty())
    return std::uint64_t{0};
  // A bare number is what it is for restic.
  const bool is_bare = text.find_first_not_of("0123456789") == std::string::npos;
  auto bytes = base::parse_bytes(text + (is_bare ? "KiB" : ""));
  if (!bytes || bytes.value() == 0)
    return Error{ErrorKind::invalid_input, std::string{option} + " is not '" + text + "'",
                 "Write how much a second, as 2MiB."};
  return bytes;
}

} // namespace

void add_place(CLI::App* sub, RepoOptions& options) {
  sub->add_option("-r,--repo", options.repository,
                  "where it is: a folder, rest:URL, sftp:HOST:PATH, s3:URL; that of belay.yaml if "
                  "left out");
  sub->add_option("--repo-file", options.repository_file,
                  "file whose first line says where the repository is");
  sub->add_flag("--copy", options.is_second_place, "the `copy_to` of belay.yaml instead");
  sub->add_option("-o,--option", options.backend_options,
                  "NAME=VALUE, for the kind of place, as rest.ca-file=ca.pem");
  sub->add_option("--limit-upload", options.limit_upload, "send at most this a second, as 2MiB");
  sub->add_option("--limit-download", options.limit_download, "receive at most this a second");
  sub->add_option("--connections", options.connections, "use at most so many at the same time");
}

void add_memory(CLI::App* sub, RepoOptions& options) {
  const auto take = [&options](const std::string& text) {
    const auto bytes = base::parse_bytes(text);
    if (!bytes)
      throw CLI::ValidationError{"--memory", "write a size as 128MiB, not '" + text + "'"};
    options.memory_bytes = bytes.value();
  };
  sub->add_option_function<std::string>(
      "--memory", take, "take at most this beside the index, as 128MiB; 256MiB if left out");
}

Result<Place> RepoWork::place() const {
  std::string location = options_.repository;
  if (location.empty() && !options_.repository_file.empty())
    location = first_line(TRY(host_.world.files.read(absolute(options_.repository_file))));
  if (location.empty())
    return Error{ErrorKind::invalid_input, "no repository is named",
                 "Name one with --repo, a file that names it with --repo-file, or `repository:` in "
                 "belay.yaml."};
  if (location.starts_with("local:"))
    location.erase(0, 6);
  Place place;
  place.location = repo::backend::is_remote(location) ? location : absolute(location);
  place.environment = {host_.environment.begin(), host_.environment.end()};
  place.notice = [this](const std::string& notice) { say("belay: " + notice); };
  place.traffic = &progress_.traffic();
  TRY(put_options(place));
  return place;
}

Result<> RepoWork::put_options(Place& place) const {
  put_limit(place,
            {TRY(rate_of(options_.limit_upload, "--limit-upload")),
             TRY(rate_of(options_.limit_download, "--limit-download")), options_.connections});
  for (const std::string& option : options_.backend_options) {
    const auto equals = option.find('=');
    if (equals == std::string::npos)
      return Error{ErrorKind::invalid_input, "--option is not '" + option + "'",
                   "Write a name and its value, as rest.ca-file=ca.pem."};
    put_option(place, option.substr(0, equals), option.substr(equals + 1));
  }
  return base::ok();
}

Result<app::StackPlace> RepoWork::place_of_stack(app::Where where) const {
  const auto loaded = TRY(app::load(host_));
  auto place = TRY(app::stack_place(
      host_, loaded.stack, where, [this](const std::string& notice) { say("belay: " + notice); }));
  place.place.traffic = &progress_.traffic();
  TRY(put_options(place.place));
  return place;
}

Result<app::StackPlace> RepoWork::opening(const std::string& question, bool is_asked_twice) const {
  const bool is_named = !options_.repository.empty() || !options_.repository_file.empty();
  if (is_named && options_.is_second_place)
    return Error{ErrorKind::invalid_input, "--copy is the second place of belay.yaml",
                 "Name a repository with --repo, or take --copy, not both."};
  const bool has_config = TRY(host_.world.files.info(host_.config_path)).has_value();
  const bool has_password = !options_.password_file.empty() || !options_.password_command.empty();
  app::StackPlace where;
  if (!is_named && has_config)
    where = TRY(place_of_stack(options_.is_second_place ? app::Where::copy : app::Where::first));
  else
    where.place = TRY(place());
  if (where.name.empty() || has_password)
    where.password =
        TRY(password(options_.password_file, options_.password_command, question, is_asked_twice));
  return where;
}

} // namespace cli
