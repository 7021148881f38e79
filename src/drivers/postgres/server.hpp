#pragma once
// Server: databases as wholes: looked at, fenced off, copied, renamed, dropped. Everything runs in
// the maintenance database, one script at a time: each waits for an earlier one that outlived the
// belay that began it.

#include "drivers/postgres/psql.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace drivers::postgres {

struct DatabaseInfo {
  std::uint64_t oid = 0; // stays with a database when it is renamed
  bool takes_connections = false;
  std::uint64_t bytes = 0;
};

// A statement about a database, without its name: `before` "name" `after`.
struct Setting {
  std::string before;
  std::string after;
  bool operator==(const Setting&) const = default;
};

// What a role may, and what stands in the way of a copy.
struct Facts {
  int version = 0;
  std::string system; // the server's own identity, over restarts
  std::string user;   // whom we are connected as
  std::string owner;  // of the database
  std::string data;   // the server's data folder; empty: we may not know
  bool is_standby = false;
  bool is_superuser = false;
  bool may_create = false; // CREATEDB
  bool is_owner = false;   // or a member of the owner
  bool may_signal = false; // pg_signal_backend
  std::uint64_t prepared = 0;
  std::uint64_t slots = 0;                   // logical ones of this database
  std::uint64_t subscriptions = 0;           // of this database
  std::vector<std::string> workers;          // sessions that are no client's: "TimescaleDB ..."
  std::vector<std::string> other_sessions;   // superusers', which we may not end
  std::vector<std::string> foreign_settings; // roles whose settings in it we may not carry over
};

class Server {
public:
  explicit Server(Psql psql) : psql_{std::move(psql)} {}

  const Psql& psql() const { return psql_; }
  const domain::PostgresSpec& spec() const { return psql_.reach().spec(); }

  // nullopt: there is none of this name.
  base::Result<std::optional<DatabaseInfo>> find(const std::string& database) const;
  base::Result<Facts> facts() const;
  // Owner, grants, settings, connection limit, comment: what a copy of a database does not have.
  base::Result<std::vector<Setting>> settings_of(const std::string& database) const;

  // Nobody can connect to `database`, and nobody is, when it returns. Idempotent. conflict, with
  // who it is, when a session does not go in time: then the fence is taken away again.
  base::Result<> fence(const std::string& database) const;
  base::Result<> unfence(const std::string& database) const; // idempotent

  // `to` becomes a copy of `from`, which is fenced off; an older `to` is dropped first. Others than
  // the owner cannot connect to it, and sessions in it read only.
  base::Result<> clone(const std::string& from, const std::string& to,
                       const std::string& comment) const;
  // A new, empty database like `like` in encoding, locale and owner; an older `name` is dropped.
  base::Result<> create_like(const std::string& like, const std::string& name) const;
  // Takes away what clone() put on it beside the data. Idempotent.
  base::Result<> drop(const std::string& database) const; // idempotent
  // All of it, or nothing: `live` (when it exists) becomes `abandoned`, `incoming` becomes `live`
  // with `settings`, and takes connections. All of them are fenced off before.
  base::Result<> exchange(const std::string& live, bool has_live, const std::string& incoming,
                          const std::string& abandoned, const std::vector<Setting>& settings) const;

private:
  base::Result<Rows> change(const std::string& script) const;
  Psql psql_;
};

} // namespace drivers::postgres
