// Real programs behind the protocol: what is believed of them, and what is not.
#include "drivers/exec/runtime.hpp"
#include "drivers/exec/store.hpp"
#include "os/world_for_test.hpp"

#include <chrono>

namespace drivers::exec {
namespace {

using base::ErrorKind;

class Exec : public os::RealWorld {
protected:
  void SetUp() override { write("state/x", ""); }
  // A driver in shell: `$r` is the name of the request.
  void driver(const std::string& body) {
    write("mine", "#!/bin/sh\nfor r; do :; done\n" + body + "\n", 0755);
  }
  Site site() {
    return {"shop", root, root + "/state",
            [](const domain::SecretRef&) -> base::Result<std::string> { return {"s3cret"}; }};
  }
  domain::StoreSpec store() {
    domain::StoreSpec spec;
    spec.name = "db";
    spec.kind = domain::StoreKind::exec;
    spec.driver = {.argv = {root + "/mine"}, .timeout = timeout};
    return spec;
  }
  domain::ServiceSpec service() {
    domain::ServiceSpec spec;
    spec.name = "web";
    spec.runtime = domain::RuntimeKind::exec;
    spec.driver = {.argv = {root + "/mine"}, .timeout = timeout};
    return spec;
  }
  base::Result<Answer> ask(Nature nature = Nature::look) {
    Caller caller{ports(), site()};
    const domain::StoreSpec spec = store();
    return caller.ask({.kind = "store", .name = "db", .driver = spec.driver},
                      {.name = "inspect",
                       .nature = nature,
                       .texts = {{"point", "p-1"}},
                       .numbers = {{"files", 7}}});
  }
  base::Error error_of(const base::Result<Answer>& answer) {
    EXPECT_FALSE(answer);
    return answer ? base::Error{} : answer.error();
  }
  world::Milliseconds timeout{20'000};
};

TEST_F(Exec, GivesTheRequestAsJsonAndAsVariables) {
  driver("cat > in; env | grep ^BELAY_ | sort > env; pwd > cwd; echo \"$@\" > words\n"
         R"(echo '{"protocol": 1, "more": [1]}')");
  ASSERT_TRUE(ask(Nature::change));
  EXPECT_EQ(text_of("in"),
            R"({"files":7,"folder":")" + root + R"(/state/drivers/store-db","name":"db",)" +
                R"("point":"p-1","project":")" + root +
                R"(","protocol":1,"request":"inspect","stack":"shop","timeout_ms":20000})"
                "\n");
  const std::string environment = text_of("env");
  for (const char* line : {"BELAY_FILES=7\n", "BELAY_POINT=p-1\n", "BELAY_REQUEST=inspect\n",
                           "BELAY_PROTOCOL=1\n", "BELAY_CALL="})
    EXPECT_TRUE(environment.contains(line)) << line << environment;
  EXPECT_EQ(text_of("words"), "inspect\n");
  EXPECT_EQ(text_of("cwd"), root + "\n");
  EXPECT_TRUE(exists("state/drivers/store-db"));
}

TEST_F(Exec, GivesSecretsInTheEnvironmentOnly) {
  driver("cat > in; echo \"$@ $TOKEN $PLAIN\" > said\necho '{\"protocol\": 1}'");
  Caller caller{ports(), site()};
  domain::StoreSpec spec = store();
  spec.driver.environment = {{"TOKEN", domain::SecretRef{}}, {"PLAIN", std::string{"{project}/x"}}};
  ASSERT_TRUE(caller.ask({.kind = "store", .name = "db", .driver = spec.driver}, {.name = "say"}));
  EXPECT_EQ(text_of("said"), "say s3cret " + root + "/x\n");
  EXPECT_FALSE(text_of("in").contains("s3cret"));
}

TEST_F(Exec, ALookHasNoCallInItsEnvironmentAndMakesNoFolder) {
  driver("echo \"${BELAY_CALL-none}\" > call; echo '{\"protocol\": 1}'");
  ASSERT_TRUE(ask());
  EXPECT_EQ(text_of("call"), "none\n");
  EXPECT_FALSE(exists("state/drivers"));
}

TEST_F(Exec, TellsExitStatusesApart) {
  const std::pair<int, ErrorKind> all[] = {
      {1, ErrorKind::failed},     {64, ErrorKind::invalid_input}, {65, ErrorKind::corrupt},
      {66, ErrorKind::not_found}, {75, ErrorKind::unavailable},   {137, ErrorKind::failed}};
  for (const auto& [status, kind] : all) {
    driver("echo '{\"protocol\": 1}'; echo 'disk is sad' >&2; exit " + std::to_string(status));
    const auto error = error_of(ask());
    EXPECT_EQ(error.kind, kind) << status;
    EXPECT_TRUE(error.message.ends_with(std::to_string(status) + ": disk is sad")) << error.message;
  }
}

TEST_F(Exec, AsksAgainAfterNotNowWhenItIsAChange) {
  driver("if [ -e tried ]; then echo '{\"protocol\": 1}'; else touch tried; exit 75; fi");
  EXPECT_EQ(error_of(ask()).kind, ErrorKind::unavailable);
  ASSERT_TRUE(files_.remove(root + "/tried"));
  EXPECT_TRUE(ask(Nature::change));
}

TEST_F(Exec, StopsAskingWhenTheTimeIsOver) {
  timeout = world::Milliseconds{1500};
  driver("echo again >> tries; exit 75");
  EXPECT_EQ(error_of(ask(Nature::change)).kind, ErrorKind::unavailable);
  EXPECT_TRUE(text_of("tries").starts_with("again\n"));
}

TEST_F(Exec, RefusesWhatIsNoAnswer) {
  const std::pair<const char*, const char*> all[] = {
      {"echo hello", "no JSON object: 'hello"},
      {"echo '[1]'", "no JSON object"},
      {"true", "no JSON object: ''"},
      {"echo '{\"protocol\": 1} more'", "no JSON object"},
      {"echo '{\"kind\": \"store\"}'", "without 'protocol'"},
      {"echo '{\"protocol\": \"1\"}'", "without 'protocol'"},
      {"printf '{\"protocol\": 1, \"x\": \"\\377\"}'", "no JSON object"}};
  for (const auto& [body, wanted] : all) {
    driver(body);
    const auto error = error_of(ask());
    EXPECT_EQ(error.kind, ErrorKind::invalid_input) << body;
    EXPECT_TRUE(error.message.contains(wanted)) << error.message;
    EXPECT_TRUE(error.message.starts_with("driver '" + root + "/mine' of store 'db' answered"));
  }
}

TEST_F(Exec, RefusesAnotherProtocol) {
  driver("echo '{\"protocol\": 2}'");
  const auto error = error_of(ask());
  EXPECT_EQ(error.kind, ErrorKind::too_new);
  EXPECT_TRUE(error.message.ends_with("in protocol 2, belay speaks 1")) << error.message;
}

TEST_F(Exec, RefusesAnAnswerOverOneMebibyte) {
  driver(
      "printf '{\"protocol\": 1, \"x\": \"'; head -c 1048576 /dev/zero | tr '\\0' a; echo '\"}'");
  EXPECT_TRUE(error_of(ask()).message.ends_with("more than 1 MiB"));
}

TEST_F(Exec, EndsWhatHangsWithAllItStarted) {
  timeout = world::Milliseconds{300};
  driver("sleep 7531 & sleep 7531");
  EXPECT_EQ(error_of(ask(Nature::change)).kind, ErrorKind::unknown_outcome);
  EXPECT_TRUE(eventually([&] {
    const auto left = processes_.find("/none", "BELAY_NAME", "db");
    return left && left.value().empty();
  }));
}

TEST_F(Exec, NamesTheFieldThatIsMissingOrWrong) {
  driver(R"(echo '{"protocol": 1, "kind": "store", "bytes": "7"}')");
  Store exec{ports(), site()};
  const auto state = exec.inspect(store());
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().message, "driver '" + root + "/mine' of store 'db' answered 'inspect' " +
                                       "with a 'bytes' that is not a whole number: \"7\"");
  driver(R"(echo '{"protocol": 1, "kind": "store", "bytes": 7}')");
  const auto other = exec.inspect(store());
  ASSERT_FALSE(other);
  EXPECT_TRUE(other.error().message.ends_with("answered 'inspect' without 'free_bytes'"));
}

TEST_F(Exec, RefusesADriverOfTheOtherKind) {
  driver(R"(echo '{"protocol": 1, "kind": "store"}')");
  Runtime exec{ports(), site()};
  const auto can = exec.can_prepare(service(), "1.0");
  ASSERT_FALSE(can);
  EXPECT_TRUE(can.error().message.contains("is for a store, not for a runtime"));
}

TEST_F(Exec, WaitsForACallThatAnEarlierBelayLeftBehind) {
  world::ServiceStart earlier; // as after a kill -9: the same call, and nobody who waits for it
  Caller caller{ports(), site()};
  const domain::StoreSpec spec = store();
  const Subject subject{.kind = "store", .name = "db", .driver = spec.driver};
  driver("env | grep ^BELAY_CALL= > call; echo '{\"protocol\": 1}'");
  ASSERT_TRUE(caller.ask(subject, {.name = "secure", .nature = Nature::change}));
  std::string call = text_of("call");
  call = call.substr(call.find('=') + 1);
  call.pop_back();
  earlier.argv = {"/bin/sh", "-c", "sleep 1; touch " + root + "/ended"};
  earlier.environment = {{"BELAY_CALL", call}, {"PATH", "/usr/bin:/bin"}};
  earlier.working_folder = root;
  earlier.log_path = root + "/log";
  earlier.lock_path = root + "/lock";
  ASSERT_TRUE(processes_.start(earlier));
  driver("ls ended > seen 2>&1; echo '{\"protocol\": 1}'");
  ASSERT_TRUE(caller.ask(subject, {.name = "secure", .nature = Nature::change}));
  EXPECT_EQ(text_of("seen"), "ended\n");
}

TEST_F(Exec, RefusesADriverThatLeavesItsCallBehind) {
  driver("setsid sleep 7532 > /dev/null 2>&1 & echo $! > pid; echo '{\"protocol\": 1}'");
  const auto error = error_of(ask(Nature::change));
  EXPECT_EQ(error.kind, ErrorKind::unavailable);
  EXPECT_TRUE(error.hint.contains("env -u BELAY_CALL")) << error.hint;
  const auto left = processes_.find("/none", "BELAY_NAME", "db");
  ASSERT_TRUE(left);
  for (const world::ProcessInfo& process : left.value())
    ASSERT_TRUE(processes_.signal(process.id, world::Signal::kill));
}

TEST_F(Exec, ReadsBackWhatWasSecured) {
  driver("[ $r = verify ] && echo \"$BELAY_KEPT $BELAY_DEPTH\" > asked && exit 65\n"
         R"(echo '{"protocol": 1, "kept": "k", "digest": "d", "files": 1, "bytes": 2}')");
  Store exec{ports(), site()};
  const auto secured = exec.secure(store(), "p-1", {});
  ASSERT_FALSE(secured);
  EXPECT_EQ(secured.error().kind, ErrorKind::corrupt);
  EXPECT_EQ(text_of("asked"), "k full\n");
}

TEST_F(Exec, DoesNotBelieveAStopOrASwitch) {
  driver("case $r in observe) echo '{\"protocol\": 1, \"running\": true, \"id\": \"a\", \"start\": "
         "\"s\"}';; current) echo '{\"protocol\": 1, \"id\": null}';; *) echo '{\"protocol\": "
         "1}';; esac");
  Runtime exec{ports(), site()};
  const auto stopped = exec.stop(service());
  ASSERT_FALSE(stopped);
  EXPECT_TRUE(stopped.error().message.contains("still runs"));
  const auto switched = exec.switch_to(service(), {"web", "1.0", "b", "d"});
  ASSERT_FALSE(switched);
  EXPECT_TRUE(switched.error().message.contains("current release is 'none', not 'b'"));
}

} // namespace
} // namespace drivers::exec
