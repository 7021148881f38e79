#include "repo/cut.hpp"

#include <algorithm>

namespace repo {

namespace {

constexpr std::string_view digits = "0123456789";

bool holds(std::span<const world::Entry> entries, std::string_view name, world::EntryType type) {
  return std::ranges::any_of(
      entries, [&](const world::Entry& entry) { return entry.name == name && entry.type == type; });
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of(digits) == std::string_view::npos;
}

// "16384", "16384.1", "16384_fsm", "16384_vm.2"
bool is_relation(std::string_view name) {
  if (const auto dot = name.rfind('.'); dot != std::string_view::npos) {
    if (!is_number(name.substr(dot + 1)))
      return false;
    name = name.substr(0, dot);
  }
  for (const std::string_view fork : {"_fsm", "_vm", "_init"})
    if (name.ends_with(fork)) {
      name.remove_suffix(fork.size());
      break;
    }
  return is_number(name);
}

bool is_segment(std::string_view name) { // of 24 hexadecimal digits
  return name.size() == 24 && name.find_first_not_of("0123456789ABCDEF") == std::string_view::npos;
}

} // namespace

PostgresPart part_of(PostgresPart above, std::string_view name,
                     std::span<const world::Entry> entries) {
  switch (above) {
  case PostgresPart::root:
    if (name == "base")
      return PostgresPart::bases;
    if (name == "global" && holds(entries, "pg_control", world::EntryType::file))
      return PostgresPart::global;
    return name == "pg_wal" ? PostgresPart::wal : PostgresPart::none;
  case PostgresPart::bases: return is_number(name) ? PostgresPart::relations : PostgresPart::none;
  default: break;
  }
  const bool is_root = holds(entries, "PG_VERSION", world::EntryType::file) &&
                       holds(entries, "base", world::EntryType::folder) &&
                       holds(entries, "global", world::EntryType::folder);
  return is_root ? PostgresPart::root : PostgresPart::none;
}

bool is_paged(PostgresPart part, std::string_view name) {
  switch (part) {
  case PostgresPart::relations:
  case PostgresPart::global: return is_relation(name);
  case PostgresPart::wal: return is_segment(name);
  default: return false;
  }
}

bool is_sqlite(std::string_view start) {
  return start.starts_with(std::string_view{"SQLite format 3\0", 16});
}

} // namespace repo
