#pragma once
// Init: a first belay.yaml from what is here. Changes nothing but the new file.

#include "app/app.hpp"
#include "discovery/draft.hpp"

#include <string>

namespace app {

// `host.config_path` is the file to be written; its folder is looked at.
base::Result<discovery::Seen> discover(const Host& host);
// failed: the file exists, and was not touched.
base::Result<> check_absent(const Host& host);
// The text is read as `belay config` would read it: a file that it would refuse is never written.
base::Result<config::Loaded> check_draft(const Host& host, const std::string& text);
// Writes the file of `host.config_path`; never over another, also not over one made meanwhile.
base::Result<> write_draft(const Host& host, const std::string& text);

} // namespace app
