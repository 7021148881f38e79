#include "repo/look.hpp"

#include "repo/restore.hpp"
#include "repo/usage.hpp"

#include <algorithm>
#include <set>

namespace repo {

using base::ok;
using base::Result;
using format::BlobType;
using format::Id;
using format::Node;
using format::NodeType;
using format::Snapshot;

namespace {

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return text;
}

using Found = std::function<void(const Snapshot&, const std::string&, const Node&)>;

class Finder {
public:
  Finder(Repository& repository, Excludes patterns, bool is_case_ignored, const Found& found)
      : reader_{repository}, patterns_{std::move(patterns)},
        is_case_ignored_{is_case_ignored}, found_{found} {}

  // True when something in it matches.
  Result<bool> search(const Snapshot& snapshot, const Id& tree, const std::string& path) {
    if (empty_.contains({tree, path}))
      return false;
    bool is_any = false;
    for (const Node& node : TRY(read_tree(reader_, tree))) {
      const std::string whole = path + "/" + node.name;
      if (patterns_.matches(is_case_ignored_ ? lower(whole) : whole)) {
        is_any = true;
        found_(snapshot, whole, node);
      }
      if (node.subtree)
        is_any = TRY(search(snapshot, *node.subtree, whole)) || is_any;
    }
    if (!is_any)
      empty_.emplace(tree, path);
    return is_any;
  }

private:
  BlobReader reader_;
  Excludes patterns_;
  bool is_case_ignored_;
  const Found& found_;
  std::set<std::pair<Id, std::string>> empty_;
};

using Seen = std::function<void(Change, const std::string&, const Node*, const Node*)>;

void count(DiffCount& to, const Node& node) {
  if (node.type == NodeType::folder)
    ++to.folders;
  else if (node.type == NodeType::file)
    ++to.files;
  else
    ++to.others;
}

bool is_same_metadata(Node a, const Node& b) {
  a.subtree = b.subtree;
  a.content = b.content;
  a.size = b.size;
  a.atime = b.atime; // looking at a file is no change of it
  a.ctime = b.ctime;
  a.inode = b.inode;
  a.device_id = b.device_id;
  return a == b;
}

class Differ {
public:
  Differ(Repository& repository, bool has_metadata, const Seen& seen)
      : reader_{repository}, has_metadata_{has_metadata}, seen_{seen} {}

  Result<> compare(const Id& a, const Id& b, const std::string& path) {
    if (a == b)
      return ok();
    const auto left = TRY(read_tree(reader_, a));
    const auto right = TRY(read_tree(reader_, b));
    auto old = left.begin();
    auto now = right.begin();
    while (old != left.end() || now != right.end()) {
      const bool is_old = now == right.end() || (old != left.end() && old->name < now->name);
      const bool is_new = old == left.end() || (now != right.end() && now->name < old->name);
      const std::string whole = path + "/" + (is_old ? old->name : now->name);
      if (is_old)
        TRY(one_side(*old++, whole, Change::removed));
      else if (is_new)
        TRY(one_side(*now++, whole, Change::added));
      else
        TRY(both(*old++, *now++, whole));
    }
    return ok();
  }

  DiffReport report;

private:
  Result<> one_side(const Node& node, const std::string& path, Change change) {
    const bool is_added = change == Change::added;
    count(is_added ? report.added : report.removed, node);
    seen_(change, path, is_added ? nullptr : &node, is_added ? &node : nullptr);
    if (node.subtree)
      for (const Node& below : TRY(read_tree(reader_, *node.subtree)))
        TRY(one_side(below, path + "/" + below.name, change));
    return ok();
  }

  Result<> both(const Node& old, const Node& now, const std::string& path) {
    if (old.type != now.type) {
      seen_(Change::kind, path, &old, &now);
      count(report.removed, old);
      count(report.added, now);
      for (const auto& [node, change] :
           {std::pair{&old, Change::removed}, std::pair{&now, Change::added}})
        if (node->subtree)
          for (const Node& below : TRY(read_tree(reader_, *node->subtree)))
            TRY(one_side(below, path + "/" + below.name, change));
      return ok();
    }
    if (old.type == NodeType::file && old.content != now.content) {
      ++report.changed_files;
      seen_(Change::content, path, &old, &now);
    } else if (has_metadata_ && !is_same_metadata(old, now)) {
      seen_(Change::metadata, path, &old, &now);
    }
    return old.subtree ? compare(*old.subtree, *now.subtree, path) : ok();
  }

  BlobReader reader_;
  bool has_metadata_;
  const Seen& seen_;
};

Result<> count_blobs(Repository& repository, const Usage& only, const Usage& other, DiffCount& to) {
  const auto see = [&](const Id& id, BlobType type) {
    if (other.holds(id, type))
      return;
    ++(type == BlobType::tree ? to.tree_blobs : to.data_blobs);
    if (const auto place = repository.index().find(id, type))
      to.bytes += place->blob.plain_bytes();
  };
  for (const Id& id : only.data)
    see(id, BlobType::data);
  for (const Id& id : only.trees)
    see(id, BlobType::tree);
  return ok();
}

} // namespace

Result<> find(Repository& repository, const std::vector<Snapshot>& snapshots,
              const FindOptions& options, const Found& found) {
  std::vector<std::string> patterns = options.patterns;
  if (options.is_case_ignored)
    std::ranges::transform(patterns, patterns.begin(), lower);
  Finder finder{repository, TRY(Excludes::of(patterns)), options.is_case_ignored, found};
  for (const Snapshot& snapshot : snapshots)
    TRY(finder.search(snapshot, snapshot.tree, ""));
  return ok();
}

Result<DiffReport> diff(Repository& repository, const Snapshot& a, const Snapshot& b,
                        const DiffOptions& options, const Seen& seen) {
  BlobReader reader{repository};
  Snapshot left = a;
  Snapshot right = b;
  left.tree = TRY(tree_at(reader, a, options.below_a));
  right.tree = TRY(tree_at(reader, b, options.below_b));
  Differ differ{repository, options.has_metadata, seen};
  TRY(differ.compare(left.tree, right.tree, ""));
  const UsageWatch watch{[](const std::string& problem) -> Result<> {
                           return base::Error{base::ErrorKind::corrupt, problem, ""};
                         },
                         {}};
  const Usage old = TRY(find_usage(repository, {left}, watch));
  const Usage now = TRY(find_usage(repository, {right}, watch));
  TRY(count_blobs(repository, now, old, differ.report.added));
  TRY(count_blobs(repository, old, now, differ.report.removed));
  return differ.report;
}

} // namespace repo
