#include "drivers/directory/server_data.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

namespace drivers::directory {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

constexpr int folders_below = 2; // as in <store>/15/main
constexpr std::size_t names_max = 1000;
constexpr std::size_t pid_file_bytes_max = 4096;

// The begin of global/pg_control, in the machine's own byte order; so in every version since 8.3.
struct ControlStart {
  std::uint64_t system = 0;
  std::uint32_t control_version = 0;
  std::uint32_t catalogue_version = 0;
  std::uint32_t state = 0;
};
constexpr std::size_t state_at = 16;
constexpr std::uint32_t shut_down = 1;
constexpr std::uint32_t shut_down_in_recovery = 2;

Result<bool> is_server_data(world::Files& files, const std::string& folder) {
  if (!TRY(files.info(folder + "/PG_VERSION")))
    return false; // so has each folder of a database, but not the following
  return TRY(files.info(folder + "/global/pg_control")).has_value() ||
         TRY(files.info(folder + "/postmaster.pid")).has_value();
}

Result<> look_below(world::Files& files, const std::string& folder, int depth,
                    const std::vector<std::string>& excluded, std::vector<std::string>& found) {
  if (TRY(is_server_data(files, folder))) {
    found.push_back(folder);
    return ok();
  }
  if (depth == 0)
    return ok();
  const auto names = files.list(folder);
  if (!names || names.value().size() > names_max) // what cannot be read is said by who copies it
    return ok();
  for (const std::string& name : names.value()) {
    const std::string path = folder + "/" + name;
    if (std::ranges::find(excluded, path) != excluded.end())
      continue;
    const auto info = TRY(files.info(path));
    if (info && info->kind == world::EntryKind::folder)
      TRY(look_below(files, path, depth - 1, excluded, found));
  }
  return ok();
}

Result<std::optional<std::uint32_t>> state_of(world::Files& files, const std::string& folder) {
  const std::string path = folder + "/global/pg_control";
  if (!TRY(files.info(path)))
    return std::optional<std::uint32_t>{};
  const std::string bytes = TRY(files.read_start(path, sizeof(ControlStart)));
  std::uint32_t state = 0;
  if (bytes.size() < state_at + sizeof state)
    return std::optional<std::uint32_t>{};
  std::memcpy(&state, bytes.data() + state_at, sizeof state);
  return std::optional{state};
}

} // namespace

Result<std::vector<std::string>> find_server_data(world::Files& files, const std::string& root,
                                                  const std::vector<std::string>& exclude) {
  std::vector<std::string> excluded;
  excluded.reserve(exclude.size());
  for (const std::string& path : exclude)
    excluded.push_back(root + "/" + path);
  std::vector<std::string> found;
  TRY(look_below(files, root, folders_below, excluded, found));
  return found;
}

Result<std::vector<std::string>> missing_in_server_data(world::Files& files,
                                                        const std::string& folder) {
  std::vector<std::string> missing;
  const auto look = [&](const std::string& path, const char* what) -> Result<> {
    const auto info = TRY(files.info(path));
    if (info && info->kind == world::EntryKind::link)
      missing.push_back("'" + path + "' leads to '" + TRY(files.read_link(path)) + "': " + what +
                        " outside its data folder would be in no copy; move it in, or keep the "
                        "databases by 'postgres: { database: ... }'");
    return ok();
  };
  for (const char* part : {"pg_wal", "pg_xlog", "base", "global"})
    TRY(look(folder + "/" + part, "a part of the server"));
  if (const auto spaces = files.list(folder + "/pg_tblspc"))
    for (const std::string& name : spaces.value())
      TRY(look(folder + "/pg_tblspc/" + name, "a tablespace"));
  return missing;
}

Result<> refuse_unless_shut_down(world::Files& files, const std::string& folder) {
  if (const auto missing = TRY(missing_in_server_data(files, folder)); !missing.empty())
    return Error{ErrorKind::conflict, missing.front(), ""};
  if (TRY(files.info(folder + "/postmaster.pid")))
    return Error{ErrorKind::conflict,
                 "'" + folder + "' is the data of a PostgreSQL server that runs (postmaster.pid)",
                 "Use `postgres:` for it (`data:`) or for a database of it, or let the server be a "
                 "service of the stack, so that it is stopped; after a crash of the server start "
                 "and stop it once."};
  const std::uint32_t state = TRY(state_of(files, folder)).value_or(0); // 0: starting up
  if (state == shut_down || state == shut_down_in_recovery)
    return ok();
  return Error{ErrorKind::conflict,
               "'" + folder +
                   "' is the data of a PostgreSQL server that was not shut down (pg_control)",
               "Start and stop it once; give it time to stop (`stop: { signal: INT, timeout: "
               "... }`), so that it is not killed."};
}

Result<> refuse_running_server(world::Files& files, const std::string& folder) {
  const auto text = files.read(folder + "/postmaster.pid", pid_file_bytes_max);
  if (!text)
    return ok();
  const std::string pid = text.value().substr(0, text.value().find('\n'));
  if (pid.empty() || pid.find_first_not_of("0123456789") != std::string::npos)
    return ok();
  // A server stays in its data folder; another process that has its number now does not.
  const auto lives_in = files.resolve("/proc/" + pid + "/cwd");
  const auto real = files.resolve(folder);
  if (!lives_in || !real || lives_in.value() != real.value())
    return ok();
  return Error{ErrorKind::conflict,
               "a PostgreSQL server runs on '" + folder + "' (process " + pid + ")", "Stop it."};
}

} // namespace drivers::directory
