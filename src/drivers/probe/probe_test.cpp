#include "base/text.hpp"
#include "drivers/probe/probe.hpp"
#include "os/clock.hpp"
#include "os/files.hpp"
#include "os/http.hpp"
#include "os/processes.hpp"
#include "os/sqlite.hpp"
#include "os/trees.hpp"

#include <charconv>

#include <gtest/gtest.h>

namespace drivers::probe {
namespace {

using base::Error;
using base::ErrorKind;
using domain::ProbeKind;
using domain::Verdict;

class NoEvents final : public world::Events {
public:
  void emit(const world::Event&) override {}
};

// Says of the service what the test tells it.
class ToldRuntime final : public domain::Runtime {
public:
  base::Result<domain::Observed> observe(const domain::ServiceSpec&) override {
    if (fails)
      return Error{ErrorKind::conflict, "service 'shop' runs more than once", ""};
    return observed;
  }
  base::Result<domain::Release> prepare(const domain::ServiceSpec&, const std::string&) override {
    return refused();
  }
  base::Result<> can_prepare(const domain::ServiceSpec&, const std::string&) override {
    return refused();
  }
  base::Result<> verify(const domain::ServiceSpec&, const domain::Release&) override {
    return refused();
  }
  base::Result<std::optional<std::string>> current_folder(const domain::ServiceSpec&) override {
    return refused();
  }
  base::Result<> switch_to(const domain::ServiceSpec&, const domain::Release&) override {
    return refused();
  }
  base::Result<> start(const domain::ServiceSpec&) override { return refused(); }
  base::Result<> stop(const domain::ServiceSpec&) override { return refused(); }
  base::Result<std::string> log_tail(const domain::ServiceSpec&, int) override { return refused(); }
  base::Result<> discard(const domain::ServiceSpec&, const domain::Release&) override {
    return refused();
  }
  base::Result<std::vector<domain::Mount>> mounts(const domain::ServiceSpec&) override {
    return mounted;
  }
  domain::Observed observed;
  std::vector<domain::Mount> mounted;
  bool fails = false;

private:
  static Error refused() { return {ErrorKind::failed, "a probe only looks", ""}; }
};

// Answers by path; its port is free, and told in a file.
constexpr const char* server = R"(
import http.server, json, os, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        path = self.path.split('?')[0]
        length = int(self.headers.get('Content-Length') or 0)
        body = self.rfile.read(length).decode()
        if path == '/hang': time.sleep(30)
        status = {'/down': 503, '/login': 302, '/echo': 401}.get(path, 200)
        text = json.dumps({'status': 'ok', 'orders': {'count': 7}, 'method': self.command,
                           'said': body, 'colour': self.headers.get('X-Colour')})
        if path == '/echo': text = 'x' * 140 + ' ' + (self.headers.get('Authorization') or 'none')
        if path == '/large': text = json.dumps({'status': 'ok', 'pad': 'x' * (2 << 20)})
        if path == '/secured' and self.headers.get('Authorization') != 'Bearer s3cret-token':
            status = 401
        self.send_response(status)
        if status == 302: self.send_header('Location', '/health')
        self.send_header('Content-Length', str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())
    do_GET = do_POST = answer
    def log_message(self, *arguments): pass
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
with open(sys.argv[1] + '.new', 'w') as file: file.write(str(server.server_port))
os.rename(sys.argv[1] + '.new', sys.argv[1])
server.serve_forever()
)";

class ProbeTest : public testing::Test {
protected:
  ProbeTest() : root{testing::TempDir() + "belay-probe-" + random_.hex(8)} {
    CHECK(files_.create_folders(root));
    shop.name = "shop";
  }
  void TearDown() override {
    for (const world::ProcessId& id : started) {
      EXPECT_TRUE(processes_.signal(id, world::Signal::kill));
      EXPECT_TRUE(eventually([&] { return !processes_.is_alive(id).value(); }));
    }
    EXPECT_TRUE(trees_.remove(root));
  }
  template <class Condition>
  bool eventually(Condition condition) {
    const auto deadline = clock_.monotonic() + world::Milliseconds{10'000};
    while (!condition()) {
      if (clock_.monotonic() >= deadline)
        return false;
      clock_.sleep_for(world::Milliseconds{20});
    }
    return true;
  }
  // A server with this start id in its environment; returns its port.
  int serve(const std::string& start_id) {
    const std::string told = root + "/port-" + start_id;
    const auto id = processes_.start({.argv = {"/usr/bin/python3", "-c", server, told},
                                      .working_folder = root,
                                      .environment = {{"BELAY_START", start_id}},
                                      .log_path = root + "/log",
                                      .lock_path = root + "/lock"});
    CHECK(id);
    started.push_back(id.value());
    CHECK(eventually([&] { return files_.info(told).value().has_value(); }));
    const std::string text = files_.read(told, 100).value();
    int port = 0;
    std::from_chars(text.data(), text.data() + text.size(), port);
    return port;
  }
  domain::ProbeSpec ask(int port, const std::string& path) {
    domain::ProbeSpec spec;
    spec.name = "shop.ready";
    spec.kind = ProbeKind::http;
    spec.url = "http://127.0.0.1:" + std::to_string(port) + path;
    return spec;
  }
  domain::ProbeSpec command(std::vector<std::string> argv) {
    domain::ProbeSpec spec;
    spec.name = "smoke";
    spec.kind = ProbeKind::command;
    spec.argv = std::move(argv);
    return spec;
  }
  domain::Reading measured(const domain::ProbeSpec& spec) {
    const world::World ports{files_, trees_, processes_, http_, sqlite_, clock_, random_, events_};
    const auto find = [this](const std::string& name) { return name == "shop" ? &shop : nullptr; };
    const auto read_secret = [](const domain::SecretRef& secret) -> base::Result<std::string> {
      if (secret.name == "token")
        return std::string{"s3cret-token"};
      if (secret.name == "two-lines")
        return std::string{"a\r\nX-Admin: yes"};
      return Error{ErrorKind::invalid_input, "the secret file can be read by others", ""};
    };
    Probe probe{ports, runtime, find, read_secret, root, {{"BELAY_STACK", "orders"}}};
    domain::Reading reading = probe.measure(spec);
    EXPECT_EQ(reading.probe, spec.name);
    return reading;
  }
  void runs(const std::string& start_id) {
    runtime.observed.is_running = true;
    runtime.observed.start_id = start_id;
    runtime.observed.process = world::ProcessId{4711, 1, "boot"};
  }

  os::NoEffects effects_;
  os::Files files_{effects_};
  os::Trees trees_{effects_};
  os::Processes processes_{effects_};
  os::Http http_;
  os::Sqlite sqlite_{effects_};
  os::Clock clock_;
  os::Random random_;
  NoEvents events_;
  ToldRuntime runtime;
  domain::ServiceSpec shop;
  std::string root;
  std::vector<world::ProcessId> started;
};

TEST_F(ProbeTest, http_answer_is_judged) {
  const int port = serve("one");
  auto spec = ask(port, "/health");
  spec.json = {{"status", "\"ok\""}};
  spec.value = "orders.count";
  const auto good = measured(spec);
  EXPECT_EQ(good.verdict, Verdict::ok) << good.detail;
  EXPECT_EQ(good.number, 7.0);
  EXPECT_EQ(measured(ask(port, "/down")).verdict, Verdict::bad);
  EXPECT_EQ(measured(ask(port, "/login")).verdict, Verdict::bad);
  auto follows = ask(port, "/login");
  follows.follow_redirects = true;
  EXPECT_EQ(measured(follows).verdict, Verdict::ok);
  auto large = ask(port, "/large");
  EXPECT_EQ(measured(large).verdict, Verdict::ok);
  large.json = {{"status", "\"ok\""}};
  EXPECT_EQ(measured(large).verdict, Verdict::bad);
}

TEST_F(ProbeTest, http_sends_method_body_and_headers) {
  auto spec = ask(serve("one"), "/order");
  spec.method = "POST";
  spec.body = "two apples";
  spec.headers = {{"X-Colour", "red"}};
  spec.json = {{"method", "\"POST\""}, {"said", "\"two apples\""}, {"colour", "\"red\""}};
  const auto reading = measured(spec);
  EXPECT_EQ(reading.verdict, Verdict::ok) << reading.detail;
}

TEST_F(ProbeTest, nobody_there_and_no_answer_in_time_are_bad) {
  const int port = serve("one");
  auto hangs = ask(port, "/hang");
  hangs.timeout = world::Milliseconds{200};
  const auto slow = measured(hangs);
  EXPECT_EQ(slow.verdict, Verdict::bad);
  EXPECT_TRUE(slow.detail.starts_with("no answer: ")) << slow.detail;
  EXPECT_GE(slow.elapsed, world::Milliseconds{190});
  ASSERT_TRUE(processes_.signal(started[0], world::Signal::kill));
  ASSERT_TRUE(eventually([&] { return !processes_.is_alive(started[0]).value(); }));
  EXPECT_EQ(measured(ask(port, "/health")).verdict, Verdict::bad);
  domain::ProbeSpec tcp{.name = "t", .kind = ProbeKind::tcp, .host = "127.0.0.1", .port = port};
  EXPECT_EQ(measured(tcp).verdict, Verdict::bad);
}

TEST_F(ProbeTest, question_that_cannot_be_asked_is_unknown) {
  domain::ProbeSpec spec{.name = "x", .kind = ProbeKind::http, .url = "gopher://127.0.0.1/"};
  EXPECT_EQ(measured(spec).verdict, Verdict::unknown);
  EXPECT_EQ(measured(command({"belay-no-such-program"})).verdict, Verdict::unknown);
  EXPECT_EQ(measured(command({})).verdict, Verdict::unknown);
}

TEST_F(ProbeTest, bearer_is_sent_and_never_shown) {
  const int port = serve("one");
  auto spec = ask(port, "/secured");
  EXPECT_EQ(measured(spec).verdict, Verdict::bad);
  spec.bearer = domain::SecretRef{domain::SecretRef::Kind::file, "token"};
  EXPECT_EQ(measured(spec).verdict, Verdict::ok);
  // Where the answer repeats it, also when the detail would cut it in two.
  spec.url = ask(port, "/echo").url;
  const auto echoed = measured(spec);
  EXPECT_EQ(echoed.verdict, Verdict::bad);
  EXPECT_EQ(echoed.detail.find("s3cret"), std::string::npos) << echoed.detail;
  spec.url = "http://admin:pass-word@127.0.0.1:1x/";
  EXPECT_EQ(measured(spec).detail.find("pass-word"), std::string::npos);
}

TEST_F(ProbeTest, bearer_that_cannot_be_read_is_unknown) {
  auto spec = ask(1, "/");
  spec.bearer = domain::SecretRef{domain::SecretRef::Kind::file, "world-readable"};
  const auto unreadable = measured(spec);
  EXPECT_EQ(unreadable.verdict, Verdict::unknown);
  EXPECT_NE(unreadable.detail.find("can be read by others"), std::string::npos);
  spec.bearer->name = "two-lines";
  EXPECT_EQ(measured(spec).verdict, Verdict::unknown);
}

TEST_F(ProbeTest, the_thing_that_answers_must_be_ours) {
  const int port = serve("ours");
  auto http = ask(port, "/health");
  http.service = "shop";
  domain::ProbeSpec tcp{.name = "shop.port",
                        .kind = ProbeKind::tcp,
                        .service = "shop",
                        .host = "127.0.0.1",
                        .port = port};
  runs("ours");
  EXPECT_EQ(measured(http).verdict, Verdict::ok) << measured(http).detail;
  EXPECT_EQ(measured(tcp).verdict, Verdict::ok);
  runs("another"); // it answers 200, but it is not the service that was started
  const std::string detail = "port " + std::to_string(port) + " is answered by pid " +
                             std::to_string(started[0].pid) + ", not by service 'shop'";
  EXPECT_EQ(measured(http).verdict, Verdict::bad);
  EXPECT_EQ(measured(http).detail, detail);
  EXPECT_EQ(measured(tcp).verdict, Verdict::bad);
  EXPECT_EQ(measured(tcp).detail, detail);
  runtime.observed = {}; // ours is dead, and somebody else took the port
  EXPECT_EQ(measured(http).verdict, Verdict::bad);
  runtime.fails = true;
  EXPECT_EQ(measured(http).verdict, Verdict::unknown);
  http.service = "unheard-of";
  EXPECT_EQ(measured(http).verdict, Verdict::unknown);
}

TEST_F(ProbeTest, port_that_is_shared_with_somebody_else_is_bad) {
  const int port = serve("ours");
  const auto other =
      processes_.start({.argv = {"/usr/bin/python3", "-c",
                                 "import socket, sys, time\n"
                                 "s = socket.socket(socket.AF_INET6)\n"
                                 "s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)\n"
                                 "s.bind(('::1', int(sys.argv[1]))); s.listen()\n"
                                 "open(sys.argv[2], 'w').close(); time.sleep(600)\n",
                                 std::to_string(port), root + "/other-up"},
                        .working_folder = root,
                        .environment = {},
                        .log_path = root + "/log",
                        .lock_path = root + "/lock"});
  ASSERT_TRUE(other);
  started.push_back(other.value());
  if (!eventually([&] {
        return files_.info(root + "/other-up").value().has_value() ||
               !processes_.is_alive(other.value()).value();
      }) ||
      !processes_.is_alive(other.value()).value())
    GTEST_SKIP() << "no IPv6 here";
  runs("ours");
  auto spec = ask(port, "/health");
  spec.service = "shop";
  const auto reading = measured(spec);
  EXPECT_EQ(reading.verdict, Verdict::bad);
  EXPECT_NE(reading.detail.find("pid " + std::to_string(other.value().pid) +
                                " as well as by service 'shop'"),
            std::string::npos)
      << reading.detail;
}

TEST_F(ProbeTest, command_is_ok_by_its_exit_status) {
  const auto good = measured(command({"/bin/sh", "-c", "echo first; echo last line; exit 0"}));
  EXPECT_EQ(good.verdict, Verdict::ok);
  EXPECT_EQ(good.detail, "last line");
  const auto failed = measured(command({"/bin/sh", "-c", "echo out; echo no orders >&2; exit 4"}));
  EXPECT_EQ(failed.verdict, Verdict::bad);
  EXPECT_EQ(failed.detail, "exit status 4: no orders");
  EXPECT_EQ(measured(command({"/bin/sh", "-c", "kill -9 $$"})).detail, "exit status 137: ");
  auto slow = command({"sleep", "600"});
  slow.timeout = world::Milliseconds{200};
  EXPECT_EQ(measured(slow).verdict, Verdict::bad);
}

TEST_F(ProbeTest, command_runs_in_the_project_folder_with_its_variables) {
  const std::string text = "#!/bin/sh\necho \"$PWD $BELAY_STACK\"\n";
  ASSERT_TRUE(files_.replace(root + "/smoke.sh", text, 0755));
  EXPECT_EQ(measured(command({"./smoke.sh"})).detail, root + " orders");
}

TEST_F(ProbeTest, command_may_be_asked_for_text_and_for_a_number) {
  auto spec = command({"echo", R"({"orders": {"count": 12}})"});
  spec.value = "orders.count";
  EXPECT_EQ(measured(spec).number, 12.0);
  spec.contains = "orders";
  EXPECT_EQ(measured(spec).verdict, Verdict::ok);
  spec.contains = "customers";
  EXPECT_EQ(measured(spec).verdict, Verdict::bad);
  EXPECT_EQ(measured(spec).number, std::nullopt);
  spec = command({"echo", "twelve"});
  spec.value = "orders.count";
  EXPECT_EQ(measured(spec).verdict, Verdict::bad);
}

TEST_F(ProbeTest, process_is_ok_while_it_lives) {
  domain::ProbeSpec spec{.name = "shop.ready", .kind = ProbeKind::process, .service = "shop"};
  runtime.observed.detail = "no process of it is there";
  EXPECT_EQ(measured(spec).verdict, Verdict::bad);
  EXPECT_EQ(measured(spec).detail, "no process of it is there");
  runs("one");
  EXPECT_EQ(measured(spec).verdict, Verdict::ok);
  EXPECT_EQ(measured(spec).detail, "pid 4711 lives");
  runtime.fails = true;
  EXPECT_EQ(measured(spec).verdict, Verdict::unknown);
  spec.service = "unheard-of";
  EXPECT_EQ(measured(spec).verdict, Verdict::unknown);
}

// The process of the test stands for that of the container: it sees at each path what is there.
TEST_F(ProbeTest, mounted_is_ok_while_all_of_it_is_there_and_the_very_one) {
  const std::string data = root + "/data";
  domain::ProbeSpec spec{.name = "storage", .kind = ProbeKind::mounted, .service = "shop"};
  spec.mounts = {{data, "shop_data"}};
  EXPECT_EQ(measured(spec).verdict, Verdict::bad); // it does not run
  runs("one");
  runtime.observed.process = processes_.self().value();
  const auto said = [&] {
    const domain::Reading reading = measured(spec);
    return reading.verdict == Verdict::ok ? "ok: " + reading.detail : reading.detail;
  };
  EXPECT_EQ(said(), "nothing is mounted at '" + data + "', wanted 'shop_data'");
  runtime.mounted = {{data, "store_data", data}};
  EXPECT_EQ(said(), "'store_data' is mounted at '" + data + "', wanted 'shop_data'");
  runtime.mounted = {{data, "shop_data", data}};
  EXPECT_EQ(said(), "'" + data + "', which is to be seen at '" + data + "', is not there");
  ASSERT_TRUE(files_.create_folders(data));
  EXPECT_EQ(said(), "'shop_data', seen at '" + data + "', is empty");
  ASSERT_TRUE(files_.replace(data + "/one", "1", 0600));
  EXPECT_EQ(said(), "ok: 1 mount is there");
  ASSERT_TRUE(files_.create_folders(root + "/other"));
  runtime.mounted[0].folder = root + "/other"; // what is seen is another folder than the volume's
  EXPECT_EQ(said(), "what is seen at '" + data + "' is not what '" + root +
                        "/other' is now: it was mounted or replaced after the start");
  spec.mounts = {{data, data}, {"/srv/none", "none"}}; // a folder; and all that is wrong is told
  runtime.mounted = {{data, data, data}};
  EXPECT_EQ(said(), "nothing is mounted at '/srv/none', wanted 'none'");
  ASSERT_TRUE(files_.replace_link(root + "/link", "data"));
  spec.mounts = {{data, root + "/link"}};
  EXPECT_EQ(said(), "ok: 1 mount is there");
  EXPECT_EQ(measured(spec).number, std::nullopt);
}

} // namespace
} // namespace drivers::probe
