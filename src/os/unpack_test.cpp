#include "os/unpack.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

namespace os {
namespace {

namespace fs = std::filesystem;
using base::ErrorKind;

struct Item {
  std::string name;
  std::string bytes;
  unsigned kind = AE_IFREG;
  std::string target = "";     // of a symbolic link
  std::string other_name = ""; // of a hard link
};

class UnpackTest : public testing::Test {
protected:
  void SetUp() override {
    std::string name = fs::temp_directory_path() / "belay-unpack-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root = name;
  }
  void TearDown() override { fs::remove_all(root); }

  base::Result<> unpack(const std::vector<Item>& items, std::uint64_t bytes_max = 1U << 20U) {
    fs::remove_all(root + "/to");
    archive* writer = archive_write_new();
    archive_write_set_format_pax(writer);
    archive_write_add_filter_gzip(writer);
    archive_write_open_filename(writer, (root + "/archive").c_str());
    for (const Item& item : items) {
      archive_entry* entry = archive_entry_new();
      archive_entry_set_pathname(entry, item.name.c_str());
      archive_entry_set_filetype(entry, item.kind);
      archive_entry_set_perm(entry, item.kind == AE_IFDIR ? 0755 : 04755);
      archive_entry_set_size(entry, static_cast<la_int64_t>(item.bytes.size()));
      if (!item.target.empty())
        archive_entry_set_symlink(entry, item.target.c_str());
      if (!item.other_name.empty())
        archive_entry_set_hardlink(entry, item.other_name.c_str());
      EXPECT_EQ(archive_write_header(writer, entry), ARCHIVE_OK) << archive_error_string(writer);
      archive_write_data(writer, item.bytes.data(), item.bytes.size());
      archive_entry_free(entry);
    }
    archive_write_free(writer);
    return unpack_archive(root + "/archive", root + "/to", bytes_max);
  }
  std::string read(const std::string& name) const {
    std::ostringstream bytes;
    bytes << std::ifstream{root + "/to/" + name, std::ios::binary}.rdbuf();
    return bytes.str();
  }
  void expect_refused(const std::vector<Item>& items, const std::string& why) {
    const auto unpacked = unpack(items);
    ASSERT_FALSE(unpacked) << why;
    EXPECT_EQ(unpacked.error().kind, ErrorKind::invalid_input);
    EXPECT_NE(unpacked.error().message.find(why), std::string::npos) << unpacked.error().message;
  }

  std::string root;
};

TEST_F(UnpackTest, unpacks_folders_files_and_links_that_stay_inside) {
  const auto unpacked = unpack({{"./", "", AE_IFDIR},
                                {"./bin/", "", AE_IFDIR},
                                {"./bin/app", "program"},
                                {"bin/again", "", AE_IFREG, "", "./bin/app"},
                                {"app", "", AE_IFLNK, "bin/app"}});
  ASSERT_TRUE(unpacked) << unpacked.error().message;
  EXPECT_EQ(read("bin/app"), "program");
  EXPECT_EQ(read("bin/again"), "program");
  EXPECT_EQ(read("app"), "program");
  struct stat info {};
  ASSERT_EQ(::stat((root + "/to/bin/app").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0755U); // no set-id bit
}

TEST_F(UnpackTest, refuses_what_leads_out) {
  expect_refused({{"/etc/x", "x"}}, "is absolute");
  expect_refused({{"a/../../x", "x"}}, "leads out of its folder");
  expect_refused({{"out", "", AE_IFLNK, "/etc"}}, "out of its folder");
  expect_refused({{"a/out", "", AE_IFLNK, "../../etc"}}, "out of its folder");
  expect_refused({{"x", "", AE_IFREG, "", "/etc/passwd"}}, "is absolute");
  expect_refused({{"x", "", AE_IFREG, "", "../archive"}}, "leads out of its folder");
  expect_refused({{"pipe", "", AE_IFIFO}}, "is a device, a pipe or a socket");
}

TEST_F(UnpackTest, writes_nothing_through_a_link_of_the_archive) {
  ASSERT_FALSE(
      unpack({{"folder/", "", AE_IFDIR}, {"link", "", AE_IFLNK, "folder"}, {"link/file", "x"}}));
  EXPECT_FALSE(fs::exists(root + "/to/folder/file"));
}

TEST_F(UnpackTest, stays_a_folder_itself) {
  expect_refused({{".", "x"}}, "is the folder itself");
  expect_refused({{"./", "", AE_IFLNK, "elsewhere"}, {"x", "x"}}, "is the folder itself");
  expect_refused({{"x", "x"}, {".", "", AE_IFREG, "", "x"}}, "is the folder itself");
}

TEST_F(UnpackTest, refuses_a_name_that_is_in_it_twice) {
  expect_refused({{"a/x", "1"}, {"./a//x", "2"}}, "is in it twice");
}

TEST_F(UnpackTest, refuses_more_bytes_than_allowed) {
  const std::string zeros(2U << 20U, '\0');
  const auto unpacked = unpack({{"bomb", zeros}}, 1U << 20U);
  ASSERT_FALSE(unpacked);
  EXPECT_EQ(unpacked.error().kind, ErrorKind::invalid_input);
  EXPECT_TRUE(unpack({{"fits", zeros}}, 2U << 20U));
}

TEST_F(UnpackTest, refuses_what_is_no_archive_and_a_folder_that_exists) {
  std::ofstream{root + "/noise"} << std::string(5000, 'n');
  EXPECT_EQ(unpack_archive(root + "/noise", root + "/to", 1000).error().kind,
            ErrorKind::invalid_input);
  ASSERT_TRUE(unpack({{"x", "x"}}));
  EXPECT_EQ(unpack_archive(root + "/archive", root + "/to", 1000).error().kind,
            ErrorKind::conflict);
}

} // namespace
} // namespace os
