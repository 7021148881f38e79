// Runtime `compose`, the part that finds what speaks against an upgrade of a project.
#include "base/text.hpp"
#include "drivers/docker/compose_runtime.hpp"

#include <algorithm>
#include <set>

namespace drivers::docker {

using base::ok;
using base::Result;
using domain::Finding;
using domain::FindingLevel;

namespace {
constexpr const char* check_name = "compose";
}

// Compose knows a project by its name alone: another name means other, empty volumes; and two of
// one name take each other's containers.
void ComposeRuntime::look_at_project(const std::vector<Json>& all, std::vector<Finding>& findings) {
  const std::string& project = compose_.spec().project;
  std::set<std::string> renamed;
  std::set<std::string> elsewhere;
  std::set<std::string> orphans;
  const auto services = compose_.services();
  bool is_there = false;
  for (const Json& listed : all) {
    const std::string name = listed_label(listed, "com.docker.compose.project");
    const std::string folder = listed_label(listed, "com.docker.compose.project.working_dir");
    const std::string service = listed_label(listed, "com.docker.compose.service");
    if (name.empty() || listed_label(listed, "com.docker.compose.oneoff") == "True")
      continue;
    if (name != project) {
      if (folder == project_folder_)
        renamed.insert(name);
      continue;
    }
    is_there = true;
    if (!folder.empty() && folder != project_folder_)
      elsewhere.insert(folder);
    if (services && std::ranges::find(services.value(), service) == services.value().end())
      orphans.insert(service);
  }
  if (!renamed.empty())
    findings.push_back({check_name, is_there ? FindingLevel::warning : FindingLevel::blocker,
                        "what runs from this folder is project '" + *renamed.begin() +
                            "', belay.yaml says '" + project +
                            "': under another name compose makes new, empty volumes. Correct "
                            "`compose.project`, or move the data first"});
  for (const std::string& folder : elsewhere)
    findings.push_back({check_name, FindingLevel::blocker,
                        "project '" + project + "' is also run from '" + folder +
                            "': two projects of one name take each other's containers and volumes. "
                            "Rename one, or run belay there"});
  for (const std::string& service : orphans)
    findings.push_back({check_name, FindingLevel::warning,
                        "service '" + service + "' of project '" + project +
                            "' has containers, and the compose files do not have it any more: "
                            "remove them when it is gone, or say its new name"});
}

Result<> ComposeRuntime::look_at_volumes(std::vector<Finding>& findings) {
  for (const std::string& volume : TRY(compose_.volumes())) {
    const std::string name = compose_.spec().project + "_" + volume;
    if (TRY(client_.volume(name)) || TRY(client_.volume(volume))) // external, or with a `name:`
      continue;
    findings.push_back({check_name, FindingLevel::warning,
                        "volume '" + name +
                            "' does not exist yet: compose makes a new, empty one. "
                            "Is the data under another name ('docker volume ls')?"});
  }
  return ok();
}

// Of the whole project these are told once, with its first service; the containers' own with each.
Result<std::vector<Finding>> ComposeRuntime::findings(const Service& service,
                                                      const std::string& label) {
  std::vector<Finding> all;
  Service container = TRY(as_container(service));
  if (!label.empty())
    container.image = TRY(reference_of(service, label));
  if (!std::exchange(has_looked_, true)) {
    look_at_project(TRY(client_.containers()), all);
    TRY(look_at_volumes(all));
  }
  if (!label.empty() && !said_of(TRY(compose_.text("")), service.compose_service, "build").empty())
    all.push_back({check_name, FindingLevel::warning,
                   "service '" + service.compose_service + "' is built here: belay starts what '" +
                       container.image +
                       "' is now, and never builds. Build it before, under a name that moves"});
  std::ranges::move(TRY(containers_.findings(container, label)), std::back_inserter(all));
  return all;
}

} // namespace drivers::docker
