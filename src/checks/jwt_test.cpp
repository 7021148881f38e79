#include "checks/for_test.hpp"
#include "checks/jwt.hpp"

namespace checks {
namespace {

std::string encode(std::string_view text) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string encoded;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    bits = bits << 8U | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6)
      encoded += digits[bits >> static_cast<unsigned>(count - 6) & 63U];
  }
  if (count > 0)
    encoded += digits[bits << static_cast<unsigned>(6 - count) & 63U];
  return encoded;
}

std::string token(const std::string& claims) {
  return encode(R"({"alg":"HS256"})") + "." + encode(claims) + ".c2lnbmF0dXJl";
}

TEST(jwt, base64url_is_read_as_it_is_written) {
  for (const char* text : {"", "a", "ab", "abc", "\xFF\xFE?>", "any number of them"})
    EXPECT_EQ(decode_base64url(encode(text)), text);
  for (const char* text : {"a", "ab=", "a+b/", "ab c", "abcde"})
    EXPECT_EQ(decode_base64url(text), std::nullopt) << text;
}

TEST(jwt, claims_and_times_are_read) {
  const auto jwt = parse_jwt(token(R"({"license_id":"x","plan":null,"exp":1800000000.5,"nbf":5})"));
  ASSERT_TRUE(jwt) << jwt.error().message;
  EXPECT_EQ(jwt.value().expires, 1800000000);
  EXPECT_EQ(jwt.value().not_before, 5);
  EXPECT_EQ(jwt.value().claims, (std::vector<std::string>{"exp", "license_id", "nbf"}));
}

TEST(jwt, what_is_not_one_is_refused_and_never_quoted) {
  const std::string deep = std::string(100, '[') + std::string(100, ']');
  for (const std::string& text :
       {std::string{}, std::string{"secret"}, std::string{"secret.secret"},
        std::string{"secret.secret.secret"}, encode("{}") + "." + encode("[]") + ".eA",
        encode("{}") + "." + encode("{}") + ".", encode("{}") + "." + encode("{}") + ".!",
        token(R"({"exp":"soon"})"), token(R"({"exp":1e300})"), token(deep), token("{}") + ".x",
        std::string(70'000, 'a')}) {
    const auto jwt = parse_jwt(text);
    ASSERT_FALSE(jwt) << text;
    EXPECT_FALSE(jwt.error().message.contains("secret"));
  }
}

class LicenseTest : public ChecksTest {
protected:
  LicenseTest() {
    world.host.now_ms = now * 1000;
    stack.preflight.licenses = {{.name = "l",
                                 .variable = "LICENSE",
                                 .claims = {"license_id"},
                                 .margin = std::chrono::days{1},
                                 .warn = std::chrono::days{30}}};
  }
  void set(const std::string& claims) {
    stack.services[0].environment = {{"LICENSE", token(claims)}};
  }
  void expires_in_days(int days) {
    set(R"({"license_id":"x","exp":)" + std::to_string(now + days * 86'400LL + 60) + "}");
  }
  static constexpr std::int64_t now = 1'795'000'000;
};

TEST_F(LicenseTest, the_margin_blocks_and_thirty_days_warn) {
  expires_in_days(31);
  EXPECT_TRUE(said("license").starts_with("ok: license 'l' is valid until 2026-12-"))
      << said("license");
  expires_in_days(29);
  EXPECT_TRUE(said("license").contains("warning: license 'l' expires on")) << said("license");
  EXPECT_TRUE(said("license").contains("in 29 days")) << said("license");
  expires_in_days(0);
  EXPECT_TRUE(said("license").contains("blocker: license 'l' expires on")) << said("license");
  expires_in_days(-1);
  EXPECT_TRUE(said("license").contains("blocker: license 'l' expired on")) << said("license");
}

TEST_F(LicenseTest, what_is_missing_is_named) {
  set(R"({"license_id":"","exp":1900000000})");
  EXPECT_TRUE(said("license").contains("blocker: license 'l' has no claim license_id"));
  set(R"({"license_id":"x"})");
  EXPECT_TRUE(said("license").contains("warning: license 'l' has no `exp`")) << said("license");
  set(R"({"license_id":"x","exp":1900000000,"nbf":1899999999})");
  EXPECT_TRUE(said("license").contains("blocker: license 'l' is not valid yet"));
  stack.services[0].environment.clear();
  EXPECT_TRUE(said("license").contains("no service has the variable 'LICENSE'"));
}

} // namespace
} // namespace checks
