#include "repo/repair.hpp"

#include "repo/saver.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace repo {

using backend::FileKind;
using backend::Listed;
using backend::text_of;
using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using format::BlobType;
using format::Id;
using format::IndexedPack;
using format::PackedBlob;

namespace {

constexpr std::size_t repaired_blobs_max = 50'000;

class Repair {
public:
  Repair(Repository& repository, Lock& lock, const RepairOptions& options)
      : repository_{repository}, lock_{lock}, options_{options}, reader_{repository},
        sealer_{repository.key(), repository.ports().random}, store_{repository, lock},
        saver_data_{saver(BlobType::data)}, saver_trees_{saver(BlobType::tree)} {}

  Result<RepairReport> run(const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
    TRY(look_at_snapshots());
    for (const Listed& file : TRY(repository_.backend().list(FileKind::index)))
      TRY(look_at_index(file.id));
    const auto packs = TRY(repository_.backend().list(FileKind::pack));
    std::uint64_t done = 0;
    for (const Listed& pack : packs) {
      TRY(keep());
      TRY(look_at_pack(pack));
      if (progress)
        progress(++done, packs.size());
    }
    for (const auto& [id, blobs] : indexed_)
      if (!good_.contains(id) && !std::ranges::binary_search(packs, id, {}, &Listed::id))
        missing(id, blobs);
    TRY(save_blobs());
    TRY(write_index());
    return std::move(report_);
  }

private:
  using Blobs = std::vector<PackedBlob>;

  BlobSaver saver(BlobType type) {
    return {repository_, type, {}, added_, [this](format::FinishedPack pack) {
              if (auto stored = store_.store(std::move(pack)); !stored)
                failed_ = std::move(stored).error();
              return !failed_;
            }};
  }

  Result<> keep() {
    TRY(lock_.keep());
    if (repository_.ports().clock.stop_requested())
      return Error{ErrorKind::interrupted, "asked to stop", "Run it again: nothing is lost."};
    return ok();
  }

  void found(FileKind kind, const Id& id, const std::string& what) {
    report_.found.push_back("'" + text_of({kind, id}) + "' " + what);
  }

  Result<> look_at_snapshots() {
    for (const Listed& file : TRY(repository_.backend().list(FileKind::snapshot))) {
      const auto json = repository_.load({FileKind::snapshot, file.id});
      if (!json && json.error().kind != ErrorKind::corrupt)
        return json.error();
      if (json && format::snapshot_from_json(json.value()))
        continue;
      const bool goes = options_.are_broken_snapshots_removed;
      found(FileKind::snapshot, file.id,
            std::string{"cannot be read: "} +
                (goes ? "it goes" : "it stays; --remove-broken-snapshots removes it"));
      report_.snapshots_removed += goes ? 1 : 0;
      TRY(keep());
      if (goes && !options_.is_dry_run)
        TRY(repository_.backend().remove({FileKind::snapshot, file.id}));
    }
    return ok();
  }

  Result<> look_at_index(const Id& id) {
    TRY(keep());
    const auto json = repository_.load({FileKind::index, id});
    if (!json && json.error().kind != ErrorKind::corrupt)
      return json.error();
    auto packs = json ? format::index_from_json(json.value()) : json.error();
    if (!packs) {
      found(FileKind::index, id, "cannot be read: it is made anew from the packs");
      old_files_.push_back(id);
      return ok();
    }
    for (IndexedPack& pack : packs.value()) {
      files_[id].push_back(pack.id);
      indexed_.emplace(pack.id, std::move(pack.blobs)); // the first one counts
    }
    return ok();
  }

  Result<> look_at_pack(const Listed& pack) {
    const auto known = indexed_.find(pack.id);
    const bool is_known =
        known != indexed_.end() && format::pack_size(known->second) == pack.size_bytes;
    if (is_known && !options_.is_data_read) {
      good_[pack.id] = false;
      return ok();
    }
    auto header = read_header(repository_, sealer_, pack);
    if (!header && header.error().kind != ErrorKind::corrupt)
      return std::move(header).error();
    if (!header && known == indexed_.end()) {
      found(FileKind::pack, pack.id, "is in no index file, and its own table cannot be read");
      return ok();
    }
    Blobs blobs = header ? std::move(header).value() : known->second;
    Blobs whole = TRY(options_.is_data_read || !header ? whole_of(pack, blobs) : Result{blobs});
    if (!header || whole.size() != blobs.size()) {
      harmed(pack.id, blobs, whole);
      return ok();
    }
    const bool is_as_said = is_known && known->second == blobs;
    if (!is_as_said)
      found(FileKind::pack, pack.id, "is not as the index has it: its own table counts");
    good_[pack.id] = !is_as_said;
    indexed_[pack.id] = std::move(blobs);
    return ok();
  }

  // The blobs that are what their names say.
  Result<Blobs> whole_of(const Listed& pack, const Blobs& blobs) {
    const std::string bytes = TRY(repository_.backend().load({FileKind::pack, pack.id}));
    Blobs whole;
    for (const PackedBlob& blob : blobs) {
      const std::string_view box = std::string_view{bytes}.substr(
          std::min<std::size_t>(blob.offset, bytes.size()), blob.length);
      if (reader_.unpack({pack.id, blob}, box, plain_))
        whole.push_back(blob);
    }
    return whole;
  }

  void harmed(const Id& id, const Blobs& blobs, const Blobs& whole) {
    found(FileKind::pack, id,
          "is harmed: " + std::to_string(whole.size()) + " of " + std::to_string(blobs.size()) +
              " blobs are whole; the file stays until 'prune'");
    indexed_.erase(id);
    harmed_.insert(harmed_.end(), blobs.begin(), blobs.end());
    for (const PackedBlob& blob : whole)
      to_save_.push_back({id, blob});
  }

  void missing(const Id& id, const Blobs& blobs) {
    found(FileKind::pack, id, "is missing, with " + std::to_string(blobs.size()) + " blobs");
    harmed_.insert(harmed_.end(), blobs.begin(), blobs.end());
  }

  // Out of harmed packs, unless another pack has them; and counts those that no pack has.
  Result<> save_blobs() {
    for (const auto& [id, is_new] : good_)
      repository_.index().add({id, indexed_.at(id)});
    for (const BlobPlace& place : to_save_) {
      TRY(keep());
      if (!repository_.index().claim(place.blob.id, place.blob.type))
        continue;
      const std::string box = TRY(repository_.backend().load({FileKind::pack, place.pack},
                                                             place.blob.offset, place.blob.length));
      TRY(reader_.unpack(place, box, plain_));
      ++report_.blobs_saved;
      BlobSaver& saver = place.blob.type == BlobType::tree ? saver_trees_ : saver_data_;
      if (!options_.is_dry_run && !saver.save_sealed(place.blob, box))
        return *std::move(failed_);
    }
    for (const PackedBlob& blob : harmed_)
      report_.blobs_lost += repository_.index().claim(blob.id, blob.type) ? 1 : 0;
    if (!saver_data_.flush() || !saver_trees_.flush())
      return *std::move(failed_);
    return ok();
  }

  // A file stays when all that it says is so, and no other says it too.
  bool may_stay(const std::vector<Id>& packs, const std::set<Id>& said) const {
    return std::ranges::all_of(packs, [&](const Id& id) {
      const auto known = good_.find(id);
      return known != good_.end() && !known->second && !said.contains(id);
    });
  }

  // New packs are durable by now, with an index file of their own.
  Result<> write_index() {
    std::set<Id> said;
    for (const auto& [file, packs] : files_) {
      if (may_stay(packs, said))
        said.insert(packs.begin(), packs.end());
      else
        old_files_.push_back(file);
    }
    std::vector<IndexedPack> rest;
    for (const auto& [id, is_new] : good_)
      if (!said.contains(id))
        rest.push_back({id, std::move(indexed_.at(id))});
    report_.index_files_removed = old_files_.size();
    if (options_.is_dry_run)
      return ok();
    TRY(store_.flush());
    for (std::size_t at = 0; at < rest.size();) {
      std::vector<IndexedPack> some;
      for (std::size_t blobs = 0; at < rest.size() && blobs < repaired_blobs_max; ++at) {
        blobs += rest[at].blobs.size();
        some.push_back(std::move(rest[at]));
      }
      TRY(keep());
      TRY(repository_.save(FileKind::index, format::index_to_json(some)));
      ++report_.index_files_written;
    }
    for (const Id& file : old_files_) {
      TRY(lock_.keep());
      TRY(repository_.backend().remove({FileKind::index, file}));
    }
    return ok();
  }

  Repository& repository_;
  Lock& lock_;
  const RepairOptions& options_;
  BlobReader reader_;
  format::Sealer sealer_;
  Added added_;
  std::optional<Error> failed_;
  PackStore store_;
  BlobSaver saver_data_;
  BlobSaver saver_trees_;
  std::string plain_;
  std::map<Id, std::vector<Id>> files_; // the packs of each index file that can be read
  std::vector<Id> old_files_;           // index files that go
  std::map<Id, Blobs> indexed_;         // what is in each pack, by the index or by itself
  std::map<Id, bool> good_;             // packs; true: they are not as the index has it
  std::vector<PackedBlob> harmed_;      // what was in packs that are harmed or missing
  std::vector<BlobPlace> to_save_;
  RepairReport report_;
};

} // namespace

Result<RepairReport> repair(Repository& repository, Lock& lock, const RepairOptions& options,
                            const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  return Repair{repository, lock, options}.run(progress);
}

} // namespace repo
