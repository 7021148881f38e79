#pragma once
// KM settings: the variables by which Duskmantle's operations playbook has a folder of state
// archived by the clock. Pure. Page: docs/guide/playbook.md.

#include "config/config.hpp"
#include "domain/stack.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace app {

struct KmSettings {
  domain::TimingSpec timing; // KM_BACKUP_CRON, in UTC; else KM_BACKUP_INTERVAL_MINUTES
  std::uint64_t keep = 7;    // KM_BACKUP_RETENTION_LIMIT; 0: every archive
  std::string source;        // KM_STATE_PATH
  std::string destination;   // KM_BACKUP_DEST_PATH
  std::string script;        // KM_BACKUP_SCRIPT; empty: belay makes the archive
  std::string folder;        // that relative paths are taken from
};

// A variable that is set to nothing is as if it were not set.

// KM_BACKUP_ENABLED. Nothing: no variable of the playbook is set. invalid_input: it says neither
// yes nor no.
base::Result<std::optional<bool>> km_is_enabled(const config::Environment& environment);

// Whether enabled or not. Paths are absolute; those that are not are taken from `folder`.
// invalid_input names the variable that is wrong.
base::Result<KmSettings> km_settings(const config::Environment& environment,
                                     const std::string& folder);

// What is remembered of the archives, beside them.
std::string km_state_folder(const KmSettings& settings);

} // namespace app
