#include "checks/neighbours.hpp"

#include "base/text.hpp"
#include "config/yaml_tree.hpp"

#include <algorithm>
#include <array>

namespace checks {

using base::Result;
using config::Node;

namespace {

const Node* map_in(const Node& node, std::string_view key) {
  const Node* found = node.kind == Node::Kind::map ? node.find(key) : nullptr;
  return found != nullptr && found->kind == Node::Kind::map ? found : nullptr;
}
std::string text_in(const Node& node, std::string_view key) {
  const Node* found = node.kind == Node::Kind::map ? node.find(key) : nullptr;
  return found != nullptr && found->kind == Node::Kind::scalar ? found->text : "";
}

// "" when a variable stands in it: only its owner knows it.
std::string place_of(std::string path, const std::string& folder) {
  if (path.starts_with("{project}"))
    path = "." + path.substr(9);
  if (path.empty() || path.contains('$') || path.contains('{'))
    return "";
  return base::absolute_path(path, folder);
}

// "./data:/var/lib:ro", "data:/var/lib", or the long form.
void add_volume(ComposeService& service, const Node& volume, const std::string& folder) {
  const bool is_map = volume.kind == Node::Kind::map;
  const std::string source =
      is_map ? text_in(volume, "source") : volume.text.substr(0, volume.text.find(':'));
  if (source.empty() || (!is_map && !volume.text.contains(':')))
    return;                                                // an anonymous volume
  const std::string& said = is_map ? source : volume.text; // "${SOCKET:-/run/docker.sock}:/s"
  if (said.contains("docker.sock") || said.contains("podman.sock")) {
    service.has_docker = true;
  } else if (source[0] == '.' || source[0] == '/') {
    if (std::string place = place_of(source, folder); !place.empty())
      service.folders.push_back(std::move(place));
  } else if (!source.contains('$') && source[0] != '~') {
    service.volumes.push_back(source);
  }
}

} // namespace

Result<OtherStack> parse_other_stack(std::string_view text, const std::string& folder) {
  const Node root = TRY(config::parse_yaml(text, "belay.yaml"));
  OtherStack other;
  const Node* stores = map_in(root, "stores");
  if (stores == nullptr || text_in(root, "stack").empty())
    return other;
  other.name = text_in(root, "stack");
  const std::string state = text_in(root, "state");
  other.state_folder = place_of(state.empty() ? ".belay" : state, folder);
  for (const Node& store : stores->items)
    for (const char* kind : {"directory", "sqlite"})
      if (std::string place = place_of(text_in(store, kind), folder); !place.empty())
        other.places.push_back(std::move(place));
  return other;
}

Result<std::vector<ComposeService>> parse_compose(std::string_view text,
                                                  const std::string& folder) {
  const Node root = TRY(config::parse_yaml(text, "compose file"));
  std::vector<ComposeService> all;
  const Node* services = map_in(root, "services");
  const Node* named = map_in(root, "volumes");
  for (std::size_t i = 0; services != nullptr && i < services->items.size(); ++i) {
    const Node& node = services->items[i];
    ComposeService service{.name = services->keys[i].text,
                           .container = text_in(node, "container_name"),
                           .image = text_in(node, "image")};
    const Node* volumes = node.kind == Node::Kind::map ? node.find("volumes") : nullptr;
    if (volumes != nullptr && volumes->kind == Node::Kind::list)
      for (const Node& volume : volumes->items)
        add_volume(service, volume, folder);
    for (std::string& volume : service.volumes) // by the name that Docker knows
      if (const Node* entry = named == nullptr ? nullptr : map_in(*named, volume))
        if (const std::string name = text_in(*entry, "name"); !name.empty())
          volume = name;
    all.push_back(std::move(service));
  }
  return all;
}

bool is_auto_updater(std::string_view image) {
  constexpr std::array known{"watchtower",  "ouroboros",   "shepherd",        "dockcheck",
                             "diun",        "dockupdater", "whats-up-docker", "getwud/wud",
                             "pyouroboros", "keel",        "docker-autoheal", "autoheal"};
  return std::ranges::any_of(known, [&](const char* name) { return image.contains(name); });
}

} // namespace checks
