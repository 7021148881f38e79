#pragma once
// Record: what belay knows of one kept copy of a database, in `database.json` of its folder. The
// form: docs/formats/kept-postgres.md.

#include "domain/migration.hpp"
#include "drivers/postgres/catalog.hpp"
#include "drivers/postgres/counters.hpp"
#include "drivers/postgres/server.hpp"

#include <string>
#include <vector>

namespace drivers::postgres {

inline constexpr int record_version = 1;

enum class KeptAs { database, dump };

struct Kept {
  KeptAs as = KeptAs::database;
  std::string live;     // name of the database that it is a copy of
  std::string database; // as a database: its name
  std::uint64_t oid = 0;
  std::string dump_sha256; // as a dump: of the file `dump` beside the record
  std::uint64_t dump_bytes = 0;
  int server_version = 0;
  std::string system;      // of the server
  std::uint64_t bytes = 0; // of the database
  std::vector<Setting> settings;
  std::string layout; // digest
  std::vector<std::string> layout_lines;
  std::vector<domain::Ledger> ledgers;
  Reading reading = Reading::counts; // how the content was read
  Content content;
  Counters counters; // of the live database at that moment; without an oid: not read
  bool operator==(const Kept&) const = default;
};

std::string to_json(const Kept& kept);
// corrupt, too_new.
base::Result<Kept> kept_from(const std::string& text, const std::string& path);

// What a way back is about to do, in `swap.json` of the abandoned set's folder, before the first
// change: only an oid can tell whether it happened.
struct SwapRecord {
  std::string incoming; // name of the database that comes in
  std::uint64_t incoming_oid = 0;
  std::uint64_t live_oid = 0; // 0: nothing was live
  bool operator==(const SwapRecord&) const = default;
};
std::string to_json(const SwapRecord& swap);
base::Result<SwapRecord> swap_from(const std::string& text, const std::string& path);

} // namespace drivers::postgres
