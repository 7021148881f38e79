#include "repo/new_archive.hpp"

#include "base/text.hpp"
#include "repo/archive.hpp"

namespace repo {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

NewArchive::NewArchive(world::Folders& folders, world::Files& files, std::string path)
    : folders_{folders}, files_{files}, path_{std::move(path)}, part_{"." +
                                                                      base::name_of_path(path_) +
                                                                      ".part"} {}

NewArchive::~NewArchive() {
  if (folder_) // it has no name: what there is of it is of no use
    static_cast<void>(folder_->remove(part_));
}

Result<> NewArchive::begin() {
  if (TRY(files_.info(path_)))
    return Error{ErrorKind::conflict, "'" + path_ + "' is there already", "Take another name."};
  folder_ = TRY(folders_.open(base::parent_of(path_)));
  TRY(folder_->remove(part_)); // of one that died
  file_ = TRY(folder_->make_file(part_));
  return ok();
}

Result<> NewArchive::write(std::string_view bytes) {
  TRY(file_->write(bytes, size_));
  size_ += bytes.size();
  written_.update(bytes);
  return ok();
}

Result<> NewArchive::end(const world::Identity& self, world::TimePoint now,
                         const TarReport& wanted) {
  const auto seconds = std::chrono::system_clock::to_time_t(now);
  TRY(file_->finish({.mode = 0600,
                     .user = self.uid,
                     .group = self.gid,
                     .size_bytes = size_,
                     .mtime = {seconds, 0},
                     .atime = {seconds, 0}}));
  TRY(folders_.sync(base::parent_of(path_)));
  TRY(read_back(wanted));
  TRY(files_.rename(base::parent_of(path_) + "/" + part_, path_));
  folder_.reset();
  return ok();
}

Result<> NewArchive::read_back(const TarReport& wanted) {
  const auto file = TRY(folder_->open_file(part_));
  base::Sha256 read;
  std::string bytes(1U << 20U, '\0');
  for (std::uint64_t offset = 0; offset < size_;) {
    const std::size_t got = TRY(file->read({bytes.data(), bytes.size()}, offset));
    if (got == 0)
      break;
    read.update(std::string_view{bytes}.substr(0, got));
    offset += got;
  }
  const auto verified = verify_archive(*file, path_);
  if (!verified)
    return Error{verified.error().kind, verified.error().message,
                 "No archive was made: 'belay restore' brings back what no archive can hold."};
  const ArchiveSummary& found = verified.value();
  if (read.hex() != written_.hex() || found.entries != wanted.entries ||
      found.bytes != wanted.bytes)
    return Error{ErrorKind::corrupt, "'" + path_ + "' is not what was written when it is read",
                 "Look at the disk that it lies on."};
  return ok();
}

} // namespace repo
