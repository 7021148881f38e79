#include "app/redact.hpp"

#include <gtest/gtest.h>

namespace app {
namespace {

std::string clean(std::string_view text, const std::vector<std::string>& known = {}) {
  return Redactor{known}.text(text);
}

TEST(Redact, KnownSecretsInEveryForm) {
  const std::string secret = "pa\"ss/wörd";
  const Redactor redactor{{secret}};
  EXPECT_EQ(redactor.text("a " + secret + " b " + secret), "a [redacted] b [redacted]");
  EXPECT_EQ(redactor.text(R"({"x":"pa\"ss/wörd"})"), R"({"x":"[redacted]"})");
  EXPECT_EQ(redactor.text(R"({"x":"pa\"ss/w\u00f6rd"})"), R"({"x":"[redacted]"})");
  EXPECT_EQ(redactor.text("q=pa%22ss%2Fw%C3%B6rd."), "q=[redacted].");
  EXPECT_EQ(redactor.json(R"({"x":["pa\"ss/w\u00f6rd"]})"), R"({"x":["[redacted]"]})");
  EXPECT_EQ(clean("it is c2VjcmV0c2VjcmV0, no?", {"secretsecret"}), "it is [redacted], no?");
}

TEST(Redact, AShortSecretIsTakenAsAWordOnly) {
  EXPECT_EQ(clean("abc abcd xabc (abc)", {"abc"}), "[redacted] abcd xabc ([redacted])");
  EXPECT_EQ(clean("as it was", {""}), "as it was");
}

TEST(Redact, ALongerSecretGoesBeforeOneThatItHolds) {
  EXPECT_EQ(clean("hunter2000 hunter2", {"hunter2", "hunter2000"}), "[redacted] [redacted]");
}

TEST(Redact, LinesOfASecretOfSeveralLines) {
  EXPECT_EQ(clean("first-line\nand second-line", {"first-line\nsecond-line\nx"}),
            "[redacted]\nand [redacted]");
}

TEST(Redact, LoginsAndTokensInUrls) {
  EXPECT_EQ(clean("postgres://me:s3cr3t@db/x"), "postgres://[redacted]@db/x");
  EXPECT_EQ(clean("postgres://me:a/b@c@db/x"), "postgres://me:[redacted]@db/x");
  EXPECT_EQ(clean("https://t0ken@git.example.org/a"), "https://[redacted]@git.example.org/a");
  EXPECT_EQ(clean("http://h/x?a=1&sig=zzz&b=2"), "http://h/x?a=1&sig=[redacted]&b=2");
  EXPECT_EQ(clean("http://127.0.0.1:8000/healthz?a=1"), "http://127.0.0.1:8000/healthz?a=1");
}

TEST(Redact, HeadersAndTokens) {
  EXPECT_EQ(clean("Authorization: Basic dXNlcjpwYXNz\nnext"), "Authorization: [redacted]\nnext");
  EXPECT_EQ(clean("Set-Cookie: a=b; c=d\nnext"), "Set-Cookie: [redacted]\nnext");
  EXPECT_EQ(clean("sent bearer abcdef123456 to it"), "sent bearer [redacted] to it");
  EXPECT_EQ(clean("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_1 here"), "got [redacted] here");
  EXPECT_EQ(clean("ghp_0123456789abcdefghij"), "[redacted]");
}

TEST(Redact, PrivateKeysWholeCutAtTheEndAndAtTheBegin) {
  EXPECT_EQ(clean("a\n-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----\nb"),
            "a\n[redacted]\nb");
  EXPECT_EQ(clean("a\n-----BEGIN PRIVATE KEY-----\nMIIB"), "a\n[redacted]");
  EXPECT_EQ(clean("QUJD\nREVG\n-----END OPENSSH PRIVATE KEY-----\nb"), "[redacted]\nb");
  EXPECT_EQ(clean("-----BEGIN CERTIFICATE-----\nMIIB\n"), "-----BEGIN CERTIFICATE-----\nMIIB\n");
}

TEST(Redact, WhatStandsBehindANameOfASecret) {
  EXPECT_EQ(clean("DB_PASSWORD=a;b,c"), "DB_PASSWORD=[redacted]");
  EXPECT_EQ(clean(R"(password: "two words \" three" end)"), R"(password: "[redacted]" end)");
  EXPECT_EQ(clean("api-key: 'it is' x"), "api-key: '[redacted]' x");
  EXPECT_EQ(clean("run: [./x, --auth-token, abc, --more]"),
            "run: [./x, --auth-token, [redacted] --more]");
  EXPECT_EQ(clean("./x --password abc"), "./x --password [redacted]");
  EXPECT_EQ(clean("bearer_token: file:/etc/token # it"), "bearer_token: file:/etc/token # it");
  EXPECT_EQ(clean("the key of it: x, the monkey=3"), "the key of it: x, the monkey=3");
}

TEST(Redact, JsonByItsNames) {
  const Redactor redactor{{"31337"}};
  EXPECT_EQ(redactor.json(R"({"password":"a \"b\" c","pin_token":12,"n":31337,"ok":7})"),
            R"({"password":"[redacted]","pin_token":"[redacted]","n":"[redacted]","ok":7})");
  EXPECT_EQ(redactor.json(R"({"argv":["./x","--password","a b","--port","9"]})"),
            R"({"argv":["./x","--password","[redacted]","--port","9"]})");
  EXPECT_EQ(redactor.json(R"({"token":"file:/etc/t"})"), R"({"token":"file:/etc/t"})");
  EXPECT_EQ(redactor.json("not json, password=x"), "not json, password=[redacted]");
}

} // namespace
} // namespace app
