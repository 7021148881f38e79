#include "base/digest.hpp"
#include "base/text.hpp"
#include "sim/sim_world.hpp"

#include <algorithm>

namespace sim {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using world::EntryKind;

namespace {

bool is_excluded(const std::string& path, const std::vector<std::string>& exclude) {
  return std::ranges::any_of(exclude, [&](const auto& e) { return base::is_inside(path, e); });
}

Error no_folder(const std::string& path) {
  return {ErrorKind::not_found, "no such folder '" + path + "'", ""};
}

} // namespace

std::string SimTrees::digest_of(const std::string& root,
                                const std::vector<std::string>& exclude) const {
  std::string all;
  for (const auto& [path, node] : host_.disk.below(root))
    if (!is_excluded(path, exclude))
      all += path + "\n" + std::to_string(static_cast<int>(node->kind)) + " " +
             std::to_string(node->mode) + " " + std::to_string(node->content.size()) + "\n" +
             node->content;
  // Not SHA-256: thousands of histories a second need a cheap digest, and nobody attacks this one.
  return std::to_string(std::hash<std::string>{}(all));
}

Result<world::TreeSize> SimTrees::size(const std::string& root,
                                       const std::vector<std::string>& exclude) {
  if (host_.read_fails())
    return injected();
  if (host_.disk.find(root) == nullptr)
    return no_folder(root);
  world::TreeSize size;
  for (const auto& [path, node] : host_.disk.below(root))
    if (!is_excluded(path, exclude))
      size.files += 1, size.bytes += node->content.size();
  return size;
}

Result<world::Capture> SimTrees::capture(const std::string& source, const std::string& copy,
                                         const std::string& catalogue,
                                         const world::CaptureOptions& options) {
  const auto bring = [&](std::size_t files_max) {
    if (host_.disk.find(copy) == nullptr)
      host_.disk.put(copy, Node{EntryKind::folder, "", 0700, 0});
    for (const auto& [path, node] : host_.disk.below(copy)) {
      const std::string gone = path; // below() is a copy of the paths, nodes may go
      if (host_.disk.find(source + "/" + gone) == nullptr)
        host_.disk.erase(copy + "/" + gone);
    }
    std::size_t done = 0;
    for (const auto& [path, node] : host_.disk.below(source)) {
      if (is_excluded(path, options.exclude) || done++ >= files_max)
        continue;
      host_.disk.put(copy + "/" + path, *node);
    }
    return done;
  };
  return host_.effect<world::Capture>(
      true,
      [&]() -> Result<world::Capture> {
        if (host_.disk.find(source) == nullptr)
          return no_folder(source);
        world::Capture capture;
        capture.copied.files = bring(SIZE_MAX);
        host_.client_writes(); // a hot copy is stale as soon as it is made
        capture.digest = digest_of(copy, {});
        capture.size.files = capture.copied.files;
        host_.disk.write(catalogue, capture.digest);
        if (options.is_source_at_rest && capture.digest != digest_of(source, options.exclude))
          capture.torn.emplace_back(".");
        return capture;
      },
      [&] { bring(1); });
}

Result<std::string> SimTrees::catalogue(const std::string& root, const std::string& catalogue) {
  return host_.effect<std::string>(true, [&]() -> Result<std::string> {
    if (host_.disk.find(root) == nullptr)
      return no_folder(root);
    std::string digest = digest_of(root, {});
    host_.disk.write(catalogue, digest);
    return digest;
  });
}

Result<> SimTrees::copy_file(const std::string& from, const std::string& to) {
  return host_.effect<void>(true, [&]() -> Result<> {
    const Node* node = host_.disk.find(from);
    if (node == nullptr)
      return no_folder(from);
    host_.disk.put(to, *node);
    return ok();
  });
}

Result<> SimTrees::verify(const std::string& copy, const std::string& catalogue, world::Depth) {
  if (host_.read_fails())
    return injected();
  const Node* node = host_.disk.find(catalogue);
  if (node == nullptr || host_.disk.find(copy) == nullptr)
    return no_folder(copy);
  if (node->content != digest_of(copy, {}))
    return Error{ErrorKind::corrupt, "'" + copy + "' differs from its catalogue", ""};
  return ok();
}

Result<std::string> SimTrees::digest(const std::string& root) {
  if (host_.read_fails())
    return injected();
  if (host_.disk.find(root) == nullptr)
    return no_folder(root);
  return digest_of(root, {});
}

Result<std::vector<world::Difference>> SimTrees::compare(const std::string& a, const std::string& b,
                                                         const std::vector<std::string>& exclude) {
  if (host_.read_fails())
    return injected();
  if (host_.disk.find(a) == nullptr || host_.disk.find(b) == nullptr)
    return no_folder(host_.disk.find(a) == nullptr ? a : b);
  std::map<std::string, world::Difference> found;
  for (const auto& [path, node] : host_.disk.below(a))
    found[path] = {world::Difference::Kind::removed, path, node->content.size(), 0};
  for (const auto& [path, node] : host_.disk.below(b)) {
    const Node* other = host_.disk.find(a + "/" + path);
    if (other == nullptr)
      found[path] = {world::Difference::Kind::added, path, 0, node->content.size()};
    else if (other->content == node->content && other->kind == node->kind)
      found.erase(path);
    else
      found[path] = {world::Difference::Kind::changed, path, other->content.size(),
                     node->content.size()};
  }
  std::vector<world::Difference> differences;
  for (auto& [path, difference] : found)
    if (!is_excluded(path, exclude))
      differences.push_back(std::move(difference));
  return differences;
}

Result<> SimTrees::copy_root_metadata(const std::string& from, const std::string& to) {
  return host_.effect<void>(false, [&]() -> Result<> {
    if (host_.disk.find(from) == nullptr || host_.disk.find(to) == nullptr)
      return no_folder(to);
    host_.disk.find(to)->mode = host_.disk.find(from)->mode;
    return ok();
  });
}

Result<> SimTrees::copy(const std::string& from, const std::string& to) {
  const auto bring = [&](std::size_t files_max) {
    host_.disk.put(to, Node{EntryKind::folder, "", host_.disk.find(from)->mode, 0});
    for (const auto& [path, node] : host_.disk.below(from))
      if (files_max-- > 0)
        host_.disk.put(to + "/" + path, *node);
      else
        break;
  };
  return host_.effect<void>(
      true,
      [&]() -> Result<> {
        if (host_.disk.find(from) == nullptr)
          return no_folder(from);
        if (host_.disk.find(to) != nullptr)
          return Error{ErrorKind::conflict, "'" + to + "' exists", ""};
        bring(SIZE_MAX);
        return ok();
      },
      [&] {
        if (host_.disk.find(from) != nullptr)
          bring(1);
      });
}

// A simulated archive is a file whose content is the program; it unpacks to `bin/app`.
Result<> SimTrees::unpack(const std::string& archive, const std::string& to, std::uint64_t) {
  return host_.effect<void>(true, [&]() -> Result<> {
    const Node* node = host_.disk.find(archive);
    if (node == nullptr)
      return no_folder(archive);
    host_.disk.write(to + "/bin/app", node->content, 0755);
    return ok();
  });
}

Result<std::string> SimTrees::file_digest(const std::string& path) {
  if (host_.read_fails())
    return injected();
  const Node* node = host_.disk.find(path);
  if (node == nullptr)
    return no_folder(path);
  return base::sha256_hex(node->content);
}

Result<> SimTrees::sync(const std::string&) {
  return host_.effect<void>(false, []() -> Result<> { return ok(); });
}

Result<> SimTrees::remove(const std::string& root) {
  return host_.effect<void>(
      false,
      [&]() -> Result<> {
        if (host_.disk.find(root) != nullptr)
          host_.disk.erase(root);
        return ok();
      },
      [&] {
        const auto names = host_.disk.children(root);
        if (!names.empty())
          host_.disk.erase(root + "/" + names.front());
      });
}

} // namespace sim
