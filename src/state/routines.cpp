#include "state/routines.hpp"

#include "base/text.hpp"

#include <array>

#include <nlohmann/json.hpp>

namespace state {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using nlohmann::json;

namespace {

constexpr int routines_version = 1;
constexpr std::array outcomes{"none", "success", "failed", "skipped"};

Error corrupt(const std::string& what) {
  return {ErrorKind::corrupt, "the record of scheduled work is not whole: " + what,
          "Remove the file: it holds no data, and is made again."};
}

Result<json> open_record(std::string_view text) {
  json record = json::parse(text, nullptr, false);
  if (!record.is_object() || !record.contains("format") || !record["format"].is_number_integer())
    return corrupt("no format");
  if (record["format"].get<std::int64_t>() > routines_version)
    return Error{ErrorKind::too_new, "the record of scheduled work is of a newer belay",
                 "Use that one."};
  return record;
}

// Reads members, and remembers the first that is not as it must be.
class Reader {
public:
  explicit Reader(const json& record) : record_{record} {}

  std::string text(const char* key) {
    const auto found = record_.find(key);
    if (found != record_.end() && found->is_string())
      return found->get<std::string>();
    return wrong(key), "";
  }
  std::uint64_t number(const char* key) {
    const auto found = record_.find(key);
    if (found != record_.end() && found->is_number_unsigned())
      return found->get<std::uint64_t>();
    return wrong(key), 0;
  }
  bool boolean(const char* key) {
    const auto found = record_.find(key);
    if (found != record_.end() && found->is_boolean())
      return found->get<bool>();
    return wrong(key), false;
  }
  std::optional<world::TimePoint> time_if_any(const char* key) {
    if (!record_.contains(key))
      return std::nullopt;
    const auto time = base::parse_time(text(key));
    if (time)
      return time.value();
    wrong(key);
    return std::nullopt;
  }
  world::TimePoint time(const char* key) {
    const auto found = time_if_any(key);
    if (!found)
      wrong(key);
    return found.value_or(world::TimePoint{});
  }
  RoutineOutcome outcome(const char* key) {
    const std::string said = text(key);
    for (std::size_t i = 0; i < outcomes.size(); ++i)
      if (said == outcomes[i])
        return static_cast<RoutineOutcome>(i);
    return wrong(key), RoutineOutcome::none;
  }
  Result<> end() const { return problem_.empty() ? ok() : Result<>{corrupt(problem_)}; }

private:
  void wrong(const char* key) {
    if (problem_.empty())
      problem_ = key;
  }
  const json& record_;
  std::string problem_;
};

void put(json& record, const char* key, const std::optional<world::TimePoint>& time) {
  if (time)
    record[key] = base::format_time(*time);
}

std::string text_of(const json& record) {
  return record.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<std::optional<std::string>> read_if_any(world::Files& files, const std::string& path) {
  auto text = files.read(path, 1U << 20U);
  if (!text && text.error().kind == ErrorKind::not_found)
    return std::optional<std::string>{};
  return std::optional{TRY(std::move(text))};
}

} // namespace

std::string_view name_of(RoutineOutcome outcome) {
  return outcomes.at(static_cast<std::size_t>(outcome));
}

std::string to_json(const RoutineRecord& record) {
  json out{{"format", routines_version},
           {"name", record.name},
           {"since", base::format_time(record.since)},
           {"outcome", name_of(record.outcome)},
           {"detail", record.detail},
           {"status", static_cast<unsigned>(record.status)},
           {"failures", static_cast<unsigned>(record.failures)},
           {"successes_all", record.successes_all},
           {"failures_all", record.failures_all},
           {"skipped_all", record.skipped_all},
           {"removed_all", record.removed_all}};
  put(out, "planned", record.planned);
  put(out, "began", record.began);
  put(out, "ended", record.ended);
  put(out, "last_success", record.last_success);
  return text_of(out);
}

Result<RoutineRecord> routine_from_json(std::string_view text) {
  const json record = TRY(open_record(text));
  Reader reader{record};
  RoutineRecord routine;
  routine.name = reader.text("name");
  routine.since = reader.time("since");
  routine.planned = reader.time_if_any("planned");
  routine.began = reader.time_if_any("began");
  routine.ended = reader.time_if_any("ended");
  routine.last_success = reader.time_if_any("last_success");
  routine.outcome = reader.outcome("outcome");
  routine.detail = reader.text("detail");
  routine.status = static_cast<int>(reader.number("status") & 0xffU);
  routine.failures =
      static_cast<int>(std::min<std::uint64_t>(reader.number("failures"), 1'000'000));
  routine.successes_all = reader.number("successes_all");
  routine.failures_all = reader.number("failures_all");
  routine.skipped_all = reader.number("skipped_all");
  routine.removed_all = reader.number("removed_all");
  TRY(reader.end());
  return routine;
}

std::string to_json(const LastBackup& backup) {
  return text_of({{"format", routines_version},
                  {"at", base::format_time(backup.at)},
                  {"point", backup.point},
                  {"location", backup.location},
                  {"bytes", backup.bytes},
                  {"bytes_stored", backup.bytes_stored},
                  {"torn", backup.torn},
                  {"has_copy", backup.has_copy}});
}

Result<LastBackup> last_backup_from_json(std::string_view text) {
  const json record = TRY(open_record(text));
  Reader reader{record};
  LastBackup backup;
  backup.at = reader.time("at");
  backup.point = reader.text("point");
  backup.location = reader.text("location");
  backup.bytes = reader.number("bytes");
  backup.bytes_stored = reader.number("bytes_stored");
  backup.torn = reader.number("torn");
  backup.has_copy = reader.boolean("has_copy");
  TRY(reader.end());
  return backup;
}

std::string to_json(const LastArchive& archive) {
  return text_of({{"format", routines_version},
                  {"at", base::format_time(archive.at)},
                  {"path", archive.path},
                  {"bytes", archive.bytes},
                  {"entries", archive.entries},
                  {"torn", archive.torn},
                  {"prune_problem", archive.prune_problem}});
}

Result<LastArchive> last_archive_from_json(std::string_view text) {
  const json record = TRY(open_record(text));
  Reader reader{record};
  LastArchive archive;
  archive.at = reader.time("at");
  archive.path = reader.text("path");
  archive.bytes = reader.number("bytes");
  archive.entries = reader.number("entries");
  archive.torn = reader.number("torn");
  archive.prune_problem = reader.text("prune_problem");
  TRY(reader.end());
  return archive;
}

std::string to_json(const LastDrill& drill) {
  return text_of({{"format", routines_version},
                  {"at", base::format_time(drill.at)},
                  {"point", drill.point},
                  {"location", drill.location},
                  {"bytes", drill.bytes},
                  {"took_ms", drill.took_ms}});
}

Result<LastDrill> last_drill_from_json(std::string_view text) {
  const json record = TRY(open_record(text));
  Reader reader{record};
  LastDrill drill;
  drill.at = reader.time("at");
  drill.point = reader.text("point");
  drill.location = reader.text("location");
  drill.bytes = reader.number("bytes");
  drill.took_ms = reader.number("took_ms");
  TRY(reader.end());
  return drill;
}

std::string to_json(const ArchiveNote& note) {
  return text_of({{"format", routines_version},
                  {"at", base::format_time(note.at)},
                  {"archive", note.archive}});
}

Result<ArchiveNote> archive_note_from_json(std::string_view text) {
  const json record = TRY(open_record(text));
  Reader reader{record};
  ArchiveNote note;
  note.at = reader.time("at");
  note.archive = reader.text("archive");
  TRY(reader.end());
  return note;
}

std::string routines_folder(const std::string& state_folder) {
  return state_folder + "/schedule";
}
std::string routine_path(const std::string& state_folder, const std::string& name) {
  return routines_folder(state_folder) + "/" + name + ".json";
}
std::string last_backup_path(const std::string& state_folder) {
  return routines_folder(state_folder) + "/last-backup.json";
}
std::string last_archive_path(const std::string& state_folder) {
  return routines_folder(state_folder) + "/last-archive.json";
}
std::string last_drill_path(const std::string& state_folder) {
  return routines_folder(state_folder) + "/last-drill.json";
}

Result<std::optional<RoutineRecord>>
read_routine(world::Files& files, const std::string& state_folder, const std::string& name) {
  const auto text = TRY(read_if_any(files, routine_path(state_folder, name)));
  if (!text)
    return std::optional<RoutineRecord>{};
  return std::optional{TRY_CONTEXT(routine_from_json(*text), routine_path(state_folder, name))};
}

Result<> write_routine(world::Files& files, const std::string& state_folder,
                       const RoutineRecord& record) {
  TRY(files.create_folders(routines_folder(state_folder)));
  return files.replace(routine_path(state_folder, record.name), to_json(record));
}

Result<std::optional<LastBackup>> read_last_backup(world::Files& files,
                                                   const std::string& state_folder) {
  const auto text = TRY(read_if_any(files, last_backup_path(state_folder)));
  if (!text)
    return std::optional<LastBackup>{};
  return std::optional{TRY_CONTEXT(last_backup_from_json(*text), last_backup_path(state_folder))};
}

Result<> write_last_backup(world::Files& files, const std::string& state_folder,
                           const LastBackup& backup) {
  TRY(files.create_folders(routines_folder(state_folder)));
  return files.replace(last_backup_path(state_folder), to_json(backup));
}

Result<std::optional<LastArchive>> read_last_archive(world::Files& files,
                                                     const std::string& state_folder) {
  const auto text = TRY(read_if_any(files, last_archive_path(state_folder)));
  if (!text)
    return std::optional<LastArchive>{};
  return std::optional{TRY_CONTEXT(last_archive_from_json(*text), last_archive_path(state_folder))};
}

Result<> write_last_archive(world::Files& files, const std::string& state_folder,
                            const LastArchive& archive) {
  TRY(files.create_folders(routines_folder(state_folder)));
  return files.replace(last_archive_path(state_folder), to_json(archive));
}

Result<std::optional<LastDrill>> read_last_drill(world::Files& files,
                                                 const std::string& state_folder) {
  const auto text = TRY(read_if_any(files, last_drill_path(state_folder)));
  if (!text)
    return std::optional<LastDrill>{};
  return std::optional{TRY_CONTEXT(last_drill_from_json(*text), last_drill_path(state_folder))};
}

Result<> write_last_drill(world::Files& files, const std::string& state_folder,
                          const LastDrill& drill) {
  TRY(files.create_folders(routines_folder(state_folder)));
  return files.replace(last_drill_path(state_folder), to_json(drill));
}

} // namespace state
