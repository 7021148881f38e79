#pragma once
// Compose: the user's own `docker compose` (or `docker-compose` 1.29), asked what its files mean
// and told to bring one service up. It never sees a file of belay's beside the user's but one that
// names the image and our labels; what it makes of all of them is frozen and used from then on.

#include "domain/stack.hpp"
#include "world/world.hpp"

#include <optional>
#include <string>
#include <vector>

namespace drivers::docker {

// A service as compose means it.
struct Resolved {
  std::string text; // all files in one, in compose's own form, without variables
  std::string hash; // compose's own, of this service
};

class Compose {
public:
  Compose(world::World world, domain::ComposeSpec spec, std::string project_folder,
          std::string socket, std::string tag)
      : world_{world}, spec_{std::move(spec)}, project_folder_{std::move(project_folder)},
        socket_{std::move(socket)}, tag_{std::move(tag)} {}

  const domain::ComposeSpec& spec() const { return spec_; }
  // invalid_input: the files are not valid, with what compose says of them.
  base::Result<std::vector<std::string>> services();
  base::Result<std::vector<std::string>> volumes(); // without the name of the project
  // With `over`, a compose file in JSON, after the user's own.
  base::Result<std::string> hash(const std::string& service, const std::string& over);
  base::Result<std::string> text(const std::string& over); // empty: without one
  // From one frozen file. Idempotent. failed: with what compose says.
  base::Result<> up(const std::string& file, const std::string& service);

private:
  const std::vector<std::string>& program();
  base::Result<std::string> run(const std::vector<std::string>& files,
                                const std::vector<std::string>& words, world::Milliseconds timeout);
  base::Result<std::string> config(const std::string& over, const std::vector<std::string>& words);
  // What `config` says of the user's own files; asked again when one of them has changed.
  base::Result<std::string> said();
  base::Result<> wait_for_earlier_calls();
  world::World world_;
  domain::ComposeSpec spec_;
  std::string project_folder_;
  std::string socket_;
  std::string tag_; // by which a call of ours is found that outlived us
  std::vector<std::string> program_;
  std::string stamp_; // of the files that `said_` is of
  std::optional<std::string> said_;
};

// What a compose file in compose's own form says of a key of a service: "image", "build"; empty:
// nothing.
std::string said_of(std::string_view text, const std::string& service, const std::string& key);
// The keys of one of its sections, "services" or "volumes".
std::vector<std::string> keys_of(std::string_view text, const std::string& section);

} // namespace drivers::docker
