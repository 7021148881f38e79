#include "drivers/directory/store.hpp"
#include "os/files.hpp"
#include "os/trees.hpp"
#include "sim/sim_world.hpp"

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

namespace drivers::directory {
namespace {

namespace fs = std::filesystem;
using base::ErrorKind;
using domain::Movement;
using world::Depth;
using world::Difference;

// Dies at the n-th effect: before it, which is after the one that went before.
struct Death {};
class Mortal final : public os::Effects {
public:
  void before(std::string_view, const std::string&) override {
    if (++count == dies_at)
      throw Death{};
  }
  void after() override {}
  int count = 0;
  int dies_at = 0; // 0: never
};

// The real disk; everything else is simulated.
class RealStore : public testing::Test {
protected:
  void SetUp() override {
    std::string name = fs::temp_directory_path() / "belay-store-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root = name;
    spec.name = "data";
    spec.path = root + "/data";
    fs::create_directory(spec.path);
  }
  void TearDown() override {
    for (const std::string& mount : mounts)
      ::umount2(mount.c_str(), MNT_DETACH);
    fs::remove_all(root);
  }
  // As a service does it: over what is there.
  static void write_at(const std::string& path, std::string_view bytes) {
    fs::create_directories(fs::path(path).parent_path());
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    ASSERT_GE(file, 0);
    EXPECT_EQ(::write(file, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    ::close(file);
  }
  void write(const std::string& path, std::string_view bytes) {
    write_at(spec.path + "/" + path, bytes);
  }
  std::string read_at(const std::string& path) {
    auto bytes = files.read(path, 64U << 20U);
    return bytes ? bytes.value() : "";
  }
  std::string read(const std::string& path) { return read_at(spec.path + "/" + path); }
  domain::Snapshot secure(const std::string& point = "p1") {
    auto report = store.secure(spec, point, {});
    EXPECT_TRUE(report) << report.error().message;
    return report ? report.value().snapshot : domain::Snapshot{};
  }
  domain::Abandoned restore(const domain::Snapshot& snapshot, const std::string& id = "a1") {
    auto abandoned = store.restore(spec, snapshot, id);
    EXPECT_TRUE(abandoned) << abandoned.error().message;
    return abandoned ? abandoned.value() : domain::Abandoned{};
  }
  bool mount_at(const std::string& path, const char* options = "size=4m") {
    if (::mount("tmpfs", path.c_str(), "tmpfs", 0, options) != 0)
      return false;
    mounts.push_back(path);
    return true;
  }
  world::World ports() {
    world::World all = simulated.ports();
    return {files, trees, all.processes, all.http, all.sqlite, all.clock, all.random, all.events};
  }
  // What it was when the point was taken, what a release made of it, and a swap that dies at each
  // effect in turn and is then run again: it ends as if it had not died.
  void expect_survives_death_at_every_effect(const std::string& live) {
    int died = 0;
    for (int at = 1; at < 100; ++at) {
      for (const auto& entry : fs::directory_iterator(live))
        if (entry.path().filename() != ".belay")
          fs::remove_all(entry.path());
      write("orders", "one\n");
      write("backups/old", "old");
      spec.exclude = {"backups"};
      const std::string id = std::to_string(at);
      const auto snapshot = secure("p" + id);
      write("orders", "one\ntwo\n");
      write("new", "new");
      write("backups/later", "later");
      effects.count = 0;
      effects.dies_at = at;
      bool has_died = false;
      try {
        EXPECT_TRUE(store.restore(spec, snapshot, "a" + id));
      } catch (const Death&) {
        has_died = true;
        ++died;
      }
      effects.dies_at = 0;
      const auto abandoned = restore(snapshot, "a" + id);
      EXPECT_EQ(read("orders"), "one\n") << at;
      EXPECT_FALSE(fs::exists(spec.path + "/new")) << at;
      EXPECT_EQ(read_at(abandoned.kept + "/orders"), "one\ntwo\n") << at;
      EXPECT_EQ(read_at(abandoned.kept + "/new"), "new") << at;
      EXPECT_EQ(read("backups/old"), "old") << at;
      EXPECT_EQ(read("backups/later"), "later") << at;
      EXPECT_EQ(abandoned.differences, 2U) << at;
      if (!has_died)
        break;
    }
    EXPECT_GE(died, 4);
  }

  Mortal effects;
  os::Files files{effects};
  os::Trees trees{effects};
  sim::SimWorld simulated;
  Store store{ports()};
  domain::StoreSpec spec;
  std::string root;
  std::vector<std::string> mounts;
};

// The begin of pg_control in this state.
std::string control(char state) {
  std::string bytes(24, '\0');
  bytes[16] = state;
  return bytes;
}

TEST_F(RealStore, refuses_the_data_of_a_postgresql_server_that_runs) {
  for (const std::string folder : {"", "15/main/"}) {
    write(folder + "PG_VERSION", "15\n");
    write(folder + "global/pg_control", control(1));
    EXPECT_TRUE(store.secure(spec, "p1", {}));
    write(folder + "postmaster.pid", "1234\n");
    EXPECT_EQ(store.secure(spec, "p2", {}).error().kind, ErrorKind::conflict);
    EXPECT_EQ(store.live_tree(spec).error().kind, ErrorKind::conflict);
    EXPECT_TRUE(store.protect(spec, "p3", {})); // while services run, a server among them may
    spec.exclude = {"15"};
    EXPECT_EQ(bool{store.secure(spec, "p4", {})}, !folder.empty());
    spec.exclude = {};
    fs::remove(spec.path + "/" + folder + "postmaster.pid");
    fs::remove(spec.path + "/" + folder + "PG_VERSION");
  }
}

TEST_F(RealStore, refuses_the_data_of_a_postgresql_server_that_was_killed) {
  write("PG_VERSION", "15\n");
  for (const char state : {'\0', '\3', '\4', '\5', '\6', 'x'}) {
    write("global/pg_control", control(state));
    EXPECT_EQ(store.secure(spec, "p1", {}).error().kind, ErrorKind::conflict)
        << static_cast<int>(state);
  }
  write("global/pg_control", "torn");
  EXPECT_EQ(store.live_tree(spec).error().kind, ErrorKind::conflict);
  write("global/pg_control", control(2));
  EXPECT_TRUE(store.secure(spec, "p1", {}));
}

TEST_F(RealStore, refuses_a_postgresql_server_with_a_part_of_it_elsewhere) {
  write("PG_VERSION", "15\n");
  write("global/pg_control", control(1));
  write("pg_tblspc/own/PG_15_1/data", "in place");
  EXPECT_TRUE(store.secure(spec, "p1", {}));
  for (const std::string part : {"pg_wal", "pg_tblspc/16400"}) {
    fs::create_symlink("/elsewhere", spec.path + "/" + part);
    EXPECT_EQ(store.secure(spec, "p2", {}).error().kind, ErrorKind::conflict) << part;
    const auto state = store.inspect(spec);
    ASSERT_TRUE(state);
    ASSERT_EQ(state.value().problems.size(), 1U);
    EXPECT_NE(state.value().problems[0].find("/elsewhere"), std::string::npos);
    fs::remove(spec.path + "/" + part);
  }
}

TEST_F(RealStore, brings_nothing_back_under_a_postgresql_server_that_runs) {
  write("PG_VERSION", "15\n");
  write("global/pg_control", control(1));
  const auto snapshot = secure();
  const fs::path here = fs::current_path();
  write("postmaster.pid", std::to_string(::getpid()) + "\n/elsewhere\n");
  fs::current_path(spec.path); // as a server does
  EXPECT_EQ(store.restore(spec, snapshot, "a1").error().kind, ErrorKind::conflict);
  fs::current_path(here); // another process has its number now
  EXPECT_TRUE(store.restore(spec, snapshot, "a1"));
}

TEST_F(RealStore, protects_secures_and_brings_back) {
  write("orders", "one\n");
  write("settings", "a");
  const auto state = store.inspect(spec);
  ASSERT_TRUE(state);
  EXPECT_TRUE(state.value().problems.empty());
  EXPECT_EQ(state.value().size.files, 2U);
  const auto protected_copy = store.protect(spec, "p1", {});
  ASSERT_TRUE(protected_copy);
  EXPECT_FALSE(protected_copy.value().snapshot.is_secured);
  write("orders", "one\ntwo\n");
  ASSERT_TRUE(store.protect(spec, "p1", {}));
  write("settings", "b");
  const auto secured = store.secure(spec, "p1", {});
  ASSERT_TRUE(secured) << secured.error().message;
  EXPECT_TRUE(secured.value().snapshot.is_secured);
  const auto& snapshot = secured.value().snapshot;
  ASSERT_TRUE(store.verify(spec, snapshot, Depth::full));
  struct stat kept {};
  ASSERT_EQ(::stat(state.value().kept_folder.c_str(), &kept), 0);
  EXPECT_EQ(kept.st_mode & 0777U, 0700U);

  write("orders", "one\ntwo\nthree\n");
  fs::remove(spec.path + "/settings");
  write("junk", "junk");
  EXPECT_EQ(store.evidence(spec, snapshot).value().movement, Movement::layout);
  const auto abandoned = restore(snapshot);
  EXPECT_EQ(read("orders"), "one\ntwo\n");
  EXPECT_EQ(read("settings"), "b");
  EXPECT_FALSE(fs::exists(spec.path + "/junk"));
  EXPECT_EQ(abandoned.files, 2U);
  ASSERT_EQ(abandoned.differences, 3U);
  EXPECT_EQ(abandoned.written_since[0].path, "junk");
  EXPECT_EQ(abandoned.written_since[0].kind, Difference::Kind::added);
  EXPECT_EQ(abandoned.written_since[1].path, "orders");
  EXPECT_EQ(abandoned.written_since[2].kind, Difference::Kind::removed);

  // Asked again it says the same and changes nothing, also after the service went on writing.
  write("orders", "one\ntwo\nfour\n");
  EXPECT_EQ(restore(snapshot).kept, abandoned.kept);
  EXPECT_EQ(read("orders"), "one\ntwo\nfour\n");

  // The way back can itself be undone.
  const auto adopted = store.adopt(spec, abandoned);
  ASSERT_TRUE(adopted) << adopted.error().message;
  ASSERT_TRUE(store.verify(spec, adopted.value(), Depth::full));
  const auto second = restore(adopted.value(), "a2");
  EXPECT_EQ(read("orders"), "one\ntwo\nthree\n");
  EXPECT_EQ(read_at(second.kept + "/orders"), "one\ntwo\nfour\n");
  ASSERT_TRUE(store.discard(spec, "a2"));
  ASSERT_TRUE(store.discard(spec, "a2"));
  EXPECT_FALSE(fs::exists(second.kept));
}

TEST_F(RealStore, ends_a_swap_that_died_at_any_effect) {
  expect_survives_death_at_every_effect(spec.path);
}

TEST_F(RealStore, ends_a_swap_of_a_mount_point_that_died_at_any_effect) {
  if (!mount_at(spec.path, "size=16m"))
    GTEST_SKIP() << "mounting needs privilege";
  EXPECT_EQ(store.inspect(spec).value().kept_folder, spec.path + "/.belay");
  expect_survives_death_at_every_effect(spec.path);
}

TEST_F(RealStore, follows_a_link_to_the_folder_and_keeps_copies_there) {
  fs::create_directory(root + "/disk");
  fs::rename(spec.path, root + "/disk/real");
  fs::create_symlink("disk/real", spec.path);
  write("file", "old");
  EXPECT_EQ(store.inspect(spec).value().kept_folder, root + "/disk/.belay-real");
  const auto snapshot = secure();
  // The release took away the folder, but not the link.
  fs::remove_all(root + "/disk/real");
  const auto abandoned = restore(snapshot);
  EXPECT_TRUE(fs::is_symlink(spec.path));
  EXPECT_EQ(read("file"), "old");
  EXPECT_EQ(abandoned.files, 0U);
}

TEST_F(RealStore, comes_back_when_the_folder_is_gone_or_something_else) {
  write("file", "old");
  const auto first = secure("p1");
  const auto second = secure("p2");
  fs::remove_all(spec.path);
  EXPECT_EQ(store.inspect(spec).error().kind, ErrorKind::not_found);
  for (int at = 1; at < 8; ++at) { // dies everywhere on this path too
    effects.count = 0;
    effects.dies_at = at;
    try {
      EXPECT_TRUE(store.restore(spec, first, "a1"));
    } catch (const Death&) {
    }
  }
  effects.dies_at = 0;
  EXPECT_EQ(restore(first, "a1").files, 0U);
  EXPECT_EQ(read("file"), "old");
  EXPECT_EQ(restore(first, "a1").differences, 1U); // what is live now was not in nothing
  fs::remove_all(spec.path);
  write_at(spec.path, "a file");
  const auto abandoned = restore(second, "a2");
  EXPECT_EQ(read("file"), "old");
  EXPECT_EQ(read_at(abandoned.kept), "a file");
}

TEST_F(RealStore, stops_when_somebody_else_replaced_the_folder_in_the_middle) {
  write("file", "old");
  const auto snapshot = secure();
  write("file", "new");
  effects.count = 0;
  effects.dies_at = 4; // folder, rename, record; then the exchange
  EXPECT_THROW((void)store.restore(spec, snapshot, "a1"), Death);
  effects.dies_at = 0;
  fs::rename(spec.path, root + "/elsewhere");
  fs::create_directory(spec.path);
  const auto restored = store.restore(spec, snapshot, "a1");
  ASSERT_FALSE(restored);
  EXPECT_EQ(restored.error().kind, ErrorKind::conflict);
  EXPECT_EQ(read_at(root + "/.belay-data/a1/incoming/file"), "old");
  EXPECT_EQ(read_at(root + "/elsewhere/file"), "new");
}

TEST_F(RealStore, refuses_a_kept_copy_that_was_damaged_and_leaves_the_live_one) {
  write("file", "old");
  const auto snapshot = secure();
  write("file", "new");
  write_at(snapshot.kept + "/file", "bad");
  const auto restored = store.restore(spec, snapshot, "a1");
  ASSERT_FALSE(restored);
  EXPECT_EQ(restored.error().kind, ErrorKind::corrupt);
  EXPECT_EQ(read("file"), "new");
  fs::remove_all(snapshot.kept);
  EXPECT_EQ(store.verify(spec, snapshot, Depth::quick).error().kind, ErrorKind::not_found);
}

TEST_F(RealStore, tells_what_moved) {
  write("flows.json", "{}");
  write("orders", "one\n");
  spec.layout = {"flows.json"};
  const auto snapshot = secure();
  EXPECT_EQ(store.evidence(spec, snapshot).value().movement, Movement::none);
  write("orders", "one\ntwo\n");
  EXPECT_EQ(store.evidence(spec, snapshot).value().movement, Movement::data_only);
  // Same size, same times: only its bytes tell.
  struct stat then {};
  ASSERT_EQ(::stat((spec.path + "/flows.json").c_str(), &then), 0);
  write("flows.json", "[]");
  const timespec times[2] = {then.st_atim, then.st_mtim};
  ASSERT_EQ(::utimensat(AT_FDCWD, (spec.path + "/flows.json").c_str(), times, 0), 0);
  const auto evidence = store.evidence(spec, snapshot).value();
  EXPECT_EQ(evidence.movement, Movement::layout);
  EXPECT_NE(evidence.detail.find("flows.json"), std::string::npos);
  fs::remove(spec.path + "/flows.json");
  EXPECT_EQ(store.evidence(spec, snapshot).value().movement, Movement::layout);
  fs::remove_all(spec.path);
  EXPECT_EQ(store.evidence(spec, snapshot).value().movement, Movement::unreadable);
}

TEST_F(RealStore, exports_what_was_written_and_the_tails_of_what_was_appended) {
  write("log/orders", "one\n");
  write("rewritten", "before");
  const auto snapshot = secure();
  write("log/orders", "one\ntwo\n");
  write("rewritten", "after, and longer");
  write("added/deep/file", "added");
  fs::create_symlink("file", spec.path + "/added/deep/link");
  const auto abandoned = restore(snapshot);
  ASSERT_TRUE(store.export_written(spec, abandoned, root + "/out"));
  EXPECT_EQ(read_at(root + "/out/log/orders"), "one\ntwo\n");
  EXPECT_EQ(read_at(root + "/out/log/orders.appended"), "two\n");
  EXPECT_EQ(read_at(root + "/out/rewritten"), "after, and longer");
  EXPECT_FALSE(fs::exists(root + "/out/rewritten.appended"));
  EXPECT_EQ(read_at(root + "/out/added/deep/file"), "added");
  EXPECT_EQ(fs::read_symlink(root + "/out/added/deep/link"), "file");
}

TEST_F(RealStore, says_what_forbids_a_capture) {
  write("file", std::string(1000, 'x'));
  fs::create_directory(spec.path + "/mounted");
  spec.exclude = {"mounted"};
  if (!mount_at(spec.path + "/mounted"))
    GTEST_SKIP() << "mounting needs privilege";
  EXPECT_EQ(store.inspect(spec).value().problems.size(), 1U); // it would move with the folder
  spec.exclude = {};
  EXPECT_EQ(store.inspect(spec).value().problems.size(), 1U); // it would be left out
  spec.path = root + "/small";
  fs::create_directory(spec.path);
  ASSERT_TRUE(mount_at(spec.path, "size=1m"));
  write("file", std::string(700U << 10U, 'x'));
  const auto full = store.inspect(spec).value();
  EXPECT_TRUE(
      full.problems.empty()); // whether it is enough is judged with all that is written there
  EXPECT_LT(full.free_bytes, full.size.bytes);
  EXPECT_EQ(store.protect(spec, "p1", {}).error().kind, ErrorKind::no_space);
  EXPECT_EQ(read("file").size(), 700U << 10U);
  ASSERT_TRUE(store.discard(spec, "p1"));
  ASSERT_EQ(::mount("tmpfs", spec.path.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, "size=1m"), 0);
  EXPECT_GE(store.inspect(spec).value().problems.size(), 1U);
  spec.path = root + "/file";
  write_at(spec.path, "x");
  EXPECT_EQ(store.inspect(spec).value().problems.size(), 1U);
}

TEST_F(RealStore, does_not_call_a_copy_secure_while_something_writes) {
  write("log", std::string(8U << 20U, 'x'));
  std::atomic<bool> is_over = false;
  std::atomic<int> writes = 0;
  std::jthread writer{[&] {
    const int file = ::open((spec.path + "/log").c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    for (int count = 0; count < 20'000'000 && !is_over; ++count) // bounded in any case
      writes += ::write(file, "y", 1) == 1 ? 1 : 0;
    ::close(file);
  }};
  while (writes == 0)
    std::this_thread::yield();
  const auto secured = store.secure(spec, "p1", {});
  is_over = true;
  writer.join();
  ASSERT_FALSE(secured);
  EXPECT_EQ(secured.error().kind, ErrorKind::conflict);
  EXPECT_NE(secured.error().message.find("log"), std::string::npos);
  EXPECT_TRUE(store.secure(spec, "p1", {}));
}

// In memory: also torn effects, failures and lost replies, at every effect of protect, secure and
// restore. Whatever happens, run again without the fault it ends, with nothing lost.
TEST(SimStore, survives_every_fault_at_every_effect) {
  int histories = 0;
  for (const auto fault : {sim::Fault::crash_before, sim::Fault::crash_after,
                           sim::Fault::crash_torn, sim::Fault::power_cut, sim::Fault::fail_once,
                           sim::Fault::lost_reply, sim::Fault::read_fails})
    for (std::size_t at = 0; at < 200; ++at) {
      sim::SimWorld world;
      Store store{world.ports()};
      domain::StoreSpec spec;
      spec.name = "data";
      spec.path = "/srv/data";
      spec.exclude = {"backups"};
      world.host.disk.write("/srv/data/orders", "one\n");
      world.host.disk.write("/srv/data/backups/old", "old");
      const auto run = [&]() -> base::Result<domain::Abandoned> {
        const bool is_new = world.host.disk.find("/srv/data/new") != nullptr;
        const bool is_swapped = world.host.disk.find("/srv/.belay-data/a1") != nullptr;
        domain::Snapshot snapshot{.store = "data", .kept = "/srv/.belay-data/p1/tree"};
        if (!is_new && !is_swapped) {
          TRY(store.protect(spec, "p1", {}));
          snapshot = TRY(store.secure(spec, "p1", {})).snapshot;
          world.host.disk.write("/srv/data/orders", "one\ntwo\n");
          world.host.disk.write("/srv/data/new", "new");
        }
        return store.restore(spec, snapshot, "a1");
      };
      world.arm(fault, at);
      try {
        const auto first = run();
        EXPECT_TRUE(first || world.fired());
      } catch (const sim::Crash&) {
      }
      const bool has_fired = world.fired();
      world.arm(sim::Fault::none, 0);
      const auto ended = run();
      ASSERT_TRUE(ended) << sim::name_of(fault) << " at " << at << ": " << ended.error().message;
      ++histories;
      const auto content = [&](const std::string& path) {
        const sim::Node* node = world.host.disk.find(path);
        return node == nullptr ? std::string{"absent"} : node->content;
      };
      EXPECT_EQ(content("/srv/data/orders"), "one\n") << sim::name_of(fault) << " at " << at;
      EXPECT_EQ(content("/srv/data/new"), "absent") << sim::name_of(fault) << " at " << at;
      EXPECT_EQ(content("/srv/data/backups/old"), "old") << sim::name_of(fault) << " at " << at;
      EXPECT_EQ(content(ended.value().kept + "/orders"), "one\ntwo\n") << sim::name_of(fault);
      if (!has_fired)
        break;
    }
  EXPECT_GT(histories, 60);
}

} // namespace
} // namespace drivers::directory
