#pragma once
// Cut: which files are cut into blobs of one size, and which where restic cuts them.
//
// Databases change pages in place and never move them, so cutting theirs by content costs work and
// gains nothing. See docs/adr/0019-fixed-blobs-for-databases.md.

#include "world/folders.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace repo {

// A multiple of every page size there is, and what restic makes of a hole.
constexpr std::size_t fixed_blob_bytes = 512U << 10U;

// What a folder is to a data folder of PostgreSQL.
enum class PostgresPart { none, root, bases, relations, global, wal };

// Of a folder in which these entries are, and which is called `name` in one that is `above`.
PostgresPart part_of(PostgresPart above, std::string_view name,
                     std::span<const world::Entry> entries);
// Relation files, and WAL segments, by their names.
bool is_paged(PostgresPart part, std::string_view name);

// The first bytes of a file are those of an SQLite database.
bool is_sqlite(std::string_view start);

} // namespace repo
