#pragma once
// Names: what belay calls the databases, and files, that it makes beside a store's own. PostgreSQL
// cuts a name at 63 bytes, silently, so that ours are made short enough. Pure.

#include <string>

namespace drivers::postgres {

inline constexpr std::size_t name_bytes_max = 63;

// A kept copy of a restore point ("app__belay_p-..."); what a way back swapped out
// ("app__abandoned_a-..."); a dump being restored ("app__restore_..."), or tried
// ("app__proof_..."); a copy on which migrations are tried ("app__rehearse_..."). Deterministic.
// Where it would be too long, the name of the database is cut, and a digest of it and of the id
// stands at the end.
std::string clone_name(const std::string& database, const std::string& id);
std::string abandoned_name(const std::string& database, const std::string& id);
std::string restore_name(const std::string& database, const std::string& id);
std::string proof_name(const std::string& database, const std::string& id);
std::string rehearse_name(const std::string& database, const std::string& id);

// Of the copy that is kept in `folder`.
std::string dump_path(const std::string& folder);

} // namespace drivers::postgres
