#include "engine/record.hpp"

#include <array>

#include <nlohmann/json.hpp>

namespace engine {
namespace {

using base::Error;
using base::ErrorKind;
using base::Result;
using nlohmann::json;

constexpr std::array event_names{"begin", "done", "failed", "resumed", "end"};

json to(const KeptReading& reading) {
  json object{{"probe", reading.probe}, {"verdict", reading.verdict}, {"detail", reading.detail}};
  if (reading.number)
    object["number"] = *reading.number;
  return object;
}
KeptReading reading_from(const json& from) {
  KeptReading reading{from.at("probe"), from.at("verdict"), from.at("detail"), std::nullopt};
  if (from.contains("number"))
    reading.number = from["number"].get<double>();
  return reading;
}

json to(const LogTail& tail) {
  return {{"service", tail.service}, {"text", tail.text}};
}
LogTail tail_from(const json& from) {
  return {from.at("service"), from.at("text")};
}

json to(const domain::Release& release) {
  return {release.service, release.label, release.folder, release.digest};
}
domain::Release release_from(const json& from) {
  return {from.at(0), from.at(1), from.at(2), from.at(3)};
}

json to(const domain::Snapshot& snapshot) {
  return {snapshot.store, snapshot.kept,  snapshot.digest,
          snapshot.files, snapshot.bytes, snapshot.is_secured};
}
domain::Snapshot snapshot_from(const json& from) {
  return {from.at(0), from.at(1), from.at(2), from.at(3), from.at(4), from.at(5)};
}

json to(const world::Difference& difference) {
  return {static_cast<int>(difference.kind), difference.path, difference.bytes_a,
          difference.bytes_b};
}
world::Difference difference_from(const json& from) {
  const int kind = from.at(0);
  return {static_cast<world::Difference::Kind>(kind < 0 || kind > 2 ? 2 : kind), from.at(1),
          from.at(2), from.at(3)};
}

json to(const LedgerFact& fact) {
  return {{"store", fact.store},
          {"before", fact.before},
          {"after", fact.after},
          {"moved", fact.moved},
          {"ledger", fact.ledger},
          {"layout", fact.layout},
          {"compatible", fact.is_compatible}};
}
LedgerFact ledger_from(const json& from) {
  return {.store = from.at("store"),
          .before = from.at("before"),
          .after = from.at("after"),
          .moved = from.at("moved"),
          .ledger = from.at("ledger"),
          .layout = from.at("layout"),
          .is_compatible = from.at("compatible")};
}

json to(const domain::Abandoned& abandoned);

template <class Value>
json list(const std::vector<Value>& values) {
  json array = json::array();
  for (const Value& value : values)
    array.push_back(to(value));
  return array;
}

template <class Read>
auto values(const json& array, Read read) {
  std::vector<decltype(read(array))> found;
  for (const json& each : array)
    found.push_back(read(each));
  return found;
}

json to(const domain::Abandoned& abandoned) {
  return {{"store", abandoned.store},
          {"kept", abandoned.kept},
          {"files", abandoned.files},
          {"bytes", abandoned.bytes},
          {"written", list(abandoned.written_since)},
          {"differences", abandoned.differences}};
}
domain::Abandoned abandoned_from(const json& from) {
  return {.store = from.at("store"),
          .kept = from.at("kept"),
          .files = from.at("files"),
          .bytes = from.at("bytes"),
          .written_since = values(from.at("written"), difference_from),
          .differences = from.at("differences")};
}

void put_facts(json& object, const Record& record) {
  if (record.baseline)
    object["baseline"] = list(*record.baseline);
  if (record.releases_to)
    object["releases_to"] = list(*record.releases_to);
  if (record.snapshots)
    object["snapshots"] = list(*record.snapshots);
  if (record.level)
    object["level"] = domain::name_of(*record.level);
  if (record.stores)
    object["stores"] = *record.stores;
  if (record.abandoned)
    object["abandoned"] = list(*record.abandoned);
  if (record.ledgers)
    object["ledgers"] = list(*record.ledgers);
  if (record.expanded)
    object["expanded"] = *record.expanded;
  if (record.readings)
    object["readings"] = *record.readings;
}

void take_facts(const json& object, Record& record) {
  if (object.contains("baseline"))
    record.baseline = values(object["baseline"], reading_from);
  if (object.contains("releases_to"))
    record.releases_to = values(object["releases_to"], release_from);
  if (object.contains("snapshots"))
    record.snapshots = values(object["snapshots"], snapshot_from);
  if (object.contains("level"))
    record.level = domain::level_named(object["level"].get<std::string>());
  if (object.contains("stores"))
    record.stores = object["stores"].get<std::vector<std::string>>();
  if (object.contains("abandoned"))
    record.abandoned = values(object["abandoned"], abandoned_from);
  if (object.contains("ledgers"))
    record.ledgers = values(object["ledgers"], ledger_from);
  if (object.contains("expanded"))
    record.expanded = object["expanded"].get<std::size_t>();
  if (object.contains("readings"))
    record.readings = object["readings"].get<std::string>();
}

Record record_from(const json& object) {
  Record record;
  const std::string event = object.at("event");
  const auto known = std::ranges::find(event_names, event);
  if (known == event_names.end())
    throw json::other_error::create(501, "unknown event '" + event + "'", &object);
  record.event = static_cast<RecordEvent>(known - event_names.begin());
  record.step = object.value("step", "");
  record.at = object.at("at");
  record.boot = object.value("boot", "");
  record.elapsed_ms = object.value("ms", std::int64_t{0});
  record.text = object.value("text", "");
  record.hint = object.value("hint", "");
  record.stays = object.value("stays", false);
  if (object.contains("detail"))
    record.detail = object["detail"].get<std::vector<std::string>>();
  if (object.contains("gates"))
    record.gates = values(object["gates"], reading_from);
  if (object.contains("logs"))
    record.logs = values(object["logs"], tail_from);
  take_facts(object, record);
  return record;
}

} // namespace

std::string encode(const Record& record) {
  json object{{"event", event_names.at(static_cast<std::size_t>(record.event))}, {"at", record.at}};
  if (!record.step.empty())
    object["step"] = record.step;
  if (!record.boot.empty())
    object["boot"] = record.boot;
  if (record.event == RecordEvent::done || record.event == RecordEvent::failed)
    object["ms"] = record.elapsed_ms;
  if (!record.text.empty())
    object["text"] = record.text;
  if (!record.hint.empty())
    object["hint"] = record.hint;
  if (record.stays)
    object["stays"] = true;
  if (!record.detail.empty())
    object["detail"] = record.detail;
  if (!record.gates.empty())
    object["gates"] = list(record.gates);
  if (!record.logs.empty())
    object["logs"] = list(record.logs);
  put_facts(object, record);
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<Record> decode(std::string_view payload) {
  const json object = json::parse(payload, nullptr, false);
  if (!object.is_object())
    return Error{ErrorKind::corrupt, "a journal record is not a JSON object", ""};
  try {
    return record_from(object);
  } catch (const json::exception& exception) {
    return Error{ErrorKind::corrupt,
                 std::string{"a journal record is damaged: "} + exception.what(), ""};
  }
}

} // namespace engine
