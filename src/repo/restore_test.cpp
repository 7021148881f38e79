// A restore in place: makes any tree the one of the snapshot, from wherever it is cut off.

#include "os/folders.hpp"
#include "os/machine.hpp"
#include "os/world_for_test.hpp"
#include "repo/backend/memory.hpp"
#include "repo/backup.hpp"
#include "repo/restore.hpp"

#include <algorithm>
#include <atomic>
#include <list>
#include <map>
#include <mutex>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace repo {
namespace {

using base::ErrorKind;
using base::Result;

constexpr int status_of_death = 77;

// Counts, and ends this process at one of them.
class CountingEffects final : public os::Effects {
public:
  void before(std::string_view name, const std::string&) override {
    if (++count == die_at)
      ::_exit(status_of_death);
    const std::scoped_lock guard{mutex_};
    ++counts_[std::string{name}];
  }
  void after() override {}
  std::size_t of(const std::string& name) { return counts_[name]; }
  std::atomic<std::size_t> count = 0;
  std::size_t die_at = 0;

private:
  std::mutex mutex_;
  std::map<std::string, std::size_t> counts_;
};

class StillClock final : public world::Clock { // nobody waits
public:
  world::TimePoint now() override { return world::TimePoint{std::chrono::hours{24 * 365 * 50}}; }
  world::Milliseconds monotonic() override { return {}; }
  void sleep_for(world::Milliseconds) override {}
  bool stop_requested() override { return false; }
};

class in_place : public os::RealWorld {
protected:
  in_place() {
    auto made = Repository::create(memory, ports, "p");
    CHECK(made);
    opened = std::move(made).value();
    ::umask(022);
  }

  void make_source() {
    write("outside/file", "theirs");
    write("tree/same", "same");
    write("tree/longer", std::string(70'000, 'l'));
    write("tree/shorter", "s");
    write("tree/large", noise(1'000'000));
    write("tree/in/deep/file", "deep", 0640);
    write("tree/was a folder", "now a file");
    write("tree/was a link/file", "now a folder");
    write("tree/one name", "many names");
    ASSERT_EQ(::link(at("tree/one name"), at("tree/other name")), 0);
    ASSERT_EQ(::symlink("same", at("tree/link")), 0);
    ASSERT_EQ(::symlink("/nowhere", at("tree/was a file")), 0);
    ASSERT_EQ(::mkfifo(at("tree/pipe"), 0604), 0);
    ASSERT_EQ(::setxattr(at("tree/same"), "user.kept", "v", 1, 0), 0);
    ASSERT_EQ(::chmod(at("tree/in"), 02750), 0);
    ASSERT_EQ(::chmod(at("tree"), 0751), 0);
    snapshot = back_up();
  }

  // A tree in which everything is otherwise, and which others have a hand in.
  void make_target(const std::string& to) {
    ASSERT_TRUE(trees_.copy(root + "/tree", root + "/" + to));
    write(to + "/longer", "x");
    write(to + "/shorter", std::string(9000, 's'));
    std::string large = text_of("tree/large");
    large.replace(500'000, 3, "!!!");
    write(to + "/large", large.substr(0, 990'000));
    ASSERT_TRUE(trees_.remove(root + "/" + to + "/was a folder"));
    write(to + "/was a folder/a/b", "x");
    ASSERT_TRUE(trees_.remove(root + "/" + to + "/was a link"));
    ASSERT_EQ(::symlink("../outside", at(to + "/was a link")), 0);
    ASSERT_EQ(::unlink(at(to + "/was a file")), 0);
    write(to + "/was a file", "x");
    ASSERT_EQ(::unlink(at(to + "/other name")), 0);
    ASSERT_EQ(::link(at("outside/file"), at(to + "/other name")), 0);
    ASSERT_EQ(::unlink(at(to + "/in/deep/file")), 0);
    ASSERT_EQ(::link(at("outside/file"), at(to + "/in/deep/file")), 0);
    write(to + "/extra/below/file", "x");
    write(to + "/in/extra", "x");
    ASSERT_EQ(::symlink("../../outside", at(to + "/in/extra link")), 0);
    ASSERT_EQ(::setxattr(at(to + "/same"), "user.not kept", "v", 1, 0), 0);
    ASSERT_EQ(::chmod(at(to + "/in"), 0700), 0);
    ASSERT_EQ(::chmod(at(to), 0700), 0);
  }

  format::Snapshot back_up() {
    const BackupOptions how{.paths = {root + "/tree"}, .threads = 1};
    auto done = with_lock(*opened, Sharing::shared,
                          [&](Lock& lock) { return backup(*opened, lock, folders, how, {}); });
    CHECK(done);
    return done.value().snapshot;
  }
  Result<RestoreReport> bring_back(const std::string& to, InPlace mode, bool has_holes = false) {
    const RestoreOptions how{.target = root + "/" + to,
                             .below = root + "/tree",
                             .has_holes = has_holes,
                             .threads = 1,
                             .in_place = std::move(mode)};
    return with_lock(*opened, Sharing::shared, [&](Lock& lock) {
      return restore(*opened, lock, folders, snapshot, how, {});
    });
  }
  [[noreturn]] void run_and_die_at(std::size_t wanted, const std::string& to) {
    effects.count = 0;
    effects.die_at = wanted;
    ::_exit(bring_back(to, {.is_extra_removed = true}) ? 0 : 1);
  }
  void expect_same(const std::string& to, const std::string& when) {
    const auto differences = trees_.compare(root + "/tree", root + "/" + to, {});
    ASSERT_TRUE(differences) << differences.error().message;
    for (const world::Difference& difference : differences.value())
      ADD_FAILURE() << when << ": " << difference.path;
    EXPECT_EQ(text_of("outside/file"), "theirs") << when;
    EXPECT_EQ(described(to), described("tree")) << when;
  }
  // What trees_.compare() leaves out: owners, times, attributes.
  std::vector<std::string> described(const std::string& path) {
    std::vector<std::string> all;
    describe(*folders.open(root + "/" + path).value(), "", all);
    return all;
  }
  void describe(world::Folder& folder, const std::string& path, std::vector<std::string>& all) {
    const auto line_of = [&](const world::Entry& entry) {
      std::string line = path + "/" + entry.name + " " + std::to_string(entry.mode) + " " +
                         std::to_string(entry.user) + " " + std::to_string(entry.mtime.seconds) +
                         "." + std::to_string(entry.mtime.nanoseconds) + " " + entry.target;
      for (const auto& [name, value] : entry.attributes)
        line += " " + name + "=" + value;
      const bool is_folder = entry.type == world::EntryType::folder;
      return line + (is_folder ? "" : " links " + std::to_string(entry.links));
    };
    all.push_back(line_of(folder.now().value()));
    const auto entries = folder.list();
    ASSERT_TRUE(entries);
    for (const world::Entry& entry : entries.value()) {
      if (entry.type == world::EntryType::folder)
        describe(*folder.open_folder(entry.name).value(), path + "/" + entry.name, all);
      else
        all.push_back(line_of(entry));
    }
  }
  std::string noise(std::size_t size) {
    std::string bytes(size, '\0');
    random_.fill({reinterpret_cast<unsigned char*>(bytes.data()), size});
    return bytes;
  }
  std::string whole(const std::string& path) {
    return files_.read(root + "/" + path, 8U << 20U).value();
  }
  const char* at(const std::string& path) {
    paths.push_back(root + "/" + path);
    return paths.back().c_str();
  }

  std::list<std::string> paths;
  os::Machine machine;
  CountingEffects effects;
  os::Folders folders{effects};
  StillClock quick;
  Ports ports{machine, quick, random_};
  backend::Memory memory;
  std::unique_ptr<Repository> opened;
  format::Snapshot snapshot;
};

const InPlace exact{.is_extra_removed = true};

TEST_F(in_place, makes_any_tree_the_one_of_the_snapshot) {
  make_source();
  make_target("live");
  const auto done = bring_back("live", exact);
  ASSERT_TRUE(done) << done.error().message;
  expect_same("live", "after");
  EXPECT_EQ(done.value().removed, 4U) << "extra, in/extra, in/extra link, was a folder";
  EXPECT_LT(done.value().bytes, 200'000U) << "of the large file only what differs";
}

TEST_F(in_place, changes_nothing_where_nothing_differs) {
  make_source();
  ASSERT_TRUE(bring_back("live", exact));
  effects.count = 0;
  const auto again = bring_back("live", exact);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again.value().bytes, 0U);
  EXPECT_EQ(again.value().unchanged,
            again.value().files + again.value().folders + again.value().others + 1)
      << "the second name of a file is counted too";
  EXPECT_EQ(effects.count, 1U) << "the target was opened";
}

TEST_F(in_place, reads_what_is_there_once) {
  write("tree/database", noise(6'000'000));
  make_source();
  ASSERT_TRUE(trees_.copy(root + "/tree", root + "/live"));
  std::string other = whole("live/database");
  for (std::size_t at = 5; at < other.size(); at += 500'000)
    other.replace(at, 4, "page");
  write("live/database", other);
  const auto done = bring_back("live", exact);
  ASSERT_TRUE(done) << done.error().message;
  expect_same("live", "after");
  EXPECT_LE(done.value().bytes_compared, 6'000'000U + 2'000'000U) << "with the other files";
  EXPECT_LE(done.value().bytes, 12 * 4096U * 2);
}

TEST_F(in_place, puts_what_differs_where_it_belongs_wherever_that_begins) {
  write("tree/database", noise(8'000'000));
  make_source();
  for (std::size_t from = 0; from < 8'000'000; from += 900'000) {
    const std::string to = "live" + std::to_string(from);
    ASSERT_TRUE(trees_.copy(root + "/tree", root + "/" + to));
    std::string other = whole(to + "/database");
    for (std::size_t page = from; page < other.size(); page += 4096)
      other[page] ^= 1;
    write(to + "/database", other);
    const auto done = bring_back(to, exact);
    ASSERT_TRUE(done) << done.error().message;
    expect_same(to, to);
    EXPECT_TRUE(whole(to + "/database") == whole("tree/database")) << to;
    ASSERT_TRUE(trees_.remove(root + "/" + to));
  }
}

TEST_F(in_place, ends_the_same_wherever_it_dies) {
  make_source();
  for (std::size_t wanted = 1;; ++wanted) {
    const std::string to = "live" + std::to_string(wanted);
    make_target(to);
    int ended = -1;
    const auto note = [&](int status) {
      ended = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
      return ended == 0 || ended == status_of_death;
    };
    EXPECT_EXIT(run_and_die_at(wanted, to), note, "");
    if (ended == status_of_death) {
      const auto again = bring_back(to, exact);
      ASSERT_TRUE(again) << again.error().message;
    }
    expect_same(to, "died at " + std::to_string(wanted));
    ASSERT_TRUE(trees_.remove(root + "/" + to));
    if (ended != status_of_death) {
      EXPECT_GT(wanted, 30U);
      return;
    }
  }
}

TEST_F(in_place, keeps_what_is_extra_unless_told) {
  make_source();
  ASSERT_TRUE(bring_back("live", {}));
  write("live/extra", "x");
  ASSERT_TRUE(trees_.remove(root + "/live/was a folder"));
  write("live/was a folder/file", "x");
  const auto refused = bring_back("live", {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::conflict);
  EXPECT_TRUE(exists("live/was a folder/file"));
  ASSERT_TRUE(trees_.remove(root + "/live/was a folder/file"));
  ASSERT_TRUE(bring_back("live", {}));
  EXPECT_EQ(text_of("live/was a folder"), "now a file");
  EXPECT_EQ(text_of("live/extra"), "x");
}

TEST_F(in_place, leaves_what_is_excluded) {
  make_source();
  make_target("live");
  InPlace how = exact;
  how.exclude = {"extra", "longer", root + "/tree/was a link"};
  ASSERT_TRUE(bring_back("live", how));
  EXPECT_EQ(text_of("live/extra/below/file"), "x");
  EXPECT_EQ(text_of("live/longer"), "x");
  EXPECT_EQ(text_of("live/in/extra"), "x");
  EXPECT_FALSE(exists("live/in/extra link"));
  EXPECT_FALSE(exists("live/was a link/missing"));
  EXPECT_EQ(text_of("live/shorter"), "s");
  EXPECT_EQ(text_of("outside/file"), "theirs");
}

TEST_F(in_place, says_what_it_would_do_and_does_nothing) {
  make_source();
  make_target("live");
  const auto before = described("live");
  std::map<std::string, InPlace::Change> told;
  InPlace how = exact;
  how.is_dry_run = true;
  how.tell = [&](InPlace::Change change, const std::string& path) { told[path] = change; };
  const auto would = bring_back("live", how);
  ASSERT_TRUE(would) << would.error().message;
  EXPECT_EQ(described("live"), before);
  EXPECT_EQ(told.at("/extra"), InPlace::Change::remove);
  EXPECT_EQ(told.at("/longer"), InPlace::Change::change);
  EXPECT_EQ(told.at("/was a link/file"), InPlace::Change::make);
  EXPECT_FALSE(told.contains("/one name"));
  how.is_dry_run = false;
  const auto planned = std::exchange(told, {});
  ASSERT_TRUE(bring_back("live", how));
  EXPECT_EQ(told, planned);
  how.is_dry_run = true;
  ASSERT_TRUE(bring_back("absent", how));
  EXPECT_FALSE(exists("absent"));
}

TEST_F(in_place, breaks_names_that_the_snapshot_has_not) {
  make_source();
  ASSERT_TRUE(bring_back("live", exact));
  ASSERT_EQ(::link(at("live/same"), at("kept")), 0);
  ASSERT_TRUE(bring_back("live", exact));
  expect_same("live", "a further name elsewhere");
  EXPECT_EQ(text_of("kept"), "same");
  ASSERT_EQ(::unlink(at("live/link")), 0);
  ASSERT_EQ(::link(at("live/one name"), at("live/link")), 0);
  ASSERT_TRUE(bring_back("live", exact));
  expect_same("live", "a name too many");
}

TEST_F(in_place, trusts_size_and_time_only_when_told) {
  make_source();
  ASSERT_TRUE(bring_back("live", exact));
  struct stat info {};
  ASSERT_EQ(::stat(at("live/same"), &info), 0);
  write("live/same", "SAME");
  const timespec times[2] = {info.st_mtim, info.st_mtim};
  ASSERT_EQ(::utimensat(AT_FDCWD, at("live/same"), times, 0), 0);
  ASSERT_EQ(::setxattr(at("live/same"), "user.kept", "v", 1, 0), 0);
  InPlace trusting = exact;
  trusting.is_time_trusted = true;
  ASSERT_TRUE(bring_back("live", trusting));
  EXPECT_EQ(text_of("live/same"), "SAME");
  ASSERT_TRUE(bring_back("live", exact));
  expect_same("live", "compared");
}

TEST_F(in_place, keeps_holes_and_makes_them) {
  make_source();
  write("tree/sparse", "head");
  ASSERT_EQ(::truncate(at("tree/sparse"), 900'000), 0);
  snapshot = back_up();
  write("live/sparse", std::string(900'000, 'x'));
  const auto made = bring_back("live", exact, true);
  ASSERT_TRUE(made) << made.error().message;
  struct stat info {};
  ASSERT_EQ(::stat(at("live/sparse"), &info), 0);
  EXPECT_LT(info.st_blocks * 512, 128 << 10);
  EXPECT_EQ(text_of("live/sparse").substr(0, 5), std::string("head\0", 5));
  write("live/sparse", "HEAD");
  const auto kept = bring_back("live", exact);
  ASSERT_TRUE(kept);
  EXPECT_LE(kept.value().bytes, 4096U);
  ASSERT_EQ(::stat(at("live/sparse"), &info), 0);
  EXPECT_EQ(info.st_size, 900'000);
  EXPECT_LT(info.st_blocks * 512, 128 << 10);
}

TEST_F(in_place, makes_a_large_hole_anew) {
  make_source();
  write("tree/sparse", "head");
  ASSERT_EQ(::truncate(at("tree/sparse"), 6'000'000), 0); // several blobs that are zeros alone
  snapshot = back_up();
  const auto made = bring_back("fresh", exact, true);
  ASSERT_TRUE(made) << made.error().message;
  expect_same("fresh", "with holes");
  struct stat info {};
  ASSERT_EQ(::stat(at("fresh/sparse"), &info), 0);
  EXPECT_LT(info.st_blocks * 512, 128 << 10);
  EXPECT_GE(made.value().bytes, 6'000'000U); // a hole is restored too
}

} // namespace
} // namespace repo
