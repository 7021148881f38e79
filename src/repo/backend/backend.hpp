#pragma once
// Backend: where the files of a repository live. Each file is written once, whole, and never
// changed.

#include "base/result.hpp"
#include "repo/format/id.hpp"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace repo::backend {

enum class FileKind { config, key, lock, snapshot, index, pack };

struct FileName {
  FileKind kind = FileKind::config;
  format::Id id; // SHA-256 of its bytes; nothing for config, of which there is one
  bool operator==(const FileName&) const = default;
};
std::string text_of(const FileName& name); // "config", "index/3f2a…": the path in the repository

struct Listed {
  format::Id id;
  std::uint64_t size_bytes = 0;
  bool operator==(const Listed&) const = default;
};

constexpr std::uint64_t to_the_end = std::numeric_limits<std::uint64_t>::max();

// load(), size() and list() may be called by several threads at once, the others by one.
class Backend {
public:
  virtual ~Backend() = default;
  virtual std::string location() const = 0; // for messages

  // Makes the place ready for save(). Idempotent.
  virtual base::Result<> create() = 0;
  // `bytes` from `offset` on, fewer only where the file ends. not_found.
  virtual base::Result<std::string> load(const FileName& name, std::uint64_t offset = 0,
                                         std::uint64_t bytes = to_the_end) = 0;
  virtual base::Result<std::optional<std::uint64_t>>
  size(const FileName& name) = 0; // nullopt: absent
  // When it returns, the file is durable and whole; when it fails or we die, it is that or absent.
  // A file that is there is left as it is: its name says what is in it. But a config: conflict.
  virtual base::Result<> save(const FileName& name, std::string_view bytes) = 0;
  virtual base::Result<> remove(const FileName& name) = 0; // Idempotent.
  // By id. What has no id for a name is passed over.
  virtual base::Result<std::vector<Listed>> list(FileKind kind) = 0;
};

} // namespace repo::backend
