#include "repo/backend/local.hpp"

#include "base/text.hpp"

namespace repo::backend {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

constexpr std::uint32_t file_mode = 0400; // nobody changes it, as restic's local backend has it

} // namespace

Result<> Local::create() {
  for (const char* name : {"keys", "locks", "snapshots", "index", "data"})
    TRY(files_.create_folders(folder_ + "/" + name));
  return ok();
}

Result<std::string> Local::load(const FileName& name, std::uint64_t offset, std::uint64_t bytes) {
  if (offset == 0 && bytes == to_the_end)
    return files_.read(path_of(name), std::size_t{5} << 30U);
  return files_.read_range(path_of(name), offset, bytes);
}

Result<std::optional<std::uint64_t>> Local::size(const FileName& name) {
  const auto info = TRY(files_.info(path_of(name)));
  if (!info || info->kind != world::EntryKind::file)
    return std::optional<std::uint64_t>{};
  return std::optional{info->size_bytes};
}

Result<> Local::save(const FileName& name, std::string_view bytes) {
  const auto there = TRY(size(name));
  if (there && name.kind == FileKind::config)
    return Error{ErrorKind::conflict, "there is a config in '" + folder_ + "' already", ""};
  if (there && *there == bytes.size())
    return ok();
  if (name.kind == FileKind::pack)
    TRY(files_.create_folders(base::parent_of(path_of(name))));
  return files_.replace(path_of(name), bytes, file_mode);
}

Result<> Local::remove(const FileName& name) {
  return files_.remove(path_of(name));
}

Result<> Local::list_folder(const std::string& path, std::vector<Listed>& all) {
  auto names = files_.list(path);
  if (!names && names.error().kind == ErrorKind::not_found)
    return ok(); // an empty folder may have been lost on the way from elsewhere
  if (!names)
    return std::move(names).error();
  for (const std::string& name : names.value()) {
    const auto id = format::parse_id(name);
    if (!id)
      continue;
    const auto info = TRY(files_.info(path + "/" + name));
    if (info && info->kind == world::EntryKind::file) // it may have gone since
      all.push_back({*id, info->size_bytes});
  }
  return ok();
}

Result<std::vector<Listed>> Local::list(FileKind kind) {
  std::vector<Listed> all;
  if (kind != FileKind::pack) {
    TRY(list_folder(base::parent_of(path_of({kind, {}})), all));
    return all;
  }
  auto folders = files_.list(folder_ + "/data");
  if (!folders && folders.error().kind != ErrorKind::not_found)
    return std::move(folders).error();
  if (folders)
    for (const std::string& name : folders.value())
      if (name.size() == 2)
        TRY(list_folder(folder_ + "/data/" + name, all));
  return all;
}

} // namespace repo::backend
