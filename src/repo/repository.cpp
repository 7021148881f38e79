#include "repo/repository.hpp"

#include "base/bytes.hpp"

#include <algorithm>
#include <tuple>

namespace repo {

using backend::FileKind;
using backend::FileName;
using backend::text_of;
using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using format::BlobType;
using format::Id;
using format::Snapshot;

namespace {

constexpr std::size_t keys_tried_max = 20; // each costs half a second
constexpr std::size_t file_bytes_max = std::size_t{1} << 30U;
constexpr std::size_t spare_max = 4;
constexpr const char* unchanging = "It cannot be repaired: bring it back from a copy of the "
                                   "repository, where it is the same.";
constexpr char compressed_mark = 2; // first byte of an unpacked file that is compressed

// `why`: of the backend, which may know more than that there is no config.
Error no_repository(const std::string& location, const Error& why) {
  const std::string message = "there is no repository at '" + location + "'";
  if (!why.hint.empty())
    return {ErrorKind::not_found, message + ": " + why.message, why.hint};
  return {ErrorKind::not_found, message, "Look at the path, or make one with 'belay repo init'."};
}

Result<> check_absent(backend::Backend& backend) {
  const bool has_config = TRY(backend.size({})).has_value();
  const bool has_keys = !TRY(backend.list(FileKind::key)).empty();
  const bool has_snapshots = !TRY(backend.list(FileKind::snapshot)).empty();
  if (has_config || has_keys || has_snapshots)
    return Error{ErrorKind::conflict,
                 "there is a repository at '" + backend.location() + "', or a part of one",
                 "Use it as it is, or name another place."};
  return ok();
}

struct OpenedKey {
  Id id;
  format::Key key;
};

Result<OpenedKey> open_key(backend::Backend& backend, std::string_view password,
                           world::Random& random) {
  const auto files = TRY(backend.list(FileKind::key));
  if (files.empty())
    return Error{ErrorKind::corrupt,
                 "the repository at '" + backend.location() + "' has no key files",
                 "Without one nobody can read it: bring back its folder 'keys' from a copy."};
  std::optional<Error> broken;
  for (std::size_t at = 0; at < std::min(files.size(), keys_tried_max); ++at) {
    const FileName name{FileKind::key, files[at].id};
    const std::string json = TRY(backend.load(name));
    const auto file = format::key_file_from_json(json);
    if (!file || format::id_of(json) != name.id) {
      broken = Error{ErrorKind::corrupt, "'" + text_of(name) + "' is broken", unchanging};
      continue;
    }
    auto key = format::unlock(file.value(), password, random);
    if (key)
      return OpenedKey{name.id, key.value()};
  }
  if (broken && files.size() == 1)
    return *std::move(broken);
  return Error{ErrorKind::invalid_input, "no key of the repository opens with this password",
               "Check where the password comes from, and whether its key was removed."};
}

} // namespace

std::string short_id(const Id& id) {
  return id.hex().substr(0, 8);
}

std::string SpareMemory::take() {
  const std::scoped_lock guard{mutex_};
  std::string memory;
  if (!spare_.empty()) {
    memory = std::move(spare_.back());
    spare_.pop_back();
  }
  return memory;
}

void SpareMemory::put(std::string memory) {
  const std::scoped_lock guard{mutex_};
  if (spare_.size() < spare_max)
    spare_.push_back(std::move(memory));
}

Result<std::unique_ptr<Repository>> Repository::create(backend::Backend& backend, Ports ports,
                                                       std::string_view password) {
  TRY(check_absent(backend));
  TRY(backend.create());
  std::unique_ptr<Repository> made{
      new Repository{backend, ports, format::new_key(ports.random)}}; // NOLINT
  const world::Identity self = ports.machine.identity();
  const std::string key_json = format::to_json(
      format::lock_up(made->key_, password,
                      {self.user, self.host, format::Time::of(ports.clock.now())}, ports.random));
  made->key_id_ = format::id_of(key_json);
  std::array<unsigned char, 32> id{};
  ports.random.fill(id);
  made->config_ = {.version = 2,
                   .id = format::to_hex({reinterpret_cast<const char*>(id.data()), id.size()}),
                   .chunker = format::new_polynomial(ports.random)};
  // The config last: without it there is no repository.
  TRY(backend.save({FileKind::key, made->key_id_}, key_json));
  std::string sealed;
  made->sealer_.seal(format::to_json(made->config_), sealed);
  TRY(backend.save({}, sealed));
  return made;
}

Result<std::unique_ptr<Repository>> Repository::open(backend::Backend& backend, Ports ports,
                                                     std::string_view password) {
  auto sealed = backend.load({});
  if (!sealed && sealed.error().kind == ErrorKind::not_found) {
    const auto keys = backend.list(FileKind::key);
    if (keys && !keys.value().empty())
      return Error{ErrorKind::not_found,
                   "the repository at '" + backend.location() + "' has keys, but no config",
                   unchanging};
    return no_repository(backend.location(), sealed.error());
  }
  if (!sealed)
    return std::move(sealed).error();
  const OpenedKey opened = TRY(open_key(backend, password, ports.random));
  std::unique_ptr<Repository> made{new Repository{backend, ports, opened.key}}; // NOLINT
  made->key_id_ = opened.id;
  const auto json = made->sealer_.open(sealed.value());
  if (!json)
    return Error{ErrorKind::corrupt, "config: " + json.error().message, unchanging};
  made->config_ = TRY(format::config_from_json(json.value()));
  return made;
}

Result<std::string> Repository::load(const FileName& name) {
  const std::string where = text_of(name);
  const std::string stored = TRY(backend_.load(name));
  if (format::id_of(stored) != name.id)
    return Error{ErrorKind::corrupt, "'" + where + "' does not hold what its name says", ""};
  std::string plain;
  TRY_CONTEXT(sealer_.open(stored, plain), where);
  const char kind = plain.empty() ? '\0' : plain.front();
  if (kind == '{' || kind == '[')
    return plain;
  if (kind != compressed_mark)
    return Error{ErrorKind::corrupt, "'" + where + "' is of a kind that is unknown", ""};
  return TRY_CONTEXT(
      decompressor_.decompress_any(std::string_view{plain}.substr(1), file_bytes_max), where);
}

Result<Id> Repository::save(FileKind kind, std::string_view json) {
  const bool is_compressed = config_.version >= 2;
  std::string plain(is_compressed ? 1 : 0, compressed_mark);
  if (is_compressed)
    compressor_.compress(json, plain);
  else
    plain += json;
  std::string sealed;
  sealer_.seal(plain, sealed);
  const Id id = format::id_of(sealed);
  TRY(backend_.save({kind, id}, sealed));
  return id;
}

Result<> Repository::load_index() {
  auto fresh = std::make_unique<Index>();
  for (const backend::Listed& file : TRY(backend_.list(FileKind::index))) {
    const FileName name{FileKind::index, file.id};
    const std::string json = TRY(load(name));
    for (const format::IndexedPack& pack :
         TRY_CONTEXT(format::index_from_json(json), text_of(name)))
      fresh->add(pack);
  }
  index_ = std::move(fresh);
  return ok();
}

Result<std::vector<Snapshot>> Repository::snapshots() {
  std::vector<Snapshot> all;
  for (const backend::Listed& file : TRY(backend_.list(FileKind::snapshot))) {
    const FileName name{FileKind::snapshot, file.id};
    auto json = load(name);
    if (!json && json.error().kind == ErrorKind::not_found)
      continue; // forgotten since
    if (!json)
      return std::move(json).error();
    all.push_back(TRY_CONTEXT(format::snapshot_from_json(json.value()), text_of(name)));
    all.back().id = file.id;
  }
  std::ranges::sort(all, [](const Snapshot& a, const Snapshot& b) {
    return std::tie(a.time, a.id) < std::tie(b.time, b.id);
  });
  return all;
}

Result<Snapshot> Repository::snapshot(const std::string& name) {
  const auto all = TRY(snapshots());
  if (name == "latest") {
    if (all.empty())
      return Error{ErrorKind::not_found, "there is no snapshot in the repository", ""};
    return all.back();
  }
  const Snapshot* found = nullptr;
  for (const Snapshot& each : all) {
    if (name.empty() || !each.id.hex().starts_with(name))
      continue;
    if (found != nullptr)
      return Error{ErrorKind::invalid_input, "several snapshots begin with '" + name + "'",
                   "Give more digits of its id."};
    found = &each;
  }
  if (found == nullptr)
    return Error{ErrorKind::not_found, "there is no snapshot '" + name + "'",
                 "List them with 'belay snapshots'."};
  return *found;
}

Result<> BlobReader::read(const Id& id, BlobType type, std::string& plain) {
  const auto place = repository_.index().find(id, type);
  if (!place)
    return Error{
        ErrorKind::corrupt,
        std::string{format::name_of(type)} + " blob " + short_id(id) + " is in no index file", ""};
  auto box = repository_.backend().load({FileKind::pack, place->pack}, place->blob.offset,
                                        place->blob.length);
  if (!box && box.error().kind == ErrorKind::not_found)
    return Error{ErrorKind::corrupt,
                 "the pack '" + text_of({FileKind::pack, place->pack}) + "' is missing", ""};
  if (!box)
    return std::move(box).error();
  return unpack(*place, box.value(), plain);
}

namespace {

Error broken(const BlobPlace& place, const std::string& why) {
  return {ErrorKind::corrupt,
          std::string{format::name_of(place.blob.type)} + " blob " + short_id(place.blob.id) +
              " in '" + text_of({FileKind::pack, place.pack}) + "': " + why,
          ""};
}

} // namespace

Error BlobReader::is_another(const BlobPlace& place) {
  return broken(place, "its bytes are not what its name says");
}

Result<> BlobReader::unseal(const BlobPlace& place, std::string_view box, std::span<char> plain) {
  const format::PackedBlob& blob = place.blob;
  if (box.size() != blob.length)
    return broken(place, "the file ends before it");
  const bool is_compressed = blob.uncompressed_bytes != 0;
  if (auto opened = is_compressed ? sealer_.open(box, compressed_) : sealer_.open(box, plain);
      !opened)
    return broken(place, opened.error().message);
  if (is_compressed)
    if (auto taken = decompressor_.decompress(compressed_, plain); !taken)
      return broken(place, taken.error().message);
  return ok();
}

Result<> BlobReader::unpack(const BlobPlace& place, std::string_view box, std::string& plain) {
  base::resize_unset(plain, place.blob.plain_bytes());
  TRY(unseal(place, box, plain));
  if (format::id_of(plain) != place.blob.id)
    return is_another(place);
  return ok();
}

} // namespace repo
