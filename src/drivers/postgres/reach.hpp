#pragma once
// Reach: how the tools of a PostgreSQL server are run: here, or where the server is, behind the
// words of `through:`. Passwords go through the environment of the child, never through its words.

#include "domain/stack.hpp"
#include "world/world.hpp"

#include <functional>
#include <string>
#include <vector>

namespace drivers::postgres {

using SecretReader = std::function<base::Result<std::string>(const domain::SecretRef&)>;

class Reach {
public:
  Reach(domain::PostgresSpec spec, SecretReader read_secret)
      : spec_{std::move(spec)}, read_secret_{std::move(read_secret)} {}

  const domain::PostgresSpec& spec() const { return spec_; }
  bool is_local() const { return spec_.through.empty(); }
  // A command that runs `tool` ("psql", "pg_dump") with these words; no connection among them.
  // Its timeout is that of the store. The words are quoted where `through` ends in a shell (ssh).
  base::Result<world::Command> command(const std::string& tool,
                                       const std::vector<std::string>& words) const;
  // The same for a program that is none of PostgreSQL's.
  base::Result<world::Command> command_beside(const std::string& program,
                                              const std::vector<std::string>& words) const;
  // What `--dbname` takes: everything that tells the server and this database, but the password.
  // `application` is how the session is called on the server.
  std::string connection(const std::string& database,
                         const std::string& application = "belay") const;

private:
  base::Result<world::Command> make(std::vector<std::string> own) const;
  domain::PostgresSpec spec_;
  SecretReader read_secret_;
};

// The last lines of what a tool said, on one line, without what a terminal would obey.
std::string said(const world::Output& output);

} // namespace drivers::postgres
