#pragma once
// Repo say: what people and programs are told about repositories. Pure. JSON is one object a line.

#include "repo/backup.hpp"
#include "repo/check.hpp"
#include "repo/keys.hpp"
#include "repo/prune.hpp"
#include "repo/restore.hpp"
#include "repo/retention.hpp"

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace cli {

std::string told(bool is_json, const std::string& event, const repo::format::Id& id);
std::string speed(std::uint64_t bytes, world::Milliseconds time); // "1.2 GiB, 80 MiB a second"

std::string key_text(const repo::KeyInfo& key);
std::string key_json(const repo::KeyInfo& key);
std::string snapshot_text(const repo::format::Snapshot& snapshot);
std::string snapshot_json(const repo::format::Snapshot& snapshot);
std::string node_text(const std::string& path, const repo::format::Node& node);
std::string node_json(const std::string& path, const repo::format::Node& node);
std::string backup_text(const repo::BackupReport& report, world::Milliseconds time);
std::string backup_json(const repo::BackupReport& report);
std::string restore_text(const repo::RestoreReport& report, const repo::RestoreOptions& how,
                         world::Milliseconds time);
std::string restore_json(const repo::RestoreReport& report, const repo::RestoreOptions& how);
std::string decision_text(const repo::Decision& decision);
std::string decision_json(const repo::Decision& decision);
std::string prune_text(const repo::PruneReport& report, bool is_dry_run);
std::string prune_json(const repo::PruneReport& report);

} // namespace cli
