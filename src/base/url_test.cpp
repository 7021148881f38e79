#include "base/url.hpp"

#include <string>

#include <gtest/gtest.h>

namespace base {
namespace {

TEST(Url, KnowsLoopbackFromTheRest) {
  for (const char* host : {"127.0.0.1", "127.9.8.7", "localhost", "::1"})
    EXPECT_TRUE(is_loopback(host)) << host;
  for (const char* host : {"128.0.0.1", "127.example.com", "127.0.0.1.example.com", "10.0.0.1",
                           "localhost.example.com", "0.0.0.0", "::2"})
    EXPECT_FALSE(is_loopback(host)) << host;
}

TEST(Url, ReadsUrls) {
  const auto at = [](const char* url) {
    const auto found = parse_url(url);
    return found ? found->host + " " + std::to_string(found->port) : "none";
  };
  EXPECT_EQ(at("http://a"), "a 80");
  EXPECT_EQ(at("https://a.b/c?d"), "a.b 443");
  EXPECT_EQ(at("http://[::1]:81?x"), "::1 81");
  for (const char* url : {"http://", "http://:1", "http://a:0", "http://a:65536", "http://a:1x",
                          "http://[::1", "http://a b/", "http://a..b", "http://1.2.3", "a.b:1",
                          "http://[x]/", "http://[::1]x", "HTTP://a", "http://me:word@a/"})
    EXPECT_EQ(at(url), "none") << url;
}

TEST(Url, ReadsEndpoints) {
  const auto at = [](const char* text) {
    const auto found = parse_endpoint(text);
    return found ? found->host + " " + std::to_string(found->port) : "none";
  };
  EXPECT_EQ(at("db:5432"), "db 5432");
  EXPECT_EQ(at("[::1]:6379"), "::1 6379");
  for (const char* text : {"", "db", ":1", "db:", "db:0", "db:65536", "::1:80"})
    EXPECT_EQ(at(text), "none") << text;
}

} // namespace
} // namespace base
