#include "api/agents.hpp"

#include <set>

#include <gtest/gtest.h>

namespace api {
namespace {

using nlohmann::json;

TEST(Routes, EachHasANameOfItsOwnAndASchemaThatThereIs) {
  std::set<std::string> names;
  const json all = schemas();
  for (const Route& route : routes()) {
    EXPECT_TRUE(names.insert(route.id).second) << route.id;
    EXPECT_TRUE(std::string{route.path}.starts_with("/v1/")) << route.path;
    EXPECT_TRUE(std::string{route.schema}.empty() || all.contains(route.schema)) << route.schema;
    EXPECT_EQ(route.body.empty(), std::string{route.method} != "POST") << route.id;
    EXPECT_EQ(std::string{route.path}.starts_with("/v1/admin/") &&
                  std::string{route.id} != "getSummary", // of the stacks that a token is for
              route.role == admission::Role::administer)
        << route.id;
  }
}

TEST(Routes, TheDocumentHoldsEachAndNothingThatLeadsNowhere) {
  const json document = json::parse(openapi("1.2"));
  EXPECT_EQ(document["info"]["version"], "1.2");
  std::size_t count = 0;
  for (const auto& path : document["paths"].items())
    count += path.value().size();
  EXPECT_EQ(count, routes().size());
  for (const Route& route : routes())
    EXPECT_NE(reference_page().find(route.path), std::string::npos);
  EXPECT_EQ(document["components"]["schemas"].size(), schemas().size());
}

TEST(Problem, TellsTheStatusThatBelongsToTheError) {
  using base::ErrorKind;
  const std::pair<ErrorKind, int> all[] = {
      {ErrorKind::invalid_input, 400}, {ErrorKind::not_found, 404},   {ErrorKind::conflict, 409},
      {ErrorKind::locked, 409},        {ErrorKind::unavailable, 503}, {ErrorKind::failed, 500}};
  for (const auto& [kind, status] : all) {
    const auto told = problem_of({kind, "what", "do"});
    EXPECT_EQ(told.status, status);
    EXPECT_EQ(told.content_type, "application/problem+json");
    const json page = json::parse(told.body);
    EXPECT_EQ(page["status"], status);
    EXPECT_EQ(page["detail"], "what");
    EXPECT_EQ(page["hint"], "do");
  }
}

TEST(Origin, OnlyPagesOfThisMachineMaySpeakToAgentsAddress) {
  for (const char* good : {"http://localhost", "http://localhost:6274", "https://127.0.0.1:1",
                           "http://127.0.0.1", "http://[::1]", "http://[::1]:8970"})
    EXPECT_TRUE(is_local_origin(good)) << good;
  for (const char* bad :
       {"", "null", "localhost", "http://", "http://evil.example", "http://localhost.evil.example",
        "http://evil.example:8970", "http://127.0.0.1.evil.example",
        "http://127.0.0.1@evil.example", "http://localhost:80@evil.example",
        "http://[::1].evil.example", "http://[::1]:", "http://localhost:123456", "file://localhost",
        "http://localhost/", "HTTP://localhost x"})
    EXPECT_FALSE(is_local_origin(bad)) << bad;
}

} // namespace
} // namespace api
