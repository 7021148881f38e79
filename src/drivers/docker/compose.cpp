#include "drivers/docker/compose.hpp"

#include "base/digest.hpp"
#include "base/text.hpp"

#include <algorithm>

namespace drivers::docker {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using world::Milliseconds;

namespace {

constexpr Milliseconds config_timeout{60'000};
constexpr Milliseconds up_timeout{600'000};
constexpr Milliseconds leave_max{120'000}; // for a call that outlived an earlier belay
constexpr Milliseconds look_every{100};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::string& line : base::split(text, '\n'))
    if (!line.empty())
      lines.push_back(std::move(line));
  return lines;
}

std::string last_lines(const world::Output& output) {
  constexpr std::size_t shown = 600;
  std::string words = base::printable(output.err);
  while (words.ends_with('\n'))
    words.pop_back();
  return words.size() > shown ? "..." + words.substr(words.size() - shown) : words;
}

} // namespace

std::string said_of(std::string_view text, const std::string& service, const std::string& key) {
  bool is_in_services = false;
  bool is_in_service = false;
  const std::string wanted = "    " + key + ":";
  for (const std::string& line : base::split(text, '\n')) {
    if (!line.starts_with(' '))
      is_in_services = line == "services:";
    else if (is_in_services && line.size() > 2 && line[2] != ' ' && line[2] != '-')
      is_in_service = line == "  " + service + ":" || line == "  '" + service + "':" ||
                      line == "  \"" + service + "\":";
    else if (is_in_services && is_in_service && line.starts_with(wanted)) {
      std::string value = line.substr(wanted.size());
      std::erase(value, '"');
      std::erase(value, '\'');
      const auto from = value.find_first_not_of(' ');
      return from == std::string::npos ? "(more)" : value.substr(from);
    }
  }
  return "";
}

// The keys of a section at the left: "services", "volumes".
std::vector<std::string> keys_of(std::string_view text, const std::string& section) {
  std::vector<std::string> keys;
  bool is_in_it = false;
  for (std::string line : base::split(text, '\n')) {
    const bool is_at_left = !line.starts_with(' ');
    if (is_at_left)
      is_in_it = line == section + ":";
    const auto colon = line.find(':');
    if (is_at_left || !is_in_it || line.size() < 3 || line[2] == ' ' || line[2] == '-' ||
        colon < 3 || colon == std::string::npos)
      continue;
    line.resize(colon);
    std::erase(line, '"');
    std::erase(line, '\'');
    keys.push_back(line.substr(2));
  }
  return keys;
}

// The plugin of the docker client, or the program of its own that came before it, which takes half
// a second to tell its version: it is not asked.
const std::vector<std::string>& Compose::program() {
  if (!program_.empty())
    return program_;
  world::Command command;
  command.argv = {"docker", "compose", "version"};
  command.timeout = config_timeout;
  const auto tried = world_.processes.run(command);
  if (tried && tried.value().exit_code == 0)
    program_ = {"docker", "compose"};
  else
    program_ = {"docker-compose"};
  return program_;
}

Result<std::string> Compose::run(const std::vector<std::string>& files,
                                 const std::vector<std::string>& words, Milliseconds timeout) {
  world::Command command;
  command.argv = program();
  const auto add = [&](const char* option, const std::string& value) {
    command.argv.emplace_back(option);
    command.argv.push_back(value);
  };
  add("--project-name", spec_.project);
  add("--project-directory", project_folder_);
  for (const std::string& profile : spec_.profiles)
    add("--profile", profile);
  if (!spec_.env_file.empty())
    add("--env-file", spec_.env_file);
  for (const std::string& file : files)
    add("--file", file);
  command.argv.insert(command.argv.end(), words.begin(), words.end());
  command.working_folder = project_folder_;
  command.environment = {{"DOCKER_HOST", "unix://" + socket_}, {"BELAY_CALL", tag_}};
  command.timeout = timeout;
  const auto ran = world_.processes.run(command);
  if (!ran && ran.error().kind == ErrorKind::not_found)
    return Error{ErrorKind::not_found, "there is neither 'docker compose' nor 'docker-compose'",
                 "Install docker-compose-plugin, or Debian's docker-compose."};
  const world::Output output = TRY(ran);
  if (output.exit_code == 0)
    return output.out;
  return Error{ErrorKind::failed, "compose says: " + last_lines(output), ""};
}

Result<std::string> Compose::config(const std::string& over,
                                    const std::vector<std::string>& words) {
  std::vector<std::string> files = spec_.files;
  if (!over.empty())
    files.push_back(over);
  auto said = run(files, words, config_timeout);
  if (!said && said.error().kind == ErrorKind::failed)
    return Error{ErrorKind::invalid_input, said.error().message,
                 "Correct the compose files, or set the variables that they want."};
  return said;
}

// Each call costs compose half a second, and a look at a project asks the same of every service.
Result<std::string> Compose::said() {
  std::vector<std::string> files = spec_.files;
  files.push_back(spec_.env_file.empty() ? project_folder_ + "/.env" : spec_.env_file);
  std::string stamp;
  for (const std::string& path : files) {
    const auto bytes = world_.files.read(path);
    stamp += (bytes ? base::sha256_hex(bytes.value()) : "none") + " ";
  }
  if (stamp != stamp_ || !said_) {
    said_.reset();
    said_ = TRY(config("", {"config"}));
    stamp_ = stamp;
  }
  return *said_;
}

Result<std::vector<std::string>> Compose::services() {
  return keys_of(TRY(said()), "services");
}

Result<std::vector<std::string>> Compose::volumes() {
  return keys_of(TRY(said()), "volumes");
}

Result<std::string> Compose::hash(const std::string& service, const std::string& over) {
  const std::string said = TRY(config(over, {"config", "--hash", service}));
  for (const std::string& line : lines_of(said))
    if (line.starts_with(service + " "))
      return line.substr(service.size() + 1);
  return Error{ErrorKind::corrupt, "compose tells no hash of service '" + service + "'", ""};
}

Result<std::string> Compose::text(const std::string& over) {
  return over.empty() ? said() : config(over, {"config"});
}

// Killed with -9, belay leaves its compose behind, which goes on for a moment.
Result<> Compose::wait_for_earlier_calls() {
  const auto deadline = world_.clock.monotonic() + leave_max;
  for (;;) {
    if (TRY(world_.processes.find("", "BELAY_CALL", tag_)).empty())
      return ok();
    if (world_.clock.stop_requested())
      return Error{ErrorKind::interrupted, "interrupted while waiting for an earlier compose",
                   "Run 'belay resume' to go on, or 'belay abort' to go back."};
    if (world_.clock.monotonic() >= deadline)
      return Error{ErrorKind::conflict, "a compose that an earlier belay has started still runs",
                   "End it, then run 'belay resume'."};
    world_.clock.sleep_for(look_every);
  }
}

Result<> Compose::up(const std::string& file, const std::string& service) {
  TRY(wait_for_earlier_calls());
  TRY(run({file}, {"up", "-d", "--no-deps", "--no-build", service}, up_timeout));
  return ok();
}

} // namespace drivers::docker
