#include "repo/backend/s3_place.hpp"

#include "base/text.hpp"
#include "repo/backend/web.hpp"

#include <algorithm>

namespace repo::backend {

using base::Error;
using base::ErrorKind;
using base::Result;

namespace {

constexpr std::uint64_t part_bytes_default = 64U << 20U;
constexpr std::uint64_t part_bytes_min = 5U << 20U; // of every part but the last, as S3 has it
constexpr std::uint64_t part_bytes_max = std::uint64_t{5} << 30U;

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r");
  return begin == std::string_view::npos
             ? ""
             : text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

bool is_of_amazon(std::string_view host) {
  return host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn");
}

// "s3.eu-central-1.amazonaws.com" and "s3-eu-central-1.amazonaws.com" tell it.
std::string region_of_host(const std::string& host) {
  const auto end = host.find(".amazonaws.com");
  if (end == std::string::npos || host.size() < 4 || end <= 3)
    return "";
  if (!host.starts_with("s3.") && !host.starts_with("s3-"))
    return "";
  return host.substr(3, end - 3);
}

Result<S3Key> find_key(const Place& place, world::Files& files) {
  S3Key key{variable_of(place, "AWS_ACCESS_KEY_ID"), variable_of(place, "AWS_SECRET_ACCESS_KEY"),
            variable_of(place, "AWS_SESSION_TOKEN")};
  if (!key.id.empty() && !key.secret.empty())
    return key;
  std::string path = variable_of(place, "AWS_SHARED_CREDENTIALS_FILE");
  if (path.empty() && !variable_of(place, "HOME").empty())
    path = variable_of(place, "HOME") + "/.aws/credentials";
  const std::string named = variable_of(place, "AWS_PROFILE");
  const std::string profile = named.empty() ? "default" : named;
  if (!path.empty())
    if (const auto text = files.read(path, 1U << 20U))
      key = key_of_profile(text.value(), profile);
  if (key.id.empty() || key.secret.empty())
    return Error{ErrorKind::invalid_input, "there are no credentials for '" + place.location + "'",
                 "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write them into the profile "
                 "'" +
                     profile + "' of ~/.aws/credentials or AWS_SHARED_CREDENTIALS_FILE."};
  return key;
}

std::string find_region(const Place& place, const std::string& host) {
  for (std::string each : {option_of(place, "s3.region"), variable_of(place, "AWS_REGION"),
                           variable_of(place, "AWS_DEFAULT_REGION"), region_of_host(host)})
    if (!each.empty())
      return each;
  return "us-east-1";
}

Result<std::uint64_t> find_part_bytes(const Place& place) {
  const std::string text = option_of(place, "s3.part-size");
  if (text.empty())
    return part_bytes_default;
  const auto bytes = base::parse_bytes(text);
  if (!bytes || bytes.value() < part_bytes_min || bytes.value() > part_bytes_max)
    return Error{ErrorKind::invalid_input, "s3.part-size is not '" + text + "'",
                 "Write 5MiB to 5GiB."};
  return bytes.value();
}

// Whether the bucket stands in the name of the host.
Result<bool> is_virtual(const Place& place, const std::string& host, const std::string& bucket) {
  const std::string lookup = option_of(place, "s3.bucket-lookup");
  if (lookup == "path")
    return false;
  if (lookup == "dns")
    return true;
  if (!lookup.empty() && lookup != "auto")
    return Error{ErrorKind::invalid_input, "s3.bucket-lookup is not '" + lookup + "'",
                 "Write auto, path or dns."};
  return is_of_amazon(host) && !bucket.contains('.'); // a dot breaks the certificate
}

} // namespace

S3Key key_of_profile(std::string_view file, std::string_view profile) {
  S3Key key;
  bool is_in_it = false;
  for (const std::string& raw : base::split(file, '\n')) {
    const std::string_view line = trimmed(raw);
    if (line.starts_with('[') && line.ends_with(']')) {
      is_in_it = trimmed(line.substr(1, line.size() - 2)) == profile;
      continue;
    }
    const auto equals = line.find('=');
    if (!is_in_it || equals == std::string_view::npos || line.starts_with('#'))
      continue;
    const std::string_view name = trimmed(line.substr(0, equals));
    const std::string_view value = trimmed(line.substr(equals + 1));
    if (name == "aws_access_key_id")
      key.id = value;
    else if (name == "aws_secret_access_key")
      key.secret = value;
    else if (name == "aws_session_token")
      key.session_token = value;
  }
  return key;
}

Result<S3Place> parse_s3_place(const Place& place, world::Files& files) {
  std::string text = place.location.substr(3);
  if (text.starts_with("//"))
    text.erase(0, 2);
  if (!text.contains("://"))
    text.insert(0, "https://");
  const WebPlace web = TRY(parse_web_place(text));
  const Error wrong{ErrorKind::invalid_input, "the repository is not at a place of S3",
                    "Write it as s3:https://host/bucket/folder, without user and password: they "
                    "come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."};
  if (!web.user.empty() || web.path.size() < 2)
    return wrong;
  const std::string path = web.path.substr(1);
  const auto slash = std::min(path.find('/'), path.size());
  S3Place found;
  found.bucket = path.substr(0, slash);
  found.prefix = slash < path.size() ? path.substr(slash + 1) + "/" : "";
  if (found.bucket.empty() || found.prefix.starts_with('/') || found.prefix.contains("//") ||
      ("/" + found.prefix).contains("/../") || ("/" + found.prefix).contains("/./"))
    return wrong;
  const std::string scheme = web.url.substr(0, web.url.find("://") + 3);
  const std::string authority =
      web.url.substr(scheme.size(), web.url.size() - scheme.size() - web.path.size());
  found.host = authority;
  if (const char* port = scheme == "https://" ? ":443" : ":80"; found.host.ends_with(port))
    found.host.resize(found.host.size() - std::string_view{port}.size());
  const bool is_in_host = TRY(is_virtual(place, found.host, found.bucket));
  found.region = find_region(place, found.host);
  if (is_in_host)
    found.host = found.bucket + "." + found.host;
  else
    found.root = "/" + percent_encoded(found.bucket, false);
  found.endpoint = scheme + found.host;
  found.key = TRY(find_key(place, files));
  found.ca_file = option_of(place, "s3.ca-file");
  found.part_bytes = TRY(find_part_bytes(place));
  return found;
}

} // namespace repo::backend
