#include "drivers/docker/client.hpp"
#include "sim/sim_world.hpp"

#include <deque>

#include <gtest/gtest.h>

namespace drivers::docker {
namespace {

using base::Error;
using base::ErrorKind;
using base::Result;

// Answers in their order, and keeps what it was asked.
class ScriptedHttp final : public world::Http {
public:
  Result<world::HttpResponse> exchange(const world::HttpRequest& request) override {
    asked.push_back(request);
    CHECK(!answers.empty());
    auto answer = std::move(answers.front());
    answers.pop_front();
    return answer;
  }
  Result<> send(const world::Mail&) override { return base::ok(); }
  Result<> connect(const std::string&, int, world::Milliseconds) override { return base::ok(); }
  void say(int status, const std::string& body, const std::string& version = "") {
    world::HttpResponse response{.status = status, .body = body};
    if (!version.empty())
      response.headers.emplace_back("api-version", version);
    answers.emplace_back(std::move(response));
  }
  void fail(ErrorKind kind) { answers.emplace_back(Error{kind, "why", ""}); }

  std::vector<world::HttpRequest> asked;
  std::deque<Result<world::HttpResponse>> answers;
};

class ClientTest : public testing::Test {
protected:
  world::World ports() {
    world::World all = sim_.ports();
    return {all.files,  all.trees, all.processes, http,
            all.sqlite, all.clock, all.random,    all.events};
  }
  void greet() { http.say(200, "OK", "1.41"); }
  std::string frame(char stream, const std::string& bytes) {
    return std::string{stream, 0, 0, 0, 0, 0, 0, static_cast<char>(bytes.size())} + bytes;
  }

  sim::SimWorld sim_;
  ScriptedHttp http;
  Client client{ports(), "/run/d.sock"};
};

TEST_F(ClientTest, AgreesOnceAndAsksTheSocket) {
  greet();
  http.say(200, R"({"Id": "1"})");
  http.say(404, R"({"message": "No such container: x"})");
  EXPECT_TRUE(client.container("web").value().has_value());
  EXPECT_FALSE(client.container("x").value().has_value());
  ASSERT_EQ(http.asked.size(), 3U);
  EXPECT_EQ(http.asked[0].url, "http://docker/_ping");
  EXPECT_EQ(http.asked[1].url, "http://docker/v1.41/containers/web/json");
  EXPECT_EQ(http.asked[2].unix_socket, "/run/d.sock");
}

TEST_F(ClientTest, SaysWhyThereIsNoEngine) {
  http.fail(ErrorKind::not_found);
  EXPECT_TRUE(client.check().error().message.starts_with("no container engine listens"));
  http.fail(ErrorKind::failed);
  EXPECT_TRUE(client.check().error().message.starts_with("belay may not talk"));
  http.fail(ErrorKind::unavailable);
  EXPECT_EQ(client.check().error().kind, ErrorKind::unavailable);
  http.say(200, "OK", "1.24");
  EXPECT_EQ(client.check().error().kind, ErrorKind::invalid_input);
  http.say(200, "hello, I am a web server");
  EXPECT_TRUE(client.check().error().message.contains("is no container engine"));
}

TEST_F(ClientTest, WaitsForAnEngineThatIsRestarted) {
  greet();
  http.say(204, "");
  ASSERT_TRUE(client.rename("1", "web"));
  http.fail(ErrorKind::not_found);
  http.fail(ErrorKind::not_found);
  http.say(204, "");
  EXPECT_TRUE(client.rename("1", "web"));
}

TEST_F(ClientTest, DoesNotKnowWhatBecameOfAChangeWithoutAnswer) {
  greet();
  http.fail(ErrorKind::unavailable);
  EXPECT_EQ(client.start("1").error().kind, ErrorKind::unknown_outcome);
}

TEST_F(ClientTest, TellsRefusalsApart) {
  greet();
  http.say(409, R"({"message": "the name is in use"})");
  http.say(400, R"({"message": "bad\nparameter"})");
  http.say(500, R"({"message": "write: no space left on device"})");
  http.say(500, "<html>");
  EXPECT_EQ(client.create("a", Json::object()).error().kind, ErrorKind::conflict);
  EXPECT_EQ(client.start("1").error().message, "the engine refuses: bad parameter");
  EXPECT_EQ(client.start("1").error().kind, ErrorKind::no_space);
  EXPECT_EQ(client.start("1").error().kind, ErrorKind::failed);
}

TEST_F(ClientTest, FindsTheFailureOfAPullInItsStream) {
  greet();
  http.say(200, "{\"status\":\"Pulling\"}\r\n{\"error\":\"manifest unknown\"}\r\n");
  http.say(200, "{\"status\":\"Pulling\"}\r\n{\"status\":\"Done\"}\r\n");
  const auto failed = client.pull("r.example/a:1", world::Milliseconds{1000});
  EXPECT_EQ(failed.error().message, "the engine cannot pull 'r.example/a:1': manifest unknown");
  EXPECT_TRUE(client.pull("r.example/a:1", world::Milliseconds{1000}));
}

TEST_F(ClientTest, RunsACommandAndKeepsItsStreamsApart) {
  greet();
  http.say(201, R"({"Id": "e1"})");
  http.say(200, frame(1, "rows\n") + frame(2, "notice\n"));
  http.say(200, R"({"ExitCode": 3, "Running": false})");
  const auto ended = client.exec("web", {"psql", "-c", "x"}, world::Milliseconds{1000}, 1000);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended.value().exit_code, 3);
  EXPECT_EQ(ended.value().out, "rows\n");
  EXPECT_EQ(ended.value().err, "notice\n");
  EXPECT_EQ(Json::parse(http.asked[1].body)["Cmd"], Json({"psql", "-c", "x"}));
}

TEST_F(ClientTest, TakesWhatIsGoneAsRemoved) {
  greet();
  http.say(404, R"({"message": "No such container"})");
  http.say(404, R"({"message": "No such image"})");
  EXPECT_TRUE(client.remove("1"));
  EXPECT_TRUE(client.untag("belay/a.b:c"));
  EXPECT_EQ(http.asked[1].method, "DELETE");
  EXPECT_FALSE(http.asked[1].url.contains("v=1")); // never with its volumes
}

} // namespace
} // namespace drivers::docker
