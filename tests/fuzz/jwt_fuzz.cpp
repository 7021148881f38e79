// Any bytes as a license: refused with a reason that quotes nothing of it, or claims and times.

#include "checks/jwt.hpp"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto jwt = checks::parse_jwt(text);
  CHECK(jwt || jwt.error().kind == base::ErrorKind::invalid_input);
  if (const auto bytes = checks::decode_base64url(text))
    CHECK(bytes->size() == size * 3 / 4);
  return 0;
}
