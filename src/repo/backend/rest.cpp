#include "repo/backend/rest.hpp"

#include "repo/backend/web.hpp"
#include "repo/format/json.hpp"

#include <algorithm>
#include <charconv>

namespace repo::backend {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using world::HttpRequest;
using world::HttpResponse;

namespace {

constexpr std::string_view version_2 = "application/vnd.x.restic.rest.v2";

// As text_of(), but packs are not spread over folders: that is the server's affair.
std::string path_of(const FileName& name) {
  return name.kind == FileKind::pack ? "data/" + name.id.hex() : text_of(name);
}

class Rest final : public Backend {
public:
  Rest(WebPlace place, std::string ca_file, world::Http& http, world::Traffic* traffic)
      : place_{std::move(place)}, ca_file_{std::move(ca_file)}, http_{http}, traffic_{traffic} {}

  std::string location() const override { return "rest:" + place_.url + "/"; }

  Result<> create() override {
    const auto response = TRY(send("POST", "?create=true"));
    return response.status == 200 ? ok() : refused(response, "make a repository");
  }

  Result<std::string> load(const FileName& name, std::uint64_t offset,
                           std::uint64_t bytes) override {
    HttpRequest request = request_of("GET", path_of(name));
    const bool is_whole = offset == 0 && bytes == to_the_end;
    if (bytes == 0)
      return TRY(size(name)) ? Result<std::string>{""} : absent(name);
    if (!is_whole)
      request.headers.emplace_back("Range", range_text(offset, bytes));
    auto response = TRY(ask(http_, std::move(request), bytes == to_the_end ? 0 : bytes));
    if (response.status == 404)
      return absent(name);
    if (response.status != 200 && response.status != 206 && response.status != 416)
      return refused(response, "read '" + text_of(name) + "'");
    return range_of(std::move(response), offset, bytes);
  }

  Result<std::optional<std::uint64_t>> size(const FileName& name) override {
    const auto response = TRY(send("HEAD", path_of(name)));
    if (response.status == 404)
      return std::optional<std::uint64_t>{};
    if (response.status != 200)
      return refused(response, "look for '" + text_of(name) + "'");
    const std::string_view text = header_of(response, "content-length");
    std::uint64_t bytes = 0;
    if (text.empty() || std::from_chars(text.data(), text.data() + text.size(), bytes).ptr !=
                            text.data() + text.size())
      return Error{ErrorKind::failed,
                   "the server does not tell the size of '" + text_of(name) + "'", ""};
    return std::optional{bytes};
  }

  Result<> save(const FileName& name, std::string_view bytes) override {
    const auto there = TRY(size(name));
    if (there && name.kind == FileKind::config)
      return Error{ErrorKind::conflict, "there is a config in '" + location() + "' already", ""};
    if (there && *there == bytes.size())
      return ok();
    if (there) // a torn one, which a server would not have replaced
      TRY(remove(name));
    HttpRequest request = request_of("POST", path_of(name));
    request.headers.emplace_back("Content-Type", "application/octet-stream");
    request.body = bytes;
    const auto response = TRY(ask(http_, std::move(request)));
    return response.status == 200 ? ok() : refused(response, "save '" + text_of(name) + "'");
  }

  Result<> remove(const FileName& name) override {
    const auto response = TRY(send("DELETE", path_of(name)));
    const bool is_gone = response.status == 200 || response.status == 404;
    return is_gone ? ok() : refused(response, "remove '" + text_of(name) + "'");
  }

  Result<std::vector<Listed>> list(FileKind kind) override {
    const std::string path = path_of({kind, {}});
    HttpRequest request = request_of("GET", path.substr(0, path.find('/') + 1));
    request.headers.emplace_back("Accept", version_2);
    const auto response = TRY(ask(http_, std::move(request)));
    if (response.status == 404) // a server may make a folder with its first file
      return std::vector<Listed>{};
    if (response.status != 200)
      return refused(response, "list '" + path.substr(0, path.find('/')) + "'");
    auto all = TRY(header_of(response, "content-type") == version_2
                       ? parse_list(response.body)
                       : list_with_sizes(kind, response.body));
    std::ranges::sort(all, {}, &Listed::id);
    return all;
  }

private:
  HttpRequest request_of(const char* method, const std::string& path) const {
    HttpRequest request{
        .method = method, .url = place_.url + "/" + path, .headers = {}, .body = ""};
    if (!place_.user.empty())
      request.headers.emplace_back(
          "Authorization", "Basic " + format::to_base64(place_.user + ":" + place_.password));
    request.ca_file = ca_file_;
    request.traffic = traffic_;
    return request;
  }

  Result<HttpResponse> send(const char* method, const std::string& path) {
    return ask(http_, request_of(method, path));
  }

  Error absent(const FileName& name) const {
    return {ErrorKind::not_found, "there is no '" + text_of(name) + "' in '" + location() + "'",
            ""};
  }

  Error refused(const HttpResponse& response, const std::string& doing) const {
    const std::string message =
        "'" + location() + "' does not " + doing + ": status " + std::to_string(response.status);
    if (response.status == 401)
      return {ErrorKind::failed, message,
              "The server wants a user and a password that it knows: set RESTIC_REST_USERNAME and "
              "RESTIC_REST_PASSWORD."};
    if (response.status == 403)
      return {ErrorKind::failed, message,
              "The server lets this user not do it, or takes additions only (append-only)."};
    if (response.status == 507 || response.status == 413)
      return {ErrorKind::no_space, message, "There is no room for it on the server."};
    return {ErrorKind::failed, message,
            "Look whether a server of restic's REST protocol is there."};
  }

  Result<std::vector<Listed>> parse_list(const std::string& json) const {
    std::vector<Listed> all;
    format::JsonReader reader{json};
    reader.array([&] {
      std::string name;
      std::uint64_t bytes = 0;
      reader.object([&](std::string_view member) {
        if (member == "name")
          reader.string(name);
        else if (member == "size")
          reader.number(bytes);
        else
          reader.skip();
      });
      if (const auto id = format::parse_id(name))
        all.push_back({*id, bytes});
    });
    TRY(reader.end("the list of '" + location() + "'"));
    return all;
  }

  Result<std::vector<Listed>> list_with_sizes(FileKind kind, const std::string& json) {
    std::vector<std::string> names;
    format::JsonReader reader{json};
    reader.strings(names);
    TRY(reader.end("the list of '" + location() + "'"));
    std::vector<Listed> all;
    for (const std::string& name : names)
      if (const auto id = format::parse_id(name))
        if (const auto bytes = TRY(size({kind, *id})))
          all.push_back({*id, *bytes});
    return all;
  }

  WebPlace place_;
  std::string ca_file_;
  world::Http& http_;
  world::Traffic* traffic_;
};

} // namespace

Result<std::unique_ptr<Backend>> open_rest(const Place& place, const PlacePorts& ports) {
  WebPlace web = TRY(parse_web_place(std::string_view{place.location}.substr(5)));
  if (web.user.empty()) {
    web.user = variable_of(place, "RESTIC_REST_USERNAME");
    web.password = variable_of(place, "RESTIC_REST_PASSWORD");
  }
  return std::unique_ptr<Backend>{std::make_unique<Rest>(
      std::move(web), option_of(place, "rest.ca-file"), ports.http, place.traffic)};
}

} // namespace repo::backend
