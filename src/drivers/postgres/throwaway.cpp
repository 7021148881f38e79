#include "drivers/postgres/throwaway.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>

namespace drivers::postgres {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

constexpr std::size_t version_bytes_max = 64;
constexpr std::size_t log_bytes_shown = 600;
constexpr std::size_t socket_path_max = 107; // sun_path
constexpr int looks_max = 800;
constexpr const char* mark = "BELAY_THROWAWAY"; // in the environment of all its processes
constexpr const char* port = "5432";            // of a socket's name only

base::Result<std::string> no_secret(const domain::SecretRef&) {
  return Error{ErrorKind::not_found, "a throwaway server has no password", ""};
}

// Within quotes in a file of settings, and for the shell that pg_ctl runs.
std::string quoted(const std::string& text, const char* quote) {
  std::string all{"'"};
  for (const char c : text)
    all += c == '\'' ? std::string{quote} : std::string{c};
  return all + "'";
}

Result<std::string> find_tools(world::Files& files, const std::string& major) {
  const std::array<std::string, 3> usual{"/usr/lib/postgresql/" + major + "/bin",
                                         "/usr/pgsql-" + major + "/bin", "/usr/local/pgsql/bin"};
  for (const std::string& folder : usual)
    if (TRY(files.info(folder + "/pg_controldata")))
      return folder;
  return Error{ErrorKind::not_found,
               "the programs of PostgreSQL " + major + " are in none of the usual folders",
               "Install the server package of that version, or name the folder of its postgres, "
               "pg_ctl, pg_controldata and psql with `tools:`."};
}

std::string value_of(const std::string& text, const std::string& label) {
  for (const std::string& line : base::split(text, '\n'))
    if (line.starts_with(label + ":")) {
      const auto begin = line.find_first_not_of(' ', label.size() + 1);
      return begin == std::string::npos ? "" : line.substr(begin);
    }
  return "";
}

// pg_ctl and the server say most of it on standard output.
std::string all_said(world::Output output) {
  output.err = output.out + output.err;
  return said(output);
}

} // namespace

Result<DataTools> DataTools::find(world::World world, const domain::PostgresSpec& spec,
                                  const std::string& data) {
  const auto owner = TRY(world.files.info(data));
  if (!owner)
    return Error{ErrorKind::not_found, "'" + data + "' does not exist", ""};
  std::string major = TRY_CONTEXT(world.files.read(data + "/PG_VERSION", version_bytes_max),
                                  "version of the data folder");
  while (major.ends_with('\n'))
    major.pop_back();
  DataTools tools{world, spec, *owner, major};
  if (tools.spec_.tools.empty())
    tools.spec_.tools = TRY(find_tools(world.files, major));
  const auto told = TRY(tools.run("postgres", {"--version"}));
  // "postgres (PostgreSQL) 15.20 (Debian ...)"
  const auto words = base::split(told.out, ' ');
  if (told.exit_code != 0 || words.size() < 3 ||
      (words[2] != major && words[2].rfind(major + ".", 0) != 0))
    return Error{ErrorKind::invalid_input,
                 "'" + data + "' is of PostgreSQL " + major + ", but '" + tools.spec_.tools +
                     "' has " + (told.exit_code == 0 ? base::printable(told.out) : all_said(told)),
                 "Name the folder of the programs of that version with `tools:`."};
  return tools;
}

world::Command DataTools::command(const std::string& tool, std::vector<std::string> words) const {
  words.insert(words.begin(), spec_.tools + "/" + tool);
  world::Command command;
  command.argv = std::move(words);
  command.working_folder = "/";
  command.environment = {{"LC_ALL", "C.UTF-8"},
                         {"LC_MESSAGES", "C"},
                         {"LANGUAGE", "C"},
                         {"PGOPTIONS", ""},
                         {"PGDATA", ""}};
  command.timeout = spec_.timeout;
  return command;
}

Result<world::Output> DataTools::run(const std::string& tool,
                                     const std::vector<std::string>& words) const {
  return world_.processes.run(command(tool, words));
}

Result<std::vector<std::string>> DataTools::as_owner() const {
  // Whose process it is, that is who we are.
  const auto self = TRY(world_.files.info("/proc/self/stat"));
  if (!self || self->user == owner_.user)
    return std::vector<std::string>{};
  return std::vector<std::string>{"setpriv", "--reuid=" + std::to_string(owner_.user),
                                  "--regid=" + std::to_string(owner_.group), "--clear-groups",
                                  "--"};
}

Result<world::Output> DataTools::run_as_owner(const std::string& tool,
                                              const std::vector<std::string>& words,
                                              const std::string& folder) const {
  world::Command there = command(tool, words);
  const auto before = TRY(as_owner());
  there.argv.insert(there.argv.begin(), before.begin(), before.end());
  there.working_folder = folder;
  there.environment.push_back(throwaway_mark(folder));
  return world_.processes.run(there);
}

Result<Control> DataTools::control(const std::string& data) const {
  const auto output = TRY(run("pg_controldata", {"-D", data}));
  Control control{value_of(output.out, "Database system identifier"),
                  value_of(output.out, "Database cluster state"), false};
  const std::string checksums = value_of(output.out, "Data page checksum version");
  control.has_checksums = !checksums.empty() && checksums != "0";
  // A control file that does not fit its own checksum is a warning only, with status 0.
  const std::string text = output.out + output.err;
  if (output.exit_code != 0 || control.system.empty() || control.state.empty() ||
      text.contains("warning:") || text.contains("WARNING:"))
    return Error{ErrorKind::corrupt, "pg_controldata of '" + data + "': " + all_said(output), ""};
  return control;
}

Result<> DataTools::check_pages(const std::string& data) const {
  const auto output = TRY(run("pg_checksums", {"--check", "-D", data}));
  if (output.exit_code == 0)
    return ok();
  return Error{ErrorKind::corrupt, "pg_checksums of '" + data + "': " + said(output),
               "A page is not as PostgreSQL wrote it: look at the disk, and choose an older "
               "restore point that is whole."};
}

Result<> DataTools::check_backup(const std::string& data) const {
  const auto output = TRY(run("pg_verifybackup", {"--quiet", data}));
  if (output.exit_code == 0)
    return ok();
  return Error{ErrorKind::corrupt, "pg_verifybackup of '" + data + "': " + all_said(output), ""};
}

Result<> Throwaway::write(const std::string& name, const std::string& text) const {
  const std::string path = folder_ + "/" + name;
  TRY(world_.files.replace(path, text));
  world::EntryInfo like = tools_.owner();
  like.mode = 0600;
  return world_.files.set_owner_and_mode(path, like);
}

// The copy is made harmless: whatever it would tell others, or hear of them, is taken out of it.
Result<> Throwaway::prepare() const {
  for (const char* name :
       {"postmaster.pid", "postmaster.opts", "standby.signal", "recovery.signal", "recovery.conf"})
    TRY(world_.files.remove(data() + "/" + name));
  if (TRY(world_.files.info(data() + "/postgresql.auto.conf")))
    TRY(world_.files.replace(data() + "/postgresql.auto.conf", ""));
  if (const auto slots = world_.files.list(data() + "/pg_replslot"))
    for (const std::string& slot : slots.value())
      TRY(world_.trees.remove(data() + "/pg_replslot/" + slot));
  TRY(write("hba", "local all all trust\n"));
  TRY(write("ident", ""));
  const auto file = [&](const char* name) { return quoted(folder_ + "/" + name, "''"); };
  return write("conf", "listen_addresses = ''\nport = " + std::string{port} +
                           "\nunix_socket_directories = " + quoted(folder_, "''") +
                           "\nunix_socket_permissions = 0700\nhba_file = " + file("hba") +
                           "\nident_file = " + file("ident") +
                           "\narchive_mode = off\nwal_level = replica\nmax_wal_senders = 0\n"
                           "max_logical_replication_workers = 0\nautovacuum = off\nfsync = off\n"
                           "full_page_writes = off\nssl = off\nlogging_collector = off\n"
                           "max_prepared_transactions = 1000\nshared_buffers = 32MB\n"
                           "shared_preload_libraries = ''\nrestart_after_crash = off\n");
}

Result<> Throwaway::start(const std::string& data_folder) const {
  if ((folder_ + "/.s.PGSQL." + port).size() > socket_path_max)
    return Error{ErrorKind::invalid_input,
                 "'" + folder_ + "' is too long a path for the socket of a throwaway server", ""};
  TRY(make_scratch(world_, tools_.owner(), folder_));
  TRY(world_.trees.copy(data_folder, data()));
  TRY(prepare());
  const auto output = TRY(tools_.run_as_owner(
      "pg_ctl",
      {"start", "--wait", "--silent", "-t", seconds(), "-D", data(), "-l", folder_ + "/log", "-o",
       "-c config_file=" + quoted(folder_ + "/conf", "'\\''")},
      folder_));
  if (output.exit_code == 0)
    return ok();
  const auto log = world_.files.read_end(folder_ + "/log", log_bytes_shown);
  std::string text = log ? base::printable(log.value()) : "";
  std::ranges::replace(text, '\n', ' ');
  return Error{ErrorKind::corrupt,
               "a server does not start on a copy of '" + data_folder + "': " + all_said(output) +
                   ": " + text,
               ""};
}

std::string Throwaway::seconds() const {
  return std::to_string(
      std::chrono::duration_cast<std::chrono::seconds>(tools_.spec().timeout).count());
}

Result<> Throwaway::check_pages() const {
  const auto output = TRY(tools_.run_as_owner(
      "pg_ctl", {"stop", "--wait", "--silent", "--mode=fast", "-t", seconds(), "-D", data()},
      folder_));
  if (output.exit_code != 0)
    return Error{ErrorKind::failed, "the throwaway server does not stop: " + all_said(output), ""};
  return tools_.check_pages(data());
}

domain::PostgresSpec Throwaway::reach() const {
  domain::PostgresSpec spec = tools_.spec();
  spec.host = folder_;
  spec.port = std::stoi(port);
  spec.database = "postgres";
  spec.password.reset(); // its own rules ask for none
  return spec;
}

Psql Throwaway::psql() const {
  return Psql{world_, Reach{reach(), no_secret}};
}

Result<std::vector<std::string>> Throwaway::databases() const {
  const auto rows = psql().run(
      "template1", "SELECT datname FROM pg_database WHERE datallowconn ORDER BY datname");
  if (!rows && rows.error().message.contains("role \"" + tools_.spec().user + "\" does not exist"))
    return Error{ErrorKind::invalid_input, rows.error().message,
                 "Name a superuser of the server with `user:`."};
  std::vector<std::string> names;
  for (const Row& row : TRY(rows))
    names.push_back(row.at(0));
  return names;
}

Result<> Throwaway::dump_all(const std::string& into) const {
  const Reach there{reach(), no_secret};
  auto command = TRY(
      there.command("pg_dumpall", {"--no-password", "--dbname=" + there.connection("template1")}));
  command.output_path = into;
  const auto output = TRY(world_.processes.run(command));
  if (output.exit_code == 0)
    return ok();
  return Error{ErrorKind::failed, "pg_dumpall: " + said(output), ""};
}

Result<> Throwaway::remove() const {
  return remove_throwaway(world_, folder_);
}

Result<> make_scratch(world::World world, const world::EntryInfo& owner,
                      const std::string& folder) {
  TRY(remove_throwaway(world, folder));
  TRY(world.files.create_folders(folder));
  world::EntryInfo like = owner;
  like.mode = 0700;
  return world.files.set_owner_and_mode(folder, like);
}

std::pair<std::string, std::string> throwaway_mark(const std::string& folder) {
  return {mark, folder};
}

Result<> remove_throwaway(world::World world, const std::string& folder) {
  if (!TRY(world.files.info(folder)))
    return ok();
  // It holds nothing that anybody wants: no checkpoint.
  for (int looks = 0;; ++looks) {
    const auto left = TRY(world.processes.find(folder + "/lock", mark, folder));
    if (left.empty())
      return world.trees.remove(folder);
    if (looks == looks_max)
      return Error{ErrorKind::failed, "what runs in '" + folder + "' does not end",
                   "End process " + std::to_string(left.front().id.pid) + "."};
    if (looks % (looks_max / 4) == 0)
      for (const world::ProcessInfo& process : left)
        TRY(world.processes.signal(process.id,
                                   looks == 0 ? world::Signal::quit : world::Signal::kill));
    world.clock.sleep_for(world::Milliseconds{50});
  }
}

} // namespace drivers::postgres
