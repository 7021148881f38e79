#include "drivers/postgres/record.hpp"

#include <nlohmann/json.hpp>

namespace drivers::postgres {

using base::Error;
using base::ErrorKind;
using base::Result;
using nlohmann::json;

namespace {

const char* name_of(Reading reading) {
  switch (reading) {
  case Reading::counts: return "counts";
  case Reading::sampled: return "sampled";
  case Reading::whole: break;
  }
  return "whole";
}

Error corrupt(const std::string& path) {
  return {ErrorKind::corrupt, "'" + path + "' is not a record of a kept database",
          "Choose another restore point: 'belay points'."};
}

// What has the form; throws nothing of json's beyond this file.
template <class Value, class Read>
Result<Value> read(const std::string& text, const std::string& path, const Read& fill) {
  const json object = json::parse(text, nullptr, false);
  if (!object.is_object() || !object.contains("version") || !object["version"].is_number_integer())
    return corrupt(path);
  if (object["version"].get<int>() > record_version)
    return Error{ErrorKind::too_new, "'" + path + "' was written by a newer belay",
                 "Use that one, or a newer one."};
  try {
    Value value;
    fill(object, value);
    return value;
  } catch (const json::exception&) {
    return corrupt(path);
  }
}

} // namespace

std::string to_json(const Kept& kept) {
  json settings = json::array();
  for (const Setting& setting : kept.settings)
    settings.push_back({setting.before, setting.after});
  json content = json::array();
  for (const TableContent& table : kept.content)
    content.push_back({table.name, table.rows, table.hash});
  json ledgers = json::array();
  for (const domain::Ledger& ledger : kept.ledgers)
    ledgers.push_back({{"table", ledger.table}, {"applied", ledger.applied}});
  json counted = json::array();
  for (const TableCounter& table : kept.counters.tables)
    counted.push_back({table.table, table.inserted, table.updated, table.deleted});
  const json object{
      {"version", record_version},
      {"kept_as", kept.as == KeptAs::dump ? "dump" : "database"},
      {"live", kept.live},
      {"database", kept.database},
      {"oid", kept.oid},
      {"dump_sha256", kept.dump_sha256},
      {"dump_bytes", kept.dump_bytes},
      {"server_version", kept.server_version},
      {"system", kept.system},
      {"bytes", kept.bytes},
      {"settings", settings},
      {"layout", kept.layout},
      {"layout_lines", kept.layout_lines},
      {"ledgers", ledgers},
      {"reading", name_of(kept.reading)},
      {"content", content},
      {"counters",
       {{"oid", kept.counters.oid}, {"reset_at", kept.counters.reset_at}, {"tables", counted}}}};
  return object.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<Kept> kept_from(const std::string& text, const std::string& path) {
  return read<Kept>(text, path, [](const json& from, Kept& kept) {
    kept.as = from.at("kept_as") == "dump" ? KeptAs::dump : KeptAs::database;
    from.at("live").get_to(kept.live);
    from.at("database").get_to(kept.database);
    from.at("oid").get_to(kept.oid);
    from.at("dump_sha256").get_to(kept.dump_sha256);
    from.at("dump_bytes").get_to(kept.dump_bytes);
    from.at("server_version").get_to(kept.server_version);
    from.at("system").get_to(kept.system);
    from.at("bytes").get_to(kept.bytes);
    for (const json& each : from.at("settings"))
      kept.settings.push_back({each.at(0), each.at(1)});
    from.at("layout").get_to(kept.layout);
    from.at("layout_lines").get_to(kept.layout_lines);
    for (const json& each : from.at("ledgers"))
      kept.ledgers.push_back({each.at("table"), each.at("applied")});
    const auto& reading = from.at("reading").get_ref<const std::string&>();
    kept.reading = reading == "counts"    ? Reading::counts
                   : reading == "sampled" ? Reading::sampled
                                          : Reading::whole;
    for (const json& each : from.at("content"))
      kept.content.push_back({each.at(0), each.at(1), each.at(2)});
    if (!from.contains("counters")) // an older one
      return;
    const json& counters = from["counters"];
    counters.at("oid").get_to(kept.counters.oid);
    counters.at("reset_at").get_to(kept.counters.reset_at);
    for (const json& each : counters.at("tables"))
      kept.counters.tables.push_back({each.at(0), each.at(1), each.at(2), each.at(3)});
  });
}

std::string to_json(const SwapRecord& swap) {
  return json{{"version", record_version},
              {"incoming", swap.incoming},
              {"incoming_oid", swap.incoming_oid},
              {"live_oid", swap.live_oid}}
             .dump(1) +
         "\n";
}

Result<SwapRecord> swap_from(const std::string& text, const std::string& path) {
  return read<SwapRecord>(text, path, [](const json& from, SwapRecord& swap) {
    from.at("incoming").get_to(swap.incoming);
    from.at("incoming_oid").get_to(swap.incoming_oid);
    from.at("live_oid").get_to(swap.live_oid);
  });
}

} // namespace drivers::postgres
