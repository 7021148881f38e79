#pragma once
// Rest: a repository behind a server that speaks restic's REST protocol (restic's
// doc/100_references, "REST backend"): rest-server, rclone serve restic.

#include "repo/backend/place.hpp"

namespace repo::backend {

// `place.location`: "rest:https://user:password@host:8000/path". User and password may also stand
// in the variables RESTIC_REST_USERNAME and RESTIC_REST_PASSWORD. Option: rest.ca-file.
// What is durable when save() returns is up to the server. Lists come with sizes (version 2 of the
// protocol); a server of version 1 is asked for the size of each file.
base::Result<std::unique_ptr<Backend>> open_rest(const Place& place, const PlacePorts& ports);

} // namespace repo::backend
