#include "sim/sim_folders.hpp"

#include <gtest/gtest.h>

namespace {

using sim::FolderEffect;
using sim::FolderTree;
using Kind = FolderEffect::Kind;

void put(FolderTree& tree, const std::string& path, const std::string& bytes) {
  if (tree.find(path) == nullptr)
    CHECK(tree.apply({.kind = Kind::make_file, .path = path}));
  CHECK(tree.apply({.kind = Kind::write, .path = path, .bytes = bytes}));
}

TEST(folder_tree, tells_all_that_a_restore_brings_back) {
  FolderTree tree;
  put(tree, "/a", "one");
  const std::string before = tree.describe("/");
  FolderTree other = tree;
  ASSERT_TRUE(other.apply({.kind = Kind::link, .path = "/b", .existing = "/a"}));
  EXPECT_NE(other.describe("/"), before);
  EXPECT_EQ(other.find("/b")->entry.links, 2U);
  other = tree;
  put(other, "/a", "two");
  EXPECT_NE(other.describe("/"), before);
  other = tree;
  world::Entry entry = tree.find("/a")->entry;
  entry.mode = 0640;
  ASSERT_TRUE(other.apply({.kind = Kind::finish, .path = "/a", .entry = entry}));
  EXPECT_NE(other.describe("/"), before);
  EXPECT_FALSE(other.apply({.kind = Kind::make_folder, .path = "/a"})) << "it is there";
  EXPECT_FALSE(other.apply({.kind = Kind::make_folder, .path = "/x/y"})) << "it has no parent";
}

// Each page and each name is the old one or the new one, and each of the four is seen.
TEST(folder_tree, loses_some_of_what_was_not_synced) {
  FolderTree durable;
  put(durable, "/file", std::string(8192, 'o'));
  put(durable, "/removed", "r");
  FolderTree now = durable;
  put(now, "/file", std::string(8192, 'n'));
  put(now, "/made", "m");
  ASSERT_TRUE(now.apply({.kind = Kind::remove, .path = "/removed"}));
  std::mt19937_64 random{1};
  std::map<std::string, int> pages;
  std::map<bool, int> removed;
  std::map<bool, int> made;
  for (int turn = 0; turn < 50; ++turn) {
    const FolderTree left = FolderTree::after_power_cut(durable, now, random);
    const std::string& content = left.find("/file")->content;
    ASSERT_EQ(content.size(), 8192U);
    ++pages[{content[0], content[8191]}];
    EXPECT_EQ(content.substr(0, 4096), std::string(4096, content[0]));
    ++removed[left.find("/removed") != nullptr];
    ++made[left.find("/made") != nullptr];
  }
  EXPECT_EQ(pages.size(), 4U);
  EXPECT_TRUE(pages.contains("on") && pages.contains("no"));
  EXPECT_TRUE(removed.size() == 2 && made.size() == 2);
}

TEST(sim_folders, fail_or_lie_as_they_are_told) {
  sim::FolderDisk disk;
  sim::SimFolders folders{disk};
  auto answer = sim::SimFolders::Answer::failed;
  folders.fault = [&](const FolderEffect&, std::size_t) { return answer; };
  const auto root = folders.open("/");
  ASSERT_TRUE(root);
  EXPECT_FALSE(root.value()->make_folder("a"));
  EXPECT_EQ(disk.now.find("/a"), nullptr);
  answer = sim::SimFolders::Answer::lied;
  EXPECT_FALSE(root.value()->make_folder("a"));
  EXPECT_NE(disk.now.find("/a"), nullptr);
  EXPECT_EQ(disk.durable.find("/a"), nullptr);
  EXPECT_FALSE(folders.sync("/"));
  EXPECT_NE(disk.durable.find("/a"), nullptr);
}

} // namespace
