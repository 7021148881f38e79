#include "checks/crontab.hpp"
#include "checks/for_test.hpp"
#include "checks/hands.hpp"

namespace checks {
namespace {

TEST(hands, a_unit_file_is_read_over_continued_lines) {
  const UnitFile unit = parse_unit_file(
      "[Service]\n#ExecStart=no\nExecStart=-/bin/a \\\n  b\n[Timer]\nUnit=x.service\n");
  EXPECT_EQ(unit.commands, std::vector<std::string>{"/bin/a    b"});
  EXPECT_EQ(unit.unit, "x.service");
}

TEST(hands, the_files_of_a_command_are_found) {
  const std::vector<std::string> wanted{"/bin/sh", "/opt/a.sh", "/srv/x/run.sh", "/dev/null"};
  EXPECT_EQ(files_in_command("/bin/sh '/opt/a.sh'; cd /srv/x && ./run.sh >/dev/null"), wanted);
}

TEST(hands, a_touch_is_by_folder_port_or_name_with_a_verb) {
  const Marks marks{{"/srv/shop"}, {"web"}, {8080}};
  EXPECT_EQ(touch_of("tar -czf /b.tgz /srv/shop/data", marks).by, "'/srv/shop'");
  EXPECT_EQ(touch_of("tar -czf /b.tgz /srv/shop/data", marks).word, "");
  EXPECT_EQ(touch_of("docker compose -f /srv/shop/c.yml up -d", marks).word, "docker compose");
  EXPECT_EQ(touch_of("curl http://127.0.0.1:8080/x", marks).by, "port 8080");
  EXPECT_EQ(touch_of("curl http://127.0.0.1:80801/x", marks).by, "");
  EXPECT_EQ(touch_of("systemctl restart web", marks).by, "'web'");
  EXPECT_EQ(touch_of("service web restart", marks).word, "service");
  EXPECT_EQ(touch_of("echo web", marks).by, "");
  EXPECT_EQ(touch_of("WEB='web'\nservice $WEB restart\n", marks).by, "'web'");
  EXPECT_EQ(touch_of("# waits for the web backend\nkill -USR1 $(cat x.pid)\n", marks).by, "");
  EXPECT_EQ(touch_of("ls /srv/shop2", marks).by, "");
  EXPECT_TRUE(is_belays("sudo -n /usr/bin/belay resume") || is_belays("/usr/bin/belay resume"));
  EXPECT_FALSE(is_belays("/opt/belay-watch restart"));
}

TEST(hands, rubbish_ends_well) {
  std::string text;
  for (unsigned seed = 1; seed < 5000; ++seed) {
    text += static_cast<char>(seed * 2246822519U >> 24U);
    if (seed % 11 == 0)
      text += " * * * * *\n";
    if (seed % 101 != 0)
      continue;
    for (const bool has_user : {true, false})
      for (const CronLine& line : parse_crontab(text, has_user)) {
        EXPECT_FALSE(line.command.empty());
        static_cast<void>(files_in_command(line.command));
      }
    static_cast<void>(parse_unit_file(text));
  }
}

TEST_F(ChecksTest, a_watchdog_in_cron_blocks_and_a_held_one_does_not) {
  EXPECT_TRUE(said("other-hands").starts_with("ok: ")) << said("other-hands");
  write("/opt/watchdog.sh", "#!/bin/sh\ncd /srv/shop || exit\ndocker compose up -d\n");
  write("/etc/cron.d/watchdog", "*/2 * * * * root /opt/watchdog.sh\n");
  EXPECT_TRUE(said("other-hands")
                  .starts_with("blocker: cron line 1 of '/etc/cron.d/watchdog' has "
                               "to do with this stack ('/srv/shop') and calls "
                               "'docker compose'"))
      << said("other-hands");
  stack.preflight.hold = {"/etc/cron.d/watchdog"};
  EXPECT_TRUE(said("other-hands").starts_with("ok: '/etc/cron.d/watchdog' is held"))
      << said("other-hands");
  stack.preflight.hold = {"/etc/cron.d/none"};
  EXPECT_TRUE(said("other-hands").contains("blocker: '/etc/cron.d/none' cannot be held"));
}

TEST_F(ChecksTest, a_timer_is_seen_when_it_is_enabled_and_systemd_runs) {
  write("/etc/systemd/system/up.timer", "[Timer]\nOnCalendar=daily\n");
  write("/etc/systemd/system/up.service", "[Service]\nExecStart=/bin/systemctl restart web\n");
  write("/etc/systemd/system/timers.target.wants/up.timer", "");
  EXPECT_TRUE(said("other-hands").starts_with("ok: ")) << said("other-hands");
  write("/run/systemd/system/x", "");
  EXPECT_TRUE(said("other-hands")
                  .contains("blocker: unit 'up.service', woken by 'up.timer', has to "
                            "do with this stack ('web') and calls"))
      << said("other-hands");
}

TEST_F(ChecksTest, an_updater_with_dockers_socket_blocks) {
  write("/srv/shop/docker-compose.yml",
        "services:\n  up:\n    image: containrrr/watchtower\n    volumes:\n"
        "      - /var/run/docker.sock:/var/run/docker.sock\n");
  EXPECT_TRUE(said("other-hands")
                  .contains("blocker: service 'up' of '/srv/shop/docker-compose.yml' "
                            "replaces or restarts containers by itself"))
      << said("other-hands");
  stack.compose.project = "shop";
  stack.preflight.hold_containers = {"shop-up-1"}; // as compose names it
  EXPECT_FALSE(said("other-hands").contains("service 'up'")) << said("other-hands");
  stack.preflight.hold_containers = {"up"};
  EXPECT_TRUE(said("other-hands").contains("service 'up'"));
}

} // namespace
} // namespace checks
