#include "releases/releases.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace releases {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using domain::ReleaseSourceKind;
using world::EntryKind;

namespace {

// An unpacked release above this is a mistake or a bomb.
constexpr std::uint64_t unpacked_bytes_max = 20ULL << 30U;

Result<> check_label(const std::string& label) {
  const bool is_plain = std::ranges::all_of(label, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || std::string_view{"._+-"}.contains(c);
  });
  if (label.empty() || label.size() > 128 || !is_plain || label.front() == '.' ||
      label == "current")
    return Error{ErrorKind::invalid_input, "'" + base::printable(label) + "' cannot name a release",
                 "Use letters, digits, '.', '_', '+' and '-', as in 4.1.2."};
  return ok();
}

std::string folder_of(const domain::ServiceSpec& service, const std::string& label) {
  return service.releases_folder + "/" + label;
}
std::string record_of(const domain::ServiceSpec& service, const std::string& label) {
  return service.releases_folder + "/.records/" + label;
}
std::string making_of(const domain::ServiceSpec& service, const std::string& label) {
  return service.releases_folder + "/.making-" + label;
}
std::string source_path(const domain::ServiceSpec& service, const std::string& label) {
  return base::fill(service.release.path, {{"to", label}});
}

std::string lower_case(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return text;
}

std::string last_lines(const world::Output& output) {
  std::string text = base::printable(output.err.empty() ? output.out : output.err);
  while (text.ends_with('\n'))
    text.pop_back();
  return text.size() > 600 ? "..." + text.substr(text.size() - 600) : text;
}

Error not_ours(const std::string& folder, const std::string& why) {
  return {ErrorKind::conflict, "'" + folder + "' is not the release that belay made: " + why,
          "Move the folder away, or use another label."};
}

} // namespace

std::string Releases::program_of(const domain::ServiceSpec& service,
                                 const std::string& folder) const {
  std::string program =
      base::fill(service.run.front(), {{"release", folder}, {"project", project_folder_}});
  if (program.starts_with('/') || !program.contains('/'))
    return program;
  return base::absolute_path(program, folder);
}

Result<> Releases::check_program(const domain::ServiceSpec& service, const std::string& folder) {
  const std::string program = program_of(service, folder);
  if (!base::is_inside(program, folder)) {
    if (service.run.front().starts_with("./") || service.run.front().starts_with("../"))
      return Error{ErrorKind::invalid_input,
                   "'" + service.run.front() + "' leads out of the release folder",
                   "Correct `run:` of service '" + service.name + "'."};
    return ok(); // an interpreter of the system: start will tell
  }
  auto real = world_.files.resolve(program);
  if (!real && real.error().kind != ErrorKind::not_found)
    return std::move(real).error();
  if (!real)
    return Error{ErrorKind::not_found,
                 "the release has no program '" + service.run.front() + "' ('" + program + "')",
                 "Correct `run:` of service '" + service.name + "', or what makes the release."};
  // The folder itself may be behind a link; what the system installed may be linked to.
  const std::string real_folder = TRY(world_.files.resolve(folder));
  if (!base::is_inside(real.value(), real_folder) && !base::is_inside(real.value(), "/usr") &&
      !base::is_inside(real.value(), "/bin"))
    return Error{ErrorKind::invalid_input,
                 "the program '" + program + "' leads out of its release, to '" + real.value() +
                     "'",
                 "A release must hold what it runs."};
  const auto info = TRY(world_.files.info(real.value()));
  if (!info || info->kind != EntryKind::file || (info->mode & 0111U) == 0)
    return Error{ErrorKind::invalid_input, "'" + program + "' is not an executable file",
                 "Make it executable (chmod +x) where the release is made."};
  return ok();
}

// "release 1", then a name and a value on each line. What has no such form is no record.
Result<std::optional<Releases::Known>> Releases::read_record(const domain::ServiceSpec& service,
                                                             const std::string& label) {
  auto text = world_.files.read(record_of(service, label), 4096);
  if (!text && text.error().kind == ErrorKind::not_found)
    return std::optional<Known>{};
  if (!text)
    return std::move(text).error();
  const auto lines = base::split(text.value(), '\n');
  Known known;
  for (const std::string& line : lines) {
    if (line.starts_with("digest "))
      known.digest = line.substr(7);
    if (line.starts_with("source "))
      known.source = line.substr(7);
  }
  if (lines.front() != "release 1" || known.digest.empty())
    return std::optional<Known>{};
  return std::optional{std::move(known)};
}

// A folder can be compared; an archive is known by its pinned digest; a command is believed by its
// label, for running it costs minutes and the network. A source that is gone cannot have changed.
Result<bool> Releases::is_same_source(const domain::ServiceSpec& service, const std::string& label,
                                      const Known& known) {
  const auto is_gone = [](const auto& result) {
    return !result && result.error().kind == ErrorKind::not_found;
  };
  if (service.release.kind == ReleaseSourceKind::folder) {
    const auto source = world_.files.resolve(source_path(service, label));
    if (is_gone(source))
      return true;
    const std::string real = TRY(source);
    return TRY(world_.trees.digest(real)) == known.digest;
  }
  if (service.release.kind == ReleaseSourceKind::archive) {
    const auto wanted = wanted_digest(service.release, source_path(service, label), label);
    if (is_gone(wanted))
      return true;
    return TRY(wanted) == known.source;
  }
  return true;
}

Result<std::optional<domain::Release>> Releases::find_whole(const domain::ServiceSpec& service,
                                                            const std::string& label) {
  const std::string folder = folder_of(service, label);
  const auto info = TRY(world_.files.info(folder));
  if (!info)
    return std::optional<domain::Release>{};
  if (info->kind != EntryKind::folder)
    return not_ours(folder, "it is not a folder");
  const auto known = TRY(read_record(service, label));
  if (!known)
    return not_ours(folder, "it has no record");
  if (TRY(world_.trees.digest(folder)) != known->digest)
    return not_ours(folder, "it has changed since");
  if (!TRY(is_same_source(service, label, *known)))
    return Error{ErrorKind::conflict,
                 "release '" + label + "' of service '" + service.name +
                     "' exists, and its source has changed since",
                 "A label names one release for ever: give the new one another label."};
  TRY(check_program(service, folder));
  return std::optional{domain::Release{service.name, label, folder, known->digest}};
}

Result<std::string> Releases::wanted_digest(const domain::ReleaseSource& source,
                                            const std::string& archive, const std::string& label) {
  if (!source.sha256.empty())
    return lower_case(source.sha256);
  const std::string path = base::fill(source.checksums, {{"to", label}});
  const std::string text = TRY_CONTEXT(world_.files.read(path, 4U << 20U), "checksums");
  const std::string name = base::name_of_path(archive);
  for (const std::string& line : base::split(text, '\n')) {
    if (line.size() < 66 || line[64] != ' ')
      continue;
    std::string_view entry = std::string_view{line}.substr(65);
    if (entry.starts_with(' ') || entry.starts_with('*')) // text and binary mode of sha256sum
      entry.remove_prefix(1);
    if (entry.ends_with('\r'))
      entry.remove_suffix(1);
    if (base::name_of_path(entry) == name)
      return lower_case(line.substr(0, 64));
  }
  return Error{ErrorKind::invalid_input, "'" + path + "' has no line for '" + name + "'",
               "Add it: sha256sum " + name + " >> " + path};
}

Result<std::string> Releases::resolve_source(const std::string& path, const std::string& label) {
  auto real = world_.files.resolve(path);
  if (!real && real.error().kind == ErrorKind::not_found)
    return Error{ErrorKind::not_found, "there is no release '" + label + "': no '" + path + "'",
                 "Put it there, or correct `release:`."};
  return real;
}

// Returns the digest of the archive, which is the wanted one.
Result<std::string> Releases::check_archive(const domain::ServiceSpec& service,
                                            const std::string& label) {
  const std::string archive = source_path(service, label);
  TRY(resolve_source(archive, label));
  const std::string wanted = TRY(wanted_digest(service.release, archive, label));
  std::string actual = TRY_CONTEXT(world_.trees.file_digest(archive), "archive");
  if (actual != wanted)
    return Error{ErrorKind::invalid_input,
                 "'" + archive + "' has the digest (SHA-256) " + actual + ", wanted " + wanted,
                 "Fetch it again; do not use this file."};
  return actual;
}

Result<std::string> Releases::source_folder(const domain::ServiceSpec& service,
                                            const std::string& label) {
  const std::string path = source_path(service, label);
  std::string source = TRY(resolve_source(path, label));
  const auto info = TRY(world_.files.info(source));
  if (!info || info->kind != EntryKind::folder)
    return Error{ErrorKind::invalid_input,
                 "release '" + label + "': '" + path + "' is not a folder",
                 "Correct `release:` of service '" + service.name + "'."};
  if (base::is_inside(service.releases_folder, source))
    return Error{ErrorKind::invalid_input,
                 "'" + path + "' holds the releases folder '" + service.releases_folder + "'",
                 "Make releases elsewhere: set `releases:` of service '" + service.name + "'."};
  return source;
}

Result<> Releases::make_by_command(const domain::ServiceSpec& service, const std::string& label,
                                   const std::string& to) {
  TRY(world_.files.create_folders(to));
  world::Command command;
  for (const std::string& word : service.release.command)
    command.argv.push_back(
        base::fill(word, {{"to", label}, {"release", to}, {"project", project_folder_}}));
  if (command.argv.front().contains('/'))
    command.argv.front() = base::absolute_path(command.argv.front(), project_folder_);
  command.working_folder = to;
  command.environment = {{"BELAY_TO", label}};
  command.timeout = service.release.timeout;
  const auto output = TRY_CONTEXT(world_.processes.run(command), "make the release");
  if (output.exit_code != 0)
    return Error{ErrorKind::failed,
                 "'" + command.argv.front() + "' ended with exit status " +
                     std::to_string(output.exit_code) + ": " + last_lines(output),
                 "Run the command of `release:` by hand to see what is wrong."};
  if (TRY(world_.files.list(to)).empty())
    return Error{ErrorKind::failed,
                 "'" + command.argv.front() + "' ended well, but made nothing in '" + to + "'",
                 "The command must fill the folder it is run in, which is also {release}."};
  return ok();
}

Result<std::string> Releases::make(const domain::ServiceSpec& service, const std::string& label,
                                   const std::string& to) {
  if (service.release.kind == ReleaseSourceKind::command) {
    TRY(make_by_command(service, label, to));
    return std::string{};
  }
  if (service.release.kind == ReleaseSourceKind::archive) {
    std::string digest = TRY(check_archive(service, label));
    TRY(world_.trees.unpack(source_path(service, label), to, unpacked_bytes_max));
    return digest;
  }
  const std::string source = TRY(source_folder(service, label));
  TRY_CONTEXT(world_.trees.copy(source, to), "copy the release");
  return std::string{};
}

Result<domain::Release> Releases::prepare(const domain::ServiceSpec& service,
                                          const std::string& label) {
  TRY(check_label(label));
  if (auto whole = TRY(find_whole(service, label)))
    return *std::move(whole);
  const std::string folder = folder_of(service, label);
  const std::string making = making_of(service, label);
  TRY(world_.files.create_folders(service.releases_folder + "/.records"));
  if (TRY(world_.files.info(making)))
    TRY(world_.trees.remove(making)); // of a try that was cut short
  auto made = make(service, label, making);
  auto runs = made ? check_program(service, making) : ok();
  if (!made || !runs) {
    Error error = made ? std::move(runs).error() : std::move(made).error();
    if (auto removed = world_.trees.remove(making); !removed)
      error.message += "; and " + removed.error().message;
    return error;
  }
  TRY(world_.trees.sync(making));
  const std::string digest = TRY(world_.trees.digest(making));
  std::string record = "release 1\ndigest " + digest + "\n";
  if (!made.value().empty())
    record += "source " + made.value() + "\n";
  // The record first: a folder under its name always has one.
  TRY(world_.files.replace(record_of(service, label), record));
  TRY(world_.files.rename(making, folder));
  return domain::Release{service.name, label, folder, digest};
}

Result<> Releases::check_command(const domain::ServiceSpec& service, const std::string& label) {
  const std::string program =
      base::fill(service.release.command.front(), {{"to", label}, {"project", project_folder_}});
  if (search_path_.empty() || program.contains('{'))
    return ok();
  std::vector<std::string> places{""};
  if (!program.contains('/'))
    places = base::split(search_path_, ':');
  for (const std::string& place : places)
    if (world_.files.resolve(base::absolute_path(program, place.empty() ? project_folder_ : place)))
      return ok();
  return Error{ErrorKind::not_found,
               "release '" + label + "': there is no program '" + program + "' to make it",
               "Install it, or correct `release:` of service '" + service.name + "'."};
}

Result<> Releases::can_prepare(const domain::ServiceSpec& service, const std::string& label) {
  TRY(check_label(label));
  if (TRY(find_whole(service, label)))
    return ok();
  if (service.release.kind == ReleaseSourceKind::command)
    return check_command(service, label);
  if (service.release.kind == ReleaseSourceKind::archive) {
    TRY(check_archive(service, label));
    return ok();
  }
  const std::string source = TRY(source_folder(service, label));
  return check_program(service, source);
}

Result<> Releases::verify(const domain::ServiceSpec& service, const domain::Release& release) {
  const std::string digest = TRY_CONTEXT(world_.trees.digest(release.folder), "release");
  if (digest != release.digest)
    return Error{
        ErrorKind::corrupt,
        "release '" + release.label + "' in '" + release.folder + "' has changed since it was made",
        "Make it again under another label; data that a service writes belongs into a store."};
  return check_program(service, release.folder);
}

Result<> Releases::remove(const domain::ServiceSpec& service, const std::string& label) {
  TRY(check_label(label));
  const std::string folder = folder_of(service, label);
  const std::string making = making_of(service, label);
  // The folder loses its name at once, so that it is never half a release.
  if (TRY(world_.files.info(folder))) {
    TRY(world_.trees.remove(making));
    TRY(world_.files.rename(folder, making));
  }
  TRY(world_.files.remove(record_of(service, label)));
  return world_.trees.remove(making);
}

} // namespace releases
