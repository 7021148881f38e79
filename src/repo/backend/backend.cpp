#include "repo/backend/backend.hpp"

namespace repo::backend {

std::string text_of(const FileName& name) {
  const std::string id = name.id.hex();
  switch (name.kind) {
  case FileKind::config: return "config";
  case FileKind::key: return "keys/" + id;
  case FileKind::lock: return "locks/" + id;
  case FileKind::snapshot: return "snapshots/" + id;
  case FileKind::index: return "index/" + id;
  case FileKind::pack: return "data/" + id.substr(0, 2) + "/" + id;
  }
  return "";
}

} // namespace repo::backend
