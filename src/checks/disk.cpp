// Disk: what this upgrade needs, per file system that it writes to.
#include "base/text.hpp"
#include "checks/look.hpp"
#include "checks/release_source.hpp"

#include <algorithm>

namespace checks {

namespace {

constexpr const char* disk = "disk";
constexpr std::uint64_t records_bytes = 1U << 20U; // journal, its reserve, manifests, configs

struct Need {
  std::string path; // the first one on it that is written to
  std::uint64_t device = 0;
  world::SpaceInfo space;
  std::uint64_t bytes = 0;
  std::vector<std::string> parts;
};

class Needs {
public:
  explicit Needs(const Look& look) : look_{look} {}

  // `bytes` more on the file system of `path`, which need not exist yet. `shares_blocks`: where
  // the file system can, a copy takes nothing until one of the two changes.
  void add(const std::string& path, std::uint64_t bytes, const std::string& what,
           bool shares_blocks) {
    Need* need = at(path);
    if (need == nullptr)
      return look_.warn(disk, "the free space of '" + path +
                                  "' is not known: look at it before going on");
    const bool is_shared = shares_blocks && need->space.has_reflink;
    need->bytes += is_shared ? 0 : bytes;
    need->parts.push_back(what + " " + base::format_bytes(bytes) +
                          (is_shared ? " (shares its blocks)" : ""));
  }
  const std::vector<Need>& all() const { return all_; }

private:
  Need* at(const std::string& wanted) {
    std::string path = wanted;
    auto info = look_.world.files.info(path);
    for (; path != "/" && info && !info.value(); info = look_.world.files.info(path))
      path = base::parent_of(path);
    const auto real = look_.world.files.resolve(path);
    if (!real)
      return nullptr;
    info = look_.world.files.info(real.value());
    const auto space = look_.world.files.space(real.value());
    if (!info || !info.value() || !space)
      return nullptr;
    const auto known = std::ranges::find(all_, info.value()->device, &Need::device);
    if (known != all_.end())
      return &*known;
    all_.push_back({real.value(), info.value()->device, space.value(), 0, {}});
    return &all_.back();
  }

  const Look& look_;
  std::vector<Need> all_;
};

void add_stores(const Look& look, Needs& needs) {
  for (const domain::StoreFact& fact : look.request.stores) {
    const auto spec = std::ranges::find(look.stack.stores, fact.store, &domain::StoreSpec::name);
    if (spec == look.stack.stores.end())
      continue;
    const std::uint64_t bytes = fact.state.size.bytes;
    if (!fact.state.kept_folder.empty()) {
      needs.add(fact.state.kept_folder, bytes, "the copy of store '" + fact.store + "'",
                spec->kind == domain::StoreKind::directory ||
                    spec->kind == domain::StoreKind::volume ||
                    (spec->kind == domain::StoreKind::postgres && !spec->path.empty()));
    } else if (fact.state.free_bytes < bytes) {
      look.block(disk, "store '" + fact.store + "' holds " + base::format_bytes(bytes) +
                           ", its driver has " + base::format_bytes(fact.state.free_bytes) +
                           " free for the copy: make room there");
    }
  }
}

void add_releases(const Look& look, Needs& needs) {
  if (look.request.to.empty())
    return;
  for (const domain::ServiceSpec& service : look.stack.services) {
    const bool is_record = service.runtime == domain::RuntimeKind::docker ||
                           service.runtime == domain::RuntimeKind::compose; // images are elsewhere
    if (service.releases_folder.empty() || is_record) // its driver keeps them where it likes
      continue;
    const ReleaseSize size = size_of_release(look, service);
    if (!size.bytes)
      look.warn(disk, "the size of the release of '" + service.name +
                          "' is not known: " + size.how + ". Leave room for it");
    else
      needs.add(service.releases_folder, *size.bytes,
                "the release of '" + service.name + "'" + size.how, false);
  }
}

void tell(const Look& look, const Need& need) {
  const std::uint64_t margin = look.stack.preflight.disk_margin_bytes;
  const std::string said = "'" + need.path + "' has " + base::format_bytes(need.space.free_bytes) +
                           " free, this upgrade needs " + base::format_bytes(need.bytes) + " (" +
                           base::join(need.parts, ", ") + "), the margin is " +
                           base::format_bytes(margin);
  if (need.space.is_read_only)
    look.block(disk, "'" + need.path + "' is on a read-only file system: mount it writable");
  else if (need.space.free_bytes < need.bytes)
    look.block(disk, said + ": free at least " +
                         base::format_bytes(need.bytes - need.space.free_bytes) +
                         " there, or move `state` or the data to a larger disk");
  else if (need.space.free_bytes - need.bytes < margin)
    look.warn(disk, said + ": free some more, or what the services write meanwhile may fill it");
  else
    look.ok(disk, said);
}

} // namespace

void look_at_disk(const Look& look) {
  Needs needs{look};
  add_stores(look, needs);
  add_releases(look, needs);
  needs.add(look.stack.state_folder, records_bytes, "belay's records", false);
  for (const Need& need : needs.all())
    tell(look, need);
}

} // namespace checks
