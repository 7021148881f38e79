#pragma once
// Redact: takes secrets out of text that leaves our hands. Pure. It rather takes too much.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace app {

class Redactor {
public:
  // `known`: the secrets that the configuration and its environment hold.
  explicit Redactor(const std::vector<std::string>& known);
  ~Redactor();
  Redactor(Redactor&&) noexcept;
  Redactor& operator=(Redactor&&) noexcept;

  // With "[redacted]" for every known secret (as it is, in JSON, percent-encoded, in Base64) and
  // for what looks like one: logins and tokens in URLs, Authorization, cookies, JWTs, private keys,
  // tokens of well-known makers, and what stands behind a name such as `password`. What is a
  // reference to a secret (`file:/etc/token`, `env:TOKEN`) stays.
  std::string text(std::string_view text) const;
  // Only known secrets of 4 bytes and more: sentences stay as they are.
  std::string words(std::string_view text) const;
  // As `text`, for every string of one JSON document, with the names of its members looked at too;
  // indented by `indent` (-1: one line). What is no JSON is taken as text.
  std::string json(std::string_view document, int indent = -1) const;

private:
  struct Parts;
  std::unique_ptr<const Parts> parts_;
};

constexpr std::string_view redacted = "[redacted]";

} // namespace app
