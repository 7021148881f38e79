#include "config/yaml_tree.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include <yaml.h>

namespace config {
namespace {

using base::Error;
using base::ErrorKind;
using base::Result;

constexpr std::size_t levels_max = 32;
constexpr std::size_t nodes_max = 20'000;
constexpr std::size_t tree_bytes_max = 4U << 20U; // of all scalars, aliases copied in

struct Event {
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { yaml_event_delete(&raw); }
  yaml_event_t raw{};
};

Mark mark_of(const yaml_mark_t& mark) {
  return {static_cast<int>(mark.line) + 1, static_cast<int>(mark.column) + 1};
}

std::string text_of(const yaml_char_t* text) {
  return text == nullptr ? "" : reinterpret_cast<const char*>(text);
}

struct Extent {
  std::size_t nodes = 1;
  std::size_t bytes = 0;
  std::size_t depth = 1;
};

Extent extent_of(const Node& node) {
  Extent whole{1, node.text.size(), 1};
  for (const Node::Key& key : node.keys)
    whole.bytes += key.text.size();
  for (const Node& item : node.items) {
    const Extent part = extent_of(item);
    whole.nodes += part.nodes;
    whole.bytes += part.bytes;
    whole.depth = std::max(whole.depth, part.depth + 1);
  }
  return whole;
}

// The `<<` of YAML 1.1: keys of the merged maps that the map itself does not have.
class Merge {
public:
  explicit Merge(Node& map) : map_{map} {
    for (const Node::Key& key : map.keys)
      known_.insert(key.text);
  }
  bool add(const Node& from) {
    if (from.kind == Node::Kind::list)
      return std::ranges::all_of(from.items, [this](const Node& each) {
        return each.kind == Node::Kind::map && add(each);
      });
    if (from.kind != Node::Kind::map)
      return false;
    for (std::size_t i = 0; i < from.keys.size(); ++i)
      if (known_.insert(from.keys[i].text).second) {
        map_.keys.push_back(from.keys[i]);
        map_.items.push_back(from.items[i]);
      }
    return true;
  }

private:
  Node& map_;
  std::set<std::string, std::less<>> known_;
};

class TreeReader {
public:
  TreeReader(std::string_view text, std::string file) : problems_{std::move(file)} {
    CHECK(yaml_parser_initialize(&parser_) == 1); // fails only without memory
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
  }
  TreeReader(const TreeReader&) = delete;
  TreeReader& operator=(const TreeReader&) = delete;
  ~TreeReader() { yaml_parser_delete(&parser_); }

  Result<Node> document() {
    TRY(skip(YAML_STREAM_START_EVENT));
    {
      Event event;
      TRY(next(event));
      if (event.raw.type == YAML_STREAM_END_EVENT)
        return failure({}, "the file is empty", "Write at least 'stack:' and 'services:'.");
    }
    Event first;
    TRY(next(first));
    Node root = TRY(node(first, 1));
    TRY(skip(YAML_DOCUMENT_END_EVENT));
    Event end;
    TRY(next(end));
    if (end.raw.type != YAML_STREAM_END_EVENT)
      return failure(mark_of(end.raw.start_mark), "a second document begins here",
                     "Keep one document in the file: remove the '---'.");
    return root;
  }

private:
  Error failure(Mark mark, std::string message, const std::string& hint) const {
    Problems one{problems_.file()};
    one.add(mark, std::move(message), hint);
    return one.error();
  }

  Result<> next(Event& event) {
    if (yaml_parser_parse(&parser_, &event.raw) == 1)
      return base::ok();
    const char* problem = parser_.problem == nullptr ? "unreadable" : parser_.problem;
    return failure(mark_of(parser_.problem_mark), std::string{"not YAML: "} + problem,
                   "Look at indentation, quotes and colons here; tabs cannot indent.");
  }

  Result<> skip(yaml_event_type_t wanted) {
    Event event;
    TRY(next(event));
    CHECK(event.raw.type == wanted); // the grammar of libyaml's events
    return base::ok();
  }

  Result<> grow(const Extent& by, std::size_t depth, Mark mark) {
    nodes_ += by.nodes;
    bytes_ += by.bytes;
    if (depth + by.depth - 1 > levels_max)
      return failure(mark, "nested deeper than " + std::to_string(levels_max) + " levels", "");
    if (nodes_ > nodes_max || bytes_ > tree_bytes_max)
      return failure(mark, "too large: over " + std::to_string(nodes_max) + " values or 4 MiB",
                     "Aliases count each time they are used.");
    return base::ok();
  }

  Result<Node> node(const Event& event, std::size_t depth) {
    const Mark mark = mark_of(event.raw.start_mark);
    switch (event.raw.type) {
    case YAML_ALIAS_EVENT: return alias(text_of(event.raw.data.alias.anchor), mark, depth);
    case YAML_SCALAR_EVENT: return scalar(event, mark, depth);
    case YAML_SEQUENCE_START_EVENT: return list(event, mark, depth);
    case YAML_MAPPING_START_EVENT: return map(event, mark, depth);
    default: return failure(mark, "not YAML: a value is missing here", "");
    }
  }

  Result<Node> alias(const std::string& anchor, Mark mark, std::size_t depth) {
    const auto known = anchors_.find(anchor);
    if (known == anchors_.end())
      return failure(mark, "alias '*" + anchor + "' is not known here",
                     "Write '&" + anchor + "' before the value that it stands for, further up.");
    TRY(grow(extent_of(known->second), depth, mark));
    return known->second;
  }

  Result<> check_tag(const yaml_char_t* tag, Mark mark) const {
    if (tag == nullptr || text_of(tag) == YAML_STR_TAG)
      return base::ok();
    return failure(mark, "the tag '" + text_of(tag) + "' is not understood",
                   "Remove the tag: types follow from the key.");
  }

  void remember(const yaml_char_t* anchor, const Node& node) {
    if (anchor != nullptr)
      anchors_.insert_or_assign(text_of(anchor), node);
  }

  Result<Node> scalar(const Event& event, Mark mark, std::size_t depth) {
    const auto& raw = event.raw.data.scalar;
    TRY(check_tag(raw.tag, mark));
    Node node{.kind = Node::Kind::scalar, .mark = mark};
    node.text = {reinterpret_cast<const char*>(raw.value), raw.length};
    node.is_plain = raw.style == YAML_PLAIN_SCALAR_STYLE && raw.tag == nullptr;
    if (node.text.contains('\0'))
      return failure(mark, "a zero byte in a text", "Remove the '\\0'.");
    TRY(grow({1, node.text.size(), 1}, depth, mark));
    remember(raw.anchor, node);
    return node;
  }

  Result<Node> list(const Event& begin, Mark mark, std::size_t depth) {
    const auto& raw = begin.raw.data.sequence_start;
    TRY(check_tag(raw.tag, mark));
    TRY(grow({}, depth, mark));
    Node node{.kind = Node::Kind::list, .mark = mark};
    for (;;) {
      Event event;
      TRY(next(event));
      if (event.raw.type == YAML_SEQUENCE_END_EVENT)
        break;
      node.items.push_back(TRY(this->node(event, depth + 1)));
    }
    remember(raw.anchor, node);
    return node;
  }

  Result<Node> map(const Event& begin, Mark mark, std::size_t depth) {
    const auto& raw = begin.raw.data.mapping_start;
    TRY(check_tag(raw.tag, mark));
    TRY(grow({}, depth, mark));
    Node node{.kind = Node::Kind::map, .mark = mark};
    std::map<std::string, Mark, std::less<>> seen;
    std::optional<Node> merged;
    for (;;) {
      Event event;
      TRY(next(event));
      if (event.raw.type == YAML_MAPPING_END_EVENT)
        break;
      const Node key = TRY(this->node(event, depth + 1));
      if (key.kind != Node::Kind::scalar)
        return failure(key.mark, "a key must be a text, not a list or a map", "");
      if (const auto [at, is_new] = seen.emplace(key.text, key.mark); !is_new)
        return failure(key.mark, "duplicate key '" + key.text + "'",
                       "It is also in line " + std::to_string(at->second.line) + ": keep one.");
      Event value_event;
      TRY(next(value_event));
      Node value = TRY(this->node(value_event, depth + 1));
      if (key.text == "<<" && key.is_plain) {
        merged = std::move(value);
        continue;
      }
      node.keys.push_back({key.text, key.mark});
      node.items.push_back(std::move(value));
    }
    if (merged && !Merge{node}.add(*merged))
      return failure(merged->mark, "'<<' merges a map or a list of maps only", "");
    remember(raw.anchor, node);
    return node;
  }

  yaml_parser_t parser_{};
  Problems problems_; // for its file name
  std::map<std::string, Node, std::less<>> anchors_;
  std::size_t nodes_ = 0;
  std::size_t bytes_ = 0;
};

} // namespace

const Node* Node::find(std::string_view key) const {
  const auto at = std::ranges::find(keys, key, &Key::text);
  return at == keys.end() ? nullptr : &items[static_cast<std::size_t>(at - keys.begin())];
}

bool Node::is_null() const {
  return kind == Kind::scalar && is_plain && (text.empty() || text == "~" || text == "null");
}

Result<Node> parse_yaml(std::string_view text, const std::string& file) {
  if (text.size() > text_bytes_max)
    return Error{ErrorKind::invalid_input,
                 "'" + file + "' is larger than " + std::to_string(text_bytes_max) + " bytes", ""};
  return TreeReader{text, file}.document();
}

} // namespace config
