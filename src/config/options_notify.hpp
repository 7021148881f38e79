#pragma once
// Options of `notify`: a part of the one table (options.cpp).

#include "config/options.hpp"

#include <array>

namespace config {

inline constexpr std::string_view notices =
    "start success rolled_back needs_operator failed paused";

inline constexpr std::array notify_options{
    Option{.key = "run",
           .type = Type::words,
           .doc = "Run this command in the folder of belay.yaml, with BELAY_EVENT, BELAY_TEXT, "
                  "BELAY_STACK, BELAY_OPERATION, BELAY_TO and BELAY_WHY in its environment.",
           .is_alternative = true},
    Option{.key = "webhook",
           .type = Type::url,
           .doc = "POST a JSON object with these as `event`, `text`, `stack`, `operation`, `to` "
                  "and `why`; any status from 200 to 299 is good.",
           .is_alternative = true},
    Option{.key = "smtp",
           .type = Type::text,
           .doc = "Send a mail through this server: `smtp://host:587` (TLS when it offers it, and "
                  "always with a password) or `smtps://host:465`.",
           .is_alternative = true},
    Option{.key = "bearer",
           .type = Type::secret,
           .doc = "Secret for `Authorization: Bearer`.",
           .only_with = "webhook"},
    Option{.key = "from",
           .type = Type::text,
           .doc = "The sender's address.",
           .only_with = "smtp",
           .is_required = true},
    Option{.key = "to",
           .type = Type::words,
           .doc = "The receivers' addresses.",
           .only_with = "smtp",
           .is_required = true},
    Option{.key = "user", .type = Type::text, .doc = "Name for the server.", .only_with = "smtp"},
    Option{.key = "password",
           .type = Type::secret,
           .doc = "Password for the server.",
           .only_with = "smtp"},
    Option{.key = "on",
           .type = Type::words,
           .doc = "What is told: any of `start`, `success`, `rolled_back`, `needs_operator`, "
                  "`failed` and `paused`. Everything, when it is not given.",
           .values = notices},
    Option{.key = "timeout",
           .type = Type::duration,
           .by_default = "10s",
           .doc = "For one attempt; there are three, the start has one.",
           .low = 100,
           .high = 60'000},
};

} // namespace config
