#include "repo/backend/place.hpp"

#include "repo/backend/local.hpp"
#include "repo/backend/rest.hpp"
#include "repo/backend/retry.hpp"
#include "repo/backend/sftp.hpp"

#include <algorithm>
#include <array>

#include "repo/backend/s3.hpp"

namespace repo::backend {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

constexpr std::array schemes{"rest:", "sftp:", "s3:"};

// What `options` names must be known, or somebody believes in what does nothing.
Result<> check_options(const Place& place) {
  constexpr std::array known{"rest.ca-file",     "sftp.command", "sftp.args", "s3.region",
                             "s3.bucket-lookup", "s3.part-size", "s3.ca-file"};
  for (const auto& [name, value] : place.options) {
    if (std::ranges::find(known, name) == known.end()) {
      std::string all;
      for (const char* each : known)
        all += (all.empty() ? "" : ", ") + std::string{each};
      return Error{ErrorKind::invalid_input, "there is no option '" + name + "'",
                   "Known: " + all + "."};
    }
    const std::string scheme = name.substr(0, name.find('.')) + ":";
    if (!place.location.starts_with(scheme))
      return Error{ErrorKind::invalid_input,
                   "the option '" + name + "' is for repositories that begin with '" + scheme + "'",
                   ""};
  }
  return ok();
}

constexpr std::array login_of_aws{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
                                  "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE"};
constexpr std::array login_of_rest{"RESTIC_REST_USERNAME", "RESTIC_REST_PASSWORD"};

template <std::size_t count>
void drop_login(Place& place, const std::array<const char*, count>& login,
                const std::map<std::string, std::string>& more) {
  if (std::ranges::any_of(login, [&](const char* name) { return more.contains(name); }))
    for (const char* name : login)
      place.environment.erase(name);
}

Result<std::unique_ptr<Backend>> open_bare(const Place& place, const PlacePorts& ports) {
  if (place.location.starts_with("rest:"))
    return open_rest(place, ports);
  if (place.location.starts_with("sftp:"))
    return open_sftp(place, ports);
  if (place.location.starts_with("s3:"))
    return open_s3(place, ports);
  return std::unique_ptr<Backend>{std::make_unique<Local>(ports.files, place.location)};
}

} // namespace

void put_variables(Place& place, const std::map<std::string, std::string>& more) {
  drop_login(place, login_of_aws, more);
  drop_login(place, login_of_rest, more);
  for (const auto& [name, value] : more)
    place.environment[name] = value;
}

void put_limit(Place& place, const Limit& more) {
  Limit& limit = place.limit;
  if (more.upload_bytes_per_second != 0)
    limit.upload_bytes_per_second = more.upload_bytes_per_second;
  if (more.download_bytes_per_second != 0)
    limit.download_bytes_per_second = more.download_bytes_per_second;
  if (more.connections != 0)
    limit.connections = more.connections;
}

void put_option(Place& place, const std::string& name, const std::string& value) {
  std::erase_if(place.options, [&](const auto& each) { return each.first == name; });
  place.options.emplace_back(name, value);
}

std::string option_of(const Place& place, std::string_view name) {
  for (const auto& [each, value] : place.options)
    if (each == name)
      return value;
  return "";
}

std::string variable_of(const Place& place, const std::string& name) {
  const auto found = place.environment.find(name);
  return found == place.environment.end() ? "" : found->second;
}

bool is_remote(const std::string& location) {
  return std::ranges::any_of(schemes,
                             [&](const char* scheme) { return location.starts_with(scheme); });
}

Result<std::unique_ptr<Backend>> open_place(const Place& place, const PlacePorts& ports) {
  TRY(check_options(place));
  std::unique_ptr<Backend> backend = TRY(open_bare(place, ports));
  const Limit& limit = place.limit;
  if (limit.upload_bytes_per_second != 0 || limit.download_bytes_per_second != 0 ||
      limit.connections != 0)
    backend = std::make_unique<Limits>(std::move(backend), ports.clock, limit);
  // Outermost: who waits for a new attempt holds no connection.
  if (is_remote(place.location))
    backend = std::make_unique<Retry>(std::move(backend), ports.clock, ports.random, Patience{},
                                      place.notice);
  return backend;
}

} // namespace repo::backend
