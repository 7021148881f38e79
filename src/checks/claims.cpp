// Claims: nobody else may say that a store of this stack is theirs.
#include "base/text.hpp"
#include "checks/look.hpp"
#include "checks/neighbour_files.hpp"

#include <algorithm>
#include <set>

namespace checks {

namespace {

constexpr const char* claims = "claims";
constexpr std::size_t text_bytes_max = 1U << 20U;

bool is_yaml(const std::string& name) {
  return name.ends_with(".yaml") || name.ends_with(".yml");
}
bool is_compose_name(const std::string& name) {
  return is_yaml(name) && (name.starts_with("docker-compose") || name.starts_with("compose"));
}
bool is_belay_name(const std::string& name) {
  return is_yaml(name) && name.contains("belay");
}

bool overlap(const std::string& a, const std::string& b) {
  return base::is_inside(a, b) || base::is_inside(b, a);
}

class Finder {
public:
  explicit Finder(const Look& look) : look_{look} {}

  void add_folder(const std::string& folder) {
    constexpr std::size_t names_max = 1000;
    const auto names = look_.world.files.list(folder);
    if (!names || names.value().size() > names_max)
      return;
    for (const std::string& name : names.value())
      if (is_compose_name(name) || is_belay_name(name))
        add_file(folder + "/" + name);
  }

  void add_file(const std::string& path) {
    const std::string real = look_.real_path(path);
    if (!seen_.insert(real).second)
      return;
    const auto text = look_.world.files.read(real, text_bytes_max);
    const std::string folder = base::parent_of(real);
    if (!text)
      return found_.unreadable.push_back(path + ": " + text.error().message);
    if (is_compose_name(base::name_of_path(real))) {
      auto services = parse_compose(text.value(), folder);
      if (!services)
        return found_.unreadable.push_back(path + ": " + services.error().message);
      return found_.compose.push_back({real, std::move(services).value()});
    }
    auto other = parse_other_stack(text.value(), folder);
    if (other && !other.value().name.empty() && !is_this_stack(other.value()))
      found_.stacks.push_back({real, std::move(other).value()});
  }

  NeighbourFiles take() { return std::move(found_); }

private:
  // One state folder has one lock: the same stack by another file.
  bool is_this_stack(const OtherStack& other) const {
    return other.name == look_.stack.name &&
           look_.real_path(other.state_folder) == look_.real_path(look_.stack.state_folder);
  }

  const Look& look_;
  NeighbourFiles found_;
  std::set<std::string> seen_;
};

void look_at_stacks(const Look& look, const NeighbourFiles& files) {
  for (const OtherFile& other : files.stacks)
    for (const std::string& place : other.stack.places)
      for (const domain::StoreSpec& store : look.stack.stores)
        if (!store.path.empty() && overlap(look.real_path(place), look.real_path(store.path)))
          look.block(claims, "stack '" + other.stack.name + "' of '" + other.path + "' claims '" +
                                 place + "', which is store '" + store.name +
                                 "' of this one: each would bring back over the other; remove it "
                                 "from one of them");
}

// A service of this very stack: belay stops it.
bool is_service_of_ours(const Look& look, const ComposeFile& file, const ComposeService& service) {
  const auto& stack = look.stack;
  return std::ranges::any_of(stack.compose.files,
                             [&](const auto& path) { return look.real_path(path) == file.path; }) &&
         std::ranges::find(stack.services, service.name, &domain::ServiceSpec::compose_service) !=
             stack.services.end();
}

void look_at_compose(const Look& look, const NeighbourFiles& files) {
  for (const ComposeFile& file : files.compose)
    for (const ComposeService& service : file.services) {
      if (is_service_of_ours(look, file, service))
        continue;
      for (const std::string& folder : service.folders)
        for (const domain::StoreSpec& store : look.stack.stores)
          if (!store.path.empty() && overlap(look.real_path(folder), look.real_path(store.path)))
            look.warn(claims, "service '" + service.name + "' of '" + file.path + "' mounts '" +
                                  folder + "', which is store '" + store.name +
                                  "': while it runs, two write to the same data; see that it does "
                                  "not run");
    }
}

// Two files that are merged into one project say so by their names.
bool are_merged(const std::string& a, const std::string& b) {
  return a.contains(".override.") || b.contains(".override.");
}

std::set<std::string> all_places(const ComposeFile& file) {
  std::set<std::string> all;
  for (const ComposeService& service : file.services) {
    for (const std::string& volume : service.volumes)
      all.insert("volume " + volume);
    for (const std::string& folder : service.folders)
      all.insert(folder);
  }
  return all;
}

void look_at_pairs(const Look& look, const NeighbourFiles& files) {
  for (auto a = files.compose.begin(); a != files.compose.end(); ++a)
    for (auto b = a + 1; b != files.compose.end(); ++b) {
      const bool may_share = base::parent_of(a->path) == base::parent_of(b->path);
      std::vector<std::string> shared;
      const auto places = all_places(*b);
      for (const std::string& place : all_places(*a))
        if (places.contains(place) && (may_share || !place.starts_with("volume ")))
          shared.push_back(place);
      if (!shared.empty() && !are_merged(a->path, b->path))
        look.warn(claims, "'" + a->path + "' and '" + b->path + "' both claim " +
                              base::join(shared, ", ") +
                              ": started by the wrong one, the other's containers write to the "
                              "same data; keep one of them elsewhere");
    }
}

// Kept copies lie under the id of the point; the ids of an operation share their stamp.
void look_at_kept(const Look& look) {
  const std::string& state = look.stack.state_folder;
  const auto is_known = [&](const std::string& id) {
    for (const std::string& path :
         {state + "/points/" + id, state + "/operations/o" + id.substr(1)})
      if (const auto info = look.world.files.info(path); info && info.value())
        return true;
    return false;
  };
  for (const domain::StoreFact& fact : look.request.stores) {
    std::vector<std::string> unknown;
    if (const auto names = look.world.files.list(fact.state.kept_folder);
        !fact.state.kept_folder.empty() && names)
      for (const std::string& name : names.value())
        if ((name.starts_with("p-") || name.starts_with("a-")) && !is_known(name))
          unknown.push_back(name);
    if (!unknown.empty())
      look.warn(claims, "store '" + fact.store + "' has " + std::to_string(unknown.size()) +
                            " kept copies of which this state folder knows nothing (" +
                            unknown.front() + " in '" + fact.state.kept_folder +
                            "'): another belay.yaml claims it, or a state folder was lost; find "
                            "out before going on");
  }
}

} // namespace

NeighbourFiles neighbour_files(const Look& look) {
  constexpr std::size_t folders_max = 200;
  Finder finder{look};
  const std::string& project = look.stack.project_folder;
  finder.add_folder(project);
  const std::string parent = base::parent_of(project);
  const auto names = look.world.files.list(parent);
  if (parent != "/" && names && names.value().size() <= folders_max)
    for (const std::string& name : names.value())
      if (const auto info = look.world.files.info(parent + "/" + name + "/belay.yaml");
          info && info.value())
        finder.add_file(parent + "/" + name + "/belay.yaml");
  for (const std::string& path : look.stack.preflight.neighbours) {
    const auto info = look.world.files.info(look.real_path(path));
    if (info && info.value() && info.value()->kind == world::EntryKind::folder)
      finder.add_folder(path);
    else
      finder.add_file(path);
  }
  return finder.take();
}

void look_at_claims(const Look& look) {
  const std::size_t before = look.findings.size();
  const NeighbourFiles files = neighbour_files(look);
  for (const std::string& path : files.unreadable)
    look.warn(claims, "cannot be read: " + path + ". Look by eye what it claims");
  look_at_stacks(look, files);
  look_at_compose(look, files);
  look_at_pairs(look, files);
  look_at_kept(look);
  if (look.findings.size() == before)
    look.ok(claims, "no other belay.yaml and no compose file nearby claims a store");
}

} // namespace checks
