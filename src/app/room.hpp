#pragma once
// Room: whether file systems hold what is about to be written to them.

#include "app/app.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace app {

class Room {
public:
  explicit Room(world::Files& files) : files_{files} {}
  // So many bytes will come to be at `path`, which need not be there yet.
  base::Result<> need(std::string path, std::uint64_t bytes);
  // no_space, with the first file system that has too little.
  base::Result<> check() const;
  static base::Error too_little(const std::string& where, std::uint64_t bytes, std::uint64_t free);

private:
  struct Need {
    std::uint64_t bytes = 0;
    std::uint64_t free_bytes = 0;
    std::string path;
  };
  world::Files& files_;
  std::map<std::uint64_t, Need> needs_; // by file system
};

} // namespace app
