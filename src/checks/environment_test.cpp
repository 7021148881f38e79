#include "checks/for_test.hpp"

namespace checks {
namespace {

class EnvironmentTest : public ChecksTest {
protected:
  EnvironmentTest() {
    stack.preflight.examples = {".env.example", "docker-compose.yml", "values.yaml"};
    request.releases_from = {{"web", "1.0", "/srv/shop/.belay/releases/web/1.0", "d"}};
    before(".env.example", "OLD=1\nSAME=\n");
  }
  void before(const std::string& name, const std::string& text) {
    write("/srv/shop/.belay/releases/web/1.0/" + name, text);
  }
  void after(const std::string& name, const std::string& text) {
    write("/dist/web-2.0/" + name, text);
  }
};

TEST_F(EnvironmentTest, a_new_variable_without_a_value_blocks) {
  after(".env.example", "SAME=\nNEW_KEY=\nNEW_URL=http://x\n");
  EXPECT_TRUE(
      said("environment").contains("blocker: the release of 'web' newly needs NEW_KEY: set"))
      << said("environment");
  EXPECT_TRUE(said("environment").contains("warning: the release of 'web' newly knows NEW_URL"))
      << said("environment");
  stack.services[0].environment = {{"NEW_KEY", "k"}, {"NEW_URL", "u"}};
  EXPECT_EQ(said("environment"),
            "ok: the release of 'web' newly knows NEW_KEY, NEW_URL: all are set\n");
}

TEST_F(EnvironmentTest, an_env_file_counts_and_a_removed_variable_is_told) {
  after(".env.example", "NEW_KEY=\nSAME=\n");
  write("/srv/shop/.env", "NEW_KEY=secret-value\nOLD=x\n");
  stack.config_files = {"/srv/shop/.env"};
  EXPECT_EQ(said("environment"), "warning: the release of 'web' no longer knows OLD, which is set: "
                                 "read in its notes what replaces it\n");
}

TEST_F(EnvironmentTest, required_variables_are_required_whatever_a_release_says) {
  stack.preflight.required = {"A", "B"};
  stack.services[0].environment = {{"A", "x"}, {"B", ""}};
  EXPECT_TRUE(said("environment").contains("blocker: B is required")) << said("environment");
}

TEST_F(EnvironmentTest, a_release_that_is_made_later_is_told_as_not_known) {
  stack.services[0].release = {.kind = domain::ReleaseSourceKind::command, .command = {"make"}};
  EXPECT_TRUE(said("environment")
                  .starts_with("warning: the variables of the release of 'web' are "
                               "not known before it is made"));
}

TEST_F(EnvironmentTest, values_files_are_compared_by_their_keys) {
  before("values.yaml", "image: { tag: 1 }\nold: 1\n");
  after("values.yaml", "image: { tag: 2 }\nnew: { deep: 1 }\n");
  after(".env.example", "OLD=1\nSAME=\n");
  EXPECT_TRUE(said("environment").contains("no longer has old: look")) << said("environment");
  EXPECT_TRUE(said("environment").contains("newly has new.deep: set it")) << said("environment");
}

TEST_F(EnvironmentTest, placeholders_are_told_by_name_and_never_by_value) {
  EXPECT_TRUE(said("placeholders").starts_with("ok: ")) << said("placeholders");
  stack.services[0].environment = {{"DB_PASSWORD", "changeme-7f3e"}, {"REGION", "TODO"}};
  write("/srv/shop/docker-compose.yml",
        "services: { db: { environment: { POSTGRES_PASSWORD: \"${PW:-changeme}\" } } }\n");
  stack.config_files = {"/srv/shop/docker-compose.yml"};
  const std::string text = said("placeholders");
  EXPECT_TRUE(text.contains("blocker: DB_PASSWORD in service 'web' still has a placeholder"))
      << text;
  EXPECT_TRUE(text.contains("warning: REGION in service 'web'")) << text;
  EXPECT_TRUE(text.contains("blocker: POSTGRES_PASSWORD in '/srv/shop/docker-compose.yml'"))
      << text;
  EXPECT_FALSE(text.contains("7f3e")) << text;
  stack.services[0].environment = {{"PW", "good-one"}};
  EXPECT_TRUE(said("placeholders").starts_with("ok: ")) << said("placeholders");
}

} // namespace
} // namespace checks
