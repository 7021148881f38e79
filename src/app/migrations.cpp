#include "app/migrations.hpp"

#include "app/stack.hpp"
#include "base/text.hpp"

#include <algorithm>

namespace app {

using base::Result;

Result<MigrationView> migrations(const Host& host, const std::string& stack,
                                 const std::string& to) {
  const config::Loaded loaded = TRY(load(host));
  TRY(check_name(loaded, stack));
  const auto machinery = host.make(loaded.stack, {});
  MigrationView view;
  for (const domain::MigrationSpec& item : loaded.stack.upgrade.migrate) {
    if (!item.is_folder()) {
      view.untold.push_back("command '" + item.command.argv[0] + "': nobody knows what it does");
      continue;
    }
    if (to.empty() && item.folder.contains("{to}")) {
      view.untold.push_back(item.store + ": '" + item.folder +
                            "' is of a release: name it by --to");
      continue;
    }
    const auto store = std::ranges::find(loaded.stack.stores, item.store, &domain::StoreSpec::name);
    CHECK(store != loaded.stack.stores.end()); // the configuration was checked
    MigrationFolder folder{item.store, base::fill(item.folder, {{"to", to}}), {}};
    folder.state =
        TRY_CONTEXT(machinery->drivers().of(store->kind).migrations(*store, item, folder.folder),
                    "migrations of store '" + item.store + "'");
    view.folders.push_back(std::move(folder));
  }
  return view;
}

} // namespace app
