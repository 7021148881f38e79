#include "domain/migration.hpp"

#include "base/digest.hpp"
#include "base/text.hpp"

#include <algorithm>

namespace domain {

namespace {

constexpr std::size_t named_max = 8; // of many migrations; then their number is enough

std::string head_of(const std::vector<std::string>& applied) {
  return applied.empty() ? "nothing" : applied.back();
}

std::vector<std::string> missing_in(const std::vector<std::string>& some,
                                    const std::vector<std::string>& all) {
  std::vector<std::string> missing;
  std::ranges::copy_if(some, std::back_inserter(missing), [&](const std::string& name) {
    return std::ranges::find(all, name) == all.end();
  });
  return missing;
}

std::string list_of(std::vector<std::string> names) {
  const std::size_t count = names.size();
  if (count > named_max)
    names.resize(named_max);
  return base::join(names, ", ") +
         (count > named_max ? " and " + std::to_string(count - named_max) + " more" : "");
}

std::vector<std::string> applied_in(const std::vector<Ledger>& ledgers, const std::string& table) {
  const auto found = std::ranges::find(ledgers, table, &Ledger::table);
  return found == ledgers.end() ? std::vector<std::string>{} : found->applied;
}

// Nothing when both say the same.
std::string moved_in(const std::string& table, const std::vector<std::string>& before,
                     const std::vector<std::string>& after) {
  if (before == after)
    return "";
  std::string text = "ledger " + table + " went from " + head_of(before) + " to " + head_of(after);
  if (const auto added = missing_in(after, before); !added.empty())
    text += " (applied: " + list_of(added) + ")";
  if (const auto gone = missing_in(before, after); !gone.empty())
    text += " (gone: " + list_of(gone) + ")";
  return base::printable(text);
}

} // namespace

std::string_view name_of(MigrationClass kind) {
  switch (kind) {
  case MigrationClass::change: return "change";
  case MigrationClass::expand: return "expand";
  case MigrationClass::contract: return "contract";
  }
  return "?";
}

std::string tell_ledgers(const std::vector<Ledger>& ledgers) {
  std::vector<std::string> parts;
  parts.reserve(ledgers.size());
  for (const Ledger& ledger : ledgers)
    parts.push_back(base::printable(ledger.table + " at " + head_of(ledger.applied) + " (" +
                                    std::to_string(ledger.applied.size()) + " applied)"));
  return parts.empty() ? "no ledger" : base::join(parts, ", ");
}

std::string tell_movement(const std::vector<Ledger>& before, const std::vector<Ledger>& after) {
  std::vector<std::string> parts;
  parts.reserve(after.size());
  for (const Ledger& ledger : after)
    parts.push_back(moved_in(ledger.table, applied_in(before, ledger.table), ledger.applied));
  for (const Ledger& ledger : before)
    if (std::ranges::find(after, ledger.table, &Ledger::table) == after.end())
      parts.push_back(moved_in(ledger.table, ledger.applied, {}));
  std::erase(parts, "");
  return base::join(parts, "; ");
}

std::string identity_of(const std::vector<Ledger>& ledgers) {
  base::Sha256 digest;
  for (const Ledger& ledger : ledgers) {
    digest.update(std::to_string(ledger.applied.size()) + " " + ledger.table + "\n");
    for (const std::string& name : ledger.applied)
      digest.update(std::to_string(name.size()) + " " + name + "\n");
  }
  return digest.hex();
}

} // namespace domain
