#include "repo/verify.hpp"

#include "repo/queue.hpp"
#include "repo/restore.hpp"
#include "repo/usage.hpp"

#include <algorithm>
#include <atomic>
#include <thread>
#include <unordered_set>

namespace repo {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using format::BlobType;
using format::Id;
using format::Node;

namespace {

constexpr std::uint64_t read_bytes_max = 8U << 20U;
constexpr std::size_t waiting_max = 64;
constexpr std::size_t harms_told_max = 1000;

using Run = std::vector<BlobPlace>; // one after the other in a pack

class Verify {
public:
  Verify(Repository& repository, Lock& lock,
         const std::function<void(std::uint64_t, std::uint64_t)>& progress)
      : repository_{repository}, lock_{lock}, progress_{progress} {}

  Result<VerifyReport> run(const format::Snapshot& snapshot) {
    const std::size_t threads = TRY(repository_.plan(need_of_verify)).threads;
    // Reads each tree, and so verifies it.
    const Usage usage = TRY(find_usage(repository_, {snapshot},
                                       {[this](const std::string& problem) -> Result<> {
                                          wrong(problem);
                                          return ok();
                                        },
                                        [this] { return keep(); }}));
    report_.blobs = usage.trees.size();
    TRY(read_all(runs_of(usage), threads));
    report_.bytes = bytes_;
    if (auto seen = see_paths(snapshot); !seen && report_.errors.empty())
      return std::move(seen).error(); // else a tree is broken, and that was told
    return std::move(report_);
  }

private:
  void wrong(const std::string& problem) {
    if (report_.errors.size() < harms_told_max)
      report_.errors.push_back(problem);
  }
  Result<> keep() {
    TRY(lock_.keep());
    if (repository_.ports().clock.stop_requested())
      return Error{ErrorKind::interrupted, "asked to stop", ""};
    return ok();
  }

  std::vector<Run> runs_of(const Usage& usage) {
    std::vector<BlobPlace> places;
    for (const Id& id : usage.data)
      if (const auto place = repository_.index().find(id, BlobType::data)) {
        places.push_back(*place);
        bytes_in_all_ += place->blob.plain_bytes();
      }
    std::ranges::sort(places, {}, [](const BlobPlace& place) {
      return std::pair{place.pack, place.blob.offset};
    });
    std::vector<Run> runs;
    std::uint64_t bytes = 0;
    for (const BlobPlace& place : places) {
      const bool goes_on =
          !runs.empty() && runs.back().back().pack == place.pack &&
          runs.back().back().blob.offset + runs.back().back().blob.length == place.blob.offset &&
          bytes + place.blob.length <= read_bytes_max;
      bytes = (goes_on ? bytes : 0) + place.blob.length;
      if (!goes_on)
        runs.emplace_back();
      runs.back().push_back(place);
    }
    return runs;
  }

  Result<> read_all(const std::vector<Run>& runs, std::size_t threads) {
    Queue<const Run*> queue{waiting_max};
    Crew crew{threads};
    std::vector<std::jthread> workers;
    for (std::size_t thread = 0; thread < threads; ++thread)
      workers.emplace_back([&] {
        BlobReader reader{repository_};
        while (const auto run = queue.pop())
          read(**run, reader);
        crew.leave();
      });
    Result<> done;
    const auto look = [&] {
      if (done)
        done = keep();
      if (!done)
        queue.drop();
      if (progress_)
        progress_(bytes_, bytes_in_all_);
    };
    for (const Run& run : runs) {
      look();
      if (!queue.push_while(&run, look))
        break;
    }
    queue.close();
    crew.wait(look);
    workers.clear();
    return done;
  }

  void read(const Run& run, BlobReader& reader) {
    const backend::FileName pack{backend::FileKind::pack, run.front().pack};
    const std::uint64_t bytes =
        run.back().blob.offset + run.back().blob.length - run.front().blob.offset;
    const auto box = repository_.backend().load(pack, run.front().blob.offset, bytes);
    std::string plain;
    for (const BlobPlace& place : run) {
      Result<> done = box ? ok() : Result<>{box.error()};
      if (box)
        done = reader.unpack(place,
                             std::string_view{box.value()}.substr(
                                 std::min<std::size_t>(place.blob.offset - run.front().blob.offset,
                                                       box.value().size()),
                                 place.blob.length),
                             plain);
      const std::scoped_lock guard{mutex_};
      ++report_.blobs;
      bytes_ += place.blob.plain_bytes();
      if (done)
        continue;
      broken_.insert(place.blob.id);
      wrong(done.error().message);
    }
  }

  // Counts, and names what is harmed.
  Result<> see_paths(const format::Snapshot& snapshot) {
    return for_each_node(repository_, snapshot, "/",
                         [this](const std::string& path, const Node& node) -> Result<> {
                           ++(node.subtree ? report_.folders : report_.files);
                           const bool is_harmed = std::ranges::any_of(
                               node.content, [this](const Id& id) { return broken_.contains(id); });
                           if (is_harmed)
                             wrong("'" + path + "' cannot be brought back whole");
                           return ok();
                         });
  }

  Repository& repository_;
  Lock& lock_;
  const std::function<void(std::uint64_t, std::uint64_t)>& progress_;
  std::mutex mutex_;
  VerifyReport report_;
  std::atomic<std::uint64_t> bytes_ = 0;
  std::uint64_t bytes_in_all_ = 0;
  std::unordered_set<Id, format::IdHash> broken_;
};

} // namespace

Result<VerifyReport> verify(Repository& repository, Lock& lock, const format::Snapshot& snapshot,
                            const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  return Verify{repository, lock, progress}.run(snapshot);
}

} // namespace repo
