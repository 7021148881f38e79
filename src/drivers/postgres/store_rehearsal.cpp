// Store, the parts that try something on a copy: migrations, and the way back itself.

#include "base/text.hpp"
#include "drivers/postgres/names.hpp"
#include "drivers/postgres/rehearse.hpp"
#include "drivers/postgres/store.hpp"

namespace drivers::postgres {

using base::Result;

Scratch Store::scratch_of(const domain::StoreSpec& spec, const std::string& point) const {
  domain::PostgresSpec copy = spec.postgres;
  copy.database = rehearse_name(spec.postgres.database, point);
  return {Psql{world_, Reach{std::move(copy), site_.read_secret}}, folder_of(spec, point)};
}

Result<std::string> Store::why_no_rehearsal(const domain::StoreSpec& spec,
                                            const domain::RehearsalRequest& request) {
  const Server server = server_of(spec);
  return Rehearsals{world_, server, scratch_of(spec, request.point)}.why_not(request);
}

Result<domain::Rehearsal> Store::rehearse(const domain::StoreSpec& spec,
                                          const domain::RehearsalRequest& request) {
  const Server server = server_of(spec);
  return Rehearsals{world_, server, scratch_of(spec, request.point)}.rehearse(request);
}

// A dump is restored beside the live database. A clone is a database already.
Result<> Store::prove(const domain::StoreSpec& spec, const domain::Snapshot& snapshot) {
  const Kept kept = TRY(read_kept(snapshot.kept));
  if (kept.as != KeptAs::dump)
    return verify(spec, snapshot, world::Depth::full);
  const Server server = server_of(spec);
  const std::string name = proof_name(spec.postgres.database, base::name_of_path(snapshot.kept));
  return Dumps{world_, server}.prove(dump_path(snapshot.kept), kept, name);
}

} // namespace drivers::postgres
