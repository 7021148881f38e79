#pragma once
// KM backup: one archive of the folder of state that the playbook's variables name; and which of
// the archives that are there is whole.

#include "app/depot.hpp"
#include "app/km_settings.hpp"
#include "state/routines.hpp"

#include <string>
#include <vector>

namespace app {

inline constexpr const char* km_note_name = ".belay-archive.json"; // in each archive of belay's

struct KmBackup {
  state::LastArchive archive;
  std::vector<std::string> torn;    // files that changed while they were read; bounded
  std::vector<std::string> removed; // names of older archives
};

// Makes an archive, or has the script make it; reads it to its end, remembers it, and only then
// removes older ones. An error: there is no new archive, and none was removed. locked: another one
// is at work there. interrupted: we were asked to stop. Idempotent: what one that died has left is
// removed first.
base::Result<KmBackup> take_km_backup(const Host& host, const RepoPorts& ports,
                                      const KmSettings& settings);

struct KmVerified {
  state::LastArchive archive;
  std::vector<std::string> harmed; // newer ones that are not whole: "NAME: why"
};
// Reads the newest archive to its end, and older ones until one is whole; remembers that one.
// not_found: there is no archive. corrupt: none is whole. locked, interrupted as above.
base::Result<KmVerified> verify_km_archives(const Host& host, const RepoPorts& ports,
                                            const KmSettings& settings);

} // namespace app
