#pragma once
// Throwaway: a Redis server that loads a copy of some data, tells what is in it, and goes.

#include "domain/stack.hpp"
#include "world/redis.hpp"
#include "world/world.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace drivers::redis {

using Fields = std::map<std::string, std::string>; // of INFO: "rdb_saves" to "3"
using Keys = std::map<std::string, std::uint64_t>; // database to keys: "db0" to 1200

Fields fields_of(const std::string& info);
Keys keys_of(const Fields& keyspace);
// "db0 12, db3 1"; "no keys".
std::string words_of(const Keys& keys);
Keys keys_in(const std::string& words);

// What the live server said of itself when it was asked last; unknown values are empty.
struct LiveServer {
  std::string version; // "7.0.15"
  std::string aof;     // "1" or "0"
  std::string rdb;     // name of the dump
};

// Loads a copy of `tree`, made in the folder `scratch`, which is removed again. corrupt: it does
// not load; failed: the server cannot be started, or is of another version. Leaves nothing running,
// and ends what an earlier belay, killed in there, has left.
base::Result<Keys> load(world::World world, world::Redis& redis, const domain::RedisSpec& spec,
                        const LiveServer& live, const std::string& tree,
                        const std::string& scratch);

} // namespace drivers::redis
