#include "repo/stats.hpp"

#include "repo/restore.hpp"
#include "repo/usage.hpp"

#include <set>
#include <unordered_map>
#include <unordered_set>

namespace repo {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using format::BlobType;
using format::Id;
using format::Node;
using format::NodeType;
using format::Snapshot;

namespace {

using IdSet = std::unordered_set<Id, format::IdHash>;

class Counter {
public:
  Counter(Repository& repository, StatsMode mode, Stats& stats)
      : repository_{repository}, mode_{mode}, stats_{stats} {}

  Result<> see_snapshot(const Snapshot& snapshot) {
    inodes_.clear();
    return for_each_node(
        repository_, snapshot, "/",
        [this](const std::string& path, const Node& node) -> Result<> { return see(path, node); });
  }

private:
  Result<> see(const std::string& path, const Node& node) {
    if (mode_ == StatsMode::restore_size) {
      ++stats_.files;
      const bool is_first = node.links < 2 || node.type == NodeType::folder || node.inode == 0 ||
                            inodes_.emplace(node.device_id, node.inode).second;
      stats_.bytes += is_first ? node.size : 0;
      return ok();
    }
    if (node.type != NodeType::file || !contents_.insert(content_of(node)).second)
      return ok();
    if (mode_ == StatsMode::files_by_contents) {
      ++stats_.files;
      stats_.bytes += node.size;
      return ok();
    }
    for (const Id& id : node.content) {
      const auto [blobs, is_new] = blobs_of_path_.try_emplace(path);
      stats_.files += is_new ? 1 : 0;
      if (!blobs->second.insert(id).second)
        continue;
      const auto place = repository_.index().find(id, BlobType::data);
      if (!place)
        return Error{ErrorKind::corrupt,
                     "'" + path + "': data blob " + short_id(id) + " is in no index file", ""};
      ++stats_.blobs;
      stats_.bytes += place->blob.plain_bytes();
    }
    return ok();
  }

  static Id content_of(const Node& node) {
    std::string all;
    for (const Id& id : node.content)
      all.append(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size());
    return format::id_of(all);
  }

  Repository& repository_;
  StatsMode mode_;
  Stats& stats_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> inodes_; // of one snapshot
  IdSet contents_;
  std::unordered_map<std::string, IdSet> blobs_of_path_;
};

Result<> count_raw(Repository& repository, const std::vector<Snapshot>& snapshots, Stats& stats) {
  const Usage usage = TRY(find_usage(repository, snapshots,
                                     {[](const std::string& problem) -> Result<> {
                                        return Error{ErrorKind::corrupt, problem, ""};
                                      },
                                      {}}));
  const auto see = [&](const Id& id, BlobType type) {
    const auto place = *repository.index().find(id, type); // else it was told as broken
    ++stats.blobs;
    stats.bytes += place.blob.length;
    stats.uncompressed_bytes += place.blob.plain_bytes() + format::seal_bytes;
  };
  for (const Id& id : usage.data)
    see(id, BlobType::data);
  for (const Id& id : usage.trees)
    see(id, BlobType::tree);
  return ok();
}

} // namespace

Result<Stats> find_stats(Repository& repository, const std::vector<Snapshot>& snapshots,
                         StatsMode mode) {
  Stats stats{.snapshots = snapshots.size()};
  if (mode == StatsMode::raw_data) {
    TRY(count_raw(repository, snapshots, stats));
  } else {
    Counter counter{repository, mode, stats};
    for (const Snapshot& snapshot : snapshots)
      TRY(counter.see_snapshot(snapshot));
  }
  for (const backend::Listed& pack : TRY(repository.backend().list(backend::FileKind::pack))) {
    ++stats.packs;
    stats.pack_bytes += pack.size_bytes;
  }
  stats.index_files = TRY(repository.backend().list(backend::FileKind::index)).size();
  stats.index_blobs = repository.index().size();
  return stats;
}

} // namespace repo
