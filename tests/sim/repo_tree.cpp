#include "repo_tree.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <deque>

namespace repo_sim {

using sim::FolderEffect;
using sim::FolderTree;
using world::Entry;
using world::EntryType;
using Effect = FolderEffect::Kind;

namespace {

constexpr std::array<const char*, 8> names{"a", "a b", "b", "c\xff", "data", "data.wal", "z", "é"};
constexpr std::size_t page_bytes = 4096;

void paths_below(const FolderTree& tree, const std::string& root, EntryType type,
                 std::vector<std::string>& paths) {
  const FolderTree::Inode* const inode = tree.find(root);
  if (inode->entry.type == type)
    paths.push_back(root);
  for (const auto& [name, number] : inode->names)
    paths_below(tree, root + "/" + name, type, paths);
}

class Mutation {
public:
  Mutation(FolderTree& tree, std::string root, std::mt19937_64& random)
      : tree_{tree}, root_{std::move(root)}, random_{random} {}

  void run() {
    if (tree_.find(root_) == nullptr)
      made(Effect::make_folder, root_);
    for (std::size_t turn = 2 + pick(4); turn > 0; --turn)
      change();
  }

private:
  std::size_t pick(std::size_t below) { return random_() % below; }
  std::string one_of(EntryType type) {
    std::vector<std::string> paths;
    paths_below(tree_, root_, type, paths);
    return paths.empty() ? "" : paths[pick(paths.size())];
  }
  std::string bytes(std::size_t size) {
    std::string text(size, '\0');
    if (pick(5) != 0) // zeros too
      std::ranges::generate(text, [&] { return static_cast<char>(random_()); });
    return text;
  }

  void change() {
    const std::string name = names.at(pick(names.size()));
    const std::string path = one_of(EntryType::folder) + "/" + name;
    const std::string file = one_of(EntryType::file);
    const bool is_free = tree_.find(path) == nullptr;
    switch (pick(10)) {
    case 0:
      if (is_free)
        made(Effect::make_folder, path);
      break;
    case 1:
      if (is_free)
        CHECK(tree_.apply(
            {.kind = Effect::make_other,
             .path = path,
             .entry = {.type = EntryType::link, .mode = 0777, .target = "to " + name}}));
      break;
    case 2:
      if (is_free && !file.empty())
        CHECK(tree_.apply({.kind = Effect::link, .path = path, .existing = file}));
      break;
    case 3:
    case 4:
      if (!is_free)
        CHECK(tree_.apply({.kind = Effect::remove, .path = path}));
      break;
    case 5: end(pick(2) == 0 || file.empty() ? root_ : file); break;
    case 6:
    case 7:
      if (!file.empty())
        write(file, pick(3) * page_bytes + pick(100), pick(2 * page_bytes));
      break;
    default:
      if (is_free) {
        made(Effect::make_file, path);
        write(path, 0, pick(3) == 0 ? 0 : pick(3 * page_bytes));
      }
    }
  }

  void made(Effect kind, const std::string& path) {
    CHECK(tree_.apply({.kind = kind, .path = path}));
    end(path);
  }

  void write(const std::string& path, std::uint64_t offset, std::size_t size) {
    CHECK(
        tree_.apply({.kind = Effect::write, .path = path, .bytes = bytes(size), .offset = offset}));
  }

  // Other metadata, and of a file another size.
  void end(const std::string& path) {
    Entry entry = tree_.find(path)->entry;
    entry.mode = std::array{0700U, 0755U, 0640U, 04755U}.at(pick(4));
    entry.user = static_cast<std::uint32_t>(pick(3));
    entry.mtime = {static_cast<std::int64_t>(1'000'000'000 + pick(1000)), 5};
    entry.attributes.clear();
    if (pick(3) == 0)
      entry.attributes = {{"user.key", std::to_string(pick(10))}};
    entry.size_bytes = pick(3) == 0 ? entry.size_bytes / 2 : entry.size_bytes;
    CHECK(tree_.apply({.kind = Effect::finish, .path = path, .entry = entry}));
  }

  FolderTree& tree_;
  std::string root_;
  std::mt19937_64& random_;
};

// What is left of each path, in its order.
using Left = std::map<std::string, std::deque<const FolderEffect*>>;

bool has_left(const Left& left, const std::string& path, Effect kind) {
  const auto found = left.find(path);
  return found != left.end() && std::ranges::any_of(found->second, [&](const FolderEffect* each) {
           return each->kind == kind;
         });
}

bool may_be_next(const Left& left, const FolderEffect& effect) {
  if (has_left(left, base::parent_of(effect.path), Effect::make_folder))
    return false;
  if (effect.kind == Effect::link)
    return !has_left(left, effect.existing, Effect::make_file) &&
           !has_left(left, effect.existing, Effect::link);
  if (effect.kind != Effect::finish)
    return true;
  const auto below = left.lower_bound(effect.path + "/");
  return below == left.end() || !below->first.starts_with(effect.path + "/");
}

} // namespace

void mutate(FolderTree& tree, const std::string& root, std::mt19937_64& random) {
  Mutation{tree, root, random}.run();
}

std::vector<FolderEffect> reordered(const std::vector<FolderEffect>& effects,
                                    std::mt19937_64& random) {
  Left left;
  for (const FolderEffect& effect : effects)
    left[effect.path].push_back(&effect);
  std::vector<FolderEffect> order;
  while (!left.empty()) {
    std::vector<std::string> ready;
    for (const auto& [path, all] : left)
      if (may_be_next(left, *all.front()))
        ready.push_back(path);
    CHECK(!ready.empty());
    const auto chosen = left.find(ready[random() % ready.size()]);
    order.push_back(*chosen->second.front());
    chosen->second.pop_front();
    if (chosen->second.empty())
      left.erase(chosen);
  }
  return order;
}

} // namespace repo_sim
