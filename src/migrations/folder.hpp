#pragma once
// Folder: a folder of SQL files beside the ledger of its store: their order, what they say of
// themselves, and what must not run. What the SQL means, each driver tells.
// docs/guide/migrations.md.

#include "domain/migration.hpp"
#include "world/files.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace migrations {

// What a file says of itself at its head: `-- belay: expand`.
struct Directive {
  int line = 0;
  std::string word;
  bool operator==(const Directive&) const = default;
};

struct Problem {
  int line = 0;
  std::string text; // "VACUUM cannot be part of a transaction"
  bool operator==(const Problem&) const = default;
};

// What a driver has read in one file.
struct Reading {
  std::vector<Directive> directives;
  std::vector<Problem> problems; // empty: it can run
};

// Takes the text of a comment, without its dashes: directives, and marks of other tools.
// `is_head`: no statement came before it.
void read_comment(int line, std::string_view comment, bool is_head, Reading& reading);

// One line of a ledger.
struct Applied {
  std::string name;   // of the file
  std::string sha256; // empty: the ledger does not tell
};

struct Rules {
  // Natural order ("2_b" before "10_a") alone; or it must be that of the bytes too, as other tools
  // sort, for every file that is to run.
  bool must_sort_alike = false;
  std::function<bool(std::string_view word)> is_known_word; // more directives; may be empty
};

// Reads one file of the folder, whose text is there. Called in the order of the files, for those
// that were applied too. It may fill more of the file.
using Read = std::function<Reading(domain::MigrationFile&, bool was_applied)>;

// "2_b" before "10_a": runs of digits count as numbers.
bool is_before(std::string_view a, std::string_view b);

// not_found: there is no such folder.
base::Result<domain::FolderState> look(world::Files& files, const domain::MigrationSpec& migration,
                                       const std::string& folder,
                                       const std::vector<Applied>& ledger, const Rules& rules,
                                       const Read& read);

} // namespace migrations
