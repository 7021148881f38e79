#pragma once
// Errand: a plan that somebody asked for over MCP or HTTP, and the belay that carries it out; or a
// backup, a verify or the like. Pure, but for its JSON form (docs/formats/errands.md).

#include "base/result.hpp"
#include "world/world.hpp"

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace errands {

struct Errand {
  std::string id;   // of a plan: that of its operation
  std::string kind; // "upgrade", "rollback", "backup", "verify", "drill", "restore", "forget",
                    // "commit", "abort"
  std::string stack;
  world::TimePoint at;                     // when it was asked for
  std::string face;                        // "mcp", "http"
  std::string key;                         // idempotency key of who asked; empty: none
  std::string asked;                       // its arguments, one a line, for who has the key again
  std::optional<world::TimePoint> expires; // of a plan: not begun after that
  std::string digest;                      // of a plan: SHA-256 of the bytes of plan.json
  std::optional<world::TimePoint> began;
  std::optional<world::ProcessId> process;
};

std::string to_json(const Errand& errand);
base::Result<Errand> errand_from_json(std::string_view text); // corrupt, too_new

// planned: nothing was begun. ended: by itself, or it died.
enum class Stage { planned, running, ended };

struct ErrandView {
  Errand errand;
  Stage stage = Stage::planned;
  bool has_expired = false;         // planned, and too old to be begun
  std::optional<int> status;        // its exit status when it ended; nothing: it died
  std::string outcome;              // of one that ended, see outcome_of()
  std::string detail;               // one line for people
  std::string hint;                 // what to do now; may be empty
  std::string step;                 // that was begun last
  bool has_begun_operation = false; // the operation is in the journal
  nlohmann::json result;            // the last line that tells what was done; null: none yet
};
std::string_view name_of(Stage stage); // "planned", "running", "ended"

// Fills what `log`, the end of what it printed, tells. For one that ended, `status` is set before.
void take_log(ErrandView& view, std::string_view log);

// What clients are shown; the same over MCP and HTTP.
nlohmann::json shown(const ErrandView& view);

std::string text_at(const nlohmann::json& line, const char* key); // "": there is none

// Names that stand in a path, and never lead out of their folder.
bool is_id(std::string_view text);

} // namespace errands
