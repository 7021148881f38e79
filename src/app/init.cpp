#include "app/init.hpp"

#include "base/text.hpp"
#include "discovery/look.hpp"

namespace app {

using base::Error;
using base::ErrorKind;
using base::Result;

namespace {

Error exists(const std::string& path) {
  return {ErrorKind::failed, "there is a '" + path + "' already; it was not touched",
          "See what would be written with 'belay init --stdout', or move the file away first."};
}

} // namespace

Result<discovery::Seen> discover(const Host& host) {
  return discovery::look(host.world, base::parent_of(host.config_path), host.environment);
}

Result<> check_absent(const Host& host) {
  if (TRY(host.world.files.info(host.config_path)))
    return exists(host.config_path);
  return base::ok();
}

Result<config::Loaded> check_draft(const Host& host, const std::string& text) {
  auto loaded = config::parse(host.world.files, text, host.config_path, host.environment);
  if (loaded)
    return loaded;
  return Error{ErrorKind::invalid_input,
               "what was found and answered makes no valid file: " + loaded.error().message,
               "Correct the answer that it names, or answer with --answer KEY=VALUE what was "
               "guessed wrong."};
}

Result<> write_draft(const Host& host, const std::string& text) {
  TRY(check_draft(host, text));
  world::Files& files = host.world.files;
  // Whole or not at all, and by a rename that never overwrites.
  const std::string temporary =
      base::parent_of(host.config_path) + "/.belay-init-" + base::name_of_path(host.config_path);
  constexpr std::uint32_t mode = 0644; // it holds no secret
  TRY(files.replace(temporary, text, mode));
  auto renamed = files.rename(temporary, host.config_path);
  if (renamed)
    return renamed;
  TRY(files.remove(temporary));
  if (renamed.error().kind == ErrorKind::conflict)
    return exists(host.config_path);
  return renamed;
}

} // namespace app
