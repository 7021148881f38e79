#include "os/http.hpp"

#include "os/fd.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <memory>

#include <curl/curl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

namespace os {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

constexpr long redirects_max = 5;
constexpr std::size_t header_bytes_max = 64U << 10U;

struct Receiver {
  world::HttpResponse response;
  std::size_t bytes_max = 0;
  std::size_t header_bytes = 0;
};

struct Counting { // what of an exchange the traffic knows already
  world::Traffic* traffic = nullptr;
  curl_off_t sent = 0;
  curl_off_t received = 0;
};

int on_transfer(void* user, curl_off_t, curl_off_t received, curl_off_t, curl_off_t sent) {
  auto& counting = *static_cast<Counting*>(user);
  // A redirect begins to count anew.
  if (sent > counting.sent)
    counting.traffic->sent_bytes += static_cast<std::uint64_t>(sent - counting.sent);
  if (received > counting.received)
    counting.traffic->received_bytes += static_cast<std::uint64_t>(received - counting.received);
  counting.sent = sent;
  counting.received = received;
  return 0; // go on
}

void count_transfer(CURL* curl, Counting& counting) {
  if (counting.traffic == nullptr)
    return;
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_transfer);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &counting);
}

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) {
  auto& receiver = *static_cast<Receiver*>(user);
  const std::size_t bytes = size * count;
  const std::size_t room = receiver.bytes_max - receiver.response.body.size();
  receiver.response.body.append(data, std::min(bytes, room));
  if (bytes <= room)
    return bytes;
  receiver.response.is_truncated = true;
  return 0; // ends the transfer; we have what we wanted of it
}

std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  while (!text.empty() && is_space(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && is_space(text.back()))
    text.remove_suffix(1);
  return text;
}

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* user) {
  auto& receiver = *static_cast<Receiver*>(user);
  const std::string_view line{data, size * count};
  if (line.starts_with("HTTP/"))
    receiver.response.headers.clear(); // of the answer before a redirect
  receiver.header_bytes += line.size();
  if (receiver.header_bytes > header_bytes_max)
    return 0;
  const auto colon = line.find(':');
  if (colon == std::string_view::npos)
    return line.size();
  std::string name{line.substr(0, colon)};
  std::ranges::transform(name, name.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  receiver.response.headers.emplace_back(std::move(name),
                                         std::string{trimmed(line.substr(colon + 1))});
  return line.size();
}

void set_options(CURL* curl, const world::HttpRequest& request, curl_slist* headers,
                 Receiver& receiver) {
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, request.follow_redirects ? 1L : 0L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, redirects_max);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  if (request.is_kept_alive) { // much is sent and received: fewer, larger steps
    curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 512L << 10U);
    curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, 512L << 10U);
  }
  if (request.stall.count() > 0) {
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME,
                     std::max(1L, static_cast<long>(request.stall.count() / 1000)));
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.stall.count()));
  }
  if (!request.ca_file.empty())
    curl_easy_setopt(curl, CURLOPT_CAINFO, request.ca_file.c_str());
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_NOPROXY,
                   request.unix_socket.empty() ? "localhost,127.0.0.0/8,::1" : "*");
  if (!request.unix_socket.empty())
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, request.unix_socket.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "belay");
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &receiver);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &receiver);
  if (request.method == "HEAD") {
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  } else if (request.method != "GET" || !request.body.empty()) {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
}

} // namespace

namespace {

Effects& no_effects() {
  static NoEffects none;
  return none;
}

} // namespace

Http::Http(Effects& effects) : effects_{effects} {
  CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}
Http::Http() : Http{no_effects()} {}
Http::~Http() {
  for (void* each : idle_)
    curl_easy_cleanup(each);
  curl_global_cleanup();
}

// One of libcurl's handles for one exchange. What is kept open comes from those that are idle, and
// goes back there.
class Http::Handle {
public:
  Handle(Http& of, bool is_kept) : of_{of}, is_kept_{is_kept} {
    if (is_kept) {
      const std::scoped_lock guard{of_.mutex_};
      if (!of_.idle_.empty()) {
        curl_ = of_.idle_.back();
        of_.idle_.pop_back();
      }
    }
    if (curl_ == nullptr)
      curl_ = curl_easy_init();
    CHECK(curl_ != nullptr);
  }
  ~Handle() {
    if (!is_kept_) {
      curl_easy_cleanup(curl_);
      return;
    }
    curl_easy_reset(curl_); // forgets what it was asked, not the connections
    const std::scoped_lock guard{of_.mutex_};
    of_.idle_.push_back(curl_);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  CURL* get() const { return curl_; }

private:
  Http& of_;
  bool is_kept_;
  CURL* curl_ = nullptr;
};

namespace {

Error error_of_curl(CURLcode code, const char* why, const std::string& url) {
  const std::string said = why[0] != '\0' ? why : curl_easy_strerror(code);
  if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT)
    return {ErrorKind::invalid_input, "'" + url + "' is not an http or https URL", ""};
  if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
    return {ErrorKind::failed, said,
            "The certificate of the server is not one that this machine trusts."};
  return {ErrorKind::unavailable, said, ""};
}

Error error_of_socket(CURL* curl, const std::string& path) {
  long number = 0;
  curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &number);
  const int why = static_cast<int>(number);
  const std::string said = "'" + path + "': " + std::strerror(why);
  if (why == ENOENT || why == ECONNREFUSED || why == ENOTDIR)
    return {ErrorKind::not_found, said, ""};
  return {why == EACCES || why == EPERM ? ErrorKind::failed : ErrorKind::unavailable, said, ""};
}

bool is_change(const world::HttpRequest& request) {
  return !request.unix_socket.empty() && request.method != "GET" && request.method != "HEAD";
}

} // namespace

Result<world::HttpResponse> Http::exchange(const world::HttpRequest& request) {
  if (!is_change(request))
    return perform(request);
  const EffectScope effect{effects_, "http." + request.method, request.url};
  return perform(request);
}

Result<world::HttpResponse> Http::perform(const world::HttpRequest& request) {
  const Handle curl{*this, request.is_kept_alive};
  curl_slist* list = nullptr;
  for (const auto& [name, value] : request.headers)
    list = curl_slist_append(list, (name + ": " + value).c_str());
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers{list,
                                                                            &curl_slist_free_all};
  Receiver receiver;
  receiver.bytes_max = request.body_bytes_max;
  set_options(curl.get(), request, headers.get(), receiver);
  Counting counting{.traffic = request.traffic};
  count_transfer(curl.get(), counting);
  std::array<char, CURL_ERROR_SIZE> why{};
  curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, why.data());
  const CURLcode code = curl_easy_perform(curl.get());
  const bool was_cut = code == CURLE_WRITE_ERROR && receiver.response.is_truncated;
  if (code == CURLE_COULDNT_CONNECT && !request.unix_socket.empty())
    return error_of_socket(curl.get(), request.unix_socket);
  if (code != CURLE_OK && !was_cut)
    return error_of_curl(code, why.data(), request.url);
  long status = 0;
  curl_off_t micros = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(curl.get(), CURLINFO_TOTAL_TIME_T, &micros);
  receiver.response.status = static_cast<int>(status);
  receiver.response.elapsed = world::Milliseconds{micros / 1000};
  return std::move(receiver.response);
}

namespace {

std::size_t on_upload(char* data, std::size_t size, std::size_t count, void* user) {
  auto& rest = *static_cast<std::string_view*>(user);
  const std::size_t bytes = std::min(size * count, rest.size());
  std::memcpy(data, rest.data(), bytes);
  rest.remove_prefix(bytes);
  return bytes;
}

} // namespace

Result<> Http::send(const world::Mail& mail) {
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl{curl_easy_init(),
                                                                 &curl_easy_cleanup};
  CHECK(curl != nullptr);
  curl_slist* list = nullptr;
  for (const std::string& receiver : mail.to)
    list = curl_slist_append(list, receiver.c_str());
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> receivers{list,
                                                                              &curl_slist_free_all};
  std::string_view rest = mail.text;
  curl_easy_setopt(curl.get(), CURLOPT_URL, mail.server.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(curl.get(), CURLOPT_USE_SSL,
                   static_cast<long>(mail.password.empty() ? CURLUSESSL_TRY : CURLUSESSL_ALL));
  if (!mail.user.empty()) {
    curl_easy_setopt(curl.get(), CURLOPT_USERNAME, mail.user.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_PASSWORD, mail.password.c_str());
  }
  curl_easy_setopt(curl.get(), CURLOPT_MAIL_FROM, mail.from.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_MAIL_RCPT, receivers.get());
  curl_easy_setopt(curl.get(), CURLOPT_READFUNCTION, on_upload);
  curl_easy_setopt(curl.get(), CURLOPT_READDATA, &rest);
  curl_easy_setopt(curl.get(), CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(mail.timeout.count()));
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  std::array<char, CURL_ERROR_SIZE> why{};
  curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, why.data());
  const CURLcode code = curl_easy_perform(curl.get());
  if (code != CURLE_OK)
    return Error{ErrorKind::unavailable, why[0] != '\0' ? why.data() : curl_easy_strerror(code),
                 ""};
  return ok();
}

namespace {

Error unreachable(int number) {
  return {ErrorKind::unavailable, std::strerror(number), ""};
}

Result<> connect_to(const addrinfo& address, world::Milliseconds timeout) {
  const Fd socket{::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!socket)
    return unreachable(errno);
  if (::connect(socket.get(), address.ai_addr, address.ai_addrlen) == 0)
    return ok();
  if (errno != EINPROGRESS)
    return unreachable(errno);
  pollfd wait{socket.get(), POLLOUT, 0};
  if (::poll(&wait, 1, static_cast<int>(timeout.count())) != 1)
    return unreachable(ETIMEDOUT);
  int failed = 0;
  socklen_t size = sizeof failed;
  ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &failed, &size);
  if (failed != 0)
    return unreachable(failed);
  return ok();
}

} // namespace

Result<> Http::connect(const std::string& host, int port, world::Milliseconds timeout) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string service = std::to_string(port);
  if (const int failed = ::getaddrinfo(host.c_str(), service.c_str(), &wanted, &found); failed != 0)
    return Error{ErrorKind::unavailable, "'" + host + "': " + ::gai_strerror(failed), ""};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all{found, &::freeaddrinfo};
  Result<> last = Error{ErrorKind::unavailable, "'" + host + "' has no address", ""};
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    last = connect_to(*at, timeout);
    if (last)
      return last;
  }
  return last;
}

} // namespace os
