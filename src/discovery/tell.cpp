// Evidence as people read it.
#include "base/text.hpp"
#include "discovery/evidence.hpp"

#include <algorithm>

namespace discovery {
namespace {

std::string listed(const std::vector<std::string>& names, std::size_t max = 6) {
  std::vector<std::string> shown{
      names.begin(), names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), max))};
  if (names.size() > max)
    shown.push_back("and " + std::to_string(names.size() - max) + " more");
  return base::join(shown, ", ");
}

std::string command_text(const std::vector<Word>& words) {
  return words.empty() ? "a command that only a shell could run" : words_text(words);
}

std::string port_text(const Process& process) {
  std::string text = process.address + ":" + std::to_string(process.port);
  if (!process.http.url.empty()) {
    const auto path = process.http.url.find('/', process.http.url.find("://") + 3);
    text += ", GET " + process.http.url.substr(path) + " answers " +
            std::to_string(process.http.status);
  }
  return text;
}

struct Teller {
  const Seen& seen;

  Told operator()(const Process& process) const {
    return {"process", "",
            (process.argv.empty() ? "" : words_text(process.argv) + ", ") + "in " +
                relative_to(seen.folder, process.working_folder) + " as " + process.user +
                ", listens on " + port_text(process),
            process.is_belays ? "nothing: a belay runs it already" : "a service"};
  }
  Told operator()(const Unit& unit) const {
    return {"unit", "", command_text(unit.argv) + (unit.user.empty() ? "" : " as " + unit.user),
            unit.argv.empty() ? "nothing; a service can name it with `unit:`"
                              : "the command of a service, which can name it with `unit:` instead"};
  }
  Told operator()(const Script& script) const {
    return {"script", "", command_text(script.argv),
            script.argv.empty() ? "nothing" : "the command of a service"};
  }
  Told operator()(const Package& package) const {
    return {"package", "",
            package.name + " " + package.version + ", starts with " + command_text(package.start),
            package.start.empty() ? "the name" : "the name, and the command of a service"};
  }
  Told operator()(const Compose& compose) const {
    std::vector<std::string> names;
    for (const ComposeService& service : compose.services)
      names.push_back(service.name + (service.image.empty() ? "" : " (" + service.image + ")"));
    return {"compose", "",
            names.empty() ? "a compose file that names no service" : "runs " + listed(names),
            "services and stores, unless something else runs the stack"};
  }
  Told operator()(const Variables& variables) const {
    return {"variables", "",
            variables.is_readable
                ? "sets " + (variables.names.empty() ? "nothing" : listed(variables.names))
                : "is not in the syntax of an env_file",
            variables.is_readable ? "an env_file; no value is copied" : "nothing"};
  }
  Told operator()(const Database& database) const {
    return {"sqlite", "", "an SQLite database, " + base::format_bytes(database.bytes), "a store"};
  }
  Told operator()(const DataFolder& folder) const {
    return {"folder", "", "data, by " + folder.because,
            folder.has_only_databases ? "nothing: its databases are stores" : "a store"};
  }
  Told operator()(const ConfigFile& file) const {
    return {"config", "", file.because, "a config file"};
  }
  Told operator()(const Releases& releases) const {
    const std::string labels = releases.labels.empty() ? "" : ": " + listed(releases.labels);
    if (releases.form == SourceForm::git)
      return {"git", "", "a repository, tags" + (labels.empty() ? ": none" : labels),
              "a source of releases"};
    const bool is_archive = releases.form == SourceForm::archives;
    return {is_archive ? "archives" : "releases", "",
            relative_to(seen.folder, releases.pattern) + labels,
            is_archive && releases.checksums.empty() ? "nothing: no list of checksums is with them"
                                                     : "a source of releases"};
  }
  Told operator()(const PostgresSocket&) const {
    return {"postgres", "", "a PostgreSQL server listens here",
            "nothing yet: this belay has no PostgreSQL store"};
  }
  Told operator()(const HelmRelease& release) const {
    return {"helm", "",
            "release " + release.name + " in namespace " + release.place +
                (release.chart.empty() ? "" : ", chart " + release.chart),
            "nothing yet: this belay does not upgrade Helm releases"};
  }
};

std::string one_line(std::string text) {
  text = base::printable(text);
  std::ranges::replace(text, '\n', ' ');
  return text;
}

} // namespace

std::string relative_to(const std::string& folder, const std::string& path) {
  if (path == folder)
    return ".";
  if (path.empty() || !base::is_inside(path, folder))
    return path;
  return "./" + path.substr(folder == "/" ? 1 : folder.size() + 1);
}

std::string words_text(const std::vector<Word>& words) {
  std::vector<std::string> texts;
  texts.reserve(words.size());
  for (const Word& word : words)
    texts.push_back(word.text.contains(' ') || word.text.empty() ? "'" + word.text + "'"
                                                                 : word.text);
  return base::join(texts, " ");
}

Told tell(const Seen& seen, const Evidence& evidence) {
  Told told = std::visit(Teller{seen}, evidence.detail);
  told.where = one_line(relative_to(seen.folder, evidence.where));
  told.seen = one_line(told.seen);
  return told;
}

} // namespace discovery
