#include "drivers/postgres/dump.hpp"

#include "base/text.hpp"

#include <future>

namespace drivers::postgres {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

constexpr world::Milliseconds snapshot_within{60'000};

// The session that has the snapshot: it tells its name as its own, which is seen at once, reads
// everything, and stays until the dump has ended. When belay dies nobody tells it so: it ends
// when there is neither a dump nor the word that it ended for a minute.
std::string holder_script(const std::string& mark, Reading reading) {
  return "BEGIN ISOLATION LEVEL REPEATABLE READ;\n"
         "SELECT set_config('application_name', 'belay " +
         mark + " ' || pg_export_snapshot(), false) AS told \\gset\n" + layout_script() +
         content_script(reading) +
         "DO $belay$ DECLARE seen timestamptz := clock_timestamp(); BEGIN LOOP\n"
         "PERFORM pg_stat_clear_snapshot();\n"
         "IF EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'belay-end-" +
         mark +
         "') THEN RETURN; END IF;\n"
         "IF EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'belay-dump-" +
         mark +
         "') THEN seen := clock_timestamp(); END IF;\n"
         "IF clock_timestamp() > seen + interval '60 s' THEN RETURN; END IF;\n"
         "PERFORM pg_sleep(0.1); END LOOP; END $belay$;\nCOMMIT;\n";
}

Error tool_failed(const char* tool, const world::Output& output) {
  const std::string text = said(output);
  const bool is_denied = text.contains("permission denied");
  const bool is_full = text.contains("No space left");
  return {is_full ? ErrorKind::no_space : ErrorKind::failed,
          std::string{tool} + " ended with status " + std::to_string(output.exit_code) + ": " +
              text,
          is_denied ? "The role of the store must be able to read everything: GRANT "
                      "pg_read_all_data TO it, or let it own the tables."
          : is_full ? "Make room there."
                    : ""};
}

} // namespace

// nullopt: whoever was to give it has ended.
Result<std::optional<std::string>>
Dumps::wait_for_snapshot(const std::string& mark, const std::function<bool()>& has_ended) const {
  const auto deadline = world_.clock.monotonic() + snapshot_within;
  const std::string begin = "belay " + mark + " ";
  for (;;) {
    if (has_ended())
      return std::optional<std::string>{};
    const Rows rows = TRY(server_.psql().run(
        server_.spec().maintenance,
        "SELECT application_name FROM pg_stat_activity WHERE application_name LIKE " +
            literal(begin + "%")));
    if (!rows.empty())
      return std::optional{rows[0].at(0).substr(begin.size())};
    if (world_.clock.monotonic() >= deadline)
      return Error{ErrorKind::unavailable, "PostgreSQL gave no snapshot of the data",
                   "See pg_stat_activity for what holds it up."};
    world_.clock.sleep_for(world::Milliseconds{50});
  }
}

Result<> Dumps::write(const std::string& path, const std::vector<std::string>& words,
                      const std::string& application) const {
  const Reach& reach = server_.psql().reach();
  std::vector<std::string> all{"--format=custom", "--compress=0", "--no-password",
                               "--lock-wait-timeout=60s",
                               "--dbname=" + reach.connection(reach.spec().database, application)};
  all.insert(all.end(), words.begin(), words.end());
  world::Command command = TRY(reach.command("pg_dump", all));
  command.output_path = path;
  const world::Output output = TRY(world_.processes.run(command));
  if (output.exit_code != 0)
    return tool_failed("pg_dump", output);
  return ok();
}

Result<> Dumps::take(const std::string& path, Kept& kept) const {
  const std::string mark = world_.random.hex(12);
  const std::string& database = server_.spec().database;
  kept.reading = kept.bytes > server_.spec().sample_above_bytes ? Reading::sampled : Reading::whole;
  const std::string script = holder_script(mark, kept.reading);
  auto holder = std::async(std::launch::async, [this, &database, &script] {
    return server_.psql().run(database, script, long_run());
  });
  const auto has_ended = [&] {
    return holder.wait_for(std::chrono::milliseconds{0}) == std::future_status::ready;
  };
  const auto dumped = [&]() -> Result<> {
    const auto snapshot = TRY(wait_for_snapshot(mark, has_ended));
    return snapshot ? write(path, {"--snapshot=" + *snapshot}, "belay-dump-" + mark) : ok();
  }();
  // Whatever became of the dump, its holder is let go.
  while (!has_ended())
    if (!server_.psql().run(server_.spec().maintenance,
                            "SELECT set_config('application_name', 'belay-end-" + mark +
                                "', false);\nSELECT pg_sleep(0.5)"))
      break;
  const Rows rows = TRY(holder.get());
  TRY(dumped);
  kept.layout_lines = read_layout(rows);
  kept.layout = digest_of_layout(kept.layout_lines);
  kept.content = read_content(rows);
  // A sequence is in no snapshot: under load it has gone on until pg_dump came to it.
  for (TableContent& table : kept.content)
    if (table.name.starts_with("sequence "))
      table.hash.clear();
  kept.dump_sha256 = TRY(world_.trees.file_digest(path));
  const auto info = TRY(world_.files.info(path));
  kept.dump_bytes = info ? info->size_bytes : 0;
  return ok();
}

// Through another command only its standard input reaches the server's side.
Result<> Dumps::fill(const std::string& path, const std::string& name) const {
  const Reach& reach = server_.psql().reach();
  std::vector<std::string> words{"--exit-on-error", "--no-password",
                                 "--dbname=" + reach.connection(name)};
  if (reach.is_local()) {
    words.emplace_back("--jobs=2");
    words.push_back(path);
  }
  world::Command command = TRY(reach.command("pg_restore", words));
  if (!reach.is_local())
    command.input_path = path;
  const world::Output output = TRY(world_.processes.run(command));
  if (output.exit_code == 0)
    return ok();
  Error error = tool_failed("pg_restore", output);
  if (error.kind == ErrorKind::failed)
    error.kind = ErrorKind::corrupt;
  return error;
}

Result<> Dumps::compare(const Kept& kept, const std::string& name) const {
  const auto lines = TRY(layout_of(server_.psql(), name, long_run()));
  if (digest_of_layout(lines) != kept.layout)
    return Error{ErrorKind::corrupt,
                 "what was restored has another layout: " + tell_layout(kept.layout_lines, lines),
                 "Choose another restore point: 'belay points'."};
  const std::string differs =
      tell_content(kept.content, TRY(content_of(server_.psql(), name, kept.reading, long_run())));
  if (!differs.empty())
    return Error{ErrorKind::corrupt, "what was restored is not what was dumped: " + differs,
                 "Choose another restore point: 'belay points'."};
  return ok();
}

Result<> Dumps::restore(const std::string& path, const Kept& kept, const std::string& name) const {
  const auto live = TRY(server_.find(server_.spec().database));
  TRY(server_.create_like(live ? server_.spec().database : server_.spec().maintenance, name));
  const auto restored = [&]() -> Result<> {
    TRY(fill(path, name));
    TRY(compare(kept, name));
    TRY(server_.psql().run(name, "ANALYZE;", long_run()));
    return ok();
  }();
  if (!restored)
    TRY(server_.drop(name));
  return restored;
}

Result<> Dumps::copy(const std::string& path, const std::string& name) const {
  TRY(world_.files.remove(path));
  TRY(write(path, {}, "belay-rehearsal"));
  TRY(server_.create_like(server_.spec().database, name));
  return fill(path, name);
}

Result<> Dumps::prove(const std::string& path, const Kept& kept, const std::string& name) const {
  TRY(restore(path, kept, name));
  return server_.drop(name);
}

} // namespace drivers::postgres
