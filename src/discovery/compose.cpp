#include "discovery/compose.hpp"

#include "base/text.hpp"
#include "discovery/guess.hpp"
#include "discovery/words.hpp"

#include <algorithm>
#include <array>

namespace discovery {

namespace {

// Their data decides what may run on it: a label of the stack says nothing of them.
bool is_database(const std::string& image) {
  constexpr std::array names{"postgres", "mysql",  "mariadb", "redis",  "valkey",
                             "mongo",    "qdrant", "neo4j",   "minio",  "rabbitmq",
                             "pgvector", "nats",   "kafka",   "elastic"};
  return std::ranges::any_of(names, [&](const char* name) { return image.contains(name); });
}

// "registry:5000/shop/web:1" -> "registry:5000/shop/web"; "" where a variable says it.
std::string repository_of(const std::string& image) {
  std::string name = image.substr(0, image.find('@'));
  const auto slash = name.rfind('/');
  const auto colon = name.find(':', slash == std::string::npos ? 0 : slash);
  if (colon != std::string::npos)
    name.resize(colon);
  return name.contains('$') ? "" : name;
}

std::string service_key(const std::string& name) {
  std::string key;
  for (const char c : name) {
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    const bool is_plain = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9');
    key += is_plain ? lower : '-';
  }
  while (key.starts_with('-'))
    key.erase(0, 1);
  return key.substr(0, 63);
}

class ComposeDrafter {
public:
  ComposeDrafter(const Seen& seen, const Answers& answers, const std::string& where,
                 const Compose& compose)
      : seen_{seen}, answers_{answers}, where_{where}, compose_{compose} {}

  Draft run() {
    choose_names();
    sort_services();
    std::string text = "# Written by 'belay init' from " + relative(where_) +
                       ". Look at each line before the first upgrade.\n";
    text += "stack: " + draft_.stack + "\n";
    text += "compose:\n  files: [" + relative(where_) + "]\n";
    if (!project_line_.empty())
      text += "  project: " + project_line_ + "\n";
    if (has_variables())
      text += "env_file: [.env]\n";
    text += "\nservices:                # in the order in which they start\n";
    for (const ComposeService* service : order_)
      text += service_text(*service);
    text += stores_text();
    text += "\nconfig_files: [" + relative(where_) + (has_variables() ? ", .env" : "") + "]\n";
    draft_.text = text;
    draft_.next = {"belay config", "belay check " + draft_.stack,
                   "belay upgrade " + draft_.stack + " --to LABEL"};
    return draft_;
  }

private:
  std::string relative(const std::string& path) const { return relative_to(seen_.folder, path); }

  bool has_variables() const {
    return std::ranges::any_of(all_of<Variables>(seen_), [&](const auto& each) {
      return each.first->where == seen_.folder + "/.env" && each.second->is_readable;
    });
  }

  bool has_project_variable() const {
    return std::ranges::any_of(all_of<Variables>(seen_), [&](const auto& each) {
      const auto& names = each.second->names;
      return each.first->where == seen_.folder + "/.env" &&
             std::ranges::find(names, "COMPOSE_PROJECT_NAME") != names.end();
    });
  }

  void choose_names() {
    const std::string folder = service_key(base::name_of_path(seen_.folder));
    std::string name = compose_.name.contains('$') ? "" : compose_.name;
    project_ = name;
    if (name.empty())
      for (const char c : base::name_of_path(seen_.folder)) {
        const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        if ((lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') || lower == '-' ||
            lower == '_')
          project_ += lower; // as compose does
      }
    project_line_ = project_;
    if (has_project_variable())
      project_ = project_line_ = "${COMPOSE_PROJECT_NAME}";
    const auto answer = answers_.find("stack");
    draft_.stack = answer != answers_.end() ? answer->second
                   : name.empty()           ? folder
                                            : service_key(name);
  }

  // What others wait for comes first. What ends by itself is no service.
  void sort_services() {
    std::vector<const ComposeService*> left;
    for (const ComposeService& service : compose_.services) {
      if (service.is_one_shot)
        draft_.notes.push_back("service " + service.name +
                               " of the compose file runs once and ends: if it migrates data, say "
                               "so in `upgrade.migrate` (docs/guide/migrations.md)");
      else
        left.push_back(&service);
    }
    while (!left.empty()) {
      const auto waits = [&](const ComposeService* service) {
        return std::ranges::any_of(left, [&](const ComposeService* other) {
          return other != service &&
                 std::ranges::find(service->needs, other->name) != service->needs.end();
        });
      };
      auto next = std::ranges::find_if_not(left, waits);
      if (next == left.end())
        next = left.begin(); // a circle
      order_.push_back(*next);
      left.erase(next);
    }
  }

  std::string service_text(const ComposeService& service) {
    const std::string key = service_key(service.name);
    std::string text = "  " + key + ":\n    compose: " + service.name + "\n";
    const std::string repository = repository_of(service.image);
    if (service.is_built && service.image.empty())
      draft_.notes.push_back("service " + service.name +
                             " is built and has no `image:`: name one in the compose file, with a "
                             "tag that moves, and here as `image: \"NAME:{to}\"`");
    else if (repository.empty())
      draft_.notes.push_back("the image of service " + service.name +
                             " is said by a variable: give `image: \"NAME:{to}\"` here, or change "
                             "the variable with each upgrade");
    else if (!is_database(repository) && (main_image_.empty() || main_image_ == repository))
      text += "    image: \"" + (main_image_ = repository) + ":{to}\"\n";
    else
      text += "    # image: \"" + repository +
              ":{to}\"   (now as the compose file says: " + base::printable(service.image) + ")\n";
    if (service.has_health)
      text += "    ready: { process: true, within: 2m }   # its health check counts\n";
    else if (!service.port.empty())
      text += "    ready: { tcp: \"127.0.0.1:" + service.port + "\" }   # better: http\n";
    else
      text += "    ready: { process: true }   # it has no health check and no port\n";
    return text;
  }

  std::string stores_text() {
    std::string text;
    std::vector<std::string> known;
    for (const ComposeService& service : compose_.services)
      for (const ComposeMount& mount : service.mounts) {
        const std::string place = place_of(mount);
        if (place.empty() || std::ranges::find(known, place) != known.end())
          continue;
        known.push_back(place);
        const std::string key = service_key(base::name_of_path(mount.source));
        text += "  " + (key.empty() ? service_key(service.name) + "-data" : key) +
                ": { volume: \"" + place + "\" }   # " + base::printable(mount.target) + " of " +
                service.name + "\n";
        if (is_database(service.image))
          draft_.notes.push_back("store " + key + " is the folder of a database (" + service.name +
                                 "): it is copied when that is stopped, so keep " + service.name +
                                 " among the services");
      }
    return text.empty() ? "" : "\nstores:\n" + text;
  }

  // As belay.yaml names it; empty: no data.
  std::string place_of(const ComposeMount& mount) const {
    if (mount.is_read_only || mount.source.empty())
      return "";
    if (!mount.is_volume)
      return mount.is_folder ? mount.source : "";
    for (const auto& [name, is] : compose_.volume_names)
      if (name == mount.source && !is.empty())
        return is;
    return project_ + "_" + mount.source;
  }

  const Seen& seen_;
  const Answers& answers_;
  const std::string& where_;
  const Compose& compose_;
  Draft draft_;
  std::string project_;
  std::string project_line_;
  std::string main_image_;
  std::vector<const ComposeService*> order_;
};

} // namespace

std::optional<Draft> draft_of_compose(const Seen& seen, const Answers& answers) {
  if (answers.contains("run") || answers.contains("release"))
    return std::nullopt;
  for (const auto& [evidence, process] : all_of<Process>(seen))
    if (!process->is_belays)
      return std::nullopt; // it runs without compose
  for (const auto& [evidence, compose] : all_of<Compose>(seen))
    if (base::parent_of(evidence->where) == seen.folder && !compose->services.empty())
      return ComposeDrafter{seen, answers, evidence->where, *compose}.run();
  return std::nullopt;
}

} // namespace discovery
