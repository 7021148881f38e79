#include "drivers/postgres/hot.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace drivers::postgres {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

constexpr std::size_t pid_file_bytes_max = 4096;
constexpr int control_reads_max = 5;
constexpr int major_min = 13; // the first with a manifest
constexpr world::Milliseconds check_within{60'000};
constexpr const char* any_database = "postgres"; // of a name that a replication connection ignores

int whole_number(const std::string& text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() ? number : 0;
}

// The lines of postmaster.pid: "miscadmin.h", LOCK_FILE_LINE_...
struct PidFile {
  enum Line : std::size_t { pid, folder, start, port, socket, address, count };
};

std::string host_of(const std::string& socket, const std::string& address,
                    const std::string& data) {
  if (socket.starts_with('/') || socket.starts_with('@'))
    return socket;
  if (!socket.empty())
    return data + "/" + socket;
  if (address.empty() || address == "*" || address == "0.0.0.0")
    return "127.0.0.1";
  return address == "::" ? "::1" : address;
}

struct Refusal {
  const char* said; // a part of what PostgreSQL says
  ErrorKind kind;
  const char* hint; // {role}: of the store
};

constexpr const char* wal_let_go =
    "The server let WAL go that the copy needs, or ended its stream: its log says why. Raise "
    "max_slot_wal_keep_size.";

constexpr const char* try_again =
    "Nothing is left of this copy, here or in the server. Try again when it runs undisturbed.";

// The first that fits. What 13 to 18 say in English, which the environment asks for.
constexpr const char* grant = "As a superuser: ALTER ROLE {role} REPLICATION;";
constexpr std::array refusals{
    Refusal{"must be superuser or replication role", ErrorKind::failed, grant},
    Refusal{"permission denied to start WAL sender", ErrorKind::failed, grant},
    Refusal{"replication connection", ErrorKind::failed,
            "Add 'local replication {role} peer' to pg_hba.conf (peer: the tools run as the owner "
            "of the data folder), and reload it: SELECT pg_reload_conf();"},
    Refusal{"max_wal_senders", ErrorKind::failed,
            "A copy needs two: set max_wal_senders = 10 and wal_level = replica, and restart the "
            "server."},
    Refusal{"replication slots are in use", ErrorKind::failed,
            "A copy needs one for its time: raise max_replication_slots, and restart the server."},
    Refusal{"authentication failed", ErrorKind::failed,
            "Correct `user:` and `password:` of the store, or pg_hba.conf of the server."},
    Refusal{"no password supplied", ErrorKind::failed, "Name the `password:` of the store."},
    Refusal{"does not exist", ErrorKind::failed, "Correct `user:` of the store."},
    Refusal{"No space left on device", ErrorKind::no_space, "Make room there."},
    Refusal{"checksum error", ErrorKind::corrupt,
            "A page is not as PostgreSQL wrote it: the server's log names it. Look at the disk, "
            "and go back to a restore point that is whole."},
    Refusal{"already been removed", ErrorKind::failed, wal_let_go},
    Refusal{"WAL stream", ErrorKind::failed, wal_let_go},
    Refusal{"replication stream", ErrorKind::failed, wal_let_go},
    Refusal{"COPY", ErrorKind::unavailable, try_again},
    Refusal{"onnection", ErrorKind::unavailable, try_again},
};

} // namespace

Result<std::optional<RunningServer>> running_server(world::Files& files, const std::string& data) {
  const auto text = files.read(data + "/postmaster.pid", pid_file_bytes_max);
  if (!text)
    return std::optional<RunningServer>{};
  auto lines = base::split(text.value(), '\n');
  lines.resize(std::max<std::size_t>(lines.size(), PidFile::count));
  for (std::string& line : lines) // the status is padded by blanks
    while (line.ends_with(' '))
      line.pop_back();
  RunningServer server{.pid = whole_number(lines[PidFile::pid]),
                       .host = host_of(lines[PidFile::socket], lines[PidFile::address], data),
                       .port = whole_number(lines[PidFile::port])};
  // A server stays in its data folder; another process that has its number now does not.
  const auto lives_in = files.resolve("/proc/" + std::to_string(server.pid) + "/cwd");
  if (server.pid <= 0 || server.port <= 0 || !lives_in || lives_in.value() != data)
    return std::optional<RunningServer>{};
  return std::optional{std::move(server)};
}

Result<bool> is_base_backup(world::Files& files, const std::string& data) {
  return TRY(files.info(data + "/backup_label")).has_value();
}

Result<HotCopy> HotCopy::of(world::World world, DataTools tools, SecretReader read_secret,
                            const RunningServer& server) {
  if (whole_number(tools.major().substr(0, tools.major().find('.'))) < major_min)
    return Error{ErrorKind::failed,
                 "PostgreSQL " + tools.major() + " gives no manifest with a copy while it runs",
                 "Stop it for the backup, or name its databases: postgres: { database: ... }."};
  domain::PostgresSpec spec = tools.spec();
  spec.host = server.host;
  spec.port = server.port;
  spec.through = TRY(tools.as_owner()); // `peer` asks who we are
  return HotCopy{world, std::move(tools), Reach{std::move(spec), std::move(read_secret)}};
}

Error HotCopy::refusal(const char* tool, const world::Output& output) const {
  const std::string text = said(output);
  Error error{ErrorKind::failed, std::string{tool} + ": " + text, ""};
  for (const Refusal& known : refusals)
    if (text.contains(known.said)) {
      error.kind = known.kind;
      error.hint = known.hint;
      break;
    }
  constexpr std::string_view role = "{role}";
  if (const auto at = error.hint.find(role); at != std::string::npos)
    error.hint.replace(at, role.size(), ident(reach_.spec().user));
  return error;
}

Result<world::Output> HotCopy::run(const std::string& tool, const std::vector<std::string>& words,
                                   const std::string& folder) const {
  world::Command command = TRY(reach_.command(tool, words));
  command.working_folder = folder.empty() ? "/" : folder;
  if (folder.empty())
    command.timeout = check_within;
  command.environment.emplace_back("LANGUAGE", "C");
  // Our own files of libpq are not the owner's, and he may not read them.
  if (!reach_.spec().through.empty())
    command.environment.emplace_back("HOME", "/nonexistent");
  if (!folder.empty())
    command.environment.push_back(throwaway_mark(folder));
  return world_.processes.run(command);
}

// It is written while we read: what does not fit its checksum is read again.
Result<Control> HotCopy::steady_control(const std::string& data) const {
  for (int reads = 1;; ++reads) {
    auto control = tools_.control(data);
    if (control || control.error().kind != ErrorKind::corrupt || reads == control_reads_max)
      return control;
    world_.clock.sleep_for(world::Milliseconds{20});
  }
}

Result<> HotCopy::check(const std::string& data) const {
  const Control control = TRY(steady_control(data));
  if (control.state != "in production")
    return Error{ErrorKind::conflict, "the server of '" + data + "' is '" + control.state + "'",
                 "Wait until it takes writes; of a standby back up the primary."};
  const auto output = TRY(
      run("psql",
          {"--no-psqlrc", "--quiet", "--csv", "--tuples-only", "--no-password", "--set",
           "ON_ERROR_STOP=1", "--dbname", reach_.connection(any_database) + " replication='true'",
           "--command=IDENTIFY_SYSTEM", "--command=SHOW max_replication_slots"},
          ""));
  const auto rows = parse_csv(output.out);
  if (output.exit_code != 0 || !rows || rows->size() != 2)
    return refusal("a replication connection", output);
  if (rows->front().front() != control.system)
    return Error{ErrorKind::conflict,
                 "the server that answers at '" + reach_.spec().host + "', port " +
                     std::to_string(reach_.spec().port) + ", is not that of '" + data + "'",
                 "Restart the server of the data folder: another has taken its place."};
  if (rows->back().front() == "0")
    return Error{ErrorKind::failed, "max_replication_slots of the server is 0",
                 "A copy needs one for its time: set max_replication_slots = 10, and restart it."};
  return ok();
}

Result<std::string> HotCopy::take(const std::string& folder, const std::string& label) const {
  TRY(make_scratch(world_, tools_.owner(), folder));
  std::string copy = folder + "/copy";
  const auto output =
      TRY(run("pg_basebackup",
              {"--pgdata=" + copy, "--format=plain", "--wal-method=stream", "--checkpoint=fast",
               "--manifest-checksums=SHA256", "--label=" + label, "--no-password",
               "--dbname=" + reach_.connection(any_database)},
              folder));
  if (output.exit_code != 0)
    return refusal("pg_basebackup", output);
  // Without its label a server starts on it, and recovers from the wrong place.
  for (const char* part : {"backup_label", "backup_manifest", "global/pg_control"})
    if (!TRY(world_.files.info(copy + "/" + part)))
      return Error{ErrorKind::corrupt,
                   "pg_basebackup ended with status 0, but made no '" + std::string{part} + "'",
                   ""};
  return copy;
}

} // namespace drivers::postgres
