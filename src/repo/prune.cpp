#include "repo/prune.hpp"

#include "base/text.hpp"
#include "repo/saver.hpp"
#include "repo/span.hpp"
#include "repo/usage.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace repo {

using backend::FileKind;
using backend::Listed;
using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using format::BlobType;
using format::Id;
using format::IndexedPack;
using format::PackedBlob;

namespace {

constexpr std::size_t rewritten_blobs_max = 50'000;

enum class Fate { keep, repack, remove };

struct PackState {
  std::uint64_t used = 0;
  std::uint64_t unused = 0;
  std::uint64_t size = 0; // of the file
  bool must_repack = false;
  Fate fate = Fate::keep;
};

class Prune {
public:
  Prune(Repository& repository, Lock& lock, const PruneOptions& options)
      : repository_{repository}, lock_{lock}, options_{options},
        begin_{repository.ports().clock.monotonic()} {}

  Result<PruneReport> run(const std::function<void(const std::string&)>& say,
                          const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
    save_.pack_bytes = TRY(repository_.plan(need_of_prune, 1)).pack_bytes;
    const auto snapshots = TRY(repository_.snapshots());
    TRY(repository_.load_index());
    say("looking at what " + std::to_string(snapshots.size()) + " snapshots need");
    usage_ = TRY(find_usage(repository_, snapshots,
                            {[](const std::string& problem) -> Result<> {
                               return Error{
                                   ErrorKind::corrupt, problem,
                                   "Nothing was changed. 'belay repo check' tells what is broken."};
                             },
                             [this] { return keep(); }}));
    TRY(look_at_packs());
    choose();
    sum_up();
    if (options_.is_dry_run)
      return report_;
    say("writing " + base::format_bytes(bytes_to_copy_) + " again, removing " +
        base::format_bytes(report_.bytes_removed));
    TRY(repack(progress));
    TRY(write_index());
    TRY(remove());
    return report_;
  }

private:
  Result<> keep() {
    TRY(lock_.keep());
    if (repository_.ports().clock.stop_requested())
      return Error{ErrorKind::interrupted, "asked to stop",
                   "Every snapshot is whole. Start it again to end it."};
    return ok();
  }

  // A blob that stands in several packs counts in one of them only.
  bool is_needed(const Id& pack, const PackedBlob& blob) const {
    if (!usage_.holds(blob.id, blob.type))
      return false;
    const auto place = repository_.index().find(blob.id, blob.type);
    return place && place->pack == pack && place->blob.offset == blob.offset;
  }

  template <class See>
  Result<> for_each_indexed(See see) {
    for (const Listed& file : index_files_) {
      const std::string json = TRY(repository_.load({FileKind::index, file.id}));
      for (const IndexedPack& pack : TRY(format::index_from_json(json)))
        TRY(see(file.id, pack));
      TRY(keep());
    }
    return ok();
  }

  Result<> look_at_packs() {
    index_files_ = TRY(repository_.backend().list(FileKind::index));
    TRY(for_each_indexed([&](const Id&, const IndexedPack& pack) -> Result<> {
      const auto [at, is_new] = packs_.try_emplace(pack.id);
      if (is_new)
        look_at(pack, at->second);
      return ok();
    }));
    for (const Listed& file : TRY(repository_.backend().list(FileKind::pack))) {
      const auto known = packs_.find(file.id);
      if (known == packs_.end()) {
        orphans_.push_back(file);
        continue;
      }
      if (known->second.used > 0 && known->second.size != file.size_bytes)
        return broken(file.id, "has not the size that the index tells");
      present_.insert(file.id);
    }
    for (const auto& [id, pack] : packs_)
      if (pack.used > 0 && !present_.contains(id))
        return broken(id, "is missing");
    return ok();
  }

  static Error broken(const Id& pack, const std::string& why) {
    return {ErrorKind::corrupt,
            "'" + backend::text_of({FileKind::pack, pack}) + "' " + why + ", and is needed",
            "Nothing was changed. 'belay repo check' tells what is broken."};
  }

  void look_at(const IndexedPack& pack, PackState& state) const {
    bool has_data = false;
    bool has_trees = false;
    state.size = format::pack_size(pack.blobs);
    for (const PackedBlob& blob : pack.blobs) {
      (is_needed(pack.id, blob) ? state.used : state.unused) += blob.length;
      (blob.type == BlobType::tree ? has_trees : has_data) = true;
      // Version 2 wants trees compressed, and trees and data apart.
      if (blob.type == BlobType::tree && blob.uncompressed_bytes == 0 &&
          repository_.config().version >= 2)
        state.must_repack = true;
    }
    state.must_repack = state.must_repack || (has_data && has_trees);
  }

  // Packs without a needed blob go. Of the others those with the largest unused share are written
  // again, until little enough is unused, or as much as may be.
  void choose() {
    std::uint64_t used = 0;
    std::uint64_t unused = 0;
    std::vector<PackState*> partly;
    for (auto& [id, pack] : packs_) {
      used += pack.used;
      if (pack.used == 0)
        pack.fate = Fate::remove;
      else if (pack.must_repack || pack.unused > 0)
        partly.push_back(&pack);
      if (pack.used > 0)
        unused += pack.unused;
    }
    std::ranges::stable_sort(partly, [](const PackState* a, const PackState* b) {
      if (a->must_repack != b->must_repack)
        return a->must_repack;
      return a->unused * b->used > b->unused * a->used;
    });
    const double allowed = options_.unused_bytes_max
                               ? static_cast<double>(*options_.unused_bytes_max)
                               : static_cast<double>(used) * options_.unused_max;
    std::uint64_t written = 0;
    bool is_wanting = false;
    for (PackState* pack : partly) {
      if (!pack->must_repack && static_cast<double>(unused) <= allowed)
        break;
      if (options_.repacked_bytes_max != 0 && written + pack->used > options_.repacked_bytes_max) {
        is_wanting = is_wanting || pack->must_repack;
        continue; // a smaller one may still fit
      }
      pack->fate = Fate::repack;
      written += pack->used;
      unused -= pack->unused;
    }
    report_.is_cut_short = is_wanting || static_cast<double>(unused) > allowed;
  }

  bool is_late() const {
    return options_.repacking_time_max.count() > 0 &&
           repository_.ports().clock.monotonic() - begin_ >= options_.repacking_time_max;
  }

  void sum_up() {
    report_ = {.bytes_written = report_.bytes_written, .is_cut_short = report_.is_cut_short};
    bytes_to_copy_ = 0;
    for (const auto& [id, pack] : packs_) {
      report_.packs_kept += pack.fate == Fate::keep ? 1U : 0U;
      report_.bytes_unused += pack.fate == Fate::keep ? pack.unused : 0U;
      report_.packs_repacked += pack.fate == Fate::repack ? 1U : 0U;
      const bool is_removed = pack.fate == Fate::remove && present_.contains(id);
      report_.packs_removed += is_removed ? 1U : 0U;
      if (is_removed || pack.fate == Fate::repack)
        report_.bytes_removed += pack.size;
      if (pack.fate == Fate::repack)
        bytes_to_copy_ += pack.used;
    }
    report_.packs_removed += orphans_.size();
    for (const Listed& orphan : orphans_)
      report_.bytes_removed += orphan.size_bytes;
  }

  Result<> repack(const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
    Added added;
    std::optional<Error> failed;
    const auto sink = [&](format::FinishedPack pack) {
      report_.bytes_written += pack.bytes.size();
      if (auto stored = store_.store(std::move(pack)); !stored)
        failed = std::move(stored).error();
      return !failed;
    };
    BlobSaver data{repository_, BlobType::data, save_, added, sink};
    BlobSaver trees{repository_, BlobType::tree, save_, added, sink};
    BlobReader reader{repository_};
    std::set<Id> done;
    std::uint64_t bytes = 0;
    TRY(for_each_indexed([&](const Id&, const IndexedPack& pack) -> Result<> {
      if (packs_.at(pack.id).fate != Fate::repack || is_late() || !done.insert(pack.id).second)
        return ok();
      for (const BlobSpan& span : spans_of(pack))
        TRY(copy(span, reader, data, trees));
      bytes += packs_.at(pack.id).used;
      if (progress)
        progress(bytes, bytes_to_copy_);
      return failed ? Result<>{*failed} : keep();
    }));
    if (!data.flush() || !trees.flush())
      return failed.value_or(Error{ErrorKind::failed, "a pack could not be stored", ""});
    keep_what_is_not(done);
    TRY(store_.flush());
    return store_.read_back(true);
  }

  // Those for which there was no time stay as they are.
  void keep_what_is_not(const std::set<Id>& done) {
    for (auto& [id, pack] : packs_)
      if (pack.fate == Fate::repack && !done.contains(id)) {
        pack.fate = Fate::keep;
        report_.is_cut_short = true;
      }
    sum_up();
  }

  // What is needed of a pack, in as few pieces as can be read at once.
  std::vector<BlobSpan> spans_of(const IndexedPack& pack) const {
    std::vector<BlobPlace> needed;
    for (const PackedBlob& blob : pack.blobs)
      if (is_needed(pack.id, blob))
        needed.push_back({pack.id, blob});
    return blob_spans(std::move(needed));
  }

  Result<> copy(const BlobSpan& span, BlobReader& reader, BlobSaver& data, BlobSaver& trees) {
    const std::string bytes =
        TRY(repository_.backend().load({FileKind::pack, span.pack}, span.begin(), span.length()));
    for (const PackedBlob& blob : span.blobs) {
      const std::string_view box = span.box_of(blob, bytes);
      TRY(reader.unpack({span.pack, blob}, box, plain_)); // what is broken is not spread
      const bool is_tree = blob.type == BlobType::tree;
      BlobSaver& to = is_tree ? trees : data;
      const bool is_wanting = is_tree && blob.uncompressed_bytes == 0;
      if (!(is_wanting ? to.save(blob.id, plain_) : to.save_sealed(blob, box)))
        return Error{ErrorKind::failed, "a pack could not be stored", ""};
    }
    return ok();
  }

  // Only those index files are written again that name a pack that goes.
  Result<> write_index() {
    std::vector<IndexedPack> kept;
    std::size_t blobs = 0;
    std::set<Id> written;
    const auto flush = [&]() -> Result<> {
      TRY(lock_.keep());
      if (!kept.empty())
        TRY(repository_.save(FileKind::index, format::index_to_json(kept)));
      kept.clear();
      blobs = 0;
      return ok();
    };
    TRY(for_each_indexed([&](const Id& file, const IndexedPack& pack) -> Result<> {
      if (packs_.at(pack.id).fate != Fate::keep)
        stale_files_.insert(file);
      return ok();
    }));
    TRY(for_each_indexed([&](const Id& file, const IndexedPack& pack) -> Result<> {
      if (!stale_files_.contains(file) || packs_.at(pack.id).fate != Fate::keep ||
          !written.insert(pack.id).second)
        return ok();
      kept.push_back(pack);
      blobs += pack.blobs.size();
      return blobs >= rewritten_blobs_max ? flush() : ok();
    }));
    return flush();
  }

  Result<> remove() {
    for (const Id& file : stale_files_) {
      TRY(lock_.keep());
      TRY(repository_.backend().remove({FileKind::index, file}));
    }
    for (const auto& [id, pack] : packs_)
      if (pack.fate != Fate::keep && present_.contains(id)) {
        TRY(lock_.keep());
        TRY(repository_.backend().remove({FileKind::pack, id}));
      }
    for (const Listed& orphan : orphans_) {
      TRY(lock_.keep());
      TRY(repository_.backend().remove({FileKind::pack, orphan.id}));
    }
    return ok();
  }

  Repository& repository_;
  Lock& lock_;
  const PruneOptions& options_;
  SaveOptions save_;
  PackStore store_{repository_, lock_};
  Usage usage_;
  std::vector<Listed> index_files_;
  std::map<Id, PackState> packs_;
  std::set<Id> present_;
  std::vector<Listed> orphans_;
  std::set<Id> stale_files_;
  std::uint64_t bytes_to_copy_ = 0;
  const world::Milliseconds begin_; // monotonic
  std::string plain_;
  PruneReport report_;
};

} // namespace

Result<PruneReport> prune(Repository& repository, Lock& lock, const PruneOptions& options,
                          const std::function<void(const std::string&)>& say,
                          const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  return Prune{repository, lock, options}.run(say, progress);
}

} // namespace repo
