// Backups: places that must not be inside what they keep, nor on the same disk.
#include "base/text.hpp"
#include "checks/look.hpp"

#include <algorithm>
#include <array>

namespace checks {

namespace {

constexpr const char* backups = "backups";

// The store would capture it.
bool captures(const Look& look, const domain::StoreSpec& store, const std::string& path) {
  const std::string root = look.real_path(store.path);
  if (store.path.empty() || !base::is_inside(path, root))
    return false;
  return std::ranges::none_of(store.exclude, [&](const std::string& excluded) {
    return base::is_inside(path, base::absolute_path(excluded, root));
  });
}

void look_at_place(const Look& look, const std::string& place) {
  const std::string path = look.real_path(place);
  const auto info = look.world.files.info(path);
  if (!info || !info.value())
    return look.block(backups, "the place for backups '" + place +
                                   "' does not exist: mount it, or correct `preflight.backups`");
  if (const auto names = look.world.files.list(path); names && names.value().empty())
    look.warn(backups, "the place for backups '" + place +
                           "' is empty: look whether it is mounted, and whether backups are made");
  bool is_good = true;
  for (const domain::StoreSpec& store : look.stack.stores) {
    const auto root = look.world.files.info(look.real_path(store.path));
    if (store.path.empty() || !root || !root.value())
      continue;
    if (captures(look, store, path)) {
      is_good = false;
      look.block(backups, "store '" + store.name + "' holds the place for backups '" + place +
                              "', so each copy would hold all earlier ones: move it, or exclude "
                              "it in `stores." +
                              store.name + ".exclude`");
    } else if (root.value()->device == info.value()->device) {
      is_good = false;
      look.warn(backups, "store '" + store.name + "' and its backups in '" + place +
                             "' are on the same disk: what takes the one takes the other; keep a "
                             "copy elsewhere");
    }
  }
  if (is_good)
    look.ok(backups, "'" + place + "' is apart from every store");
}

bool is_archive(const std::string& name) {
  constexpr std::array ends{".tgz",    ".tar",  ".tar.gz", ".tar.xz", ".tar.zst", ".sql",
                            ".sql.gz", ".dump", ".bak",    ".rdb.gz", ".zip"};
  return std::ranges::any_of(ends, [&](const char* end) { return name.ends_with(end); });
}
bool is_backup_name(const std::string& name) {
  return name.starts_with("backup") || name == "archives" || name == "dumps" ||
         name.ends_with("-backups") || name.ends_with("_backups");
}

// Up to two levels down: folders that are called so and hold archives.
void find_backups(const Look& look, const domain::StoreSpec& store, const std::string& folder,
                  int depth, std::vector<std::string>& found) {
  constexpr std::size_t names_max = 2000;
  const auto names = look.world.files.list(folder);
  if (!names || names.value().size() > names_max)
    return;
  for (const std::string& name : names.value()) {
    const std::string path = folder + "/" + name;
    const auto info = look.world.files.info(path);
    if (!info || !info.value() || info.value()->kind != world::EntryKind::folder ||
        !captures(look, store, path))
      continue;
    const auto inside = look.world.files.list(path);
    if (is_backup_name(name) && inside && std::ranges::any_of(inside.value(), is_archive))
      found.push_back(path);
    else if (depth > 1)
      find_backups(look, store, path, depth - 1, found);
  }
}

} // namespace

void look_at_backups(const Look& look) {
  for (const std::string& place : look.stack.preflight.backups)
    look_at_place(look, place);
  for (const domain::StoreSpec& store : look.stack.stores) {
    if (store.kind != domain::StoreKind::directory)
      continue;
    std::vector<std::string> found;
    find_backups(look, store, look.real_path(store.path), 2, found);
    for (const std::string& path : found)
      look.warn(backups, "store '" + store.name + "' seems to hold backups of its own in '" + path +
                             "': exclude it in `stores." + store.name +
                             ".exclude`, or each copy holds them all again");
  }
}

} // namespace checks
