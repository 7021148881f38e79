#pragma once
// Client: the Engine API of Docker (and Podman) on its UNIX socket. Calls, answers and errors;
// nothing here decides. Reasons: docs/adr/0012-docker-through-the-engine-api.md.
//
// What changes something says unknown_outcome when the engine went away in the middle: look, then
// ask again. A call that found nobody at the socket is repeated for a while when the engine has
// answered before, for engines are restarted.

#include "base/result.hpp"
#include "drivers/docker/json.hpp"
#include "world/world.hpp"

#include <optional>
#include <string>
#include <vector>

namespace drivers::docker {

struct ExecResult {
  int exit_code = 0;
  std::string out;
  std::string err;
};

class Client {
public:
  Client(world::World world, std::string socket) : world_{world}, socket_{std::move(socket)} {}

  const std::string& socket() const { return socket_; }
  // unavailable: no engine there, or not for us; the hint says which.
  base::Result<> check();

  // All of them, also those that do not run, as the engine lists them.
  base::Result<std::vector<Json>> containers();
  base::Result<std::optional<Json>> container(const std::string& id_or_name); // nullopt: none
  // Id of the new container. conflict: the name is taken.
  base::Result<std::string> create(const std::string& name, const Json& body);
  base::Result<> rename(const std::string& id, const std::string& name);
  base::Result<> start(const std::string& id); // of a running one: nothing
  // Asks, waits for `timeout`, kills; whether it did end is for the caller to look at.
  base::Result<> stop(const std::string& id, world::Milliseconds timeout);
  base::Result<> kill(const std::string& id);
  base::Result<> unpause(const std::string& id);
  base::Result<> set_restart_policy(const std::string& id, const Json& policy);
  // Never with its volumes. Idempotent.
  base::Result<> remove(const std::string& id);
  // What it said since `since` (RFC 3339, empty: all), its last `lines`; both streams in one.
  base::Result<std::string> logs(const std::string& id, int lines, const std::string& since,
                                 std::size_t bytes_max);
  base::Result<std::vector<int>> pids(const std::string& id); // on this machine
  // Run `argv` in a running container, to its end. failed: the output is longer than `bytes_max`.
  base::Result<ExecResult> exec(const std::string& id, const std::vector<std::string>& argv,
                                world::Milliseconds timeout, std::size_t bytes_max);

  base::Result<std::optional<Json>> image(const std::string& reference); // nullopt: not here
  // From the registry that the reference names.
  base::Result<> pull(const std::string& reference, world::Milliseconds timeout);
  base::Result<> tag(const std::string& id, const std::string& repository, const std::string& tag);
  // Take the name away; the image goes too when nothing else needs it. Idempotent.
  base::Result<> untag(const std::string& name);

  base::Result<std::optional<Json>> volume(const std::string& name); // nullopt: none
  base::Result<> connect(const std::string& network, const std::string& container,
                         const Json& endpoint);
  // Whether one container may be given several networks when it is created.
  base::Result<bool> creates_with_networks();

private:
  struct Call {
    std::string method = "GET";
    std::string path; // with the query
    std::string body; // JSON
    world::Milliseconds timeout{30'000};
    std::size_t bytes_max = 64U << 20U;
  };
  base::Result<> negotiate();
  base::Result<world::HttpResponse> send(const Call& call, const std::string& version);
  base::Result<world::HttpResponse> ask(const Call& call); // any status
  base::Result<Json> ask_json(const Call& call);           // 2xx
  base::Result<std::optional<Json>> find(const std::string& path);
  base::Result<> change(const Call& call);
  world::World world_;
  std::string socket_;
  std::string version_; // of the API, as agreed with the engine; empty: not asked yet
};

// A word in a URL.
std::string escaped(std::string_view text);
// "1.41" -> 141; 0 when it is none.
int version_number(std::string_view text);
// What we speak with an engine whose newest version is `offered`; invalid_input: it is too old.
base::Result<std::string> agreed_version(std::string_view offered);

// The engine's way to put two streams into one: 8 bytes (which, and how many), then these.
// corrupt when it is not that.
struct Streams {
  std::string out;
  std::string err;
  std::string both; // in the order in which they came
};
base::Result<Streams> unframed(std::string_view bytes);

} // namespace drivers::docker
