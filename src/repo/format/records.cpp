#include "repo/format/records.hpp"

#include "repo/format/json_writer.hpp"

#include <charconv>
#include <cstring>

namespace repo::format {

using base::Error;
using base::ErrorKind;
using base::Result;

namespace {

std::string_view view_of(std::span<const unsigned char> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void time(JsonReader& reader, Time& value) {
  std::string text;
  if (!reader.string(text))
    return;
  if (const auto parsed = parse_time(text))
    value = parsed.value();
  else
    reader.refuse(parsed.error().message);
}

void number(JsonReader& reader, std::uint64_t& value) {
  reader.number(value);
}

void optional_id(JsonReader& reader, std::optional<Id>& value) {
  if (!reader.is_null())
    reader.id(value.emplace());
}

// A string, or null, which leaves it empty.
void text(JsonReader& reader, std::string& value) {
  if (!reader.is_null())
    reader.string(value);
}

Error wrong(std::string_view what, std::string_view why) {
  return {ErrorKind::corrupt, std::string{what} + " is broken: " + std::string{why}, ""};
}

} // namespace

std::string to_json(const Config& config) {
  std::string out;
  JsonObject object{out};
  object.number("version", config.version);
  object.plain("id", config.id);
  char hex[20];
  const auto end = std::to_chars(hex, hex + sizeof hex, config.chunker, 16);
  object.plain("chunker_polynomial", {hex, static_cast<std::size_t>(end.ptr - hex)});
  object.end();
  return out;
}

Result<Config> config_from_json(std::string_view json) {
  Config config{.version = 0};
  JsonReader reader{json};
  reader.object([&](std::string_view key) {
    std::string hex;
    if (key == "version") {
      reader.number(config.version);
    } else if (key == "id") {
      reader.string(config.id);
    } else if (key == "chunker_polynomial" && reader.string(hex)) {
      const auto read = std::from_chars(hex.data(), hex.data() + hex.size(), config.chunker, 16);
      if (read.ec != std::errc{} || read.ptr != hex.data() + hex.size())
        reader.refuse("there is no polynomial");
    } else if (key != "chunker_polynomial") {
      reader.skip();
    }
  });
  TRY(reader.end("the config of the repository"));
  if (config.version > 2)
    return Error{ErrorKind::too_new, "the repository has version " + std::to_string(config.version),
                 ""};
  if (config.version == 0 || config.id.empty())
    return wrong("the config of the repository", "it has no version or no id");
  if (!is_usable_polynomial(config.chunker))
    return wrong("the config of the repository", "its polynomial is not irreducible");
  return config;
}

std::string to_json(const KeyFile& key) {
  std::string out;
  JsonObject object{out};
  object.plain("created", format_time(key.created));
  object.text("username", key.user);
  object.text("hostname", key.host);
  object.plain("kdf", "scrypt");
  object.number("N", key.n);
  object.number("r", key.r);
  object.number("p", key.p);
  object.plain("salt", to_base64(key.salt));
  object.plain("data", to_base64(key.data));
  object.end();
  return out;
}

Result<KeyFile> key_file_from_json(std::string_view json) {
  KeyFile key{.n = 0, .r = 0, .p = 0};
  std::string kdf;
  JsonReader reader{json};
  reader.object([&](std::string_view name) {
    if (name == "created")
      time(reader, key.created);
    else if (name == "username")
      text(reader, key.user);
    else if (name == "hostname")
      text(reader, key.host);
    else if (name == "kdf")
      reader.string(kdf);
    else if (name == "N")
      reader.number(key.n);
    else if (name == "r")
      reader.number(key.r);
    else if (name == "p")
      reader.number(key.p);
    else if (name == "salt")
      reader.base64(key.salt);
    else if (name == "data")
      reader.base64(key.data);
    else
      reader.skip();
  });
  TRY(reader.end("the key file"));
  if (kdf != "scrypt")
    return wrong("the key file", "it does not say scrypt");
  if (key.salt.size() != 64 || key.data.size() <= seal_bytes)
    return wrong("the key file", "its salt or its data is too short");
  return key;
}

std::string to_json(const Key& master) {
  std::string out;
  JsonObject object{out};
  object.begin("mac");
  JsonObject mac{out};
  mac.plain("k", to_base64(view_of(master.mac_k)));
  mac.plain("r", to_base64(view_of(master.mac_r)));
  mac.end();
  object.plain("encrypt", to_base64(view_of(master.encrypt)));
  object.end();
  return out;
}

Result<Key> master_key_from_json(std::string_view json) {
  Key key;
  JsonReader reader{json};
  const auto take = [&](std::span<unsigned char> to) {
    std::string bytes;
    if (!reader.base64(bytes))
      return;
    if (bytes.size() == to.size())
      std::memcpy(to.data(), bytes.data(), to.size());
    else
      reader.refuse("a part has the wrong length");
  };
  reader.object([&](std::string_view name) {
    if (name == "encrypt")
      take(key.encrypt);
    else if (name == "mac")
      reader.object([&](std::string_view part) {
        if (part == "k")
          take(key.mac_k);
        else if (part == "r")
          take(key.mac_r);
        else
          reader.skip();
      });
    else
      reader.skip();
  });
  TRY(reader.end("the master key"));
  if (!key.is_valid())
    return wrong("the master key", "a part of it is missing");
  return key;
}

std::string to_json(const LockFile& lock) {
  std::string out;
  JsonObject object{out};
  object.plain("time", format_time(lock.time));
  object.begin("exclusive");
  out += lock.is_exclusive ? "true" : "false";
  object.text("hostname", lock.host);
  object.text("username", lock.user);
  object.number("pid", lock.pid);
  object.end();
  return out;
}

Result<LockFile> lock_from_json(std::string_view json) {
  LockFile lock;
  JsonReader reader{json};
  reader.object([&](std::string_view name) {
    if (name == "time")
      time(reader, lock.time);
    else if (name == "exclusive")
      reader.boolean(lock.is_exclusive);
    else if (name == "hostname")
      text(reader, lock.host);
    else if (name == "username")
      text(reader, lock.user);
    else if (name == "pid")
      reader.number(lock.pid);
    else
      reader.skip();
  });
  TRY(reader.end("the lock"));
  return lock;
}

std::string index_to_json(const std::vector<IndexedPack>& packs) {
  std::string out;
  JsonObject object{out};
  object.begin("packs");
  for (std::size_t at = 0; at < packs.size(); ++at) {
    out += at == 0 ? '[' : ',';
    JsonObject pack{out};
    pack.id("id", packs[at].id);
    pack.begin("blobs");
    out += '[';
    const char* separator = "";
    for (const PackedBlob& blob : packs[at].blobs) {
      out += std::exchange(separator, ",");
      JsonObject entry{out};
      entry.id("id", blob.id);
      entry.plain("type", name_of(blob.type));
      entry.number("offset", blob.offset);
      entry.number("length", blob.length);
      entry.some_number("uncompressed_length", blob.uncompressed_bytes);
      entry.end();
    }
    out += ']';
    pack.end();
  }
  out += packs.empty() ? "[]" : "]";
  object.end();
  return out;
}

namespace {

void index_entry(JsonReader& reader, PackedBlob& blob) {
  std::string type;
  reader.object([&](std::string_view name) {
    if (name == "id")
      reader.id(blob.id);
    else if (name == "type")
      reader.string(type);
    else if (name == "offset")
      reader.number(blob.offset);
    else if (name == "length")
      reader.number(blob.length);
    else if (name == "uncompressed_length")
      reader.number(blob.uncompressed_bytes);
    else
      reader.skip();
  });
  if (type == "tree")
    blob.type = BlobType::tree;
  else if (type != "data")
    reader.refuse("a blob is of a type that is unknown");
  if (blob.length < seal_bytes || blob.offset > UINT32_MAX - blob.length)
    reader.refuse("a blob has an impossible length");
}

void index_pack(JsonReader& reader, IndexedPack& pack) {
  reader.object([&](std::string_view name) {
    if (name == "id")
      reader.id(pack.id);
    else if (name == "blobs")
      reader.array([&] { index_entry(reader, pack.blobs.emplace_back()); });
    else
      reader.skip();
  });
}

} // namespace

Result<std::vector<IndexedPack>> index_from_json(std::string_view json) {
  std::vector<IndexedPack> packs;
  JsonReader reader{json};
  reader.object([&](std::string_view name) {
    if (name == "packs")
      reader.array([&] { index_pack(reader, packs.emplace_back()); });
    else
      reader.skip();
  });
  TRY(reader.end("the index file"));
  return packs;
}

namespace {

struct SummaryField {
  std::string_view name;
  std::uint64_t Summary::*value;
};
constexpr SummaryField summary_fields[] = {
    {"files_new", &Summary::files_new},
    {"files_changed", &Summary::files_changed},
    {"files_unmodified", &Summary::files_unmodified},
    {"dirs_new", &Summary::folders_new},
    {"dirs_changed", &Summary::folders_changed},
    {"dirs_unmodified", &Summary::folders_unmodified},
    {"data_blobs", &Summary::data_blobs},
    {"tree_blobs", &Summary::tree_blobs},
    {"data_added", &Summary::bytes_added},
    {"data_added_packed", &Summary::bytes_added_packed},
    {"total_files_processed", &Summary::files},
    {"total_bytes_processed", &Summary::bytes},
};

void append_summary(std::string& out, const Summary& summary) {
  JsonObject object{out};
  object.plain("backup_start", format_time(summary.begin));
  object.plain("backup_end", format_time(summary.end));
  for (const SummaryField& field : summary_fields)
    object.number(field.name, summary.*field.value);
  object.end();
}

void summary(JsonReader& reader, Summary& value) {
  reader.object([&](std::string_view name) {
    for (const SummaryField& field : summary_fields)
      if (field.name == name)
        return number(reader, value.*field.value);
    if (name == "backup_start")
      time(reader, value.begin);
    else if (name == "backup_end")
      time(reader, value.end);
    else
      reader.skip();
  });
}

} // namespace

std::string to_json(const Snapshot& snapshot) {
  std::string out;
  JsonObject object{out};
  object.plain("time", format_time(snapshot.time));
  object.some_id("parent", snapshot.parent);
  object.id("tree", snapshot.tree);
  object.texts("paths", snapshot.paths);
  object.some_text("hostname", snapshot.host);
  object.some_text("username", snapshot.user);
  object.some_number("uid", snapshot.uid);
  object.some_number("gid", snapshot.gid);
  if (!snapshot.excludes.empty())
    object.texts("excludes", snapshot.excludes);
  if (!snapshot.tags.empty())
    object.texts("tags", snapshot.tags);
  object.some_id("original", snapshot.original);
  object.some_text("program_version", snapshot.program_version);
  if (snapshot.summary) {
    object.begin("summary");
    append_summary(out, *snapshot.summary);
  }
  object.end();
  return out;
}

Result<Snapshot> snapshot_from_json(std::string_view json) {
  Snapshot snapshot;
  JsonReader reader{json};
  reader.object([&](std::string_view name) {
    if (name == "time")
      time(reader, snapshot.time);
    else if (name == "parent")
      optional_id(reader, snapshot.parent);
    else if (name == "tree")
      reader.id(snapshot.tree);
    else if (name == "paths")
      reader.strings(snapshot.paths);
    else if (name == "hostname")
      text(reader, snapshot.host);
    else if (name == "username")
      text(reader, snapshot.user);
    else if (name == "uid")
      reader.number(snapshot.uid);
    else if (name == "gid")
      reader.number(snapshot.gid);
    else if (name == "excludes")
      reader.strings(snapshot.excludes);
    else if (name == "tags")
      reader.strings(snapshot.tags);
    else if (name == "original")
      optional_id(reader, snapshot.original);
    else if (name == "program_version")
      text(reader, snapshot.program_version);
    else if (name == "summary" && !reader.is_null())
      summary(reader, snapshot.summary.emplace());
    else if (name != "summary")
      reader.skip();
  });
  TRY(reader.end("the snapshot"));
  if (snapshot.tree.is_zero())
    return wrong("the snapshot", "it has no tree");
  return snapshot;
}

} // namespace repo::format
