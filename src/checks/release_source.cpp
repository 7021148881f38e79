#include "checks/release_source.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace checks {

namespace {

ReleaseSize measured(const Look& look, const std::string& folder, const std::string& how) {
  const auto size = look.world.trees.size(folder, {});
  if (!size)
    return {std::nullopt, size.error().message};
  return {size.value().bytes, how};
}

} // namespace

const domain::Release* running_release(const Look& look, const std::string& service) {
  const auto found =
      std::ranges::find(look.request.releases_from, service, &domain::Release::service);
  return found == look.request.releases_from.end() ? nullptr : &*found;
}

ReleaseSize size_of_release(const Look& look, const domain::ServiceSpec& service) {
  const std::string made = service.releases_folder + "/" + look.request.to;
  if (const auto info = look.world.files.info(made); info && info.value())
    return {0, " (made already)"};
  const std::string path = base::fill(service.release.path, {{"to", look.request.to}});
  switch (service.release.kind) {
  case domain::ReleaseSourceKind::folder: return measured(look, path, "");
  case domain::ReleaseSourceKind::archive: {
    const auto contents = look.world.trees.look_into(path, {}, 0);
    if (!contents)
      return {std::nullopt, contents.error().message};
    return {contents.value().bytes, ""};
  }
  case domain::ReleaseSourceKind::command: break;
  }
  const domain::Release* running = running_release(look, service.name);
  if (running == nullptr)
    return {std::nullopt, "a command makes it"};
  return measured(look, running->folder, ", taken as the one that runs,");
}

} // namespace checks
