// Build, the part for stores in PostgreSQL and Redis.
#include "config/build.hpp"

namespace config {

domain::PostgresSpec build_postgres(const Building& building, const std::string& store,
                                    const Value& section) {
  using domain::PostgresMethod;
  domain::PostgresSpec spec;
  spec.user = section.text_or_empty("user");
  spec.tools = section.text_or_empty("tools");
  spec.timeout = section.at("timeout").duration;
  if (const Value* password = section.find("password"))
    spec.password = secret_of(password->text);
  if (section.find("data") != nullptr) {
    if (spec.user.empty())
      spec.user = "postgres";
    return spec;
  }
  spec.database = section.at("database").text;
  spec.host = section.text_or_empty("host");
  if (const Value* port = section.find("port"))
    spec.port = static_cast<int>(port->number);
  spec.sslmode = section.text_or_empty("sslmode");
  spec.ssl_root = section.text_or_empty("ssl_root");
  if (const Value* through = section.find("through"))
    spec.through = project_command(through->words, building.stack.project_folder);
  spec.maintenance = section.at("maintenance").text;
  const std::string& method = section.at("method").text;
  spec.method = method == "clone"  ? PostgresMethod::clone
                : method == "dump" ? PostgresMethod::dump
                                   : PostgresMethod::automatic;
  spec.sample_above_bytes = static_cast<std::uint64_t>(section.at("sample_above").number);
  spec.fence_timeout = section.at("fence_timeout").duration;
  const std::string path = "stores." + store + ".postgres";
  // The longest name of PostgreSQL is 63 bytes; a longer one would be cut, and be another's.
  if (spec.database.size() > 63)
    building.problems.add(section.at("database").mark,
                          quoted(path + ".database") + " is longer than 63 bytes",
                          "PostgreSQL cuts a name there: write it as the server has it.");
  if (spec.database == spec.maintenance)
    building.problems.add(section.at("maintenance").mark,
                          quoted(path + ".maintenance") + " is the database of the store itself",
                          "Name another database: nobody can rename the one he is connected to.");
  return spec;
}

domain::RedisSpec build_redis(const Building& building, const Value& section) {
  domain::RedisSpec spec;
  spec.socket = section.text_or_empty("socket");
  spec.host = section.at("host").text;
  spec.port = static_cast<int>(section.at("port").number);
  spec.user = section.text_or_empty("user");
  if (const Value* password = section.find("password"))
    spec.password = secret_of(password->text);
  spec.server = project_command(section.at("server").words, building.stack.project_folder);
  spec.timeout = section.at("timeout").duration;
  return spec;
}

} // namespace config
