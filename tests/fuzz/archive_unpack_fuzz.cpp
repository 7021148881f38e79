// Any bytes as an archive, unpacked for real: refused, or a tree of files, folders and links in the
// new folder and nothing beside it.

#include "os/unpack.hpp"

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>

#include <stdlib.h>

namespace {

namespace fs = std::filesystem;

// One folder a run, below TMPDIR (tests/fuzz/smoke clears that); emptied for each input.
const fs::path& folder() {
  static const fs::path made = [] {
    std::string name = (fs::temp_directory_path() / "unpack_fuzz_XXXXXX").string();
    CHECK(mkdtemp(name.data()) != nullptr);
    return fs::path{name};
  }();
  return made;
}

void write_file(const fs::path& path, const std::uint8_t* data, std::size_t size) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  CHECK(file != nullptr);
  CHECK(std::fwrite(data, 1, size, file) == size);
  CHECK(std::fclose(file) == 0);
}

// Folders of the archive may forbid to be listed; their owner may change that.
void check_tree(const fs::path& root) {
  for (const auto& entry : fs::directory_iterator{root}) {
    const fs::file_status status = entry.symlink_status();
    CHECK(fs::is_regular_file(status) || fs::is_directory(status) || fs::is_symlink(status));
    if (!fs::is_directory(status))
      continue;
    fs::permissions(entry.path(), fs::perms::owner_all, fs::perm_options::add);
    check_tree(entry.path());
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fs::path archive = folder() / "archive";
  const fs::path to = folder() / "to";
  write_file(archive, data, size);
  const auto unpacked = os::unpack_archive(archive.string(), to.string(), 1U << 20U);
  if (!unpacked)
    CHECK(!unpacked.error().message.empty());
  std::size_t beside = 0;
  for (const auto& entry : fs::directory_iterator{folder()}) {
    CHECK(entry.path() == archive || entry.path() == to);
    ++beside;
  }
  CHECK(beside <= 2);
  if (fs::exists(fs::symlink_status(to))) {
    fs::permissions(to, fs::perms::owner_all, fs::perm_options::add);
    check_tree(to);
    fs::remove_all(to);
  }
  return 0;
}
