// Runtime, the part that brings the containers of a service into the state that a release wants,
// one change at a time and looking before each; and that keeps other hands away.
#include "base/text.hpp"
#include "drivers/docker/runtime.hpp"

#include <algorithm>

namespace drivers::docker {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using world::Milliseconds;

namespace {

constexpr int changes_max = 64; // far more than any way needs
constexpr Milliseconds poll_every{100};
constexpr Milliseconds after_stop{10'000};
constexpr Milliseconds kill_timeout{10'000};
constexpr Milliseconds stop_timeout_of_docker{10'000};

std::string name_of(const Json& container) {
  return base::name_of_path(text(container, "Name"));
}

} // namespace

Json Runtime::labels_of(const Service& service, const Release& release) const {
  return {{"belay.stack", stack_},
          {"belay.service", service.name},
          {"belay.key", key_of(service)},
          {"belay.folder", release.folder},
          {"belay.digest", release.digest}};
}

// The container that is whole gets the name last.
Result<> Runtime::make(const Service& service, const Release& wanted) {
  const bool with_all = TRY(client_.creates_with_networks());
  const Json body = create_body(wanted.record, labels_of(service, wanted), with_all);
  const auto made = client_.create(service.container + ".belay-making", body);
  if (made || made.error().kind == ErrorKind::unknown_outcome)
    return ok();
  Error error = Error{made.error()}.context("make container '" + service.container + "'");
  if (error.kind == ErrorKind::not_found)
    error.hint = "Image " + wanted.record.image + " ('" + wanted.record.reference +
                 "') or a network of it is gone: bring it back, then run 'belay resume'.";
  return error;
}

// True when it got its name.
Result<bool> Runtime::finish_making(const Service& service, const Release& wanted,
                                    const Json& making) {
  const std::string id = text(making, "Id");
  const Json& there = part(part(making, "NetworkSettings"), "Networks");
  for (const auto& [name, endpoint] : wanted.record.networks.items())
    if (!there.contains(name)) {
      TRY_CONTEXT(client_.connect(name, id, endpoint), "network '" + name + "'");
      return false;
    }
  TRY(client_.rename(id, service.container));
  return true;
}

// One change at most. True when nothing is left to do.
Result<bool> Runtime::arrange_once(const Service& service, const Release& wanted) {
  const auto is_wanted = [&](const Json& container) {
    if (truth(part(container, "State"), "Dead"))
      return false; // half removed
    return (label(container, "belay.key") == key_of(service) &&
            label(container, "belay.digest") == wanted.digest &&
            label(container, "belay.folder") == wanted.folder) ||
           (!wanted.record.container.empty() && text(container, "Id") == wanted.record.container);
  };
  const Found found = TRY(find(service));
  if (found.live && is_wanted(*found.live))
    return true;
  if (found.live) {
    TRY(check_is_ours(service, *found.live));
    if (is_up(*found.live))
      return Error{ErrorKind::conflict,
                   "container '" + service.container + "' still runs another release",
                   "Stop it first: docker stop " + service.container + "."};
    const std::string digest = label(*found.live, "belay.digest");
    const std::string id = text(*found.live, "Id");
    TRY(client_.rename(id, service.container + ".belay-" +
                               (digest.empty() ? id : digest).substr(0, 12)));
    return false;
  }
  if (const auto kept = std::ranges::find_if(found.kept, is_wanted); kept != found.kept.end()) {
    TRY(client_.rename(text(*kept, "Id"), service.container));
    return false;
  }
  if (found.making && is_wanted(*found.making))
    return finish_making(service, wanted, *found.making);
  if (found.making) { // of a release that never ran
    if (label(*found.making, "belay.key") != key_of(service))
      return Error{ErrorKind::conflict,
                   "the name '" + name_of(*found.making) + "' is taken by another container",
                   "Rename or remove it."};
    TRY(client_.remove(text(*found.making, "Id")));
    return false;
  }
  TRY(make(service, wanted));
  return false;
}

Result<> Runtime::arrange(const Service& service, const Release& wanted) {
  for (int change = 0; change < changes_max; ++change) {
    const auto is_done = arrange_once(service, wanted);
    if (!is_done && is_done.error().kind != ErrorKind::unknown_outcome)
      return is_done.error();
    if (is_done && is_done.value())
      return ok();
  }
  return Error{ErrorKind::conflict,
               "the containers of service '" + service.name + "' change while they are arranged",
               "Find who else makes or renames them, and stop it for the operation."};
}

Result<bool> Runtime::is_ended_by(const std::string& id, Milliseconds deadline) {
  for (;;) {
    const auto now = TRY(client_.container(id));
    if (!now || (!is_up(*now) && !truth(part(*now, "HostConfig"), "AutoRemove")))
      return true;
    if (world_.clock.stop_requested())
      return Error{ErrorKind::interrupted,
                   "interrupted while container '" + name_of(*now) + "' was being stopped",
                   "Run 'belay resume' to go on, or 'belay abort' to go back."};
    if (world_.clock.monotonic() >= deadline)
      return false;
    world_.clock.sleep_for(poll_every);
  }
}

// The answer of the engine decides nothing: what it says of the container afterwards does.
Result<> Runtime::stop_container(const std::string& id, Milliseconds timeout,
                                 const std::string& whose) {
  const auto container = TRY(client_.container(id));
  if (!container)
    return ok();
  if (timeout.count() == 0)
    timeout = Milliseconds{1000 * number(part(*container, "Config"), "StopTimeout")};
  if (timeout.count() == 0)
    timeout = stop_timeout_of_docker;
  if (truth(part(*container, "State"), "Paused"))
    TRY(client_.unpause(id));
  const auto asked = client_.stop(id, timeout);
  if (!asked && asked.error().kind == ErrorKind::unavailable)
    return asked;
  if (TRY(is_ended_by(id, world_.clock.monotonic() + after_stop)))
    return ok();
  (void)client_.kill(id);
  if (TRY(is_ended_by(id, world_.clock.monotonic() + kill_timeout)))
    return ok();
  if (const auto now = TRY(client_.container(id)); !now || !is_up(*now))
    return ok(); // it was to be removed too, and is not
  return Error{ErrorKind::failed,
               "container '" + name_of(*container) + "'" + whose +
                   " does not stop, and survives a kill" +
                   (asked ? "" : ": " + asked.error().message),
               "It may hang in the kernel (a dead disk or mount), or the engine is stuck: look at "
               "the engine's log."};
}

Result<> Runtime::stop(const Service& service) {
  if (auto held = TRY(read_held(service)); held && held->is_started) {
    held->is_started = false;
    TRY(write_held(service, *held));
  }
  const Found found = TRY(find(service));
  std::vector<const Json*> all;
  if (found.live) {
    TRY(check_is_ours(service, *found.live));
    all.push_back(&*found.live);
  }
  for (const Json& kept : found.kept)
    all.push_back(&kept);
  for (const Json* container : all) {
    if (is_up(*container))
      TRY(stop_container(text(*container, "Id"), service.stop.timeout,
                         " of service '" + service.name + "'"));
  }
  return ok();
}

Result<std::optional<Runtime::Held>> Runtime::read_held(const Service& service) {
  auto bytes = world_.files.read(held_path(service));
  if (!bytes && bytes.error().kind == ErrorKind::not_found)
    return std::optional<Held>{};
  const Json read = Json::parse(TRY(std::move(bytes)), nullptr, false);
  if (!read.is_object())
    return Error{ErrorKind::corrupt, "'" + held_path(service) + "' is damaged",
                 "Set the restart policy of container '" + service.container +
                     "' by hand (docker update --restart), then remove that file."};
  return std::optional{Held{text(read, "foreign"), text(read, "link"), truth(read, "is_started")}};
}

Result<> Runtime::write_held(const Service& service, const Held& held) {
  TRY(world_.files.create_folders(state_folder_ + "/run"));
  return world_.files.replace(
      held_path(service),
      Json{{"foreign", held.foreign}, {"link", held.link}, {"is_started", held.is_started}}.dump() +
          "\n");
}

Result<> Runtime::note_start(const Service& service) {
  auto held = TRY(read_held(service));
  if (!held || held->is_started)
    return ok();
  held->is_started = true;
  return write_held(service, *held);
}

Result<> Runtime::keep_held(const Service& service, const Json& live) {
  return TRY(read_held(service)) ? set_policy(live, {{"Name", "no"}, {"MaximumRetryCount", 0}})
                                 : ok();
}

Result<bool> Runtime::is_to_be_given_back(const Service& service) {
  const auto held = TRY(read_held(service));
  if (!held || held->foreign.empty() || held->is_started)
    return false;
  const auto live = TRY(client_.container(service.container));
  return !live || !is_up(*live);
}

Result<> Runtime::set_policy(const Json& container, const Json& policy) {
  if (text(part(part(container, "HostConfig"), "RestartPolicy"), "Name") == text(policy, "Name"))
    return ok();
  return client_.set_restart_policy(text(container, "Id"), policy);
}

// What was there before belay is written down before it is stopped, in the form of a release.
Result<> Runtime::hold(const Service& service) {
  const auto live = TRY(client_.container(service.container));
  if (!TRY(read_held(service))) {
    Held held;
    const std::string before_folder = service.releases_folder + "/.before";
    if (live && (label(*live, "belay.key") != key_of(service) ||
                 label(*live, "belay.folder") == before_folder)) {
      TRY(check_is_ours(service, *live));
      Record before = TRY(record_of_live(*live));
      before.container = text(*live, "Id");
      TRY(write_release(service, ".before", before));
      held.foreign = before.container;
      if (auto link = world_.files.read_link(service.releases_folder + "/current"))
        held.link = link.value();
    }
    TRY(write_held(service, held));
  }
  if (!live || truth(part(*live, "HostConfig"), "AutoRemove"))
    return ok(); // with --rm it has no policy
  return set_policy(*live, {{"Name", "no"}, {"MaximumRetryCount", 0}});
}

// What ran before belay's first release, and was stopped for it in vain.
Result<> Runtime::give_back(const Service& service, const Held& held) {
  const Release before = TRY(read_release(service.releases_folder + "/.before"));
  TRY(arrange(service, before));
  const std::string link = service.releases_folder + "/current";
  TRY(held.link.empty() ? world_.files.remove(link) : world_.files.replace_link(link, held.link));
  return start_arranged(service, before);
}

// The record goes last: until then, all of it is done again.
Result<> Runtime::let_go(const Service& service) {
  const auto held = TRY(read_held(service));
  if (!held)
    return ok();
  if (TRY(is_to_be_given_back(service)))
    TRY(give_back(service, *held));
  if (const auto live = TRY(client_.container(service.container))) {
    const bool is_before = text(*live, "Id") == held->foreign;
    const std::string folder =
        is_before ? service.releases_folder + "/.before" : label(*live, "belay.folder");
    if (auto known = read_release(folder))
      TRY(set_policy(*live, restart_policy(known.value().record)));
    else if (known.error().kind != ErrorKind::not_found)
      return known.error();
  }
  return world_.files.remove(held_path(service));
}

} // namespace drivers::docker
