#pragma once
// Place: from what a user writes after --repo to a backend, with its decorators.
//
//   /srv/backup, ./backup, local:/srv/backup      a folder of this machine
//   rest:https://user:password@host:8000/path     a server that speaks restic's REST protocol
//   sftp:user@host:/path, sftp://user@host:port//path   a server that ssh reaches
//   s3:https://host/bucket/folder                 a bucket of Amazon S3, or of what is compatible

#include "repo/backend/limits.hpp"
#include "world/channels.hpp"
#include "world/clock.hpp"
#include "world/files.hpp"
#include "world/http.hpp"
#include "world/random.hpp"
#include "world/traffic.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace repo::backend {

struct Place {
  std::string location; // a folder must be absolute
  Limit limit;
  std::vector<std::pair<std::string, std::string>> options; // "rest.ca-file" and its value
  std::map<std::string, std::string> environment;           // where credentials may stand
  std::function<void(const std::string&)> notice;           // hears why a backend waits
  world::Traffic* traffic = nullptr; // of a place elsewhere; must outlive its backend
};

struct PlacePorts {
  world::Files& files;
  world::Http& http;
  world::Channels& channels;
  world::Clock& clock;
  world::Random& random;
};

// True when `location` names another machine; then it is no path.
bool is_remote(const std::string& location);

// Touches nothing yet. invalid_input: no such form, an unknown option, or no credentials; the
// message never holds a password.
base::Result<std::unique_ptr<Backend>> open_place(const Place& place, const PlacePorts& ports);

// Takes `more` into the environment of the place. The variables of one login go together: where
// `more` has one of them, none of the others stays that `more` has not.
void put_variables(Place& place, const std::map<std::string, std::string>& more);
// What of `more` is not 0 counts instead.
void put_limit(Place& place, const Limit& more);
// What is set already is set anew.
void put_option(Place& place, const std::string& name, const std::string& value);

// The value of that option, or variable; "": it is not set.
std::string option_of(const Place& place, std::string_view name);
std::string variable_of(const Place& place, const std::string& name);

} // namespace repo::backend
