#include "drivers/postgres/swap.hpp"

#include "base/text.hpp"

namespace drivers::postgres {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

Result<> Fences::put_up(const std::vector<std::string>& databases) {
  TRY(world_.files.create_folders(base::parent_of(path_)));
  TRY(world_.files.replace(path_, base::join(databases, "\n") + "\n"));
  for (const std::string& database : databases)
    if (auto fenced = server_.fence(database); !fenced) {
      TRY(take_down());
      return fenced;
    }
  return ok();
}

Result<> Fences::take_down() {
  if (!TRY(world_.files.info(path_)))
    return ok();
  for (const std::string& database : base::split(TRY(world_.files.read(path_, 65536)), '\n'))
    if (!database.empty())
      if (const auto info = TRY(server_.find(database)); info && !info->takes_connections)
        TRY(server_.unfence(database));
  return world_.files.remove(path_);
}

Result<> swap_in(const Server& server, Fences& fences, const SwapRecord& swap,
                 const std::string& abandoned, const std::vector<Setting>& settings) {
  const std::string& live = server.spec().database;
  const auto now = TRY(server.find(live));
  if (now && now->oid == swap.incoming_oid)
    return fences.take_down();
  if ((now ? now->oid : 0) != swap.live_oid)
    return Error{ErrorKind::conflict,
                 "database '" + live + "' is neither what was live nor what was kept",
                 "Somebody else replaced it. Everything is kept; a person has to look."};
  const auto incoming = TRY(server.find(swap.incoming));
  if (!incoming || incoming->oid != swap.incoming_oid)
    return Error{ErrorKind::not_found,
                 "database '" + swap.incoming + "', which was to become '" + live + "', is gone",
                 "Choose another restore point: 'belay points'."};
  std::vector<std::string> fenced{swap.incoming};
  if (now)
    fenced.insert(fenced.begin(), live);
  TRY(fences.put_up(fenced));
  if (auto done = server.exchange(live, now.has_value(), swap.incoming, abandoned, settings);
      !done) {
    // Where it is not known whether it happened, the next look will tell.
    TRY(fences.take_down());
    return done;
  }
  return fences.take_down();
}

} // namespace drivers::postgres
