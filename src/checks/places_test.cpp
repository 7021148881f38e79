// Backups and claims.
#include "checks/for_test.hpp"
#include "checks/neighbours.hpp"

namespace checks {
namespace {

class PlacesTest : public ChecksTest {
protected:
  PlacesTest() {
    stack.stores = {{.name = "data", .path = "/srv/shop/data"}};
    write("/srv/shop/data/a", "a");
  }
};

TEST_F(PlacesTest, a_place_for_backups_inside_a_store_blocks) {
  stack.preflight.backups = {"/srv/shop/data/backups"};
  EXPECT_TRUE(said("backups").starts_with("blocker: the place for backups")) << said("backups");
  write("/srv/shop/data/backups/1.tgz", "x");
  EXPECT_TRUE(said("backups").contains("blocker: store 'data' holds the place")) << said("backups");
  stack.stores[0].exclude = {"backups"};
  EXPECT_TRUE(said("backups").starts_with("warning: store 'data' and its backups"))
      << said("backups");
}

TEST_F(PlacesTest, backups_in_a_store_are_found_by_their_names) {
  write("/srv/shop/data/var/backups/km-backup-1.tgz", "x");
  EXPECT_TRUE(said("backups").contains("warning: store 'data' seems to hold backups of its own in "
                                       "'/srv/shop/data/var/backups'"))
      << said("backups");
  stack.stores[0].exclude = {"var/backups"};
  EXPECT_EQ(said("backups"), "");
}

TEST_F(PlacesTest, another_belay_yaml_must_not_claim_the_store) {
  EXPECT_TRUE(said("claims").starts_with("ok: ")) << said("claims");
  write("/srv/other/belay.yaml", "stack: other\nstores: { d: { directory: ../shop } }\n");
  EXPECT_TRUE(said("claims").contains("blocker: stack 'other' of '/srv/other/belay.yaml' claims"))
      << said("claims");
  write("/srv/other/belay.yaml", "stack: other\nstores: { d: { directory: ./data } }\n");
  EXPECT_TRUE(said("claims").starts_with("ok: ")) << said("claims");
  write("/srv/shop/belay.yaml", "stack: shop\nstores: { data: { directory: ./data } }\n");
  EXPECT_TRUE(said("claims").starts_with("ok: ")) << said("claims"); // itself
}

TEST_F(PlacesTest, compose_files_that_claim_the_same_are_told) {
  const std::string text = "services: { db: { image: x, volumes: [\"./data:/d\", \"v:/v\"] } }\n";
  write("/srv/shop/docker-compose.yml", text);
  EXPECT_TRUE(said("claims").contains("warning: service 'db' of '/srv/shop/docker-compose.yml' "
                                      "mounts '/srv/shop/data', which is store 'data'"))
      << said("claims");
  write("/srv/shop/docker-compose.production.yml", text);
  EXPECT_TRUE(said("claims").contains("both claim /srv/shop/data, volume v")) << said("claims");
}

TEST_F(PlacesTest, kept_copies_that_nobody_knows_are_told) {
  domain::StoreFact fact{.store = "data", .state = {}};
  fact.state.kept_folder = "/srv/shop/.belay-data";
  request.stores = {fact};
  write("/srv/shop/.belay-data/p-2026-ab/tree/a", "x");
  EXPECT_TRUE(said("claims").contains("warning: store 'data' has 1 kept copies")) << said("claims");
  write("/srv/shop/.belay/operations/o-2026-ab/plan.json", "{}");
  EXPECT_TRUE(said("claims").starts_with("ok: ")) << said("claims");
}

TEST(neighbours, volumes_are_read_in_both_forms) {
  const auto all = parse_compose(R"(
services:
  a:
    image: wud
    container_name: watchdog
    volumes: ["./x:/x:ro", "/abs:/y", "named:/n", "/anonymous", "${V}/z:/z", "~/h:/h"]
  b:
    volumes:
      - { type: bind, source: ./l, target: /l }
      - { type: volume, source: other, target: /o }
      - { type: bind, source: /run/docker.sock, target: /s }
  c:
    volumes: ["${SOCKET:-/var/run/docker.sock}:/s"]
volumes: { named: { name: real } }
)",
                                 "/p");
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_EQ(all.value()[0].folders, (std::vector<std::string>{"/p/x", "/abs"}));
  EXPECT_EQ(all.value()[0].volumes, std::vector<std::string>{"real"});
  EXPECT_EQ(all.value()[1].folders, std::vector<std::string>{"/p/l"});
  EXPECT_EQ(all.value()[1].volumes, std::vector<std::string>{"other"});
  EXPECT_TRUE(all.value()[1].has_docker);
  EXPECT_TRUE(all.value()[2].has_docker);
  EXPECT_EQ(all.value()[0].container, "watchdog");
  EXPECT_TRUE(parse_compose("[]", "/p").value().empty());
  EXPECT_TRUE(parse_other_stack("a: b", "/p").value().name.empty());
  EXPECT_FALSE(parse_compose("a: [", "/p"));
}

} // namespace
} // namespace checks
