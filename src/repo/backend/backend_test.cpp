// The conformance suite for what needs no server, and what decorators and places promise.

#include "os/channels.hpp"
#include "os/world_for_test.hpp"
#include "repo/backend/conformance_for_test.hpp"
#include "repo/backend/faults.hpp"
#include "repo/backend/limits.hpp"
#include "repo/backend/local.hpp"
#include "repo/backend/memory.hpp"
#include "repo/backend/place.hpp"
#include "repo/backend/retry.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace repo::backend {
namespace {

using base::Error;
using base::ErrorKind;
using base::Result;

class MemoryPlace {
public:
  Backend& backend() { return memory_; }

private:
  Memory memory_;
};

class LocalPlace {
public:
  LocalPlace() : folder_{testing::TempDir() + "belay-backend-" + random_.hex(8)} {}
  ~LocalPlace() { EXPECT_TRUE(trees_.remove(folder_)); }
  LocalPlace(const LocalPlace&) = delete;
  LocalPlace& operator=(const LocalPlace&) = delete;
  Backend& backend() { return local_; }

private:
  os::NoEffects effects_;
  os::Files files_{effects_};
  os::Trees trees_{effects_};
  os::Random random_;
  std::string folder_;
  Local local_{files_, folder_};
};

class QuickClock final : public world::Clock { // nobody waits
public:
  world::TimePoint now() override { return {}; }
  world::Milliseconds monotonic() override { return since; }
  void sleep_for(world::Milliseconds time) override { since += time; }
  bool stop_requested() override { return is_stopped; }
  world::Milliseconds since{0};
  bool is_stopped = false;
};

// Every call fails once before it takes place, once after that, and only then succeeds.
class RetryPlace {
public:
  static constexpr bool has_one_thread = true; // its faults are counted
  Backend& backend() { return retry_; }

private:
  Result<> fault(bool is_before) {
    ++steps_;
    if (steps_ % 5 == 1)
      return Error{ErrorKind::unavailable, "refused", ""};
    if (steps_ % 5 == 3)
      return Error{ErrorKind::unknown_outcome, "the answer was lost", ""};
    EXPECT_EQ(is_before, steps_ % 5 != 0);
    return base::ok();
  }
  std::size_t steps_ = 0;
  QuickClock clock_;
  os::Random random_;
  Retry retry_{std::make_unique<Faults>(std::make_unique<Memory>(),
                                        [this](bool is_before) { return fault(is_before); }),
               clock_,
               random_,
               Patience{},
               {}};
};

class LimitedPlace {
public:
  Backend& backend() { return limits_; }

private:
  QuickClock clock_;
  Limits limits_{std::make_unique<Memory>(), clock_, {100, 100, 1}};
};

using Places = testing::Types<MemoryPlace, LocalPlace, RetryPlace, LimitedPlace>;
INSTANTIATE_TYPED_TEST_SUITE_P(here, backend, Places);

class retry : public testing::Test {
protected:
  Result<std::string> load_failing(std::size_t times, ErrorKind kind) {
    calls = 0;
    auto memory = std::make_unique<Memory>();
    EXPECT_TRUE(memory->save({}, "config"));
    Retry it{std::make_unique<Faults>(std::move(memory),
                                      [&, times, kind](bool is_before) -> Result<> {
                                        if (is_before && calls++ < times)
                                          return Error{kind, "it failed", ""};
                                        return base::ok();
                                      }),
             clock, random, Patience{}, [&](const std::string& notice) { told = notice; }};
    return it.load({}, 0, to_the_end);
  }
  QuickClock clock;
  os::Random random;
  std::size_t calls = 0;
  std::string told;
};

TEST_F(retry, asks_again_what_may_work_later_only) {
  EXPECT_EQ(load_failing(2, ErrorKind::unavailable).value(), "config");
  EXPECT_EQ(calls, 3U);
  EXPECT_TRUE(told.starts_with("it failed; trying again in ")) << told;
  EXPECT_EQ(load_failing(1, ErrorKind::unknown_outcome).value(), "config");
  EXPECT_EQ(load_failing(1, ErrorKind::failed).error().kind, ErrorKind::failed);
  EXPECT_EQ(calls, 1U);
}

TEST_F(retry, gives_up_soon_when_nobody_ever_answered) {
  const auto lost = load_failing(1000, ErrorKind::unavailable);
  ASSERT_FALSE(lost);
  EXPECT_TRUE(lost.error().message.starts_with("after ")) << lost.error().message;
  EXPECT_LE(clock.since, Patience{}.at_first);
  EXPECT_GE(calls, 3U);
}

TEST_F(retry, ends_when_asked_to_stop) {
  clock.is_stopped = true;
  EXPECT_FALSE(load_failing(1, ErrorKind::unavailable));
  EXPECT_EQ(calls, 1U);
}

TEST_F(retry, is_patient_with_who_has_answered_but_not_for_ever) {
  bool is_down = false;
  auto memory = std::make_unique<Memory>();
  Retry it{std::make_unique<Faults>(std::move(memory),
                                    [&](bool) -> Result<> {
                                      if (is_down)
                                        return Error{ErrorKind::unavailable, "down", ""};
                                      return base::ok();
                                    }),
           clock,
           random,
           Patience{},
           {}};
  ASSERT_TRUE(it.save({}, "config"));
  is_down = true;
  EXPECT_FALSE(it.load({}, 0, to_the_end));
  EXPECT_GT(clock.since, Patience{}.in_all / 2);
  EXPECT_LE(clock.since, Patience{}.in_all);
}

TEST_F(retry, does_not_take_the_config_of_somebody_else_for_its_own) {
  auto memory = std::make_unique<Memory>();
  ASSERT_TRUE(memory->save({}, "theirs"));
  bool is_first = true;
  Retry it{std::make_unique<Faults>(std::move(memory),
                                    [&](bool) -> Result<> {
                                      if (std::exchange(is_first, false))
                                        return Error{ErrorKind::unavailable, "lost", ""};
                                      return base::ok();
                                    }),
           clock,
           random,
           Patience{},
           {}};
  EXPECT_EQ(it.save({}, "ours").error().kind, ErrorKind::conflict);
}

TEST(limits, hold_on_average) {
  QuickClock clock;
  Limits it{std::make_unique<Memory>(), clock, {1000, 500, 0}};
  const std::string bytes(2000, 'x');
  for (const std::string last : {"1", "2", "3", "4"})
    ASSERT_TRUE(it.save({FileKind::pack, format::id_of(last)}, bytes));
  EXPECT_EQ(clock.since, world::Milliseconds{6000}) << "the last one is charged to the next";
  for (int turn = 0; turn < 3; ++turn)
    ASSERT_TRUE(it.load({FileKind::pack, format::id_of("1")}, 0, 1000));
  EXPECT_EQ(clock.since, world::Milliseconds{10000});
  clock.is_stopped = true;
  EXPECT_EQ(it.load({FileKind::pack, format::id_of("1")}, 0, 1).error().kind,
            ErrorKind::interrupted);
}

TEST(place, keeps_the_variables_of_one_login_together) {
  Place place;
  place.environment = {{"AWS_ACCESS_KEY_ID", "first"},
                       {"AWS_SECRET_ACCESS_KEY", "first"},
                       {"AWS_SESSION_TOKEN", "first"},
                       {"AWS_REGION", "eu-1"},
                       {"RESTIC_REST_PASSWORD", "first"}};
  put_variables(place, {{"AWS_PROFILE", "second"}});
  EXPECT_EQ(place.environment,
            (std::map<std::string, std::string>{{"AWS_PROFILE", "second"},
                                                {"AWS_REGION", "eu-1"},
                                                {"RESTIC_REST_PASSWORD", "first"}}));
  put_variables(place, {{"RESTIC_REST_USERNAME", "second"}, {"AWS_REGION", "us-1"}});
  EXPECT_EQ(variable_of(place, "RESTIC_REST_PASSWORD"), "");
  EXPECT_EQ(variable_of(place, "AWS_PROFILE"), "second");
  EXPECT_EQ(variable_of(place, "AWS_REGION"), "us-1");
}

TEST(place, takes_what_is_said_last) {
  Place place;
  put_option(place, "s3.region", "a");
  put_option(place, "s3.region", "b");
  EXPECT_EQ(option_of(place, "s3.region"), "b");
  place.limit = {.upload_bytes_per_second = 5, .download_bytes_per_second = 6, .connections = 0};
  put_limit(place,
            {.upload_bytes_per_second = 7, .download_bytes_per_second = 0, .connections = 2});
  EXPECT_EQ(place.limit.upload_bytes_per_second, 7U);
  EXPECT_EQ(place.limit.download_bytes_per_second, 6U);
  EXPECT_EQ(place.limit.connections, 2U);
}

TEST(place, refuses_what_would_do_nothing) {
  os::NoEffects effects;
  os::Files files{effects};
  os::Http http;
  os::Channels channels;
  os::Clock clock;
  os::Random random;
  const auto open = [&](const std::string& location, const std::string& option = "") {
    Place place{.location = location};
    if (!option.empty())
      place.options.emplace_back(option, "x");
    return open_place(place, {files, http, channels, clock, random});
  };
  EXPECT_TRUE(open("rest:http://user:secret@example.org/shop/"));
  EXPECT_EQ(open("rest:http://user:secret@example.org/shop/").value()->location(),
            "rest:http://example.org/shop/");
  for (const char* wrong :
       {"rest:", "rest:ftp://example.org", "rest:http://us%er:secret@example.org",
        "rest:http://a@b@/x", "rest:http://example.org/x?y=secret"}) {
    const auto opened = open(wrong);
    ASSERT_FALSE(opened) << wrong;
    EXPECT_EQ(opened.error().kind, ErrorKind::invalid_input) << wrong;
    EXPECT_EQ(opened.error().message.find("secret"), std::string::npos) << wrong;
  }
  EXPECT_EQ(open("/tmp", "rest.ca-file").error().kind, ErrorKind::invalid_input);
  EXPECT_EQ(open("rest:http://example.org", "rest.cafile").error().kind, ErrorKind::invalid_input);
}

} // namespace
} // namespace repo::backend
