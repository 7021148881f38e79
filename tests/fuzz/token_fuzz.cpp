// Any bytes as an Authorization header, and as the file of tokens: a token, or none; and what is
// read as tokens is written and read again as the same.

#include "admission/token.hpp"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text{reinterpret_cast<const char*>(data), size};
  world::ServedRequest request;
  request.headers.emplace_back("authorization", text);
  const admission::BearerHeader bearer = admission::bearer_of(request);
  CHECK(bearer.kind != admission::Bearer::absent);
  CHECK((bearer.kind == admission::Bearer::present) == (bearer.secret.size() == 70));
  CHECK(bearer.secret.empty() || text.ends_with(bearer.secret));
  const auto tokens = admission::tokens_from_json(text);
  if (!tokens) {
    CHECK(tokens.error().kind == base::ErrorKind::corrupt ||
          tokens.error().kind == base::ErrorKind::too_new);
    return 0;
  }
  const auto again = admission::tokens_from_json(admission::to_json(tokens.value()));
  CHECK(again && again.value() == tokens.value());
  return 0;
}
