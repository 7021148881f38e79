#include "drivers/docker/compose_runtime.hpp"

#include "base/digest.hpp"
#include "base/text.hpp"

#include <algorithm>

namespace drivers::docker {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using domain::ServiceSpec;

namespace {

constexpr const char* project_label = "com.docker.compose.project";
constexpr const char* service_label = "com.docker.compose.service";
constexpr int attempts = 3; // compose fails when a container that it wants to replace just went

bool is_of_service(const Json& listed, const std::string& project, const std::string& service) {
  return listed_label(listed, project_label) == project &&
         listed_label(listed, service_label) == service &&
         listed_label(listed, "com.docker.compose.oneoff") != "True";
}

std::string own_name(const Json& listed) {
  for (const Json& name : list(listed, "Names"))
    if (name.is_string() && !name.get<std::string>().contains(".belay-"))
      return base::name_of_path(name.get<std::string>());
  return "";
}

// compose replaces variables in what it reads.
std::string without_variables(std::string_view value) {
  std::string out;
  for (const char c : value) {
    out += c;
    if (c == '$')
      out += c;
  }
  return out;
}

} // namespace

ComposeRuntime::ComposeRuntime(world::World world, const domain::Stack& stack,
                               docker::Runtime& containers)
    : world_{world}, stack_{stack.name}, project_folder_{stack.project_folder},
      containers_{containers}, client_{world, stack.docker_socket},
      compose_{world, stack.compose, stack.project_folder, stack.docker_socket,
               base::sha256_hex(stack.state_folder + "/compose").substr(0, 16)} {}

// Names are compose's to give: they are looked up by its labels.
Result<ServiceSpec> ComposeRuntime::as_container(const Service& service) {
  Service container = service;
  const std::string& project = compose_.spec().project;
  std::vector<std::string> names;
  for (const Json& listed : TRY(client_.containers()))
    if (is_of_service(listed, project, service.compose_service))
      if (const std::string name = own_name(listed); !name.empty())
        names.push_back(name);
  if (names.size() > 1)
    return Error{ErrorKind::invalid_input,
                 "service '" + service.compose_service + "' of project '" + project + "' has " +
                     std::to_string(names.size()) + " containers: " + base::join(names, ", "),
                 "belay upgrades services of one container: scale it to 1, or remove what is left "
                 "over."};
  if (!names.empty()) {
    container.container = names.front();
    return container;
  }
  const auto before = world_.files.read(service.releases_folder + "/.before/container.json");
  const auto record = before ? record_in(before.value()) : Result<Record>{before.error()};
  container.container =
      record ? record.value().name : project + "-" + service.compose_service + "-1";
  return container;
}

Result<std::string> ComposeRuntime::reference_of(const Service& service, const std::string& label) {
  if (!service.image.empty())
    return base::fill(service.image, {{"to", label}});
  const std::string said = said_of(TRY(compose_.text("")), service.compose_service, "image");
  if (!said.empty())
    return said;
  const auto live = TRY(client_.container(TRY(as_container(service)).container));
  if (live) // built here: by the name that its build gives it
    return text(part(*live, "Config"), "Image");
  return Error{ErrorKind::not_found,
               "service '" + service.compose_service + "' names no image, and has no container",
               "Bring it up once, or give `image:` in belay.yaml."};
}

Result<ComposeRuntime::Known> ComposeRuntime::read_known(const std::string& folder) {
  const auto bytes = world_.files.read(folder + "/release.json");
  if (!bytes && bytes.error().kind == ErrorKind::not_found)
    return Error{ErrorKind::not_found, "the release folder '" + folder + "' is gone, or not whole",
                 ""};
  const Json read = Json::parse(TRY(bytes), nullptr, false);
  if (!read.is_object() || number(read, "format") != 1 || text(read, "digest").empty())
    return Error{number(read.is_object() ? read : Json::object(), "format") > 1
                     ? ErrorKind::too_new
                     : ErrorKind::corrupt,
                 "'" + folder + "/release.json' cannot be read", ""};
  return Known{text(read, "digest"), text(read, "image"), text(read, "reference"),
               text(read, "pin"), text(read, "text")};
}

// What goes beside the user's files: which image, belay.yaml's variables, and whose it is.
Result<std::string> ComposeRuntime::over_file(const Service& service, const std::string& pin,
                                              const std::string& folder) {
  Json over{{"image", pin}};
  for (const auto& [name, value] : TRY(containers_.environment_of(service)))
    over["environment"][name] = without_variables(value);
  if (!folder.empty())
    over["labels"] = {{"belay.stack", stack_},
                      {"belay.service", service.name},
                      {"belay.key", containers_.key_of(service)},
                      {"belay.folder", without_variables(folder)}};
  const std::string path = service.releases_folder + "/.over.json";
  TRY(world_.files.create_folders(service.releases_folder));
  TRY(world_.files.replace(path,
                           Json{{"services", {{service.compose_service, over}}}}.dump(2) + "\n"));
  return path;
}

Result<> ComposeRuntime::check_service(const Service& service) {
  const auto known = TRY(compose_.services());
  if (std::ranges::find(known, service.compose_service) != known.end())
    return ok();
  const auto near = base::nearest(service.compose_service, known);
  return Error{ErrorKind::invalid_input,
               "the compose files have no service '" + service.compose_service + "': they have " +
                   base::join(known, ", "),
               near ? "Was it renamed to '" + *near + "'? Say so with `compose:`."
                    : "Was it renamed or removed? Say so in belay.yaml, or give its profile."};
}

Result<domain::Release> ComposeRuntime::prepare(const Service& service, const std::string& label) {
  TRY(check_service(service));
  const std::string reference = TRY(reference_of(service, label));
  Record record;
  record.image = text(TRY(containers_.find_image(reference, true)), "Id");
  TRY(containers_.pin(service, record));
  const std::string hash =
      TRY(compose_.hash(service.compose_service, TRY(over_file(service, record.pin, ""))));
  const std::string digest =
      base::sha256_hex("compose 1\n" + compose_.spec().project + "\n" + record.image + "\n" + hash);
  const std::string folder =
      service.releases_folder + "/" + file_name(label) + "-" + digest.substr(0, 12);
  const domain::Release release{service.name, label, folder, digest};
  if (verify(service, release))
    return release;
  const std::string frozen = TRY(compose_.text(TRY(over_file(service, record.pin, folder))));
  TRY(world_.files.create_folders(folder));
  TRY(world_.files.replace(folder + "/compose.yml", frozen));
  TRY(world_.files.replace(folder + "/release.json", Json{{"format", 1},
                                                          {"digest", digest},
                                                          {"image", record.image},
                                                          {"reference", reference},
                                                          {"pin", record.pin},
                                                          {"project", compose_.spec().project},
                                                          {"service", service.compose_service},
                                                          {"text", base::sha256_hex(frozen)}}
                                                             .dump(2) +
                                                         "\n"));
  return release;
}

Result<> ComposeRuntime::can_prepare(const Service& service, const std::string& label) {
  TRY(client_.check());
  TRY(check_service(service));
  TRY(as_container(service));
  TRY(containers_.find_image(TRY(reference_of(service, label)), false));
  TRY(containers_.environment_of(service));
  return ok();
}

Result<> ComposeRuntime::verify(const Service& service, const domain::Release& release) {
  const Known known = TRY(read_known(release.folder));
  const std::string path = release.folder + "/compose.yml";
  if (known.digest != release.digest ||
      base::sha256_hex(TRY(world_.files.read(path))) != known.text_digest)
    return Error{ErrorKind::corrupt, "'" + release.folder + "' was changed",
                 "Put it back, or upgrade to a release that is whole."};
  if (const auto image = TRY(client_.image(known.pin)); image && text(*image, "Id") == known.image)
    return ok();
  if (TRY(client_.image(known.image))) { // only our name for it was taken away
    Record record;
    record.image = known.image;
    return containers_.pin(service, record);
  }
  return Error{ErrorKind::not_found,
               "image " + known.image + " ('" + known.reference +
                   "') is gone from the engine, also under its name '" + known.pin + "'",
               "Load it again (docker pull, docker load): service '" + service.name +
                   "' cannot come back without it."};
}

Result<domain::Observed> ComposeRuntime::observe(const Service& service) {
  return containers_.observe(TRY(as_container(service)));
}

Result<std::optional<std::string>> ComposeRuntime::current_folder(const Service& service) {
  return containers_.current_folder(service);
}

Result<> ComposeRuntime::switch_to(const Service& service, const domain::Release& release) {
  TRY(verify(service, release));
  if (TRY(current_folder(service)) == release.folder)
    return ok();
  return world_.files.replace_link(service.releases_folder + "/current",
                                   base::name_of_path(release.folder));
}

// compose's exit status is no evidence: the container is.
Result<> ComposeRuntime::check_made(const Service& service, const std::string& folder,
                                    const Known& known) {
  const auto live = TRY(client_.container(TRY(as_container(service)).container));
  if (!live)
    return Error{ErrorKind::failed,
                 "compose has made no container of service '" + service.compose_service + "'", ""};
  const std::string made_from = text(part(part(*live, "Config"), "Labels"), "belay.folder");
  if (text(*live, "Image") != known.image || made_from != folder)
    return Error{ErrorKind::failed,
                 "compose has made container '" + base::name_of_path(text(*live, "Name")) +
                     "' from image " + text(*live, "Image") + ", not from " + known.image,
                 "Is another compose at work on this project?"};
  const std::string path = folder + "/container.json";
  if (!TRY(world_.files.info(path))) {
    Record record = TRY(containers_.record_of_live(*live));
    record.reference = known.reference;
    record.pin = known.pin;
    TRY(world_.files.replace(path, text_of(record)));
  }
  return containers_.keep_held(service, *live);
}

// What compose has made of this very release is only started: a call of compose costs a second, in
// which the service is down. False: there is none, or it does not start, and compose is asked.
Result<bool> ComposeRuntime::start_made(const Service& service, const std::string& folder,
                                        const Known& known) {
  const auto live = TRY(client_.container(TRY(as_container(service)).container));
  if (!live || text(*live, "Image") != known.image || label(*live, "belay.folder") != folder)
    return false;
  const std::string id = text(*live, "Id");
  (void)client_.start(id); // what is seen then decides
  const auto now = TRY(client_.container(id));
  return now && is_up(*now);
}

Result<> ComposeRuntime::start(const Service& service) {
  const auto folder = TRY(current_folder(service));
  if (!folder)
    return Error{ErrorKind::not_found, "service '" + service.name + "' has no current release", ""};
  const Known known = TRY(read_known(*folder));
  const domain::Observed observed = TRY(observe(service));
  if (observed.is_running && observed.release_folder != *folder)
    return Error{ErrorKind::conflict,
                 "service '" + service.name + "' still runs from '" + observed.release_folder + "'",
                 "Stop it first."};
  TRY(containers_.note_start(service));
  if (!observed.is_running && TRY(start_made(service, *folder, known)))
    return check_made(service, *folder, known);
  Result<> made = ok();
  for (int attempt = 0; attempt < attempts; ++attempt) {
    if (!observed.is_running || attempt > 0)
      made = compose_.up(*folder + "/compose.yml", service.compose_service);
    if (made)
      return check_made(service, *folder, known);
    if (made.error().kind != ErrorKind::failed)
      break;
  }
  return std::move(made).error().context("service '" + service.compose_service + "'");
}

Result<> ComposeRuntime::stop(const Service& service) {
  return containers_.stop(TRY(as_container(service)));
}

Result<> ComposeRuntime::hold(const Service& service) {
  return containers_.hold(TRY(as_container(service)));
}

// What compose has made in vain would be a second container of the service beside the one of
// before.
Result<> ComposeRuntime::let_go(const Service& service) {
  Service container = TRY(as_container(service));
  if (TRY(containers_.is_to_be_given_back(container))) {
    const auto live = TRY(client_.container(container.container));
    if (live &&
        text(part(part(*live, "Config"), "Labels"), "belay.key") == containers_.key_of(service)) {
      TRY(client_.remove(text(*live, "Id")));
      container = TRY(as_container(service));
    }
  }
  return containers_.let_go(container);
}

Result<std::string> ComposeRuntime::log_tail(const Service& service, int lines) {
  return containers_.log_tail(TRY(as_container(service)), lines);
}

Result<std::string> ComposeRuntime::log_of_start(const Service& service, std::size_t bytes_max) {
  return containers_.log_of_start(TRY(as_container(service)), bytes_max);
}

Result<std::uint64_t> ComposeRuntime::memory_bytes(const Service& service) {
  return containers_.memory_bytes(TRY(as_container(service)));
}

Result<std::vector<domain::Mount>> ComposeRuntime::mounts(const Service& service) {
  return containers_.mounts(TRY(as_container(service)));
}

Result<> ComposeRuntime::discard(const Service& service, const domain::Release& release) {
  return containers_.discard(TRY(as_container(service)), release);
}

} // namespace drivers::docker
