#include "config/options.hpp"

#include "base/result.hpp"

#include <algorithm>
#include <array>

namespace config {
namespace {

constexpr std::int64_t second = 1000;
constexpr std::int64_t hour = 3600 * second;
constexpr std::int64_t day = 24 * hour;

constexpr std::array root{
    Option{.key = "stack",
           .type = Type::name,
           .doc = "Name of the stack, as the command line takes it.",
           .is_required = true},
    Option{.key = "runtime",
           .type = Type::runtime,
           .by_default = "process",
           .doc = "Who runs the services: `process` is belay itself."},
    Option{.key = "state",
           .type = Type::path,
           .by_default = "./.belay",
           .doc = "Folder for journals, restore points and records of this stack."},
    Option{.key = "env_file",
           .type = Type::paths,
           .by_default = "[]",
           .doc = "Files with variables for `${VAR}`, in compose's `.env` syntax; the environment "
                  "wins over them, and a later file over an earlier one. A single path may be "
                  "given without a list."},
    Option{.key = "services",
           .type = Type::named,
           .doc = "What runs, in the order in which it starts; stopped in reverse.",
           .shape = "service",
           .is_required = true},
    Option{.key = "stores",
           .type = Type::named,
           .by_default = "{}",
           .doc = "Where the data lives, in the order in which it is captured.",
           .shape = "store"},
    Option{.key = "config_files",
           .type = Type::paths,
           .by_default = "[]",
           .doc = "Files that belong to the set: captured with it and put back exactly."},
    Option{.key = "checks",
           .type = Type::list,
           .by_default = "[]",
           .doc = "Measured before the change and again after it.",
           .shape = "check"},
    Option{.key = "upgrade",
           .type = Type::section,
           .doc = "What an upgrade does besides stop, switch and start.",
           .shape = "upgrade"},
    Option{.key = "hooks",
           .type = Type::section,
           .doc = "Commands of your own at the points of an operation.",
           .shape = "hooks"},
    Option{.key = "triggers",
           .type = Type::list,
           .by_default = "[]",
           .doc = "What starts a way back while the new release is watched.",
           .shape = "trigger"},
    Option{
        .key = "keep", .type = Type::section, .doc = "How much is kept at least.", .shape = "keep"},
};

constexpr std::array service{
    Option{.key = "release",
           .type = Type::section,
           .doc = "Where a release comes from.",
           .shape = "release",
           .only_with = "run",
           .is_required = true},
    Option{.key = "releases",
           .type = Type::path,
           .by_default = "{state}/releases/{service}",
           .doc = "Folder of the release folders and of the `current` link.",
           .only_with = "run"},
    Option{.key = "run",
           .type = Type::words,
           .doc = "The command, as a list of words; no shell is involved. `{release}` is the "
                  "release folder, `{project}` the folder of belay.yaml. A first word with a slash "
                  "that is not absolute is inside the release folder.",
           .is_alternative = true},
    Option{.key = "driver",
           .type = Type::words,
           .doc = "A program of your own that makes, starts and stops it, as a list of words: see "
                  "docs/formats/driver-protocol.md. The name of the request is added to them.",
           .is_alternative = true},
    Option{.key = "timeout",
           .type = Type::duration,
           .by_default = "10m",
           .doc = "For one request to the driver.",
           .only_with = "driver",
           .low = 1,
           .high = day},
    Option{.key = "working_folder",
           .type = Type::path,
           .by_default = "{release}",
           .doc = "Where it runs.",
           .only_with = "run"},
    Option{.key = "env",
           .type = Type::variables,
           .by_default = "{}",
           .doc = "Variables for it, added to PATH, HOME, LANG and TZ; with `driver`, variables "
                  "for the driver. A value that begins with `file:` or `env:` is a secret "
                  "reference; `{ text: \"file:...\" }` is not."},
    Option{.key = "log",
           .type = Type::path,
           .by_default = "{state}/log/{service}.log",
           .doc = "Where its output is appended.",
           .only_with = "run"},
    Option{.key = "stop",
           .type = Type::section,
           .doc = "How it is asked to end.",
           .shape = "stop",
           .only_with = "run"},
    Option{
        .key = "ready", .type = Type::section, .doc = "When it counts as ready.", .shape = "ready"},
};

constexpr std::array release{
    Option{.key = "directory",
           .type = Type::path,
           .doc = "A folder that holds the release; it is copied. Must hold `{to}`.",
           .is_alternative = true},
    Option{.key = "archive",
           .type = Type::path,
           .doc = "A tar (any compression) or zip file; must hold `{to}`. Give `sha256` or "
                  "`checksums` with it.",
           .is_alternative = true},
    Option{.key = "command",
           .type = Type::words,
           .doc = "A command that makes the release in the fresh, empty folder in which it runs. "
                  "`{to}`, `{release}` and `{project}` are filled in; one word must hold `{to}`.",
           .is_alternative = true},
    Option{.key = "sha256",
           .type = Type::sha256,
           .doc = "Digest of the archive.",
           .only_with = "archive"},
    Option{.key = "checksums",
           .type = Type::path,
           .doc = "File with lines `<hex>  <name>`, as sha256sum writes them; may hold `{to}`.",
           .only_with = "archive"},
    Option{.key = "timeout",
           .type = Type::duration,
           .by_default = "10m",
           .doc = "For the command.",
           .only_with = "command",
           .low = 1,
           .high = day},
};

constexpr std::array stop{
    Option{.key = "signal",
           .type = Type::choice,
           .by_default = "TERM",
           .doc = "The signal that asks it to end.",
           .values = "TERM INT QUIT HUP"},
    Option{.key = "timeout",
           .type = Type::duration,
           .by_default = "20s",
           .doc = "How long it may take; then it is killed.",
           .low = 1,
           .high = hour},
};

constexpr std::array probe{
    Option{.key = "http", .type = Type::url, .doc = "Ask this URL.", .is_alternative = true},
    Option{.key = "tcp",
           .type = Type::endpoint,
           .doc = "Connect to this `host:port`.",
           .is_alternative = true},
    Option{.key = "run",
           .type = Type::words,
           .doc = "Run this command in the folder of belay.yaml; exit status 0 is good. "
                  "BELAY_STACK, BELAY_OPERATION and BELAY_TO are in its environment.",
           .is_alternative = true},
    Option{.key = "method",
           .type = Type::choice,
           .by_default = "GET",
           .doc = "The request's method.",
           .values = "GET HEAD POST PUT PATCH DELETE OPTIONS",
           .only_with = "http"},
    Option{.key = "headers",
           .type = Type::headers,
           .by_default = "{}",
           .doc = "The request's headers. Not for secrets: see `bearer`.",
           .only_with = "http"},
    Option{.key = "bearer",
           .type = Type::secret,
           .doc = "Secret for `Authorization: Bearer`.",
           .only_with = "http"},
    Option{.key = "body", .type = Type::text, .doc = "The request's body.", .only_with = "http"},
    Option{.key = "status",
           .type = Type::integer,
           .by_default = "200",
           .doc = "The status that is good; any other, a redirect too, is not.",
           .only_with = "http",
           .low = 100,
           .high = 599},
    Option{.key = "follow_redirects",
           .type = Type::boolean,
           .by_default = "false",
           .doc = "Follow redirects and judge where they end.",
           .only_with = "http"},
    Option{.key = "json",
           .type = Type::json_values,
           .by_default = "{}",
           .doc = "Values that the JSON answer must have, by path: `checks.db[0].ok: true`.",
           .only_with = "http"},
    Option{.key = "contains",
           .type = Type::text,
           .doc = "Text that the answer, or the command's output, must contain.",
           .only_with = "http run"},
    Option{.key = "timeout",
           .type = Type::duration,
           .by_default = "5s",
           .doc = "For one measurement.",
           .low = 1,
           .high = hour},
};

constexpr std::array ready{
    Option{.key = "process",
           .type = Type::boolean,
           .by_default = "true",
           .doc = "That its process lives is enough. This is so when no probe is given.",
           .is_alternative = true},
    Option{.key = "within",
           .type = Type::duration,
           .by_default = "60s",
           .doc = "The deadline.",
           .low = 1,
           .high = day},
    Option{.key = "every",
           .type = Type::duration,
           .by_default = "1s",
           .doc = "Pause between two measurements.",
           .low = 1,
           .high = hour},
    Option{.key = "consecutive",
           .type = Type::integer,
           .by_default = "3",
           .doc = "Good readings in a row that are wanted.",
           .low = 1,
           .high = 1000},
    Option{.key = "stable",
           .type = Type::duration,
           .by_default = "0s",
           .doc = "Time that these readings must span at least.",
           .high = day},
    Option{.key = "foreign",
           .type = Type::boolean,
           .by_default = "false",
           .doc = "Accept an answer from a process that is not this service's, as behind a proxy.",
           .only_with = "http tcp"},
};

constexpr std::array check{
    Option{.key = "name",
           .type = Type::name,
           .by_default = "check-{number}",
           .doc = "Its name in reports and for triggers."},
    Option{.key = "process",
           .type = Type::boolean,
           .doc = "`true`: the process of `service` lives.",
           .is_alternative = true},
    Option{.key = "service",
           .type = Type::name,
           .doc = "The service whose process must answer on this port."},
    Option{.key = "value",
           .type = Type::text,
           .doc = "JSON path of a number in the answer, for the bounds.",
           .only_with = "http run"},
    Option{.key = "min", .type = Type::number, .doc = "The number must not be below."},
    Option{.key = "max", .type = Type::number, .doc = "The number must not be above."},
    Option{.key = "min_of_baseline",
           .type = Type::number,
           .doc = "Ratio to the number before the change: with 1.0 it must not have fallen."},
    Option{.key = "max_of_baseline",
           .type = Type::number,
           .doc = "Ratio to the number before the change that it must not exceed."},
};

constexpr std::array smoke{
    Option{.key = "name",
           .type = Type::name,
           .by_default = "smoke-{number}",
           .doc = "Its name in reports and for triggers."},
    Option{.key = "process",
           .type = Type::boolean,
           .doc = "`true`: the process of `service` lives.",
           .is_alternative = true},
    Option{.key = "service",
           .type = Type::name,
           .doc = "The service whose process must answer on this port."},
};

constexpr std::array store{
    Option{.key = "directory",
           .type = Type::path,
           .doc = "A folder with everything below it.",
           .is_alternative = true},
    Option{.key = "sqlite",
           .type = Type::path,
           .doc = "An SQLite database file.",
           .is_alternative = true},
    Option{.key = "driver",
           .type = Type::words,
           .doc = "A program of your own that looks after the data, as a list of words: see "
                  "docs/formats/driver-protocol.md. The name of the request is added to them.",
           .is_alternative = true},
    Option{.key = "env",
           .type = Type::variables,
           .by_default = "{}",
           .doc = "Variables for the driver; secret references as for a service.",
           .only_with = "driver"},
    Option{.key = "timeout",
           .type = Type::duration,
           .by_default = "10m",
           .doc = "For one request to the driver.",
           .only_with = "driver",
           .low = 1,
           .high = day},
    Option{.key = "exclude",
           .type = Type::inner_paths,
           .by_default = "[]",
           .doc = "Paths inside it that are kept out and left alone. With a store of its own among "
                  "them, its kept copies and SQLite's -wal, -shm and -journal files are left "
                  "out too.",
           .only_with = "directory"},
    Option{.key = "layout",
           .type = Type::inner_paths,
           .by_default = "[]",
           .doc = "Files inside it that tell the layout of the data: when none of them changed, "
                  "the data may stay on a way back. Without any, every change brings it back.",
           .only_with = "directory"},
};

constexpr std::array upgrade{
    Option{.key = "migrate",
           .type = Type::list,
           .by_default = "[]",
           .doc = "Commands that run once, in this order, while the services are stopped.",
           .shape = "command"},
    Option{.key = "smoke",
           .type = Type::list,
           .by_default = "[]",
           .doc = "Probes that must all be good once, after every service is ready.",
           .shape = "smoke"},
    Option{.key = "watch",
           .type = Type::duration,
           .by_default = "1m",
           .doc = "How long the new release is watched before it is accepted; 0s: not at all.",
           .high = 7 * day},
    Option{.key = "watch_every",
           .type = Type::duration,
           .by_default = "2s",
           .doc = "Pause between two rounds of measurements in the watch.",
           .low = 1,
           .high = hour},
};

constexpr Option hook(std::string_view key, std::string_view doc) {
  return {.key = key, .type = Type::list, .by_default = "[]", .doc = doc, .shape = "command"};
}

constexpr std::array hooks{
    hook("pre_check", "First of all. Exit status 75 (not now) pauses; any other but 0 blocks."),
    hook("pre_quiesce",
         "Before anything is stopped. 75 pauses; any other but 0 ends it unchanged."),
    hook("post_secure", "After the restore point is complete, with everything stopped."),
    hook("post_start", "After the new release was started, before it is judged."),
    hook("pre_rollback", "Before a way back stops anything. Its failure is noted and passed over."),
    hook("post_rollback", "After a way back was verified. Its failure is noted and passed over."),
};

constexpr std::array command{
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
           .high = day},
};

constexpr std::array trigger{
    Option{.key = "name",
           .type = Type::name,
           .by_default = "trigger-{number}",
           .doc = "Its name in reports."},
    Option{.key = "probe",
           .type = Type::text,
           .doc = "The probe it looks at: `<service>.ready`, or the name of a check or smoke.",
           .is_required = true},
    Option{.key = "failing_for",
           .type = Type::duration,
           .doc = "How long the probe must fail without one good reading.",
           .low = 1,
           .high = 7 * day,
           .is_required = true},
    Option{.key = "level",
           .type = Type::choice,
           .by_default = "auto",
           .doc = "How far to go back; `auto` decides from evidence.",
           .values = "auto restart release data full"},
};

constexpr std::array keep{
    Option{.key = "points",
           .type = Type::integer,
           .by_default = "2",
           .doc = "Restore points.",
           .low = 1,
           .high = 1000},
    Option{.key = "abandoned",
           .type = Type::integer,
           .by_default = "2",
           .doc = "States that a way back swapped out.",
           .low = 1,
           .high = 1000},
    Option{.key = "releases",
           .type = Type::integer,
           .by_default = "3",
           .doc = "Release folders of each service.",
           .low = 2,
           .high = 1000},
};

constexpr std::array shapes{
    Shape{"file", "The file", "At the top of belay.yaml.", root, {}},
    Shape{"service",
          "services.NAME",
          "One long-running part of the stack: belay runs it (`run`), or a program of yours does "
          "(`driver`).",
          service,
          {}},
    Shape{"release",
          "services.NAME.release",
          "Exactly one of `directory`, `archive` and `command`.",
          release,
          {}},
    Shape{"stop", "services.NAME.stop", "How a service is asked to end.", stop, {}},
    Shape{"ready", "services.NAME.ready",
          "A probe and how it is judged: at most one of `http`, `tcp`, `run` and `process`. When "
          "the probe asks this machine, the process behind the port must be this service's.",
          ready, probe},
    Shape{"store",
          "stores.NAME",
          "One place where data lives: `directory`, `sqlite` or `driver`.",
          store,
          {}},
    Shape{"check", "checks[]",
          "A probe, exactly one of `http`, `tcp`, `run` and `process`, and bounds for its number.",
          check, probe},
    Shape{
        "upgrade", "upgrade", "What an upgrade does besides stop, switch and start.", upgrade, {}},
    Shape{"command", "upgrade.migrate[], hooks.POINT[]", "One command.", command, {}},
    Shape{
        "hooks",
        "hooks",
        "Each point is a list of commands, run in order up to the first that fails. After a crash "
        "a point may run again.",
        hooks,
        {}},
    Shape{"smoke", "upgrade.smoke[]", "A probe: exactly one of `http`, `tcp`, `run` and `process`.",
          smoke, probe},
    Shape{"trigger", "triggers[]", "A rule that starts a way back.", trigger, {}},
    Shape{"keep", "keep", "Kept at least, the newest first.", keep, {}},
};

} // namespace

std::span<const Shape> all_shapes() {
  return shapes;
}

const Shape& shape_named(std::string_view name) {
  const auto at = std::ranges::find(shapes, name, &Shape::name);
  CHECK(at != shapes.end());
  return *at;
}

} // namespace config
