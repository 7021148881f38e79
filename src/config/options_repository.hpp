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

inline constexpr Option place_settings{
    .key = "options",
    .type = Type::section,
    .doc = "Options of a place on another machine, as `-o NAME=VALUE` takes them.",
    .shape = "place_options"};
inline constexpr Option place_env{
    .key = "env",
    .type = Type::variables,
    .doc = "Its credentials: any of `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, "
           "`AWS_SESSION_TOKEN`, `AWS_PROFILE`, `AWS_SHARED_CREDENTIALS_FILE`, `AWS_REGION`, "
           "`AWS_DEFAULT_REGION`, `RESTIC_REST_USERNAME` and `RESTIC_REST_PASSWORD`, each "
           "`file:PATH`, `env:NAME` or a text. Those of belay's own environment count for what "
           "is not named here."};
inline constexpr Option place_limit_upload{
    .key = "limit_upload",
    .type = Type::size,
    .doc = "Send at most this a second, as `--limit-upload`: `2MiB`."};
inline constexpr Option place_limit_download{
    .key = "limit_download", .type = Type::size, .doc = "Receive at most this a second."};

inline constexpr std::array place_options{place_path, place_password,     place_settings,
                                          place_env,  place_limit_upload, place_limit_download};

inline constexpr std::array place_settings_options{
    Option{.key = "sftp.args",
           .type = Type::text,
           .doc = "Words added to the call of `ssh`: `-i /etc/belay/key`."},
    Option{.key = "sftp.command",
           .type = Type::text,
           .doc = "What is called instead: `ssh host -s sftp`."},
    Option{.key = "rest.ca-file",
           .type = Type::path,
           .doc = "Certificates to trust instead of the system's."},
    Option{.key = "s3.ca-file",
           .type = Type::path,
           .doc = "Certificates to trust instead of the system's."},
    Option{.key = "s3.region",
           .type = Type::text,
           .doc = "Of the bucket; else what the variables or an Amazon host say, or `us-east-1`."},
    Option{.key = "s3.bucket-lookup",
           .type = Type::choice,
           .doc = "Where the bucket stands: in the name of the host, in the path, or the first "
                  "for Amazon only (`auto`, also when left out).",
           .values = "auto dns path"},
    Option{.key = "s3.part-size",
           .type = Type::size,
           .doc = "What is larger is sent in parts of this size: 5MiB to 5GiB; 64MiB when left "
                  "out."},
};

inline constexpr std::array repository_options{
    place_path,
    place_password,
    place_settings,
    place_env,
    place_limit_upload,
    place_limit_download,
    Option{.key = "copy_to",
           .type = Type::section,
           .doc = "A second place, which gets a copy of every restore point.",
           .shape = "place"},
};

} // namespace config
