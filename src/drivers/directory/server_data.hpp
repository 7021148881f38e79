#pragma once
// Server data: the data folder of a PostgreSQL server in a store. What is copied of one that runs,
// was killed, or keeps a part of itself elsewhere, is no copy, and nothing of it shows so.

#include "world/files.hpp"

#include <string>
#include <vector>

namespace drivers::directory {

// Data folders that are `root` or at most two folders below it, but for what is excluded. One
// behind a link is not in the store. Folders with more than 1000 names are not looked into.
base::Result<std::vector<std::string>> find_server_data(world::Files& files,
                                                        const std::string& root,
                                                        const std::vector<std::string>& exclude);

// What of it is elsewhere, and so in no copy, with what to do about it; empty: it is whole.
base::Result<std::vector<std::string>> missing_in_server_data(world::Files& files,
                                                              const std::string& folder);
// conflict, unless its server was shut down and everything is in it. Read-only.
base::Result<> refuse_unless_shut_down(world::Files& files, const std::string& folder);
// conflict, when a server of this machine runs on it. One in a container is not seen. Read-only.
base::Result<> refuse_running_server(world::Files& files, const std::string& folder);

} // namespace drivers::directory
