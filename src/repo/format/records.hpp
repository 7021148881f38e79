#pragma once
// Records: the small JSON files of a repository: config, key files, locks, index files, snapshots.
// Readers pass over members that they do not know. Source: restic design.rst.

#include "repo/format/chunker.hpp"
#include "repo/format/pack.hpp"
#include "repo/format/time.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace repo::format {

struct Config {
  std::uint64_t version = 2; // 1 or 2
  std::string id;            // of the repository: 64 digits
  Polynomial chunker = 0;
};
std::string to_json(const Config& config);
// corrupt, too_new.
base::Result<Config> config_from_json(std::string_view text);

struct KeyFile { // stored as it is, readable by everybody
  Time created;
  std::string user;
  std::string host;
  std::uint64_t n = 32768; // of scrypt
  std::uint64_t r = 8;
  std::uint64_t p = 1;
  std::string salt; // 64 bytes
  std::string data; // the sealed master key
};
std::string to_json(const KeyFile& key);
base::Result<KeyFile> key_file_from_json(std::string_view text); // corrupt
std::string to_json(const Key& master);
base::Result<Key> master_key_from_json(std::string_view text); // corrupt

struct LockFile {
  Time time;
  bool is_exclusive = false;
  std::string host;
  std::string user;
  std::uint64_t pid = 0;
};
std::string to_json(const LockFile& lock);
base::Result<LockFile> lock_from_json(std::string_view text); // corrupt

struct IndexedPack {
  Id id;
  std::vector<PackedBlob> blobs;
};
// A blob as an index entry; every blob of a pack stands in the same file.
std::string index_to_json(const std::vector<IndexedPack>& packs);
base::Result<std::vector<IndexedPack>> index_from_json(std::string_view text); // corrupt

struct Summary {
  Time begin;
  Time end;
  std::uint64_t files_new = 0;
  std::uint64_t files_changed = 0;
  std::uint64_t files_unmodified = 0;
  std::uint64_t folders_new = 0;
  std::uint64_t folders_changed = 0;
  std::uint64_t folders_unmodified = 0;
  std::uint64_t data_blobs = 0; // added
  std::uint64_t tree_blobs = 0; // added
  std::uint64_t bytes_added = 0;
  std::uint64_t bytes_added_packed = 0;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
};

struct Snapshot {
  Id id; // of its file; not in the JSON
  Time time;
  std::optional<Id> parent;
  Id tree;
  std::vector<std::string> paths; // absolute
  std::string host;
  std::string user;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::string> excludes;
  std::vector<std::string> tags;
  std::optional<Id> original;
  std::string program_version;
  std::optional<Summary> summary;
};
std::string to_json(const Snapshot& snapshot);
base::Result<Snapshot> snapshot_from_json(std::string_view text); // corrupt; without its id

} // namespace repo::format
