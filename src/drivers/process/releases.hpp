#pragma once
// Releases: makes release folders and keeps what is known of them. One folder is one release,
// named by its label, made beside the others and never changed afterwards.
//
//   <releases_folder>/<label>/            the release
//   <releases_folder>/.records/<label>    "<digest>\n", written before the folder gets its name
//   <releases_folder>/.making-<label>/    half made; thrown away by the next try
//   <releases_folder>/current             link to the label that is to be started

#include "domain/runtime.hpp"
#include "world/world.hpp"

#include <string>
#include <vector>

namespace drivers::process {

class Releases {
public:
  Releases(world::World world, std::string project_folder)
      : world_{world}, project_folder_{std::move(project_folder)} {}

  base::Result<domain::Release> prepare(const domain::ServiceSpec& service,
                                        const std::string& label);
  base::Result<> can_prepare(const domain::ServiceSpec& service, const std::string& label);
  base::Result<> verify(const domain::ServiceSpec& service, const domain::Release& release);
  // The program of a release: run[0], inside the folder when it is relative with a slash.
  static std::string program_of(const domain::ServiceSpec& service, const std::string& folder);

private:
  base::Result<> make(const domain::ServiceSpec& service, const std::string& label,
                      const std::string& folder);
  base::Result<> make_from_folder(const std::string& source, const std::string& folder);
  base::Result<> make_from_archive(const domain::ServiceSpec& service, const std::string& label,
                                   const std::string& folder);
  base::Result<> make_by_command(const domain::ServiceSpec& service, const std::string& label,
                                 const std::string& folder);
  base::Result<std::string> wanted_digest(const domain::ReleaseSource& source,
                                          const std::string& archive, const std::string& label);
  // The folder is whole: it has a record and its tree has that digest. Empty: it is not.
  base::Result<std::string> recorded_digest(const domain::ServiceSpec& service,
                                            const std::string& label);
  base::Result<bool> is_same_source(const domain::ServiceSpec& service, const std::string& label,
                                    const std::string& digest);
  base::Result<> check_program(const domain::ServiceSpec& service, const std::string& folder);
  world::World world_;
  std::string project_folder_;
};

} // namespace drivers::process
