#pragma once
// World: every way this program can touch, or be touched by, anything outside itself.
// Production code never calls the OS but through these ports; `os` is the real World, `sim` the
// one in memory with faults. One call of a mutating member is one effect: the unit of faults.

#include "world/clock.hpp"
#include "world/events.hpp"
#include "world/files.hpp"
#include "world/http.hpp"
#include "world/processes.hpp"
#include "world/random.hpp"
#include "world/sqlite.hpp"
#include "world/trees.hpp"

namespace world {

// A plain struct of references: passed by value, built once in main() or in a test.
// What it refers to must outlive every copy.
struct World {
  Files& files;
  Trees& trees;
  Processes& processes;
  Http& http;
  Sqlite& sqlite;
  Clock& clock;
  Random& random;
  Events& events;
};

} // namespace world
