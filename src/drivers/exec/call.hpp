#pragma once
// Call: one request to a program of the user's own, bounded in time and size, and its answer.
// The protocol: docs/formats/driver-protocol.md.

#include "domain/stack.hpp"
#include "world/world.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace drivers::exec {

inline constexpr int protocol_version = 1;
inline constexpr std::size_t answer_bytes_max = 1U << 20U;

using SecretReader = std::function<base::Result<std::string>(const domain::SecretRef&)>;

// Where calls are made from: the same for all drivers of a stack.
struct Site {
  std::string stack;
  std::string project_folder;
  std::string state_folder; // drivers get folders of their own below it
  SecretReader read_secret;
};

// Whose driver is called.
struct Subject {
  std::string kind; // "runtime" or "store"
  std::string name; // of the service or store
  const domain::DriverSpec& driver;
  std::string words() const; // "driver './mine' of store 'db'"
};

enum class Nature {
  glance, // looks only, within a short time
  look,   // looks only
  change, // alone, and made again while the driver says "not now"
};

struct Request {
  std::string name;
  Nature nature = Nature::look;
  std::vector<std::pair<std::string, std::string>> texts; // further fields
  std::vector<std::pair<std::string, std::uint64_t>> numbers;
};

// What a driver answered. A missing or mistyped field is invalid_input that names it.
class Answer {
public:
  Answer(std::string whose, std::shared_ptr<const nlohmann::json> object)
      : whose_{std::move(whose)}, object_{std::move(object)} {}

  // A name that is handed back later: not empty, one line, at most 4,096 bytes.
  base::Result<std::string> identity(const std::string& field) const;
  base::Result<std::optional<std::string>> identity_or_null(const std::string& field) const;
  base::Result<bool> truth(const std::string& field) const;
  base::Result<std::uint64_t> number(const std::string& field) const;
  base::Result<std::uint64_t> number_or_0(const std::string& field) const;
  base::Result<std::string> text(const std::string& field) const;          // printable
  base::Result<std::string> text_or_empty(const std::string& field) const; // printable
  base::Result<std::vector<std::string>> texts_or_none(const std::string& field) const;

private:
  const nlohmann::json* find(const std::string& field) const; // nullptr: absent
  base::Error wrong(const std::string& field, const std::string& wanted) const;
  std::string whose_; // "driver './mine' of store 'db' answered 'protect'"
  std::shared_ptr<const nlohmann::json> object_;
};

class Caller {
public:
  Caller(world::World world, Site site) : world_{world}, site_{std::move(site)} {}

  // unknown_outcome when it was not done in time; unavailable for "not now" and while an earlier
  // call is still at work; corrupt, not_found and failed as the driver says; too_new and
  // invalid_input when what it says is not the protocol.
  base::Result<Answer> ask(const Subject& subject, const Request& request);
  // It answers `describe` as a driver of this kind.
  base::Result<> check_kind(const Subject& subject);
  std::string folder_of(const Subject& subject) const; // its own

private:
  base::Result<world::Output> call(const Subject& subject, const Request& request,
                                   world::Milliseconds timeout);
  base::Result<world::Environment> environment_of(const Subject& subject,
                                                  const nlohmann::json& fields);
  base::Result<> wait_for_calls(const Subject& subject, world::Milliseconds limit,
                                const std::string& hint);
  std::string key_of(const Subject& subject) const;
  world::World world_;
  Site site_;
};

} // namespace drivers::exec
