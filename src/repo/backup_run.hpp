#pragma once
// Backup run: what the threads of one backup share. Its walker goes through the folders, its
// workers read files, and the thread that called stores packs.

#include "repo/backup.hpp"
#include "repo/cut.hpp"
#include "repo/format/chunker.hpp"
#include "repo/format/tree.hpp"
#include "repo/queue.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

namespace repo {

constexpr std::size_t batch_files_max = 16;
constexpr std::uint64_t batch_bytes_max = 1U << 20U;
constexpr std::size_t waiting_batches_max = 16; // each holds up to as many folders open as files
constexpr std::size_t waiting_packs_max = 1;    // with the one that is being stored
constexpr std::size_t torn_told_max = 100;

// A folder of which not everything is stored yet.
struct Dir {
  std::shared_ptr<Dir> parent; // nothing: the root of the snapshot
  std::size_t place = 0;       // among the nodes of its parent
  std::string path;
  std::unique_ptr<world::Folder> folder;
  std::vector<std::optional<format::Node>> nodes; // nothing: it went away
  std::atomic<std::size_t> pending = 1;           // one is the walker's
  std::optional<format::Id> previous;             // its tree in the parent snapshot
  std::atomic<bool> is_as_before = false;         // nothing was seen yet that differs from that
  PostgresPart postgres = PostgresPart::none;
};

// A file that is being read; its chunks may be stored by several threads.
struct Reading {
  std::shared_ptr<Dir> dir;
  std::size_t place = 0;
  std::mutex mutex;
  std::vector<format::Id> content;
  std::atomic<std::size_t> pending = 1; // one is the reader's
};

enum class CutBy { content, size, header }; // header: size, when it begins as a database
struct FileJob {
  std::shared_ptr<Dir> dir;
  std::size_t place = 0;
  world::Entry entry;
  CutBy cut = CutBy::content;
  std::shared_ptr<world::Folder> folder; // that it is read from, when it is not that of `dir`
  std::vector<format::Id> earlier;       // its chunks in the parent snapshot, of several
};

// Memory for a chunk and what is read behind its end. Few chunks are large: it begins small.
class ChunkMemory {
public:
  static constexpr std::size_t piece_bytes = 512U << 10U; // read at once
  static constexpr std::size_t bytes_max = format::chunk_bytes_max + piece_bytes;
  struct Piece {
    std::unique_ptr<char[]> bytes; // not set to zero
    std::size_t size = 0;
  };
  Piece take(); // holds 2 MiB at least
  // Into memory of `bytes_max`, with what is in it.
  void grow(Piece& memory, std::size_t filled);
  void put(Piece memory);

private:
  static constexpr std::size_t small_bytes = 5 * piece_bytes;
  static constexpr std::size_t spare_max = 16;
  static constexpr std::size_t spare_large_max = 2;
  Piece take_from(std::vector<Piece>& spare);
  std::mutex mutex_;
  std::vector<Piece> spare_;
  std::vector<Piece> spare_large_;
};

// A chunk of a file, in memory that goes back to where it came from.
class Chunk {
public:
  Chunk() = default;
  Chunk(std::size_t place, ChunkMemory::Piece memory, std::size_t size)
      : number{place}, memory_{std::move(memory)}, size_{size} {}
  std::string_view bytes() const { return {memory_.bytes.get(), size_}; }
  ChunkMemory::Piece take_memory() { return std::move(memory_); }
  std::size_t number = 0;       // in its file
  std::optional<format::Id> id; // when it is known already

private:
  ChunkMemory::Piece memory_;
  std::size_t size_ = 0;
};
// Two chunks, or the last one: names of two are made in the time of little more than one.
struct ChunkJob {
  std::shared_ptr<Reading> reading;
  std::array<Chunk, 2> chunks;
  std::size_t count = 0;
};
struct Job { // of the two
  std::vector<FileJob> files;
  std::optional<ChunkJob> chunks;
};

class BackupRun {
public:
  BackupRun(Repository& of, world::Folders& from, const BackupOptions& how, const MemoryPlan& with,
            Excludes without)
      : repository{of}, folders{from}, options{how}, plan{with}, save{save_of(how, with)},
        excludes{std::move(without)}, tree_saver{of, format::BlobType::tree, save, added,
                                                 [this](format::FinishedPack pack) {
                                                   return packs.push(std::move(pack));
                                                 }} {}

  // The first failure is the one that counts; everything ends soon after.
  void fail(base::Error error);
  bool is_over() const { return is_failed_; }
  std::optional<base::Error> failure();
  // One thing less is missing in `dir`; stores its tree, and goes on with its parent, when that
  // was the last.
  void done_in(std::shared_ptr<Dir> dir);
  void note_torn(const std::string& path);

  Repository& repository;
  world::Folders& folders;
  const BackupOptions& options;
  const MemoryPlan plan;
  const SaveOptions save;
  const Excludes excludes;
  Added added;
  Queue<Job> jobs{waiting_batches_max};
  ChunkMemory memory;
  Queue<format::FinishedPack> packs{waiting_packs_max, true};
  std::atomic<std::uint64_t> files_done = 0;
  std::atomic<std::uint64_t> bytes_done = 0;
  std::atomic<std::uint64_t> files_new = 0;
  std::atomic<std::uint64_t> files_changed = 0;
  std::atomic<std::uint64_t> files_unmodified = 0;
  std::atomic<std::uint64_t> folders_new = 0;
  std::atomic<std::uint64_t> folders_changed = 0;
  std::atomic<std::uint64_t> folders_unmodified = 0;
  std::optional<format::Id> root; // the tree of the snapshot, when all is done
  std::mutex mutex;               // for what stands below
  BlobSaver tree_saver;
  std::vector<std::string> torn;
  std::uint64_t torn_count = 0;

private:
  static SaveOptions save_of(const BackupOptions& options, const MemoryPlan& plan) {
    SaveOptions how = options.save;
    how.pack_bytes = std::min(how.pack_bytes, plan.pack_bytes);
    return how;
  }
  bool save_tree(Dir& dir, format::Id& id);
  std::atomic<bool> is_failed_ = false;
  std::optional<base::Error> failure_;
};

// Goes through the paths of the options and makes jobs of the files. The root's Dir ends the jobs.
base::Result<> walk(BackupRun& run, const std::optional<format::Id>& previous_root);
// Does jobs until there are no more. Leaves what is not a full pack yet in `saver`.
base::Result<> work(BackupRun& run, BlobSaver& saver);

format::Node node_of(const world::Entry& entry, world::Machine& machine, bool has_atime);

} // namespace repo
