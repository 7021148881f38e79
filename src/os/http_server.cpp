#include "os/http_server.hpp"

#include "os/fd.hpp"
#include "os/http_connections.hpp"
#include "os/http_sockets.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace os {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using world::ServedResponse;

namespace {

// Line and headers of one request. Of more than 32 KiB the library maps pages for each connection:
// an idle one touches few of them, and gives them back when it goes.
constexpr std::size_t request_bytes_max = 36U << 10U;

void add_header(MHD_Response* response, const std::string& name, const std::string& value) {
  MHD_add_response_header(response, name.c_str(), value.c_str());
}

const ServedResponse ambiguous{.status = 400,
                               .content_type = "text/plain; charset=utf-8",
                               .headers = {{"Connection", "close"}},
                               .body = "where the body ends is said twice, or not clearly\n",
                               .later = {},
                               .more = {}};

const ServedResponse too_busy{.status = 503,
                              .content_type = "text/plain; charset=utf-8",
                              .headers = {{"Retry-After", "5"}},
                              .body = "too many wait for an answer: try again\n",
                              .later = {},
                              .more = {}};

// Connections that wait for what is not there yet: they are put aside, and asked again 20 times a
// second by a thread of its own, which sleeps while there are none.
class Waiting {
public:
  explicit Waiting(std::size_t count_max) : count_max_{count_max} {}
  ~Waiting() { end(); }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

  void begin() {
    thread_ = std::thread{[this] { run(); }};
  }
  // Nobody waits any more when it returns.
  void end() {
    {
      const std::lock_guard held{mutex_};
      has_ended_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable())
      thread_.join();
    resume_all();
  }
  // One more answer that is given later; false: there are too many.
  bool enter() {
    const std::lock_guard held{mutex_};
    if (has_ended_ || count_ >= count_max_)
      return false;
    ++count_;
    return true;
  }
  void leave() {
    const std::lock_guard held{mutex_};
    --count_;
  }
  // false: the server ends, and nobody may wait.
  bool put_aside(MHD_Connection* connection) {
    const std::lock_guard held{mutex_};
    if (has_ended_)
      return false;
    MHD_suspend_connection(connection);
    aside_.push_back(connection);
    changed_.notify_all();
    return true;
  }

private:
  void resume_all() {
    std::vector<MHD_Connection*> all;
    const std::lock_guard held{mutex_};
    all.swap(aside_);
    for (MHD_Connection* connection : all)
      MHD_resume_connection(connection);
  }
  void run() {
    for (;;) {
      {
        std::unique_lock held{mutex_};
        changed_.wait(held, [this] { return has_ended_ || !aside_.empty(); });
        changed_.wait_for(held, std::chrono::milliseconds{50}, [this] { return has_ended_; });
        if (has_ended_)
          return;
      }
      resume_all();
    }
  }

  std::size_t count_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<MHD_Connection*> aside_;
  std::size_t count_ = 0;
  bool has_ended_ = false;
  std::thread thread_;
};

// One request from its first header to its end.
struct Request {
  world::ServedRequest asked;
  bool is_ambiguous = false; // where its body ends
  std::function<std::optional<ServedResponse>()> later;
};

// What libmicrohttpd asks for the rest of a body.
struct Stream {
  Waiting* waiting = nullptr;
  MHD_Connection* connection = nullptr;
  std::string buffer;
  std::function<std::optional<std::string>()> more;

  static ssize_t read(void* self, std::uint64_t /*position*/, char* to, std::size_t bytes_max) {
    auto& stream = *static_cast<Stream*>(self);
    if (stream.buffer.empty()) {
      auto next = stream.more();
      if (!next)
        return MHD_CONTENT_READER_END_OF_STREAM;
      stream.buffer = *std::move(next);
    }
    if (stream.buffer.empty())
      return stream.waiting->put_aside(stream.connection) ? 0 : MHD_CONTENT_READER_END_OF_STREAM;
    const std::size_t count = std::min(bytes_max, stream.buffer.size());
    std::memcpy(to, stream.buffer.data(), count);
    stream.buffer.erase(0, count);
    return static_cast<ssize_t>(count);
  }
  static void drop(void* self) {
    const std::unique_ptr<Stream> stream{static_cast<Stream*>(self)};
    stream->waiting->leave();
  }
};

MHD_Result take_framing(void* all, MHD_ValueKind /*kind*/, const char* name, const char* value) {
  for (const char* wanted : {"content-length", "transfer-encoding"})
    if (::strcasecmp(name, wanted) == 0)
      static_cast<std::vector<std::string>*>(all)->emplace_back(value == nullptr ? "" : value);
  return MHD_YES;
}

// The library takes the first of two lengths, and what it does not know of an encoding for none;
// what stands before us may think otherwise, and take the rest for another request.
bool is_ambiguously_framed(MHD_Connection* connection) {
  std::vector<std::string> framing;
  MHD_get_connection_values(connection, MHD_HEADER_KIND, &take_framing, &framing);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return framing.size() > 1 ||
         (framing.size() == 1 && ::strcasecmp(framing[0].c_str(), "chunked") != 0 &&
          (framing[0].empty() || !std::ranges::all_of(framing[0], is_digit)));
}

std::string small_letters(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

std::optional<std::uint32_t> user_of_peer(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return std::nullopt;
  return peer.uid;
}

// Whoever has an address of IPv6 has a whole network of them.
std::string words_of(const sockaddr& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.sa_family == AF_INET) {
    const auto& four = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &four.sin_addr, text.data(), text.size());
    return text.data();
  }
  if (address.sa_family != AF_INET6)
    return "";
  in6_addr six = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&six)) {
    ::inet_ntop(AF_INET, &six.s6_addr[12], text.data(), text.size());
    return text.data();
  }
  const bool is_one = IN6_IS_ADDR_LOOPBACK(&six);
  if (!is_one)
    std::memset(&six.s6_addr[8], 0, 8);
  ::inet_ntop(AF_INET6, &six, text.data(), text.size());
  return std::string{text.data()} + (is_one ? "" : "/64");
}

// What libmicrohttpd calls: C, so nothing may be thrown out of it.
class Served final : public world::Listening {
public:
  Served(world::Answer answer, const world::ListenSpec& spec)
      : answer_{std::move(answer)}, spec_{spec}, waiting_{spec.waiting_max},
        connections_{spec.connections_max, std::chrono::seconds{spec.idle_seconds_max}} {}
  ~Served() override {
    waiting_.end();
    connections_.end();
    if (daemon_ != nullptr)
      MHD_stop_daemon(daemon_);
    if (!spec_.socket_path.empty())
      ::unlink(spec_.socket_path.c_str());
  }
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;

  Result<> begin(Fd socket, int port) {
    port_ = port;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;
    if (spec_.tls) {
      flags |= MHD_USE_TLS;
      TRY(use(*spec_.tls));
      spec_.tls.reset(); // the key is held once
    }
    daemon_ = MHD_start_daemon(
        flags, 0, nullptr, nullptr, &Served::on_request, this, MHD_OPTION_LISTEN_SOCKET,
        socket.get(), MHD_OPTION_CONNECTION_LIMIT, spec_.connections_max,
        MHD_OPTION_CONNECTION_TIMEOUT, spec_.idle_seconds_max, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        request_bytes_max, MHD_OPTION_NOTIFY_COMPLETED, &Served::on_end, this,
        MHD_OPTION_NOTIFY_CONNECTION, &Served::on_connection, this, MHD_OPTION_HTTPS_PRIORITIES,
        tls_priorities, MHD_OPTION_HTTPS_CERT_CALLBACK2, &Served::on_handshake, MHD_OPTION_END);
    if (daemon_ == nullptr)
      return Error{ErrorKind::failed, "unable to serve HTTP", ""};
    socket.release(); // the daemon closes it
    waiting_.begin();
    connections_.begin();
    return ok();
  }
  int port() const override { return port_; }

  Result<world::TimePoint> use(const world::TlsPair& pair) override {
    auto fresh = TRY(TlsCertificate::read(pair));
    const world::TimePoint expires = fresh->expires();
    const std::lock_guard held{mutex_};
    certificate_ = std::move(fresh);
    return expires;
  }

private:
  static HeldConnection* held_by(MHD_Connection* connection) {
    const MHD_ConnectionInfo* info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == nullptr ? nullptr : static_cast<HeldConnection*>(info->socket_context);
  }

  static void on_connection(void* self, MHD_Connection* connection, void** context,
                            MHD_ConnectionNotificationCode code) {
    auto& served = *static_cast<Served*>(self);
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
      served.connections_.close(static_cast<HeldConnection*>(*context));
      return;
    }
    const MHD_ConnectionInfo* info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    HeldConnection* held = served.connections_.open(info->connect_fd);
    const std::lock_guard lock{served.mutex_};
    held->certificate = served.certificate_; // also when another one is used in its handshake
    *context = held;
  }

  static int on_handshake(gnutls_session_t session, const gnutls_cert_retr_st* /*asked*/,
                          gnutls_pcert_st** chain, unsigned* count, gnutls_ocsp_data_st** /*ocsp*/,
                          unsigned* ocsp_count, gnutls_privkey_t* key, unsigned* flags) {
    const auto* held = held_by(static_cast<MHD_Connection*>(gnutls_session_get_ptr(session)));
    if (held == nullptr || !held->certificate)
      return -1;
    held->certificate->give(chain, count, key);
    *ocsp_count = 0;
    *flags = 0; // it stays ours
    return 0;
  }

  static MHD_Result take_pair(void* pairs, MHD_ValueKind kind, const char* name,
                              const char* value) {
    const std::string text = value == nullptr ? "" : value;
    static_cast<std::vector<std::pair<std::string, std::string>>*>(pairs)->emplace_back(
        kind == MHD_HEADER_KIND ? small_letters(name) : name, text);
    return MHD_YES;
  }

  static void on_end(void* self, MHD_Connection* connection, void** state,
                     MHD_RequestTerminationCode /*why*/) {
    auto& served = *static_cast<Served*>(self);
    const std::unique_ptr<Request> request{static_cast<Request*>(*state)};
    *state = nullptr;
    if (request && request->later)
      served.waiting_.leave();
    served.connections_.hurry(held_by(connection)); // with the next request
  }

  static MHD_Result on_request(void* self, MHD_Connection* connection, const char* url,
                               const char* method, const char* /*version*/, const char* data,
                               std::size_t* data_bytes, void** state) {
    auto& served = *static_cast<Served*>(self);
    if (*state == nullptr) { // the first call of a request only says that its headers are there
      auto fresh = std::make_unique<Request>();
      fresh->asked.method = method;
      fresh->asked.path = url;
      take_asker(fresh->asked, connection, !served.spec_.socket_path.empty());
      fresh->is_ambiguous = is_ambiguously_framed(connection);
      *state = fresh.release();
      return MHD_YES;
    }
    auto& request = *static_cast<Request*>(*state);
    if (*data_bytes != 0) {
      world::ServedRequest& asked = request.asked;
      asked.is_body_too_large =
          asked.is_body_too_large || asked.body.size() + *data_bytes > served.spec_.body_bytes_max;
      if (asked.is_body_too_large)
        asked.body.clear();
      else
        asked.body.append(data, *data_bytes);
      *data_bytes = 0;
      return MHD_YES;
    }
    return served.respond(connection, request);
  }

  static void take_asker(world::ServedRequest& asked, MHD_Connection* connection, bool is_unix) {
    const auto kind =
        is_unix ? MHD_CONNECTION_INFO_CONNECTION_FD : MHD_CONNECTION_INFO_CLIENT_ADDRESS;
    const MHD_ConnectionInfo* info = MHD_get_connection_info(connection, kind);
    if (info == nullptr)
      return; // then nobody is known to ask
    if (is_unix)
      asked.user = user_of_peer(info->connect_fd);
    else
      asked.peer = words_of(*info->client_addr);
  }

  MHD_Result respond(MHD_Connection* connection, Request& request) {
    if (request.later) {
      auto answer = request.later();
      if (answer)
        return queue(connection, *std::move(answer));
      return waiting_.put_aside(connection) ? MHD_YES : queue(connection, too_busy);
    }
    if (request.is_ambiguous)
      return queue(connection, ambiguous);
    MHD_get_connection_values(connection, MHD_HEADER_KIND, &Served::take_pair,
                              &request.asked.headers);
    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, &Served::take_pair,
                              &request.asked.query);
    ServedResponse answer = answer_(request.asked);
    if (!answer.later)
      return queue(connection, std::move(answer));
    if (!waiting_.enter())
      return queue(connection, too_busy);
    request.later = std::move(answer.later);
    connections_.spare(held_by(connection));
    return respond(connection, request);
  }

  MHD_Result queue(MHD_Connection* connection, ServedResponse answer) {
    if (answer.more && !waiting_.enter())
      answer = too_busy;
    MHD_Response* response = nullptr;
    const bool is_stream = static_cast<bool>(answer.more);
    if (is_stream) {
      auto stream = std::make_unique<Stream>(
          Stream{&waiting_, connection, std::move(answer.body), std::move(answer.more)});
      response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, &Stream::read,
                                                   stream.get(), &Stream::drop);
      if (response != nullptr)
        stream.release();
      else
        waiting_.leave();
    } else {
      response = MHD_create_response_from_buffer(answer.body.size(), answer.body.data(),
                                                 MHD_RESPMEM_MUST_COPY);
    }
    if (response == nullptr)
      return MHD_NO;
    if (is_stream)
      connections_.spare(held_by(connection));
    else
      connections_.hurry(held_by(connection)); // it must take the answer
    add_header(response, "Content-Type", answer.content_type);
    add_header(response, "Cache-Control", "no-store");
    for (const auto& [name, value] : answer.headers)
      add_header(response, name, value);
    const MHD_Result queued =
        MHD_queue_response(connection, static_cast<unsigned>(answer.status), response);
    MHD_destroy_response(response);
    return queued;
  }

  world::Answer answer_;
  world::ListenSpec spec_;
  Waiting waiting_;
  HttpConnections connections_;
  std::mutex mutex_; // of the certificate: another thread puts a new one in its place
  std::shared_ptr<const TlsCertificate> certificate_;
  MHD_Daemon* daemon_ = nullptr;
  int port_ = 0;
};

// Each connection is a descriptor; the usual soft limit is 1,024. How many there may be, at most
// `wanted`, beside `others`.
unsigned allow_descriptors(unsigned wanted, unsigned others) {
  constexpr unsigned kept = 256; // for files, and what is started
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return wanted;
  const rlim_t all = rlim_t{wanted} + others + kept;
  if (limit.rlim_cur < all) {
    limit.rlim_cur = std::min<rlim_t>(all, limit.rlim_max);
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  const rlim_t taken = rlim_t{others} + kept;
  const rlim_t left = limit.rlim_cur > taken ? limit.rlim_cur - taken : 0;
  return static_cast<unsigned>(std::clamp<rlim_t>(left, std::min(wanted, 64U), wanted));
}

} // namespace

Result<std::unique_ptr<world::Listening>> HttpServer::listen(const world::ListenSpec& spec,
                                                             world::Answer answer) {
  CHECK(spec.socket_path.empty() != spec.address.empty());
  world::ListenSpec bounded = spec;
  bounded.connections_max = allow_descriptors(spec.connections_max, connections_promised_);
  connections_promised_ += bounded.connections_max;
  int port = spec.port;
  Fd socket = spec.socket_path.empty() ? TRY(listen_tcp(spec.address, port))
                                       : TRY(listen_unix(spec.socket_path));
  auto served = std::make_unique<Served>(std::move(answer), bounded);
  TRY(served->begin(std::move(socket), spec.socket_path.empty() ? port : 0));
  return std::unique_ptr<world::Listening>{std::move(served)};
}

} // namespace os
