#include "drivers/postgres/server.hpp"

#include "base/text.hpp"

namespace drivers::postgres {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

// Of others' sessions a role may not see what they are; those of nobody are the server's own.
constexpr std::string_view kind_of_session =
    "coalesce(a.backend_type, CASE WHEN a.usesysid IS NULL THEN 'autovacuum worker' ELSE 'client "
    "backend' END)";

// Sessions in a database that hold up its renaming; autovacuum goes by itself.
std::string sessions_in(const std::string& database) {
  return "pg_stat_activity a WHERE a.datname = " + literal(database) +
         " AND a.pid <> pg_backend_pid() AND " + std::string{kind_of_session} +
         " <> 'autovacuum worker'";
}

// In one script: the server waits, not we.
std::string ending_of_sessions(const std::string& database, world::Milliseconds limit) {
  return "DO $belay$ DECLARE ends timestamptz := clock_timestamp() + interval '" +
         std::to_string(limit.count()) +
         " ms'; BEGIN LOOP PERFORM pg_stat_clear_snapshot();\n"
         "IF NOT EXISTS (SELECT FROM " +
         sessions_in(database) +
         ") THEN RETURN; END IF;\n"
         "PERFORM pg_terminate_backend(a.pid) FROM pg_stat_activity a JOIN pg_roles r ON r.oid = "
         "a.usesysid WHERE a.datname = " +
         literal(database) +
         " AND a.pid <> pg_backend_pid() AND (pg_has_role(a.usesysid, 'USAGE') OR (NOT r.rolsuper "
         "AND pg_has_role('pg_signal_backend', 'USAGE')));\n"
         "IF clock_timestamp() >= ends THEN RETURN; END IF; PERFORM pg_sleep(0.05);\n"
         "END LOOP; END $belay$;\n"
         "SELECT pg_stat_clear_snapshot();\n"
         "SELECT a.pid, coalesce(a.usename, a.backend_type), coalesce(a.application_name, '') "
         "FROM " +
         sessions_in(database) + ";\n";
}

std::string allow(const std::string& database, bool may) {
  return "ALTER DATABASE " + ident(database) + " ALLOW_CONNECTIONS " + (may ? "true" : "false") +
         ";\n";
}

std::string told(const Setting& setting, const std::string& database) {
  return setting.before + ident(database) + setting.after + ";\n";
}

constexpr std::uint64_t copied_as_files_above = 256U << 20U;

} // namespace

// The lock is the session's: it ends with it, whatever happens.
Result<Rows> Server::change(const std::string& script) const {
  return psql_.run(spec().maintenance,
                   "SET lock_timeout = '120s';\n"
                   "SELECT pg_advisory_lock(7377521, hashtext(" +
                       literal(spec().database) + "));\nSET lock_timeout = 0;\n" + script,
                   {.timeout = spec().timeout});
}

Result<std::optional<DatabaseInfo>> Server::find(const std::string& database) const {
  const Rows rows =
      TRY(psql_.run(spec().maintenance,
                    "SELECT oid, datallowconn, CASE WHEN "
                    "has_database_privilege(oid, 'CONNECT') OR "
                    "pg_has_role('pg_read_all_stats', 'USAGE') THEN pg_database_size(oid) ELSE "
                    "0 END FROM pg_database WHERE datname = " +
                        literal(database)));
  if (rows.empty())
    return std::optional<DatabaseInfo>{};
  return std::optional{
      DatabaseInfo{number_of(rows[0].at(0)), rows[0].at(1) == "t", number_of(rows[0].at(2))}};
}

Result<Facts> Server::facts() const {
  const std::string database = literal(spec().database);
  const Rows rows = TRY(psql_.run(
      spec().maintenance,
      "SELECT current_setting('server_version_num'), (SELECT system_identifier FROM "
      "pg_control_system()), current_user, pg_get_userbyid(d.datdba), CASE WHEN "
      "pg_has_role('pg_read_all_settings', 'USAGE') THEN current_setting('data_directory') END, "
      "pg_is_in_recovery(), r.rolsuper, r.rolsuper OR r.rolcreatedb, pg_has_role(d.datdba, "
      "'USAGE'), r.rolsuper OR pg_has_role('pg_signal_backend', 'USAGE'), (SELECT count(*) FROM "
      "pg_prepared_xacts p WHERE p.database = d.datname), (SELECT count(*) FROM "
      "pg_replication_slots s WHERE s.database = d.datname), (SELECT count(*) FROM pg_subscription "
      "s WHERE s.subdbid = d.oid) FROM pg_database d, pg_roles r WHERE d.datname = " +
          database +
          " AND r.rolname = current_user;\n"
          "SELECT 'worker', backend_type FROM pg_stat_activity WHERE datname = " +
          database +
          " AND backend_type NOT IN ('client backend', 'autovacuum worker', 'parallel worker') "
          "GROUP "
          "BY 2;\n"
          "SELECT 'session', a.usename || ' (' || coalesce(nullif(a.application_name, ''), "
          "'unnamed') || ')' FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid WHERE "
          "a.datname = " +
          database + " AND " + std::string{kind_of_session} +
          " = 'client backend' AND NOT pg_has_role(a.usesysid, 'USAGE') AND "
          "(r.rolsuper OR NOT pg_has_role('pg_signal_backend', 'USAGE'));\n"
          "SELECT 'setting', r.rolname FROM pg_db_role_setting s JOIN pg_database d ON d.oid = "
          "s.setdatabase JOIN pg_roles r ON r.oid = s.setrole WHERE d.datname = " +
          database +
          " AND s.setrole <> 0 AND r.rolname <> current_user AND NOT (SELECT rolsuper OR "
          "rolcreaterole FROM pg_roles WHERE rolname = current_user);\n"));
  if (rows.empty() || rows[0].size() != 13)
    return Error{ErrorKind::not_found, "there is no database '" + spec().database + "'",
                 "Correct `database:` of the store, or create it."};
  const Row& one = rows[0];
  Facts facts{.version = static_cast<int>(number_of(one[0])),
              .system = one[1],
              .user = one[2],
              .owner = one[3],
              .data = one[4],
              .is_standby = one[5] == "t",
              .is_superuser = one[6] == "t",
              .may_create = one[7] == "t",
              .is_owner = one[8] == "t",
              .may_signal = one[9] == "t",
              .prepared = number_of(one[10]),
              .slots = number_of(one[11]),
              .subscriptions = number_of(one[12]),
              .workers = {},
              .other_sessions = {},
              .foreign_settings = {}};
  for (std::size_t i = 1; i < rows.size(); ++i)
    (rows[i].at(0) == "worker"    ? facts.workers
     : rows[i].at(0) == "session" ? facts.other_sessions
                                  : facts.foreign_settings)
        .push_back(rows[i].at(1));
  return facts;
}

// The values of lists (search_path) are stored as they would be written; all others as one text.
Result<std::vector<Setting>> Server::settings_of(const std::string& database) const {
  const std::string where = " WHERE d.datname = " + literal(database);
  const Rows rows = TRY(psql_.run(
      spec().maintenance,
      "SELECT 'ALTER DATABASE ', ' OWNER TO ' || quote_ident(pg_get_userbyid(d.datdba)) FROM "
      "pg_database d" +
          where +
          ";\n"
          "SELECT 'ALTER DATABASE ', ' CONNECTION LIMIT ' || d.datconnlimit FROM pg_database d" +
          where +
          ";\n"
          "SELECT 'COMMENT ON DATABASE ', ' IS ' || "
          "coalesce(quote_literal(shobj_description(d.oid, "
          "'pg_database')), 'NULL') FROM pg_database d" +
          where +
          ";\n"
          "SELECT 'REVOKE ALL ON DATABASE ', ' FROM PUBLIC, ' || "
          "quote_ident(pg_get_userbyid(d.datdba)) "
          "FROM pg_database d" +
          where +
          ";\n"
          "SELECT 'GRANT ' || a.privilege_type || ' ON DATABASE ', ' TO ' || CASE a.grantee WHEN 0 "
          "THEN "
          "'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END || CASE WHEN a.is_grantable "
          "THEN ' "
          "WITH GRANT OPTION' ELSE '' END FROM pg_database d, aclexplode(coalesce(d.datacl, "
          "acldefault('d', d.datdba))) a" +
          where +
          " ORDER BY a.grantee, a.privilege_type;\n"
          "SELECT CASE s.setrole WHEN 0 THEN 'ALTER DATABASE ' ELSE 'ALTER ROLE ' || "
          "quote_ident(pg_get_userbyid(s.setrole)) || ' IN DATABASE ' END, ' SET ' || "
          "quote_ident(split_part(c, '=', 1)) || ' TO ' || CASE WHEN lower(split_part(c, '=', 1)) "
          "IN "
          "('search_path', 'temp_tablespaces', 'session_preload_libraries', "
          "'local_preload_libraries', "
          "'shared_preload_libraries', 'unix_socket_directories') THEN coalesce(nullif(substr(c, "
          "strpos(c, '=') + 1), ''), '''''') ELSE quote_literal(substr(c, strpos(c, '=') + 1)) END "
          "FROM "
          "pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) "
          "c" +
          where + " ORDER BY s.setrole, c;\n"));
  std::vector<Setting> settings;
  for (const Row& row : rows)
    settings.push_back({row.at(0), row.at(1)});
  if (settings.empty())
    return Error{ErrorKind::not_found, "there is no database '" + database + "'", ""};
  return settings;
}

Result<> Server::fence(const std::string& database) const {
  const Rows left =
      TRY(change(allow(database, false) + ending_of_sessions(database, spec().fence_timeout)));
  std::vector<std::string> names;
  for (const Row& row : left)
    if (row.size() == 3)
      names.push_back(row[1] + " (pid " + row[0] + (row[2].empty() ? "" : ", " + row[2]) + ")");
  if (names.empty())
    return ok();
  TRY(unfence(database));
  return Error{ErrorKind::conflict,
               "sessions in database '" + database + "' did not go within " +
                   base::format_duration(spec().fence_timeout) + ": " +
                   base::printable(base::join(names, ", ")),
               "End them. A superuser's sessions can be ended by a superuser only: let belay be "
               "one, or stop what keeps them."};
}

Result<> Server::unfence(const std::string& database) const {
  TRY(change(allow(database, true)));
  return ok();
}

Result<> Server::clone(const std::string& from, const std::string& to,
                       const std::string& comment) const {
  const auto info = TRY(find(from));
  if (!info)
    return Error{ErrorKind::not_found, "there is no database '" + from + "'", ""};
  const bool as_files = info->bytes > copied_as_files_above;
  TRY(change("DROP DATABASE IF EXISTS " + ident(to) +
             " WITH (FORCE);\nSELECT current_setting('server_version_num')::int >= 150000 AS "
             "has_strategy, quote_ident(pg_get_userbyid(datdba)) AS owner FROM pg_database WHERE "
             "datname = " +
             literal(from) + " \\gset\n\\if :has_strategy\n\\set strategy ' STRATEGY " +
             (as_files ? "file_copy" : "wal_log") +
             "'\n\\else\n\\set strategy ''\n\\endif\n"
             "CREATE DATABASE " +
             ident(to) + " TEMPLATE " + ident(from) +
             " OWNER :owner :strategy;\nREVOKE CONNECT ON DATABASE " + ident(to) +
             " FROM PUBLIC;\nALTER DATABASE " + ident(to) +
             " SET default_transaction_read_only = on;\nCOMMENT ON DATABASE " + ident(to) + " IS " +
             literal(comment) + ";\n"));
  return ok();
}

Result<> Server::create_like(const std::string& like, const std::string& name) const {
  const Rows rows = TRY(psql_.run(
      spec().maintenance,
      "SELECT format('CREATE DATABASE %I TEMPLATE template0%s ENCODING %L LC_COLLATE %L "
      "LC_CTYPE %L', " +
          literal(name) +
          ", CASE WHEN pg_has_role(datdba, 'USAGE') THEN format(' OWNER %I', "
          "pg_get_userbyid(datdba)) ELSE '' END, pg_encoding_to_char(encoding), datcollate, "
          "datctype), "
          "coalesce(to_jsonb(d)->>'datlocprovider', 'c'), coalesce(to_jsonb(d)->>'daticulocale', "
          "to_jsonb(d)->>'datlocale', '') FROM pg_database d WHERE datname = " +
          literal(like)));
  if (rows.empty())
    return Error{ErrorKind::not_found, "there is no database '" + like + "'", ""};
  std::string statement = rows[0].at(0);
  if (rows[0].at(1) == "i")
    statement += " LOCALE_PROVIDER icu ICU_LOCALE " + literal(rows[0].at(2));
  TRY(change("DROP DATABASE IF EXISTS " + ident(name) + " WITH (FORCE);\n" + statement +
             ";\nREVOKE CONNECT ON DATABASE " + ident(name) + " FROM PUBLIC;\n"));
  return ok();
}

Result<> Server::drop(const std::string& database) const {
  CHECK(database != spec().database);
  TRY(change("DROP DATABASE IF EXISTS " + ident(database) + " WITH (FORCE);\n"));
  return ok();
}

Result<> Server::exchange(const std::string& live, bool has_live, const std::string& incoming,
                          const std::string& abandoned,
                          const std::vector<Setting>& settings) const {
  std::string script = "BEGIN;\n";
  if (has_live)
    script += "ALTER DATABASE " + ident(live) + " RENAME TO " + ident(abandoned) + ";\n" +
              "ALTER DATABASE " + ident(abandoned) + " SET default_transaction_read_only = on;\n" +
              allow(abandoned, true);
  script += "ALTER DATABASE " + ident(incoming) + " RENAME TO " + ident(live) + ";\n" +
            "ALTER DATABASE " + ident(live) + " RESET ALL;\n";
  for (const Setting& setting : settings)
    script += told(setting, live);
  script += allow(live, true) + "COMMIT;\n";
  TRY(change(script));
  return ok();
}

} // namespace drivers::postgres
