// Any tree: nodes with names that stay in their folder, which come back when written, or an error.

#include "repo/format/tree.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto nodes = repo::format::decode_tree(text);
  if (!nodes) {
    CHECK(nodes.error().kind == base::ErrorKind::corrupt);
    return 0;
  }
  for (const auto& node : nodes.value())
    CHECK(!node.name.empty() && node.name != "." && node.name != ".." &&
          node.name.find('/') == std::string::npos && node.name.find('\0') == std::string::npos);
  // Bytes that are no text become U+FFFD the first time, but for names and targets.
  const auto once = repo::format::decode_tree(repo::format::encode_tree(nodes.value()));
  CHECK(once);
  const std::string written = repo::format::encode_tree(once.value());
  const auto again = repo::format::decode_tree(written);
  CHECK(again);
  CHECK(repo::format::encode_tree(again.value()) == written);
  return 0;
}
