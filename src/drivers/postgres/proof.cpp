#include "drivers/postgres/proof.hpp"

#include "base/text.hpp"
#include "drivers/postgres/hot.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace drivers::postgres {

using base::Error;
using base::ErrorKind;
using base::Result;
using nlohmann::json;

std::uint64_t Proof::rows() const {
  std::uint64_t all = 0;
  for (const Database& database : databases)
    all += rows_of(database.content);
  return all;
}

namespace {

// What who proves it needs, when he is no superuser: the readers make temporary functions.
std::string grants_of(const Psql& psql) {
  const std::string role = ident(psql.reach().spec().user);
  return "Who proves it reads every row: GRANT pg_read_all_data TO " + role +
         "; GRANT TEMPORARY ON DATABASE template1 TO " + role +
         "; or name a superuser with `user:`.";
}

Result<std::vector<Proof::Database>> read_all(const Throwaway& server,
                                              world::Milliseconds timeout) {
  std::vector<Proof::Database> all;
  const Psql psql = server.psql();
  for (const std::string& name : TRY(server.databases())) {
    const RunOptions long_run{.timeout = timeout};
    const auto may = [&](auto result) {
      if (!result && result.error().message.contains("SQLSTATE 42501"))
        return decltype(result){Error{ErrorKind::failed, result.error().message, grants_of(psql)}};
      return result;
    };
    const std::string of = "database '" + base::printable(name) + "'";
    const auto layout = TRY_CONTEXT(may(layout_of(psql, name, long_run)), of);
    auto content = TRY_CONTEXT(may(content_of(psql, name, Reading::counts, long_run)), of);
    all.push_back({name, digest_of_layout(layout), std::move(content)});
  }
  return all;
}

} // namespace

Result<Proof> prove(world::World world, const domain::PostgresSpec& spec, const std::string& data,
                    const std::string& folder) {
  const DataTools tools = TRY(DataTools::find(world, spec, data));
  const Control control = TRY(tools.control(data));
  Proof proof{control.system, control.has_checksums, {}};
  const bool is_at_rest = control.state == "shut down" || control.state == "shut down in recovery";
  const bool is_hot = TRY(is_base_backup(world.files, data));
  if (is_hot)
    TRY(tools.check_backup(data));
  else if (control.has_checksums && is_at_rest)
    TRY(tools.check_pages(data));
  const Throwaway server{world, tools, folder};
  auto read = [&]() -> Result<std::vector<Proof::Database>> {
    TRY(server.start(data));
    auto all = TRY(read_all(server, spec.timeout));
    // Its pages are of different moments until it has recovered.
    if (control.has_checksums && is_hot)
      TRY(server.check_pages());
    return all;
  }();
  const auto removed = server.remove();
  proof.databases = TRY(std::move(read));
  TRY(removed);
  return proof;
}

std::string tell(const Proof& wanted, const Proof& found) {
  if (wanted.system != found.system)
    return "it is of the server " + found.system + ", not of " + wanted.system;
  std::vector<std::string> parts;
  const auto in = [](const Proof& proof, const std::string& name) {
    return std::ranges::find(proof.databases, name, &Proof::Database::name);
  };
  for (const Proof::Database& database : wanted.databases) {
    const auto other = in(found, database.name);
    const std::string name = "database " + base::printable(database.name);
    if (other == found.databases.end())
      parts.push_back(name + " is missing");
    else if (other->layout != database.layout)
      parts.push_back(name + " has another layout");
    else if (const auto differs = tell_content(database.content, other->content); !differs.empty())
      parts.push_back(name + ": " + differs);
  }
  for (const Proof::Database& database : found.databases)
    if (in(wanted, database.name) == wanted.databases.end())
      parts.push_back("database " + base::printable(database.name) + " is new");
  return base::join(parts, "; ");
}

std::string to_json(const Proof& proof) {
  json databases = json::array();
  for (const Proof::Database& database : proof.databases) {
    json content = json::array();
    for (const TableContent& table : database.content)
      content.push_back({table.name, table.rows, table.hash});
    databases.push_back(
        {{"name", database.name}, {"layout", database.layout}, {"content", std::move(content)}});
  }
  const json object{{"version", 1},
                    {"system", proof.system},
                    {"checksums", proof.has_checksums},
                    {"databases", std::move(databases)}};
  return object.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<Proof> proof_from(const std::string& text, const std::string& path) {
  const Error corrupt{ErrorKind::corrupt, "'" + path + "' is not a record of a proof", ""};
  const json object = json::parse(text, nullptr, false);
  if (!object.is_object())
    return corrupt;
  try {
    if (object.at("version").get<int>() > 1)
      return Error{ErrorKind::too_new, "'" + path + "' was written by a newer belay",
                   "Use that one, or a newer one."};
    Proof proof{object.at("system").get<std::string>(), object.at("checksums").get<bool>(), {}};
    for (const json& each : object.at("databases")) {
      Proof::Database database{
          each.at("name").get<std::string>(), each.at("layout").get<std::string>(), {}};
      for (const json& table : each.at("content"))
        database.content.push_back({table.at(0).get<std::string>(),
                                    table.at(1).get<std::uint64_t>(),
                                    table.at(2).get<std::string>()});
      proof.databases.push_back(std::move(database));
    }
    return proof;
  } catch (const json::exception&) {
    return corrupt;
  }
}

} // namespace drivers::postgres
