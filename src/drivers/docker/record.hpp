#pragma once
// Record: all that is needed to make a container again: what its owner has said when it was made,
// without what came from its image. docs/formats/container-record.md.

#include "base/result.hpp"
#include "domain/runtime.hpp"
#include "drivers/docker/client.hpp"

#include <string>
#include <utility>
#include <vector>

namespace drivers::docker {

struct Record {
  std::string name;      // of the container
  std::string image;     // id: "sha256:..."
  std::string reference; // by which it was asked for; for people
  std::string pin;       // our own name for the image
  std::string container; // id of the one that this is read from, when it is to come back; or empty
  Json config = Json::object();
  Json host = Json::object();     // with the restart policy that it has when nothing is held
  Json networks = Json::object(); // name to endpoint
};

// From what the engine says of a container and of its image. `networks_mode_name`: filled in where
// the container says an id.
Record record_of(const Json& container, const Json& image);
// Variables that belay.yaml gives, over those that are there.
void set_environment(Record& record,
                     const std::vector<std::pair<std::string, std::string>>& variables);
// Identity: of the image and of everything that the owner has said. Hexadecimal SHA-256.
std::string digest_of(const Record& record);

// The network that the container is made with; empty: by its mode alone ("host", "none").
std::string first_network(const Record& record);
// What is handed to the engine. It never restarts by itself: whoever lets it go, says that it may.
Json create_body(const Record& record, const Json& labels, bool with_all_networks);
Json restart_policy(const Record& record);

std::string text_of(const Record& record);
base::Result<Record> record_in(std::string_view text); // corrupt

// Volumes without a name of its owner's: their data goes when somebody removes them unseen.
std::vector<std::string> unnamed_volumes(const Json& container);

// Volumes and folders of this machine that a container has mounted, from `inspect`.
std::vector<domain::Mount> mounts_of(const Json& container);

} // namespace drivers::docker
