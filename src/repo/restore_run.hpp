#pragma once
// Restore run: one restore at work. A walker goes through the trees, makes folders and opens files;
// threads compare, fetch and write what is in them.

#include "base/bytes.hpp"
#include "repo/exclude.hpp"
#include "repo/queue.hpp"
#include "repo/restore.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>

namespace repo {

world::Entry entry_of(const format::Node& node);
// Of the same kind, with the same content as far as an entry tells it, and the same metadata.
bool is_same_entry(const world::Entry& wanted, const world::Entry& live);

// A folder that gets its metadata when everything in it is there.
struct OpenFolder {
  std::shared_ptr<OpenFolder> parent;
  std::unique_ptr<world::Folder> folder; // nothing: a dry run that would make it
  std::optional<world::Entry> entry;     // nothing: the target itself, of a whole snapshot
  std::optional<world::Entry> live;      // as it was found; nothing: it is new
  std::vector<std::string> names;        // from the target on
  std::atomic<std::size_t> pending = 1;
  std::atomic<bool> is_changed = false; // a name was made or removed in it
};

struct OpenFile {
  std::shared_ptr<OpenFolder> folder;
  std::shared_ptr<world::NewFile> file;   // nothing: a dry run
  std::shared_ptr<world::SourceFile> old; // what is there; nothing: it is new
  std::shared_ptr<world::LiveFile> both;  // of what is there, when it is to be written
  std::optional<world::Entry> live;
  format::Node node;
  std::string path;
  std::vector<std::uint64_t> offsets; // of its blobs
  std::atomic<std::size_t> pending = 1;
  std::atomic<bool> is_changed = false;
};

struct Part {
  std::shared_ptr<OpenFile> file;
  std::size_t begin = 0; // among its blobs
  std::size_t end = 0;
};
using Parts = std::vector<Part>; // what a thread takes at once

// A blob that is to be fetched.
struct Wanted {
  OpenFile* file = nullptr;
  std::uint64_t offset = 0; // in the file
  BlobPlace place;
  std::size_t at = 0; // in the memory that it is fetched into, and in that of what is there
};

// Compares what is there with what has to be. One for each thread.
class Comparer {
public:
  explicit Comparer(std::atomic<std::uint64_t>& bytes) : bytes_{bytes} {}
  // What lies in the file are the bytes of these names. Behind its end lie zeros.
  struct Blob {
    std::uint64_t offset = 0;
    std::uint32_t length = 0;
    format::Id id;
    bool is_same = false; // the answer
  };
  base::Result<> compare(world::SourceFile& old, std::span<Blob> blobs);
  static constexpr std::size_t together_max = 2; // hashed in the time of little more than one
  // At most so many blobs, one behind the other in the file, which are read into `bytes`, as long
  // as they are. What is the same may be left out of it.
  base::Result<> compare(world::SourceFile& old, std::span<Blob> blobs, std::span<char> bytes);
  bool is_zeros(const Blob& blob); // by its name

private:
  base::Result<bool> is_hole(world::SourceFile& old, Blob& blob);
  std::atomic<std::uint64_t>& bytes_;
  std::string buffer_;
  std::map<std::uint32_t, format::Id> zeros_; // names of so many zeros
};

class RestoreRun {
public:
  RestoreRun(Repository& repository, world::Folders& folders, const RestoreOptions& options)
      : repository_{repository}, folders_{folders}, options_{options}, trees_{repository},
        walker_{compared_} {}
  base::Result<RestoreReport> run(Lock& lock, const format::Snapshot& snapshot,
                                  const std::function<void(const RestoreReport&)>& progress);

private:
  using FolderPtr = std::shared_ptr<OpenFolder>;
  using FilePtr = std::shared_ptr<OpenFile>;
  using LiveEntries = std::map<std::string, world::Entry>;
  using InodeKey = std::pair<std::uint64_t, std::uint64_t>;
  struct FirstName {
    std::vector<std::string> names;
    std::optional<InodeKey> kept; // the inode that had this name already
  };

  // restore.cpp: the walker
  base::Result<FolderPtr> open_target(const format::Snapshot& snapshot);
  base::Result<std::optional<world::Entry>> entry_of_root(const format::Snapshot& snapshot);
  base::Result<> visit(const FolderPtr& into, const format::Id& tree);
  base::Result<> visit_node(const FolderPtr& into, format::Node node, const world::Entry* live);
  base::Result<> make_folder(const FolderPtr& into, const format::Node& node,
                             const world::Entry* live);
  base::Result<> make_other(OpenFolder& into, const format::Node& node, const world::Entry* live);
  base::Result<> make_file(const FolderPtr& into, format::Node node, const world::Entry* live);
  base::Result<> open_file(OpenFile& made, const world::Entry* live);
  base::Result<bool> is_further_name(OpenFolder& into, const format::Node& node,
                                     const world::Entry* live);
  base::Result<std::unique_ptr<world::Folder>>
  open_below_target(const std::vector<std::string>& names);
  base::Result<> done_in(FolderPtr folder);
  base::Result<> place_blobs(OpenFile& file);

  // restore_live.cpp: what is there already
  base::Result<LiveEntries> live_in(OpenFolder& folder);
  base::Result<> remove_extra(OpenFolder& folder, const std::vector<format::Node>& nodes,
                              LiveEntries& live);
  base::Result<bool> remove_below(world::Folder& folder, const world::Entry& entry,
                                  const std::string& path);
  base::Result<> clear(OpenFolder& into, const world::Entry& live);
  base::Result<bool> is_kept_whole(OpenFile& file, const world::Entry& live);
  base::Result<bool> has_same_content(OpenFile& file, world::SourceFile& old,
                                      const world::Entry& live);
  bool is_time_enough(const format::Node& node, const world::Entry& live) const;
  std::string path_in_snapshot(const std::vector<std::string>& names,
                               const std::string& name) const;

  // restore_work.cpp: the threads
  base::Result<> work();
  struct Hand { // what each thread has of its own
    BlobReader reader;
    Comparer comparer;
    std::vector<Wanted> wanted;
    std::size_t bytes = 0;  // of them
    base::PageMemory plain; // so many
    std::string old;        // what is there in their place, for those of a file that is
    std::string_view bytes_of(std::size_t at, std::size_t size) {
      const std::span<char> some = plain.part(at, size);
      return {some.data(), some.size()};
    }
  };
  base::Result<> write(const Parts& parts, Hand& hand);
  base::Result<> want(const Part& part, Hand& hand);
  base::Result<> want_some(OpenFile& file, std::span<Comparer::Blob> blobs, Hand& hand);
  base::Result<> fetch(Hand& hand);
  base::Result<> verify(Hand& hand);
  base::Result<> load(std::span<Wanted*> run, Hand& hand);
  base::Result<> put_all(Hand& hand);
  void push(Part part);
  void push_batch();
  base::Result<> put(OpenFile& file, std::string_view bytes, std::uint64_t offset);
  base::Result<> put_changes(OpenFile& file, std::string_view bytes, std::string_view old,
                             std::uint64_t offset);
  base::Result<> done_with(OpenFile& file);

  RestoreReport report() const;
  void fail(base::Error error);
  void note_or_fail();
  void tell(InPlace::Change change, const std::string& path);
  bool is_dry_run() const { return options_.in_place && options_.in_place->is_dry_run; }

  Repository& repository_;
  world::Folders& folders_;
  const RestoreOptions& options_;
  BlobReader trees_;
  Excludes excludes_;
  std::function<base::Result<>()> note_;
  std::uint64_t seen_ = 0;
  std::map<InodeKey, FirstName> first_names_;   // by what the snapshot says
  std::set<InodeKey> kept_;                     // files of the target that have their names already
  static constexpr std::size_t waiting_max = 8; // each holds as many files open as it has parts
  Queue<Parts> parts_{waiting_max};
  Parts batch_; // of the walker
  std::uint64_t batch_bytes_ = 0;
  std::atomic<std::uint64_t> files_ = 0;
  std::atomic<std::uint64_t> opened_ = 0;
  std::atomic<std::uint64_t> others_ = 0;
  std::atomic<std::uint64_t> bytes_ = 0;
  std::atomic<std::uint64_t> unchanged_ = 0;
  std::atomic<std::uint64_t> removed_ = 0;
  std::atomic<std::uint64_t> compared_ = 0;
  Comparer walker_;
  std::atomic<bool> is_over_ = false;
  std::mutex mutex_;
  std::optional<base::Error> failure_;
};

} // namespace repo
