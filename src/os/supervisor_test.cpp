#include "os/fd.hpp"
#include "os/supervisor.hpp"

#include <array>
#include <cstddef>
#include <cstring>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace {

// As systemd has it; `name` begins with '/' or '@'.
os::Fd bound(const std::string& name) {
  os::Fd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, name.data(), name.size());
  if (name.front() == '@')
    address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  return socket;
}

std::string received(const os::Fd& socket) {
  std::array<char, 200> text{};
  const auto got = ::recv(socket.get(), text.data(), text.size(), MSG_DONTWAIT);
  return got < 0 ? "" : std::string{text.data(), static_cast<std::size_t>(got)};
}

TEST(Supervisor, IsToldByPathAndByNameWithoutAFile) {
  std::string folder = "/tmp/belay-supervisor-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string path = folder + "/notify";
  for (const std::string& name : {path, "@" + path}) {
    const os::Fd socket = bound(name);
    os::Supervisor supervisor{{.notify_socket = name, .watchdog_usec = {}, .watchdog_pid = {}}};
    EXPECT_TRUE(supervisor.is_there());
    EXPECT_TRUE(supervisor.tell("READY=1\nSTATUS=one stack"));
    EXPECT_EQ(received(socket), "READY=1\nSTATUS=one stack") << name;
  }
  os::Supervisor nobody{{.notify_socket = path, .watchdog_usec = {}, .watchdog_pid = {}}};
  EXPECT_FALSE(nobody.tell("READY=1")); // its name is there, and nobody reads
  ::unlink(path.c_str());
  ::rmdir(folder.c_str());
}

TEST(Supervisor, IsNotThereOrIsNone) {
  os::Supervisor none{{}};
  EXPECT_FALSE(none.is_there());
  EXPECT_TRUE(none.tell("READY=1"));
  for (const std::string& name : {std::string{"vsock:2:1"}, "/" + std::string(200, 'x')}) {
    os::Supervisor wrong{{.notify_socket = name, .watchdog_usec = {}, .watchdog_pid = {}}};
    EXPECT_FALSE(wrong.tell("READY=1"));
  }
}

TEST(Supervisor, IsPatientWithThoseThatItNames) {
  const auto patience = [](const std::string& usec, const std::string& pid) {
    return os::Supervisor{{.notify_socket = "/x", .watchdog_usec = usec, .watchdog_pid = pid}}
        .patience();
  };
  using std::chrono_literals::operator""s;
  EXPECT_EQ(patience("3000000", ""), 3s);
  EXPECT_EQ(patience("3000000", std::to_string(::getpid())), 3s);
  EXPECT_FALSE(patience("3000000", std::to_string(::getppid())));
  EXPECT_FALSE(patience("", ""));
  EXPECT_FALSE(patience("0", ""));
  EXPECT_FALSE(patience("soon", ""));
  EXPECT_FALSE(patience("99999999999999999999", ""));
}

} // namespace
