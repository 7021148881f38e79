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

} // namespace config
