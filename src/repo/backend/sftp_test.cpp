// Where SFTP goes, and what is made of a server that does not keep to the protocol.

#include "repo/backend/sftp.hpp"
#include "repo/backend/sftp_client.hpp"

#include <gtest/gtest.h>

namespace repo::backend {
namespace {

using base::Error;
using base::ErrorKind;
using base::Result;

TEST(sftp_place, is_read_as_restic_reads_it) {
  const auto parsed = [](const char* location) {
    const auto place = parse_sftp_place(location);
    if (!place)
      return std::string{"none"};
    const SftpPlace& it = place.value();
    return it.user + "|" + it.host + "|" + it.port + "|" + it.path;
  };
  EXPECT_EQ(parsed("sftp:shop@example.org:/srv/backup"), "shop|example.org||/srv/backup");
  EXPECT_EQ(parsed("sftp:example.org:backup/"), "|example.org||backup");
  EXPECT_EQ(parsed("sftp:shop@[::1]:/srv"), "shop|::1||/srv");
  EXPECT_EQ(parsed("sftp:a@b@example.org:/srv/x@y:z"), "a@b|example.org||/srv/x@y:z");
  EXPECT_EQ(parsed("sftp://shop@example.org:2222//srv/backup"),
            "shop|example.org|2222|/srv/backup");
  EXPECT_EQ(parsed("sftp://example.org/backup"), "|example.org||backup");
  EXPECT_EQ(parsed("sftp://[::1]:22//srv"), "|::1|22|/srv");
  for (const char* wrong :
       {"sftp:", "sftp:example.org", "sftp:example.org:", "sftp:-oX=y:/srv", "sftp:-x@host:/srv",
        "sftp://example.org:port//srv", "sftp://example.org", "sftp://:22/x", "sftp:a b:/srv"})
    EXPECT_EQ(parsed(wrong), "none") << wrong;
}

class Script final : public world::Channel { // says what it is told to, whatever it hears
public:
  Script(std::string says, std::string complaint)
      : says_{std::move(says)}, complaint_{std::move(complaint)} {}
  Result<> write(std::string_view, world::Milliseconds) override { return base::ok(); }
  Result<std::string> read(std::size_t bytes, world::Milliseconds) override {
    if (bytes > says_.size())
      return Error{ErrorKind::unavailable, "'ssh' has ended", ""};
    std::string taken = says_.substr(0, bytes);
    says_.erase(0, bytes);
    return taken;
  }
  std::string complaint() override { return complaint_; }

private:
  std::string says_;
  std::string complaint_;
};

Result<std::unique_ptr<sftp::Client>> client_of(const std::string& says,
                                                const std::string& complaint = "") {
  return sftp::Client::open(std::make_unique<Script>(says, complaint));
}

std::string hello() {
  return sftp::packet_bytes(sftp::Type::version, 3, "");
}

TEST(sftp_client, tells_why_ssh_ended) {
  const auto error_of = [](const char* complaint) { return client_of("", complaint).error(); };
  EXPECT_EQ(error_of("x\nHost key verification failed.\r\n").kind, ErrorKind::failed);
  EXPECT_NE(error_of("Host key verification failed.").hint.find("known_hosts"), std::string::npos);
  EXPECT_EQ(error_of("u@h: Permission denied (publickey).\r\n").kind, ErrorKind::failed);
  const Error refused = error_of("ssh: connect to host h port 22: Connection refused\r\n");
  EXPECT_EQ(refused.kind, ErrorKind::unavailable);
  EXPECT_EQ(refused.message, "ssh: connect to host h port 22: Connection refused");
  EXPECT_EQ(error_of("").message, "'ssh' has ended");
}

TEST(sftp_client, refuses_what_is_not_sftp) {
  EXPECT_EQ(client_of("Welcome to this machine!").error().kind, ErrorKind::failed);
  EXPECT_FALSE(client_of(sftp::packet_bytes(sftp::Type::version, 2, "")));
  EXPECT_FALSE(client_of(sftp::packet_bytes(sftp::Type::status, 3, "")));
  EXPECT_FALSE(client_of(std::string("\0\0\0\1\2", 5)));
  EXPECT_TRUE(client_of(hello()));
}

TEST(sftp_client, is_lost_after_an_answer_to_what_was_not_asked) {
  using sftp::Type;
  for (const std::string& answer : {sftp::packet_bytes(Type::status, 99, ""),
                                    std::string("\xff\xff\xff\xff", 4), std::string{}}) {
    const auto client = client_of(hello() + answer).value();
    EXPECT_FALSE(client->stat("/x"));
    EXPECT_TRUE(client->is_lost());
  }
  for (const std::string& body : {std::string{}, std::string("\0\0\0\4\0", 5)}) {
    const auto client = client_of(hello() + sftp::packet_bytes(Type::attrs, 1, body)).value();
    EXPECT_EQ(client->stat("/x").error().kind, ErrorKind::corrupt);
    EXPECT_FALSE(client->is_lost()) << "what comes next can still be told apart";
  }
}

TEST(sftp_wire, reads_names_with_every_attribute) {
  sftp::Writer body;
  body.number(1).text("name").text("-rw").number(0x8000000FU).number64(1234);
  body.number(0).number(0).number(0100644).number(1).number(2);
  body.number(1).text("a").text("b");
  const std::string bytes = body.take();
  const auto names = sftp::parse_names(bytes);
  ASSERT_TRUE(names);
  EXPECT_EQ(names.value().front().name, "name");
  EXPECT_EQ(names.value().front().attributes.size_bytes, 1234U);
  EXPECT_TRUE(names.value().front().attributes.is_file);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(sftp::parse_names(bytes.substr(0, size))) << size;
}

} // namespace
} // namespace repo::backend
