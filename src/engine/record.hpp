#pragma once
// Record: one line of an operation's journal as a value. Format: docs/formats/journal.md.

#include "base/result.hpp"
#include "domain/outcome.hpp"
#include "domain/release.hpp"
#include "domain/store.hpp"
#include "engine/engine.hpp"

#include <optional>
#include <string>
#include <vector>

namespace engine {

enum class RecordEvent { begin, done, failed, resumed, end };

// A reading as it is kept: of the baseline, or of a gate.
struct KeptReading {
  std::string probe;
  std::string verdict;
  std::string detail;
  std::optional<double> number;
};

struct Record {
  RecordEvent event = RecordEvent::begin;
  std::string step; // journal name; empty for resumed and end
  std::string at;   // RFC 3339
  std::string boot; // begin, resumed: boot id of the machine
  std::int64_t elapsed_ms = 0;
  std::string text; // done: what was done; failed: why; end: outcome
  std::string hint;
  bool stays = false; // failed: the state does not change (an operator is needed)
  std::vector<std::string> detail;
  std::vector<KeptReading> gates;
  std::vector<LogTail> logs;
  // What a step found out and later steps need; present only where it says so.
  std::optional<std::vector<KeptReading>> baseline;        // baseline
  std::optional<std::vector<domain::Release>> releases_to; // pin
  std::optional<std::vector<domain::Snapshot>> snapshots;  // secure
  std::optional<domain::Level> level; // hold, escalate; watch, failed: asked by the trigger
  std::optional<std::vector<std::string>> stores;          // hold: to bring back
  std::optional<std::vector<domain::Abandoned>> abandoned; // restore_data
  std::optional<std::vector<LedgerFact>> ledgers;          // expand, migrate: what they left
  std::optional<std::size_t> expanded; // expand: migrations that are whole, the first ones
  std::optional<std::string> readings; // watch, failed too: SHA-256 of the judge's readings
};

std::string encode(const Record& record);              // one line of JSON
base::Result<Record> decode(std::string_view payload); // corrupt

} // namespace engine
