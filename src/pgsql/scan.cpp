#include "pgsql/scan.hpp"

#include <cstdint>
#include <optional>
#include <span>

#include <pg_query.h>

namespace pgsql {

using base::Error;
using base::ErrorKind;
using base::Result;

namespace {

// pg_query.proto: ScanResult { repeated ScanToken tokens = 2 }, ScanToken { start = 1, end = 2,
// token = 4 }, Token { SQL_COMMENT = 275, C_COMMENT = 276 }. Its generated header needs another
// library's, which is not installed with it.
constexpr std::uint64_t line_comment = 275;
constexpr std::uint64_t block_comment = 276;
constexpr unsigned varint = 0;
constexpr unsigned bytes_of = 2;

class Wire {
public:
  explicit Wire(std::span<const unsigned char> bytes) : bytes_{bytes} {}

  bool is_at_end() const { return bytes_.empty(); }

  std::optional<std::uint64_t> number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !bytes_.empty(); shift += 7) {
      const unsigned char byte = bytes_.front();
      bytes_ = bytes_.subspan(1);
      value |= std::uint64_t{byte & 0x7FU} << shift;
      if ((byte & 0x80U) == 0)
        return value;
    }
    return std::nullopt;
  }

  std::optional<Wire> inner() {
    const auto size = number();
    if (!size || *size > bytes_.size())
      return std::nullopt;
    Wire part{bytes_.first(static_cast<std::size_t>(*size))};
    bytes_ = bytes_.subspan(static_cast<std::size_t>(*size));
    return part;
  }

private:
  std::span<const unsigned char> bytes_;
};

std::optional<Token> token_of(Wire wire) {
  Token token;
  while (!wire.is_at_end()) {
    const auto key = wire.number();
    const auto value = wire.number(); // a token has numbers only
    if (!key || !value || (*key & 7U) != varint)
      return std::nullopt;
    if (*key >> 3U == 1)
      token.start = static_cast<std::size_t>(*value);
    else if (*key >> 3U == 2)
      token.end = static_cast<std::size_t>(*value);
    else if (*key >> 3U == 4 && *value == line_comment)
      token.kind = TokenKind::line_comment;
    else if (*key >> 3U == 4 && *value == block_comment)
      token.kind = TokenKind::block_comment;
  }
  return token;
}

std::optional<std::vector<Token>> tokens_of(Wire wire) {
  std::vector<Token> tokens;
  while (!wire.is_at_end()) {
    const auto key = wire.number();
    if (!key)
      return std::nullopt;
    if ((*key & 7U) == varint) {
      if (!wire.number())
        return std::nullopt;
      continue;
    }
    const auto part = (*key & 7U) == bytes_of ? wire.inner() : std::nullopt;
    const auto token = part ? token_of(*part) : std::nullopt;
    if (!token)
      return std::nullopt;
    tokens.push_back(*token);
  }
  return tokens;
}

} // namespace

Result<std::vector<Token>> scan(const std::string& text, std::size_t& at) {
  CHECK(!text.contains('\0'));
  PgQueryScanResult result = pg_query_scan(text.c_str());
  struct Freed {
    PgQueryScanResult& result;
    ~Freed() { pg_query_free_scan_result(result); }
  } freed{result};
  if (result.error != nullptr) {
    at = result.error->cursorpos > 0 ? static_cast<std::size_t>(result.error->cursorpos) - 1 : 0;
    return Error{ErrorKind::invalid_input, result.error->message, ""};
  }
  auto tokens =
      tokens_of(Wire{{reinterpret_cast<const unsigned char*>(result.pbuf.data), result.pbuf.len}});
  std::size_t last = 0;
  const auto is_in_order = [&](const Token& token) {
    const bool is_good =
        token.start >= last && token.end >= token.start && token.end <= text.size();
    last = token.end;
    return is_good;
  };
  CHECK(tokens.has_value());
  for (const Token& token : *tokens)
    CHECK(is_in_order(token));
  return *std::move(tokens);
}

} // namespace pgsql
