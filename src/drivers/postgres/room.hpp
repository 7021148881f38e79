#pragma once
// Room: how much is free on the disk of the server's data, where that can be told.

#include "drivers/postgres/server.hpp"

#include <optional>

namespace drivers::postgres {

// nullopt: the role may not know the folder (pg_read_all_settings), or it is out of reach.
std::optional<std::uint64_t> free_on_server(world::World world, const Server& server,
                                            const Facts& facts);

// Why the database cannot be captured or brought back, each with what to do about it.
std::vector<std::string> problems_of(const Server& server, const Facts& facts);

} // namespace drivers::postgres
