#include "repo/tar_stream.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>

namespace repo {
namespace {

// Reads all of it; true: it ended as an archive does.
bool reads_well(const std::string& bytes) {
  archive* const reader = archive_read_new();
  archive_read_support_format_tar(reader);
  archive_read_support_filter_all(reader);
  int said = archive_read_open_memory(reader, bytes.data(), bytes.size());
  archive_entry* entry = nullptr;
  while (said == ARCHIVE_OK)
    if (said = archive_read_next_header(reader, &entry); said == ARCHIVE_OK)
      said = archive_read_data_skip(reader);
  archive_read_free(reader);
  return said == ARCHIVE_EOF;
}

// So many files of some blocks each.
std::string archive_of(int files, Packing packing, bool is_given_up) {
  std::string bytes;
  const TarStream::Write write = [&](std::string_view more) -> base::Result<> {
    bytes += more;
    return base::ok();
  };
  TarStream stream{write};
  EXPECT_TRUE(stream.open(packing));
  format::Node node;
  node.type = format::NodeType::file;
  node.mode = 0600;
  const std::string content(1500, 'x');
  for (int number = 0; number < files; ++number) {
    EXPECT_TRUE(stream.begin("./" + std::to_string(number), node, content.size(), ""));
    EXPECT_TRUE(stream.content(content));
  }
  if (is_given_up)
    stream.give_up();
  else
    EXPECT_TRUE(stream.close());
  return bytes;
}

TEST(tar_stream, that_was_given_up_reads_as_broken_wherever_it_broke_off) {
  for (const Packing packing : {Packing::none, Packing::gzip, Packing::zstd})
    for (int files = 0; files < 30; ++files) { // blocks are written 20 at a time
      EXPECT_TRUE(reads_well(archive_of(files, packing, false))) << files;
      EXPECT_FALSE(reads_well(archive_of(files, packing, true))) << files;
    }
}

} // namespace
} // namespace repo
