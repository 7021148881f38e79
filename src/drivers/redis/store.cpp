#include "drivers/redis/store.hpp"

#include "base/text.hpp"

namespace drivers::redis {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using domain::StoreSpec;
using world::Milliseconds;

namespace {

constexpr Milliseconds answer_timeout{10'000};
constexpr Milliseconds poll_every{100};
constexpr int attempts = 5; // of a copy in which the server rewrote its files

StoreSpec plain(const StoreSpec& spec) {
  StoreSpec inner = spec;
  inner.kind = spec.volume.empty() ? domain::StoreKind::directory : domain::StoreKind::volume;
  return inner;
}

std::string at(const Fields& fields, const std::string& name) {
  const auto found = fields.find(name);
  return found == fields.end() ? "" : found->second;
}

bool is_writing(const Fields& fields) {
  return at(fields, "rdb_bgsave_in_progress") == "1" ||
         at(fields, "aof_rewrite_in_progress") == "1" || at(fields, "aof_rewrite_scheduled") == "1";
}

// What has become another set of files, and not a longer one.
std::string stamp_of(const Fields& fields) {
  return at(fields, "run_id") + " " + at(fields, "aof_rewrites") + " " +
         at(fields, "rdb_last_save_time") + " " + at(fields, "rdb_saves");
}

} // namespace

domain::Store& Store::inner(const StoreSpec& spec) {
  return spec.volume.empty() ? directory_ : volume_;
}

std::string Store::folder_of(const StoreSpec& spec) const {
  return site_.state_folder + "/redis/" + spec.name;
}

Result<world::RedisPlace> Store::place_of(const StoreSpec& spec) {
  world::RedisPlace place{.socket = spec.redis.socket,
                          .host = spec.redis.host,
                          .port = spec.redis.port,
                          .user = spec.redis.user};
  if (spec.redis.password)
    place.password = TRY(site_.read_secret(*spec.redis.password));
  return place;
}

Result<std::optional<Fields>> Store::info_of(const StoreSpec& spec, const std::string& section) {
  const auto said = redis_.ask(TRY(place_of(spec)), {"INFO", section}, answer_timeout);
  if (!said && said.error().kind == ErrorKind::unavailable &&
      !said.error().message.contains("loading"))
    return std::optional<Fields>{};
  const auto reply = TRY(said);
  return std::optional{fields_of(reply.empty() ? "" : reply.front())};
}

Result<std::optional<Fields>> Store::save(const StoreSpec& spec) {
  const auto deadline = world_.clock.monotonic() + spec.redis.timeout;
  const auto place = TRY(place_of(spec));
  std::optional<std::string> asked_at; // saves that were done by then
  for (;;) {
    const auto info = TRY(info_of(spec, "everything"));
    if (!info)
      return info;
    const std::string done = at(*info, "rdb_last_save_time") + " " + at(*info, "rdb_saves");
    // `rdb_saves` counts those that failed too.
    if (!is_writing(*info) && asked_at && at(*info, "rdb_last_bgsave_status") == "err")
      return Error{ErrorKind::failed, "Redis could not write its data to disk (BGSAVE)",
                   "Its log says why: a full disk, or a folder that it may not write to."};
    if (!is_writing(*info) && asked_at && *asked_at != done) {
      const auto rdb = redis_.ask(place, {"CONFIG", "GET", "dbfilename"}, answer_timeout);
      TRY(world_.files.create_folders(folder_of(spec)));
      TRY(world_.files.replace(folder_of(spec) + "/server",
                               "version " + at(*info, "redis_version") + "\naof " +
                                   at(*info, "aof_enabled") + "\nrdb " +
                                   (rdb && rdb.value().size() == 2 ? rdb.value()[1] : "") + "\n",
                               0600));
      return info;
    }
    if (!is_writing(*info) && !asked_at) {
      if (at(*info, "rdb_saves").empty()) // before 7.0: a save is told by its second alone
        world_.clock.sleep_for(Milliseconds{1100});
      TRY(redis_.tell(place, {"BGSAVE", "SCHEDULE"}, answer_timeout));
      asked_at = done;
    }
    if (world_.clock.stop_requested())
      return Error{ErrorKind::interrupted, "interrupted while Redis saves",
                   "Run 'belay resume' to go on, or 'belay abort' to go back."};
    if (world_.clock.monotonic() >= deadline)
      return Error{ErrorKind::failed,
                   "Redis has not saved after " + base::format_duration(spec.redis.timeout),
                   "Give `timeout` of the store more time."};
    world_.clock.sleep_for(poll_every);
  }
}

Result<> Store::check_stopped(const StoreSpec& spec) {
  const auto answered = redis_.ask(TRY(place_of(spec)), {"PING"}, answer_timeout);
  if (!answered && answered.error().kind == ErrorKind::unavailable &&
      !answered.error().message.contains("loading"))
    return ok();
  return Error{ErrorKind::conflict, "the Redis server of store '" + spec.name + "' still runs",
               "Make it a service of the stack, so that belay stops it."};
}

Result<Keys> Store::load_once(const StoreSpec& spec, const std::string& tree) {
  LiveServer live;
  if (const auto said = world_.files.read(folder_of(spec) + "/server"))
    for (const std::string& line : base::split(said.value(), '\n')) {
      const std::string value = line.substr(std::min(line.size(), line.find(' ') + 1));
      (line.starts_with("version ") ? live.version
       : line.starts_with("aof ")   ? live.aof
                                    : live.rdb) += value;
    }
  return load(world_, redis_, spec.redis, live, tree, folder_of(spec) + "/scratch");
}

Result<> Store::prove_kept(const StoreSpec& spec, const std::string& id, const std::string& tree) {
  const Keys keys =
      TRY_CONTEXT(load_once(spec, tree), "store '" + spec.name + "': the copy of its data");
  TRY(world_.files.create_folders(folder_of(spec)));
  return world_.files.replace(folder_of(spec) + "/" + id, words_of(keys) + "\n", 0600);
}

Result<domain::StoreState> Store::inspect(const StoreSpec& spec) {
  auto state = TRY(inner(spec).inspect(plain(spec)));
  if (const auto info = info_of(spec, "server"); !info)
    state.problems.push_back(info.error().message + ". " + info.error().hint);
  return state;
}

Result<domain::CaptureReport> Store::protect(const StoreSpec& spec, const std::string& point,
                                             const world::Progress& progress) {
  TRY(save(spec));
  return inner(spec).protect(plain(spec), point, progress);
}

Result<domain::CaptureReport> Store::secure(const StoreSpec& spec, const std::string& point,
                                            const world::Progress& progress) {
  TRY(check_stopped(spec));
  auto report = TRY(inner(spec).secure(plain(spec), point, progress));
  TRY(prove_kept(spec, point, report.snapshot.kept));
  return report;
}

// The parts of an append-only file only grow between two rewrites: a copy ends at some write.
Result<domain::CaptureReport> Store::take_out(const StoreSpec& spec, const std::string& point,
                                              const world::Progress& progress) {
  for (int attempt = 0; attempt < attempts; ++attempt) {
    const auto before = TRY(save(spec));
    auto report = TRY(inner(spec).take_out(plain(spec), point, progress));
    const auto after = TRY(info_of(spec, "everything"));
    if (before.has_value() != after.has_value() ||
        (before && (is_writing(*after) || stamp_of(*before) != stamp_of(*after))))
      continue;
    TRY(prove_kept(spec, point, report.snapshot.kept));
    report.torn.clear();
    return report;
  }
  return Error{ErrorKind::failed,
               "store '" + spec.name + "': Redis rewrote its files during each copy of them",
               "Try again; or set `save` and `auto-aof-rewrite-percentage` so that it does less."};
}

Result<> Store::verify(const StoreSpec& spec, const domain::Snapshot& snapshot,
                       world::Depth depth) {
  return inner(spec).verify(plain(spec), snapshot, depth);
}

Result<> Store::prove(const StoreSpec& spec, const domain::Snapshot& snapshot) {
  TRY_CONTEXT(load_once(spec, snapshot.kept), "store '" + spec.name + "': the copy of its data");
  return ok();
}

Result<domain::Evidence> Store::evidence(const StoreSpec& spec, const domain::Snapshot& snapshot) {
  auto evidence = TRY(inner(spec).evidence(plain(spec), snapshot));
  const std::string id = base::name_of_path(base::parent_of(snapshot.kept));
  const auto then = world_.files.read(folder_of(spec) + "/" + id);
  if (evidence.movement == domain::Movement::none || !then)
    return evidence;
  evidence.detail += "; keys then: " + words_of(keys_in(then.value()));
  return evidence;
}

Result<domain::Abandoned> Store::restore(const StoreSpec& spec, const domain::Snapshot& snapshot,
                                         const std::string& abandoned_id) {
  TRY(check_stopped(spec));
  return inner(spec).restore(plain(spec), snapshot, abandoned_id);
}

Result<domain::Snapshot> Store::adopt(const StoreSpec& spec, const domain::Abandoned& abandoned) {
  return inner(spec).adopt(plain(spec), abandoned);
}

Result<> Store::export_written(const StoreSpec& spec, const domain::Abandoned& abandoned,
                               const std::string& into) {
  return inner(spec).export_written(plain(spec), abandoned, into);
}

Result<> Store::discard(const StoreSpec& spec, const std::string& id) {
  TRY(inner(spec).discard(plain(spec), id));
  return world_.files.remove_all({folder_of(spec) + "/" + id});
}

Result<std::optional<std::string>> Store::kept_path(const StoreSpec& spec, const std::string& id) {
  return inner(spec).kept_path(plain(spec), id);
}

} // namespace drivers::redis
