#include "drivers/docker/client.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <charconv>

namespace drivers::docker {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using world::Milliseconds;

namespace {

constexpr int version_min = 140; // Docker 19.03
constexpr int version_max = 147; // what this was written for; a newer engine speaks it too
constexpr Milliseconds restart_patience{20'000};
constexpr Milliseconds again_every{250};

// What the engine says of a failure, in one line.
std::string said(const world::HttpResponse& response) {
  const Json body = Json::parse(response.body, nullptr, false);
  std::string words = text(body, "message");
  if (words.empty())
    words = response.body.substr(0, 300);
  std::ranges::replace(words, '\n', ' ');
  while (words.ends_with(' '))
    words.pop_back();
  return base::printable(words.empty() ? "status " + std::to_string(response.status) : words);
}

Error refused(const world::HttpResponse& response) {
  const std::string words = said(response);
  switch (response.status) {
  case 400: return {ErrorKind::invalid_input, "the engine refuses: " + words, ""};
  case 404: return {ErrorKind::not_found, words, ""};
  case 409: return {ErrorKind::conflict, words, ""};
  default: break;
  }
  return {words.contains("no space left") ? ErrorKind::no_space : ErrorKind::failed,
          "the engine says: " + words, ""};
}

bool is_good(const world::HttpResponse& response) {
  return (response.status >= 200 && response.status < 300) || response.status == 304;
}

Error no_engine(const Error& why, const std::string& socket) {
  if (why.kind == ErrorKind::not_found)
    return {ErrorKind::unavailable, "no container engine listens at " + why.message,
            "Start it (systemctl start docker), or name its socket with `docker_socket:`."};
  if (why.kind == ErrorKind::failed)
    return {ErrorKind::unavailable, "belay may not talk to the container engine: " + why.message,
            "Run belay as root, or as a member of the group that owns the socket."};
  return {ErrorKind::unavailable,
          "the container engine at '" + socket + "' does not answer: " + why.message,
          "Look at it: systemctl status docker."};
}

// "sha256:..." and names may stand in a path; what else could end it may not.
std::string at(const std::string& id, std::string_view rest) {
  return "/containers/" + escaped(id) + std::string{rest};
}

} // namespace

std::string escaped(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
        std::string_view{"-._~/:@"}.contains(c)) {
      out += c;
    } else {
      out += '%';
      out += digits[byte >> 4U];
      out += digits[byte & 15U];
    }
  }
  return out;
}

int version_number(std::string_view text) {
  int major = 0;
  int minor = 0;
  const char* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, major);
  if (first.ec != std::errc{} || first.ptr == end || *first.ptr != '.')
    return 0;
  const auto second = std::from_chars(first.ptr + 1, end, minor);
  return second.ec == std::errc{} && minor < 100 ? major * 100 + minor : 0;
}

Result<std::string> agreed_version(std::string_view offered) {
  const int newest = version_number(offered);
  if (newest < version_min)
    return Error{ErrorKind::invalid_input,
                 "the container engine speaks version '" + base::printable(offered) +
                     "' of its API, belay needs 1.40",
                 "Bring the engine to Docker 19.03, Podman 3, or newer."};
  const int agreed = std::min(newest, version_max);
  return std::to_string(agreed / 100) + "." + std::to_string(agreed % 100);
}

Result<Streams> unframed(std::string_view bytes) {
  Streams streams;
  constexpr std::size_t header = 8;
  while (!bytes.empty()) {
    if (bytes.size() < header || static_cast<unsigned char>(bytes[0]) > 2)
      return Error{ErrorKind::corrupt, "the engine's streams are not framed as they should be", ""};
    std::size_t size = 0;
    for (std::size_t i = 4; i < header; ++i)
      size = size << 8U | static_cast<unsigned char>(bytes[i]);
    const std::string_view part = bytes.substr(header, size); // the last one may be cut off
    (bytes[0] == 2 ? streams.err : streams.out) += part;
    streams.both += part;
    bytes.remove_prefix(std::min(bytes.size(), header + size));
  }
  return streams;
}

Result<world::HttpResponse> Client::send(const Call& call, const std::string& version) {
  world::HttpRequest request;
  request.method = call.method;
  request.url = "http://docker" + (version.empty() ? "" : "/v" + version) + call.path;
  request.body = call.body;
  if (!call.body.empty())
    request.headers.emplace_back("Content-Type", "application/json");
  request.timeout = call.timeout;
  request.body_bytes_max = call.bytes_max;
  request.unix_socket = socket_;
  return world_.http.exchange(request);
}

Result<> Client::negotiate() {
  if (!version_.empty())
    return ok();
  const auto answer = send({.path = "/_ping", .timeout = Milliseconds{10'000}}, "");
  if (!answer)
    return no_engine(answer.error(), socket_);
  for (const auto& [name, value] : answer.value().headers)
    if (name == "api-version") {
      version_ = TRY(agreed_version(value));
      return ok();
    }
  return Error{ErrorKind::unavailable, "what listens at '" + socket_ + "' is no container engine",
               "Name the engine's socket with `docker_socket:`."};
}

Result<> Client::check() {
  return negotiate();
}

Result<world::HttpResponse> Client::ask(const Call& call) {
  const bool has_answered = !version_.empty();
  TRY(negotiate());
  const auto deadline = world_.clock.monotonic() + restart_patience;
  for (;;) {
    auto answer = send(call, version_);
    if (answer)
      return answer;
    const bool was_not_sent = answer.error().kind == ErrorKind::not_found;
    if (!was_not_sent && call.method != "GET")
      return Error{ErrorKind::unknown_outcome,
                   "the container engine went away in the middle of a change: " +
                       answer.error().message,
                   ""};
    if (!has_answered || !was_not_sent || world_.clock.stop_requested() ||
        world_.clock.monotonic() >= deadline)
      return no_engine(answer.error(), socket_);
    world_.clock.sleep_for(again_every);
  }
}

Result<Json> Client::ask_json(const Call& call) {
  const world::HttpResponse response = TRY(ask(call));
  if (!is_good(response))
    return refused(response);
  Json parsed = Json::parse(response.body, nullptr, false);
  if (parsed.is_discarded() || response.is_truncated)
    return Error{ErrorKind::corrupt, "the container engine's answer is not JSON", ""};
  return parsed;
}

Result<std::optional<Json>> Client::find(const std::string& path) {
  auto found = ask_json({.path = path});
  if (!found && found.error().kind == ErrorKind::not_found)
    return std::optional<Json>{};
  return std::optional{TRY(std::move(found))};
}

Result<> Client::change(const Call& call) {
  const world::HttpResponse response = TRY(ask(call));
  if (!is_good(response))
    return refused(response);
  return ok();
}

Result<std::vector<Json>> Client::containers() {
  const Json all = TRY(ask_json({.path = "/containers/json?all=1"}));
  if (!all.is_array())
    return Error{ErrorKind::corrupt, "the container engine's list is none", ""};
  return all.get<std::vector<Json>>();
}

Result<std::optional<Json>> Client::container(const std::string& id_or_name) {
  return find(at(id_or_name, "/json"));
}

Result<std::string> Client::create(const std::string& name, const Json& body) {
  const Json made = TRY(ask_json({.method = "POST",
                                  .path = "/containers/create?name=" + escaped(name),
                                  .body = body.dump(),
                                  .timeout = Milliseconds{120'000}}));
  return text(made, "Id");
}

Result<> Client::rename(const std::string& id, const std::string& name) {
  return change({.method = "POST", .path = at(id, "/rename?name=" + escaped(name))});
}

Result<> Client::start(const std::string& id) {
  return change({.method = "POST", .path = at(id, "/start"), .timeout = Milliseconds{120'000}});
}

Result<> Client::stop(const std::string& id, Milliseconds timeout) {
  const auto seconds = std::max<long>(1, (timeout.count() + 999) / 1000);
  auto asked = change({.method = "POST",
                       .path = at(id, "/stop?t=" + std::to_string(seconds)),
                       .timeout = Milliseconds{seconds * 1000 + 30'000}});
  return !asked && asked.error().kind == ErrorKind::not_found ? ok() : asked;
}

Result<> Client::kill(const std::string& id) {
  auto asked = change({.method = "POST", .path = at(id, "/kill")});
  const bool is_gone = !asked && (asked.error().kind == ErrorKind::not_found ||
                                  asked.error().kind == ErrorKind::conflict); // does not run
  return is_gone ? ok() : asked;
}

Result<> Client::unpause(const std::string& id) {
  return change({.method = "POST", .path = at(id, "/unpause")});
}

Result<> Client::set_restart_policy(const std::string& id, const Json& policy) {
  return change({.method = "POST",
                 .path = at(id, "/update"),
                 .body = Json{{"RestartPolicy", policy}}.dump()});
}

Result<> Client::remove(const std::string& id) {
  auto asked = change({.method = "DELETE", .path = at(id, ""), .timeout = Milliseconds{120'000}});
  return !asked && asked.error().kind == ErrorKind::not_found ? ok() : asked;
}

Result<std::string> Client::logs(const std::string& id, int lines, const std::string& since,
                                 std::size_t bytes_max) {
  const auto found = TRY(container(id));
  if (!found)
    return std::string{};
  std::string path = at(id, "/logs?stdout=1&stderr=1&tail=" + std::to_string(lines));
  if (const auto time = base::parse_time(since); !since.empty() && time)
    path += "&since=" + std::to_string(std::chrono::duration_cast<std::chrono::seconds>(
                                           time.value().time_since_epoch())
                                           .count());
  const world::HttpResponse response = TRY(ask({.path = path}));
  if (!is_good(response)) // a log driver that cannot be read back is no failure of the service
    return "(its log cannot be read: " + said(response) + ")";
  const bool is_raw = truth(part(*found, "Config"), "Tty");
  std::string log = is_raw ? response.body : TRY(unframed(response.body)).both;
  return log.size() > bytes_max ? log.substr(log.size() - bytes_max) : log;
}

Result<std::vector<int>> Client::pids(const std::string& id) {
  std::vector<int> all;
  const Json top = TRY(ask_json({.path = at(id, "/top?ps_args=-o%20pid")}));
  for (const Json& row : list(top, "Processes"))
    if (row.is_array() && !row.empty() && row[0].is_string())
      all.push_back(std::atoi(row[0].get_ref<const std::string&>().c_str()));
  return all;
}

Result<ExecResult> Client::exec(const std::string& id, const std::vector<std::string>& argv,
                                Milliseconds timeout, std::size_t bytes_max) {
  const Json wanted{{"Cmd", argv}, {"AttachStdout", true}, {"AttachStderr", true}};
  const Json made =
      TRY(ask_json({.method = "POST", .path = at(id, "/exec"), .body = wanted.dump()}));
  const std::string exec = text(made, "Id");
  const world::HttpResponse response =
      TRY(ask({.method = "POST",
               .path = "/exec/" + escaped(exec) + "/start",
               .body = Json{{"Detach", false}, {"Tty", false}}.dump(),
               .timeout = timeout,
               .bytes_max = bytes_max}));
  if (!is_good(response))
    return refused(response);
  if (response.is_truncated)
    return Error{ErrorKind::failed,
                 "'" + argv.front() + "' says more than " + base::format_bytes(bytes_max), ""};
  Streams streams = TRY(unframed(response.body));
  const Json ended = TRY(ask_json({.path = "/exec/" + escaped(exec) + "/json"}));
  if (!ended.contains("ExitCode") || !ended["ExitCode"].is_number_integer())
    return Error{ErrorKind::unknown_outcome, "'" + argv.front() + "' has not ended", ""};
  return ExecResult{ended["ExitCode"].get<int>(), std::move(streams.out), std::move(streams.err)};
}

Result<std::optional<Json>> Client::image(const std::string& reference) {
  return find("/images/" + escaped(reference) + "/json");
}

Result<> Client::pull(const std::string& reference, Milliseconds timeout) {
  const world::HttpResponse response =
      TRY(ask({.method = "POST",
               .path = "/images/create?fromImage=" + escaped(reference),
               .timeout = timeout}));
  if (!is_good(response))
    return refused(response);
  // Told line by line, and the status is 200 whatever happens.
  for (const std::string& line : base::split(response.body, '\n'))
    if (const Json told = Json::parse(line, nullptr, false); !text(told, "error").empty())
      return Error{ErrorKind::failed,
                   "the engine cannot pull '" + reference +
                       "': " + base::printable(text(told, "error")),
                   ""};
  return ok();
}

Result<> Client::tag(const std::string& id, const std::string& repository, const std::string& tag) {
  return change({.method = "POST",
                 .path = "/images/" + escaped(id) + "/tag?repo=" + escaped(repository) +
                         "&tag=" + escaped(tag)});
}

Result<> Client::untag(const std::string& name) {
  auto asked = change({.method = "DELETE",
                       .path = "/images/" + escaped(name) + "?noprune=true",
                       .timeout = Milliseconds{120'000}});
  return !asked && asked.error().kind == ErrorKind::not_found ? ok() : asked;
}

Result<std::optional<Json>> Client::volume(const std::string& name) {
  return find("/volumes/" + escaped(name));
}

Result<> Client::connect(const std::string& network, const std::string& container,
                         const Json& endpoint) {
  return change({.method = "POST",
                 .path = "/networks/" + escaped(network) + "/connect",
                 .body = Json{{"Container", container}, {"EndpointConfig", endpoint}}.dump()});
}

Result<bool> Client::creates_with_networks() {
  TRY(negotiate());
  return version_number(version_) >= 144;
}

} // namespace drivers::docker
