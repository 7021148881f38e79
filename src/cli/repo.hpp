#pragma once
// Repo: the face of repositories: repo, backup, snapshots, ls, find, diff, verify, restore, dump,
// export, import, forget, prune.

#include "app/app.hpp"
#include "cli/cli.hpp"
#include "repo/memory.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace cli {

struct RepoOptions {
  std::string repository;
  std::string repository_file;
  std::vector<std::string> backend_options;
  std::string from_repository; // of copy
  std::string from_repository_file;
  std::string from_password_file;
  std::string from_password_command;
  std::vector<std::string> from_options;
  std::string limit_upload;
  std::string limit_download;
  std::size_t connections = 0;
  std::uint64_t memory_bytes = repo::memory_bytes_default;
  std::string password_file;
  std::string password_command;
  std::string new_password_file;
  std::string new_password_command;
  std::vector<std::string> paths;
  std::vector<std::string> tags;
  std::vector<std::string> exclude;
  std::vector<std::string> exclude_files;
  std::vector<std::string> snapshots;
  std::string snapshot;
  std::string path = "/";
  std::string target;
  std::string key;
  std::string subset;
  std::string max_unused = "5%";
  std::string max_repack_size;
  std::string max_repack_time;
  std::string keep_within;
  std::string keep_within_hourly;
  std::string keep_within_daily;
  std::string keep_within_weekly;
  std::string keep_within_monthly;
  std::string keep_within_yearly;
  std::string group_by = "host,paths";
  std::vector<std::string> only_hosts; // which snapshots are meant
  std::vector<std::string> only_paths;
  std::vector<std::string> only_tags;
  std::vector<std::string> keep_tags;
  std::uint64_t keep_last = 0;
  std::uint64_t keep_hourly = 0;
  std::uint64_t keep_daily = 0;
  std::uint64_t keep_weekly = 0;
  std::uint64_t keep_monthly = 0;
  std::uint64_t keep_yearly = 0;
  int compression = 1;
  bool has_caches_excluded = false;
  bool is_one_file_system = false;
  bool is_everything_read = false;
  bool is_inode_ignored = false;
  bool has_atime = false;
  bool is_all_read_back = false;
  bool has_holes = false;
  bool is_data_read = false;
  bool is_unlocked = false;
  bool is_all = false;
  bool is_dry_run = false;
  bool is_broken_removed = false; // of repair
  bool is_pruned = false;
  bool is_long = false;
  bool is_in_place = false;
  bool is_extra_removed = false;
  std::string overwrite = "always";
  std::string other_snapshot;
  std::string mode = "restore-size";
  std::string archive;
  std::string file;
  std::string path_as;
  bool is_case_ignored = false;
  bool has_metadata = false;
  bool is_of_stack = false;       // forget by belay.yaml
  bool is_second_place = false;   // that of belay.yaml
  bool is_copied_back = false;    // copy from the second place of belay.yaml to the first
  bool is_by_environment = false; // backup by KM_BACKUP_...
  bool is_verified_only = false;
  std::string stack;
  std::string point;
  std::string into;
  std::string store;
};

class RepoCommands {
public:
  // Adds the commands to `root`, which must outlive this.
  explicit RepoCommands(CLI::App& root);
  ~RepoCommands();
  RepoCommands(const RepoCommands&) = delete;
  RepoCommands& operator=(const RepoCommands&) = delete;
  bool is_asked() const; // after parsing: one of them is what was typed
  int run(const app::Host& host, const Terminal& terminal, bool is_json) const; // the exit status

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace cli
