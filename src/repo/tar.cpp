#include "repo/tar.hpp"

#include "base/text.hpp"
#include "repo/restore.hpp"
#include "repo/tar_stream.hpp"

namespace repo {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using format::BlobType;
using format::Id;
using format::Node;
using format::NodeType;

namespace {

class TarWriter {
public:
  TarWriter(Repository& repository, const TarStream::Write& write)
      : repository_{repository}, reader_{repository}, stream_{write} {}

  Result<TarReport> run(const format::Snapshot& snapshot, const std::string& below,
                        Packing packing) {
    TRY(stream_.open(packing));
    const auto root = TRY(node_at(reader_, snapshot, below));
    if (root)
      TRY(add("./", *root));
    TRY(add_below("./", TRY(tree_at(reader_, snapshot, below))));
    TRY(stream_.close());
    return stream_.report();
  }
  void give_up() { stream_.give_up(); }

private:
  Result<> add_below(const std::string& path, const Id& tree) {
    for (const Node& node : TRY(read_tree(reader_, tree))) {
      if (node.type == NodeType::socket || node.type == NodeType::other)
        continue; // tar has none
      const std::string whole = path + node.name;
      TRY_CONTEXT(add(whole, node), "'" + whole + "'");
      if (node.subtree)
        TRY(add_below(whole + "/", *node.subtree));
    }
    return ok();
  }

  Result<> add(const std::string& path, const Node& node) {
    const std::string before = stream_.name_before(path, node);
    const bool has_content = node.type == NodeType::file && before.empty();
    TRY(stream_.begin(path, node, has_content ? TRY(size_of(node)) : 0, before));
    return has_content ? add_content(node) : ok();
  }

  Result<std::uint64_t> size_of(const Node& node) {
    std::uint64_t size = 0;
    for (const Id& id : node.content) {
      const auto place = repository_.index().find(id, BlobType::data);
      if (!place)
        return Error{ErrorKind::corrupt, "data blob " + short_id(id) + " is in no index file", ""};
      size += place->blob.plain_bytes();
    }
    return size;
  }

  Result<> add_content(const Node& node) {
    for (const Id& id : node.content) {
      TRY(reader_.read(id, BlobType::data, bytes_));
      TRY(stream_.content(bytes_));
    }
    return ok();
  }

  Repository& repository_;
  BlobReader reader_;
  TarStream stream_;
  std::string bytes_;
};

} // namespace

Result<TarReport> write_tar(Repository& repository, const format::Snapshot& snapshot,
                            const std::string& below, Packing packing,
                            const std::function<Result<>(std::string_view)>& write) {
  TarWriter writer{repository, write};
  auto done = writer.run(snapshot, below, packing);
  if (!done)
    writer.give_up();
  return done;
}

} // namespace repo
