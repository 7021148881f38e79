#pragma once
// Sftp wire: the packets of the SSH file transfer protocol, version 3
// (draft-ietf-secsh-filexfer-02). Pure bytes.

#include "base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace repo::backend::sftp {

enum class Type : unsigned char {
  init = 1,
  version = 2,
  open = 3,
  close = 4,
  read = 5,
  write = 6,
  fstat = 8,
  opendir = 11,
  readdir = 12,
  remove = 13,
  mkdir = 14,
  stat = 17,
  rename = 18,
  status = 101,
  handle = 102,
  data = 103,
  name = 104,
  attrs = 105,
  extended = 200,
};

enum OpenFlag : std::uint32_t { open_read = 1, open_write = 2, open_create = 8, open_new = 32 };

enum class Status : std::uint32_t {
  ok = 0,
  eof = 1,
  no_such_file = 2,
  permission_denied = 3,
  failure = 4,
  no_connection = 6,
  connection_lost = 7,
  unsupported = 8,
};

constexpr std::uint32_t packet_bytes_max = 1U << 20U; // a longer one is no packet

class Writer { // what stands behind the type and the id of a request
public:
  Writer& number(std::uint32_t value);
  Writer& number64(std::uint64_t value);
  Writer& text(std::string_view bytes); // with its length before it
  Writer& mode(std::uint32_t mode);     // attributes that are nothing but a mode
  std::string take() { return std::move(bytes_); }

private:
  std::string bytes_;
};

struct Packet {
  Type type = Type::status;
  std::uint32_t id = 0;
  std::string body; // behind the id
};
// With its length in front. `init` has a version where others have an id.
std::string packet_bytes(Type type, std::uint32_t id, std::string_view body);
std::uint32_t length_of(std::string_view four_bytes);
// `bytes`: without the length. corrupt.
base::Result<Packet> parse_packet(std::string bytes);

struct Attributes {
  std::uint64_t size_bytes = 0;
  bool is_file = false;
  bool is_folder = false;
};
struct Entry {
  std::string name;
  Attributes attributes;
};
struct StatusText {
  Status status = Status::failure;
  std::string message;
};
// Of the body of a packet of that type. corrupt.
base::Result<StatusText> parse_status(std::string_view body);
base::Result<std::string> parse_text(std::string_view body); // a handle, data
base::Result<Attributes> parse_attributes(std::string_view body);
base::Result<std::vector<Entry>> parse_names(std::string_view body);
// Of a server's `version`: the names of its extensions.
base::Result<std::vector<std::string>> parse_extensions(std::string_view body);

} // namespace repo::backend::sftp
