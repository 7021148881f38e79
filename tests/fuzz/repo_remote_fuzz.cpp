// What servers say: SFTP's packets, S3's XML, and the places that users write. Nothing may crash or
// go on for ever, and texts survive being escaped.

#include "repo/backend/sftp.hpp"
#include "repo/backend/sftp_client.hpp"
#include "repo/backend/web.hpp"

#include <cstdint>
#include <string>

#include "repo/backend/s3_xml.hpp"

namespace {

class Script final : public world::Channel {
public:
  explicit Script(std::string says) : says_{std::move(says)} {}
  base::Result<> write(std::string_view, world::Milliseconds) override { return base::ok(); }
  base::Result<std::string> read(std::size_t bytes, world::Milliseconds) override {
    if (bytes > says_.size())
      return base::Error{base::ErrorKind::unavailable, "it has ended", ""};
    std::string taken = says_.substr(0, bytes);
    says_.erase(0, bytes);
    return taken;
  }
  std::string complaint() override { return says_; }

private:
  std::string says_;
};

void talk(const std::string& says) {
  namespace sftp = repo::backend::sftp;
  const std::string hello = sftp::packet_bytes(sftp::Type::version, 3, "");
  for (const int turn : {0, 1, 2, 3}) {
    auto client = sftp::Client::open(std::make_unique<Script>(hello + says));
    CHECK(client);
    sftp::Client& it = *client.value();
    if (turn == 0)
      static_cast<void>(static_cast<bool>(it.list({"/a", "/b"})));
    else if (turn == 1)
      static_cast<void>(static_cast<bool>(it.read("/a", 3, std::nullopt)));
    else if (turn == 2)
      static_cast<void>(static_cast<bool>(it.write("/a", says, 0400)));
    else
      static_cast<void>(static_cast<bool>(it.rename_over("/a", "/b")));
  }
  static_cast<void>(static_cast<bool>(sftp::Client::open(std::make_unique<Script>(says))));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text{reinterpret_cast<const char*>(data), size};
  talk(text);
  for (const std::string_view each : repo::backend::elements(text, "Key"))
    static_cast<void>(repo::backend::text_of_xml(each));
  CHECK(repo::backend::text_of_xml(repo::backend::xml_text(text)) == text);
  static_cast<void>(static_cast<bool>(repo::backend::parse_web_place(text)));
  if (const auto place = repo::backend::parse_sftp_place(text)) {
    CHECK(!place.value().host.starts_with('-') && !place.value().user.starts_with('-'));
    CHECK(!place.value().host.empty() && !place.value().path.empty());
  }
  return 0;
}
