#include "os/effects.hpp"
#include "os/look_into.hpp"
#include "os/processes.hpp"
#include "os/resources.hpp"

#include <cstdlib>
#include <string>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

namespace {

TEST(resources, this_machine_tells_its_numbers) {
  os::Resources resources;
  const auto memory = resources.memory();
  ASSERT_TRUE(memory) << memory.error().message;
  EXPECT_GT(memory.value().available_bytes, 0U);
  EXPECT_LT(memory.value().available_bytes, memory.value().total_bytes);
  const auto all = resources.all_open_files();
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_LT(all.value().open, all.value().max);
  const auto kept = resources.is_clock_synchronised();
  EXPECT_TRUE(kept || kept.error().kind == base::ErrorKind::unavailable);
}

TEST(resources, open_files_of_a_process_are_counted_against_its_limit) {
  os::NoEffects effects;
  os::Processes processes{effects};
  os::Resources resources;
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const auto self = processes.self();
  ASSERT_TRUE(self);
  const auto before = resources.open_files(self.value());
  ASSERT_TRUE(before) << before.error().message;
  EXPECT_EQ(before.value().max, limit.rlim_cur);
  const int copy = ::dup(0);
  EXPECT_EQ(resources.open_files(self.value()).value().open, before.value().open + 1);
  ::close(copy);
  EXPECT_EQ(resources.own_open_files().value().max, limit.rlim_cur);
  world::ProcessId other = self.value();
  ++other.start_ticks; // another process with its number
  EXPECT_EQ(resources.open_files(other).error().kind, base::ErrorKind::not_found);
}

TEST(look_into, an_archive_is_measured_and_read_without_unpacking) {
  char pattern[] = "/tmp/belay-look-XXXXXX";
  const std::string folder = ::mkdtemp(pattern);
  os::NoEffects effects;
  os::Processes processes{effects};
  const auto shell = [&](const std::string& script) {
    const auto ran = processes.run({.argv = {"sh", "-c", script}, .working_folder = folder});
    ASSERT_TRUE(ran && ran.value().exit_code == 0) << script;
  };
  shell("mkdir shop-1 && printf 'A=1\\n' > shop-1/.env.example && head -c 1000000 /dev/zero > "
        "shop-1/zeros && tar -czf a.tgz shop-1 && echo no > rubbish");
  const auto found = os::look_into_archive(folder + "/a.tgz", {".env.example", "zeros"}, 4);
  EXPECT_TRUE(found);
  if (found) {
    EXPECT_EQ(found.value().bytes, 1'000'004U);
    EXPECT_EQ(found.value().texts.at(".env.example"), "A=1\n");
    EXPECT_EQ(found.value().texts.at("zeros").size(), 4U);
  }
  EXPECT_EQ(os::look_into_archive(folder + "/rubbish", {}, 4).error().kind,
            base::ErrorKind::invalid_input);
  EXPECT_FALSE(os::look_into_archive(folder + "/none", {}, 4));
  shell("rm -r shop-1 a.tgz rubbish");
  EXPECT_EQ(::rmdir(folder.c_str()), 0);
}

} // namespace
