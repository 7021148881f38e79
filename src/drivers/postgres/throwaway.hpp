#pragma once
// Throwaway: a PostgreSQL server that runs for a moment on a copy of a data folder, reached by
// nobody but us: no TCP, a socket in a folder of its own, no archiving, no replication, no jobs.

#include "drivers/postgres/psql.hpp"

#include <string>
#include <utility>
#include <vector>

namespace drivers::postgres {

// What the server's own pg_controldata says of a data folder.
struct Control {
  std::string system; // identifier, over copies
  std::string state;  // "shut down"
  bool has_checksums = false;
};

// The programs of the server that a data folder belongs to. A server is run by the folder's owner:
// PostgreSQL refuses root.
class DataTools {
public:
  // `spec`: its `tools`, `user` and `timeout` are used. not_found: no such programs are here, with
  // what to install. invalid_input: they are of another version than the data.
  static base::Result<DataTools> find(world::World world, const domain::PostgresSpec& spec,
                                      const std::string& data);

  base::Result<Control> control(const std::string& data) const;
  // corrupt, with the first file that pg_checksums names, when a page is not as it was written.
  // Only where checksums are on, and after a clean shutdown.
  base::Result<> check_pages(const std::string& data) const;
  // corrupt, with what pg_verifybackup says, when a base backup is not as its server sent it, or
  // lacks WAL that it needs.
  base::Result<> check_backup(const std::string& data) const;
  // What it starts is marked as of the throwaway in `folder`, where it runs.
  base::Result<world::Output> run_as_owner(const std::string& tool,
                                           const std::vector<std::string>& words,
                                           const std::string& folder) const;
  // What stands before a command that the folder's owner is to run; nothing, when that is us.
  base::Result<std::vector<std::string>> as_owner() const;
  const domain::PostgresSpec& spec() const { return spec_; }
  const world::EntryInfo& owner() const { return owner_; }
  const std::string& major() const { return major_; } // "15"

private:
  DataTools(world::World world, domain::PostgresSpec spec, world::EntryInfo owner,
            std::string major)
      : world_{world}, spec_{std::move(spec)}, owner_{owner}, major_{std::move(major)} {}
  world::Command command(const std::string& tool, std::vector<std::string> words) const;
  base::Result<world::Output> run(const std::string& tool,
                                  const std::vector<std::string>& words) const;
  world::World world_;
  domain::PostgresSpec spec_; // with `tools`
  world::EntryInfo owner_;
  std::string major_;
};

class Throwaway {
public:
  // `folder`: where it lives, and is removed from.
  Throwaway(world::World world, DataTools tools, std::string folder)
      : world_{world}, tools_{std::move(tools)}, folder_{std::move(folder)} {}

  // Copies `data` and starts a server on the copy; one that an earlier belay left is ended first.
  // Whatever fails, remove() follows.
  base::Result<> start(const std::string& data) const;
  Psql psql() const;
  base::Result<std::vector<std::string>> databases() const; // that take connections; sorted
  base::Result<> dump_all(const std::string& into) const;   // by pg_dumpall, into a new file
  // Shuts the server down, and reads all pages that it left. As DataTools::check_pages.
  base::Result<> check_pages() const;
  base::Result<> remove() const; // idempotent

private:
  std::string data() const { return folder_ + "/data"; }
  std::string seconds() const; // that it may take to start, or to stop
  base::Result<> prepare() const;
  base::Result<> write(const std::string& name, const std::string& text) const;
  domain::PostgresSpec reach() const;
  world::World world_;
  DataTools tools_;
  std::string folder_;
};

// The new and empty folder of a throwaway, its owner's alone. What an earlier belay left there is
// removed first.
base::Result<> make_scratch(world::World world, const world::EntryInfo& owner,
                            const std::string& folder);
// The variable by which every process of a throwaway is found again.
std::pair<std::string, std::string> throwaway_mark(const std::string& folder);
// Ends all processes of a throwaway that a belay left, whatever its version was, and removes it.
base::Result<> remove_throwaway(world::World world, const std::string& folder);

} // namespace drivers::postgres
