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

Error absent(const std::string& path) {
  return {ErrorKind::not_found, "no such file or folder '" + path + "'", ""};
}

class SimLock final : public world::Lock {
public:
  SimLock(Host& host, std::string path) : host_{host}, path_{std::move(path)} {}
  ~SimLock() override { host_.locks.erase(path_); }

private:
  Host& host_;
  std::string path_;
};

} // namespace

Result<std::string> SimFiles::read(const std::string& path, std::size_t bytes_max) {
  if (host_.read_fails())
    return injected();
  const Node* node = host_.disk.find(host_.disk.real_to_end(path));
  if (node == nullptr)
    return absent(path);
  if (node->kind != EntryKind::file || node->content.size() > bytes_max)
    return Error{ErrorKind::invalid_input, "'" + path + "' is not a file of a fitting size", ""};
  return node->content;
}

Result<std::optional<world::EntryInfo>> SimFiles::info(const std::string& path) {
  if (host_.read_fails())
    return injected();
  const Node* node = host_.disk.find(path);
  if (node == nullptr)
    return std::optional<world::EntryInfo>{};
  world::EntryInfo info;
  info.kind = node->kind;
  info.size_bytes = node->content.size();
  info.mode = node->mode;
  info.device = 1;
  info.inode = node->inode;
  return std::optional{info};
}

Result<std::string> SimFiles::resolve(const std::string& path) {
  if (host_.read_fails())
    return injected();
  std::string real = host_.disk.real_to_end(path);
  if (host_.disk.find(real) == nullptr)
    return absent(path);
  return real;
}

Result<std::string> SimFiles::read_link(const std::string& path) {
  if (host_.read_fails())
    return injected();
  const Node* node = host_.disk.find(path);
  if (node == nullptr)
    return absent(path);
  if (node->kind != EntryKind::link)
    return Error{ErrorKind::invalid_input, "'" + path + "' is not a link", ""};
  return node->content;
}

Result<std::vector<std::string>> SimFiles::list(const std::string& path) {
  if (host_.read_fails())
    return injected();
  const std::string real = host_.disk.real_to_end(path);
  if (host_.disk.find(real) == nullptr)
    return absent(path);
  return host_.disk.children(real);
}

Result<world::SpaceInfo> SimFiles::space(const std::string&) {
  if (host_.read_fails())
    return injected();
  return world::SpaceInfo{1ULL << 40U, 1ULL << 41U, false, host_.has_reflink};
}

Result<> SimFiles::append(const std::string& path, std::string_view bytes) {
  const auto add = [&](std::string_view part) {
    if (host_.disk.find(path) == nullptr)
      host_.disk.write(path, "");
    host_.disk.find(path)->content += part;
  };
  return host_.effect<void>(
      true,
      [&]() -> Result<> {
        add(bytes);
        return ok();
      },
      [&] { add(bytes.substr(0, bytes.empty() ? 0 : host_.random() % bytes.size())); });
}

Result<> SimFiles::truncate(const std::string& path, std::size_t size) {
  return host_.effect<void>(false, [&]() -> Result<> {
    Node* node = host_.disk.find(path);
    if (node == nullptr)
      return absent(path);
    node->content.resize(size);
    return ok();
  });
}

Result<> SimFiles::replace(const std::string& path, std::string_view bytes, std::uint32_t mode) {
  return host_.effect<void>(true, [&]() -> Result<> {
    host_.disk.write(path, std::string{bytes}, mode);
    return ok();
  });
}

// Within a folder the last one first: nobody may count on the order that they are named in.
Result<> SimFiles::replace_all(const std::vector<world::FileContent>& files) {
  for (auto begin = files.begin(); begin != files.end();) {
    const std::string folder = base::parent_of(begin->path);
    const auto is_elsewhere = [&](const world::FileContent& file) {
      return base::parent_of(file.path) != folder;
    };
    const auto end = std::find_if(begin, files.end(), is_elsewhere);
    TRY(create_folders(folder));
    for (auto file = end; file != begin;) {
      --file;
      TRY(replace(file->path, file->bytes, file->mode));
    }
    begin = end;
  }
  return ok();
}

Result<> SimFiles::create_folders(const std::string& path) {
  if (const Node* node = host_.disk.find(path); node != nullptr && node->kind == EntryKind::folder)
    return ok(); // nothing to do is no effect
  return host_.effect<void>(true, [&]() -> Result<> {
    const Node* there = host_.disk.find(host_.disk.real_to_end(path));
    if (there != nullptr && there->kind != EntryKind::folder)
      return Error{ErrorKind::conflict, "'" + path + "' is not a folder", ""};
    if (there == nullptr)
      host_.disk.put(path, Node{EntryKind::folder, "", 0700, 0});
    return ok();
  });
}

Result<> SimFiles::replace_link(const std::string& path, const std::string& target) {
  return host_.effect<void>(true, [&]() -> Result<> {
    const Node* there = host_.disk.find(path);
    if (there != nullptr && there->kind != EntryKind::link)
      return Error{ErrorKind::conflict, "'" + path + "' is not a link", ""};
    host_.disk.put(path, Node{EntryKind::link, target, 0777, 0});
    return ok();
  });
}

Result<> SimFiles::rename(const std::string& from, const std::string& to) {
  return host_.effect<void>(false, [&]() -> Result<> {
    if (host_.disk.find(from) == nullptr)
      return absent(from);
    if (host_.disk.find(base::parent_of(to)) == nullptr)
      return absent(base::parent_of(to));
    if (host_.disk.find(to) != nullptr)
      return Error{ErrorKind::conflict, "'" + to + "' exists", ""};
    host_.disk.move(from, to);
    return ok();
  });
}

Result<> SimFiles::exchange(const std::string& a, const std::string& b) {
  return host_.effect<void>(false, [&]() -> Result<> {
    if (host_.disk.find(a) == nullptr || host_.disk.find(b) == nullptr)
      return absent(host_.disk.find(a) == nullptr ? a : b);
    host_.disk.swap(a, b);
    return ok();
  });
}

Result<> SimFiles::remove(const std::string& path) {
  return host_.effect<void>(false, [&]() -> Result<> {
    const Node* node = host_.disk.find(path);
    if (node != nullptr && node->kind == EntryKind::folder)
      return Error{ErrorKind::invalid_input, "'" + path + "' is a folder", ""};
    if (node != nullptr)
      host_.disk.erase(path);
    return ok();
  });
}

Result<> SimFiles::remove_all(const std::vector<std::string>& paths) {
  return host_.effect<void>(
      false,
      [&]() -> Result<> {
        for (const std::string& path : paths)
          host_.disk.erase(path);
        return ok();
      },
      [&] { host_.disk.erase(paths[host_.random() % paths.size()]); });
}

Result<> SimFiles::set_owner_and_mode(const std::string& path, const world::EntryInfo& like) {
  return host_.effect<void>(false, [&]() -> Result<> {
    Node* node = host_.disk.find(path);
    if (node == nullptr)
      return absent(path);
    node->mode = like.mode;
    return ok();
  });
}

Result<std::unique_ptr<world::Lock>> SimFiles::lock(const std::string& path,
                                                    const std::string& owner) {
  using Held = std::unique_ptr<world::Lock>;
  return host_.effect<Held>(false, [&]() -> Result<Held> {
    if (host_.locks.contains(path)) {
      const Node* node = host_.disk.find(path);
      return Error{ErrorKind::conflict, node == nullptr ? "" : node->content, ""};
    }
    host_.disk.write(path, owner);
    host_.locks.insert(path);
    return Held{std::make_unique<SimLock>(host_, path)};
  });
}

} // namespace sim
