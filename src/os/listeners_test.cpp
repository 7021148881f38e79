#include "os/fd.hpp"
#include "os/processes.hpp"

#include <algorithm>
#include <cstdlib>

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

int port_of(int socket) {
  sockaddr_in6 address{};
  socklen_t size = sizeof address;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin6_port); // at the same place in both families
}

TEST(listeners, are_told_with_address_arguments_folder_user_and_files) {
  const os::Fd v4{::socket(AF_INET, SOCK_STREAM, 0)};
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(v4.get(), reinterpret_cast<sockaddr*>(&any), sizeof any), 0);
  ASSERT_EQ(::listen(v4.get(), 1), 0);
  const os::Fd v6{::socket(AF_INET6, SOCK_STREAM, 0)};
  sockaddr_in6 any6{};
  any6.sin6_family = AF_INET6;
  any6.sin6_addr = in6addr_any;
  ASSERT_EQ(::bind(v6.get(), reinterpret_cast<sockaddr*>(&any6), sizeof any6), 0);
  ASSERT_EQ(::listen(v6.get(), 1), 0);
  char name[] = "/tmp/belay-listeners-XXXXXX";
  const os::Fd written{::mkstemp(name)};
  const os::Fd only_read{::open("/etc/passwd", O_RDONLY | O_CLOEXEC)};

  os::NoEffects effects;
  os::Processes processes{effects};
  const auto all = processes.all_listeners();
  ::unlink(name);
  ASSERT_TRUE(all);
  const auto self = std::ranges::find(all.value(), ::getpid(),
                                      [](const auto& each) { return each.process.id.pid; });
  ASSERT_NE(self, all.value().end());
  const auto has = [&](const std::string& address, int port) {
    return std::ranges::count(self->ports, world::ListeningPort{address, port}) == 1;
  };
  EXPECT_TRUE(has("127.0.0.1", port_of(v4.get())));
  EXPECT_TRUE(has("::", port_of(v6.get())));
  EXPECT_EQ(self->process.id, processes.self().value());
  ASSERT_FALSE(self->argv.empty());
  EXPECT_TRUE(self->argv.front().ends_with("os_test"));
  EXPECT_TRUE(self->working_folder.starts_with('/'));
  EXPECT_FALSE(self->user.empty());
  EXPECT_FALSE(self->environment.empty());
  EXPECT_EQ(std::ranges::count(self->written_files, name), 1);
  EXPECT_EQ(std::ranges::count(self->written_files, "/etc/passwd"), 0);
}

} // namespace
