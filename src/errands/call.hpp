#pragma once
// Call: an errand that only looks. It is waited for, its answer is taken, and nothing of it stays.

#include "errands/place.hpp"

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace errands {

struct Said {
  std::optional<int> status;         // its exit status; nothing: it died
  std::vector<nlohmann::json> lines; // the objects that it printed, events of an error too
  std::string words;                 // what else it said, for people
};

// What `belay --json` printed, one object a line; anything else is for people.
Said said_in(std::string_view log);
// Why it did not end well, from what it said.
base::Error error_of(const Said& said);

class Call {
public:
  static base::Result<Call> begin(const Place& place, const std::vector<std::string>& arguments);
  // Ends it when it still runs.
  ~Call();
  Call(Call&& other) noexcept;
  Call& operator=(Call&&) = delete;
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // Nothing: not yet. unavailable: it took over ten minutes, and was ended. Waits for nothing.
  base::Result<std::optional<Said>> poll();

private:
  struct Running;
  explicit Call(std::unique_ptr<Running> running);
  std::unique_ptr<Running> running_;
};

} // namespace errands
