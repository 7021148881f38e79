#pragma once
// Stack: what is upgraded as one, as belay.yaml says it. Plain values, validated by `config`.
// All paths are absolute; `${VAR}` is already expanded; placeholders in braces are not:
// {to} the target of the upgrade, {release} the release folder, {project} belay.yaml's folder.

#include "domain/outcome.hpp"
#include "domain/preflight_spec.hpp"
#include "domain/probe.hpp"
#include "domain/secret_ref.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace domain {

enum class ReleaseSourceKind { folder, archive, command };

// How a release folder is made, always fresh, never over the running one.
struct ReleaseSource {
  ReleaseSourceKind kind = ReleaseSourceKind::folder;
  std::string path;      // folder or archive, may hold {to}
  std::string checksums; // archive: SHA256SUMS-like file ("<hex>  <name>"), may hold {to}
  std::string sha256;    // archive: the digest itself, instead of `checksums`
  std::vector<std::string> command; // run in the new folder
  Milliseconds timeout{600000};
};

struct EnvironmentEntry {
  std::string name;
  std::variant<std::string, SecretRef> value;
};

struct StopPolicy {
  std::string signal = "TERM"; // TERM INT QUIT HUP
  Milliseconds timeout{20000}; // then KILL. docker, 0: as the container says
};

// A program of the user's own that speaks docs/formats/driver-protocol.md.
struct DriverSpec {
  std::vector<std::string> argv;             // argv[0] absolute, or looked up in PATH
  std::vector<EnvironmentEntry> environment; // added to belay's; here secrets may be
  Milliseconds timeout{600000};              // of one call
};

enum class RuntimeKind { process, systemd, exec, docker, compose };

struct ServiceSpec {
  std::string name;
  RuntimeKind runtime = RuntimeKind::process;
  ReleaseSource release;
  std::string releases_folder; // default: <state>/releases/<service>
  // argv; a relative argv[0] with a slash is inside the release. systemd: empty when the unit file
  // itself runs from the `current` link.
  std::vector<std::string> run;
  std::string unit;            // systemd: "web.service"
  std::string container;       // docker: its name
  std::string compose_service; // compose: its name there
  // docker, compose: "shop/web:{to}". compose, empty: what its files say.
  std::string image;
  std::string working_folder;                // default: the release folder
  std::vector<EnvironmentEntry> environment; // added to a minimal one (PATH, HOME, LANG, TZ)
  std::string log_path;                      // default: <state>/log/<service>.log
  StopPolicy stop;
  GateSpec ready;
  DriverSpec driver; // exec: instead of `release`, `run`, `log_path` and `stop`
};

// Where a PostgreSQL database is, and how its tools are run.
enum class PostgresMethod { automatic, clone, dump };
struct PostgresSpec {
  std::string database;
  std::string host; // a name, an address, or the folder of a socket; empty: libpq's own
  int port = 0;     // 0: libpq's own
  std::string user; // empty: libpq's own
  std::optional<SecretRef> password;
  std::string sslmode;              // empty: libpq's own
  std::string ssl_root;             // file of certificates; empty: libpq's own
  std::vector<std::string> through; // what stands before each tool: [docker, exec, -i, db]
  std::string tools;                // folder of psql, pg_dump, pg_restore; empty: PATH
  std::string maintenance;          // database that is connected to while others are renamed
  PostgresMethod method = PostgresMethod::automatic;
  std::uint64_t sample_above_bytes = 0; // a larger database is compared by samples
  Milliseconds timeout{0};              // of one dump, one restore or one copy
  Milliseconds fence_timeout{0};        // for other sessions to go
};

// How a Redis server is asked, and how a throwaway one is run. Its data folder is the store's.
struct RedisSpec {
  std::string socket; // path; empty: by host and port
  std::string host;
  int port = 0;
  std::string user; // empty: the default one
  std::optional<SecretRef> password;
  std::vector<std::string> server; // what runs a throwaway server; may hold {folder}
  Milliseconds timeout{0};         // of one save, or one load
};

enum class StoreKind { directory, sqlite, exec, postgres, volume, redis };

struct StoreSpec {
  std::string name;
  StoreKind kind = StoreKind::directory;
  std::string path;                 // empty where only its driver knows
  std::string volume;               // its name; empty: `path` is a folder that containers mount
  std::vector<std::string> exclude; // directory, volume: relative paths, kept out and left alone
  // directory, volume: files (relative) whose content tells the layout of the data. When none of
  // them changed, the data may stay on a way back. Empty: any change means that the data goes back.
  std::vector<std::string> layout;
  // sqlite, postgres: a SELECT whose first column names the migrations that were applied, in their
  // order. Empty: the tables of the migration tools that are known.
  std::string ledger;
  DriverSpec driver;     // exec
  PostgresSpec postgres; // postgres
  RedisSpec redis;       // redis
};

// critical: starts a way back. warning: is reported, once.
enum class Severity { critical, warning };

// Either `failing_for`, or conditions on the probe's number: then all that are given must hold.
struct TriggerRule {
  std::string name;
  std::string probe;           // name of a probe: "<service>.ready", a check or smoke probe
  Milliseconds failing_for{0}; // not ok for at least this long, no ok reading in between
  std::optional<double> above; // the number is above this
  std::optional<double> below;
  std::optional<double> growth;         // above its baseline by more than this
  std::optional<double> growth_percent; // and by more than this share of the baseline
  Milliseconds lasting{0};              // they hold for at least this long, in every reading
  Severity severity = Severity::critical;
  Level level = Level::automatic;
  bool is_numeric() const { return above || below || growth || growth_percent; }
  bool needs_baseline() const { return growth || growth_percent; }
};

// A program of the user's, run in the project folder.
struct CommandSpec {
  std::vector<std::string> argv;
  Milliseconds timeout{600000};
};

// expand: only adds, so that the release before works with it too; runs before the switch.
// contract: takes away what only the release before needed. change: nobody has said.
enum class MigrationClass { change, expand, contract };

// A command, or a folder of SQL files for one store.
struct MigrationSpec {
  CommandSpec command; // without words for a folder; its timeout is of each file then
  std::string folder;  // absolute, may hold {to}
  std::string store;   // of the folder's files
  std::string ledger;  // postgres: table of the user's own; empty: belay_migrations
  MigrationClass kind = MigrationClass::change; // of a file: unless it says so itself
  bool is_compatible = false;                   // the release before works with what it leaves
  bool is_folder() const { return !folder.empty(); }
};

// Where the user's own commands run, beside the migrations (docs/guide/hooks.md).
enum class HookPoint {
  pre_check,
  pre_quiesce,
  post_secure,
  post_start,
  post_ready,
  pre_rollback,
  post_rollback
};
struct Hook {
  HookPoint at = HookPoint::pre_check;
  CommandSpec command;
};

// Who is told of an operation, and how. Only what is told of is in `on`; empty: everything.
enum class NoticeKind { command, webhook, mail };
struct NotifySpec {
  NoticeKind kind = NoticeKind::command;
  std::vector<std::string> argv;
  std::string url; // of the webhook, or smtp://host:port
  std::optional<SecretRef> bearer;
  std::string from; // mail
  std::vector<std::string> to;
  std::string user;
  std::optional<SecretRef> password;
  std::vector<std::string> on; // start, success, rolled_back, needs_operator, failed, paused
  Milliseconds timeout{10000}; // of one attempt
};

// How readings before and after the change are compared; without probes they are not.
struct JudgePolicy {
  std::vector<ProbeSpec> probes;
  std::vector<std::string> numbers; // names of those whose number must not grow
  Milliseconds every{3000};
  Milliseconds baseline{1'800'000};
  Milliseconds warm_up{300'000};
  Milliseconds history{82'800'000};
  double ratio = 1.5;
};

// Whether migrations are tried on a copy of the data before anything is stopped. automatic: where
// there is room, and the copy is not too large.
enum class RehearsePolicy { automatic, always, never };

struct UpgradePolicy {
  std::vector<ProbeSpec> smoke;       // each once, after ready; all must be ok
  std::vector<MigrationSpec> migrate; // run once, in this order, with the services stopped
  RehearsePolicy rehearse = RehearsePolicy::automatic;
  Milliseconds watch{60000};
  Milliseconds watch_every{2000};
  JudgePolicy judge;
};

// Where a repository is: an absolute path, or a place of another machine as `--repo` takes it.
struct PlaceSpec {
  std::string location;
  SecretRef password;
  std::vector<std::pair<std::string, std::string>> options; // as `-o NAME=VALUE` takes them
  std::vector<EnvironmentEntry> environment; // its credentials, over those of belay's environment
  std::uint64_t limit_upload = 0;            // bytes a second; 0: as much as there is
  std::uint64_t limit_download = 0;
};

struct RepositorySpec {
  PlaceSpec first;
  std::optional<PlaceSpec> copy;
};

// When something is done again and again: exactly one of `cron` and `every`.
struct TimingSpec {
  std::string cron; // five fields, or "@daily" and its like
  Milliseconds every{0};
  std::string zone = "UTC"; // of cron
  Milliseconds jitter{0};
};

// Which restore points of the stack stay in a repository; all zero: every one.
struct KeepPolicy {
  std::uint64_t last = 0;
  std::uint64_t hourly = 0;
  std::uint64_t daily = 0;
  std::uint64_t weekly = 0;
  std::uint64_t monthly = 0;
  std::uint64_t yearly = 0;
  Milliseconds within{0};
  bool operator==(const KeepPolicy&) const = default;
};

struct BackupPolicy {
  TimingSpec timing;
  std::optional<TimingSpec> verify;
  std::optional<TimingSpec> drill;
  KeepPolicy keep;
  std::optional<Milliseconds> age_max; // of the newest restore point, before it is an alarm
};

struct Retention {
  int points_min = 2; // restore points kept at least
  int abandoned_min = 2;
  int releases_min = 3;
};

// A compose project; without files there is none.
struct ComposeSpec {
  std::vector<std::string> files;
  std::string project;
  std::vector<std::string> profiles;
  std::string env_file; // empty: compose's own choice, `.env`
};

struct Stack {
  std::string name;
  std::string project_folder; // of belay.yaml
  std::string state_folder;   // default: <project>/.belay
  std::string docker_socket;  // of the container engine
  ComposeSpec compose;
  std::vector<ServiceSpec> services; // start order; stopped in reverse
  std::vector<StoreSpec> stores;     // capture order
  std::vector<std::string> config_files;
  std::vector<CheckSpec> checks;
  UpgradePolicy upgrade;
  std::vector<Hook> hooks; // in the order of the file, per point
  std::vector<TriggerRule> triggers;
  std::vector<NotifySpec> notify;
  PreflightSpec preflight;
  Retention keep;
  std::optional<RepositorySpec> repository;
  std::optional<BackupPolicy> backup; // by a scheduler; only with a repository
};

} // namespace domain
