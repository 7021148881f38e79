#include "drivers/docker/record.hpp"

#include "base/digest.hpp"
#include "base/text.hpp"

#include <algorithm>

namespace drivers::docker {

using base::Error;
using base::ErrorKind;
using base::Result;

namespace {

constexpr int format = 1;

void drop_nulls(Json& value) {
  if (!value.is_object())
    return;
  for (auto at = value.begin(); at != value.end();) {
    if (at->is_null()) {
      at = value.erase(at);
      continue;
    }
    drop_nulls(*at);
    ++at;
  }
}

bool is_shared(const std::string& mode) {
  return mode == "host" || mode.starts_with("container:");
}

// What the image says too is not the owner's: the next image may say something else.
void drop_what_image_says(Json& config, const Json& of_image) {
  for (const char* key : {"WorkingDir", "User", "StopSignal", "Shell", "Healthcheck"})
    if (config.contains(key) &&
        (config[key] == "" || (of_image.contains(key) && config[key] == of_image[key])))
      config.erase(key);
  if (config.contains("Env") && config["Env"].is_array()) {
    const Json& known = list(of_image, "Env");
    Json own = Json::array();
    for (const Json& variable : config["Env"])
      if (std::ranges::find(known, variable) == known.end())
        own.push_back(variable);
    config["Env"] = own;
  }
  for (const char* key : {"Labels", "ExposedPorts", "Volumes"}) {
    if (!config.contains(key) || !config[key].is_object())
      continue;
    Json own = Json::object();
    for (const auto& [name, value] : config[key].items())
      if (const Json& known = part(of_image, key); !known.contains(name) || known[name] != value)
        own[name] = value;
    config[key] = own;
  }
  const auto said = [](const Json& of, const char* key) {
    const auto found = of.find(key);
    return found == of.end() || found->is_null() ? Json::array() : *found;
  };
  if (said(config, "Entrypoint") != said(of_image, "Entrypoint"))
    return; // then the image's arguments do not count either
  config.erase("Entrypoint");
  if (said(config, "Cmd") == said(of_image, "Cmd"))
    config.erase("Cmd");
}

void drop_own_labels(Json& config) {
  if (!config.contains("Labels"))
    return;
  Json& labels = config["Labels"];
  for (auto at = labels.begin(); at != labels.end();)
    at = at.key().starts_with("belay.") ? labels.erase(at) : std::next(at);
}

bool binds(const Json& host, const std::string& destination) {
  return std::ranges::any_of(list(host, "Binds"), [&](const Json& bind) {
    if (!bind.is_string())
      return false;
    const auto words = base::split(bind.get<std::string>(), ':');
    return words.size() > 1 && words[1] == destination;
  });
}

// A volume that got its name from the engine would be another, empty one in the next container.
void name_volumes(const Json& container, Json& host) {
  for (const Json& mount : list(container, "Mounts")) {
    if (text(mount, "Type") != "volume" || binds(host, text(mount, "Destination")))
      continue;
    bool is_mount = false;
    if (const auto all = host.find("Mounts"); all != host.end() && all->is_array())
      for (Json& wanted : *all)
        if (text(wanted, "Target") == text(mount, "Destination")) {
          is_mount = true;
          if (text(wanted, "Source").empty())
            wanted["Source"] = text(mount, "Name");
        }
    if (is_mount)
      continue;
    if (!host.contains("Binds") || !host["Binds"].is_array())
      host["Binds"] = Json::array();
    host["Binds"].push_back(text(mount, "Name") + ":" + text(mount, "Destination") +
                            (truth(mount, "RW") ? "" : ":ro"));
  }
}

// As it is listed: "/db:/web/database"; as it is wanted: "db:database".
Json link_as_wanted(const Json& link) {
  const auto words = base::split(link.is_string() ? link.get<std::string>() : "", ':');
  if (words.size() != 2)
    return link;
  return base::name_of_path(words[0]) + ":" + base::name_of_path(words[1]);
}

Json networks_of(const Json& container, Json& host) {
  const std::string short_id = text(container, "Id").substr(0, 12);
  const std::string mode = text(host, "NetworkMode");
  Json networks = Json::object();
  if (is_shared(mode) || mode == "none")
    return networks;
  for (const auto& [name, seen] : part(part(container, "NetworkSettings"), "Networks").items()) {
    if (!mode.empty() && text(seen, "NetworkID") == mode)
      host["NetworkMode"] = name;
    Json endpoint = Json::object();
    for (const char* key : {"IPAMConfig", "Links", "DriverOpts"})
      if (seen.contains(key) && !seen[key].is_null())
        endpoint[key] = seen[key];
    Json aliases = Json::array();
    for (const Json& alias : list(seen, "Aliases"))
      if (alias != short_id)
        aliases.push_back(alias);
    if (!aliases.empty())
      endpoint["Aliases"] = aliases;
    networks[name] = endpoint;
  }
  return networks;
}

} // namespace

Record record_of(const Json& container, const Json& image) {
  Record record;
  const std::string id = text(container, "Id");
  record.name = base::name_of_path(text(container, "Name"));
  record.image = text(container, "Image");
  record.reference = text(part(container, "Config"), "Image");
  record.config = part(container, "Config");
  record.host = part(container, "HostConfig");
  drop_nulls(record.config);
  drop_nulls(record.host);
  Json of_image = part(image, "Config");
  drop_nulls(of_image);
  drop_what_image_says(record.config, of_image);
  drop_own_labels(record.config);
  const std::string mode = text(record.host, "NetworkMode");
  if (is_shared(mode) || text(record.host, "UTSMode") == "host" ||
      text(record.config, "Hostname") == id.substr(0, 12))
    for (const char* key : {"Hostname", "Domainname"})
      record.config.erase(key);
  for (const char* key : {"Image", "ArgsEscaped", "OnBuild"})
    record.config.erase(key);
  for (const char* key : {"ContainerIDFile", "AutoRemove", "ConsoleSize"})
    record.host.erase(key);
  if (record.host.contains("Links"))
    for (Json& link : record.host["Links"])
      link = link_as_wanted(link);
  name_volumes(container, record.host);
  record.networks = networks_of(container, record.host);
  return record;
}

void set_environment(Record& record,
                     const std::vector<std::pair<std::string, std::string>>& variables) {
  Json& all = record.config["Env"];
  if (!all.is_array())
    all = Json::array();
  for (const auto& [name, value] : variables) {
    const auto is_it = [start = name + "="](const Json& entry) {
      return entry.is_string() && entry.get_ref<const std::string&>().starts_with(start);
    };
    const Json wanted = name + "=" + value;
    const auto found = std::ranges::find_if(all, is_it);
    if (found == all.end())
      all.push_back(wanted);
    else
      *found = wanted;
  }
}

std::string digest_of(const Record& record) {
  return base::sha256_hex("container 1\n" + record.image + "\n" + record.config.dump() + "\n" +
                          record.host.dump() + "\n" + record.networks.dump());
}

std::string first_network(const Record& record) {
  const std::string mode = text(record.host, "NetworkMode");
  if (record.networks.contains(mode))
    return mode;
  if ((mode.empty() || mode == "default") && record.networks.contains("bridge"))
    return "bridge";
  return "";
}

Json restart_policy(const Record& record) {
  const auto found = record.host.find("RestartPolicy");
  if (found == record.host.end() || text(*found, "Name").empty())
    return {{"Name", "no"}, {"MaximumRetryCount", 0}};
  return *found;
}

Json create_body(const Record& record, const Json& labels, bool with_all_networks) {
  Json body = record.config;
  body["Image"] = record.image;
  if (!body.contains("Labels"))
    body["Labels"] = Json::object();
  body["Labels"].update(labels);
  body["HostConfig"] = record.host;
  body["HostConfig"]["RestartPolicy"] = {{"Name", "no"}};
  const std::string first = first_network(record);
  Json endpoints = Json::object();
  for (const auto& [name, endpoint] : record.networks.items())
    if (name == first || with_all_networks)
      endpoints[name] = endpoint;
  if (!endpoints.empty())
    body["NetworkingConfig"] = {{"EndpointsConfig", endpoints}};
  return body;
}

std::string text_of(const Record& record) {
  return Json{{"format", format},
              {"name", record.name},
              {"image", record.image},
              {"reference", record.reference},
              {"pin", record.pin},
              {"container", record.container},
              {"digest", digest_of(record)},
              {"config", record.config},
              {"host", record.host},
              {"networks", record.networks}}
             .dump(2) +
         "\n";
}

Result<Record> record_in(std::string_view bytes) {
  const Json read = Json::parse(bytes, nullptr, false);
  const Error damaged{ErrorKind::corrupt, "the record of the container is damaged", ""};
  if (!read.is_object() || !read.contains("format") || !read["format"].is_number_integer())
    return damaged;
  if (read["format"].get<int>() > format)
    return Error{ErrorKind::too_new, "the record of the container is of a newer belay", ""};
  Record record{.name = text(read, "name"),
                .image = text(read, "image"),
                .reference = text(read, "reference"),
                .pin = text(read, "pin"),
                .container = text(read, "container"),
                .config = part(read, "config"),
                .host = part(read, "host"),
                .networks = part(read, "networks")};
  if (record.name.empty() || record.image.empty() || text(read, "digest") != digest_of(record))
    return damaged;
  return record;
}

std::vector<std::string> unnamed_volumes(const Json& container) {
  std::vector<std::string> found;
  for (const Json& mount : list(container, "Mounts"))
    if (const std::string name = text(mount, "Name");
        text(mount, "Type") == "volume" && name.size() == 64 &&
        name.find_first_not_of("0123456789abcdef") == std::string::npos)
      found.push_back(text(mount, "Destination"));
  return found;
}

std::vector<domain::Mount> mounts_of(const Json& container) {
  std::vector<domain::Mount> found;
  for (const Json& mount : list(container, "Mounts")) {
    const std::string folder = text(mount, "Source");
    if (text(mount, "Type") == "volume")
      found.push_back({text(mount, "Destination"), text(mount, "Name"), folder});
    else if (text(mount, "Type") == "bind")
      found.push_back({text(mount, "Destination"), folder, folder});
  }
  return found;
}

} // namespace drivers::docker
