#pragma once
// Hot: a copy of the data folder of a server that runs, by the server's own pg_basebackup, with the
// WAL that makes it consistent. docs/adr/0021-hot-physical-by-pg-basebackup.md

#include "drivers/postgres/throwaway.hpp"

#include <optional>
#include <string>

namespace drivers::postgres {

// A server of this machine, as the postmaster.pid of its data folder says where it listens.
struct RunningServer {
  int pid = 0;
  std::string host; // the folder of its socket; else an address of this machine
  int port = 0;
};
// Who runs on `data`, a real path. Nothing: nobody does, or nobody whom we can see (a server in a
// container, or of another user than us). Read-only.
base::Result<std::optional<RunningServer>> running_server(world::Files& files,
                                                          const std::string& data);

// Whether it is a copy that a server recovers from, and that has not been started since.
base::Result<bool> is_base_backup(world::Files& files, const std::string& data);

class HotCopy {
public:
  // `tools`: of the data folder that `server` runs on.
  static base::Result<HotCopy> of(world::World world, DataTools tools, SecretReader read_secret,
                                  const RunningServer& server);

  // Whether the server of the folder `data` would give a copy now, by a replication connection; the
  // error says what to do. conflict: it is a standby, or not this server. Read-only.
  base::Result<> check(const std::string& data) const;
  // The path of a copy in the folder `folder`, which is made new: durable, its WAL complete.
  // Whatever fails, remove_throwaway() of `folder` follows; it also ends what a belay that died
  // left running. The server is in backup mode only as long as that runs. corrupt: it found a
  // damaged page. no_space, unavailable.
  base::Result<std::string> take(const std::string& folder, const std::string& label) const;

private:
  HotCopy(world::World world, DataTools tools, Reach reach)
      : world_{world}, tools_{std::move(tools)}, reach_{std::move(reach)} {}
  base::Error refusal(const char* tool, const world::Output& output) const;
  base::Result<Control> steady_control(const std::string& data) const;
  // Without `folder` it is a short look.
  base::Result<world::Output> run(const std::string& tool, const std::vector<std::string>& words,
                                  const std::string& folder) const;
  world::World world_;
  DataTools tools_;
  Reach reach_;
};

} // namespace drivers::postgres
