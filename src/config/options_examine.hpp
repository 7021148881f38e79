#pragma once
// Options of `preflight`: a part of the one table (options.cpp).

#include "config/options.hpp"

#include <array>

namespace config {

inline constexpr std::string_view block_or_warn = "block warn";
inline constexpr std::string_view block_warn_off = "block warn off";

// Only what an operator may know better may be switched off.
constexpr Option level_option(std::string_view key, std::string_view values, std::string_view doc,
                              std::string_view by_default = "block") {
  return {.key = key, .type = Type::choice, .by_default = by_default, .doc = doc, .values = values};
}

inline constexpr std::array level_options{
    level_option("disk", block_or_warn, "Space on each file system that the upgrade writes to."),
    level_option("memory", block_warn_off, "Memory for the new release."),
    level_option("open-files", block_warn_off, "Limits of open files."),
    level_option("clock", block_warn_off, "The year, the newest record, and synchronisation."),
    level_option("environment", block_warn_off, "Variables that the new release asks for."),
    level_option("placeholders", block_warn_off, "Values that nobody filled in."),
    level_option("license", block_or_warn, "Licenses that expire or are not whole."),
    level_option("git", block_warn_off, "Checkouts with changes that are in no commit."),
    level_option("backups", block_or_warn, "Places for backups inside a store, or beside it."),
    level_option("claims", block_or_warn, "Others that claim a store."),
    level_option("other-hands", block_warn_off, "Cron lines, timers, watchdogs and updaters."),
    level_option("release-notes", block_warn_off,
                 "Release notes of a larger step than a patch are acknowledged.", "warn"),
};

inline constexpr std::array preflight_options{
    Option{.key = "disk_margin",
           .type = Type::size,
           .by_default = "256MiB",
           .doc = "Less than this left on a file system after the upgrade is a warning."},
    Option{.key = "memory_free",
           .type = Type::size,
           .by_default = "64MiB",
           .doc = "What must be available at least; never less than a quarter of what the services "
                  "use now is accepted."},
    Option{.key = "env_files",
           .type = Type::paths,
           .by_default = "[]",
           .doc =
               "Files with variables of the services, beside `env`. Config files that are called "
               "so (`.env`, `shop.env`) are looked at by themselves."},
    Option{.key = "examples",
           .type = Type::inner_paths,
           .by_default = "[.env.example, .env.sample, .env.template, docker-compose.yml, "
                         "docker-compose.yaml, compose.yml, compose.yaml, values.yaml]",
           .doc = "Files inside a release that name the variables which it asks for."},
    Option{.key = "required",
           .type = Type::words,
           .doc = "Variables that must be set and not empty, whatever a release says."},
    Option{.key = "licenses",
           .type = Type::list,
           .by_default = "[]",
           .doc = "JSON Web Tokens that must outlive the upgrade.",
           .shape = "license"},
    Option{.key = "git",
           .type = Type::paths,
           .by_default = "[]",
           .doc = "More folders whose git checkout must be clean, beside that of a release."},
    Option{.key = "backups",
           .type = Type::paths,
           .by_default = "[]",
           .doc = "Folders where other backups of the stores are kept."},
    Option{.key = "neighbours",
           .type = Type::paths,
           .by_default = "[]",
           .doc =
               "More folders and files to look for other stacks and compose files in, beside the "
               "project's folder and the ones next to it."},
    Option{.key = "hold",
           .type = Type::paths,
           .by_default = "[]",
           .doc =
               "Files in `/etc/cron.d` and its like that are kept from cron during an operation: "
               "renamed to `NAME.belay-held`, and back at its end."},
    Option{.key = "hold_lines",
           .type = Type::list,
           .by_default = "[]",
           .doc = "Lines of crontabs that are kept from cron during an operation: made a comment, "
                  "and given back at its end.",
           .shape = "hold_line"},
    Option{.key = "hold_units",
           .type = Type::words,
           .doc =
               "Timers and path units of systemd, as `refresh.timer`, that wake others than this "
               "stack's: stopped during an operation when they were active, and started again "
               "at its end."},
    Option{.key = "hold_containers",
           .type = Type::words,
           .doc = "Containers beside the stack's own that restart, replace or prune others, by "
                  "their names, as `guardian`: stopped during an operation when they ran, and "
                  "started again at its end."},
    Option{.key = "windows",
           .type = Type::list,
           .by_default = "[]",
           .doc = "When an upgrade may begin; none: always.",
           .shape = "window"},
    Option{.key = "evidence",
           .type = Type::list,
           .by_default = "[]",
           .doc = "What must be shown before an upgrade.",
           .shape = "evidence"},
    Option{.key = "levels",
           .type = Type::section,
           .doc = "How much a check may say, by its name.",
           .shape = "levels"},
};

inline constexpr std::array hold_line_options{
    Option{.key = "crontab",
           .type = Type::path,
           .doc = "The file, as `/var/spool/cron/crontabs/root`.",
           .is_required = true},
    Option{.key = "with",
           .type = Type::text,
           .doc = "A part of the line: every command line that it stands in is held.",
           .is_required = true},
};

inline constexpr std::array license_options{
    Option{.key = "name",
           .type = Type::name,
           .by_default = "license-{number}",
           .doc = "Its name in messages."},
    Option{.key = "token", .type = Type::secret, .doc = "The token.", .is_alternative = true},
    Option{.key = "variable",
           .type = Type::text,
           .doc = "The variable of a service, or of its env file, that holds the token.",
           .is_alternative = true},
    Option{
        .key = "claims", .type = Type::words, .doc = "Claims that it must have, as `license_id`."},
    Option{.key = "margin",
           .type = Type::duration,
           .by_default = "1d",
           .doc = "It must be valid for so long from now.",
           .high = 366LL * 86'400'000},
    Option{.key = "warn",
           .type = Type::duration,
           .by_default = "30d",
           .doc = "Warn when it is valid for less than this.",
           .high = 3660LL * 86'400'000},
};

inline constexpr std::array window_options{
    Option{.key = "days",
           .type = Type::words,
           .doc = "Days on which it begins: any of `mon tue wed thu fri sat sun`; every day when "
                  "they are not given."},
    Option{.key = "from", .type = Type::text, .doc = "UTC, as `22:00`.", .is_required = true},
    Option{.key = "to",
           .type = Type::text,
           .doc = "UTC; not after `from`: on the next day.",
           .is_required = true},
};

inline constexpr std::array evidence_options{
    Option{.key = "name",
           .type = Type::name,
           .doc = "Its name for `--evidence NAME=VALUE` and `--ack NAME`.",
           .is_required = true},
    Option{.key = "from",
           .type = Type::choice,
           .by_default = "patch",
           .doc = "The smallest step, by semver, that asks for it. A first release, and one whose "
                  "label is no version, count as `major`.",
           .values = "patch minor major"},
    Option{.key = "file",
           .type = Type::path,
           .doc = "Its first line is the evidence, when none is given on the command line."},
    Option{.key = "wanted",
           .type = Type::text,
           .doc = "A text that must be in it; `{to}` is the target."},
    Option{.key = "max_age",
           .type = Type::duration,
           .by_default = "0s",
           .doc = "It begins with a date (RFC 3339, or 2026-11-20) that is not older; 0s: any.",
           .high = 3660LL * 86'400'000},
};

} // namespace config
