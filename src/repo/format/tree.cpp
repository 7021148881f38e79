#include "repo/format/tree.hpp"

#include "repo/format/json_writer.hpp"
#include "repo/format/quote.hpp"

#include <algorithm>
#include <array>

namespace repo::format {

using base::Result;

namespace {

struct TypeName {
  NodeType type;
  std::string_view name;
  std::uint64_t bits; // of Go's os.FileMode
};
constexpr std::uint64_t bit(unsigned number) {
  return std::uint64_t{1} << number;
}
constexpr std::array<TypeName, 8> type_names{{
    {NodeType::file, "file", 0},
    {NodeType::folder, "dir", bit(31)},
    {NodeType::link, "symlink", bit(27)},
    {NodeType::block_device, "dev", bit(26)},
    {NodeType::char_device, "chardev", bit(26) | bit(21)},
    {NodeType::fifo, "fifo", bit(25)},
    {NodeType::socket, "socket", bit(24)},
    {NodeType::other, "irregular", bit(19)},
}};
constexpr std::uint64_t go_setuid = bit(23);
constexpr std::uint64_t go_setgid = bit(22);
constexpr std::uint64_t go_sticky = bit(20);

const TypeName& row_of(NodeType type) {
  return *std::ranges::find(type_names, type, &TypeName::type);
}

std::uint64_t go_mode(const Node& node) {
  std::uint64_t mode = (node.mode & 0777U) | row_of(node.type).bits;
  if ((node.mode & 04000U) != 0)
    mode |= go_setuid;
  if ((node.mode & 02000U) != 0)
    mode |= go_setgid;
  if ((node.mode & 01000U) != 0)
    mode |= go_sticky;
  return mode;
}

std::uint32_t unix_mode(std::uint64_t go) {
  auto mode = static_cast<std::uint32_t>(go & 0777U);
  if ((go & go_setuid) != 0)
    mode |= 04000U;
  if ((go & go_setgid) != 0)
    mode |= 02000U;
  if ((go & go_sticky) != 0)
    mode |= 01000U;
  return mode;
}

void append_attributes(std::string& out, JsonObject& object, const std::vector<Attribute>& all) {
  if (all.empty())
    return;
  object.begin("extended_attributes");
  const char* separator = "[";
  for (const Attribute& attribute : all) {
    out += std::exchange(separator, ",");
    JsonObject entry{out};
    entry.text("name", attribute.name);
    entry.plain("value", to_base64(attribute.value));
    entry.end();
  }
  out += ']';
}

void append_content(std::string& out, JsonObject& object, const Node& node) {
  object.begin("content");
  if (node.type != NodeType::file) {
    out += "null";
    return;
  }
  const char* separator = "";
  out += '[';
  for (const Id& id : node.content) {
    out += std::exchange(separator, ",");
    out += '"';
    out += id.hex();
    out += '"';
  }
  out += ']';
}

void append_node(std::string& out, const Node& node) {
  JsonObject object{out};
  object.text("name", quote_name(node.name));
  object.plain("type", row_of(node.type).name);
  object.some_number("mode", go_mode(node));
  object.plain("mtime", format_time(node.mtime));
  object.plain("atime", format_time(node.atime));
  object.plain("ctime", format_time(node.ctime));
  object.number("uid", node.uid);
  object.number("gid", node.gid);
  object.some_text("user", node.user);
  object.some_text("group", node.group);
  object.some_number("inode", node.inode);
  object.some_number("device_id", node.device_id);
  object.some_number("size", node.size);
  object.some_number("links", node.links);
  object.some_text("linktarget", node.target);
  if (!is_utf8(node.target))
    object.plain("linktarget_raw", to_base64(node.target));
  append_attributes(out, object, node.attributes);
  object.some_number("device", node.device);
  append_content(out, object, node);
  object.some_id("subtree", node.subtree);
  object.end();
}

} // namespace

const char* name_of(NodeType type) {
  return row_of(type).name.data();
}

std::string encode_tree(std::vector<Node> nodes) {
  std::ranges::sort(nodes, {}, &Node::name);
  std::string out = "{\"nodes\":[";
  const char* separator = "";
  for (const Node& node : nodes) {
    out += std::exchange(separator, ",");
    append_node(out, node);
  }
  return out += "]}\n";
}

namespace {

class NodeReader {
public:
  NodeReader(JsonReader& reader, Node& node) : reader_{reader}, node_{node} {}

  void run() {
    reader_.object([&](std::string_view key) {
      if (!numbers(key) && !texts(key) && !lists(key))
        reader_.skip();
    });
    if (!raw_target_.empty())
      node_.target = std::move(raw_target_);
    check();
  }

private:
  bool numbers(std::string_view key) {
    std::uint64_t mode = 0;
    if (key == "mode") {
      reader_.number(mode);
      node_.mode = unix_mode(mode);
    } else if (key == "uid") {
      reader_.number(node_.uid);
    } else if (key == "gid") {
      reader_.number(node_.gid);
    } else if (key == "inode") {
      reader_.number(node_.inode);
    } else if (key == "device_id") {
      reader_.number(node_.device_id);
    } else if (key == "size") {
      reader_.number(node_.size);
    } else if (key == "links") {
      reader_.number(node_.links);
    } else if (key == "device") {
      reader_.number(node_.device);
    } else {
      return false;
    }
    return true;
  }

  bool texts(std::string_view key) {
    if (key == "name")
      name();
    else if (key == "type")
      type();
    else if (key == "mtime")
      time(node_.mtime);
    else if (key == "atime")
      time(node_.atime);
    else if (key == "ctime")
      time(node_.ctime);
    else if (key == "user")
      reader_.string(node_.user);
    else if (key == "group")
      reader_.string(node_.group);
    else if (key == "linktarget")
      reader_.string(node_.target);
    else if (key == "linktarget_raw")
      reader_.base64(raw_target_);
    else
      return false;
    return true;
  }

  bool lists(std::string_view key) {
    if (key == "content")
      reader_.ids(node_.content);
    else if (key == "extended_attributes")
      reader_.array([&] { attribute(node_.attributes.emplace_back()); });
    else if (key != "subtree")
      return false;
    else if (!reader_.is_null())
      reader_.id(node_.subtree.emplace());
    return true;
  }

  void name() {
    std::string quoted;
    if (!reader_.string(quoted))
      return;
    auto plain = unquote_name(quoted);
    if (plain)
      node_.name = std::move(plain).value();
    else
      reader_.refuse(plain.error().message);
  }

  void type() {
    std::string text;
    if (!reader_.string(text))
      return;
    const auto* const row = std::ranges::find(type_names, text, &TypeName::name);
    node_.type = row == type_names.end() ? NodeType::other : row->type;
  }

  void time(Time& to) {
    std::string text;
    if (!reader_.string(text))
      return;
    const auto parsed = parse_time(text);
    if (parsed)
      to = parsed.value();
    else
      reader_.refuse(parsed.error().message);
  }

  void attribute(Attribute& to) {
    reader_.object([&](std::string_view key) {
      if (key == "name")
        reader_.string(to.name);
      else if (key == "value")
        reader_.base64(to.value);
      else
        reader_.skip();
    });
  }

  void check() {
    const std::string& name = node_.name;
    if (name.empty() || name == "." || name == ".." ||
        name.find_first_of(std::string_view{"/\0", 2}) != std::string::npos)
      reader_.refuse("a name is none of a file");
    if ((node_.type == NodeType::folder) != node_.subtree.has_value())
      reader_.refuse("a folder is without a tree, or something else has one");
  }

  JsonReader& reader_;
  Node& node_;
  std::string raw_target_;
};

} // namespace

Result<std::vector<Node>> decode_tree(std::string_view text) {
  std::vector<Node> nodes;
  JsonReader reader{text};
  reader.object([&](std::string_view key) {
    if (key == "nodes")
      reader.array([&] {
        NodeReader{reader, nodes.emplace_back()}.run();
        if (nodes.size() > 1 && nodes[nodes.size() - 2].name >= nodes.back().name)
          reader.refuse("its names are not in order");
      });
    else
      reader.skip();
  });
  TRY(reader.end("a tree"));
  return nodes;
}

} // namespace repo::format
