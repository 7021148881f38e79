// Which files are cut into blobs of one size, and that a file goes on being cut as it was.

#include "os/folders.hpp"
#include "os/machine.hpp"
#include "os/world_for_test.hpp"
#include "repo/backend/memory.hpp"
#include "repo/backup.hpp"
#include "repo/cut.hpp"
#include "repo/restore.hpp"

#include <algorithm>
#include <mutex>
#include <random>

#include <unistd.h>

namespace repo {
namespace {

TEST(cut, knows_files_of_pages_by_name) {
  for (const char* name : {"16384", "16384.1", "16384_fsm", "16384_vm.2", "1_init"})
    EXPECT_TRUE(is_paged(PostgresPart::relations, name)) << name;
  for (const char* name : {"", "PG_VERSION", "pg_filenode.map", "16384_fsm_vm", "16384.", "t1_2",
                           "16384_", ".1", "pg_internal.init"})
    EXPECT_FALSE(is_paged(PostgresPart::relations, name)) << name;
  EXPECT_TRUE(is_paged(PostgresPart::global, "1262"));
  EXPECT_FALSE(is_paged(PostgresPart::global, "pg_control"));
  EXPECT_TRUE(is_paged(PostgresPart::wal, "00000001000000000000000A"));
  EXPECT_FALSE(is_paged(PostgresPart::wal, "00000001000000000000000A.partial"));
  EXPECT_FALSE(is_paged(PostgresPart::wal, "00000002.history"));
  EXPECT_FALSE(is_paged(PostgresPart::none, "16384"));
}

class cutting : public os::RealWorld {
protected:
  class LaterClock final : public world::Clock { // nobody waits; each snapshot is later than before
  public:
    world::TimePoint now() override { return point += std::chrono::seconds{1}; }
    world::Milliseconds monotonic() override { return {}; }
    void sleep_for(world::Milliseconds) override {}
    bool stop_requested() override { return false; }
    world::TimePoint point{std::chrono::hours{24 * 365 * 50}};
  };

  class KnownRandom final : public world::Random { // so that restic's cuts are the same each time
  public:
    std::string hex(std::size_t count) override { return std::string(count, '7'); }
    void fill(std::span<unsigned char> bytes) override {
      const std::scoped_lock guard{mutex_};
      for (unsigned char& byte : bytes)
        byte = static_cast<unsigned char>(source_());
    }

  private:
    std::mutex mutex_;
    std::mt19937 source_{7};
  };

  static constexpr std::size_t content_bytes = 3'000'000;

  cutting() {
    auto made = Repository::create(memory, ports, "p");
    CHECK(made);
    opened = std::move(made).value();
  }
  std::string noise(std::size_t size) {
    std::string bytes(size, '\0');
    known.fill({reinterpret_cast<unsigned char*>(bytes.data()), size});
    return bytes;
  }
  BackupReport back_up() {
    const BackupOptions how{.paths = {root + "/tree"}, .threads = 2};
    auto done = with_lock(*opened, Sharing::shared,
                          [&](Lock& lock) { return backup(*opened, lock, folders, how, {}); });
    CHECK(done);
    last = done.value().snapshot;
    return std::move(done).value();
  }
  // The sizes of the blobs of a file in the last snapshot.
  std::vector<std::uint64_t> blobs_of(const std::string& path) {
    BlobReader reader{*opened};
    const auto node = node_at(reader, last, root + "/tree/" + path);
    CHECK(node && node.value());
    std::vector<std::uint64_t> sizes;
    for (const format::Id& id : node.value()->content)
      sizes.push_back(opened->index().find(id, format::BlobType::data)->blob.plain_bytes());
    return sizes;
  }
  bool is_fixed(const std::string& path) {
    const auto sizes = blobs_of(path);
    return sizes.size() > 2 && std::all_of(sizes.begin(), sizes.end() - 1, [](std::uint64_t size) {
             return size == fixed_blob_bytes;
           });
  }
  void make_data_folder() {
    write("tree/PG_VERSION", "15\n");
    write("tree/global/pg_control", "x");
    write("tree/global/1262", content);
    write("tree/base/5/16384", content);
    write("tree/base/5/16384_name", content);
    write("tree/base/stray/16384", content);
    write("tree/pg_wal/000000010000000000000001", content);
    write("tree/elsewhere/16384", content);
  }

  LaterClock still;
  os::Machine machine;
  os::Folders folders{effects_};
  KnownRandom known;
  Ports ports{machine, still, known};
  backend::Memory memory;
  std::unique_ptr<Repository> opened;
  format::Snapshot last;
  const std::string content = noise(content_bytes);
};

TEST_F(cutting, takes_one_size_in_a_data_folder_of_postgresql) {
  make_data_folder();
  back_up();
  for (const char* path : {"global/1262", "base/5/16384", "pg_wal/000000010000000000000001"}) {
    EXPECT_TRUE(is_fixed(path)) << path;
    EXPECT_EQ(blobs_of(path).back(), content_bytes % fixed_blob_bytes);
  }
  for (const char* path : {"base/5/16384_name", "base/stray/16384", "elsewhere/16384"})
    EXPECT_FALSE(is_fixed(path)) << path;
}

TEST_F(cutting, wants_all_that_makes_a_data_folder) {
  make_data_folder();
  ASSERT_TRUE(trees_.remove(root + "/tree/PG_VERSION"));
  back_up();
  EXPECT_FALSE(is_fixed("base/5/16384"));
}

TEST_F(cutting, knows_an_sqlite_database_by_its_first_bytes) {
  std::string database = content;
  database.replace(0, 16, std::string{"SQLite format 3\0", 16});
  write("tree/any.name", database);
  write("tree/other", content);
  back_up();
  EXPECT_TRUE(is_fixed("any.name"));
  EXPECT_FALSE(is_fixed("other"));
}

// A page that changes in place costs its blob; and what has holes keeps its grid.
TEST_F(cutting, stores_again_only_the_blob_of_a_page_that_changed) {
  make_data_folder();
  back_up();
  std::string changed = content;
  changed.replace(2'000'000, 4, "page");
  write("tree/base/5/16384", changed);
  const auto report = back_up();
  EXPECT_EQ(report.snapshot.summary->data_blobs, 1U);
  EXPECT_TRUE(is_fixed("base/5/16384"));
  write("tree/base/5/16385", content.substr(0, 10));
  ASSERT_EQ(::truncate((root + "/tree/base/5/16385").c_str(), 2'000'000), 0);
  back_up();
  EXPECT_TRUE(is_fixed("base/5/16385"));
}

// What an earlier snapshot has by content would all be stored again.
TEST_F(cutting, goes_on_as_the_snapshot_before) {
  make_data_folder();
  ASSERT_TRUE(trees_.remove(root + "/tree/PG_VERSION"));
  back_up();
  ASSERT_GT(blobs_of("base/5/16384").size(), 1U);
  write("tree/PG_VERSION", "15\n");
  write("tree/base/5/16384", "page" + content.substr(4));
  const auto report = back_up();
  EXPECT_FALSE(is_fixed("base/5/16384"));
  EXPECT_EQ(report.snapshot.summary->data_blobs, 2U) << "the first, and PG_VERSION";
}

} // namespace
} // namespace repo
