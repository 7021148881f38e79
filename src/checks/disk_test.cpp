#include "checks/for_test.hpp"

namespace checks {
namespace {

domain::StoreFact fact(const std::string& store, std::uint64_t bytes) {
  domain::StoreFact made{.store = store, .state = {}};
  made.state.size.bytes = bytes;
  made.state.kept_folder = "/srv/shop/.belay-" + store;
  return made;
}

class DiskTest : public ChecksTest {
protected:
  DiskTest() {
    stack.stores = {{.name = "data", .path = "/srv/shop/data"},
                    {.name = "db", .kind = domain::StoreKind::sqlite, .path = "/srv/shop/db"}};
    free_bytes = ports().files.space("/srv/shop").value().free_bytes;
  }
  std::uint64_t free_bytes = 0;
};

TEST_F(DiskTest, copies_release_and_records_are_added_up) {
  stack.preflight.disk_margin_bytes = 0;
  request.stores = {fact("data", 5U << 20U), fact("db", 3U << 20U)};
  const std::string text = said("disk");
  EXPECT_TRUE(text.starts_with("ok: ")) << text;
  for (const char* part : {"the copy of store 'data' 5.0 MiB", "the copy of store 'db' 3.0 MiB",
                           "the release of 'web' 15 B", "belay's records 1.0 MiB", "needs 9.0 MiB"})
    EXPECT_TRUE(text.contains(part)) << part << " is not in " << text;
}

TEST_F(DiskTest, one_byte_too_many_blocks_and_the_margin_warns) {
  stack.preflight.disk_margin_bytes = 0;
  request.to = "";
  request.stores = {fact("db", free_bytes)};
  EXPECT_TRUE(said("disk").starts_with("blocker: ")) << said("disk");
  EXPECT_TRUE(said("disk").contains("free at least 1.0 MiB there")) << said("disk");
  request.stores = {fact("db", 1)};
  stack.preflight.disk_margin_bytes = free_bytes;
  EXPECT_TRUE(said("disk").starts_with("warning: ")) << said("disk");
}

TEST_F(DiskTest, a_release_of_unknown_size_is_told) {
  stack.services[0].release = {.kind = domain::ReleaseSourceKind::command, .command = {"make"}};
  EXPECT_TRUE(said("disk").contains("warning: the size of the release of 'web' is not known"))
      << said("disk");
  write("/srv/shop/.belay/releases/web/1.0/app", std::string(4096, 'x'));
  request.releases_from = {{"web", "1.0", "/srv/shop/.belay/releases/web/1.0", "d"}};
  EXPECT_TRUE(said("disk").contains("the release of 'web', taken as the one that runs, 4.0 KiB"))
      << said("disk");
}

TEST_F(DiskTest, without_a_target_no_release_is_counted) {
  request.to = "";
  EXPECT_FALSE(said("disk").contains("release of")) << said("disk");
}

TEST_F(DiskTest, a_drivers_own_place_is_judged_by_what_it_says) {
  stack.stores.push_back({.name = "queue", .kind = domain::StoreKind::exec});
  domain::StoreFact queue{.store = "queue", .state = {}};
  queue.state.size.bytes = 100;
  queue.state.free_bytes = 99;
  request.stores = {queue};
  EXPECT_TRUE(said("disk").contains("blocker: store 'queue' holds 100 B")) << said("disk");
}

} // namespace
} // namespace checks
