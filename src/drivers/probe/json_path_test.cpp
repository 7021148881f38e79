#include "drivers/probe/json_path.hpp"

#include <gtest/gtest.h>

namespace drivers::probe {
namespace {

using base::ErrorKind;

constexpr const char* body = R"({
  "status": "ok", "count": 3, "ratio": 0.5, "big": 1e3, "none": null, "yes": true,
  "checks": {"backup": {"items": [{"age": 7}, {"age": 9}]}},
  "a.b": {"c[0]": "quoted"}, "$ref": 4, "it's": 5, "": 6
})";

std::string text_at(const std::string& path) {
  const auto found = find_json(body, path);
  return found ? found.value().text : found.error().message;
}

TEST(find_json, by_keys_indexes_and_quoted_keys) {
  EXPECT_EQ(text_at("status"), "\"ok\"");
  EXPECT_EQ(text_at("checks.backup.items[1].age"), "9");
  EXPECT_EQ(text_at("$.checks['backup'].items[0]['age']"), "7");
  EXPECT_EQ(text_at("['a.b'][\"c[0]\"]"), "\"quoted\"");
  EXPECT_EQ(text_at("[\"it's\"]"), "5");
  EXPECT_EQ(text_at("['']"), "6");
  EXPECT_EQ(text_at("$ref"), "4");
  EXPECT_EQ(text_at("checks.backup.items"), R"([{"age":7},{"age":9}])");
  EXPECT_EQ(text_at("none"), "null");
  EXPECT_EQ(find_json("[[1, 2], [3]]", "[1][0]").value().text, "3");
  EXPECT_EQ(find_json("7", "").value().text, "7");
  EXPECT_EQ(find_json("7", "$").value().text, "7");
}

TEST(find_json, numbers_are_numbers_and_nothing_else_is) {
  EXPECT_EQ(find_json(body, "count").value().number, 3.0);
  EXPECT_EQ(find_json(body, "ratio").value().number, 0.5);
  EXPECT_EQ(find_json(body, "big").value().number, 1000.0);
  for (const char* path : {"status", "yes", "none", "checks"})
    EXPECT_EQ(find_json(body, path).value().number, std::nullopt) << path;
}

TEST(find_json, what_is_not_there_is_not_found) {
  for (const char* path : {"absent", "status.length", "checks[0]", "checks.backup.items[2]",
                           "checks.backup.items.age", "count[0]", "['$']"})
    EXPECT_EQ(find_json(body, path).error().kind, ErrorKind::not_found) << path;
}

TEST(find_json, path_without_form_is_refused) {
  std::string deep;
  for (int depth = 0; depth < 65; ++depth)
    deep += "[0]";
  for (const std::string& path :
       {std::string{"a."}, std::string{"a..b"}, std::string{"."}, std::string{"a["},
        std::string{"a[]"}, std::string{"a[-1]"}, std::string{"a[1"}, std::string{"a[1x]"},
        std::string{"a['b"}, std::string{"a['b']c"}, std::string{"a[0]b"},
        std::string{"a[99999999999999999999]"}, deep})
    EXPECT_EQ(find_json(body, path).error().kind, ErrorKind::invalid_input) << path;
}

TEST(find_json, body_that_is_not_json_is_refused) {
  for (const std::string& text :
       {std::string{}, std::string{"<html>"}, std::string{"{\"a\":"}, std::string{"{\"a\":1} x"},
        std::string{"{\"a\":\"\xff\"}"}, std::string{"NaN"}, std::string(100'000, '[')})
    EXPECT_EQ(find_json(text, "a").error().kind, ErrorKind::invalid_input) << text.substr(0, 20);
  EXPECT_EQ(find_json("{\"a\":\"" + std::string(1000, '[') + "\"}", "a").value().text.size(),
            1002U); // brackets in a string are no depth
}

TEST(is_same_json, by_value_not_by_spelling) {
  EXPECT_TRUE(is_same_json("1", "1.0"));
  EXPECT_TRUE(is_same_json("{\"a\":1,\"b\":2}", "{ \"b\": 2, \"a\": 1 }"));
  EXPECT_FALSE(is_same_json("1", "\"1\""));
  EXPECT_FALSE(is_same_json("true", "1"));
  EXPECT_FALSE(is_same_json("\"ok\"", "\"OK\""));
  EXPECT_FALSE(is_same_json("x", "x")); // neither means anything
}

} // namespace
} // namespace drivers::probe
