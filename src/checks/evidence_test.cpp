#include "checks/for_test.hpp"
#include "checks/semver.hpp"

namespace checks {
namespace {

using domain::UpgradeClass;

TEST(semver, a_step_is_as_large_as_its_first_difference) {
  EXPECT_EQ(class_between("1.2.3", "1.2.4"), UpgradeClass::patch);
  EXPECT_EQ(class_between("v1.2", "1.2.9-rc.1"), UpgradeClass::patch);
  EXPECT_EQ(class_between("1.2.3", "1.3.0"), UpgradeClass::minor);
  EXPECT_EQ(class_between("shop-1.2.3", "shop-2.0.0"), UpgradeClass::major);
  EXPECT_EQ(class_between("0.1.0", "0.2.0"), UpgradeClass::major);
  EXPECT_EQ(class_between("2.0.0", "1.9.0"), UpgradeClass::major);
  for (const char* label : {"", "latest", "main", "3fa9", "v", "-", "1.x", "99999999999999"})
    EXPECT_EQ(class_between("1.0.0", label), UpgradeClass::unknown) << label;
}

class EvidenceTest : public ChecksTest {
protected:
  EvidenceTest() {
    world.host.now_ms = 1'795'000'000'000; // Wednesday 2026-11-18T11:06:40Z
    request.label_from = "1.0";
  }
};

TEST_F(EvidenceTest, release_notes_by_the_size_of_the_step) {
  EXPECT_TRUE(said("release-notes").starts_with("blocker: '1.0' to '2.0' is a major step: read"));
  request.to = "1.1";
  EXPECT_TRUE(said("release-notes").starts_with("warning: ")) << said("release-notes");
  request.to = "1.0.1";
  EXPECT_TRUE(said("release-notes").starts_with("ok: ")) << said("release-notes");
  request.to = "nightly";
  EXPECT_TRUE(said("release-notes").starts_with("blocker: ")) << said("release-notes");
  request.evidence = {{"release-notes", "acknowledged"}};
  EXPECT_TRUE(said("release-notes").starts_with("ok: ")) << said("release-notes");
  request.label_from = "";
  EXPECT_EQ(said("release-notes"), "");
}

TEST_F(EvidenceTest, evidence_is_asked_for_from_its_class_on) {
  stack.preflight.evidence = {{.name = "ci", .from = UpgradeClass::minor, .wanted = "{to}"}};
  request.to = "1.0.1";
  EXPECT_EQ(said("evidence"), "");
  request.to = "1.1";
  EXPECT_EQ(said("evidence"), "blocker: 'ci' is missing: give it with --evidence ci=VALUE\n");
  request.evidence = {{"ci", "green for 1.0"}};
  EXPECT_TRUE(said("evidence").starts_with("blocker: 'ci' does not hold '1.1'"));
  request.evidence = {{"ci", "green for 1.1"}};
  EXPECT_EQ(said("evidence"), "ok: 'ci' is green for 1.1 (given by hand)\n");
}

TEST_F(EvidenceTest, a_drill_must_be_young) {
  stack.preflight.evidence = {
      {.name = "drill", .file = "/srv/shop/drill", .max_age = std::chrono::days{30}}};
  EXPECT_TRUE(said("evidence").starts_with("blocker: 'drill' is missing"));
  write("/srv/shop/drill", "2026-11-01 restored in 12 min\nmore\n");
  EXPECT_EQ(said("evidence"),
            "ok: 'drill' is 2026-11-01 restored in 12 min (from '/srv/shop/drill')\n");
  for (const char* text : {"2026-10-01", "2027-01-01", "yesterday", "2026-13-01"}) {
    write("/srv/shop/drill", text);
    EXPECT_TRUE(said("evidence").starts_with("blocker: 'drill' ")) << text << said("evidence");
  }
  write("/srv/shop/drill", "2026-11-18T10:00:00Z");
  EXPECT_TRUE(said("evidence").starts_with("ok: ")) << said("evidence");
}

TEST_F(EvidenceTest, a_window_may_go_over_midnight) {
  const auto at = [&](std::vector<int> days, int from, int to) {
    stack.preflight.windows = {{std::move(days), from * 60, to * 60}};
    return said("window").substr(0, said("window").find(':'));
  };
  EXPECT_EQ(at({}, 11, 12), "ok");
  EXPECT_EQ(at({3}, 11, 12), "ok");
  EXPECT_EQ(at({4}, 11, 12), "blocker");
  EXPECT_EQ(at({2}, 22, 12), "ok"); // began on Tuesday
  EXPECT_EQ(at({3}, 22, 12), "blocker");
  EXPECT_EQ(at({}, 12, 11), "blocker");
  request.evidence = {{"window", "acknowledged"}};
  EXPECT_EQ(at({}, 12, 11), "warning");
}

} // namespace
} // namespace checks
