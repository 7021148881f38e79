#include "repo/backup.hpp"

#include "repo/backup_run.hpp"

#include <algorithm>
#include <thread>

namespace repo {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using format::BlobType;
using format::Id;

void BackupRun::fail(Error error) {
  {
    const std::scoped_lock guard{mutex};
    if (!failure_)
      failure_ = std::move(error);
  }
  is_failed_ = true;
  jobs.drop();
  packs.drop();
}

std::optional<Error> BackupRun::failure() {
  const std::scoped_lock guard{mutex};
  return failure_;
}

void BackupRun::note_torn(const std::string& path) {
  const std::scoped_lock guard{mutex};
  ++torn_count;
  if (torn.size() < torn_told_max)
    torn.push_back(path);
}

bool BackupRun::save_tree(Dir& dir, Id& id) {
  if (dir.is_as_before) { // and so is its tree, which was read
    ++folders_unmodified;
    id = *dir.previous;
    return true;
  }
  std::vector<format::Node> nodes;
  nodes.reserve(dir.nodes.size());
  for (auto& node : dir.nodes)
    if (node)
      nodes.push_back(*std::move(node));
  const std::string text = format::encode_tree(std::move(nodes));
  id = format::id_of(text);
  ++(!dir.previous ? folders_new : *dir.previous == id ? folders_unmodified : folders_changed);
  if (!repository.index().claim(id, BlobType::tree))
    return true;
  const std::scoped_lock guard{mutex};
  return tree_saver.save(id, text);
}

void BackupRun::done_in(std::shared_ptr<Dir> dir) {
  while (dir && --dir->pending == 0) {
    Id id;
    if (is_over() || !save_tree(*dir, id))
      return;
    dir->folder.reset();
    if (dir->parent) {
      if (dir->previous != id)
        dir->parent->is_as_before = false;
      dir->parent->nodes[dir->place]->subtree = id;
    } else {
      root = id;
      jobs.close();
    }
    dir = std::shared_ptr<Dir>{dir->parent};
  }
}

namespace {

// The snapshot of the same paths of this host that is the newest: what did not change since is
// taken from it.
const format::Snapshot* parent_of(const std::vector<format::Snapshot>& snapshots,
                                  const BackupOptions& options, const std::string& host) {
  const auto is_same = [&](const format::Snapshot& each) {
    return each.host == host && each.paths == options.paths;
  };
  for (auto at = snapshots.rbegin(); at != snapshots.rend(); ++at)
    if (is_same(*at))
      return &*at;
  return nullptr;
}

class Backup {
public:
  Backup(Repository& repository, Lock& lock, BackupRun& run,
         const std::function<void(const BackupProgress&)>& progress)
      : repository_{repository}, lock_{lock}, run_{run}, progress_{progress}, store_{repository,
                                                                                     lock} {}

  // All threads, until everything is stored. The thread that calls is the one with effects.
  Result<> read_all(const std::optional<Id>& previous_root) {
    const std::size_t wanted = run_.plan.threads;
    for (std::size_t worker = 0; worker < wanted; ++worker)
      savers_.push_back(std::make_unique<BlobSaver>(
          repository_, BlobType::data, run_.save, run_.added,
          [this](format::FinishedPack pack) { return run_.packs.push(std::move(pack)); }));
    // One thread has nobody to share with.
    const std::size_t waiting_max = run_.plan.left / ChunkMemory::bytes_max;
    run_.jobs.set_bound_first(wanted == 1 ? 0 : std::min(wanted, waiting_max));
    std::atomic<std::size_t> at_work = wanted + 1;
    const auto as_thread = [&](const std::function<Result<>()>& what) {
      if (auto done = what(); !done)
        run_.fail(std::move(done).error());
      if (--at_work == 0)
        run_.packs.close();
    };
    std::vector<std::jthread> threads;
    threads.emplace_back([&] { as_thread([&] { return walk(run_, previous_root); }); });
    for (const auto& saver : savers_)
      threads.emplace_back([&] { as_thread([&] { return work(run_, *saver); }); });
    if (auto stored = store_packs(); !stored)
      run_.fail(std::move(stored).error());
    threads.clear(); // waits
    if (auto failed = run_.failure())
      return *std::move(failed);
    return store_rest();
  }

  PackStore& store() { return store_; }

private:
  Result<> store_packs() {
    for (bool is_over = false; !is_over;) {
      if (auto pack = run_.packs.pop_within(std::chrono::milliseconds{500}, is_over))
        TRY(store_.store(*std::move(pack)));
      TRY(lock_.keep());
      if (repository_.ports().clock.stop_requested())
        return Error{ErrorKind::interrupted, "asked to stop: no snapshot was made",
                     "Start it again: what was stored already is not stored twice."};
      if (progress_)
        progress_({.files = run_.files_done, .bytes = run_.bytes_done});
    }
    return ok();
  }

  // What the threads left, in few packs.
  Result<> store_rest() {
    std::optional<Error> failed;
    const auto sink = [&](format::FinishedPack pack) {
      if (auto stored = store_.store(std::move(pack)); !stored)
        failed = std::move(stored).error();
      return !failed;
    };
    BlobSaver data{repository_, BlobType::data, run_.save, run_.added, sink};
    BlobSaver trees{repository_, BlobType::tree, run_.save, run_.added, sink};
    bool is_good = trees.absorb(run_.tree_saver) && trees.flush();
    for (const auto& saver : savers_)
      is_good = is_good && data.absorb(*saver);
    is_good = is_good && data.flush();
    if (!is_good)
      return failed.value_or(Error{ErrorKind::failed, "nothing could be stored", ""});
    return store_.flush();
  }

  Repository& repository_;
  Lock& lock_;
  BackupRun& run_;
  const std::function<void(const BackupProgress&)>& progress_;
  PackStore store_;
  std::vector<std::unique_ptr<BlobSaver>> savers_;
};

format::Summary summary_of(const BackupRun& run, format::Time begin, format::Time end) {
  return {.begin = begin,
          .end = end,
          .files_new = run.files_new,
          .files_changed = run.files_changed,
          .files_unmodified = run.files_unmodified,
          .folders_new = run.folders_new,
          .folders_changed = run.folders_changed,
          .folders_unmodified = run.folders_unmodified,
          .data_blobs = run.added.data_blobs,
          .tree_blobs = run.added.tree_blobs,
          .bytes_added = run.added.bytes,
          .bytes_added_packed = run.added.bytes_packed,
          .files = run.files_done,
          .bytes = run.bytes_done};
}

} // namespace

Result<BackupReport> backup(Repository& repository, Lock& lock, world::Folders& folders,
                            const BackupOptions& options,
                            const std::function<void(const BackupProgress&)>& progress) {
  const Ports& ports = repository.ports();
  const format::Time begin = format::Time::of(ports.clock.now());
  const world::Identity self = ports.machine.identity();
  Excludes excludes = TRY(Excludes::of(options.exclude));
  const MemoryPlan plan = TRY(repository.plan(need_of_backup, options.threads));
  // Snapshots first: what one of them needs is then in the index that is read after.
  const auto snapshots = TRY(repository.snapshots());
  TRY(repository.load_index());
  const format::Snapshot* const parent = parent_of(snapshots, options, self.host);
  BackupRun run{repository, folders, options, plan, std::move(excludes)};
  const std::uint64_t bytes_before =
      parent != nullptr && parent->summary ? parent->summary->bytes : 0;
  const std::function<void(const BackupProgress&)> tell = [&](BackupProgress now) {
    now.bytes_before = bytes_before;
    if (progress)
      progress(now);
  };
  Backup whole{repository, lock, run, tell};
  TRY(whole.read_all(parent == nullptr ? std::nullopt : std::optional{parent->tree}));
  CHECK(run.root.has_value());
  TRY(whole.store().read_back(options.is_all_read_back));
  TRY(lock.keep());
  BackupReport report;
  report.snapshot = {.time = begin,
                     .parent = parent == nullptr ? std::nullopt : std::optional{parent->id},
                     .tree = *run.root,
                     .paths = options.paths,
                     .host = self.host,
                     .user = self.user,
                     .uid = self.uid,
                     .gid = self.gid,
                     .excludes = options.exclude,
                     .tags = options.tags,
                     .program_version = options.program_version,
                     .summary = summary_of(run, begin, format::Time::of(ports.clock.now()))};
  if (options.is_torn_tagged && run.torn_count > 0)
    report.snapshot.tags.push_back("torn=" + std::to_string(run.torn_count));
  report.snapshot.id =
      TRY(repository.save(backend::FileKind::snapshot, format::to_json(report.snapshot)));
  report.torn = std::move(run.torn);
  report.torn_count = run.torn_count;
  return report;
}

} // namespace repo
