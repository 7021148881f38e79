#include "repo/backend/s3.hpp"

#include "base/digest.hpp"
#include "repo/backend/web.hpp"

#include <algorithm>
#include <charconv>

#include "repo/backend/s3_place.hpp"
#include "repo/backend/s3_xml.hpp"

namespace repo::backend {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using world::HttpResponse;

namespace {

struct Ask { // one request, on an object or, without a name, on the bucket
  std::string method = "GET";
  std::string object;
  std::vector<std::pair<std::string, std::string>> query = {};
  std::vector<std::pair<std::string, std::string>> headers = {}; // sent, not signed
  std::string_view body = {};
  std::uint64_t answer_bytes_max = 16U << 20U;
};

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || read.ec != std::errc{} || read.ptr != text.data() + text.size())
    return std::nullopt;
  return number;
}

class S3 final : public Backend {
public:
  S3(std::string location, S3Place place, const PlacePorts& ports, world::Traffic* traffic)
      : location_{std::move(location)}, place_{std::move(place)}, http_{ports.http},
        clock_{ports.clock}, traffic_{traffic} {}

  std::string location() const override { return location_; }

  Result<> create() override { // a bucket has no folders: it is only looked whether it is there
    TRY(list(FileKind::key));
    return ok();
  }

  Result<std::string> load(const FileName& name, std::uint64_t offset,
                           std::uint64_t bytes) override {
    if (bytes == 0)
      return TRY(size(name)) ? Result<std::string>{""} : absent(name);
    Ask what{.object = object_of(name)};
    if (offset != 0 || bytes != to_the_end)
      what.headers.emplace_back("Range", range_text(offset, bytes));
    what.answer_bytes_max = bytes == to_the_end ? 0 : bytes;
    auto response = TRY(send(what));
    if (response.status == 404 && text_in(response.body, "Code") != "NoSuchBucket")
      return absent(name);
    if (response.status != 200 && response.status != 206 && response.status != 416)
      return refused(response, "read '" + text_of(name) + "'");
    return range_of(std::move(response), offset, bytes);
  }

  Result<std::optional<std::uint64_t>> size(const FileName& name) override {
    const auto response = TRY(send({.method = "HEAD", .object = object_of(name)}));
    if (response.status == 404)
      return std::optional<std::uint64_t>{};
    if (response.status != 200)
      return refused(response, "look for '" + text_of(name) + "'");
    const auto bytes = number_of(header_of(response, "content-length"));
    if (!bytes)
      return Error{ErrorKind::failed,
                   "the server does not tell the size of '" + text_of(name) + "'", ""};
    return bytes;
  }

  Result<> save(const FileName& name, std::string_view bytes) override {
    if (name.kind == FileKind::config)
      return save_config(name, bytes);
    if (bytes.size() > place_.part_bytes)
      return save_in_parts(name, bytes);
    const auto response = TRY(send({.method = "PUT", .object = object_of(name), .body = bytes}));
    return response.status == 200 ? ok() : refused(response, "save '" + text_of(name) + "'");
  }

  Result<> remove(const FileName& name) override {
    const auto response = TRY(send({.method = "DELETE", .object = object_of(name)}));
    const bool is_gone = response.status == 204 || response.status == 200 || response.status == 404;
    return is_gone ? ok() : refused(response, "remove '" + text_of(name) + "'");
  }

  Result<std::vector<Listed>> list(FileKind kind) override {
    const std::string one = object_of({kind, {}});
    const std::string prefix =
        kind == FileKind::pack ? place_.prefix + "data/" : one.substr(0, one.rfind('/') + 1);
    std::vector<Listed> all;
    std::string token;
    do {
      Ask what{.query = {{"list-type", "2"}, {"prefix", prefix}}};
      if (!token.empty())
        what.query.emplace_back("continuation-token", token);
      const auto response = TRY(send(what));
      if (response.status != 200)
        return refused(response, "list '" + prefix + "'");
      add_page(response.body, all);
      const bool has_more = text_in(response.body, "IsTruncated") == "true";
      const std::string next = has_more ? text_in(response.body, "NextContinuationToken") : "";
      if (has_more && (next.empty() || next == token))
        return Error{ErrorKind::failed,
                     "'" + location_ + "' does not tell how its list of '" + prefix + "' goes on",
                     "The server must know ListObjectsV2."};
      token = next;
    } while (!token.empty());
    std::ranges::sort(all, {}, &Listed::id);
    return all;
  }

private:
  std::string object_of(const FileName& name) const { return place_.prefix + text_of(name); }

  static void add_page(std::string_view xml, std::vector<Listed>& all) {
    for (const std::string_view each : elements(xml, "Contents")) {
      const std::string key = text_in(each, "Key");
      const auto id = format::parse_id(key.substr(key.rfind('/') + 1));
      const auto bytes = number_of(text_in(each, "Size"));
      if (id && bytes)
        all.push_back({*id, *bytes});
    }
  }

  Result<HttpResponse> send(const Ask& what) {
    const std::string path = place_.root + "/" + percent_encoded(what.object, true);
    const S3Request request{.method = what.method,
                            .host = place_.host,
                            .path = path,
                            .query = what.query,
                            .headers = {},
                            .payload_hash = base::sha256_hex(what.body)};
    const std::string query = canonical_query(what.query);
    world::HttpRequest sent{.method = what.method,
                            .url = place_.endpoint + path + (query.empty() ? "" : "?" + query),
                            .headers = sign(request, place_.key, place_.region, clock_.now()),
                            .body = std::string{what.body}};
    for (const auto& header : what.headers)
      sent.headers.push_back(header);
    if (what.method == "PUT" || what.method == "POST")
      sent.headers.emplace_back("Content-Type", "application/octet-stream");
    sent.ca_file = place_.ca_file;
    sent.traffic = traffic_;
    return ask(http_, std::move(sent), what.answer_bytes_max);
  }

  // Two that make a repository at the same moment: where the server can tell, one of them fails.
  Result<> save_config(const FileName& name, std::string_view bytes) {
    const Error there{ErrorKind::conflict, "there is a config in '" + location_ + "' already", ""};
    if (TRY(size(name)))
      return there;
    Ask what{.method = "PUT", .object = object_of(name), .body = bytes};
    what.headers.emplace_back("If-None-Match", "*");
    auto response = TRY(send(what));
    if (response.status == 501 || response.status == 400) { // it knows no conditions
      what.headers.clear();
      response = TRY(send(what));
    }
    if (response.status == 412)
      return there;
    return response.status == 200 ? ok() : refused(response, "save '" + text_of(name) + "'");
  }

  Result<> save_in_parts(const FileName& name, std::string_view bytes) {
    const std::string object = object_of(name);
    const auto begun = TRY(send({.method = "POST", .object = object, .query = {{"uploads", ""}}}));
    const std::string upload = text_in(begun.body, "UploadId");
    if (begun.status != 200 || upload.empty())
      return refused(begun, "save '" + text_of(name) + "' in parts");
    auto saved = save_parts(name, upload, bytes);
    if (!saved) // parts of an upload that does not end are paid for, and seen by nobody
      static_cast<void>(static_cast<bool>(
          send({.method = "DELETE", .object = object, .query = {{"uploadId", upload}}})));
    return saved;
  }

  Result<> save_parts(const FileName& name, const std::string& upload, std::string_view bytes) {
    const std::string object = object_of(name);
    std::string parts;
    for (std::size_t number = 1; !bytes.empty(); ++number) {
      const std::string_view part = bytes.substr(0, place_.part_bytes);
      const auto response =
          TRY(send({.method = "PUT",
                    .object = object,
                    .query = {{"partNumber", std::to_string(number)}, {"uploadId", upload}},
                    .body = part}));
      const std::string tag{header_of(response, "etag")};
      if (response.status != 200 || tag.empty())
        return refused(response, "save a part of '" + text_of(name) + "'");
      parts += "<Part><PartNumber>" + std::to_string(number) + "</PartNumber><ETag>" +
               xml_text(tag) + "</ETag></Part>";
      bytes.remove_prefix(part.size());
    }
    const std::string list = "<CompleteMultipartUpload>" + parts + "</CompleteMultipartUpload>";
    const auto response = TRY(
        send({.method = "POST", .object = object, .query = {{"uploadId", upload}}, .body = list}));
    // It may say that it failed after it began to answer with 200.
    if (response.status != 200 || element(response.body, "Error"))
      return refused(response, "put together '" + text_of(name) + "'");
    return ok();
  }

  Error absent(const FileName& name) const {
    return {ErrorKind::not_found, "there is no '" + text_of(name) + "' in '" + location_ + "'", ""};
  }

  Error refused(const HttpResponse& response, const std::string& doing) const {
    const std::string code = text_in(response.body, "Code");
    const std::string message = "'" + location_ + "' does not " + doing + ": " +
                                (code.empty() ? "status " + std::to_string(response.status) : code);
    if (code == "NoSuchBucket")
      return {ErrorKind::not_found,
              "there is no bucket '" + place_.bucket + "' at '" + location_ + "'",
              "Look at its name, or make the bucket first: belay makes none."};
    if (code == "RequestTimeTooSkewed" || code == "RequestExpired")
      return {
          ErrorKind::failed, message,
          "The clocks of this machine and of the server differ by too much. The server's says '" +
              std::string{header_of(response, "date")} + "'."};
    if (code == "RequestTimeout" || code == "InternalError" || code == "SlowDown" ||
        code == "ServiceUnavailable" || code == "OperationAborted" || response.status == 409)
      return {ErrorKind::unavailable, message, ""};
    if (response.status == 301 || response.status == 307 || code == "PermanentRedirect" ||
        code == "AuthorizationHeaderMalformed")
      return {ErrorKind::failed, message, region_hint(response)};
    if (code == "InvalidAccessKeyId" || code == "SignatureDoesNotMatch" || response.status == 401)
      return {ErrorKind::failed, message,
              "Look at AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, at the clock of this machine, "
              "and whether s3.region is '" +
                  place_.region + "'."};
    if (response.status == 403)
      return {ErrorKind::failed, message,
              "Look at AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, at what the key may do in the "
              "bucket '" +
                  place_.bucket + "', and at the clock of this machine."};
    if (response.status == 507 || code == "QuotaExceeded" || code == "EntityTooLarge")
      return {ErrorKind::no_space, message, "There is no room for it on the server."};
    return {ErrorKind::failed, message, text_in(response.body, "Message")};
  }

  std::string region_hint(const HttpResponse& response) const {
    std::string region{header_of(response, "x-amz-bucket-region")};
    if (region.empty())
      region = text_in(response.body, "Region");
    if (!region.empty())
      return "The bucket is in another region: add -o s3.region=" + region + ".";
    return "The bucket is elsewhere: see the endpoint and s3.region, which is '" + place_.region +
           "'.";
  }

  std::string location_;
  S3Place place_;
  world::Http& http_;
  world::Clock& clock_;
  world::Traffic* traffic_;
};

} // namespace

Result<std::unique_ptr<Backend>> open_s3(const Place& place, const PlacePorts& ports) {
  return std::unique_ptr<Backend>{std::make_unique<S3>(
      place.location, TRY(parse_s3_place(place, ports.files)), ports, place.traffic)};
}

} // namespace repo::backend
