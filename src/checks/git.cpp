// Git: checkouts that a release comes from, or that the stack lives in, must be as committed.
#include "base/text.hpp"
#include "checks/look.hpp"

#include <algorithm>

namespace checks {

namespace {

constexpr const char* git = "git";

struct Checkout {
  std::string folder;     // that has the `.git`
  std::string path;       // the part of it that is looked at
  bool is_source = false; // a release is made from it
};

// The folder above `path`, or itself, that has a `.git`; "" for none.
std::string checkout_of(const Look& look, std::string path) {
  const auto real = look.world.files.resolve(path);
  if (!real)
    return "";
  for (path = real.value(); !look.exists(path + "/.git"); path = base::parent_of(path))
    if (path == "/" || path.empty())
      return "";
  return path;
}

std::vector<Checkout> checkouts_of(const Look& look) {
  std::vector<Checkout> all;
  const auto add = [&](const std::string& path, bool is_source) {
    const std::string folder = checkout_of(look, path);
    const bool is_known =
        std::ranges::any_of(all, [&](const Checkout& each) { return each.path == path; });
    if (!folder.empty() && !is_known)
      all.push_back({folder, path, is_source});
  };
  for (const domain::ServiceSpec& service : look.stack.services)
    if (service.release.kind == domain::ReleaseSourceKind::folder && !service.release.path.empty())
      if (const std::string path = base::fill(service.release.path, {{"to", look.request.to}});
          !look.request.to.empty())
        add(path, true);
  for (const std::string& path : look.stack.preflight.git)
    add(path, true);
  add(look.stack.project_folder, false);
  return all;
}

// Belay's own folders and the stores are expected to change, or to be unknown to git.
bool is_ours(const Look& look, const std::string& path) {
  const auto holds = [&](const std::string& folder) {
    return !folder.empty() && (base::is_inside(path, folder) || base::is_inside(folder, path));
  };
  return holds(look.stack.state_folder) || base::name_of_path(path).starts_with(".belay") ||
         std::ranges::any_of(look.stack.stores, [&](const domain::StoreSpec& store) {
           return base::is_inside(path, store.path) || path.starts_with(store.path + "-");
         });
}

// Of `git status --porcelain -z`: "XY path\0", and after a rename the old path.
std::vector<std::string> changed_paths(const Look& look, const Checkout& checkout,
                                       const std::string& out) {
  std::vector<std::string> paths;
  const auto entries = base::split(out, '\0');
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::string& entry = entries[i];
    if (entry.size() < 4)
      continue;
    std::string path = entry.substr(3);
    while (path.ends_with('/'))
      path.pop_back();
    if (!is_ours(look, checkout.folder + "/" + path))
      paths.push_back(path);
    if (entry[0] == 'R' || entry[0] == 'C')
      ++i;
  }
  return paths;
}

std::string shown(const std::vector<std::string>& paths) {
  constexpr std::size_t shown_max = 5;
  std::vector<std::string> first{
      paths.begin(),
      paths.begin() + static_cast<std::ptrdiff_t>(std::min(paths.size(), shown_max))};
  return base::printable(base::join(first, ", ")) +
         (paths.size() > shown_max ? " and " + std::to_string(paths.size() - shown_max) + " more"
                                   : "");
}

void look_at_checkout(const Look& look, const Checkout& checkout) {
  world::Command command;
  // Nothing that the checkout's own configuration names is run, and nothing is written.
  command.argv = {"git",
                  "-c",
                  "core.fsmonitor=false",
                  "-C",
                  checkout.path,
                  "status",
                  "--porcelain=v1",
                  "-z",
                  checkout.is_source ? "--untracked-files=normal" : "--untracked-files=no",
                  "--",
                  "."};
  command.environment = {
      {"GIT_OPTIONAL_LOCKS", "0"}, {"GIT_TERMINAL_PROMPT", "0"}, {"LC_ALL", "C"}};
  command.timeout = world::Milliseconds{20'000};
  const auto output = look.world.processes.run(command);
  const std::string name = "the checkout of '" + checkout.path + "'";
  if (!output || output.value().exit_code != 0)
    return look.warn(
        git,
        "whether " + name + " is clean is not known: " +
            (output ? base::printable(output.value().err.substr(0, output.value().err.find('\n')))
                    : output.error().message) +
            ". Look with 'git status'");
  const auto paths = changed_paths(look, checkout, output.value().out);
  if (paths.empty())
    return look.ok(git, name + " is as committed");
  const std::string said = name + " has changes that are in no commit: " + shown(paths);
  if (checkout.is_source)
    look.block(git, said + ". Commit, stash or discard them: a release made from it is like no "
                           "other");
  else
    look.warn(git, said + ". Commit them, so that the way back is known");
}

} // namespace

void look_at_git(const Look& look) {
  for (const Checkout& checkout : checkouts_of(look))
    look_at_checkout(look, checkout);
}

} // namespace checks
