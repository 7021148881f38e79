// Store, the part that tries migrations on a copy.

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

} // namespace drivers::postgres
