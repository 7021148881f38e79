#include "app/bring.hpp"

#include "base/text.hpp"
#include "repo/restore.hpp"

namespace app {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

// Read back from the disk, beside the repository.
Result<> compare(const BringFrom& from, repo::RestoreOptions how) {
  std::string differs;
  how.in_place = repo::InPlace{.is_extra_removed = true,
                               .is_dry_run = true,
                               .exclude = {},
                               .tell = [&](repo::InPlace::Change, const std::string& path) {
                                 if (differs.empty())
                                   differs = path;
                               }};
  TRY(repo::restore(from.repository, from.lock, from.folders, from.snapshot, how, {}));
  if (differs.empty())
    return ok();
  return Error{ErrorKind::corrupt,
               "'" + base::printable(differs) + "' in '" + how.target +
                   "' is not what was written there",
               "Look at the disk: what is written to it does not stay."};
}

} // namespace

Result<std::optional<BringTarget>> target_of(engine::Drivers drivers, const domain::Stack& stack,
                                             const domain::StoreSpec& spec,
                                             const domain::Snapshot& stored, const std::string& id,
                                             std::string& why) {
  const auto kept = TRY(drivers.of(spec.kind).kept_path(spec, id));
  const bool is_file = stored.kept != store_in_snapshot(stack.name, stored.store);
  if (!kept)
    why = "its driver alone can put a copy beside it";
  else if ((is_file && base::name_of_path(*kept) != base::name_of_path(stored.kept)) ||
           is_file != (spec.kind == domain::StoreKind::sqlite))
    why = "it is another kind of store now, or has another name";
  else
    return std::optional{BringTarget{&spec, stored, *kept, is_file}};
  return std::optional<BringTarget>{};
}

Result<domain::Snapshot> bring(const BringFrom& from, engine::Drivers drivers,
                               const std::string& stack, const BringTarget& target,
                               const std::string& id) {
  const domain::StoreSpec& spec = *target.spec;
  domain::Store& driver = drivers.of(spec.kind);
  TRY(driver.discard(spec, id));
  const repo::RestoreOptions how{.target =
                                     target.is_file ? base::parent_of(target.kept) : target.kept,
                                 .below = store_in_snapshot(stack, spec.name),
                                 .has_holes = true};
  const auto report = TRY(repo::restore(from.repository, from.lock, from.folders, from.snapshot,
                                        how, [&](const repo::RestoreReport& now) {
                                          if (from.tell)
                                            from.tell({.text = "store '" + target.spec->name + "'",
                                                       .done = now.bytes,
                                                       .total = target.stored.bytes});
                                        }));
  TRY(compare(from, how));
  auto kept = TRY(driver.adopt(spec, {.store = spec.name,
                                      .kept = target.kept,
                                      .files = report.files + report.others,
                                      .bytes = report.bytes}));
  if (!target.stored.digest.empty() && target.stored.digest != kept.digest)
    return Error{ErrorKind::corrupt, "what was brought has another digest than the manifest says",
                 "'belay verify' of this restore point tells more."};
  TRY(driver.verify(spec, kept, world::Depth::full));
  return kept;
}

} // namespace app
