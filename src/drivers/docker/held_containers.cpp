#include "drivers/docker/held_containers.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace drivers::docker {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using domain::Finding;
using domain::FindingLevel;

namespace {

constexpr const char* hands_check = "other-hands";

Json never_restarts() {
  return {{"Name", "no"}, {"MaximumRetryCount", 0}};
}

bool is_gone_when_stopped(const Json& container) { // --rm
  return truth(part(container, "HostConfig"), "AutoRemove");
}

} // namespace

Result<std::vector<HeldContainers::Held>> HeldContainers::read_record() {
  auto bytes = world_.files.read(record_);
  if (!bytes && bytes.error().kind == ErrorKind::not_found)
    return std::vector<Held>{};
  const Json read = Json::parse(TRY(std::move(bytes)), nullptr, false);
  if (!read.is_array())
    return Error{ErrorKind::corrupt, "'" + record_ + "' is damaged",
                 "Start the containers of `preflight.hold_containers` by hand, with their restart "
                 "policies (docker update --restart), then remove that file."};
  std::vector<Held> all;
  for (const Json& held : read)
    all.push_back({text(held, "id"), text(held, "name"), part(held, "policy")});
  return all;
}

Result<> HeldContainers::write_record(const std::vector<Held>& all) {
  Json list = Json::array();
  for (const Held& held : all)
    list.push_back({{"id", held.id}, {"name", held.name}, {"policy", held.policy}});
  TRY(world_.files.create_folders(base::parent_of(record_)));
  return world_.files.replace(record_, list.dump() + "\n");
}

// The record comes first: what was stopped is started again, whenever we die. What an earlier try
// has found stays in it.
Result<> HeldContainers::hold() {
  if (stack_.preflight.hold_containers.empty())
    return ok();
  std::vector<Held> all = TRY(read_record());
  const std::size_t known = all.size();
  for (const std::string& name : stack_.preflight.hold_containers) {
    const auto container = TRY(client_.container(name));
    if (!container || !is_up(*container))
      continue; // it does nothing: there is nothing to keep away
    if (is_gone_when_stopped(*container))
      continue; // an upgrade was refused because of it; a way back must not be
    const std::string id = text(*container, "Id");
    if (std::ranges::find(all, id, &Held::id) == all.end())
      all.push_back({id, name, part(part(*container, "HostConfig"), "RestartPolicy")});
  }
  if (all.size() != known)
    TRY(write_record(all));
  for (const Held& held : all)
    TRY(stop(held));
  return ok();
}

Result<> HeldContainers::stop(const Held& held) {
  const auto container = TRY(client_.container(held.id));
  if (!container)
    return ok();
  TRY(containers_.set_policy(*container, never_restarts()));
  return is_up(*container) ? containers_.stop_container(held.id, {}, ", which is to be held,")
                           : ok();
}

// A policy that somebody has set meanwhile stays.
Result<> HeldContainers::give_back(const Held& held) {
  const auto container = TRY(client_.container(held.id));
  if (!container) // removed meanwhile
    return ok();
  const Json& now = part(part(*container, "HostConfig"), "RestartPolicy");
  if (text(now, "Name") == "no" && !text(held.policy, "Name").empty())
    TRY(containers_.set_policy(*container, held.policy));
  if (is_up(*container))
    return ok();
  const auto started = client_.start(held.id);
  const auto then = TRY(client_.container(held.id));
  if (started || !then || is_up(*then))
    return ok();
  return Error{
      ErrorKind::failed,
      "container '" + held.name +
          "', which was stopped for the operation, does not start: " + started.error().message,
      "Start it by hand: docker start " + held.name + "."};
}

// The record goes last: until then, all of it is done again.
Result<> HeldContainers::let_go() {
  const std::vector<Held> all = TRY(read_record());
  Result<> first = ok();
  for (const Held& held : all)
    if (auto given = give_back(held); !given && first)
      first = std::move(given);
  TRY(std::move(first));
  if (TRY(world_.files.info(record_)))
    return world_.files.remove(record_);
  return ok();
}

bool HeldContainers::is_of_stack(const Json& container) const {
  const bool is_of_project =
      label(container, "com.docker.compose.project") == stack_.compose.project;
  return std::ranges::any_of(stack_.services, [&](const domain::ServiceSpec& service) {
    return (!service.container.empty() && "/" + service.container == text(container, "Name")) ||
           (is_of_project && !service.compose_service.empty() &&
            service.compose_service == label(container, "com.docker.compose.service"));
  });
}

Result<std::vector<Finding>> HeldContainers::findings() {
  std::vector<Finding> all;
  const auto say = [&](FindingLevel level, const std::string& name, const std::string& what) {
    all.push_back({hands_check, level, "container '" + name + "' " + what});
  };
  for (const std::string& name : stack_.preflight.hold_containers) {
    const auto container = TRY(client_.container(name));
    if (!container)
      say(FindingLevel::blocker, name,
          "cannot be held, for there is none of that name ('docker ps -a' lists them): correct "
          "`preflight.hold_containers`");
    else if (is_of_stack(*container))
      say(FindingLevel::blocker, name,
          "is a service of this stack, and stopped as one: take it out of "
          "`preflight.hold_containers`");
    else if (is_up(*container) && is_gone_when_stopped(*container))
      say(FindingLevel::blocker, name,
          "was run with --rm: stopped, it would be gone. Run it without, or stop it yourself");
    else if (is_up(*container))
      say(FindingLevel::ok, name, "is held during the upgrade");
    else
      say(FindingLevel::ok, name, "does not run, and is left alone");
  }
  return all;
}

} // namespace drivers::docker
