#include "repo/check.hpp"

#include "repo/queue.hpp"
#include "repo/saver.hpp"
#include "repo/usage.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

namespace repo {

using backend::FileKind;
using backend::Listed;
using backend::text_of;
using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using format::Id;
using format::PackedBlob;

namespace {

constexpr std::size_t errors_told_max = 10'000;

struct PackInIndex {
  std::uint64_t size = 0; // as its entries add up
  std::size_t blobs = 0;
  std::size_t index_files = 0;
};

std::string quoted(FileKind kind, const Id& id) {
  return "'" + text_of({kind, id}) + "'";
}

class Check {
public:
  Check(Repository& repository, Lock& lock, const CheckOptions& options)
      : repository_{repository}, lock_{lock}, options_{options} {}

  Result<CheckReport> run(const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
    const auto snapshots = TRY(look_at_snapshots());
    TRY(look_at_index());
    const auto packs = TRY(look_at_packs());
    TRY(find_usage(repository_, snapshots,
                   {[this](const std::string& problem) -> Result<> {
                      wrong(problem);
                      return ok();
                    },
                    [this] { return keep(); }}));
    if (options_.is_data_read)
      TRY(read_packs(chosen(packs), progress));
    return std::move(report_);
  }

private:
  void wrong(const std::string& problem) {
    const std::scoped_lock guard{mutex_};
    if (report_.errors.size() < errors_told_max)
      report_.errors.push_back(problem);
  }

  Result<> keep() {
    TRY(lock_.keep());
    if (repository_.ports().clock.stop_requested())
      return Error{ErrorKind::interrupted, "asked to stop", ""};
    return ok();
  }

  // As Repository::snapshots(), but one that is broken does not hide the others.
  Result<std::vector<format::Snapshot>> look_at_snapshots() {
    std::vector<format::Snapshot> all;
    for (const Listed& file : TRY(repository_.backend().list(FileKind::snapshot))) {
      const auto json = repository_.load({FileKind::snapshot, file.id});
      if (!json) {
        wrong(json.error().message);
        continue;
      }
      auto snapshot = format::snapshot_from_json(json.value());
      if (!snapshot) {
        wrong(quoted(FileKind::snapshot, file.id) + ": " + snapshot.error().message);
        continue;
      }
      all.push_back(std::move(snapshot).value());
      all.back().id = file.id;
    }
    report_.snapshots = all.size();
    return all;
  }

  Result<> look_at_index() {
    for (const Listed& file : TRY(repository_.backend().list(FileKind::index))) {
      const auto json = repository_.load({FileKind::index, file.id});
      if (!json) {
        wrong(json.error().message);
        continue;
      }
      const auto packs = format::index_from_json(json.value());
      if (!packs) {
        wrong(quoted(FileKind::index, file.id) + ": " + packs.error().message);
        continue;
      }
      for (const format::IndexedPack& pack : packs.value()) {
        PackInIndex& known = indexed_[pack.id];
        if (known.index_files++ == 0) {
          known.size = format::pack_size(pack.blobs);
          known.blobs = pack.blobs.size();
        }
        repository_.index().add(pack);
        report_.blobs += pack.blobs.size();
      }
      TRY(keep());
    }
    return ok();
  }

  Result<std::vector<Listed>> look_at_packs() {
    auto packs = TRY(repository_.backend().list(FileKind::pack));
    std::size_t unknown = 0;
    std::size_t present = 0;
    for (const Listed& pack : packs) {
      report_.bytes += pack.size_bytes;
      const auto known = indexed_.find(pack.id);
      if (known == indexed_.end()) {
        ++unknown;
        continue;
      }
      ++present;
      if (known->second.size != pack.size_bytes)
        wrong(quoted(FileKind::pack, pack.id) + " has " + std::to_string(pack.size_bytes) +
              " bytes, by the index it should have " + std::to_string(known->second.size));
      if (known->second.index_files > 1)
        report_.notes.push_back(quoted(FileKind::pack, pack.id) + " is in several index files");
    }
    report_.packs = packs.size();
    if (unknown > 0)
      report_.notes.push_back(std::to_string(unknown) +
                              " packs are in no index file: 'belay prune' removes them, "
                              "'belay repo repair' takes them in");
    if (present < indexed_.size())
      for (const auto& [id, known] : indexed_)
        if (!std::ranges::binary_search(packs, id, {}, &Listed::id))
          wrong(quoted(FileKind::pack, id) + " is missing");
    return packs;
  }

  std::vector<Listed> chosen(std::vector<Listed> packs) {
    std::erase_if(packs, [&](const Listed& pack) { return !indexed_.contains(pack.id); });
    std::erase_if(packs, [part = options_.part](const Listed& pack) {
      return pack.id.bytes[0] % part.second != part.first - 1;
    });
    if (options_.percent >= 100)
      return packs;
    // The wanted share, by lot.
    const std::size_t count = (packs.size() * options_.percent + 99) / 100;
    for (std::size_t at = 0; at < count; ++at) {
      std::array<unsigned char, 4> random{};
      repository_.ports().random.fill(random);
      const std::size_t other =
          random[0] | std::size_t{random[1]} << 8U | std::size_t{random[2]} << 16U;
      std::swap(packs[at], packs[at + other % (packs.size() - at)]);
    }
    packs.resize(count);
    return packs;
  }

  Result<> read_packs(const std::vector<Listed>& packs,
                      const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
    std::uint64_t largest = 0;
    for (const Listed& pack : packs)
      largest = std::max(largest, pack.size_bytes);
    const MemoryPlan plan = TRY(repository_.plan(need_of_check(largest), options_.threads));
    Queue<Listed> todo{plan.threads};
    Crew crew{plan.threads};
    std::vector<std::jthread> threads;
    for (std::size_t thread = 0; thread < plan.threads; ++thread)
      threads.emplace_back([&] {
        BlobReader reader{repository_};
        format::Sealer sealer{repository_.key(), repository_.ports().random};
        while (const auto pack = todo.pop())
          read_pack(*pack, reader, sealer);
        crew.leave();
      });
    Result<> kept = ok();
    std::uint64_t bytes_in_all = 0;
    for (const Listed& pack : packs)
      bytes_in_all += pack.size_bytes;
    const auto look = [&] {
      if (kept)
        kept = keep();
      if (!kept)
        todo.drop();
      if (progress)
        progress(bytes_read_, bytes_in_all);
    };
    for (const Listed& pack : packs) {
      look();
      if (!todo.push_while(pack, look))
        break;
      ++report_.packs_read;
    }
    todo.close();
    crew.wait(look);
    threads.clear();
    return kept;
  }

  void read_pack(const Listed& pack, BlobReader& reader, format::Sealer& sealer) {
    const std::string name = quoted(FileKind::pack, pack.id);
    const auto bytes = repository_.backend().load({FileKind::pack, pack.id});
    if (!bytes)
      return wrong(bytes.error().message);
    bytes_read_ += bytes.value().size();
    if (format::id_of(bytes.value()) != pack.id)
      wrong(name + " does not hold what its name says");
    const auto blobs = read_header(repository_, sealer, {pack.id, bytes.value().size()});
    if (!blobs)
      return wrong(blobs.error().message);
    if (blobs.value().size() != indexed_.at(pack.id).blobs)
      wrong(name + " holds " + std::to_string(blobs.value().size()) + " blobs, the index knows " +
            std::to_string(indexed_.at(pack.id).blobs));
    std::string plain;
    for (const PackedBlob& blob : blobs.value()) {
      const std::string_view box = std::string_view{bytes.value()}.substr(
          std::min<std::size_t>(blob.offset, bytes.value().size()));
      if (auto good = reader.unpack({pack.id, blob}, box.substr(0, blob.length), plain); !good)
        wrong(good.error().message);
      const auto place = repository_.index().find(blob.id, blob.type);
      if (!place || (place->pack == pack.id && place->blob != blob))
        wrong(std::string{format::name_of(blob.type)} + " blob " + short_id(blob.id) + " of " +
              name + " stands otherwise in the index");
    }
  }

  Repository& repository_;
  Lock& lock_;
  const CheckOptions& options_;
  std::map<Id, PackInIndex> indexed_;
  std::atomic<std::uint64_t> bytes_read_ = 0;
  std::mutex mutex_;
  CheckReport report_;
};

} // namespace

Result<CheckReport>
check(Repository& repository, Lock& lock, const CheckOptions& options,
      const std::function<void(std::uint64_t done, std::uint64_t all)>& progress) {
  return Check{repository, lock, options}.run(progress);
}

} // namespace repo
