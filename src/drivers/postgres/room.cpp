#include "drivers/postgres/room.hpp"

#include "base/text.hpp"

#include <charconv>

namespace drivers::postgres {
namespace {

// The second line of `df -Pk`: name, size, used, free (in KiB), ...
std::optional<std::uint64_t> free_in(const std::string& text) {
  const auto lines = base::split(text, '\n');
  if (lines.size() < 2)
    return std::nullopt;
  std::vector<std::string> words;
  for (std::string& word : base::split(lines[1], ' '))
    if (!word.empty())
      words.push_back(std::move(word));
  std::uint64_t free = 0;
  if (words.size() < 4 ||
      std::from_chars(words[3].data(), words[3].data() + words[3].size(), free).ec != std::errc{})
    return std::nullopt;
  return free * 1024;
}

} // namespace

std::optional<std::uint64_t> free_on_server(world::World world, const Server& server,
                                            const Facts& facts) {
  const Reach& reach = server.psql().reach();
  const std::string& host = reach.spec().host;
  if (facts.data.empty())
    return std::nullopt;
  if (reach.is_local()) {
    if (!host.empty() && !host.starts_with('/') && host != "localhost" && host != "127.0.0.1" &&
        host != "::1")
      return std::nullopt;
    const auto space = world.files.space(facts.data);
    return space ? std::optional{space.value().free_bytes} : std::nullopt;
  }
  auto command = reach.command_beside("df", {"-Pk", facts.data});
  if (!command)
    return std::nullopt;
  command.value().timeout = world::Milliseconds{30'000};
  const auto output = world.processes.run(command.value());
  return output && output.value().exit_code == 0 ? free_in(output.value().out) : std::nullopt;
}

std::vector<std::string> problems_of(const Server& server, const Facts& facts) {
  const std::string& database = server.spec().database;
  std::vector<std::string> problems;
  if (facts.is_standby)
    problems.emplace_back("the server is a standby, which takes no changes. Name the primary in "
                          "`host:`");
  if (!facts.may_create)
    problems.push_back("role '" + facts.user +
                       "' may not create databases. As a superuser: ALTER ROLE " +
                       ident(facts.user) + " CREATEDB;");
  if (!facts.is_owner && !facts.is_superuser)
    problems.push_back("database '" + database + "' belongs to '" + facts.owner +
                       "', so that role '" + facts.user +
                       "' may not rename it. As a superuser: GRANT " + ident(facts.owner) + " TO " +
                       ident(facts.user) + "; or ALTER DATABASE " + ident(database) + " OWNER TO " +
                       ident(facts.user) + ";");
  if (!facts.foreign_settings.empty())
    problems.push_back("the database has settings of its own for " +
                       base::join(facts.foreign_settings, ", ") +
                       " (ALTER ROLE ... IN DATABASE), which role '" + facts.user +
                       "' may not put back. As a superuser: ALTER ROLE " + ident(facts.user) +
                       " CREATEROLE; or remove them");
  if (!facts.other_sessions.empty())
    problems.push_back("role '" + facts.user + "' may not end the sessions of " +
                       base::join(facts.other_sessions, ", ") +
                       ", and nobody can rename a database that is in use. As a superuser: GRANT "
                       "pg_signal_backend TO " +
                       ident(facts.user) + "; sessions of superusers have to be stopped");
  if (facts.prepared > 0)
    problems.push_back(
        "the database has " +
        base::plural(facts.prepared, "prepared transaction", "prepared transactions") +
        ", which hold it as it is. End them: COMMIT PREPARED or ROLLBACK PREPARED "
        "(pg_prepared_xacts)");
  if (facts.slots > 0)
    problems.emplace_back(
        "a logical replication slot reads this database, and would stay with what "
        "a way back swaps out. Drop it for the upgrade (pg_replication_slots)");
  if (facts.subscriptions > 0)
    problems.emplace_back(
        "the database has a subscription, which no copy of it has. Drop it for the "
        "upgrade (pg_subscription)");
  return problems;
}

} // namespace drivers::postgres
