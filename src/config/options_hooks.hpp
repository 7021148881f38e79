#pragma once
// Options of `hooks` and of each command of the user's: a part of the one table (options.cpp).

#include "config/options.hpp"

#include <array>

namespace config {

constexpr Option hook_option(std::string_view key, std::string_view doc) {
  return {.key = key, .type = Type::list, .by_default = "[]", .doc = doc, .shape = "command"};
}

inline constexpr std::array hook_options{
    hook_option("pre_check",
                "First of all. Exit status 75 (not now) pauses; any other but 0 blocks."),
    hook_option("pre_quiesce",
                "Before anything is stopped. 75 pauses; any other but 0 ends it unchanged."),
    hook_option("post_secure", "After the restore point is complete, with everything stopped."),
    hook_option("post_start", "After the new release was started, before it is judged."),
    hook_option("post_ready", "After every service of the new release is ready, before the smoke "
                              "tests."),
    hook_option("pre_rollback",
                "Before a way back stops anything. Its failure is noted and passed over."),
    hook_option("post_rollback",
                "After a way back was verified. Its failure is noted and passed over."),
};

inline constexpr std::array command_options{
    Option{.key = "run",
           .type = Type::words,
           .doc = "The command; it runs in the folder of belay.yaml with BELAY_STACK, "
                  "BELAY_OPERATION, BELAY_KIND, BELAY_TO, BELAY_POINT, BELAY_WHY and, as a hook, "
                  "BELAY_HOOK in its environment.",
           .is_required = true},
    Option{.key = "timeout",
           .type = Type::duration,
           .by_default = "10m",
           .doc = "How long it may take; then it is ended and counts as failed.",
           .low = 1,
           .high = 86'400'000},
};

inline constexpr Option rehearse_option{
    .key = "rehearse",
    .type = Type::choice,
    .by_default = "auto",
    .doc = "Whether the pending SQL files of PostgreSQL stores run on a copy of this moment's data "
           "before anything is stopped; what fails there ends the upgrade. `auto`: where there is "
           "room, up to 16 GiB; `always`: an upgrade that cannot is refused; `never`.",
    .values = "auto always never"};

inline constexpr std::array migration_options{
    Option{.key = "run",
           .type = Type::words,
           .doc = "The command, as for a hook. It runs once and never twice.",
           .is_alternative = true},
    Option{.key = "sql",
           .type = Type::path,
           .doc = "A folder of SQL files, applied in the natural order of their names, each once "
                  "and in one transaction with its line in the ledger. May hold `{to}`.",
           .is_alternative = true},
    Option{.key = "store",
           .type = Type::name,
           .doc = "The SQLite or PostgreSQL store that the files are for; the one there is if left "
                  "out.",
           .only_with = "sql"},
    Option{.key = "ledger",
           .type = Type::text,
           .doc =
               "PostgreSQL: the table of your own runner, such as `_schema_migrations`, in which "
               "each applied file is written, as far as it has columns for it. Without it belay "
               "keeps `belay_migrations`.",
           .only_with = "sql"},
    Option{.key = "class",
           .type = Type::choice,
           .by_default = "change",
           .doc = "`expand` only adds, so the release before works with it: runs before the "
                  "switch. `contract` takes away what only the release before needed. `change`: "
                  "nobody has said; for PostgreSQL the statements tell then. A file may say it of "
                  "itself: `-- belay: expand`.",
           .values = "change expand contract"},
    Option{.key = "compatible",
           .type = Type::boolean,
           .by_default = "false",
           .doc = "The release before works with what it leaves, so that the release alone may go "
                  "back. `expand` says so already."},
    Option{.key = "timeout",
           .type = Type::duration,
           .by_default = "10m",
           .doc = "How long the command, or one file, may take; then it counts as failed.",
           .low = 1,
           .high = 86'400'000},
};

} // namespace config
