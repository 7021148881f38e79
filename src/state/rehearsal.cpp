#include "state/rehearsal.hpp"

#include <nlohmann/json.hpp>

namespace state {

using base::Error;
using base::ErrorKind;
using base::Result;
using nlohmann::json;

namespace {

constexpr int rehearsal_version = 1;
constexpr std::size_t bytes_max = 1U << 20U;

std::string path_in(const std::string& state_folder) {
  return state_folder + "/rehearsal.json";
}

RehearsedStore store_from(const json& from) {
  return {.store = from.at("store"),
          .bytes = from.at("bytes"),
          .copied_ms = from.at("copied_ms"),
          .ran_ms = from.at("ran_ms"),
          .files = from.at("files"),
          .layout = from.at("layout")};
}

} // namespace

std::string to_json(const RehearsalRecord& record) {
  json stores = json::array();
  for (const RehearsedStore& store : record.stores)
    stores.push_back({{"store", store.store},
                      {"bytes", store.bytes},
                      {"copied_ms", store.copied_ms},
                      {"ran_ms", store.ran_ms},
                      {"files", store.files},
                      {"layout", store.layout}});
  return json{{"rehearsal", rehearsal_version},
              {"at", record.at},
              {"to", record.to},
              {"point", record.point},
              {"basis", record.basis},
              {"passed", record.has_passed},
              {"stores", std::move(stores)}}
             .dump(2, ' ', false, json::error_handler_t::replace) +
         "\n";
}

Result<RehearsalRecord> rehearsal_from_json(std::string_view text) {
  const Error corrupt{ErrorKind::corrupt, "the record of the rehearsal is not whole",
                      "Remove the file: the next rehearsal writes it anew."};
  const json object = json::parse(text, nullptr, false);
  if (!object.is_object() || !object.contains("rehearsal") ||
      !object["rehearsal"].is_number_integer())
    return corrupt;
  if (object["rehearsal"].get<std::int64_t>() > rehearsal_version)
    return Error{ErrorKind::too_new, "the record of the rehearsal is of a newer belay",
                 "Use that one."};
  try {
    RehearsalRecord record{.at = object.at("at"),
                           .to = object.at("to"),
                           .point = object.at("point"),
                           .basis = object.at("basis"),
                           .has_passed = object.at("passed"),
                           .stores = {}};
    for (const json& store : object.at("stores"))
      record.stores.push_back(store_from(store));
    return record;
  } catch (const json::exception&) {
    return corrupt;
  }
}

Result<std::optional<RehearsalRecord>> read_rehearsal(world::Files& files,
                                                      const std::string& state_folder) {
  auto text = files.read(path_in(state_folder), bytes_max);
  if (!text && text.error().kind == ErrorKind::not_found)
    return std::optional<RehearsalRecord>{};
  return std::optional{TRY(rehearsal_from_json(TRY(std::move(text))))};
}

Result<> write_rehearsal(world::Files& files, const std::string& state_folder,
                         const RehearsalRecord& record) {
  return files.replace(path_in(state_folder), to_json(record));
}

} // namespace state
