#include "discovery/guess.hpp"

#include "base/text.hpp"
#include "discovery/services.hpp"
#include "discovery/words.hpp"

#include <algorithm>
#include <array>

namespace discovery {

using base::Error;
using base::ErrorKind;
using base::Result;

namespace {

class Guesser {
public:
  Guesser(const Seen& seen, const Answers& answers) : seen_{seen}, answers_{answers} {}

  Result<Guess> run() {
    TRY(check_answers());
    name();
    guess_.services = TRY(guess_services(seen_, answers_, guess_));
    TRY(stores());
    config_files();
    unhandled();
    return std::move(guess_);
  }

private:
  Result<> check_answers() const {
    for (const auto& [key, value] : answers_) {
      const auto& known = answer_keys();
      if (std::ranges::find(known, key) != known.end())
        continue;
      const auto near = base::nearest(key, known);
      return Error{ErrorKind::invalid_input, "there is no question '" + key + "'",
                   near ? "Did you mean '" + *near + "'?"
                        : "Questions are " + base::join(known, ", ") + "."};
    }
    return base::ok();
  }

  void name() {
    const auto answer = answers_.find("stack");
    if (answer != answers_.end()) {
      guess_.stack = answer->second;
      guess_.stack_why = "your answer";
      return;
    }
    for (const auto& [evidence, package] : all_of<Package>(seen_))
      if (guess_.stack = slug(package->name); !guess_.stack.empty()) {
        guess_.stack_why = "name in package.json";
        return;
      }
    guess_.stack = slug(base::name_of_path(seen_.folder));
    guess_.stack_why = "name of the folder";
    if (guess_.stack.empty())
      guess_.stack = "stack";
  }

  std::string unique_name(const std::string& path) const {
    const std::string file = base::name_of_path(path);
    std::string wish = slug(file.substr(0, file.find('.', 1)));
    if (wish.empty())
      wish = "data";
    std::string name = wish;
    for (int number = 2; std::ranges::count(guess_.stores, name, &StoreGuess::name) > 0; ++number)
      name = wish + "-" + std::to_string(number);
    return name;
  }

  // Inside a release, or made by belay: captured with it, or not data at all. Or of a name that no
  // path in belay.yaml can have.
  bool is_no_data(const std::string& path) const {
    const bool cannot_be_written =
        path.contains("{to}") || path.contains("{release}") ||
        std::ranges::any_of(path, [](char c) { return static_cast<unsigned char>(c) < ' '; });
    if (cannot_be_written || path.contains("/.belay"))
      return true;
    for (const auto& [evidence, releases] : all_of<Releases>(seen_))
      if (releases->form == SourceForm::folders && evidence->where != seen_.folder &&
          base::is_inside(path, evidence->where))
        return true;
    for (const auto& [evidence, process] : all_of<Process>(seen_))
      if (base::is_inside(process->working_folder, path)) // it holds the program
        return true;
    return false;
  }

  void add_store(const std::string& path, bool is_sqlite, const std::string& why) {
    const bool is_known = std::ranges::count(guess_.stores, path, &StoreGuess::path) > 0;
    if (!is_known)
      guess_.stores.push_back({unique_name(path), is_sqlite, path, {}, why});
  }

  Result<> answered_stores(const std::string& answer) {
    if (answer == "none")
      return base::ok();
    for (const std::string& part : base::split(answer, ',')) {
      const std::string path = base::absolute_path(part, seen_.folder);
      if (part.empty() || base::is_inside(seen_.folder, path))
        return Error{ErrorKind::invalid_input, "'" + part + "' cannot be a store",
                     "Name folders or SQLite files below the folder of belay.yaml or elsewhere, "
                     "with ',' between them, or 'none'."};
      constexpr std::array ends{".db", ".sqlite", ".sqlite3", ".db3"};
      const bool is_sqlite =
          std::ranges::any_of(ends, [&](const char* end) { return path.ends_with(end); }) ||
          std::ranges::any_of(all_of<Database>(seen_),
                              [&](const auto& each) { return each.first->where == path; });
      add_store(path, is_sqlite, "your answer");
    }
    return base::ok();
  }

  Result<> stores() {
    if (const auto answer = answers_.find("data"); answer != answers_.end())
      TRY(answered_stores(answer->second));
    else
      seen_stores();
    for (StoreGuess& outer : guess_.stores)
      for (const StoreGuess& inner : guess_.stores)
        if (!outer.is_sqlite && &outer != &inner && base::is_inside(inner.path, outer.path))
          outer.exclude.push_back(inner.path.substr(outer.path.size() + 1));
    if (guess_.stores.empty() && !answers_.contains("data"))
      guess_.questions.push_back(
          {"data", "Where does it keep its data?", "none", "./data,./shop.db"});
    if (guess_.stores.empty())
      guess_.notes.emplace_back(
          "no store is in the file: data that the service keeps will not come "
          "back with a way back");
    return base::ok();
  }

  void seen_stores() {
    for (const auto& [evidence, folder] : all_of<DataFolder>(seen_)) {
      const std::string& path = evidence->where;
      const bool is_inner = std::ranges::any_of(all_of<DataFolder>(seen_), [&](const auto& other) {
        return other.first->where != path && !other.second->has_only_databases &&
               base::is_inside(path, other.first->where);
      });
      if (!folder->has_only_databases && !is_inner && !is_no_data(path))
        add_store(path, false, "data, by " + folder->because);
    }
    for (const auto& [evidence, database] : all_of<Database>(seen_))
      if (!is_no_data(evidence->where))
        add_store(evidence->where, true,
                  "an SQLite database of " + base::format_bytes(database->bytes) +
                      writers_of(evidence->where));
  }

  std::string writers_of(const std::string& path) const {
    for (const auto& [evidence, process] : all_of<Process>(seen_))
      if (std::ranges::find(process->written_files, path) != process->written_files.end())
        return "; " + evidence->where + " has it open for writing";
    return "";
  }

  void config_files() {
    for (const auto& [evidence, file] : all_of<ConfigFile>(seen_)) {
      const std::string& path = evidence->where;
      const bool is_captured = std::ranges::any_of(guess_.stores, [&](const StoreGuess& store) {
        return base::is_inside(path, store.path);
      });
      if (!is_captured && !is_no_data(path))
        guess_.config_files.emplace_back(path, file->because);
    }
  }

  // Data and services that this belay would leave alone: to be known before the first upgrade.
  void unhandled() {
    for (const auto& [evidence, variables] : all_of<Variables>(seen_))
      for (const auto& [name, scheme] : variables->servers)
        if (scheme != "http" && scheme != "https")
          guess_.notes.push_back(name + " in " + base::name_of_path(evidence->where) +
                                 " names a server (" + scheme +
                                 "): what it stores is not in a restore point of this belay");
    for (const auto& [evidence, unit] : all_of<Unit>(seen_))
      guess_.notes.push_back("unit " + unit->name +
                             " would start the service too: give the service `unit: " + unit->name +
                             "` instead of `run` (docs/guide/systemd.md), or before the first "
                             "upgrade stop and disable it (systemctl disable --now " +
                             unit->name + ")");
    if (!all_of<PostgresSocket>(seen_).empty())
      guess_.notes.emplace_back(
          "a PostgreSQL server runs here: if the service uses it, its data is "
          "not in a restore point of this belay");
    for (const auto& [evidence, compose] : all_of<Compose>(seen_))
      guess_.notes.push_back("the containers of " + relative_to(seen_.folder, evidence->where) +
                             " are not in this draft: give them as services with `compose:` "
                             "(docs/guide/compose.md)");
    if (!all_of<HelmRelease>(seen_).empty())
      guess_.notes.emplace_back("the Helm releases that were seen are not upgraded by this belay");
  }

  const Seen& seen_;
  const Answers& answers_;
  Guess guess_;
};

} // namespace

Result<Guess> guess(const Seen& seen, const Answers& answers) {
  return Guesser{seen, answers}.run();
}

} // namespace discovery
