// Store `sqlite`, the part that applies a folder of SQL files. The ledger in the database says
// what was applied: docs/formats/migrations.md.

#include "base/digest.hpp"
#include "base/text.hpp"
#include "drivers/sqlite/ledger.hpp"
#include "drivers/sqlite/script.hpp"
#include "drivers/sqlite/store.hpp"

#include <algorithm>

namespace drivers::sqlite {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using domain::MigrationClass;
using domain::MigrationFile;

namespace {

constexpr std::size_t file_bytes_max = 16U << 20U;
constexpr std::size_t files_max = 10'000;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// "2_b" before "10_a": runs of digits count as numbers; what then is equal is told apart as text.
bool is_before(std::string_view a, std::string_view b) {
  std::size_t i = 0;
  std::size_t j = 0;
  const auto number_at = [](std::string_view text, std::size_t& at) {
    while (at < text.size() && text[at] == '0')
      ++at;
    const std::size_t from = at;
    while (at < text.size() && is_digit(text[at]))
      ++at;
    return text.substr(from, at - from);
  };
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      const auto left = number_at(a, i);
      const auto right = number_at(b, j);
      if (left.size() != right.size())
        return left.size() < right.size();
      if (left != right)
        return left < right;
    } else if (a[i] != b[j]) {
      return a[i] < b[j];
    } else {
      ++i;
      ++j;
    }
  }
  const std::size_t rest_a = a.size() - i;
  const std::size_t rest_b = b.size() - j;
  return rest_a != rest_b ? rest_a < rest_b : a < b;
}

// golang-migrate keeps the way back in a file of its own.
bool is_migration(const std::string& name) {
  return name.ends_with(".sql") && !name.ends_with(".down.sql") && name.front() != '.';
}

void take_script(const Script& script, MigrationFile& file, std::vector<std::string>& problems) {
  const auto say = [&](int line, const std::string& text) {
    problems.push_back(base::printable(file.name) + ":" + std::to_string(line) + ": " + text);
  };
  for (const Directive& directive : script.directives) {
    if (directive.word == "expand")
      file.kind = MigrationClass::expand;
    else if (directive.word == "contract")
      file.kind = MigrationClass::contract;
    else if (directive.word == "change")
      file.kind = MigrationClass::change;
    else if (directive.word == "compatible")
      file.is_compatible = true;
    else
      say(directive.line, "'belay: " + base::printable(directive.word) +
                              "' is not known: expand, change, contract and compatible are");
  }
  file.is_compatible = file.is_compatible || file.kind == MigrationClass::expand;
  if (file.kind == MigrationClass::contract && file.is_compatible)
    say(1, "what takes something away (contract) is not compatible with the release before");
  for (const ScriptProblem& problem : script.problems)
    say(problem.line, problem.text);
}

// What was applied must still be there as it was, and what is new must come after it.
void compare(const std::vector<LedgerLine>& ledger, std::vector<MigrationFile> files,
             domain::FolderState& state) {
  std::string last; // of those that were applied
  for (const LedgerLine& line : ledger) {
    const auto file = std::ranges::find(files, line.name, &MigrationFile::name);
    const std::string name = base::printable(line.name);
    if (file == files.end())
      state.problems.push_back(name + " was applied, but is not in the folder: is this an older "
                                      "release? Bring the file back");
    else if (file->sha256 != line.sha256)
      state.problems.push_back(name + " was changed after it was applied (sha256 " +
                               line.sha256.substr(0, 12) + " then, " + file->sha256.substr(0, 12) +
                               " now): bring its text back, and write what is new into a new file");
    if (last.empty() || is_before(last, line.name))
      last = line.name;
  }
  for (MigrationFile& file : files) {
    if (std::ranges::find(ledger, file.name, &LedgerLine::name) != ledger.end()) {
      state.applied.push_back(std::move(file));
      continue;
    }
    if (!last.empty() && is_before(file.name, last))
      state.problems.push_back(base::printable(file.name) +
                               " was never applied, but comes before " + base::printable(last) +
                               ", which was: give it a name that comes after");
    state.pending.push_back(std::move(file));
  }
}

} // namespace

Result<domain::LedgerState> Store::ledgers(const domain::StoreSpec& spec,
                                           const domain::Snapshot* kept) {
  const std::string path = kept == nullptr ? TRY(place_of(spec)).live : kept->kept;
  auto ledgers = read_ledgers(world_.sqlite, path, spec.ledger);
  // The copy may be from before the ledger that `ledger:` asks for was made.
  if (!ledgers && kept != nullptr && !spec.ledger.empty())
    ledgers = read_ledgers(world_.sqlite, path, "");
  return domain::LedgerState{.ledgers = TRY(std::move(ledgers)),
                             .layout = TRY(layout_of(world_.sqlite, path))};
}

Result<domain::FolderState> Store::migrations(const domain::StoreSpec& spec,
                                              const domain::MigrationSpec& migration,
                                              const std::string& folder) {
  std::vector<std::string> names = TRY_CONTEXT(world_.files.list(folder), "folder of migrations");
  std::erase_if(names, [](const std::string& name) { return !is_migration(name); });
  if (names.size() > files_max)
    return Error{ErrorKind::invalid_input, "'" + folder + "' holds too many files", ""};
  std::ranges::sort(names, is_before);
  domain::FolderState state;
  std::vector<MigrationFile> files;
  for (const std::string& name : names) {
    MigrationFile file{.name = name,
                       .text = {},
                       .sha256 = {},
                       .kind = migration.kind,
                       .is_compatible = migration.is_compatible};
    file.text = TRY_CONTEXT(world_.files.read(folder + "/" + name, file_bytes_max),
                            "migration '" + base::printable(name) + "'");
    file.sha256 = base::sha256_hex(file.text);
    take_script(read_script(file.text), file, state.problems);
    files.push_back(std::move(file));
  }
  const auto ledger = TRY(read_own_ledger(world_.sqlite, TRY(place_of(spec)).live));
  // What was applied is not judged by its statements any more: only by its digest.
  std::erase_if(state.problems, [&](const std::string& problem) {
    return std::ranges::any_of(ledger, [&](const LedgerLine& line) {
      return problem.starts_with(base::printable(line.name) + ":");
    });
  });
  compare(ledger, std::move(files), state);
  return state;
}

Result<> Store::migrate(const domain::StoreSpec& spec, const MigrationFile& file,
                        const std::string& at, domain::Milliseconds timeout) {
  const std::string path = TRY(place_of(spec)).live;
  for (const LedgerLine& line : TRY(read_own_ledger(world_.sqlite, path)))
    if (line.name == file.name) {
      if (line.sha256 == file.sha256)
        return ok();
      return Error{ErrorKind::conflict, "'" + file.name + "' was applied with another text", ""};
    }
  std::vector<world::SqliteStatement> statements;
  for (Statement& statement : read_script(file.text).statements)
    statements.push_back({.sql = std::move(statement.sql),
                          .values = {},
                          .where = file.name + ":" + std::to_string(statement.line)});
  statements.push_back({.sql = "CREATE TABLE IF NOT EXISTS belay_migrations (name TEXT NOT NULL "
                               "UNIQUE, sha256 TEXT NOT NULL, applied_at TEXT NOT NULL)",
                        .values = {},
                        .where = "ledger"});
  statements.push_back(
      {.sql = "INSERT INTO belay_migrations (name, sha256, applied_at) VALUES (?, ?, ?)",
       .values = {file.name, file.sha256, at},
       .where = "ledger"});
  return world_.sqlite.change(path, statements, timeout);
}

} // namespace drivers::sqlite
