#include "checks/crontab.hpp"
#include "checks/for_test.hpp"

namespace checks {
namespace {

const Holder ours{"shop", "o-1"};
const Holder others{"mill", "o-1"};

TEST(crontab, is_read_in_both_forms) {
  const auto system =
      parse_crontab("# c\nSHELL=/bin/sh\n*/2 * * * * root /opt/watchdog.sh  \n"
                    "@reboot www cd /srv && ./up\n1 2 3\n\n0 3 1-7 * sun root x y\n",
                    true);
  const std::vector<CronLine> wanted{
      {3, "root", "/opt/watchdog.sh", "*/2 * * * * root /opt/watchdog.sh  "},
      {4, "www", "cd /srv && ./up", "@reboot www cd /srv && ./up"},
      {7, "root", "x y", "0 3 1-7 * sun root x y"}};
  EXPECT_EQ(system, wanted);
  EXPECT_EQ(parse_crontab("5 4 * * * /usr/bin/belay check", false).at(0).command,
            "/usr/bin/belay check");
}

TEST(crontab, only_command_lines_with_these_words_are_held_and_come_back_to_the_byte) {
  const std::string text = "MAILTO=/opt/w.sh\n# /opt/w.sh\n\t*/2 * * * * /opt/w.sh >/x\r\n"
                           "5 4 * * * tar /home\n@reboot /opt/w.sh";
  const std::string held = hold_lines(text, "/opt/w.sh", ours);
  EXPECT_EQ(held, "MAILTO=/opt/w.sh\n# /opt/w.sh\n"
                  "# held by belay (shop, o-1): \t*/2 * * * * /opt/w.sh >/x\r\n"
                  "5 4 * * * tar /home\n# held by belay (shop, o-1): @reboot /opt/w.sh");
  EXPECT_EQ(hold_lines(held, "/opt/w.sh", ours), held);
  EXPECT_EQ(hold_lines(held, "/opt/w.sh", others), held);
  EXPECT_EQ(parse_crontab(held, false).size(), 1U);
  EXPECT_EQ(held_lines(held).at(1), (HeldLine{5, ours, "@reboot /opt/w.sh"}));
  EXPECT_EQ(give_back_lines(held, ours), text);
  EXPECT_EQ(give_back_lines(held, others), held);
  EXPECT_EQ(give_back_lines(held, {"shop", "o-2"}), held);
  EXPECT_EQ(hold_lines("", "x", ours), "");
}

TEST(crontab, what_others_changed_meanwhile_stays) {
  const std::string held = hold_lines("1 1 * * * /opt/w.sh\n2 2 * * * b\n", "/opt/w.sh", ours);
  EXPECT_EQ(give_back_lines("# new\n3 3 * * * c\n" + held + "@daily d\n", ours),
            "# new\n3 3 * * * c\n1 1 * * * /opt/w.sh\n2 2 * * * b\n@daily d\n");
  EXPECT_EQ(give_back_lines("2 2 * * * b\n", ours), "2 2 * * * b\n"); // they took it out
}

TEST(crontab, what_only_looks_like_a_mark_is_none) {
  for (const char* text : {"# held by belay (shop o-1): x", "# held by belay (shop, o-1) x",
                           "#held by belay (shop, o-1): x", "# held by belay (", "# held by belay"})
    EXPECT_TRUE(held_lines(text).empty()) << text;
}

TEST_F(ChecksTest, a_line_of_a_crontab_blocks_and_a_held_one_does_not) {
  const std::string crontab = "/var/spool/cron/crontabs/root";
  write("/opt/watchdog.sh", "#!/bin/sh\ncd /srv/shop || exit\ndocker compose up -d\n");
  const std::string text = "# mine\n*/2 * * * * /opt/watchdog.sh\n@daily tar /home\n";
  write(crontab, text);
  EXPECT_TRUE(said("other-hands").starts_with("blocker: cron line 2 of '" + crontab + "'"));
  EXPECT_TRUE(said("other-hands").contains("let belay hold it with `preflight.hold_lines`"));
  stack.preflight.hold_lines = {{crontab, "/opt/watchdog.sh"}};
  EXPECT_TRUE(said("other-hands")
                  .starts_with("ok: cron line 2 of '" + crontab + "' is held during the upgrade\n"))
      << said("other-hands");
  stack.preflight.hold_lines = {{crontab, "/opt/other.sh"}};
  EXPECT_TRUE(
      said("other-hands")
          .contains("blocker: no cron line of '" + crontab + "' has '/opt/other.sh' in it"));
  stack.preflight.hold_lines = {{crontab, "/opt/watchdog.sh"}};
  write(crontab, hold_lines(text, "/opt/watchdog.sh", others));
  EXPECT_TRUE(said("other-hands")
                  .contains("blocker: line 2 of '" + crontab +
                            "' is held by operation o-1 of stack 'mill'"))
      << said("other-hands");
  stack.preflight.hold_lines = {{"/none", "/opt/watchdog.sh"}};
  EXPECT_TRUE(said("other-hands").contains("blocker: no line of '/none' can be held: "));
}

TEST_F(ChecksTest, a_timer_that_wakes_others_blocks_and_a_held_one_does_not) {
  write("/etc/systemd/system/refresh.timer", "[Timer]\nOnCalendar=hourly\n");
  write("/etc/systemd/system/refresh.service",
        "[Service]\nExecStart=/usr/bin/docker compose -f /srv/shop/compose.yml up -d\n");
  stack.preflight.hold_units = {"refresh.timer"};
  EXPECT_TRUE(said("other-hands").contains("blocker: 'refresh.timer' cannot be held, for systemd"));
  ASSERT_TRUE(ports().files.create_folders("/run/systemd/system"));
  write("/etc/systemd/system/timers.target.wants/refresh.timer", "");
  EXPECT_TRUE(said("other-hands")
                  .starts_with("ok: unit 'refresh.timer' is held during the upgrade, when it is "
                               "active\nok: no cron line"))
      << said("other-hands");
  write("/etc/systemd/system/refresh.timer.d/zz-belay-hold.conf", "");
  EXPECT_TRUE(said("other-hands").contains("blocker: unit 'refresh.timer' is held already"));
  stack.preflight.hold_units = {"none.timer"};
  EXPECT_TRUE(said("other-hands").contains("blocker: unit 'none.timer' cannot be held"));
  EXPECT_TRUE(said("other-hands").contains("`preflight.hold_units: [refresh.timer]`"));
}

} // namespace
} // namespace checks
