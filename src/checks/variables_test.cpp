#include "checks/variables.hpp"

#include <gtest/gtest.h>

namespace checks {
namespace {

TEST(variables, an_env_file_is_read_with_quotes_comments_and_export) {
  const auto all = parse_variables("\xEF\xBB\xBF# first\nA=1\nexport B = \"two words\" # c\nC='#'\n"
                                   "D=a#b\nE=a #b\nA=3\nnot a line\n1X=2\nF=\n=x\r\nG=x\r\n");
  const std::vector<Variable> wanted{{"A", "3"}, {"B", "two words"}, {"C", "#"}, {"D", "a#b"},
                                     {"E", "a"}, {"F", ""},          {"G", "x"}};
  EXPECT_EQ(all, wanted);
}

TEST(variables, an_example_wants_what_has_no_value_or_a_placeholder) {
  const auto all = wanted_by_example("URL=http://h\nTOKEN=\nPASSWORD=changeme\n#OPTIONAL=\n");
  const std::vector<Wanted> wanted{{"URL", true}, {"TOKEN", false}, {"PASSWORD", false}};
  EXPECT_EQ(all, wanted);
}

TEST(variables, a_compose_file_wants_what_it_takes_from_outside) {
  const auto all = wanted_by_compose(R"(
services:
  web:
    image: "shop:${TAG:-1.0}"
    command: ["$$HOME", "$PLAIN", "${NEEDED:?say it}"]
    environment: [PASSED, "KEPT=${TAG}", "OTHER=1"]
  db:
    environment: { NULLED: , SET: x }
)");
  ASSERT_TRUE(all) << all.error().message;
  const std::vector<Wanted> wanted{
      {"TAG", false}, {"PLAIN", false}, {"NEEDED", false}, {"PASSED", true}, {"NULLED", true}};
  EXPECT_EQ(all.value(), wanted);
}

TEST(variables, a_values_file_has_dotted_keys) {
  const auto keys = keys_of_values("image: { tag: 1, repository: x }\nlist: [1, 2]\nempty: {}\n");
  ASSERT_TRUE(keys);
  const std::vector<std::string> wanted{"image.tag", "image.repository", "list", "empty"};
  EXPECT_EQ(keys.value(), wanted);
}

TEST(variables, yaml_values_have_the_names_they_belong_to) {
  const auto all = values_in_yaml("db: { password: '${PW:-changeme}', url: \"${URL}\" "
                                  "}\nenvironment: [\"TOKEN=${T:-changeme}\"]\n",
                                  {"T"});
  ASSERT_TRUE(all);
  const std::vector<Variable> wanted{{"password", "changeme"}, {"url", ""}, {"TOKEN", ""}};
  EXPECT_EQ(all.value(), wanted);
}

TEST(variables, placeholders_are_known_by_value_and_name) {
  for (const char* value : {"changeme", "CHANGE_ME", "xx-Change-Me-xx", "<your secret>", "TODO",
                            "postgres://u:changeme@db/x", "xxxx"})
    EXPECT_TRUE(is_placeholder("ANY", value)) << value;
  for (const char* value : {"password", "secret", "admin", "your_key_here"}) {
    EXPECT_TRUE(is_placeholder("DB_PASSWORD", value)) << value;
    EXPECT_FALSE(is_placeholder("MODE", value)) << value;
  }
  for (const char* value : {"", "s3cr3t-7f1e", "xx", "https://example.org/<x"})
    EXPECT_FALSE(is_placeholder("DB_PASSWORD", value)) << value;
}

TEST(variables, rubbish_ends_well) {
  std::string text;
  for (unsigned seed = 1; seed < 4000; ++seed) {
    text += static_cast<char>(seed * 2654435761U >> 24U);
    if (seed % 7 == 0)
      text += "${A:-$B=\n";
    if (seed % 97 != 0)
      continue;
    for (const Variable& variable : parse_variables(text))
      EXPECT_FALSE(variable.name.empty());
    static_cast<void>(wanted_by_compose(text));
    static_cast<void>(wanted_by_compose("a: '" + text + "'"));
    static_cast<void>(values_in_yaml("- '" + text + "'", {}));
  }
  EXPECT_TRUE(wanted_by_compose("a: '${'").value().empty());
  EXPECT_TRUE(wanted_by_compose("a: '$'").value().empty());
}

} // namespace
} // namespace checks
