#include "drivers/process/runtime.hpp"
#include "os/world_for_test.hpp"

#include <algorithm>
#include <sstream>

namespace drivers::process {
namespace {

using base::Error;
using base::ErrorKind;

class RuntimeTest : public os::RealWorld {
protected:
  void SetUp() override {
    service.name = "shop";
    service.releases_folder = root + "/releases";
    service.release = {.kind = domain::ReleaseSourceKind::folder, .path = root + "/dist/{to}"};
    service.run = {"./app"};
    service.stop.timeout = world::Milliseconds{5000};
  }
  void TearDown() override {
    EXPECT_TRUE(runtime().stop(service));
    EXPECT_TRUE(left().empty());
    RealWorld::TearDown();
  }
  Runtime runtime() {
    const auto read_secret = [](const domain::SecretRef& secret) -> base::Result<std::string> {
      if (secret.name == "TOKEN")
        return std::string{"s3cret"};
      return Error{ErrorKind::invalid_input, "the secret file can be read by others", ""};
    };
    return {ports(),     "orders",
            root,        root + "/state",
            read_secret, {{"PATH", "/usr/local/bin:/usr/bin:/bin"}, {"LANG", "C.UTF-8"}}};
  }
  // A release whose program is this shell text; it becomes the current one.
  domain::Release use(const std::string& label, const std::string& text) {
    write("dist/" + label + "/app", "#!/bin/sh\n" + text, 0755);
    auto made = runtime().prepare(service, label);
    EXPECT_TRUE(made) << made.error().message;
    EXPECT_TRUE(runtime().switch_to(service, made.value()));
    return made.value();
  }
  domain::Observed observed() {
    auto found = runtime().observe(service);
    EXPECT_TRUE(found) << found.error().message;
    return found ? found.value() : domain::Observed{};
  }
  std::vector<world::ProcessInfo> left() {
    return processes_
        .find(root + "/state/run/shop.lock", "BELAY_SERVICE", service_key(root + "/state", "shop"))
        .value();
  }
  domain::ServiceSpec service;
};

TEST_F(RuntimeTest, starts_what_current_names_and_finds_it_again) {
  EXPECT_EQ(runtime().current_folder(service).value(), std::nullopt);
  EXPECT_EQ(runtime().start(service).error().kind, ErrorKind::not_found);
  const auto release = use("1", "echo up; exec sleep 600\n");
  EXPECT_EQ(files_.read_link(root + "/releases/current").value(), "1");
  EXPECT_EQ(runtime().current_folder(service).value(), release.folder);
  EXPECT_FALSE(observed().is_running);
  ASSERT_TRUE(runtime().start(service));
  const auto first = observed();
  EXPECT_TRUE(first.is_running);
  EXPECT_EQ(first.release_folder, release.folder);
  EXPECT_EQ(first.start_id.size(), 16U);
  EXPECT_TRUE(processes_.is_alive(*first.process).value());
  ASSERT_TRUE(runtime().start(service)); // again: nothing happens
  EXPECT_EQ(observed().process, first.process);
  ASSERT_TRUE(runtime().stop(service));
  EXPECT_FALSE(processes_.is_alive(*first.process).value());
  ASSERT_TRUE(runtime().stop(service));
  ASSERT_TRUE(runtime().start(service));
  EXPECT_NE(observed().start_id, first.start_id);
}

TEST_F(RuntimeTest, starts_from_the_real_folder_so_that_a_switch_does_not_reach_it) {
  const auto one = use("1", "exec sleep 600\n");
  ASSERT_TRUE(runtime().start(service));
  const auto two = use("2", "exec sleep 601\n");
  EXPECT_EQ(observed().release_folder, one.folder);
  const auto again = runtime().start(service);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, ErrorKind::conflict);
  ASSERT_TRUE(runtime().stop(service));
  ASSERT_TRUE(runtime().start(service));
  EXPECT_EQ(observed().release_folder, two.folder);
}

TEST_F(RuntimeTest, gives_a_service_its_own_environment_and_nothing_of_ours) {
  service.environment = {{"MODE", "production {release}"},
                         {"LANG", "de_DE.UTF-8"},
                         {"PASS", domain::SecretRef{domain::SecretRef::Kind::environment, "TOKEN"}},
                         {"BELAY_SERVICE", "stolen"}};
  service.run = {"./app", "{project}/data", "{release}"};
  const auto release = use("1", "{ env; echo arguments $1 $2; echo in $PWD; } > $1.env.new\n"
                                "mv $1.env.new $1.env; exec sleep 600\n");
  ASSERT_TRUE(runtime().start(service));
  ASSERT_TRUE(eventually([&] { return exists("data.env"); }));
  std::istringstream all{text_of("data.env")};
  std::vector<std::string> lines;
  for (std::string line; std::getline(all, line);)
    if (!line.starts_with("PWD=") && !line.starts_with("OLDPWD=") && !line.starts_with("SHLVL=") &&
        !line.starts_with("_="))
      lines.push_back(line);
  std::ranges::sort(lines);
  EXPECT_EQ(lines, (std::vector<std::string>{
                       "BELAY_RELEASE=" + release.folder,
                       "BELAY_SERVICE=" + service_key(root + "/state", "shop"),
                       "BELAY_STACK=orders",
                       "BELAY_START=" + observed().start_id,
                       "LANG=de_DE.UTF-8",
                       "MODE=production " + release.folder,
                       "PASS=s3cret",
                       "PATH=/usr/local/bin:/usr/bin:/bin",
                       "arguments " + root + "/data " + release.folder,
                       "in " + release.folder,
                   }));
  EXPECT_EQ(text_of("state/log/shop.log").find("s3cret"), std::string::npos);
}

TEST_F(RuntimeTest, does_not_start_without_a_secret) {
  service.environment = {
      {"PASS", domain::SecretRef{domain::SecretRef::Kind::file, "/etc/app/password"}}};
  use("1", "exec sleep 600\n");
  const auto started = runtime().start(service);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().message, "variable 'PASS': the secret file can be read by others");
  EXPECT_FALSE(observed().is_running);
}

TEST_F(RuntimeTest, working_folder_may_be_elsewhere) {
  service.working_folder = "{project}/work";
  ASSERT_TRUE(files_.create_folders(root + "/work"));
  use("1", "echo > here; exec sleep 600\n");
  ASSERT_TRUE(runtime().start(service));
  EXPECT_TRUE(eventually([&] { return exists("work/here"); }));
}

TEST_F(RuntimeTest, program_in_the_project_folder_or_in_path) {
  use("1", "exec sleep 600\n");
  write("mine", "#!/bin/sh\nexec sleep 600\n", 0755);
  service.run = {"{project}/mine"};
  ASSERT_TRUE(runtime().start(service));
  EXPECT_TRUE(observed().is_running);
  ASSERT_TRUE(runtime().stop(service));
  service.run = {"sleep", "600"};
  ASSERT_TRUE(runtime().start(service));
  EXPECT_TRUE(observed().is_running);
}

TEST_F(RuntimeTest, that_cannot_be_executed_leaves_nothing_running) {
  use("1", "exec sleep 600\n");
  service.run = {"belay-no-such-program"};
  EXPECT_EQ(runtime().start(service).error().kind, ErrorKind::failed);
  service.run = {"./app"};
  write("releases/1/app", "#!/no/such/interpreter\n", 0755);
  EXPECT_EQ(runtime().start(service).error().kind, ErrorKind::failed);
  EXPECT_TRUE(left().empty());
  ASSERT_TRUE(trees_.remove(root + "/releases/1"));
  const auto gone = runtime().start(service);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().kind, ErrorKind::not_found);
  EXPECT_NE(gone.error().message.find("is gone"), std::string::npos);
}

TEST_F(RuntimeTest, that_ends_by_itself_is_not_running) {
  use("1", "echo dying of thirst; exit 3\n");
  ASSERT_TRUE(runtime().start(service));
  ASSERT_TRUE(eventually([&] { return !observed().is_running; }));
  EXPECT_EQ(observed().strays, 0);
  EXPECT_FALSE(observed().detail.empty());
  EXPECT_NE(runtime().log_tail(service, 20).value().find("dying of thirst"), std::string::npos);
}

TEST_F(RuntimeTest, that_ignores_the_signal_is_killed_after_its_time) {
  service.stop.timeout = world::Milliseconds{300};
  use("1", "trap '' TERM; touch ../../trapped; while :; do sleep 0.05; done\n");
  ASSERT_TRUE(runtime().start(service));
  ASSERT_TRUE(eventually([&] { return exists("trapped"); }));
  const auto begun = clock_.monotonic();
  ASSERT_TRUE(runtime().stop(service));
  EXPECT_GE(clock_.monotonic() - begun, world::Milliseconds{300});
  EXPECT_TRUE(left().empty());
}

TEST_F(RuntimeTest, gets_the_signal_that_it_asked_for) {
  service.stop.signal = "INT";
  use("1", "trap 'echo interrupted; exit' INT; touch ../../trapped\n"
           "while :; do sleep 0.05; done\n");
  ASSERT_TRUE(runtime().start(service));
  ASSERT_TRUE(eventually([&] { return exists("trapped"); }));
  ASSERT_TRUE(runtime().stop(service));
  EXPECT_NE(runtime().log_tail(service, 20).value().find("interrupted"), std::string::npos);
  service.stop.signal = "USR1";
  EXPECT_EQ(runtime().stop(service).error().kind, ErrorKind::invalid_input);
  service.stop.signal = "TERM";
}

TEST_F(RuntimeTest, that_daemonises_is_seen_and_refused_and_stopped) {
  use("1", "sleep 600 &\nexit 0\n");
  ASSERT_TRUE(runtime().start(service));
  ASSERT_TRUE(eventually([&] { return !observed().is_running; }));
  EXPECT_EQ(observed().strays, 1);
  EXPECT_EQ(observed().detail, "its first process ended but 1 of its processes still run: run it "
                               "in the foreground");
  const auto again = runtime().start(service);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, ErrorKind::conflict);
  ASSERT_TRUE(runtime().stop(service));
  EXPECT_TRUE(left().empty());
}

// A wrapper that dies of the signal and never passes it on: its child may have data to write.
TEST_F(RuntimeTest, those_whom_the_leader_leaves_behind_are_told_before_they_are_killed) {
  write("child",
        "#!/bin/sh\ntrap 'echo saved; exit' TERM\ntouch " + root +
            "/child-up\nwhile :; do sleep 0.05; done\n",
        0755);
  use("1", root + "/child &\nwait\n");
  ASSERT_TRUE(runtime().start(service));
  ASSERT_TRUE(eventually([&] { return exists("child-up"); }));
  ASSERT_TRUE(runtime().stop(service));
  EXPECT_NE(runtime().log_tail(service, 20).value().find("saved"), std::string::npos);
}

TEST_F(RuntimeTest, session_that_the_service_makes_is_not_taken_for_it) {
  use("1", "setsid sleep 600 &\nexec sleep 601\n");
  ASSERT_TRUE(runtime().start(service));
  const auto first = observed();
  ASSERT_TRUE(eventually([&] { return left().size() == 2; }));
  ASSERT_TRUE(eventually(
      [&] { return std::ranges::count(left(), true, &world::ProcessInfo::is_leader) == 2; }));
  EXPECT_EQ(observed().process, first.process);
}

TEST_F(RuntimeTest, that_runs_twice_is_a_conflict_that_stop_ends) {
  use("1", "exec sleep 600\n");
  ASSERT_TRUE(runtime().start(service));
  const auto other =
      processes_.start({.argv = {"sleep", "601"},
                        .working_folder = root,
                        .environment = {{"BELAY_SERVICE", service_key(root + "/state", "shop")},
                                        {"BELAY_START", "another"},
                                        {"PATH", "/usr/bin:/bin"}},
                        .log_path = root + "/other.log",
                        .lock_path = root + "/other.lock"});
  ASSERT_TRUE(other);
  const auto seen = runtime().observe(service);
  ASSERT_FALSE(seen);
  EXPECT_EQ(seen.error().kind, ErrorKind::conflict);
  EXPECT_NE(seen.error().message.find(std::to_string(other.value().pid)), std::string::npos);
  ASSERT_TRUE(runtime().stop(service));
  EXPECT_TRUE(left().empty());
}

TEST_F(RuntimeTest, of_another_stack_with_the_same_name_is_left_alone) {
  use("1", "exec sleep 600\n");
  ASSERT_TRUE(runtime().start(service));
  Runtime other{ports(), "orders", root, root + "/other-state", {}, {}};
  EXPECT_FALSE(other.observe(service).value().is_running);
  ASSERT_TRUE(other.stop(service));
  EXPECT_TRUE(observed().is_running);
}

TEST_F(RuntimeTest, log_tail_is_of_the_last_start_only) {
  EXPECT_EQ(runtime().log_tail(service, 5).value(), "");
  use("1", "echo before; exit\n");
  ASSERT_TRUE(runtime().start(service));
  ASSERT_TRUE(eventually([&] { return left().empty(); }));
  use("2", "for i in 1 2 3 4 5 6; do echo line $i; done; exit\n");
  ASSERT_TRUE(runtime().start(service));
  ASSERT_TRUE(eventually([&] { return left().empty(); }));
  EXPECT_EQ(runtime().log_tail(service, 2).value(), "line 5\nline 6");
  EXPECT_EQ(runtime().log_tail(service, 0).value(), "");
  const auto all = runtime().log_tail(service, 100).value();
  EXPECT_TRUE(all.starts_with("--- belay started 2 at ")) << all;
  EXPECT_EQ(all.find("before"), std::string::npos);
  EXPECT_EQ(files_.info(root + "/state/log/shop.log").value()->mode, 0600U);
}

TEST_F(RuntimeTest, log_tail_reads_the_end_of_a_large_log) {
  service.log_path = root + "/large.log";
  std::string line(1000, 'x');
  std::string text;
  for (int count = 0; count < 2000; ++count)
    text += line + "\n";
  ASSERT_TRUE(files_.append(service.log_path, text + "the end\n"));
  EXPECT_EQ(runtime().log_tail(service, 1).value(), "the end");
  EXPECT_LE(runtime().log_tail(service, 100).value().size(), 8192U);
}

TEST_F(RuntimeTest, release_in_use_is_not_discarded) {
  const auto one = use("1", "exec sleep 600\n");
  ASSERT_TRUE(runtime().start(service));
  const auto two = use("2", "exec sleep 600\n");
  EXPECT_EQ(runtime().discard(service, two).error().kind, ErrorKind::conflict); // current
  EXPECT_EQ(runtime().discard(service, one).error().kind, ErrorKind::conflict); // runs
  ASSERT_TRUE(runtime().stop(service));
  ASSERT_TRUE(runtime().discard(service, one));
  EXPECT_FALSE(exists("releases/1"));
  ASSERT_TRUE(runtime().discard(service, one));
  domain::Release elsewhere = two;
  elsewhere.folder = root + "/dist/2";
  EXPECT_EQ(runtime().discard(service, elsewhere).error().kind, ErrorKind::invalid_input);
  EXPECT_TRUE(exists("dist/2/app"));
}

TEST_F(RuntimeTest, switches_only_to_a_release_that_is_there) {
  const auto one = use("1", "exec sleep 600\n");
  domain::Release absent{"shop", "9", root + "/releases/9", ""};
  EXPECT_EQ(runtime().switch_to(service, absent).error().kind, ErrorKind::not_found);
  domain::Release elsewhere{"shop", "1", root + "/dist/1", ""};
  EXPECT_EQ(runtime().switch_to(service, elsewhere).error().kind, ErrorKind::invalid_input);
  EXPECT_EQ(runtime().current_folder(service).value(), one.folder);
}

} // namespace
} // namespace drivers::process
