#pragma once
// Evidence: what was seen of a stack that belay does not know yet. Plain values, each with the
// place where it was seen. No value of a variable and no secret is ever in one: words of a command
// are held as belay.yaml would write them ("${PORT}" for what a .env says, "$$" for a dollar).

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace discovery {

// One word of a command, and what it names when it names something inside the project.
struct Word {
  std::string text;
  std::string path; // absolute, "" for none; of "--db=/srv/x/a.db" the part after the '='
  bool is_folder = false;
  bool operator==(const Word&) const = default;
};

struct HttpAnswer { // how a port answered the paths by which services tell that they are well
  std::string url;  // empty: it does not speak HTTP
  int status = 0;
  bool says_ok = false; // {"status": "ok"}
  bool operator==(const HttpAnswer&) const = default;
};

struct Process { // it runs, listens, and has to do with the project
  int pid = 0;
  std::vector<Word> argv;
  std::string working_folder;
  std::string user;
  std::string address; // of its first port, as one on this machine connects to it
  int port = 0;
  std::vector<int> more_ports;
  HttpAnswer http;
  std::vector<std::string> variables;      // names in its environment that a shell does not set
  std::vector<std::string> port_variables; // those of them whose value is `port`
  std::vector<std::string> written_files;  // inside the project
  bool is_belays = false;                  // a belay started it
};
struct Unit { // of systemd
  std::string name;
  std::vector<Word> argv; // ExecStart; empty: it says none, or one that systemd would rewrite
  std::string working_folder;
  std::string user;
  std::vector<std::string> environment_files;
};
struct Script {
  std::vector<Word> argv; // what its `exec` line runs; empty: only a shell could tell
};
struct Package { // package.json
  std::string name;
  std::string version;
  std::vector<Word> start;            // scripts.start; empty: none, or only a shell could run it
  std::vector<std::string> databases; // packages that speak to one: "pg", "better-sqlite3"
};
struct ComposeMount {
  std::string source; // as the file says it
  std::string target;
  bool is_volume = false; // else `source` is a path
  bool is_read_only = false;
  bool is_folder = false; // a path, and a folder is there
};
struct ComposeService {
  std::string name;
  std::string image; // empty: it is built
  bool is_built = false;
  bool has_health = false;  // a health check
  bool is_one_shot = false; // another waits until it has ended well
  std::string port;         // the first that is published, as the file says it
  std::vector<ComposeMount> mounts;
  std::vector<std::string> needs; // depends_on
};
struct Compose {
  std::vector<ComposeService> services; // empty: the file could not be read
  std::string name;                     // of the project, when the file says it
  // Volumes and the names that the file gives them; "": compose does.
  std::vector<std::pair<std::string, std::string>> volume_names;
};
struct Variables { // a .env
  std::vector<std::string> names;
  std::vector<std::pair<std::string, std::string>> servers; // name, scheme of the URL that it holds
  bool is_readable = true;                                  // by the rules of `env_file`
};
struct Database { // an SQLite file
  std::uint64_t bytes = 0;
};
struct DataFolder {
  std::string because;             // "its name", "word 4 of process 12"
  bool has_only_databases = false; // nothing else is in it
};
struct ConfigFile {
  std::string because;
};
enum class SourceForm { folders, archives, git };
struct Releases { // where releases seem to come from
  SourceForm form = SourceForm::folders;
  std::string pattern;             // absolute, holds {to}; git: the repository
  std::string checksums;           // archives: absolute path of the list
  std::vector<std::string> labels; // oldest name first
};
struct PostgresSocket {};
struct HelmRelease {
  std::string name;
  std::string place; // namespace
  std::string chart; // may be empty
};

using Detail = std::variant<Process, Unit, Script, Package, Compose, Variables, Database,
                            DataFolder, ConfigFile, Releases, PostgresSocket, HelmRelease>;

struct Evidence {
  std::string where; // an absolute path, "process 1204", "kubectl"
  Detail detail;
};

struct Seen {
  std::string folder; // of the project, absolute, no link in it
  std::vector<Evidence> evidence;
  std::vector<std::string> unseen; // what could not be looked at, and why
};

// For people and `--json`: "process", what it is, what belay makes of it.
struct Told {
  std::string kind;
  std::string where;    // inside the project relative to it
  std::string seen;     // "python3 ./service.py, listens on 127.0.0.1:8080"
  std::string suggests; // "service"; "nothing yet: this belay has no PostgreSQL store"
};
Told tell(const Seen& seen, const Evidence& evidence);

// "./a" for a path inside the project, "." for itself, else the path.
std::string relative_to(const std::string& folder, const std::string& path);
std::string words_text(const std::vector<Word>& words);

template <class T>
std::vector<std::pair<const Evidence*, const T*>> all_of(const Seen& seen) {
  std::vector<std::pair<const Evidence*, const T*>> found;
  for (const Evidence& each : seen.evidence)
    if (const T* detail = std::get_if<T>(&each.detail))
      found.emplace_back(&each, detail);
  return found;
}

} // namespace discovery
