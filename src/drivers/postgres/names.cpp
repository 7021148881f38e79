#include "drivers/postgres/names.hpp"

#include "base/digest.hpp"

namespace drivers::postgres {
namespace {

std::string fitted_name(const std::string& database, const std::string& infix,
                        const std::string& id) {
  if (database.size() + infix.size() + id.size() <= name_bytes_max)
    return database + infix + id;
  const std::string digest = base::sha256_hex(database + "\n" + id).substr(0, 20);
  std::size_t kept = std::min(database.size(), name_bytes_max - infix.size() - digest.size());
  // Never a part of a character of several bytes.
  while (kept > 0 && kept < database.size() &&
         (static_cast<unsigned char>(database[kept]) & 0xC0U) == 0x80U)
    --kept;
  return database.substr(0, kept) + infix + digest;
}

} // namespace

std::string clone_name(const std::string& database, const std::string& id) {
  return fitted_name(database, "__belay_", id);
}
std::string abandoned_name(const std::string& database, const std::string& id) {
  return fitted_name(database, "__abandoned_", id);
}
std::string restore_name(const std::string& database, const std::string& id) {
  return fitted_name(database, "__restore_", id);
}
std::string proof_name(const std::string& database, const std::string& id) {
  return fitted_name(database, "__proof_", id);
}
std::string rehearse_name(const std::string& database, const std::string& id) {
  return fitted_name(database, "__rehearse_", id);
}

std::string dump_path(const std::string& folder) {
  return folder + "/dump";
}

} // namespace drivers::postgres
