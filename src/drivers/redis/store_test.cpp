// Against a real redis-server of the test's own, on a UNIX socket.
#include "drivers/directory/store.hpp"
#include "drivers/redis/store.hpp"
#include "os/redis.hpp"
#include "os/world_for_test.hpp"

#include <atomic>
#include <thread>

namespace drivers::redis {
namespace {

using base::ErrorKind;
using world::Milliseconds;

class RedisStore : public os::RealWorld {
protected:
  RedisStore() {
    spec.name = "queue";
    spec.kind = domain::StoreKind::redis;
    spec.path = root + "/data";
    spec.redis.socket = root + "/s";
    spec.redis.server = {"redis-server"};
    spec.redis.timeout = Milliseconds{120'000};
    place.socket = spec.redis.socket;
    CHECK(files_.create_folders(spec.path));
  }
  void TearDown() override {
    kill();
    os::RealWorld::TearDown();
  }

  void start(const std::vector<std::string>& more = {}) {
    std::vector<std::string> argv{
        "redis-server", "--dir",        spec.path,      "--port",         "0",
        "--save",       "3600 1000000", "--unixsocket", spec.redis.socket};
    argv.insert(argv.end(), more.begin(), more.end());
    const auto started = processes_.start({.argv = argv,
                                           .working_folder = root,
                                           .environment = {{"PATH", "/usr/bin:/bin"}},
                                           .log_path = root + "/log",
                                           .lock_path = root + "/lock"});
    ASSERT_TRUE(started) << started.error().message;
    process = started.value();
    ASSERT_TRUE(eventually([&] {
      const auto pong = redis_.ask(place, {"PING"}, Milliseconds{1000});
      return pong || pong.error().kind == ErrorKind::invalid_input;
    })) << text_of("log");
  }
  void stop() {
    (void)processes_.signal(process, world::Signal::terminate);
    ASSERT_TRUE(eventually([&] { return !processes_.is_alive(process).value(); }));
    process = {};
  }
  void kill() {
    if (process.pid == 0)
      return;
    (void)processes_.signal(process, world::Signal::kill);
    EXPECT_TRUE(eventually([&] { return !processes_.is_alive(process).value(); }));
    process = {};
  }
  void set(const std::string& key, const std::string& value = "v") {
    const auto reply = redis_.tell(place, {"SET", key, value}, Milliseconds{10'000});
    ASSERT_TRUE(reply) << reply.error().message;
  }
  std::string size() {
    const auto reply = redis_.ask(place, {"DBSIZE"}, Milliseconds{10'000});
    return reply ? reply.value().front() : reply.error().message;
  }
  void fill(int count) {
    for (int n = 0; n < count; ++n)
      set("key-" + std::to_string(n));
  }

  os::Redis redis_{effects_};
  directory::Store directory_{ports()};
  Store store_{ports(),
               redis_,
               directory_,
               directory_,
               {root + "/state", [this](const domain::SecretRef&) -> base::Result<std::string> {
                  return password;
                }}};
  domain::StoreSpec spec;
  world::RedisPlace place;
  world::ProcessId process;
  std::string password = "s3cret-of-redis";
};

class BothWays : public RedisStore, public testing::WithParamInterface<const char*> {};

TEST_P(BothWays, AWayBackBringsExactlyWhatWasThere) {
  const std::vector<std::string> options{"--appendonly", GetParam()};
  start(options);
  fill(20);
  ASSERT_TRUE(store_.protect(spec, "p-1", {}));
  set("after-protect");
  stop();
  const auto secured = store_.secure(spec, "p-1", {});
  ASSERT_TRUE(secured) << secured.error().message;
  EXPECT_TRUE(secured.value().torn.empty());
  EXPECT_EQ(text_of("state/redis/queue/p-1"), "db0 21\n");
  EXPECT_FALSE(exists("state/redis/queue/scratch"));

  start(options);
  ASSERT_TRUE(redis_.tell(place, {"FLUSHALL"}, Milliseconds{10'000}));
  set("of-the-bad-release");
  stop();
  const auto evidence = store_.evidence(spec, secured.value().snapshot);
  ASSERT_TRUE(evidence) << evidence.error().message;
  EXPECT_NE(evidence.value().movement, domain::Movement::none);
  EXPECT_TRUE(evidence.value().detail.contains("keys then: db0 21")) << evidence.value().detail;
  const auto abandoned = store_.restore(spec, secured.value().snapshot, "a-1");
  ASSERT_TRUE(abandoned) << abandoned.error().message;
  start(options);
  EXPECT_EQ(size(), "21");
  stop();
  const auto kept = store_.adopt(spec, abandoned.value());
  ASSERT_TRUE(kept) << kept.error().message;
  ASSERT_TRUE(store_.restore(spec, kept.value(), "a-2"));
  start(options);
  EXPECT_EQ(size(), "1");
}
INSTANTIATE_TEST_SUITE_P(Appendonly, BothWays, testing::Values("no", "yes"));

TEST_P(BothWays, ABackupWhileSomebodyWritesIsOfOneMoment) {
  start({"--appendonly", GetParam()});
  fill(10);
  std::atomic<bool> is_done = false;
  std::thread writer{[&] {
    os::Redis own{effects_};
    for (int n = 0; !is_done; ++n)
      (void)own.tell(place, {"SET", "w-" + std::to_string(n), "v"}, Milliseconds{10'000});
  }};
  const auto taken = store_.take_out(spec, "p-1", {});
  is_done = true;
  writer.join();
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_TRUE(taken.value().torn.empty());
  EXPECT_GE(keys_in(text_of("state/redis/queue/p-1")).at("db0"), 10U);
  ASSERT_TRUE(store_.discard(spec, "p-1"));
  EXPECT_FALSE(exists("state/redis/queue/p-1"));
}

TEST_F(RedisStore, KeysAreCountedInEachDatabase) {
  start();
  set("one");
  ASSERT_TRUE(redis_.tell(place, {"SWAPDB", "0", "3"}, Milliseconds{10'000}));
  set("two");
  const auto taken = store_.take_out(spec, "p-1", {});
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_EQ(text_of("state/redis/queue/p-1"), "db0 1, db3 1\n");
}

TEST_F(RedisStore, AServerThatRunsIsNotSecuredAndNotBroughtBack) {
  start();
  fill(1);
  const auto secured = store_.secure(spec, "p-1", {});
  ASSERT_FALSE(secured);
  EXPECT_EQ(secured.error().kind, ErrorKind::conflict);
  const auto restored = store_.restore(spec, {.store = "queue", .kept = root + "/none"}, "a-1");
  ASSERT_FALSE(restored);
  EXPECT_EQ(restored.error().kind, ErrorKind::conflict);
}

TEST_F(RedisStore, APasswordIsWantedAndNeverTold) {
  start({"--requirepass", password});
  auto state = store_.inspect(spec);
  ASSERT_TRUE(state);
  ASSERT_EQ(state.value().problems.size(), 1U);
  EXPECT_TRUE(state.value().problems.front().contains("NOAUTH")) << state.value().problems.front();
  spec.redis.password = domain::SecretRef{};
  EXPECT_TRUE(store_.inspect(spec).value().problems.empty());
  EXPECT_TRUE(store_.protect(spec, "p-1", {}));
  password = "wrong-p4ssword";
  state = store_.inspect(spec);
  ASSERT_EQ(state.value().problems.size(), 1U);
  EXPECT_FALSE(state.value().problems.front().contains(password));
  EXPECT_FALSE(store_.secure(spec, "p-1", {})); // it runs, though it does not talk to us
}

TEST_F(RedisStore, ASaveThatFailsIsTold) {
  start();
  fill(1);
  ASSERT_TRUE(files_.rename(spec.path, spec.path + ".gone")); // it cannot write there any more
  ASSERT_TRUE(trees_.remove(spec.path + ".gone"));
  ASSERT_TRUE(files_.create_folders(spec.path));
  const auto captured = store_.protect(spec, "p-1", {});
  ASSERT_FALSE(captured);
  EXPECT_TRUE(captured.error().message.contains("could not write its data"))
      << captured.error().message;
}

TEST_F(RedisStore, ACopyThatDoesNotLoadIsNone) {
  start();
  fill(50);
  stop();
  auto dump = files_.read(spec.path + "/dump.rdb", 1U << 20U).value();
  ASSERT_GT(dump.size(), 100U);
  dump[dump.size() / 2] = static_cast<char>(dump[dump.size() / 2] ^ 0x55);
  ASSERT_TRUE(files_.replace(spec.path + "/dump.rdb", dump, 0600));
  const auto secured = store_.secure(spec, "p-1", {});
  ASSERT_FALSE(secured);
  EXPECT_EQ(secured.error().kind, ErrorKind::corrupt);
  EXPECT_FALSE(exists("state/redis/queue/scratch"));
}

TEST_F(RedisStore, AnAppendOnlyFileThatIsMissingIsNotTakenForAnEmptyServer) {
  start({"--appendonly", "yes"});
  fill(5);
  ASSERT_TRUE(store_.protect(spec, "p-1", {}));
  stop();
  ASSERT_TRUE(trees_.remove(spec.path + "/appendonlydir"));
  const auto secured = store_.secure(spec, "p-2", {});
  ASSERT_FALSE(secured);
  EXPECT_TRUE(secured.error().message.contains("append-only file")) << secured.error().message;
}

TEST_F(RedisStore, WhatAKilledBelayHasLeftIsEnded) {
  start();
  fill(3);
  stop();
  const std::string scratch = root + "/state/redis/queue/scratch";
  ASSERT_TRUE(files_.create_folders(scratch));
  const auto left = processes_.start(
      {.argv = {"redis-server", "--dir", scratch, "--port", "0", "--set-proc-title", "no",
                "--unixsocket", "s"},
       .working_folder = scratch,
       .environment = {{"PATH", "/usr/bin:/bin"}, {"BELAY_REDIS_SCRATCH", scratch}},
       .log_path = scratch + ".log",
       .lock_path = scratch + ".lock"});
  ASSERT_TRUE(left);
  ASSERT_TRUE(eventually([&] { return exists("state/redis/queue/scratch/s"); }));
  const auto secured = store_.secure(spec, "p-1", {});
  ASSERT_TRUE(secured) << secured.error().message;
  EXPECT_FALSE(processes_.is_alive(left.value()).value());
  EXPECT_EQ(text_of("state/redis/queue/p-1"), "db0 3\n");
}

TEST_F(RedisStore, AServerOfAnotherVersionDoesNotCount) {
  start();
  fill(1);
  ASSERT_TRUE(store_.protect(spec, "p-1", {}));
  stop();
  write("state/redis/queue/server", "version 7.4.1\naof 0\nrdb dump.rdb\n");
  const auto secured = store_.secure(spec, "p-1", {});
  ASSERT_FALSE(secured);
  EXPECT_TRUE(secured.error().message.contains("the live one 7.4.1")) << secured.error().message;
}

TEST_F(RedisStore, AServerThatNeverSavedHasNoKeys) {
  const auto secured = store_.secure(spec, "p-1", {});
  ASSERT_TRUE(secured) << secured.error().message;
  EXPECT_EQ(text_of("state/redis/queue/p-1"), "no keys\n");
}

TEST(Info, IsReadIntoFieldsAndKeys) {
  const Fields fields = fields_of("# Keyspace\r\nloading:0\r\ndb0:keys=12,expires=1,avg_ttl=5\r\n"
                                  "db11:keys=3,expires=0\r\nodd\r\n");
  EXPECT_EQ(fields.at("loading"), "0");
  EXPECT_EQ(words_of(keys_of(fields)), "db0 12, db11 3");
  EXPECT_EQ(keys_in("db0 12, db11 3"), keys_of(fields));
  EXPECT_EQ(words_of({}), "no keys");
}

} // namespace
} // namespace drivers::redis
