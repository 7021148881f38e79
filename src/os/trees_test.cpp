#include "base/digest.hpp"
#include "os/catalogue.hpp"
#include "os/tree_capture.hpp"
#include "os/trees.hpp"

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace os {
namespace {

namespace fs = std::filesystem;
using base::ErrorKind;
using world::Depth;
using world::Difference;

struct stat look(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
  return info;
}

void write_file(const std::string& path, std::string_view bytes) {
  std::ofstream{path, std::ios::binary} << bytes;
}

std::string read_file(const std::string& path) {
  std::ostringstream bytes;
  bytes << std::ifstream{path, std::ios::binary}.rdbuf();
  return bytes.str();
}

// Long enough ago that no file is as young as the clock of the file system is coarse.
void age(const std::string& path, std::int64_t seconds) {
  const timespec times[2] = {{seconds, 1}, {seconds, 123456789}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW), 0);
}

class TreesTest : public testing::Test {
protected:
  void SetUp() override {
    std::string name = fs::temp_directory_path() / "belay-trees-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root = name;
    source = root + "/source";
    copy = root + "/kept/tree";
    catalogue = root + "/kept/catalogue";
    fs::create_directory(source);
    fs::create_directory(root + "/kept");
  }
  void TearDown() override {
    for (const std::string& mount : mounts)
      ::umount2(mount.c_str(), MNT_DETACH);
    fs::remove_all(root);
  }
  world::Capture capture() {
    auto captured = trees.capture(source, copy, catalogue, {.exclude = exclude, .progress = {}});
    EXPECT_TRUE(captured) << captured.error().message;
    return captured ? captured.value() : world::Capture{};
  }
  // A change time that is no longer fresh, so that an unchanged file is not read again.
  void settle() {
    std::this_thread::sleep_for(std::chrono::milliseconds{60}); // 50 ms is what counts as fresh
  }
  void expect_corrupt(Depth depth, const std::string& named) {
    const auto verified = trees.verify(copy, catalogue, depth);
    ASSERT_FALSE(verified);
    EXPECT_EQ(verified.error().kind, ErrorKind::corrupt);
    EXPECT_NE(verified.error().message.find(named), std::string::npos) << verified.error().message;
  }
  void expect_good(Depth depth) {
    const auto verified = trees.verify(copy, catalogue, depth);
    EXPECT_TRUE(verified) << verified.error().message;
  }
  bool mount_small(const std::string& path, const char* options) {
    fs::create_directories(path);
    if (::mount("tmpfs", path.c_str(), "tmpfs", 0, options) != 0)
      return false;
    mounts.push_back(path);
    return true;
  }

  NoEffects effects;
  Trees trees{effects};
  std::string root;
  std::string source;
  std::string copy;
  std::string catalogue;
  std::vector<std::string> exclude;
  std::vector<std::string> mounts;
};

TEST_F(TreesTest, keeps_content_owner_mode_and_times) {
  fs::create_directories(source + "/a/b");
  write_file(source + "/a/b/file", "hello");
  write_file(source + "/program", "x");
  ::chmod((source + "/program").c_str(), 04750);
  ::chmod((source + "/a/b").c_str(), 02711);
  if (::geteuid() == 0) {
    ASSERT_EQ(::lchown((source + "/program").c_str(), 1234, 4321), 0);
  }
  ::chmod((source + "/program").c_str(), 04750); // chown cleared the set-id bit
  age(source + "/a/b/file", -5);                 // before 1970
  age(source + "/a/b", 1'000'000'000);
  age(source + "/a", 1'000'000'001);
  const auto captured = capture();
  EXPECT_EQ(captured.size.files, 4U);
  EXPECT_TRUE(captured.torn.empty());
  EXPECT_EQ(read_file(copy + "/a/b/file"), "hello");
  for (const char* path : {"", "/a", "/a/b", "/a/b/file", "/program"}) {
    const struct stat then = look(source + path);
    const struct stat now = look(copy + path);
    EXPECT_EQ(then.st_mode, now.st_mode) << path;
    EXPECT_EQ(then.st_uid, now.st_uid) << path;
    EXPECT_EQ(then.st_gid, now.st_gid) << path;
    EXPECT_EQ(then.st_mtim.tv_sec, now.st_mtim.tv_sec) << path;
    EXPECT_EQ(then.st_mtim.tv_nsec, now.st_mtim.tv_nsec) << path;
  }
  expect_good(Depth::full);
}

TEST_F(TreesTest, keeps_extended_attributes_and_acls) {
  write_file(source + "/file", "x");
  fs::create_directory(source + "/folder");
  const std::string value{"\0bytes\n\xff", 8};
  if (::setxattr((source + "/file").c_str(), "user.note", value.data(), value.size(), 0) != 0)
    GTEST_SKIP() << "no user attributes on this file system";
  // user::rw-, user:1000:r--, group::r--, mask::r--, other::---, as the kernel stores an ACL.
  const unsigned char acl[] = {2, 0,   0,   0,   1,   0,   6,  0, 255, 255, 255, 255, 2,   0,  4,
                               0, 232, 3,   0,   0,   4,   0,  4, 0,   255, 255, 255, 255, 16, 0,
                               4, 0,   255, 255, 255, 255, 32, 0, 0,   0,   255, 255, 255, 255};
  const std::string acl_name = "system.posix_acl_access";
  const std::string default_name = "system.posix_acl_default";
  const bool has_acl =
      ::setxattr((source + "/file").c_str(), acl_name.c_str(), acl, sizeof acl, 0) == 0 &&
      ::setxattr((source + "/folder").c_str(), default_name.c_str(), acl, sizeof acl, 0) == 0;
  write_file(source + "/folder/inherits", "y");
  ASSERT_EQ(::unlink((source + "/folder/inherits").c_str()), 0);
  fs::rename(source + "/file", source + "/folder/file"); // keeps its own ACL
  write_file(source + "/plain", "z");
  fs::rename(source + "/plain", source + "/folder/plain"); // has none, whatever the default says
  capture();
  char read[256];
  const auto size = ::getxattr((copy + "/folder/file").c_str(), "user.note", read, sizeof read);
  ASSERT_EQ(size, 8);
  EXPECT_EQ(std::string(read, 8), value);
  if (has_acl) {
    EXPECT_EQ(::getxattr((copy + "/folder/file").c_str(), acl_name.c_str(), read, sizeof read),
              static_cast<ssize_t>(sizeof acl));
    EXPECT_EQ(std::string(read, sizeof acl),
              std::string(reinterpret_cast<const char*>(acl), sizeof acl));
    EXPECT_EQ(::getxattr((copy + "/folder").c_str(), default_name.c_str(), read, sizeof read),
              static_cast<ssize_t>(sizeof acl));
    EXPECT_LT(::getxattr((copy + "/folder/plain").c_str(), acl_name.c_str(), read, sizeof read), 0);
  }
  expect_good(Depth::full);
  // A second pass into a folder that has a default ACL by now.
  write_file(source + "/later", "z");
  fs::rename(source + "/later", source + "/folder/later");
  capture();
  EXPECT_LT(::getxattr((copy + "/folder/later").c_str(), acl_name.c_str(), read, sizeof read), 0);
  ASSERT_EQ(::setxattr((copy + "/folder/later").c_str(), "user.new", "1", 1, 0), 0);
  expect_corrupt(Depth::quick, "folder/later");
}

TEST_F(TreesTest, keeps_names_of_one_file_and_notices_when_they_part) {
  fs::create_directory(source + "/z");
  write_file(source + "/one", "shared");
  fs::create_hard_link(source + "/one", source + "/z/two");
  fs::create_hard_link(source + "/one", source + "/three");
  capture();
  EXPECT_EQ(look(copy + "/one").st_ino, look(copy + "/z/two").st_ino);
  EXPECT_EQ(look(copy + "/one").st_ino, look(copy + "/three").st_ino);
  EXPECT_EQ(look(copy + "/one").st_nlink, 3U);
  expect_good(Depth::full);
  settle();
  capture();
  settle();
  EXPECT_EQ(capture().copied.files, 0U);
  // The first name goes: another one is the first now.
  fs::remove(source + "/one");
  write_file(source + "/three", "changed through one name");
  capture();
  EXPECT_FALSE(fs::exists(copy + "/one"));
  EXPECT_EQ(read_file(copy + "/z/two"), "changed through one name");
  EXPECT_EQ(look(copy + "/three").st_ino, look(copy + "/z/two").st_ino);
  expect_good(Depth::full);
  // In the copy they part.
  fs::copy_file(copy + "/three", copy + "/apart");
  fs::rename(copy + "/apart", copy + "/three");
  EXPECT_FALSE(trees.verify(copy, catalogue, Depth::quick));
}

TEST_F(TreesTest, keeps_holes) {
  const std::string path = source + "/sparse";
  const int file = ::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  ASSERT_GE(file, 0);
  ASSERT_EQ(::pwrite(file, "data", 4, 32 << 20), 4);
  ASSERT_EQ(::ftruncate(file, 64 << 20), 0);
  ::close(file);
  capture();
  const struct stat now = look(copy + "/sparse");
  EXPECT_EQ(now.st_size, 64 << 20);
  EXPECT_LT(now.st_blocks * 512, 1 << 20);
  std::string expected(64U << 20U, '\0');
  expected.replace(32U << 20U, 4, "data");
  EXPECT_EQ(trees.file_digest(copy + "/sparse").value(), base::sha256_hex(expected));
  expect_good(Depth::full);
}

TEST_F(TreesTest, keeps_links_pipes_sockets_and_names_of_any_bytes) {
  const std::string odd = std::string{"line\nbreak \xff\xfe "} + "\x01";
  write_file(source + "/" + odd, "odd");
  fs::create_symlink("/etc/passwd", source + "/outside");
  fs::create_symlink("nowhere\n", source + "/dangling");
  fs::create_directory_symlink(root, source + "/loop");
  ASSERT_EQ(::mkfifo((source + "/pipe").c_str(), 0640), 0);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  (source + "/socket").copy(name.sun_path, sizeof name.sun_path - 1);
  ASSERT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
  ::close(socket);
  const bool has_device = ::mknod((source + "/null").c_str(), S_IFCHR | 0600, makedev(1, 3)) == 0;
  age(source + "/dangling", 1000);
  capture();
  EXPECT_EQ(read_file(copy + "/" + odd), "odd");
  EXPECT_EQ(fs::read_symlink(copy + "/outside"), "/etc/passwd");
  EXPECT_EQ(fs::read_symlink(copy + "/dangling"), "nowhere\n");
  EXPECT_EQ(look(copy + "/dangling").st_mtim.tv_sec, 1000);
  EXPECT_TRUE(S_ISLNK(look(copy + "/loop").st_mode));
  EXPECT_TRUE(S_ISFIFO(look(copy + "/pipe").st_mode));
  EXPECT_EQ(look(copy + "/pipe").st_mode & 0777U, 0640U);
  EXPECT_TRUE(S_ISSOCK(look(copy + "/socket").st_mode));
  if (has_device) {
    EXPECT_EQ(look(copy + "/null").st_rdev, makedev(1, 3));
  }
  expect_good(Depth::full);
  ASSERT_TRUE(trees.remove(copy));
  EXPECT_TRUE(fs::exists("/etc/passwd"));
  EXPECT_TRUE(fs::exists(source));
}

TEST_F(TreesTest, reads_and_writes_only_the_difference_the_second_time) {
  for (int index = 0; index < 300; ++index) {
    const std::string folder = source + "/" + std::to_string(index % 10);
    fs::create_directories(folder);
    write_file(folder + "/" + std::to_string(index), std::string(1000, 'x'));
  }
  settle();
  const auto first = capture();
  EXPECT_EQ(first.copied.files, 300U);
  const struct stat untouched = look(copy + "/3/3");
  write_file(source + "/4/4", "new");
  fs::remove(source + "/5/5");
  fs::remove_all(source + "/6");
  write_file(source + "/6", "a file where a folder was");
  fs::remove(source + "/7/7");
  fs::create_directory(source + "/7/7");
  const auto second = capture();
  EXPECT_EQ(second.copied.files, 2U);
  EXPECT_EQ(second.copied.bytes, 3U + 25U);
  EXPECT_NE(first.digest, second.digest);
  EXPECT_EQ(look(copy + "/3/3").st_ino, untouched.st_ino);
  EXPECT_EQ(look(copy + "/3/3").st_ctim.tv_nsec, untouched.st_ctim.tv_nsec);
  EXPECT_FALSE(fs::exists(copy + "/5/5"));
  EXPECT_TRUE(fs::is_regular_file(copy + "/6"));
  EXPECT_TRUE(fs::is_directory(copy + "/7/7"));
  EXPECT_TRUE(trees.compare(source, copy, {}).value().empty());
  EXPECT_EQ(look(source + "/5").st_mtim.tv_nsec, look(copy + "/5").st_mtim.tv_nsec);
  expect_good(Depth::full);
  settle();
  capture(); // what was fresh is read once more
  const auto last = capture();
  EXPECT_EQ(last.copied.files, 0U);
  EXPECT_EQ(last.digest, second.digest);
}

TEST_F(TreesTest, writes_only_the_blocks_of_a_large_file_that_changed) {
  std::string bytes(8U << 20U, 'a');
  write_file(source + "/database", bytes);
  settle();
  capture();
  bytes[5U << 20U] = 'b';
  bytes += "tail";
  write_file(source + "/database", bytes);
  const auto second = capture();
  EXPECT_EQ(read_file(copy + "/database"), bytes);
  if (!second.was_reflinked) {
    EXPECT_LT(second.copied.bytes, 2U << 20U);
  }
  bytes.resize(6U << 20U);
  write_file(source + "/database", bytes);
  capture();
  EXPECT_EQ(read_file(copy + "/database"), bytes);
  expect_good(Depth::full);
}

TEST_F(TreesTest, reads_a_file_again_that_was_as_young_as_the_clock_is_coarse) {
  write_file(source + "/young", "aaaa");
  capture();
  // Same size; the times may be the same, which is why the times alone are not believed.
  const struct stat then = look(source + "/young");
  write_file(source + "/young", "bbbb");
  const timespec times[2] = {then.st_atim, then.st_mtim};
  ::utimensat(AT_FDCWD, (source + "/young").c_str(), times, 0);
  EXPECT_TRUE(read_catalogue(catalogue).value().entries.back().is_fresh);
  EXPECT_EQ(capture().copied.files, 1U);
  EXPECT_EQ(read_file(copy + "/young"), "bbbb");
}

TEST_F(TreesTest, leaves_out_what_is_excluded_and_forgets_what_is_excluded_later) {
  fs::create_directories(source + "/backups/old");
  write_file(source + "/backups/old/x", "x");
  write_file(source + "/backups.txt", "kept");
  capture();
  EXPECT_TRUE(fs::exists(copy + "/backups/old/x"));
  exclude = {"backups"};
  EXPECT_EQ(capture().size.files, 1U);
  EXPECT_FALSE(fs::exists(copy + "/backups"));
  EXPECT_TRUE(fs::exists(copy + "/backups.txt"));
  EXPECT_EQ(trees.size(source, exclude).value().files, 1U);
}

TEST_F(TreesTest, names_the_files_that_change_while_they_are_read) {
  write_file(source + "/log", std::string(32U << 20U, 'x'));
  write_file(source + "/quiet", "q");
  settle();
  std::atomic<bool> is_over = false;
  std::atomic<int> writes = 0;
  std::jthread writer{[&] {
    const int file = ::open((source + "/log").c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    // Bounded, also when nobody ends it.
    for (int count = 0; count < 20'000'000 && !is_over; ++count)
      writes += ::write(file, "y", 1) == 1 ? 1 : 0;
    ::close(file);
  }};
  while (writes == 0)
    std::this_thread::yield();
  const auto captured = capture();
  is_over = true;
  writer.join();
  EXPECT_EQ(captured.torn, std::vector<std::string>{"log"});
  settle();
  const auto again = capture();
  EXPECT_TRUE(again.torn.empty());
  EXPECT_EQ(read_file(copy + "/log"), read_file(source + "/log"));
  EXPECT_EQ(trees.compare(source, copy, {}).value().size(), 0U);
}

TEST_F(TreesTest, ends_what_a_crash_left_and_claims_nothing_before) {
  for (int index = 0; index < 100; ++index)
    write_file(source + "/" + std::to_string(index), std::string(100, 'x'));
  settle();
  capture();
  // As if it died in the middle of a second pass: the catalogue is retracted, one file is half
  // written, one is gone, one is too many.
  fs::rename(catalogue, retracted_name(catalogue));
  write_file(copy + "/7", "half");
  fs::remove(copy + "/8");
  write_file(copy + "/.rest", "?");
  expect_corrupt(Depth::quick, copy);
  const auto captured = capture();
  EXPECT_EQ(captured.copied.files, 2U);
  EXPECT_FALSE(fs::exists(retracted_name(catalogue)));
  EXPECT_TRUE(trees.compare(source, copy, {}).value().empty());
  expect_good(Depth::full);
  // As if it died in the first pass: there is no catalogue at all.
  fs::remove(catalogue);
  write_file(copy + "/9", std::string(100, 'z')); // the same size as it should have
  EXPECT_EQ(trees.verify(copy, catalogue, Depth::quick).error().kind, ErrorKind::not_found);
  capture();
  EXPECT_EQ(read_file(copy + "/9"), std::string(100, 'x'));
  expect_good(Depth::full);
}

TEST_F(TreesTest, finds_a_flipped_bit_by_name) {
  write_file(source + "/good", "good");
  write_file(source + "/data", std::string(100'000, 'd'));
  capture();
  expect_good(Depth::quick); // reads back what was just written
  expect_good(Depth::full);
  // Rot changes no time: put them all back.
  const struct stat then = look(copy + "/data");
  const int file = ::open((copy + "/data").c_str(), O_WRONLY | O_CLOEXEC);
  ASSERT_EQ(::pwrite(file, "e", 1, 50'000), 1);
  ::close(file);
  const timespec times[2] = {then.st_atim, then.st_mtim};
  ASSERT_EQ(::utimensat(AT_FDCWD, (copy + "/data").c_str(), times, 0), 0);
  expect_corrupt(Depth::full, copy + "/data");
  expect_corrupt(Depth::quick, copy + "/data"); // by its change time, which nobody can put back
}

TEST_F(TreesTest, finds_what_is_missing_too_many_or_of_another_kind) {
  fs::create_directory(source + "/folder");
  write_file(source + "/folder/file", "x");
  fs::create_symlink("a", source + "/link");
  capture();
  expect_good(Depth::full);
  write_file(copy + "/folder/extra", "x");
  expect_corrupt(Depth::quick, "folder/extra' was not captured");
  fs::remove(copy + "/folder/extra");
  fs::remove(copy + "/link");
  expect_corrupt(Depth::quick, "link' is gone");
  fs::create_symlink("b", copy + "/link");
  expect_corrupt(Depth::quick, "link' leads elsewhere");
  fs::remove(copy + "/link");
  fs::create_directory(copy + "/link");
  expect_corrupt(Depth::quick, "link' is of another kind");
  fs::remove(copy + "/link");
  fs::create_symlink("a", copy + "/link");
  ::chmod((copy + "/folder").c_str(), 0711);
  expect_corrupt(Depth::quick, "folder' has another mode");
}

TEST_F(TreesTest, refuses_a_rotten_or_newer_catalogue) {
  write_file(source + "/file", "x");
  capture();
  std::string text = read_file(catalogue);
  const std::string good = text;
  text[text.size() / 2] = static_cast<char>(text[text.size() / 2] ^ 1);
  write_file(catalogue, text);
  expect_corrupt(Depth::quick, catalogue);
  write_file(catalogue, good.substr(0, good.size() - 1));
  expect_corrupt(Depth::quick, catalogue);
  write_file(catalogue, "belay catalogue 2\nwhatever");
  EXPECT_EQ(trees.verify(copy, catalogue, Depth::quick).error().kind, ErrorKind::too_new);
  EXPECT_EQ(trees.capture(source, copy, catalogue, {}).error().kind, ErrorKind::too_new);
  // A rotten one costs a whole copy, nothing else.
  write_file(catalogue, "");
  EXPECT_EQ(capture().copied.files, 1U);
  expect_good(Depth::full);
}

TEST_F(TreesTest, refuses_another_file_system_below_and_takes_one_as_the_root) {
  if (!mount_small(source + "/inner/mounted", "size=1m"))
    GTEST_SKIP() << "mounting needs privilege";
  const auto captured = trees.capture(source, copy, catalogue, {});
  ASSERT_FALSE(captured);
  EXPECT_EQ(captured.error().kind, ErrorKind::invalid_input);
  EXPECT_NE(captured.error().message.find(source + "/inner/mounted"), std::string::npos);
  exclude = {"inner/mounted"};
  EXPECT_EQ(capture().size.files, 1U);
  EXPECT_EQ(trees.remove(source).error().kind, ErrorKind::conflict);
  EXPECT_TRUE(trees.size(source + "/inner/mounted", {}));
}

TEST_F(TreesTest, reports_a_full_disk_and_ends_when_there_is_space) {
  if (!mount_small(root + "/small", "size=4m"))
    GTEST_SKIP() << "mounting needs privilege";
  copy = root + "/small/tree";
  catalogue = root + "/small/catalogue";
  for (int index = 0; index < 8; ++index)
    write_file(source + "/" + std::to_string(index), std::string(1U << 20U, 'x'));
  const auto captured = trees.capture(source, copy, catalogue, {});
  ASSERT_FALSE(captured);
  EXPECT_EQ(captured.error().kind, ErrorKind::no_space);
  EXPECT_FALSE(trees.verify(copy, catalogue, Depth::quick));
  ASSERT_EQ(::mount("tmpfs", (root + "/small").c_str(), "tmpfs", MS_REMOUNT, "size=32m"), 0);
  capture();
  expect_good(Depth::full);
}

TEST_F(TreesTest, identifies_a_release_by_names_modes_targets_and_bytes) {
  write_file(source + "/program", "x");
  const std::string digest = trees.digest(source).value();
  EXPECT_EQ(digest.size(), 64U);
  ASSERT_TRUE(trees.copy(source, root + "/same"));
  age(root + "/same/program", 5);
  EXPECT_EQ(trees.digest(root + "/same").value(), digest);
  ::chmod((root + "/same/program").c_str(), 0700);
  EXPECT_NE(trees.digest(root + "/same").value(), digest);
  EXPECT_EQ(trees.copy(source, root + "/same").error().kind, ErrorKind::conflict);
  EXPECT_EQ(trees.copy(root + "/none", root + "/other").error().kind, ErrorKind::not_found);
}

TEST_F(TreesTest, compares_by_name_size_and_content) {
  write_file(source + "/same", "1");
  write_file(source + "/changed", "1");
  write_file(source + "/removed", "12");
  ASSERT_TRUE(trees.copy(source, copy));
  write_file(copy + "/changed", "2");
  fs::remove(copy + "/removed");
  write_file(copy + "/added", "123");
  write_file(copy + "/same", "1"); // written again: another time, the same bytes
  fs::create_directory(copy + "/skip");
  const auto differences = trees.compare(source, copy, {"skip"}).value();
  ASSERT_EQ(differences.size(), 3U);
  EXPECT_EQ(differences[0].path, "added");
  EXPECT_EQ(differences[0].kind, Difference::Kind::added);
  EXPECT_EQ(differences[0].bytes_b, 3U);
  EXPECT_EQ(differences[1].path, "changed");
  EXPECT_EQ(differences[1].kind, Difference::Kind::changed);
  EXPECT_EQ(differences[2].path, "removed");
  EXPECT_EQ(differences[2].bytes_a, 2U);
}

TEST_F(TreesTest, makes_a_catalogue_of_a_tree_that_is_there) {
  write_file(source + "/file", "x");
  fs::create_hard_link(source + "/file", source + "/name");
  const std::string captured = capture().digest;
  EXPECT_EQ(trees.catalogue(copy, catalogue).value(), captured);
  expect_good(Depth::quick);
  expect_good(Depth::full);
}

TEST_F(TreesTest, copies_one_file_over_another_at_once) {
  write_file(source + "/from", "new");
  ::chmod((source + "/from").c_str(), 0640);
  write_file(source + "/to", "old");
  ASSERT_TRUE(trees.copy_file(source + "/from", source + "/to"));
  EXPECT_EQ(read_file(source + "/to"), "new");
  EXPECT_EQ(look(source + "/to").st_mode & 0777U, 0640U);
  EXPECT_EQ(trees.copy_file(source + "/none", source + "/to").error().kind, ErrorKind::not_found);
  EXPECT_EQ(read_file(source + "/to"), "new");
}

TEST_F(TreesTest, removes_any_depth_and_what_its_owner_may_not_write_to) {
  fs::current_path(source);
  const std::string name(100, 'd');
  for (int depth = 0; depth < 100; ++depth) { // longer than a path may be
    fs::create_directory(name);
    fs::current_path(name);
  }
  write_file("bottom", "x");
  fs::current_path("/");
  const auto size = trees.size(source, {});
  ASSERT_TRUE(size) << size.error().message;
  EXPECT_EQ(size.value().files, 101U);
  const auto captured = trees.capture(source, copy, catalogue, {});
  EXPECT_TRUE(captured) << captured.error().message;
  ::chmod((source + "/" + name).c_str(), 0500);
  ASSERT_TRUE(trees.remove(source));
  ASSERT_TRUE(trees.remove(source));
  ASSERT_TRUE(trees.remove(copy));
  EXPECT_FALSE(fs::exists(source));
}

} // namespace
} // namespace os
