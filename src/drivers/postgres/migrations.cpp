#include "drivers/postgres/migrations.hpp"

#include "base/text.hpp"
#include "pgsql/file.hpp"

#include <algorithm>
#include <map>

namespace drivers::postgres {

using base::Result;
using domain::MigrationClass;
using domain::MigrationFile;

namespace {

// What is there, by last names, so that IF NOT EXISTS can be told.
Result<pgsql::Catalog> read_catalog(const Psql& psql) {
  pgsql::Catalog catalog;
  catalog.is_known = true;
  const char* const query =
      "SELECT 'r', relname FROM pg_catalog.pg_class UNION SELECT 'f', proname FROM "
      "pg_catalog.pg_proc UNION SELECT 'c', c.relname || '.' || a.attname FROM "
      "pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN "
      "pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE a.attnum > 0 AND NOT "
      "a.attisdropped AND c.relkind IN ('r', 'p', 'f', 'v', 'm') AND n.nspname NOT IN "
      "('pg_catalog', 'information_schema', 'pg_toast')";
  for (Row& row : TRY(psql.run(psql.reach().spec().database, query))) {
    auto& names = row.at(0) == "r"   ? catalog.relations
                  : row.at(0) == "f" ? catalog.functions
                                     : catalog.columns;
    names.insert(std::move(row.at(1)));
  }
  return catalog;
}

std::vector<domain::MigrationStep> steps_of(const pgsql::File& file) {
  std::vector<domain::MigrationStep> steps;
  for (const pgsql::Step& step : file.steps)
    for (const pgsql::Finding& finding : step.judgement.findings)
      steps.push_back({.line = step.piece.line,
                       .does = finding.does,
                       .kind = std::string{name_of(finding.rule->kind)},
                       .rule = std::string{finding.rule->name},
                       .why = std::string{finding.rule->why}});
  return steps;
}

// What nobody declared, the statements decide. A declaration against a certain break must name it.
void take_verdict(MigrationFile& file, const pgsql::File& read,
                  const std::vector<std::string>& accepted, std::vector<std::string>& problems) {
  const pgsql::Kind kind = kind_of(read);
  file.verdict = std::string{name_of(kind)};
  file.steps = steps_of(read);
  if (!file.is_compatible && file.kind != MigrationClass::contract &&
      kind <= pgsql::Kind::compatible) {
    file.is_compatible = true;
    if (kind == pgsql::Kind::additive)
      file.kind = MigrationClass::expand;
    return;
  }
  if (!file.is_compatible)
    return;
  for (const pgsql::Step& step : read.steps)
    for (const pgsql::Finding& finding : step.judgement.findings)
      if (const std::string rule{finding.rule->name};
          finding.rule->is_certain && std::ranges::find(accepted, rule) == accepted.end())
        problems.push_back(base::printable(file.name) + ":" + std::to_string(step.piece.line) +
                           ": " + finding.does + ": " + std::string{finding.rule->why} +
                           ", but this file is declared compatible. Take that back, or, when you "
                           "know better, name the rule at its head: '-- belay: compatible " +
                           rule + "'");
}

} // namespace

Result<domain::FolderState> Migrations::look(const domain::MigrationSpec& migration,
                                             const std::string& folder) const {
  const LedgerTable ledger = TRY(read_own_ledger(psql_, migration.ledger));
  pgsql::Classifier classifier{TRY(read_catalog(psql_))};
  std::map<std::string, pgsql::File> read;
  std::map<std::string, std::vector<std::string>> words;
  std::vector<migrations::Applied> lines;
  std::vector<std::string> found = TRY_CONTEXT(world_.files.list(folder), "folder of migrations");
  std::map<std::string, std::string> file_of; // a line's name to its file's
  for (const std::string& name : found)
    if (const auto* line = ledger.line_of(name); line != nullptr && name.ends_with(".sql"))
      file_of.emplace(line->name, name);
  for (const migrations::Applied& line : ledger.lines) {
    const auto known = file_of.find(line.name);
    lines.push_back({known == file_of.end() ? line.name : known->second, line.sha256});
  }
  const migrations::Rules rules{.must_sort_alike = true, .is_known_word = pgsql::is_rule};
  auto state = TRY(migrations::look(
      world_.files, migration, folder, lines, rules,
      [&](const MigrationFile& file, bool was_applied) {
        migrations::Reading reading;
        pgsql::Classifier aside;
        pgsql::File whole = pgsql::read_file(file.text, was_applied ? aside : classifier);
        for (const pgsql::Comment& comment : whole.comments)
          migrations::read_comment(comment.line, comment.text, comment.is_head, reading);
        for (const pgsql::Problem& problem : whole.problems)
          reading.problems.push_back({problem.line, problem.text});
        for (const migrations::Directive& directive : reading.directives)
          words[file.name].push_back(directive.word);
        read.insert_or_assign(file.name, std::move(whole));
        return reading;
      }));
  for (MigrationFile& file : state.pending) {
    file.ledger = migration.ledger;
    take_verdict(file, read.at(file.name), words[file.name], state.problems);
  }
  for (MigrationFile& file : state.applied) // as they were judged when they were applied
    if (const auto* line = ledger.line_of(file.name))
      file.is_compatible =
          file.is_compatible ||
          ledger.compatible.at(static_cast<std::size_t>(line - ledger.lines.data()));
  return state;
}

} // namespace drivers::postgres
