#include "repo/backend/sftp_wire.hpp"

namespace repo::backend::sftp {

using base::Error;
using base::ErrorKind;
using base::Result;

namespace {

constexpr std::uint32_t attribute_size = 1;
constexpr std::uint32_t attribute_owner = 2;
constexpr std::uint32_t attribute_mode = 4;
constexpr std::uint32_t attribute_times = 8;
constexpr std::uint32_t attribute_extended = 0x80000000U;
constexpr std::uint32_t kind_mask = 0170000;
constexpr std::uint32_t kind_file = 0100000;
constexpr std::uint32_t kind_folder = 0040000;

class Reader { // after a first mistake everything is empty, and is_whole() says so
public:
  explicit Reader(std::string_view bytes) : bytes_{bytes} {}

  std::uint64_t number(std::size_t size) {
    std::uint64_t value = 0;
    for (const char c : take(size))
      value = value << 8U | static_cast<unsigned char>(c);
    return value;
  }
  std::uint32_t number() { return static_cast<std::uint32_t>(number(4)); }
  std::string_view text() { return take(number()); }

  Attributes attributes() {
    Attributes all;
    const std::uint32_t flags = number();
    if ((flags & attribute_size) != 0)
      all.size_bytes = number(8);
    if ((flags & attribute_owner) != 0)
      take(8);
    if ((flags & attribute_mode) != 0) {
      const std::uint32_t kind = number() & kind_mask;
      all.is_file = kind == kind_file;
      all.is_folder = kind == kind_folder;
    }
    if ((flags & attribute_times) != 0)
      take(8);
    if ((flags & attribute_extended) != 0)
      for (std::uint32_t left = number(); left > 0 && is_whole_; --left) {
        text();
        text();
      }
    return all;
  }

  bool is_whole() const { return is_whole_; }
  bool is_at_end() const { return bytes_.empty(); }

private:
  std::string_view take(std::size_t size) {
    if (size > bytes_.size()) {
      is_whole_ = false;
      bytes_ = {};
      return {};
    }
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  std::string_view bytes_;
  bool is_whole_ = true;
};

Error broken() {
  return {ErrorKind::corrupt, "the server does not keep to the SFTP protocol",
          "Something else may be printing on the connection, as a shell's start-up file does."};
}

} // namespace

Writer& Writer::number(std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8)
    bytes_ += static_cast<char>(value >> static_cast<unsigned>(shift));
  return *this;
}

Writer& Writer::number64(std::uint64_t value) {
  number(static_cast<std::uint32_t>(value >> 32U));
  return number(static_cast<std::uint32_t>(value));
}

Writer& Writer::text(std::string_view bytes) {
  number(static_cast<std::uint32_t>(bytes.size()));
  bytes_ += bytes;
  return *this;
}

Writer& Writer::mode(std::uint32_t mode) {
  return number(attribute_mode).number(mode);
}

std::string packet_bytes(Type type, std::uint32_t id, std::string_view body) {
  Writer head;
  head.number(static_cast<std::uint32_t>(5 + body.size()));
  std::string bytes = head.take();
  bytes += static_cast<char>(type);
  bytes += Writer{}.number(id).take();
  bytes += body;
  return bytes;
}

std::uint32_t length_of(std::string_view four_bytes) {
  return Reader{four_bytes}.number();
}

Result<Packet> parse_packet(std::string bytes) {
  if (bytes.size() < 5)
    return broken();
  Packet packet;
  packet.type = static_cast<Type>(static_cast<unsigned char>(bytes.front()));
  packet.id = Reader{std::string_view{bytes}.substr(1)}.number();
  bytes.erase(0, 5);
  packet.body = std::move(bytes);
  return packet;
}

Result<StatusText> parse_status(std::string_view body) {
  Reader reader{body};
  StatusText text{static_cast<Status>(reader.number()), ""};
  if (!reader.is_at_end()) // some servers leave the message out
    text.message = reader.text();
  return reader.is_whole() ? Result<StatusText>{std::move(text)} : broken();
}

Result<std::string> parse_text(std::string_view body) {
  Reader reader{body};
  std::string text{reader.text()};
  return reader.is_whole() ? Result<std::string>{std::move(text)} : broken();
}

Result<Attributes> parse_attributes(std::string_view body) {
  Reader reader{body};
  const Attributes attributes = reader.attributes();
  return reader.is_whole() ? Result<Attributes>{attributes} : broken();
}

Result<std::vector<Entry>> parse_names(std::string_view body) {
  Reader reader{body};
  std::vector<Entry> entries;
  for (std::uint32_t left = reader.number(); left > 0 && reader.is_whole(); --left) {
    Entry entry;
    entry.name = reader.text();
    reader.text(); // as `ls -l` prints it
    entry.attributes = reader.attributes();
    entries.push_back(std::move(entry));
  }
  return reader.is_whole() ? Result<std::vector<Entry>>{std::move(entries)} : broken();
}

Result<std::vector<std::string>> parse_extensions(std::string_view body) {
  Reader reader{body};
  std::vector<std::string> names;
  while (!reader.is_at_end()) {
    names.emplace_back(reader.text());
    reader.text();
  }
  return reader.is_whole() ? Result<std::vector<std::string>>{std::move(names)} : broken();
}

} // namespace repo::backend::sftp
