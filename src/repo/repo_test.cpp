// What a repository promises, in memory: whole after a death at any effect, and found when harmed.

#include "os/folders.hpp"
#include "os/machine.hpp"
#include "os/world_for_test.hpp"
#include "repo/backend/memory.hpp"
#include "repo/backup.hpp"
#include "repo/check.hpp"
#include "repo/copy.hpp"
#include "repo/exclude.hpp"
#include "repo/keys.hpp"
#include "repo/prune.hpp"
#include "repo/restore.hpp"
#include "repo/retention.hpp"

#include <algorithm>

namespace repo {
namespace {

using backend::FileKind;
using backend::FileName;
using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

class QuickClock final : public world::Clock { // nobody waits, and time is what a test says
public:
  world::TimePoint now() override { return point; }
  world::Milliseconds monotonic() override { return since; }
  void sleep_for(world::Milliseconds) override {}
  bool stop_requested() override { return false; }
  void pass(std::chrono::seconds time) {
    point += time;
    since += time;
  }
  world::TimePoint point{std::chrono::hours{24 * 365 * 50}};
  world::Milliseconds since{0};
};

class repository : public os::RealWorld {
protected:
  repository() {
    auto made = Repository::create(memory, ports, "p");
    CHECK(made);
    opened = std::move(made).value();
  }

  std::unique_ptr<Repository> open() {
    auto again = Repository::open(memory, ports, "p");
    CHECK(again);
    return std::move(again).value();
  }
  Result<BackupReport> back_up(Repository& to) {
    BackupOptions how{.paths = {root + "/tree"}, .threads = 1};
    how.save.pack_bytes = 20'000; // several packs of little data
    return with_lock(to, Sharing::shared,
                     [&](Lock& lock) { return backup(to, lock, folders, how, {}); });
  }
  Result<PruneReport> prune_all(Repository& of) {
    const PruneOptions how{.unused_max = 0};
    return with_lock(of, Sharing::exclusive,
                     [&](Lock& lock) { return prune(of, lock, how, [](const std::string&) {}); });
  }
  std::vector<std::string> errors_of(Repository& of) {
    const CheckOptions how{.is_data_read = true, .threads = 1};
    auto report =
        with_lock(of, Sharing::exclusive, [&](Lock& lock) { return check(of, lock, how, {}); });
    CHECK(report);
    return report.value().errors;
  }
  std::string noise(std::size_t size) {
    std::string bytes(size, '\0');
    random_.fill({reinterpret_cast<unsigned char*>(bytes.data()), size});
    return bytes;
  }
  void forget_all_but_the_last() {
    const auto all = opened->snapshots().value();
    for (std::size_t at = 0; at + 1 < all.size(); ++at)
      ASSERT_TRUE(memory.remove({FileKind::snapshot, all[at].id}));
  }

  QuickClock quick;
  os::Machine machine;
  os::Folders folders{effects_};
  Ports ports{machine, quick, random_};
  backend::Memory memory;
  std::unique_ptr<Repository> opened;
};

TEST_F(repository, gives_back_what_it_took) {
  write("tree/a/file", "content", 0640);
  write("tree/large", noise(900'000));
  const auto report = back_up(*opened);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(errors_of(*open()).empty());
  const auto again = open();
  ASSERT_TRUE(again->load_index());
  const RestoreOptions how{.target = root + "/back", .below = root + "/tree", .threads = 1};
  const auto restored = with_lock(*again, Sharing::shared, [&](Lock& lock) {
    return restore(*again, lock, folders, report.value().snapshot, how, {});
  });
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(text_of("back/a/file"), "content");
  EXPECT_EQ(text_of("back/large"), text_of("tree/large"));
  EXPECT_TRUE(memory.list(FileKind::lock).value().empty());
}

// Folders from elsewhere, a file of many, and bytes that are no file, below folders of no disk.
TEST_F(repository, puts_things_where_it_is_told) {
  write("live/a/file", "content", 0640);
  write("live/left out/x", "no");
  write("copies/one.db", noise(700'000), 0600);
  write("copies/other.db", "no");
  const std::string text = noise(2'500'000); // several pieces
  BackupOptions how{.paths = {"/made/up"}, .exclude = {"/made/up/data/left out"}, .threads = 2};
  how.placed = {{.at = "/made/up/data", .path = root + "/live"},
                {.at = "/made/up/db/one.db", .path = root + "/copies/one.db"},
                {.at = "/made/up/text", .bytes = text, .entry = {.mode = 0640}},
                {.at = "/made/up/nothing"}};
  const auto take = [&] {
    auto report = with_lock(*opened, Sharing::shared,
                            [&](Lock& lock) { return backup(*opened, lock, folders, how, {}); });
    CHECK(report);
    return report.value();
  };
  const auto first = take();
  EXPECT_EQ(first.snapshot.paths, how.paths);
  const auto second = take();
  EXPECT_EQ(second.snapshot.parent, first.snapshot.id);
  EXPECT_EQ(second.snapshot.tree, first.snapshot.tree);
  EXPECT_EQ(second.snapshot.summary->files_unmodified, 2U);
  EXPECT_TRUE(errors_of(*open()).empty());
  const auto again = open();
  ASSERT_TRUE(again->load_index());
  const RestoreOptions back{.target = root + "/back", .below = "/made/up", .threads = 1};
  ASSERT_TRUE(with_lock(*again, Sharing::shared, [&](Lock& lock) {
    return restore(*again, lock, folders, second.snapshot, back, {});
  }));
  EXPECT_EQ(text_of("back/data/a/file"), "content");
  EXPECT_EQ(text_of("back/db/one.db"), text_of("copies/one.db"));
  EXPECT_TRUE(files_.read(root + "/back/text", 4U << 20U).value() == text);
  EXPECT_EQ(text_of("back/nothing"), "");
  EXPECT_FALSE(files_.info(root + "/back/data/left out").value());
  EXPECT_FALSE(files_.info(root + "/back/db/other.db").value());
}

TEST_F(repository, stores_nothing_twice) {
  write("tree/a", noise(100'000));
  write("tree/b", "small");
  ASSERT_TRUE(back_up(*opened));
  const auto second = back_up(*opened);
  ASSERT_TRUE(second);
  const auto& summary = *second.value().snapshot.summary;
  EXPECT_EQ(summary.files_unmodified, 2U);
  EXPECT_EQ(summary.data_blobs, 0U);
  // The folders above are in the snapshot, and others work in the folder for temporary files: its
  // times are theirs, and so are the trees from there to the root.
  EXPECT_GE(summary.folders_unmodified, 1U) << "of the tree itself";
}

// Where a file was cut before is looked at first, and must lead to the cuts that are found without.
TEST_F(repository, cuts_a_changed_file_as_a_new_one) {
  const auto content_of = [&](const std::string& name) {
    BackupOptions how{.paths = {"/made/" + name}, .threads = 2};
    how.placed = {{.at = "/made/" + name + "/file", .path = root + "/tree/file"}};
    auto report = with_lock(*opened, Sharing::shared,
                            [&](Lock& lock) { return backup(*opened, lock, folders, how, {}); });
    CHECK(report);
    CHECK(opened->load_index());
    BlobReader reader{*opened};
    auto node = node_at(reader, report.value().snapshot, "/made/" + name + "/file");
    CHECK(node && node.value());
    return node.value()->content;
  };
  const std::string first = noise(3U << 20U);
  const std::string zeros(1U << 20U, '\0');
  const std::string changed_within = [&] {
    std::string bytes = first;
    for (std::size_t at : {5U, 2'000'000U, 2'000'001U, 3'000'000U})
      bytes[at] ^= '\x55';
    return bytes;
  }();
  const std::size_t middle = first.size() / 2;
  const std::vector<std::string> versions{first,
                                          changed_within,
                                          first + noise(700'000),
                                          first.substr(0, middle),
                                          first.substr(0, middle) + "between" +
                                              first.substr(middle),
                                          first.substr(0, middle) + zeros + first.substr(middle),
                                          "",
                                          first};
  for (std::size_t at = 0; at < versions.size(); ++at) {
    write("tree/file", versions[at]);
    EXPECT_EQ(content_of("again"), content_of("alone" + std::to_string(at))) << at;
  }
  EXPECT_TRUE(errors_of(*open()).empty());
}

// The effects of a run die one after the other, before and after they took place.
template <class Run, class Check>
void die_at_every_effect(backend::Memory& memory, Run run, Check look) {
  const auto files = memory.files;
  for (std::size_t wanted = 0;; ++wanted) {
    memory.files = files;
    std::size_t at = 0;
    bool is_dead = false;
    memory.fault = [&](bool, const FileName&) -> Result<> {
      if (is_dead || at++ == wanted) {
        is_dead = true;
        return Error{ErrorKind::failed, "dead", ""};
      }
      return ok();
    };
    const bool is_done = run();
    memory.fault = nullptr;
    ASSERT_NE(is_done, is_dead);
    look(wanted);
    if (is_done)
      return;
  }
}

TEST_F(repository, is_whole_wherever_a_backup_dies) {
  write("tree/one", noise(50'000));
  ASSERT_TRUE(back_up(*opened));
  write("tree/two", noise(50'000));
  write("tree/three", std::string(1000, 'x'));
  die_at_every_effect(
      memory, [&] { return static_cast<bool>(back_up(*open())); },
      [&](std::size_t at) {
        const auto after = open();
        ASSERT_TRUE(unlock(*after, true));
        EXPECT_TRUE(errors_of(*after).empty()) << at;
        EXPECT_GE(after->snapshots().value().size(), 1U);
      });
}

TEST_F(repository, is_whole_wherever_a_prune_dies) {
  for (int turn = 0; turn < 3; ++turn) {
    write("tree/kept" + std::to_string(turn), noise(9'000));
    write("tree/changing", noise(30'000));
    quick.pass(std::chrono::seconds{60});
    ASSERT_TRUE(back_up(*opened));
  }
  forget_all_but_the_last();
  die_at_every_effect(
      memory, [&] { return static_cast<bool>(prune_all(*open())); },
      [&](std::size_t at) {
        const auto after = open();
        ASSERT_TRUE(unlock(*after, true));
        EXPECT_TRUE(errors_of(*after).empty()) << at;
        ASSERT_TRUE(prune_all(*after));
        EXPECT_TRUE(errors_of(*after).empty()) << at;
      });
}

TEST_F(repository, is_whole_wherever_a_forget_dies) {
  for (int turn = 0; turn < 4; ++turn) {
    write("tree/changing", noise(5'000));
    quick.pass(std::chrono::seconds{60});
    ASSERT_TRUE(back_up(*opened));
  }
  const auto newest = opened->snapshots().value().back().id;
  die_at_every_effect(
      memory,
      [&] {
        return static_cast<bool>(with_lock(*opened, Sharing::exclusive, [&](Lock&) -> Result<> {
          const auto all = TRY(opened->snapshots());
          for (std::size_t at = 0; at + 1 < all.size(); ++at)
            TRY(memory.remove({FileKind::snapshot, all[at].id}));
          return ok();
        }));
      },
      [&](std::size_t at) {
        ASSERT_TRUE(unlock(*opened, true));
        EXPECT_TRUE(errors_of(*opened).empty()) << at;
        EXPECT_EQ(opened->snapshots().value().back().id, newest) << at;
      });
}

class copying : public repository {
protected:
  copying() { // opened once: a password costs time
    auto made = Repository::create(second, ports, "other");
    CHECK(made);
    to = std::move(made).value();
  }
  Result<CopyReport> copy_all(std::vector<std::string> snapshots = {}) {
    CopyOptions how{.snapshots = std::move(snapshots), .threads = 1};
    how.save.pack_bytes = 20'000;
    return with_lock(*opened, Sharing::shared, [&](Lock& from_lock) {
      return with_lock(*to, Sharing::shared, [&](Lock& to_lock) {
        return copy({*opened, from_lock}, {*to, to_lock}, how, {});
      });
    });
  }
  void back_up_twice() {
    write("tree/one", noise(50'000));
    write("tree/a/deep/file", "text");
    ASSERT_TRUE(back_up(*opened));
    write("tree/two", noise(50'000));
    quick.pass(std::chrono::seconds{60});
    ASSERT_TRUE(back_up(*opened));
  }
  backend::Memory second;
  std::unique_ptr<Repository> to;
};

TEST_F(copying, brings_everything_once) {
  back_up_twice();
  const auto first = copy_all();
  ASSERT_TRUE(first) << first.error().message;
  ASSERT_EQ(first.value().snapshots.size(), 2U);
  EXPECT_TRUE(first.value().snapshots[0].is_new);
  EXPECT_GT(first.value().bytes, 100'000U);
  EXPECT_TRUE(errors_of(*to).empty());
  const auto there = to->snapshots().value();
  const auto here = opened->snapshots().value();
  ASSERT_EQ(there.size(), 2U);
  EXPECT_EQ(there[1].tree, here[1].tree);
  EXPECT_EQ(there[1].original, here[1].id);
  EXPECT_FALSE(there[1].parent);

  const auto before = second.files;
  const auto again = copy_all();
  ASSERT_TRUE(again);
  EXPECT_FALSE(again.value().snapshots[0].is_new || again.value().snapshots[1].is_new);
  EXPECT_EQ(again.value().snapshots[1].to, there[1].id);
  EXPECT_EQ(again.value().blobs, 0U);
  EXPECT_EQ(second.files, before);
}

TEST_F(copying, takes_only_what_is_named) {
  back_up_twice();
  EXPECT_EQ(copy_all({"latest"}).value().snapshots.size(), 1U);
  EXPECT_EQ(to->snapshots().value().size(), 1U);
  EXPECT_EQ(copy_all({"no such"}).error().kind, ErrorKind::not_found);
  EXPECT_TRUE(memory.list(FileKind::lock).value().empty());
  EXPECT_TRUE(second.list(FileKind::lock).value().empty());
}

TEST_F(copying, spreads_no_harm) {
  back_up_twice();
  auto packs = memory.list(FileKind::pack).value();
  for (const backend::Listed& pack : packs) {
    const auto kept = memory.files;
    const auto kept_second = second.files;
    memory.files[backend::text_of({FileKind::pack, pack.id})][40] ^= 1;
    const auto copied = copy_all();
    ASSERT_FALSE(copied);
    EXPECT_EQ(copied.error().kind, ErrorKind::corrupt);
    memory.files.erase(backend::text_of({FileKind::pack, pack.id}));
    EXPECT_EQ(copy_all().error().kind, ErrorKind::corrupt);
    EXPECT_TRUE(errors_of(*to).empty()) << "whatever was copied until then is whole";
    memory.files = kept;
    second.files = kept_second;
  }
}

TEST_F(copying, goes_on_wherever_it_died) {
  back_up_twice();
  die_at_every_effect(
      second, [&] { return static_cast<bool>(copy_all()); },
      [&](std::size_t at) {
        std::erase_if(memory.files,
                      [](const auto& file) { return file.first.starts_with("locks/"); });
        ASSERT_TRUE(unlock(*to, true));
        EXPECT_TRUE(errors_of(*to).empty()) << at;
        ASSERT_TRUE(copy_all()) << at;
        EXPECT_TRUE(errors_of(*to).empty()) << at;
        EXPECT_EQ(to->snapshots().value().size(), 2U) << at;
      });
}

TEST_F(copying, refuses_to_copy_onto_itself) {
  const auto copied = with_lock(*opened, Sharing::shared, [&](Lock& from_lock) {
    return with_lock(*opened, Sharing::shared, [&](Lock& to_lock) {
      return copy({*opened, from_lock}, {*opened, to_lock}, {}, {});
    });
  });
  EXPECT_EQ(copied.error().kind, ErrorKind::invalid_input);
}

TEST_F(repository, prune_leaves_just_what_is_needed) {
  write("tree/a", noise(60'000));
  ASSERT_TRUE(back_up(*opened));
  write("tree/a", noise(60'000));
  quick.pass(std::chrono::seconds{60});
  ASSERT_TRUE(back_up(*opened));
  forget_all_but_the_last();
  ASSERT_TRUE(prune_all(*opened));
  std::uint64_t bytes = 0;
  const auto packs = memory.list(FileKind::pack).value();
  for (const backend::Listed& pack : packs)
    bytes += pack.size_bytes;
  EXPECT_LT(bytes, 70'000U);
  EXPECT_TRUE(errors_of(*open()).empty());
}

TEST_F(repository, prune_changes_nothing_when_something_is_missing) {
  write("tree/a", noise(60'000));
  ASSERT_TRUE(back_up(*opened));
  ASSERT_TRUE(memory.remove({FileKind::pack, memory.list(FileKind::pack).value().front().id}));
  const auto before = memory.files;
  const auto pruned = prune_all(*open());
  ASSERT_FALSE(pruned);
  EXPECT_EQ(pruned.error().kind, ErrorKind::corrupt);
  EXPECT_EQ(memory.files, before);
}

TEST_F(repository, tells_a_wrong_password_from_no_repository) {
  EXPECT_EQ(Repository::open(memory, ports, "q").error().kind, ErrorKind::invalid_input);
  backend::Memory empty;
  EXPECT_EQ(Repository::open(empty, ports, "p").error().kind, ErrorKind::not_found);
  EXPECT_TRUE(empty.files.empty());
  EXPECT_EQ(Repository::create(memory, ports, "p").error().kind, ErrorKind::conflict);
  memory.files.erase("config"); // keys are left: nobody may make a new one over them
  EXPECT_EQ(Repository::create(memory, ports, "p").error().kind, ErrorKind::conflict);
}

TEST_F(repository, keys_come_and_go) {
  const auto added = add_key(*opened, "second");
  ASSERT_TRUE(added);
  EXPECT_TRUE(Repository::open(memory, ports, "second"));
  EXPECT_FALSE(remove_key(*opened, opened->key_id().hex()));
  ASSERT_TRUE(remove_key(*opened, added.value().hex().substr(0, 8)));
  EXPECT_FALSE(Repository::open(memory, ports, "second"));
  ASSERT_TRUE(change_password(*opened, "third"));
  EXPECT_FALSE(Repository::open(memory, ports, "p"));
  EXPECT_TRUE(Repository::open(memory, ports, "third"));
}

using lock = repository;

TEST_F(lock, keeps_others_out) {
  const auto shared = Lock::acquire(*opened, Sharing::shared);
  ASSERT_TRUE(shared);
  const auto other = open();
  const auto second = Lock::acquire(*other, Sharing::shared);
  ASSERT_TRUE(second);
  EXPECT_EQ(Lock::acquire(*other, Sharing::exclusive).error().kind, ErrorKind::locked);
  ASSERT_TRUE(shared.value()->release());
  ASSERT_TRUE(second.value()->release());
  const auto alone = Lock::acquire(*other, Sharing::exclusive);
  ASSERT_TRUE(alone);
  EXPECT_EQ(Lock::acquire(*opened, Sharing::shared).error().kind, ErrorKind::locked);
  ASSERT_TRUE(alone.value()->release());
  EXPECT_TRUE(memory.list(FileKind::lock).value().empty());
}

TEST_F(lock, is_renewed_and_is_lost_when_it_could_not_be) {
  const auto held = Lock::acquire(*opened, Sharing::shared);
  ASSERT_TRUE(held);
  const auto before = memory.list(FileKind::lock).value();
  quick.pass(std::chrono::minutes{4});
  ASSERT_TRUE(held.value()->keep());
  EXPECT_EQ(memory.list(FileKind::lock).value(), before);
  quick.pass(std::chrono::minutes{2});
  ASSERT_TRUE(held.value()->keep());
  EXPECT_NE(memory.list(FileKind::lock).value(), before);
  EXPECT_EQ(memory.list(FileKind::lock).value().size(), 1U);
  quick.pass(std::chrono::minutes{25});
  EXPECT_EQ(held.value()->keep().error().kind, ErrorKind::locked);
}

TEST_F(lock, of_another_host_is_stale_after_half_an_hour) {
  const format::LockFile theirs{format::Time::of(quick.now()), true, "elsewhere", "root", 1};
  ASSERT_TRUE(opened->save(FileKind::lock, format::to_json(theirs)));
  EXPECT_EQ(unlock(*opened, false).value(), 0U);
  EXPECT_EQ(Lock::acquire(*opened, Sharing::shared).error().kind, ErrorKind::locked);
  quick.pass(std::chrono::minutes{31});
  EXPECT_EQ(unlock(*opened, false).value(), 1U);
  EXPECT_TRUE(Lock::acquire(*opened, Sharing::shared));
}

TEST(index, finds_what_was_added) {
  Index index;
  std::vector<format::PackedBlob> blobs;
  for (std::uint32_t number = 0; number < 5000; ++number)
    blobs.push_back(
        {format::id_of(std::to_string(number)), format::BlobType::data, number * 100, 100, number});
  EXPECT_TRUE(index.claim(blobs[7].id, format::BlobType::data));
  EXPECT_FALSE(index.claim(blobs[7].id, format::BlobType::data));
  EXPECT_TRUE(index.claim(blobs[7].id, format::BlobType::tree));
  EXPECT_FALSE(index.find(blobs[7].id, format::BlobType::data));
  index.add({format::id_of("pack"), blobs});
  index.add({format::id_of("other"), {blobs[3]}});
  for (const format::PackedBlob& blob : blobs) {
    const auto place = index.find(blob.id, format::BlobType::data);
    ASSERT_TRUE(place);
    EXPECT_TRUE(place->blob == blob && place->pack == format::id_of("pack"));
  }
  EXPECT_FALSE(index.find(format::id_of("absent"), format::BlobType::data));
  EXPECT_FALSE(index.find(blobs[7].id, format::BlobType::tree));
}

TEST(excludes, match_parts_and_whole_paths) {
  const auto matches = [](const char* pattern, const char* path) {
    return Excludes::of({pattern}).value().matches(path);
  };
  EXPECT_TRUE(matches("*.o", "/a/b.o"));
  EXPECT_TRUE(matches("*.o", "/a.o/b"));
  EXPECT_FALSE(matches("*.o", "/a/b.old"));
  EXPECT_TRUE(matches("/a/b", "/a/b/c"));
  EXPECT_FALSE(matches("/a/b", "/x/a/b"));
  EXPECT_TRUE(matches("a/b", "/x/a/b"));
  EXPECT_TRUE(matches("/a/**/z", "/a/b/c/z"));
  EXPECT_TRUE(matches("/a/**/z", "/a/z"));
  EXPECT_TRUE(matches("[a-c]?[^x]", "/bxy"));
  EXPECT_FALSE(matches("[a-c]?[^x]", "/bxx"));
  EXPECT_TRUE(matches("\\*", "/*"));
  EXPECT_FALSE(matches("\\*", "/a"));
  EXPECT_TRUE(matches("a*b*c", "/aXbXbc"));
  EXPECT_FALSE(Excludes::of({"*.o", "!keep.o"}).value().matches("/keep.o"));
  EXPECT_FALSE(Excludes::of({"[a"}));
  EXPECT_FALSE(Excludes::of({"/"}));
  EXPECT_EQ(patterns_of(" *.o \n\n# no\n/x\r\n"), (std::vector<std::string>{"*.o", "/x"}));
}

std::vector<std::string> kept_by(const Policy& policy, const std::vector<std::string>& times) {
  std::vector<format::Snapshot> all;
  for (const std::string& time : times) {
    all.push_back({.time = format::parse_time(time).value(), .paths = {"/a"}});
    all.back().id = format::id_of(time);
    if (time.ends_with(":07Z"))
      all.back().tags = {"keep"};
  }
  std::vector<std::string> kept;
  for (const auto& group : decide(all, policy))
    for (const Decision& decision : group)
      if (decision.is_kept)
        kept.push_back(format_time(decision.snapshot.time).substr(0, 16));
  return kept;
}

TEST(retention, keeps_what_the_policy_names) {
  const std::vector<std::string> times{
      "2025-12-31T23:00:00Z", "2026-01-01T08:00:00Z", "2026-01-04T08:00:00Z", // a Sunday
      "2026-01-05T08:00:07Z", "2026-01-05T09:00:00Z", "2026-01-05T09:30:00Z"};
  using Kept = std::vector<std::string>;
  EXPECT_EQ(kept_by({.last = 2}, times), (Kept{"2026-01-05T09:00", "2026-01-05T09:30"}));
  EXPECT_EQ(kept_by({.hourly = 2}, times), (Kept{"2026-01-05T08:00", "2026-01-05T09:30"}));
  EXPECT_EQ(kept_by({.daily = 2}, times), (Kept{"2026-01-04T08:00", "2026-01-05T09:30"}));
  EXPECT_EQ(kept_by({.weekly = 2}, times), (Kept{"2026-01-04T08:00", "2026-01-05T09:30"}));
  EXPECT_EQ(kept_by({.monthly = 9}, times), (Kept{"2025-12-31T23:00", "2026-01-05T09:30"}));
  EXPECT_EQ(kept_by({.yearly = 9}, times), (Kept{"2025-12-31T23:00", "2026-01-05T09:30"}));
  EXPECT_EQ(kept_by({.within = {.rest = std::chrono::hours{2}}}, times),
            (Kept{"2026-01-05T08:00", "2026-01-05T09:00", "2026-01-05T09:30"}));
  EXPECT_EQ(kept_by({.tags = {"keep"}}, times), (Kept{"2026-01-05T08:00"}));
}

TEST(retention, decides_each_group_by_itself) {
  std::vector<format::Snapshot> all{{.time = {1, 0}, .paths = {"/a"}, .host = "h"},
                                    {.time = {2, 0}, .paths = {"/b"}, .host = "h"},
                                    {.time = {3, 0}, .paths = {"/a"}, .host = "i"}};
  const auto groups = decide(all, {.last = 1});
  ASSERT_EQ(groups.size(), 3U);
  for (const auto& group : groups)
    EXPECT_TRUE(group.size() == 1 && group[0].is_kept);
}

} // namespace
} // namespace repo
