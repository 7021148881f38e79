#include "repo/backend/sftp_client.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <map>

namespace repo::backend::sftp {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using world::Milliseconds;

namespace {

constexpr Milliseconds patience{60'000};   // nothing moves for so long
constexpr std::size_t ahead_max = 64;      // requests without an answer
constexpr std::size_t piece_bytes = 32768; // what every server must take (section 3)
constexpr std::uint32_t protocol = 3;
constexpr std::string_view sync_name = "fsync@openssh.com";
constexpr std::string_view replace_name = "posix-rename@openssh.com";

Error error_of(const StatusText& status, const std::string& path) {
  const std::string message =
      "'" + path + "': " + (status.message.empty() ? "the server refuses" : status.message);
  switch (status.status) {
  case Status::no_such_file: return {ErrorKind::not_found, message, ""};
  case Status::permission_denied:
    return {ErrorKind::failed, message, "Give the user of the server this folder."};
  case Status::no_connection:
  case Status::connection_lost: return {ErrorKind::unavailable, message, ""};
  default:
    return {ErrorKind::failed, message,
            "SFTP does not tell why: the disk or the quota of the server may be full, or it may "
            "be read only."};
  }
}

// What ssh said tells whether another attempt can help.
Error error_of_ssh(const std::string& complaint, Error error) {
  std::string last;
  for (const std::string& line : base::split(complaint, '\n'))
    if (!base::printable(line).empty() && line != "\r")
      last = line.substr(0, line.find('\r'));
  if (!last.empty())
    error.message = last;
  const auto says = [&](const char* text) { return complaint.find(text) != std::string::npos; };
  if (says("Host key verification failed") || says("HOST IDENTIFICATION HAS CHANGED"))
    return {ErrorKind::failed, error.message,
            "The key of the server is not in known_hosts, or is another: compare it with one that "
            "you got another way, then connect once with 'ssh' as this user."};
  if (says("Permission denied ("))
    return {ErrorKind::failed, error.message,
            "Let a key of this user in on the server: ssh is not let to ask for a password."};
  if (says("subsystem request failed"))
    return {ErrorKind::failed, error.message, "The server offers no SFTP: see 'Subsystem sftp'."};
  if (says("Bad configuration option") || says("usage: ssh") || says("Load key"))
    return {ErrorKind::failed, error.message, "Correct how ssh is called or set up."};
  return error;
}

} // namespace

Error Client::lost(Error error) {
  is_lost_ = true;
  return error_of_ssh(channel_->complaint(), std::move(error));
}

Result<Packet> Client::receive() {
  auto head = channel_->read(4, patience);
  if (!head)
    return lost(std::move(head).error());
  const std::uint32_t length = length_of(head.value());
  if (length > packet_bytes_max) {
    is_lost_ = true;
    return Error{ErrorKind::failed, "the server does not speak SFTP",
                 "A start-up file of the user's shell may print something: it must not."};
  }
  auto rest = channel_->read(length, patience);
  if (!rest)
    return lost(std::move(rest).error());
  auto packet = parse_packet(std::move(rest).value());
  if (!packet)
    is_lost_ = true;
  return packet;
}

Result<std::unique_ptr<Client>> Client::open(std::unique_ptr<world::Channel> channel) {
  std::unique_ptr<Client> client{new Client{std::move(channel)}}; // NOLINT
  // Who could not be written to may have said something before it ended, which tells more.
  auto sent = client->channel_->write(packet_bytes(Type::init, protocol, ""), patience);
  auto received = client->receive();
  if (!received || !sent)
    return !received ? std::move(received).error() : client->lost(std::move(sent).error());
  const Packet answer = std::move(received).value();
  if (answer.type != Type::version || answer.id < protocol)
    return Error{ErrorKind::failed, "the server does not speak version 3 of SFTP", ""};
  for (const std::string& name : TRY(parse_extensions(answer.body))) {
    client->can_sync_ = client->can_sync_ || name == sync_name;
    client->can_replace_ = client->can_replace_ || name == replace_name;
  }
  return client;
}

Result<> Client::exchange(const std::function<std::optional<Request>()>& next,
                          const std::function<Result<>(std::size_t, const Packet&)>& take) {
  std::map<std::uint32_t, std::size_t> waiting; // by id: the number of the request
  std::optional<Error> failed;
  std::size_t number = 0;
  for (bool is_more = true; is_more || !waiting.empty();) {
    if (is_more && waiting.size() < ahead_max) {
      const auto request = next();
      is_more = request.has_value();
      if (!is_more)
        continue;
      const std::string bytes = packet_bytes(request->type, next_id_, request->body);
      if (auto sent = channel_->write(bytes, patience); !sent)
        return lost(std::move(sent).error());
      waiting.emplace(next_id_++, number++);
      continue;
    }
    const Packet packet = TRY(receive());
    const auto found = waiting.find(packet.id);
    if (found == waiting.end()) {
      is_lost_ = true;
      return Error{ErrorKind::corrupt, "the server answers what was not asked", ""};
    }
    auto taken = take(found->second, packet);
    waiting.erase(found);
    if (!taken && !failed)
      failed = std::move(taken).error();
    is_more = is_more && !failed;
  }
  return failed ? Result<>{*std::move(failed)} : ok();
}

Result<Packet> Client::one(Type type, std::string body) {
  std::optional<Request> request{Request{type, std::move(body)}};
  Packet answer;
  TRY(exchange([&] { return std::exchange(request, std::nullopt); },
               [&](std::size_t, const Packet& packet) {
                 answer = packet;
                 return ok();
               }));
  return answer;
}

namespace {

Result<> expect_ok(const Packet& packet, const std::string& path) {
  if (packet.type != Type::status)
    return Error{ErrorKind::corrupt, "the server answers with another packet than it must", ""};
  const StatusText status = TRY(parse_status(packet.body));
  return status.status == Status::ok ? ok() : error_of(status, path);
}

// An answer of type `wanted`, or the error that it is instead.
Result<> expect(const Packet& packet, Type wanted, const std::string& path) {
  if (packet.type == wanted)
    return ok();
  TRY(expect_ok(packet, path));
  return Error{ErrorKind::corrupt, "the server answers with another packet than it must", ""};
}

bool is_status(const Packet& packet, Status wanted) {
  if (packet.type != Type::status)
    return false;
  const auto status = parse_status(packet.body);
  return status && status.value().status == wanted;
}

} // namespace

Result<> Client::done(Type type, std::string body, const std::string& path) {
  return expect_ok(TRY(one(type, std::move(body))), path);
}

Result<std::string> Client::handle_of(Type type, std::string body, const std::string& path) {
  const Packet packet = TRY(one(type, std::move(body)));
  TRY(expect(packet, Type::handle, path));
  return parse_text(packet.body);
}

Result<std::optional<Attributes>> Client::stat(const std::string& path) {
  const Packet packet = TRY(one(Type::stat, Writer{}.text(path).take()));
  if (is_status(packet, Status::no_such_file))
    return std::optional<Attributes>{};
  TRY(expect(packet, Type::attrs, path));
  return std::optional{TRY(parse_attributes(packet.body))};
}

Result<std::string> Client::read(const std::string& path, std::uint64_t offset,
                                 std::optional<std::uint64_t> bytes) {
  const std::string handle =
      TRY(handle_of(Type::open, Writer{}.text(path).number(open_read).number(0).take(), path));
  auto content = read_open(handle, offset, bytes, path);
  if (!is_lost_)
    TRY(done(Type::close, Writer{}.text(handle).take(), path));
  return content;
}

Result<std::string> Client::read_open(const std::string& handle, std::uint64_t offset,
                                      std::optional<std::uint64_t> bytes, const std::string& path) {
  if (!bytes) {
    const Packet packet = TRY(one(Type::fstat, Writer{}.text(handle).take()));
    TRY(expect(packet, Type::attrs, path));
    const std::uint64_t size = TRY(parse_attributes(packet.body)).size_bytes;
    bytes = size - std::min(offset, size);
  }
  std::string content;
  // A server may give less than it was asked for: then what is missing is asked for again.
  for (bool is_at_end = false; content.size() < *bytes && !is_at_end;) {
    std::uint64_t at = content.size();
    std::vector<std::string> pieces;
    std::vector<std::uint64_t> sizes;
    std::size_t end = SIZE_MAX; // the number of a piece that lies behind the end
    TRY(exchange(
        [&]() -> std::optional<Request> {
          if (at >= *bytes || end != SIZE_MAX)
            return std::nullopt;
          const auto size = std::min<std::uint64_t>(piece_bytes, *bytes - at);
          Request request{Type::read, Writer{}
                                          .text(handle)
                                          .number64(offset + at)
                                          .number(static_cast<std::uint32_t>(size))
                                          .take()};
          at += size;
          sizes.push_back(size);
          pieces.emplace_back();
          return request;
        },
        [&](std::size_t number, const Packet& packet) -> Result<> {
          if (is_status(packet, Status::eof)) {
            end = std::min(end, number);
            return ok();
          }
          TRY(expect(packet, Type::data, path));
          pieces[number] = TRY(parse_text(packet.body));
          if (pieces[number].empty() || pieces[number].size() > sizes[number])
            return Error{ErrorKind::corrupt, "the server gives another count of bytes than it may",
                         ""};
          return ok();
        }));
    for (std::size_t number = 0; number < pieces.size(); ++number) {
      content += pieces[number];
      is_at_end = number == end;
      if (pieces[number].size() < sizes[number])
        break;
    }
  }
  return content;
}

Result<> Client::write(const std::string& path, std::string_view bytes, std::uint32_t mode) {
  const std::string handle = TRY(handle_of(
      Type::open, Writer{}.text(path).number(open_write | open_create | open_new).mode(mode).take(),
      path));
  auto written = write_open(handle, bytes, path);
  if (is_lost_)
    return written;
  auto closed = done(Type::close, Writer{}.text(handle).take(), path);
  return written ? std::move(closed) : std::move(written);
}

Result<> Client::write_open(const std::string& handle, std::string_view bytes,
                            const std::string& path) {
  std::uint64_t at = 0;
  TRY(exchange(
      [&]() -> std::optional<Request> {
        if (at >= bytes.size())
          return std::nullopt;
        const std::string_view piece = bytes.substr(at, piece_bytes);
        Request request{Type::write, Writer{}.text(handle).number64(at).text(piece).take()};
        at += piece.size();
        return request;
      },
      [&](std::size_t, const Packet& packet) { return expect_ok(packet, path); }));
  if (can_sync_)
    TRY(done(Type::extended, Writer{}.text(sync_name).text(handle).take(), path));
  return ok();
}

Result<> Client::rename_over(const std::string& from, const std::string& to) {
  if (can_replace_)
    return done(Type::extended, Writer{}.text(replace_name).text(from).text(to).take(), to);
  auto renamed = rename_new(from, to);
  if (renamed || renamed.error().kind != ErrorKind::conflict)
    return renamed;
  TRY(remove(to));
  return rename_new(from, to);
}

Result<> Client::rename_new(const std::string& from, const std::string& to) {
  auto renamed = done(Type::rename, Writer{}.text(from).text(to).take(), to);
  if (renamed || renamed.error().kind != ErrorKind::failed || !TRY(stat(to)))
    return renamed;
  return Error{ErrorKind::conflict, "'" + to + "' is there already", ""};
}

Result<> Client::remove(const std::string& path) {
  auto removed = done(Type::remove, Writer{}.text(path).take(), path);
  return !removed && removed.error().kind == ErrorKind::not_found ? ok() : std::move(removed);
}

Result<> Client::make_folder(const std::string& path, std::uint32_t mode) {
  auto made = done(Type::mkdir, Writer{}.text(path).mode(mode).take(), path);
  if (made || made.error().kind != ErrorKind::failed || !TRY(stat(path)))
    return made;
  return Error{ErrorKind::conflict, "'" + path + "' is there already", ""};
}

Result<std::vector<std::vector<Entry>>> Client::list(const std::vector<std::string>& folders) {
  std::vector<std::vector<Entry>> all(folders.size());
  for (std::size_t at = 0; at < folders.size(); at += ahead_max)
    TRY(list_some(folders, at, std::min(ahead_max, folders.size() - at), all));
  return all;
}

Result<> Client::list_some(const std::vector<std::string>& folders, std::size_t first,
                           std::size_t count, std::vector<std::vector<Entry>>& all) {
  struct Open {
    std::size_t number;
    std::string handle;
  };
  std::vector<Open> open;
  std::size_t at = 0;
  auto opened = exchange(
      [&]() -> std::optional<Request> {
        if (at == count)
          return std::nullopt;
        return Request{Type::opendir, Writer{}.text(folders[first + at++]).take()};
      },
      [&](std::size_t number, const Packet& packet) -> Result<> {
        if (is_status(packet, Status::no_such_file))
          return ok();
        TRY(expect(packet, Type::handle, folders[first + number]));
        open.push_back({first + number, TRY(parse_text(packet.body))});
        return ok();
      });
  std::vector<Open> all_open = open;
  while (opened && !open.empty()) { // each has more
    std::vector<Open> more;
    std::size_t asked = 0;
    opened = exchange(
        [&]() -> std::optional<Request> {
          if (asked == open.size())
            return std::nullopt;
          return Request{Type::readdir, Writer{}.text(open[asked++].handle).take()};
        },
        [&](std::size_t number, const Packet& packet) -> Result<> {
          if (is_status(packet, Status::eof))
            return ok();
          TRY(expect(packet, Type::name, folders[open[number].number]));
          for (Entry& entry : TRY(parse_names(packet.body)))
            all[open[number].number].push_back(std::move(entry));
          more.push_back(open[number]);
          return ok();
        });
    open = std::move(more);
  }
  if (is_lost_)
    return opened;
  std::size_t closed = 0;
  TRY(exchange(
      [&]() -> std::optional<Request> {
        if (closed == all_open.size())
          return std::nullopt;
        return Request{Type::close, Writer{}.text(all_open[closed++].handle).take()};
      },
      [](std::size_t, const Packet&) { return ok(); }));
  return opened;
}

} // namespace repo::backend::sftp
