#pragma once
// Options of `repository`: a part of the one table (options.cpp).

#include "config/options.hpp"

#include <array>

namespace config {

inline constexpr Option place_path{
    .key = "path",
    .type = Type::text,
    .doc = "A folder, from that of belay.yaml on; or `sftp:host:/path`, `rest:https://host/path`, "
           "`s3:https://host/bucket`, as `--repo` takes them: docs/guide/repository.md.",
    .is_required = true};
inline constexpr Option place_password{.key = "password",
                                       .type = Type::secret,
                                       .doc = "Its password: `file:/etc/belay/password`, a file "
                                              "that only its owner may read, or `env:NAME`.",
                                       .is_required = true};

inline constexpr std::array place_options{place_path, place_password};

inline constexpr std::array repository_options{
    place_path,
    place_password,
    Option{.key = "copy_to",
           .type = Type::section,
           .doc = "A second place, which gets a copy of every restore point.",
           .shape = "place"},
};

} // namespace config
