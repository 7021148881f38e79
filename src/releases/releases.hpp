#pragma once
// Releases: makes release folders and keeps what is known of them. One folder is one release,
// named by its label, made beside the others and never changed afterwards.
//
//   <releases_folder>/<label>/            the release
//   <releases_folder>/.records/<label>    "release 1\ndigest HEX\n", and "source HEX\n" for an
//                                         archive; written before the folder gets its name
//   <releases_folder>/.making-<label>/    half made, or half removed; thrown away by the next try
//   <releases_folder>/current             link to the label that is to be started

#include "domain/runtime.hpp"
#include "world/world.hpp"

#include <optional>
#include <string>

namespace releases {

class Releases {
public:
  // `search_path`: where the program of a release command is looked for; empty: not looked at.
  Releases(world::World world, std::string project_folder, std::string search_path)
      : world_{world}, project_folder_{std::move(project_folder)}, search_path_{
                                                                       std::move(search_path)} {}

  base::Result<domain::Release> prepare(const domain::ServiceSpec& service,
                                        const std::string& label);
  base::Result<> can_prepare(const domain::ServiceSpec& service, const std::string& label);
  base::Result<> verify(const domain::ServiceSpec& service, const domain::Release& release);
  // Remove the folder of this label and what is known of it. Idempotent.
  base::Result<> remove(const domain::ServiceSpec& service, const std::string& label);
  // The program of a release: run[0], inside the folder when it is relative with a slash.
  std::string program_of(const domain::ServiceSpec& service, const std::string& folder) const;

private:
  // What the record says, both as hexadecimal SHA-256.
  struct Known {
    std::string digest; // of the tree
    std::string source; // of the archive that it came from; else empty
  };
  // The whole release of this label; nullopt when there is no folder. conflict when the folder is
  // not what was made here, or its source is another one now: it is never replaced.
  base::Result<std::optional<domain::Release>> find_whole(const domain::ServiceSpec& service,
                                                          const std::string& label);
  base::Result<std::optional<Known>> read_record(const domain::ServiceSpec& service,
                                                 const std::string& label);
  base::Result<bool> is_same_source(const domain::ServiceSpec& service, const std::string& label,
                                    const Known& known);
  // Fills the new folder `to`; returns the digest of the archive that it came from, or "".
  base::Result<std::string> make(const domain::ServiceSpec& service, const std::string& label,
                                 const std::string& to);
  base::Result<> make_by_command(const domain::ServiceSpec& service, const std::string& label,
                                 const std::string& to);
  base::Result<std::string> resolve_source(const std::string& path, const std::string& label);
  base::Result<std::string> source_folder(const domain::ServiceSpec& service,
                                          const std::string& label);
  base::Result<std::string> check_archive(const domain::ServiceSpec& service,
                                          const std::string& label);
  base::Result<std::string> wanted_digest(const domain::ReleaseSource& source,
                                          const std::string& archive, const std::string& label);
  base::Result<> check_command(const domain::ServiceSpec& service, const std::string& label);
  base::Result<> check_program(const domain::ServiceSpec& service, const std::string& folder);
  world::World world_;
  std::string project_folder_;
  std::string search_path_;
};

} // namespace releases
