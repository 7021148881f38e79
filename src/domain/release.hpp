#pragma once
// Release: an immutable, pinned artifact of one service, known by the digest of its tree.

#include <string>

namespace domain {

struct Release {
  std::string service;
  std::string label;  // what the operator asked for: "4.1.2"
  std::string folder; // absolute
  std::string digest; // SHA-256 of the tree (Trees::digest)
  bool operator==(const Release&) const = default;
};

} // namespace domain
