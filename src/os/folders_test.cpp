// Entries with all their metadata come back as they were; links are never followed.

#include "os/folders.hpp"
#include "os/machine.hpp"
#include "os/world_for_test.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace os {
namespace {

using base::ErrorKind;
using world::Entry;
using world::EntryType;

class folders : public RealWorld {
protected:
  Folders it{effects_};
  std::unique_ptr<world::Folder> open(const std::string& path) {
    auto folder = it.open(root + path);
    CHECK(folder);
    return std::move(folder).value();
  }
};

TEST_F(folders, tell_of_every_kind_of_entry) {
  write("d/file", "12345", 0640);
  ASSERT_EQ(::symlink("some\xff where", (root + "/d/link").c_str()), 0);
  ASSERT_EQ(::mkfifo((root + "/d/pipe").c_str(), 0604), 0);
  ASSERT_EQ(::setxattr((root + "/d/file").c_str(), "user.a", "v\0w", 3, 0), 0);
  const auto entries = open("/d")->list();
  ASSERT_TRUE(entries);
  ASSERT_EQ(entries.value().size(), 3U);
  const Entry& file = entries.value()[0];
  EXPECT_EQ(file.name, "file");
  EXPECT_EQ(file.size_bytes, 5U);
  EXPECT_EQ(file.mode, 0640U);
  ASSERT_EQ(file.attributes.size(), 1U);
  EXPECT_EQ(file.attributes[0].second, std::string("v\0w", 3));
  EXPECT_EQ(entries.value()[1].type, EntryType::link);
  EXPECT_EQ(entries.value()[1].target, "some\xff where");
  EXPECT_EQ(entries.value()[2].type, EntryType::fifo);
}

TEST_F(folders, make_what_they_were_told) {
  auto target = it.open_empty(root + "/new/place");
  ASSERT_TRUE(target) << target.error().message;
  world::Folder& folder = *target.value();
  auto file = folder.make_file("f");
  ASSERT_TRUE(file);
  ASSERT_TRUE(file.value()->write("end", 1U << 20U));
  Entry wanted{.name = "f",
               .mode = 04751,
               .user = ::getuid(),
               .group = ::getgid(),
               .size_bytes = (1U << 20U) + 3,
               .mtime = {-1000, 5},
               .atime = {7, 0},
               .attributes = {{"user.x", "y"}}};
  ASSERT_TRUE(file.value()->finish(wanted));
  ASSERT_TRUE(folder.make_hard_link("h", folder, "f"));
  ASSERT_TRUE(folder.make_other({.name = "l",
                                 .type = EntryType::link,
                                 .user = ::getuid(),
                                 .group = ::getgid(),
                                 .mtime = {9, 9},
                                 .target = "t"}));
  const auto entries = open("/new/place")->list();
  ASSERT_TRUE(entries);
  ASSERT_EQ(entries.value().size(), 3U);
  const Entry& made = entries.value()[0];
  EXPECT_EQ(made.mode, wanted.mode);
  EXPECT_EQ(made.size_bytes, wanted.size_bytes);
  EXPECT_LT(made.allocated_bytes, 64U << 10U); // the hole stays one
  EXPECT_TRUE(made.mtime == wanted.mtime);
  EXPECT_EQ(made.attributes, wanted.attributes);
  EXPECT_EQ(made.links, 2U);
  EXPECT_EQ(entries.value()[1].inode, made.inode);
  EXPECT_EQ(entries.value()[2].target, "t");
  EXPECT_EQ(folder.make_file("f").error().kind, ErrorKind::conflict);
  EXPECT_TRUE(it.sync(root));
}

TEST_F(folders, never_follow_a_link) {
  write("secret/file", "x");
  ASSERT_TRUE(files_.create_folders(root + "/d"));
  ASSERT_EQ(::symlink("../secret", (root + "/d/folder").c_str()), 0);
  ASSERT_EQ(::symlink("../secret/file", (root + "/d/file").c_str()), 0);
  const auto folder = open("/d");
  EXPECT_EQ(folder->open_folder("folder").error().kind, ErrorKind::conflict);
  EXPECT_EQ(folder->open_file("file").error().kind, ErrorKind::conflict);
  EXPECT_EQ(folder->open_file("absent").error().kind, ErrorKind::not_found);
  EXPECT_EQ(folder->make_file("file").error().kind, ErrorKind::conflict);
  EXPECT_EQ(it.look(root + "/d/folder").value().type, EntryType::link);
}

TEST_F(folders, restore_only_into_nothing) {
  write("full/file", "x");
  EXPECT_EQ(it.open_empty(root + "/full").error().kind, ErrorKind::conflict);
  EXPECT_TRUE(it.open_empty(root + "/empty"));
  EXPECT_TRUE(it.open_empty(root + "/empty"));
  EXPECT_EQ(it.open(root + "/absent").error().kind, ErrorKind::not_found);
  EXPECT_EQ(it.open(root + "/full/file").error().kind, ErrorKind::conflict);
}

TEST_F(folders, know_where_data_is) {
  write("sparse", "x");
  ASSERT_EQ(::truncate((root + "/sparse").c_str(), 3 << 20), 0);
  const auto file = open("")->open_file("sparse");
  ASSERT_TRUE(file);
  const auto first = file.value()->next_data(0);
  ASSERT_TRUE(first);
  EXPECT_EQ(first.value().first, 0U);
  EXPECT_LE(first.value().second, 64U << 10U);
  const auto next = file.value()->next_data(first.value().second);
  ASSERT_TRUE(next);
  EXPECT_EQ(next.value().first, next.value().second);
  std::string bytes(10, '?');
  EXPECT_EQ(file.value()->read(bytes, (3 << 20) - 4).value(), 4U);
}

TEST_F(folders, files_are_read_from_the_middle) {
  write("f", "0123456789");
  EXPECT_EQ(files_.read_range(root + "/f", 3, 4).value(), "3456");
  EXPECT_EQ(files_.read_range(root + "/f", 8, 4).value(), "89");
  EXPECT_EQ(files_.read_range(root + "/f", 100, 4).value(), "");
}

TEST(machine, knows_itself) {
  Machine machine;
  EXPECT_EQ(machine.identity().pid, static_cast<std::uint64_t>(::getpid()));
  EXPECT_EQ(machine.identity().uid, ::getuid());
  EXPECT_TRUE(machine.is_running(static_cast<std::uint64_t>(::getpid())));
  EXPECT_FALSE(machine.is_running(0));
  EXPECT_FALSE(machine.is_running(1ULL << 40U));
  EXPECT_EQ(machine.user_name(0), "root");
  EXPECT_EQ(machine.group_name(0), "root");
  EXPECT_EQ(machine.user_name(3'999'999'999U), "");
  EXPECT_GE(machine.cores(), 1U);
}

} // namespace
} // namespace os
