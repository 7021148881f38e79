// S3 without a server: AWS's published signatures, and answers that a real one gives rarely.

#include "base/digest.hpp"
#include "os/channels.hpp"
#include "os/world_for_test.hpp"

#include <algorithm>
#include <deque>

#include "repo/backend/s3.hpp"
#include "repo/backend/s3_place.hpp"
#include "repo/backend/s3_xml.hpp"

namespace repo::backend {
namespace {

using base::ErrorKind;

// "Signature Calculations for the Authorization Header", the examples at its end.
std::string signature_of(S3Request request, std::string_view payload = "") {
  const S3Key key{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""};
  request.host = "examplebucket.s3.amazonaws.com";
  request.payload_hash = base::sha256_hex(payload);
  const auto time = base::parse_time("2013-05-24T00:00:00.000Z").value();
  const std::string all = sign(request, key, "us-east-1", time).back().second;
  return all.substr(all.find("Signature=") + 10);
}

TEST(sigv4, makes_the_signatures_that_aws_published) {
  EXPECT_EQ(signature_of({.method = "GET",
                          .host = "",
                          .path = "/test.txt",
                          .query = {},
                          .headers = {{"range", "bytes=0-9"}},
                          .payload_hash = ""}),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  EXPECT_EQ(signature_of({.method = "PUT",
                          .host = "",
                          .path = "/test%24file.text",
                          .query = {},
                          .headers = {{"date", "Fri, 24 May 2013 00:00:00 GMT"},
                                      {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
                          .payload_hash = ""},
                         "Welcome to Amazon S3."),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
  EXPECT_EQ(signature_of({.method = "GET",
                          .host = "",
                          .path = "/",
                          .query = {{"lifecycle", ""}},
                          .headers = {},
                          .payload_hash = ""}),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  EXPECT_EQ(signature_of({.method = "GET",
                          .host = "",
                          .path = "/",
                          .query = {{"prefix", "J"}, {"max-keys", "2"}},
                          .headers = {},
                          .payload_hash = ""}),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(s3_xml, finds_elements_and_their_texts) {
  const std::string xml = "<?xml version='1.0'?><List><Keys/><Key>a&amp;b&#x41;&#66;&lt;</Key>"
                          "<KeyCount>2</KeyCount><Key x='1'></Key></List>";
  EXPECT_EQ(text_in(xml, "Key"), "a&bAB<");
  EXPECT_EQ(text_in(xml, "KeyCount"), "2");
  EXPECT_EQ(elements(xml, "Key").size(), 2U);
  EXPECT_EQ(element(xml, "Keys"), "");
  EXPECT_FALSE(element(xml, "Ke"));
  EXPECT_FALSE(element("<Key>no end", "Key"));
  EXPECT_FALSE(element("<Key", "Key"));
  EXPECT_EQ(text_of_xml(xml_text("<a href=\"x'&\">")), "<a href=\"x'&\">");
  EXPECT_EQ(text_of_xml("a&;b&#;c&#x;d&none;e&#x110000;f&"), "abcdef&"); // what stands for nothing
}

class Answers final : public world::Http { // gives what a test put in, and keeps what was asked
public:
  base::Result<world::HttpResponse> exchange(const world::HttpRequest& request) override {
    asked.push_back(request);
    if (given.empty())
      return base::Error{ErrorKind::unavailable, "no answer is left", ""};
    auto answer = given.front();
    given.pop_front();
    return answer;
  }
  base::Result<> send(const world::Mail&) override { return base::ok(); }
  base::Result<> connect(const std::string&, int, world::Milliseconds) override {
    return base::ok();
  }
  void give(int status, const std::string& body = "",
            std::vector<std::pair<std::string, std::string>> headers = {}) {
    given.push_back({.status = status, .headers = std::move(headers), .body = body});
  }
  std::deque<world::HttpResponse> given;
  std::vector<world::HttpRequest> asked;
};

class s3 : public os::RealWorld {
protected:
  std::unique_ptr<Backend> open() {
    auto opened = open_s3(place, {files_, http, channels, clock_, random_});
    CHECK(opened);
    return std::move(opened).value();
  }
  base::Error error_of(int status, const std::string& code,
                       std::vector<std::pair<std::string, std::string>> headers = {}) {
    http.give(status, "<Error><Code>" + code + "</Code></Error>", std::move(headers));
    return open()->load({FileKind::key, format::id_of("k")}).error();
  }
  Answers http;
  os::Channels channels;
  Place place{.location = "s3:https://s3.eu-west-1.amazonaws.com/shop/a+b",
              .environment = {{"AWS_ACCESS_KEY_ID", "id"}, {"AWS_SECRET_ACCESS_KEY", "secret"}}};
};

TEST_F(s3, goes_through_every_page_of_a_list) {
  const format::Id one = format::id_of("1");
  const format::Id two = format::id_of("2");
  const auto page = [](const format::Id& id, const std::string& more) {
    return "<R>" + more + "<Contents><Key>a+b/keys/" + id.hex() +
           "</Key><Size>7</Size></Contents><Contents><Key>a+b/keys/x</Key><Size>1</Size>"
           "</Contents></R>";
  };
  http.give(200, page(two, "<IsTruncated>true</IsTruncated>"
                           "<NextContinuationToken>a+/&amp;=</NextContinuationToken>"));
  http.give(200, page(one, "<IsTruncated>false</IsTruncated>"));
  std::vector<Listed> wanted{{one, 7}, {two, 7}};
  std::ranges::sort(wanted, {}, &Listed::id);
  EXPECT_EQ(open()->list(FileKind::key).value(), wanted);
  EXPECT_EQ(http.asked[0].url, "https://shop.s3.eu-west-1.amazonaws.com/"
                               "?list-type=2&prefix=a%2Bb%2Fkeys%2F");
  EXPECT_EQ(http.asked[1].url, "https://shop.s3.eu-west-1.amazonaws.com/?continuation-token="
                               "a%2B%2F%26%3D&list-type=2&prefix=a%2Bb%2Fkeys%2F");
  http.give(200, "<R><IsTruncated>true</IsTruncated></R>");
  EXPECT_FALSE(open()->list(FileKind::key)) << "half a list is none";
}

TEST_F(s3, ends_an_upload_in_parts_that_fails) {
  place.options = {{"s3.part-size", "5MiB"}};
  const std::string bytes((5U << 20U) + 1, 'x');
  const FileName name{FileKind::pack, format::id_of(bytes)};
  const std::string begun = "<R><UploadId>u/1</UploadId></R>";
  const std::vector<std::pair<std::string, std::string>> tag{{"etag", "\"t\""}};
  http.give(200, begun);
  http.give(200, "", tag);
  http.give(200, "", tag);
  http.give(200, "<R/>");
  EXPECT_TRUE(open()->save(name, bytes));
  EXPECT_EQ(http.asked[3].method, "POST");
  EXPECT_NE(http.asked[3].body.find("<PartNumber>2</PartNumber><ETag>&quot;t&quot;</ETag>"),
            std::string::npos);

  for (const bool is_late : {false, true}) { // in a part, or after the server said 200
    http.asked.clear();
    http.give(200, begun);
    http.give(200, "", tag);
    http.give(is_late ? 200 : 403, "", tag);
    if (is_late)
      http.give(200, "<Error><Code>InternalError</Code></Error>");
    http.give(204);
    EXPECT_FALSE(open()->save(name, bytes));
    EXPECT_EQ(http.asked.back().method, "DELETE");
    EXPECT_TRUE(http.asked.back().url.ends_with("?uploadId=u%2F1")) << http.asked.back().url;
    EXPECT_TRUE(http.given.empty());
  }
}

TEST_F(s3, tells_what_to_do) {
  EXPECT_EQ(error_of(404, "NoSuchKey").kind, ErrorKind::not_found);
  const auto bucket = error_of(404, "NoSuchBucket");
  EXPECT_NE(bucket.hint.find("make the bucket"), std::string::npos);
  EXPECT_NE(error_of(403, "RequestTimeTooSkewed", {{"date", "Sat, 21 Nov 2026"}})
                .hint.find("Sat, 21 Nov 2026"),
            std::string::npos);
  EXPECT_NE(error_of(301, "PermanentRedirect", {{"x-amz-bucket-region", "eu-west-3"}})
                .hint.find("s3.region=eu-west-3"),
            std::string::npos);
  EXPECT_EQ(error_of(403, "SignatureDoesNotMatch").kind, ErrorKind::failed);
  EXPECT_EQ(error_of(403, "AccessDenied").kind, ErrorKind::failed);
  EXPECT_EQ(error_of(400, "RequestTimeout").kind, ErrorKind::unavailable);
  EXPECT_EQ(error_of(503, "SlowDown").kind, ErrorKind::unavailable);
  for (const auto& request : http.asked)
    for (const auto& [name, value] : request.headers)
      EXPECT_EQ(value.find("secret"), std::string::npos);
}

TEST_F(s3, never_replaces_a_config_where_the_server_can_tell) {
  http.give(404);
  http.give(412);
  EXPECT_EQ(open()->save({}, "config").error().kind, ErrorKind::conflict);
  http.give(404);
  http.give(501);
  http.give(200);
  EXPECT_TRUE(open()->save({}, "config"));
  http.give(200, "", {{"content-length", "5"}});
  EXPECT_EQ(open()->save({}, "config").error().kind, ErrorKind::conflict);
}

TEST_F(s3, finds_place_and_credentials) {
  const auto parsed = [&] { return parse_s3_place(place, files_).value(); };
  EXPECT_EQ(parsed().region, "eu-west-1");
  EXPECT_EQ(parsed().prefix, "a+b/");
  place.location = "s3:http://127.0.0.1:9000/shop/";
  EXPECT_EQ(parsed().endpoint + parsed().root, "http://127.0.0.1:9000/shop");
  EXPECT_EQ(parsed().prefix, "");
  EXPECT_EQ(parsed().region, "us-east-1");
  place.options = {{"s3.bucket-lookup", "dns"}, {"s3.region", "x"}};
  place.location = "s3:example.org:443/shop/y";
  EXPECT_EQ(parsed().endpoint + parsed().root, "https://shop.example.org");
  EXPECT_EQ(parsed().region, "x");

  write("credentials", "[other]\naws_access_key_id = no\n[ shop ]\naws_access_key_id=file\n"
                       "# a remark\naws_secret_access_key = s=1 \naws_session_token=t\n");
  place.environment = {{"AWS_SHARED_CREDENTIALS_FILE", root + "/credentials"},
                       {"AWS_PROFILE", "shop"}};
  EXPECT_EQ(parsed().key.id, "file");
  EXPECT_EQ(parsed().key.secret, "s=1");
  EXPECT_EQ(parsed().key.session_token, "t");
  place.environment.clear();
  EXPECT_EQ(parse_s3_place(place, files_).error().kind, ErrorKind::invalid_input);
  for (const char* wrong : {"s3:", "s3:https://example.org", "s3:https://a:b@example.org/shop",
                            "s3:https://example.org/shop/../x", "s3:https://example.org//x"}) {
    place.location = wrong;
    EXPECT_FALSE(parse_s3_place(place, files_)) << wrong;
  }
}

} // namespace
} // namespace repo::backend
