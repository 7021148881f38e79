#include "os/clock.hpp"
#include "os/files.hpp"
#include "os/http.hpp"
#include "os/proc.hpp"
#include "os/processes.hpp"
#include "os/sqlite.hpp"

#include <csignal>
#include <cstdlib>

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using base::ErrorKind;
using world::Milliseconds;

class real_world : public testing::Test {
protected:
  real_world() {
    char pattern[] = "/tmp/belay-os-XXXXXX";
    folder = ::mkdtemp(pattern);
  }
  ~real_world() override {
    const auto removed = processes.run({.argv = {"rm", "-rf", folder}});
    EXPECT_TRUE(removed);
  }
  std::string path(const std::string& name) const { return folder + "/" + name; }

  os::NoEffects effects;
  os::Files files{effects};
  os::Processes processes{effects};
  std::string folder;
};

TEST_F(real_world, replace_keeps_the_old_file_when_it_fails) {
  ASSERT_TRUE(files.replace(path("f"), "old", 0640));
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit none{1, 1};
    ::setrlimit(RLIMIT_FSIZE, &none);
    const auto written = files.replace(path("f"), "a text that does not fit", 0640);
    ::_exit(written ? 1 : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(files.read(path("f"), 100).value(), "old");
  EXPECT_EQ(files.list(folder).value(), std::vector<std::string>{"f"}); // no temporary is left
  EXPECT_EQ(files.info(path("f")).value()->mode, 0640U);
}

TEST_F(real_world, files_are_replaced_and_removed_together) {
  ASSERT_TRUE(files.replace(path("f"), "old", 0640));
  ASSERT_TRUE(
      files.replace_all({{path("a/b/one"), "1"}, {path("a/b/two"), "2"}, {path("f"), "3"}}));
  EXPECT_EQ(files.read(path("a/b/two"), 10).value(), "2");
  EXPECT_EQ(files.read(path("f"), 10).value(), "3");
  EXPECT_EQ(files.info(path("a/b")).value()->mode, 0700U);
  ASSERT_TRUE(files.remove_all({path("a/b/one"), path("none"), path("f")}));
  EXPECT_EQ(files.list(folder).value(), std::vector<std::string>{"a"});
  EXPECT_EQ(files.list(path("a/b")).value(), std::vector<std::string>{"two"});
  ASSERT_TRUE(files.remove_all({path("a/b/one"), path("f")}));
}

TEST_F(real_world, when_one_cannot_be_written_none_gets_its_name) {
  ASSERT_TRUE(files.replace(path("f"), "old", 0600));
  EXPECT_FALSE(files.replace_all({{path("g"), "new"}, {path("f/below"), "x"}})); // f is no folder
  EXPECT_FALSE(files.replace_all({{path("f"), "new"}, {path(std::string(250, 'n')), "x"}}));
  EXPECT_EQ(files.read(path("f"), 10).value(), "old");
  EXPECT_EQ(::access(path(".belay-tmp-f").c_str(), F_OK), -1);
  EXPECT_EQ(files.list(folder).value(), std::vector<std::string>{"f"});
}

TEST_F(real_world, rename_never_overwrites_and_exchange_swaps) {
  ASSERT_TRUE(files.replace(path("a"), "a", 0600));
  ASSERT_TRUE(files.replace(path("b"), "b", 0600));
  EXPECT_EQ(files.rename(path("a"), path("b")).error().kind, ErrorKind::conflict);
  ASSERT_TRUE(files.exchange(path("a"), path("b")));
  EXPECT_EQ(files.read(path("a"), 10).value(), "b");
  EXPECT_EQ(files.rename(path("none"), path("c")).error().kind, ErrorKind::not_found);
}

TEST_F(real_world, links_are_replaced_and_files_in_their_place_are_not) {
  ASSERT_TRUE(files.replace_link(path("l"), "one"));
  ASSERT_TRUE(files.replace_link(path("l"), "two"));
  EXPECT_EQ(files.read_link(path("l")).value(), "two");
  ASSERT_TRUE(files.replace(path("f"), "x", 0600));
  EXPECT_EQ(files.replace_link(path("f"), "two").error().kind, ErrorKind::conflict);
}

TEST_F(real_world, a_file_of_any_size_is_read_from_either_end) {
  ASSERT_TRUE(files.replace(path("f"), "abcdef", 0600));
  EXPECT_EQ(files.read_start(path("f"), 4).value(), "abcd");
  EXPECT_EQ(files.read_start(path("f"), 40).value(), "abcdef");
  EXPECT_EQ(files.read_end(path("f"), 4).value(), "cdef");
  EXPECT_EQ(files.read_start(path("none"), 4).error().kind, ErrorKind::not_found);
}

TEST_F(real_world, a_pipe_in_the_place_of_a_file_does_not_hang) {
  ASSERT_EQ(::mkfifo(path("p").c_str(), 0600), 0);
  EXPECT_EQ(files.read(path("p"), 10).error().kind, ErrorKind::invalid_input);
}

TEST_F(real_world, a_lock_dies_with_its_holder) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto held = files.lock(path("lock"), "child\n");
    const char byte = held ? 'y' : 'n';
    const auto written = ::write(ready[1], &byte, 1);
    (void)written;
    ::pause();
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_EQ(byte, 'y');
  const auto refused = files.lock(path("lock"), "us\n");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::conflict);
  EXPECT_EQ(refused.error().message, "child\n");
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(files.lock(path("lock"), "us\n"));
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_F(real_world, a_command_gives_status_and_the_last_of_its_output) {
  const auto output = processes.run(
      {.argv = {"sh", "-c", "seq 1 5000; echo problem >&2; exit 3"}, .output_bytes_max = 100});
  ASSERT_TRUE(output);
  EXPECT_EQ(output.value().exit_code, 3);
  EXPECT_EQ(output.value().err, "problem\n");
  EXPECT_LE(output.value().out.size(), 100U);
  EXPECT_TRUE(output.value().out.ends_with("5000\n"));
}

TEST_F(real_world, a_command_that_hangs_is_ended_with_all_its_children) {
  const auto output =
      processes.run({.argv = {"sh", "-c", "sleep 600 & sleep 600"}, .timeout = Milliseconds{200}});
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().kind, ErrorKind::unknown_outcome);
}

TEST_F(real_world, a_program_that_is_not_there_is_said) {
  EXPECT_EQ(processes.run({.argv = {"no-such-program-here"}}).error().kind, ErrorKind::not_found);
  const auto started =
      processes.start({.argv = {"/no/such"}, .log_path = path("log"), .lock_path = path("lock")});
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().kind, ErrorKind::failed);
}

TEST_F(real_world, a_service_outlives_a_killed_starter_and_is_found_by_its_tag) {
  const pid_t child = ::fork();
  if (child == 0) {
    const auto started = processes.start({.argv = {"sleep", "600"},
                                          .environment = {{"BELAY_SERVICE", folder}},
                                          .log_path = path("log"),
                                          .lock_path = path("lock")});
    if (!started)
      ::_exit(1);
    ::raise(SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  const auto found = processes.find(path("lock"), "BELAY_SERVICE", folder);
  ASSERT_TRUE(found);
  ASSERT_EQ(found.value().size(), 1U);
  const world::ProcessInfo service = found.value()[0];
  EXPECT_TRUE(service.is_leader);
  world::ProcessId other = service.id; // the same pid, of another time
  ++other.start_ticks;
  EXPECT_FALSE(processes.is_alive(other).value());
  ASSERT_TRUE(processes.signal(other, world::Signal::kill));
  EXPECT_TRUE(processes.is_alive(service.id).value());
  ASSERT_TRUE(processes.signal(service.id, world::Signal::kill));
  os::Clock clock;
  for (int look = 0; look < 200 && processes.is_alive(service.id).value(); ++look)
    clock.sleep_for(Milliseconds{10});
  EXPECT_FALSE(processes.is_alive(service.id).value());
  EXPECT_TRUE(processes.signal(service.id, world::Signal::terminate)); // gone is no error
}

// As a start script does, whose last line is `exec`.
TEST_F(real_world, a_service_is_found_while_it_becomes_another_program) {
  ASSERT_TRUE(files.replace(path("start"),
                            "#!/bin/sh\n[ \"$1\" -gt 0 ] || exec sleep 600\n"
                            "exec \"$0\" $(($1 - 1))\n",
                            0700));
  const auto started = processes.start({.argv = {path("start"), "500"},
                                        .environment = {{"BELAY_SERVICE", folder}},
                                        .log_path = path("log"),
                                        .lock_path = path("lock")});
  ASSERT_TRUE(started);
  const auto has_become = [&] {
    const auto argv = os::proc::argv_of(started.value().pid);
    return !argv.empty() && argv.front() == "sleep";
  };
  int looks = 0;
  int found = 0;
  for (; !has_become() && processes.is_alive(started.value()).value(); ++looks)
    found += processes.find(path("lock"), "BELAY_SERVICE", folder).value().size() == 1 ? 1 : 0;
  EXPECT_EQ(found, looks);
  EXPECT_TRUE(has_become());
  EXPECT_TRUE(processes.signal(started.value(), world::Signal::kill));
}

TEST(proc, stat_with_any_name_is_read) {
  os::proc::Stat stat;
  const std::string tail = " S 7 9 8 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 4711 1 2";
  ASSERT_TRUE(os::proc::parse_stat("12 (a) b (c)" + tail, stat));
  EXPECT_EQ(stat.parent_pid, 7);
  EXPECT_EQ(stat.session, 8);
  EXPECT_EQ(stat.start_ticks, 4711U);
  for (const char* bad : {"", "12", "12 (a)", "12 (a) S 1 2", ")"})
    EXPECT_FALSE(os::proc::parse_stat(bad, stat)) << bad;
}

TEST(http, refused_and_nonsense_are_errors) {
  os::Http http;
  EXPECT_EQ(http.exchange({.url = "file:///etc/passwd"}).error().kind, ErrorKind::invalid_input);
  // Port 1 of loopback: nobody listens there on a machine like this.
  EXPECT_EQ(http.exchange({.url = "http://127.0.0.1:1/"}).error().kind, ErrorKind::unavailable);
  EXPECT_EQ(http.connect("127.0.0.1", 1, Milliseconds{500}).error().kind, ErrorKind::unavailable);
}

TEST_F(real_world, sqlite_copies_a_database_in_use_with_its_wal) {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(path("d").c_str(), &database), SQLITE_OK);
  const char* sql = "PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1),(2);";
  ASSERT_EQ(sqlite3_exec(database, sql, nullptr, nullptr, nullptr), SQLITE_OK);
  os::Sqlite sqlite{effects};
  ASSERT_TRUE(sqlite.backup(path("d"), path("copy")));
  EXPECT_TRUE(sqlite.check(path("copy")));
  EXPECT_EQ(sqlite.fingerprint(path("copy")).value(), sqlite.fingerprint(path("d")).value());
  EXPECT_EQ(sqlite.fingerprint(path("copy")).value().rows, 2U);
  ASSERT_EQ(sqlite3_exec(database, "INSERT INTO t VALUES(3)", nullptr, nullptr, nullptr),
            SQLITE_OK);
  EXPECT_NE(sqlite.fingerprint(path("copy")).value(), sqlite.fingerprint(path("d")).value());
  sqlite3_close(database);
  ASSERT_TRUE(files.replace(path("rubbish"), std::string(8192, 'x'), 0600));
  EXPECT_EQ(sqlite.check(path("rubbish")).error().kind, ErrorKind::corrupt);
}

} // namespace
