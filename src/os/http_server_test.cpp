#include "os/fd.hpp"
#include "os/http_server.hpp"

#include <chrono>
#include <cstring>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using std::chrono::steady_clock;

constexpr const char* whole = "GET /page HTTP/1.1\r\nHost: x\r\n\r\n";

class HttpServerTest : public testing::Test {
protected:
  void listen(unsigned connections_max = 64) {
    world::ListenSpec spec;
    spec.address = "127.0.0.1";
    spec.connections_max = connections_max;
    spec.idle_seconds_max = 1;
    auto begun = server_.listen(spec, [](const world::ServedRequest& request) {
      world::ServedResponse page;
      page.body = request.path == "/large" ? std::string(8U << 20U, 'x') : "good";
      return page;
    });
    ASSERT_TRUE(begun) << begun.error().message;
    listening_ = std::move(begun).value();
  }

  os::Fd call() const {
    os::Fd client{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(listening_->port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
              0);
    return client;
  }

  static bool say(const os::Fd& client, const std::string& text) {
    return ::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
  }
  // What there is within so long; nothing when it was closed.
  static std::string hear(const os::Fd& client, int milliseconds) {
    pollfd wait{client.get(), POLLIN, 0};
    if (::poll(&wait, 1, milliseconds) != 1)
      return "(silence)";
    std::string text(65536, '\0');
    const ssize_t count = ::recv(client.get(), text.data(), text.size(), 0);
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return text;
  }
  // Whether the other side closes while something is said each 100 ms.
  static bool is_cut_off(const os::Fd& client, const std::string& each) {
    const auto until = steady_clock::now() + std::chrono::seconds{10};
    while (steady_clock::now() < until) {
      if (!say(client, each) || hear(client, 100).empty())
        return true;
    }
    return false;
  }

  os::HttpServer server_;
  std::unique_ptr<world::Listening> listening_;
};

TEST_F(HttpServerTest, WhoSaysALittleForEverIsCutOffAllTheSame) {
  listen();
  const os::Fd head = call();
  ASSERT_TRUE(say(head, "GET /page HTTP/1.1\r\nX: "));
  EXPECT_TRUE(is_cut_off(head, "a"));
  const os::Fd body = call();
  ASSERT_TRUE(say(body, "POST /page HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n"));
  EXPECT_TRUE(is_cut_off(body, "a"));
  const os::Fd other = call();
  ASSERT_TRUE(say(other, whole));
  EXPECT_TRUE(hear(other, 5000).starts_with("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, WhoTakesAnAnswerTooSlowlyIsCutOff) {
  listen();
  const os::Fd client = call();
  ASSERT_TRUE(say(client, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n"));
  std::string piece(1000, '\0');
  std::size_t taken = 0;
  const auto until = steady_clock::now() + std::chrono::seconds{20};
  for (ssize_t count = 1; count > 0 && steady_clock::now() < until;) {
    const bool is_late = steady_clock::now() > until - std::chrono::seconds{16};
    count = ::recv(client.get(), piece.data(), piece.size(), 0);
    taken += count > 0 ? static_cast<std::size_t>(count) : 0;
    if (!is_late)
      ::usleep(20'000);
  }
  EXPECT_LT(taken, 8U << 20U); // the rest never came
  EXPECT_LT(steady_clock::now(), until);
}

TEST_F(HttpServerTest, WhoAsksAgainAndAgainMayStay) {
  listen();
  const os::Fd client = call();
  const auto until = steady_clock::now() + std::chrono::seconds{3}; // three times the patience
  while (steady_clock::now() < until) {
    ASSERT_TRUE(say(client, whole));
    ASSERT_TRUE(hear(client, 5000).starts_with("HTTP/1.1 200"));
    ::usleep(200'000);
  }
}

TEST_F(HttpServerTest, WhenAllPlacesAreTakenTheOldestGoes) {
  listen(40);
  std::vector<os::Fd> idle;
  for (int i = 0; i < 60; ++i) {
    idle.push_back(call());
    say(idle.back(), "GET");
  }
  const os::Fd client = call();
  ASSERT_TRUE(say(client, whole));
  EXPECT_TRUE(hear(client, 900).starts_with("HTTP/1.1 200"));
  EXPECT_EQ(hear(idle.front(), 900), "");
}

} // namespace
