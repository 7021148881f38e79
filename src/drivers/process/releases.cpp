#include "drivers/process/releases.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace drivers::process {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using domain::ReleaseSourceKind;

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

std::string source_path(const domain::ServiceSpec& service, const std::string& label) {
  return base::fill(service.release.path, {{"to", label}});
}

std::string last_lines(const world::Output& output) {
  std::string text = base::printable(output.err.empty() ? output.out : output.err);
  while (text.ends_with('\n'))
    text.pop_back();
  return text.size() > 600 ? "..." + text.substr(text.size() - 600) : text;
}

} // namespace

std::string Releases::program_of(const domain::ServiceSpec& service, const std::string& folder) {
  const std::string& program = service.run.front();
  if (program.contains('{'))
    return base::fill(program, {{"release", folder}});
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
  const auto real = world_.files.resolve(program);
  if (!real)
    return Error{ErrorKind::not_found,
                 "the release has no program '" + service.run.front() + "' ('" + program + "')",
                 "Correct `run:` of service '" + service.name + "', or what makes the release."};
  if (!base::is_inside(real.value(), folder) && !base::is_inside(real.value(), "/usr") &&
      !base::is_inside(real.value(), "/bin"))
    return Error{ErrorKind::invalid_input,
                 "the program '" + program + "' leads out of its release, to '" + real.value() +
                     "'",
                 "A release must hold what it runs."};
  const auto info = TRY(world_.files.info(real.value()));
  if (!info || info->kind != world::EntryKind::file || (info->mode & 0111U) == 0)
    return Error{ErrorKind::invalid_input, "'" + program + "' is not an executable file",
                 "chmod +x it where the release is made."};
  return ok();
}

Result<std::string> Releases::recorded_digest(const domain::ServiceSpec& service,
                                              const std::string& label) {
  auto text = world_.files.read(record_of(service, label), 4096);
  if (!text && text.error().kind == ErrorKind::not_found)
    return std::string{};
  if (!text)
    return std::move(text).error();
  std::string digest = text.value().substr(0, text.value().find('\n'));
  auto actual = world_.trees.digest(folder_of(service, label));
  if (!actual && actual.error().kind == ErrorKind::not_found)
    return std::string{};
  if (!actual)
    return std::move(actual).error();
  return actual.value() == digest ? digest : std::string{};
}

Result<std::string> Releases::wanted_digest(const domain::ReleaseSource& source,
                                            const std::string& archive, const std::string& label) {
  if (!source.sha256.empty())
    return source.sha256;
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
      return line.substr(0, 64);
  }
  return Error{ErrorKind::invalid_input, "'" + path + "' has no line for '" + name + "'",
               "Add it: sha256sum " + name + " >> " + path};
}

Result<> Releases::make_from_folder(const std::string& source, const std::string& folder) {
  TRY_CONTEXT(world_.trees.copy(source, folder), "copy the release");
  return ok();
}

Result<> Releases::make_from_archive(const domain::ServiceSpec& service, const std::string& label,
                                     const std::string& folder) {
  const std::string archive = source_path(service, label);
  const std::string wanted = TRY(wanted_digest(service.release, archive, label));
  const std::string actual = TRY_CONTEXT(world_.trees.file_digest(archive), "archive");
  if (actual != wanted)
    return Error{ErrorKind::invalid_input,
                 "'" + archive + "' has the digest (SHA-256) " + actual + ", wanted " + wanted,
                 "Fetch it again; do not use this file."};
  return world_.trees.unpack(archive, folder, unpacked_bytes_max);
}

Result<> Releases::make_by_command(const domain::ServiceSpec& service, const std::string& label,
                                   const std::string& folder) {
  TRY(world_.files.create_folders(folder));
  world::Command command;
  for (const std::string& word : service.release.command)
    command.argv.push_back(
        base::fill(word, {{"to", label}, {"release", folder}, {"project", project_folder_}}));
  if (command.argv.front().contains('/'))
    command.argv.front() = base::absolute_path(command.argv.front(), project_folder_);
  command.working_folder = folder;
  command.environment = {{"BELAY_TO", label}};
  command.timeout = service.release.timeout;
  const auto output = TRY_CONTEXT(world_.processes.run(command), "make the release");
  if (output.exit_code != 0)
    return Error{ErrorKind::failed,
                 "'" + command.argv.front() + "' ended with exit status " +
                     std::to_string(output.exit_code) + ": " + last_lines(output),
                 "Run the command of `release:` by hand to see what is wrong."};
  return ok();
}

Result<> Releases::make(const domain::ServiceSpec& service, const std::string& label,
                        const std::string& folder) {
  switch (service.release.kind) {
  case ReleaseSourceKind::folder: return make_from_folder(source_path(service, label), folder);
  case ReleaseSourceKind::archive: return make_from_archive(service, label, folder);
  case ReleaseSourceKind::command: return make_by_command(service, label, folder);
  }
  CHECK(false);
  return ok();
}

// A folder source can be compared; an archive is pinned by its digest file and unpacked again only
// by hand; a command is believed by its label, for running it costs minutes and the network.
Result<bool> Releases::is_same_source(const domain::ServiceSpec& service, const std::string& label,
                                      const std::string& digest) {
  if (service.release.kind != ReleaseSourceKind::folder)
    return true;
  const std::string source = TRY(world_.trees.digest(source_path(service, label)));
  return source == digest;
}

Result<domain::Release> Releases::prepare(const domain::ServiceSpec& service,
                                          const std::string& label) {
  TRY(check_label(label));
  const std::string folder = folder_of(service, label);
  const std::string known = TRY(recorded_digest(service, label));
  if (!known.empty()) {
    if (!TRY(is_same_source(service, label, known)))
      return Error{ErrorKind::conflict,
                   "release '" + label + "' of service '" + service.name +
                       "' exists, and its source has changed since",
                   "A label names one release for ever: give the new one another label."};
    TRY(check_program(service, folder));
    return domain::Release{service.name, label, folder, known};
  }
  if (TRY(world_.files.info(folder)))
    return Error{ErrorKind::conflict,
                 "'" + folder +
                     "' is not the release that belay made: it has changed, or has no record",
                 "Move the folder away, or use another label."};
  const std::string making = service.releases_folder + "/.making-" + label;
  TRY(world_.files.create_folders(service.releases_folder + "/.records"));
  TRY(world_.trees.remove(making)); // of a try that was cut short
  if (auto made = make(service, label, making); !made) {
    if (auto removed = world_.trees.remove(making); !removed)
      return std::move(removed).error().context(made.error().message);
    return std::move(made).error();
  }
  TRY(world_.trees.sync(making));
  const std::string digest = TRY(world_.trees.digest(making));
  TRY(check_program(service, making));
  // The record first: a folder under its name always has one.
  TRY(world_.files.replace(record_of(service, label), digest + "\n"));
  TRY(world_.files.rename(making, folder));
  return domain::Release{service.name, label, folder, digest};
}

Result<> Releases::can_prepare(const domain::ServiceSpec& service, const std::string& label) {
  TRY(check_label(label));
  if (!TRY(recorded_digest(service, label)).empty())
    return ok();
  if (service.release.kind == ReleaseSourceKind::command)
    return ok();
  const std::string source = source_path(service, label);
  const auto info = world_.files.resolve(source);
  if (!info)
    return Error{ErrorKind::not_found, "there is no release '" + label + "': no '" + source + "'",
                 "Put it there, or correct `release:`."};
  if (service.release.kind == ReleaseSourceKind::archive)
    TRY(wanted_digest(service.release, source, label));
  return ok();
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

} // namespace drivers::process
