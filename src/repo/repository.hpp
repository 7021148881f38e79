#pragma once
// Repository: an open one: its key, its config, its files and its index.

#include "repo/backend/backend.hpp"
#include "repo/format/password.hpp"
#include "repo/format/zstd.hpp"
#include "repo/index.hpp"
#include "repo/memory.hpp"
#include "world/clock.hpp"
#include "world/machine.hpp"
#include "world/random.hpp"

#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace repo {

struct Ports {
  world::Machine& machine;
  world::Clock& clock;
  world::Random& random;
};

// Memory of packs that were stored, to be used again: what comes fresh from the system costs a page
// fault for every 4 KiB. Several threads may use it at once.
class SpareMemory {
public:
  std::string take(); // some that is empty, or has been used before
  void put(std::string memory);

private:
  std::mutex mutex_;
  std::vector<std::string> spare_;
};

class Repository {
public:
  // Makes an empty repository of version 2. conflict when there is anything of a repository.
  static base::Result<std::unique_ptr<Repository>> create(backend::Backend& backend, Ports ports,
                                                          std::string_view password);
  // not_found: there is no repository, and none is made. invalid_input: no key of it opens with
  // this password. corrupt, too_new.
  static base::Result<std::unique_ptr<Repository>> open(backend::Backend& backend, Ports ports,
                                                        std::string_view password);

  backend::Backend& backend() { return backend_; }
  const Ports& ports() const { return ports_; }
  const format::Config& config() const { return config_; }
  const format::Key& key() const { return key_; }
  const format::Id& key_id() const { return key_id_; } // of the key file that it was opened with
  Index& index() { return *index_; }
  SpareMemory& spare() { return spare_; }
  // What a command with it may take, beside its index.
  std::uint64_t memory_bytes() const { return memory_bytes_; }
  void use_memory(std::uint64_t bytes) { memory_bytes_ = bytes; }
  // invalid_input: it cannot do with that.
  base::Result<MemoryPlan> plan(const MemoryNeed& need, std::size_t threads_wanted = 0) const {
    return plan_memory(memory_bytes_, need, threads_wanted, ports_.machine.cores());
  }

  // A lock, a snapshot or an index file. corrupt: its bytes are not what its name says, or do not
  // open. One thread.
  base::Result<std::string> load(const backend::FileName& name);
  base::Result<format::Id> save(backend::FileKind kind, std::string_view json);

  // Reads every index file. Snapshots must have been listed before: what they need is then in it.
  base::Result<> load_index();
  // By time, then by id.
  base::Result<std::vector<format::Snapshot>> snapshots();
  // `name`: "latest", or the first digits of its id. not_found; invalid_input: several begin so.
  base::Result<format::Snapshot> snapshot(const std::string& name);

private:
  Repository(backend::Backend& backend, Ports ports, const format::Key& key)
      : backend_{backend}, ports_{ports}, key_{key}, sealer_{key, ports.random} {}

  backend::Backend& backend_;
  Ports ports_;
  format::Key key_;
  format::Id key_id_;
  format::Config config_;
  format::Sealer sealer_;
  format::Compressor compressor_{3};
  format::Decompressor decompressor_;
  SpareMemory spare_;
  std::uint64_t memory_bytes_ = memory_bytes_default;
  std::unique_ptr<Index> index_ = std::make_unique<Index>();
};

// Reads blobs. One for each thread.
class BlobReader {
public:
  explicit BlobReader(Repository& repository)
      : repository_{repository}, sealer_{repository.key(), repository.ports().random} {}
  // Replaces `plain`. corrupt: not in the index, or not what its name says: the message names the
  // blob, its pack and what is wrong.
  base::Result<> read(const format::Id& id, format::BlobType type, std::string& plain);
  // What was sealed in `box`, which is the stored form of `place`.
  base::Result<> unpack(const BlobPlace& place, std::string_view box, std::string& plain);

  // The same into memory of its size, and not compared with its name yet: that is the caller's.
  base::Result<> unseal(const BlobPlace& place, std::string_view box, std::span<char> plain);
  // The error of a blob that is not what its name says.
  static base::Error is_another(const BlobPlace& place);

private:
  Repository& repository_;
  format::Sealer sealer_;
  format::Decompressor decompressor_;
  std::string compressed_;
};

// The first digits of an id, enough to tell it from others.
std::string short_id(const format::Id& id);

} // namespace repo
