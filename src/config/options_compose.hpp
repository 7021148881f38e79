#pragma once
// Options of a compose project; a part of the one table in options.cpp.

#include "config/options.hpp"

#include <array>

namespace config {

inline constexpr std::array compose_options{
    Option{.key = "files",
           .type = Type::paths,
           .by_default = "[]",
           .doc = "The compose files, in the order in which compose is given them."},
    Option{.key = "project",
           .type = Type::text,
           .doc =
               "The name of the project, as `docker compose ls` shows it. Without it, the name of "
               "the folder, as compose makes it. Another name means other, empty volumes."},
    Option{.key = "profiles", .type = Type::words, .doc = "Profiles that are enabled."},
    Option{.key = "env_file", .type = Type::path, .doc = "File of variables instead of `.env`."},
};

} // namespace config
