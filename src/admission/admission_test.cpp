#include "admission/guard.hpp"
#include "base/digest.hpp"
#include "base/text.hpp"
#include "sim/sim_world.hpp"

#include <cstdio>
#include <memory>

#include <gtest/gtest.h>

namespace admission {
namespace {

using base::ErrorKind;
using world::ServedRequest;

constexpr const char* folder = "/var/lib/belay/access";
const world::TimePoint noon = base::parse_time("2026-11-22T12:00:00.000Z").value();

// Read with stdio: tests may look at the real disk, the code under test may not.
std::string golden(const std::string& name) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{
      std::fopen((std::string{GOLDEN_FOLDER} + "/" + name).c_str(), "rb"), &std::fclose};
  std::string text(1U << 16U, '\0');
  text.resize(file ? std::fread(text.data(), 1, text.size(), file.get()) : 0);
  return text;
}

std::vector<Token> two_tokens() {
  return {{.name = "ci",
           .role = Role::operate,
           .stacks = {"shop", "blog-2"},
           .digest = digest_of("belay_" + std::string(64, 'a')),
           .by = "user 0",
           .created = noon,
           .expires = noon + std::chrono::hours{24}},
          {.name = "grafana",
           .role = Role::look,
           .stacks = {},
           .digest = digest_of("belay_" + std::string(64, 'b')),
           .by = "user 1000",
           .created = noon,
           .expires = {}}};
}

ServedRequest with(const std::string& authorization, const std::string& peer = "192.0.2.7") {
  ServedRequest request;
  request.headers.emplace_back("authorization", authorization);
  request.peer = peer;
  return request;
}

// The first release wrote this file; every later one must read it for ever.
TEST(Token, GoldenTokensOfVersion1AreRead) {
  EXPECT_EQ(to_json(two_tokens()), golden("tokens-1/tokens.json"));
  const auto read = tokens_from_json(golden("tokens-1/tokens.json"));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read.value(), two_tokens());
}

TEST(Token, WhatIsHarmedOrNewerLetsNobodyIn) {
  const std::string good = to_json(two_tokens());
  EXPECT_EQ(tokens_from_json(R"({"format":2})").error().kind, ErrorKind::too_new);
  const std::pair<const char*, const char*> wrong[] = {{"\"expires\": \"2026", "\"expires\": \"x"},
                                                       {"\"expires\": null", "\"expires\": 7"},
                                                       {"\"operator\"", "\"owner\""},
                                                       {"\"digest\"", "\"digests\""},
                                                       {"\"blog-2\"", "\"../x\""},
                                                       {"\"blog-2\"", "7"},
                                                       {"\"stacks\"", "\"stack\""},
                                                       {"\"name\": \"ci\"", "\"name\": \"\""},
                                                       {"\"tokens\"", "\"token\""}};
  for (const auto& [from, to] : wrong) {
    std::string text = good;
    const auto at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, std::string_view{from}.size(), to);
    const auto read = tokens_from_json(text);
    ASSERT_FALSE(read) << from;
    EXPECT_EQ(read.error().kind, ErrorKind::corrupt) << from;
  }
  EXPECT_FALSE(tokens_from_json(good.substr(0, good.size() / 2)));
}

TEST(Bearer, OnlyAWholeTokenIsOne) {
  const std::string secret = secret_of(std::string(64, 'a'));
  for (const std::string& good : {"Bearer " + secret, "bearer   " + secret, "BEARER " + secret}) {
    const auto found = bearer_of(with(good));
    EXPECT_EQ(found.kind, Bearer::present) << good;
    EXPECT_EQ(found.secret, secret);
  }
  for (const std::string& bad :
       {std::string{}, std::string{" "}, std::string{"Bearer"}, std::string{"Bearer "},
        "Bearer" + secret, "Basic " + secret, "Bearer " + secret + " ", "Bearer " + secret + "a",
        "Bearer " + secret.substr(1), "Bearer belay_" + std::string(64, 'A'), secret,
        "Bearer belay_" + std::string(10'000, 'a'), "Bearer x" + secret.substr(1),
        "Bearer " + secret.substr(0, 69) + std::string(1, '\0')})
    EXPECT_EQ(bearer_of(with(bad)).kind, Bearer::malformed) << bad;
  EXPECT_EQ(bearer_of({}).kind, Bearer::absent);
  ServedRequest twice = with("Bearer " + secret);
  twice.headers.emplace_back("authorization", "Bearer " + secret);
  EXPECT_EQ(bearer_of(twice).kind, Bearer::malformed);
}

TEST(Tokens, AreMadeToldOnceAndRevoked) {
  sim::SimWorld world;
  Tokens tokens{world.ports(), folder};
  EXPECT_TRUE(tokens.list().value().empty());
  const auto made = tokens.create({.name = "ci",
                                   .role = Role::operate,
                                   .stacks = {"shop"},
                                   .lives = std::chrono::hours{1},
                                   .by = "user 0"});
  ASSERT_TRUE(made) << made.error().message;
  const auto kept = world.ports().files.read(std::string{folder} + "/tokens.json").value();
  EXPECT_EQ(kept.find(made.value().secret), std::string::npos);
  EXPECT_EQ(kept.find(made.value().secret.substr(6)), std::string::npos);
  EXPECT_EQ(*find(tokens.list().value(), made.value().secret), made.value().token);
  EXPECT_EQ(tokens.create({.name = "ci"}).error().kind, ErrorKind::conflict);
  world.ports().clock.sleep_for(std::chrono::hours{2}); // it has expired: the name is free again
  const auto again = tokens.create({.name = "ci"});
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(tokens.list().value().size(), 1U);
  EXPECT_EQ(find(tokens.list().value(), made.value().secret), nullptr);
  EXPECT_TRUE(tokens.revoke("ci"));
  EXPECT_TRUE(tokens.list().value().empty());
  EXPECT_EQ(tokens.revoke("ci").error().kind, ErrorKind::not_found);
}

TEST(Tokens, WhatIsNoNameIsRefused) {
  sim::SimWorld world;
  Tokens tokens{world.ports(), folder};
  for (const char* name : {"", "a b", "../x", "-x", ".x", "a\n"})
    EXPECT_EQ(tokens.create({.name = name}).error().kind, ErrorKind::invalid_input) << name;
  EXPECT_EQ(tokens.create({.name = std::string(65, 'a')}).error().kind, ErrorKind::invalid_input);
  EXPECT_EQ(tokens.create({.name = "a", .stacks = {"Shop"}}).error().kind,
            ErrorKind::invalid_input);
  for (const auto lives : {world::Milliseconds{0}, world::Milliseconds{-1},
                           world::Milliseconds{std::chrono::hours{24} * 4000}})
    EXPECT_EQ(tokens.create({.name = "a", .lives = lives}).error().kind, ErrorKind::invalid_input);
  EXPECT_TRUE(tokens.list().value().empty());
}

class GuardTest : public testing::Test {
protected:
  NewToken make(const TokenWish& wish) {
    return Tokens{world.ports(), folder}.create(wish).value();
  }
  int status(const ServedRequest& request) {
    const auto who = guard.who(request);
    return std::holds_alternative<Caller>(who) ? 200 : std::get<Refused>(who).status;
  }
  sim::SimWorld world;
  std::vector<std::string> said;
  Guard guard{world.ports(), folder, 1000,
              [this](const std::string& words) { said.push_back(words); }};
};

TEST_F(GuardTest, OverTheSocketTheOwnerAndRootMayAllAndOthersNeedAToken) {
  ServedRequest request;
  for (const std::uint32_t user : {0U, 1000U}) {
    request.user = user;
    const auto who = guard.who(request);
    ASSERT_TRUE(std::holds_alternative<Caller>(who));
    EXPECT_EQ(std::get<Caller>(who).role, Role::administer);
    EXPECT_EQ(std::get<Caller>(who).name, "user " + std::to_string(user));
  }
  request.user = 1001;
  EXPECT_EQ(status(request), 401);
  request.user.reset();
  EXPECT_EQ(status(request), 401);
}

TEST_F(GuardTest, ATokenCountsAtOnceUntilItIsRevokedOrExpires) {
  const auto made = make({.name = "ci", .role = Role::operate, .lives = std::chrono::hours{1}});
  const auto request = with("Bearer " + made.secret);
  const auto who = guard.who(request);
  ASSERT_TRUE(std::holds_alternative<Caller>(who));
  const Caller caller = std::get<Caller>(who);
  EXPECT_EQ(caller.name, "token ci");
  EXPECT_TRUE(guard.is_still(caller));
  world.ports().clock.sleep_for(std::chrono::hours{1});
  EXPECT_EQ(status(request), 401);
  EXPECT_FALSE(guard.is_still(caller));
  const auto other = make({.name = "two"});
  EXPECT_EQ(status(with("Bearer " + other.secret)), 200);
  ASSERT_TRUE(Tokens(world.ports(), folder).revoke("two"));
  EXPECT_EQ(status(with("Bearer " + other.secret)), 401);
}

TEST_F(GuardTest, OverTheSocketATokenThatIsGivenCounts) {
  const auto made = make({.name = "small"});
  auto request = with("Bearer " + made.secret);
  request.user = 0;
  const auto who = guard.who(request);
  ASSERT_TRUE(std::holds_alternative<Caller>(who));
  EXPECT_EQ(std::get<Caller>(who).role, Role::look);
}

TEST_F(GuardTest, WhoFailsTooOftenIsHeldBackButNoGoodTokenIs) {
  const auto made = make({.name = "ci"});
  const auto bad = with("Bearer " + secret_of(std::string(64, '0')));
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(status(bad), 401) << i;
  const auto who = guard.who(bad);
  ASSERT_TRUE(std::holds_alternative<Refused>(who));
  EXPECT_EQ(std::get<Refused>(who).status, 429);
  EXPECT_EQ(std::get<Refused>(who).headers[0].first, "Retry-After");
  EXPECT_EQ(std::get<Refused>(who).headers[0].second, "6");
  EXPECT_EQ(said.size(), 10U);
  EXPECT_EQ(status(with("Bearer " + made.secret)), 200);
  EXPECT_EQ(status(with("Bearer x", "192.0.2.8")), 401); // another address
  world.ports().clock.sleep_for(std::chrono::seconds{6});
  EXPECT_EQ(status(bad), 401);
  EXPECT_EQ(status(bad), 429);
}

TEST_F(GuardTest, AFileThatCannotBeReadLetsNobodyIn) {
  const auto made = make({.name = "ci"});
  world.host.disk.write(std::string{folder} + "/tokens.json", "{");
  EXPECT_EQ(status(with("Bearer " + made.secret)), 503);
  EXPECT_TRUE(said.empty()); // it is no failure of who asks
}

TEST(FailureLimit, HoldsAThousandAddressesAndForgetsTheOldest) {
  FailureLimit limit;
  for (int i = 0; i < 5000; ++i)
    EXPECT_FALSE(limit.fail("peer " + std::to_string(i), world::Milliseconds{i}));
  EXPECT_EQ(limit.size(), 1000U);
}

TEST(Lacks, EachRoleMayWhatTheOneBeforeMay) {
  const Caller viewer{.name = "v", .role = Role::look, .stacks = {"shop"}, .digest = "x"};
  EXPECT_FALSE(lacks(viewer, Role::look, "shop"));
  EXPECT_FALSE(lacks(viewer, Role::look, ""));
  EXPECT_EQ(lacks(viewer, Role::look, "blog")->status, 403);
  const auto refused = lacks(viewer, Role::operate, "shop");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 403);
  EXPECT_NE(refused->headers[0].second.find("scope=\"operator\""), std::string::npos);
  const Caller admin{.name = "a", .role = Role::administer, .stacks = {}, .digest = "x"};
  EXPECT_FALSE(lacks(admin, Role::operate, "anything"));
  EXPECT_FALSE(lacks(admin, Role::administer, ""));
  const Caller hand{.name = "h", .role = Role::operate, .stacks = {}, .digest = "x"};
  EXPECT_EQ(lacks(hand, Role::administer, "")->status, 403);
}

TEST(Lacks, WhoAdministersSomeStacksDoesNotAdministerAll) {
  const Caller some{.name = "a", .role = Role::administer, .stacks = {"shop"}, .digest = "x"};
  EXPECT_FALSE(lacks(some, Role::operate, "shop"));
  EXPECT_FALSE(lacks(some, Role::look, ""));
  const auto refused = lacks(some, Role::administer, "");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 403);
}

} // namespace
} // namespace admission
