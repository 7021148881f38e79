#include "migrations/folder.hpp"

#include "base/digest.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>

namespace migrations {

using base::Error;
using base::ErrorKind;
using base::Result;
using domain::MigrationClass;
using domain::MigrationFile;

namespace {

constexpr std::size_t file_bytes_max = 16U << 20U;
constexpr std::size_t files_max = 10'000;

// How other tools part a file that holds the way back too: run whole it would undo itself.
constexpr std::array<std::string_view, 3> other_tools{"migrate:down", "+goose down",
                                                      "+migrate down"};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string lower(std::string_view text) {
  std::string words{text};
  std::ranges::transform(words, words.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
  return words;
}

// golang-migrate keeps the way back in a file of its own.
bool is_migration(const std::string& name) {
  return name.ends_with(".sql") && !name.ends_with(".down.sql") && name.front() != '.';
}

class Looking {
public:
  Looking(const std::vector<Applied>& ledger, const Rules& rules)
      : ledger_{ledger}, rules_{rules} {}

  void take(MigrationFile file, const Read& read) {
    const Applied* line = line_of(file.name);
    const Reading reading = read(file, line != nullptr);
    if (line == nullptr) // what was applied is judged by its digest alone
      take_reading(reading, file);
    else
      take_directives(reading, file);
    if (line == nullptr)
      state_.pending.push_back(std::move(file));
    else
      state_.applied.push_back(std::move(file));
  }

  domain::FolderState end() {
    std::vector<std::string> problems = compare();
    check_order(problems);
    problems.insert(problems.end(), state_.problems.begin(), state_.problems.end());
    state_.problems = std::move(problems);
    return std::move(state_);
  }

private:
  const Applied* line_of(const std::string& name) const {
    const auto found = std::ranges::find(ledger_, name, &Applied::name);
    return found == ledger_.end() ? nullptr : &*found;
  }

  void say(const MigrationFile& file, int line, const std::string& text) {
    state_.problems.push_back(base::printable(file.name) + ":" + std::to_string(line) + ": " +
                              text);
  }

  void take_directives(const Reading& reading, MigrationFile& file) {
    for (const Directive& directive : reading.directives) {
      if (directive.word == "expand")
        file.kind = MigrationClass::expand;
      else if (directive.word == "contract")
        file.kind = MigrationClass::contract;
      else if (directive.word == "change")
        file.kind = MigrationClass::change;
      else if (directive.word == "compatible")
        file.is_compatible = true;
    }
    file.is_compatible = file.is_compatible || file.kind == MigrationClass::expand;
  }

  void take_reading(const Reading& reading, MigrationFile& file) {
    constexpr std::array<std::string_view, 4> words{"expand", "contract", "change", "compatible"};
    for (const Directive& directive : reading.directives)
      if (std::ranges::find(words, directive.word) == words.end() &&
          !(rules_.is_known_word && rules_.is_known_word(directive.word)))
        say(file, directive.line,
            "'belay: " + base::printable(directive.word) +
                "' is not known: expand, change, contract and compatible are");
    take_directives(reading, file);
    if (file.kind == MigrationClass::contract && file.is_compatible)
      say(file, 1,
          "what takes something away (contract) is not compatible with the release before");
    for (const Problem& problem : reading.problems)
      say(file, problem.line, problem.text);
  }

  // What was applied must still be there as it was, and what is new must come after it.
  std::vector<std::string> compare() {
    std::vector<std::string> problems;
    for (const Applied& line : ledger_) {
      const auto file = std::ranges::find(state_.applied, line.name, &MigrationFile::name);
      const std::string name = base::printable(line.name);
      if (file == state_.applied.end())
        problems.push_back(name + " was applied, but is not in the folder: is this an older "
                                  "release? Bring the file back");
      else if (!line.sha256.empty() && file->sha256 != line.sha256)
        problems.push_back(name + " was changed after it was applied (sha256 " +
                           line.sha256.substr(0, 12) + " then, " + file->sha256.substr(0, 12) +
                           " now): bring its text back, and write what is new into a new file");
      if (last_.empty() || is_before(last_, line.name))
        last_ = line.name;
    }
    for (const MigrationFile& file : state_.pending)
      if (!last_.empty() && is_before(file.name, last_))
        problems.push_back(base::printable(file.name) + " was never applied, but comes before " +
                           base::printable(last_) + ", which was: give it a name that comes after");
    return problems;
  }

  // Pending files stand in natural order, which must be that of their bytes.
  void check_order(std::vector<std::string>& problems) const {
    if (!rules_.must_sort_alike)
      return;
    std::string before = last_;
    for (const MigrationFile& file : state_.pending) {
      if (!before.empty() && is_before(before, file.name) && file.name < before)
        return problems.push_back(
            base::printable(before) + " comes before " + base::printable(file.name) +
            " by its number, but after it by its letters, and tools differ in what they go by: "
            "give the numbers of new files the same width, with zeros in front");
      before = file.name;
    }
  }

  const std::vector<Applied>& ledger_;
  const Rules& rules_;
  domain::FolderState state_;
  std::string last_; // of those that were applied
};

} // namespace

void read_comment(int line, std::string_view comment, bool is_head, Reading& reading) {
  const std::string small = lower(comment);
  for (const std::string_view tool : other_tools)
    if (small.contains(tool))
      reading.problems.push_back({line, "'" + std::string{tool} +
                                            "' is of another tool, whose files hold the way back "
                                            "too: run that tool as a command"});
  const auto key = comment.find_first_not_of(" \t");
  if (key == std::string_view::npos || !comment.substr(key).starts_with("belay:"))
    return;
  if (!is_head) {
    reading.problems.push_back({line, "'belay:' stands before the first statement only"});
    return;
  }
  for (const std::string& word : base::split(comment.substr(key + 6), ' '))
    if (const auto last = word.find_last_not_of("\r\t,"); last != std::string::npos)
      reading.directives.push_back({line, word.substr(0, last + 1)});
}

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

Result<domain::FolderState> look(world::Files& files, const domain::MigrationSpec& migration,
                                 const std::string& folder, const std::vector<Applied>& ledger,
                                 const Rules& rules, const Read& read) {
  std::vector<std::string> names = TRY_CONTEXT(files.list(folder), "folder of migrations");
  std::erase_if(names, [](const std::string& name) { return !is_migration(name); });
  if (names.size() > files_max)
    return Error{ErrorKind::invalid_input, "'" + folder + "' holds too many files", ""};
  std::ranges::sort(names, is_before);
  Looking looking{ledger, rules};
  for (const std::string& name : names) {
    MigrationFile file{.name = name,
                       .text = {},
                       .sha256 = {},
                       .kind = migration.kind,
                       .is_compatible = migration.is_compatible};
    file.text = TRY_CONTEXT(files.read(folder + "/" + name, file_bytes_max),
                            "migration '" + base::printable(name) + "'");
    file.sha256 = base::sha256_hex(file.text);
    looking.take(std::move(file), read);
  }
  return looking.end();
}

} // namespace migrations
