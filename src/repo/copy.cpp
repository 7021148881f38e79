#include "repo/copy.hpp"

#include "repo/format/tree.hpp"
#include "repo/queue.hpp"
#include "repo/restore.hpp"
#include "repo/span.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <unordered_set>

namespace repo {

using backend::FileKind;
using backend::text_of;
using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using format::BlobType;
using format::Id;
using format::Snapshot;

namespace {

constexpr std::size_t waiting_packs_max = 1;  // with the one that is being stored
constexpr std::size_t packs_of_an_index = 64; // what a run that dies may have stored in vain
struct Moved {                                // of a snapshot; several threads count
  std::atomic<std::uint64_t> blobs = 0;
  std::atomic<std::uint64_t> bytes = 0;
};

// All blobs of one type that a snapshot needs: threads read, verify and seal them, and the one
// that calls stores the packs.
class Moving {
public:
  Moving(LockedRepository from, LockedRepository to, BlobType type, const CopyOptions& options,
         const MemoryPlan& plan, Added& added, PackStore& store, Moved& done)
      : from_{from}, to_{to}, type_{type}, threads_{plan.threads}, save_{options.save},
        added_{added}, store_{store}, done_{done} {
    save_.pack_bytes = std::min(save_.pack_bytes, plan.pack_bytes);
  }

  Result<> run(std::vector<BlobPlace> places, const std::function<void()>& progress) {
    spans_ = blob_spans(std::move(places));
    const std::size_t wanted = std::min(threads_, std::max<std::size_t>(1, spans_.size()));
    for (std::size_t worker = 0; worker < wanted; ++worker)
      savers_.push_back(std::make_unique<BlobSaver>(
          to_.repository, type_, save_, added_,
          [this](format::FinishedPack pack) { return packs_.push(std::move(pack)); }));
    std::atomic<std::size_t> at_work = wanted;
    std::vector<std::jthread> threads;
    for (const auto& saver : savers_)
      threads.emplace_back([&] {
        if (auto moved = move(*saver); !moved)
          fail(std::move(moved).error());
        if (--at_work == 0)
          packs_.close();
      });
    if (auto stored = store_packs(progress); !stored)
      fail(std::move(stored).error());
    threads.clear(); // waits
    return failed_ ? Result<>{*std::move(failed_)} : store_rest();
  }

private:
  void fail(Error error) {
    const std::scoped_lock guard{mutex_};
    if (!failed_)
      failed_ = std::move(error);
    is_over_ = true;
    packs_.drop();
  }

  Result<> move(BlobSaver& saver) {
    BlobReader reader{from_.repository};
    std::string plain;
    for (std::size_t at = next_++; at < spans_.size() && !is_over_; at = next_++) {
      const BlobSpan& span = spans_[at];
      auto bytes =
          from_.repository.backend().load({FileKind::pack, span.pack}, span.begin(), span.length());
      if (!bytes && bytes.error().kind == ErrorKind::not_found)
        return Error{ErrorKind::corrupt,
                     "the pack '" + text_of({FileKind::pack, span.pack}) + "' is missing",
                     "'belay repo check' tells what else is."};
      if (!bytes)
        return std::move(bytes).error();
      for (const format::PackedBlob& blob : span.blobs) {
        TRY(reader.unpack({span.pack, blob}, span.box_of(blob, bytes.value()), plain));
        if (!saver.save(blob.id, plain))
          return ok(); // it is all over
        ++done_.blobs;
        done_.bytes += blob.length;
      }
    }
    return ok();
  }

  Result<> store_packs(const std::function<void()>& progress) {
    std::size_t count = 0;
    for (bool is_over = false; !is_over;) {
      if (auto pack = packs_.pop_within(std::chrono::milliseconds{500}, is_over)) {
        TRY(store_.store(*std::move(pack)));
        if (++count % packs_of_an_index == 0)
          TRY(store_.flush());
      }
      TRY(from_.lock.keep());
      TRY(to_.lock.keep());
      if (to_.repository.ports().clock.stop_requested())
        return Error{ErrorKind::interrupted, "asked to stop: this snapshot was not copied",
                     "Start it again: what was stored already is not stored twice."};
      progress();
    }
    return ok();
  }

  Result<> store_rest() {
    std::optional<Error> failed;
    BlobSaver rest{to_.repository, type_, save_, added_, [&](format::FinishedPack pack) {
                     if (auto stored = store_.store(std::move(pack)); !stored)
                       failed = std::move(stored).error();
                     return !failed;
                   }};
    bool is_good = true;
    for (const auto& saver : savers_)
      is_good = is_good && rest.absorb(*saver);
    if (!is_good || !rest.flush())
      return failed.value_or(Error{ErrorKind::failed, "nothing could be stored", ""});
    return ok();
  }

  LockedRepository from_;
  LockedRepository to_;
  BlobType type_;
  std::size_t threads_;
  SaveOptions save_;
  Added& added_;
  PackStore& store_;
  Moved& done_;
  std::vector<BlobSpan> spans_;
  std::vector<std::unique_ptr<BlobSaver>> savers_;
  Queue<format::FinishedPack> packs_{waiting_packs_max, true};
  std::atomic<std::size_t> next_ = 0;
  std::atomic<bool> is_over_ = false;
  std::mutex mutex_;
  std::optional<Error> failed_;
};

// The snapshot itself, or what it was copied from.
Id origin_of(const Snapshot& snapshot) {
  return snapshot.original.value_or(snapshot.id);
}

class Copy {
public:
  Copy(LockedRepository from, LockedRepository to, const CopyOptions& options,
       const std::function<void(const CopyProgress&)>& progress)
      : from_{from}, to_{to}, options_{options}, progress_{progress} {}

  Result<CopyReport> run() {
    if (from_.repository.config().id == to_.repository.config().id)
      return Error{ErrorKind::invalid_input, "both places are the same repository",
                   "Name two, each made by 'belay repo init'."};
    plan_ = TRY(to_.repository.plan(need_of_copy, options_.threads));
    const auto wanted = TRY(choose());
    snapshots_all_ = wanted.size();
    const auto there = TRY(to_.repository.snapshots());
    TRY(from_.repository.load_index());
    TRY(to_.repository.load_index());
    for (const Snapshot& snapshot : wanted) {
      const auto same = std::ranges::find_if(there, [&](const Snapshot& each) {
        return origin_of(each) == origin_of(snapshot) && each.tree == snapshot.tree &&
               each.time.point() == snapshot.time.point() && each.tags == snapshot.tags;
      });
      if (same == there.end())
        report_.snapshots.push_back({snapshot.id, TRY(copy_one(snapshot)), true});
      else
        report_.snapshots.push_back({snapshot.id, same->id, false});
    }
    report_.blobs = added_.data_blobs + added_.tree_blobs;
    report_.bytes = added_.bytes;
    report_.bytes_packed = added_.bytes_packed;
    return std::move(report_);
  }

private:
  // Oldest first, each once.
  Result<std::vector<Snapshot>> choose() {
    auto all = TRY(from_.repository.snapshots());
    if (options_.snapshots.empty())
      return all;
    std::unordered_set<Id, format::IdHash> named;
    for (const std::string& name : options_.snapshots)
      named.insert(TRY(from_.repository.snapshot(name)).id);
    std::erase_if(all, [&](const Snapshot& each) { return !named.contains(each.id); });
    return all;
  }

  Result<> want(const Id& id, BlobType type, std::vector<BlobPlace>& missing) {
    if (!to_.repository.index().claim(id, type))
      return ok();
    const auto place = from_.repository.index().find(id, type);
    if (!place)
      return Error{ErrorKind::corrupt,
                   std::string{format::name_of(type)} + " blob " + short_id(id) +
                       " is in no index file of the source",
                   "'belay repo check' tells what else is missing."};
    missing.push_back(*place);
    return ok();
  }

  // A tree that is there already is gone through all the same: what is below it may not be there.
  Result<> find_missing(const Id& root, std::vector<BlobPlace>& data,
                        std::vector<BlobPlace>& trees) {
    BlobReader reader{from_.repository};
    std::vector<Id> open{root};
    while (!open.empty()) {
      const Id id = open.back();
      open.pop_back();
      if (!seen_.insert(id).second)
        continue;
      if (seen_.size() % 256 == 0) {
        TRY(from_.lock.keep());
        TRY(to_.lock.keep());
      }
      TRY(want(id, BlobType::tree, trees));
      for (const format::Node& node : TRY(read_tree(reader, id))) {
        if (node.subtree)
          open.push_back(*node.subtree);
        for (const Id& blob : node.content)
          TRY(want(blob, BlobType::data, data));
      }
    }
    return ok();
  }

  Result<Id> copy_one(const Snapshot& snapshot) {
    std::vector<BlobPlace> data;
    std::vector<BlobPlace> trees;
    const std::string which = "snapshot " + short_id(snapshot.id);
    TRY_CONTEXT(find_missing(snapshot.tree, data, trees), which);
    CopyProgress now{.blobs_all = data.size() + trees.size(),
                     .snapshot = report_.snapshots.size() + 1,
                     .snapshots = snapshots_all_};
    for (const auto* places : {&data, &trees})
      for (const BlobPlace& place : *places)
        now.bytes_all += place.blob.length;
    PackStore store{to_.repository, to_.lock};
    Moved done;
    const auto tell = [&] {
      now.blobs_done = done.blobs;
      now.bytes_done = done.bytes;
      if (progress_)
        progress_(now);
    };
    TRY_CONTEXT((Moving{from_, to_, BlobType::data, options_, plan_, added_, store, done}.run(
                    std::move(data), tell)),
                which);
    TRY_CONTEXT((Moving{from_, to_, BlobType::tree, options_, plan_, added_, store, done}.run(
                    std::move(trees), tell)),
                which);
    TRY(store.flush());
    TRY_CONTEXT(store.read_back(options_.is_all_read_back), which);
    TRY(from_.lock.keep());
    TRY(to_.lock.keep());
    Snapshot made = snapshot;
    made.parent.reset(); // its id would mean nothing there
    made.original = origin_of(snapshot);
    return to_.repository.save(FileKind::snapshot, format::to_json(made));
  }

  LockedRepository from_;
  LockedRepository to_;
  const CopyOptions& options_;
  const std::function<void(const CopyProgress&)>& progress_;
  std::unordered_set<Id, format::IdHash> seen_;
  MemoryPlan plan_;
  Added added_;
  std::size_t snapshots_all_ = 0;
  CopyReport report_;
};

} // namespace

Result<CopyReport> copy(LockedRepository from, LockedRepository to, const CopyOptions& options,
                        const std::function<void(const CopyProgress&)>& progress) {
  return Copy{from, to, options, progress}.run();
}

} // namespace repo
