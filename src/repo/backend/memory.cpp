#include "repo/backend/memory.hpp"

#include <algorithm>

namespace repo::backend {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

std::string folder_of(FileKind kind) {
  const std::string text = text_of({kind, {}});
  return text.substr(0, text.find('/') + 1);
}

} // namespace

Result<> Memory::create() {
  return ok();
}

Result<std::string> Memory::load(const FileName& name, std::uint64_t offset, std::uint64_t bytes) {
  const std::scoped_lock guard{mutex_};
  const auto found = files.find(text_of(name));
  if (found == files.end())
    return Error{ErrorKind::not_found, "there is no '" + text_of(name) + "'", ""};
  const std::string& all = found->second;
  return offset < all.size() ? all.substr(offset, bytes) : "";
}

Result<std::optional<std::uint64_t>> Memory::size(const FileName& name) {
  const std::scoped_lock guard{mutex_};
  const auto found = files.find(text_of(name));
  return found == files.end() ? std::nullopt : std::optional<std::uint64_t>{found->second.size()};
}

Result<> Memory::save(const FileName& name, std::string_view bytes) {
  TRY(ask(true, name));
  {
    const std::scoped_lock guard{mutex_};
    const bool is_new = files.emplace(text_of(name), bytes).second;
    if (!is_new && name.kind == FileKind::config)
      return Error{ErrorKind::conflict, "there is a config already", ""};
  }
  return ask(false, name);
}

Result<> Memory::remove(const FileName& name) {
  TRY(ask(true, name));
  {
    const std::scoped_lock guard{mutex_};
    files.erase(text_of(name));
  }
  return ask(false, name);
}

Result<std::vector<Listed>> Memory::list(FileKind kind) {
  const std::scoped_lock guard{mutex_};
  std::vector<Listed> all;
  const std::string folder = folder_of(kind);
  for (auto at = files.lower_bound(folder); at != files.end() && at->first.starts_with(folder);
       ++at)
    if (const auto id = format::parse_id(at->first.substr(at->first.rfind('/') + 1)))
      all.push_back({*id, at->second.size()});
  return all;
}

} // namespace repo::backend
