#pragma once
// SecretRef: where a secret is (never what it is): `file:/etc/belay/token` or `env:TOKEN`.

#include <string>

namespace domain {

struct SecretRef {
  enum class Kind { file, environment } kind = Kind::file;
  std::string name; // path or variable name
  bool operator==(const SecretRef&) const = default;
};

} // namespace domain
