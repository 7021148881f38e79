#pragma once
// Sqlite: world::Sqlite by libsqlite3.

#include "os/effects.hpp"
#include "world/sqlite.hpp"

namespace os {

class Sqlite final : public world::Sqlite {
public:
  explicit Sqlite(Effects& effects) : effects_{effects} {}
  base::Result<> backup(const std::string& from, const std::string& to) override;
  base::Result<> check(const std::string& path) override;
  base::Result<world::SqliteFingerprint> fingerprint(const std::string& path) override;
  base::Result<> fold(const std::string& path) override;
  base::Result<std::vector<world::SqliteRow>> query(const std::string& path,
                                                    const world::SqliteStatement& statement,
                                                    std::size_t rows_max) override;
  base::Result<> change(const std::string& path,
                        const std::vector<world::SqliteStatement>& statements,
                        world::Milliseconds timeout) override;

private:
  Effects& effects_;
};

} // namespace os
