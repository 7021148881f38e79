#include "repo/backend/sigv4.hpp"

#include "base/digest.hpp"
#include "base/text.hpp"
#include "repo/backend/web.hpp"
#include "repo/format/id.hpp"

#include <algorithm>
#include <array>

#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace repo::backend {

namespace {

std::string hmac(std::string_view key, std::string_view text) {
  std::array<unsigned char, 32> digest{};
  unsigned size = digest.size();
  const auto* const done = ::HMAC(::EVP_sha256(), key.data(), static_cast<int>(key.size()),
                                  reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                                  digest.data(), &size);
  CHECK(done != nullptr);
  return {reinterpret_cast<const char*>(digest.data()), size};
}

std::string time_text(world::TimePoint now) { // "20130524T000000Z"
  return base::compact_time(now).substr(0, 15) + "Z";
}

} // namespace

std::string canonical_query(std::vector<std::pair<std::string, std::string>> query) {
  for (auto& [name, value] : query) {
    name = percent_encoded(name, false);
    value = percent_encoded(value, false);
  }
  std::ranges::sort(query);
  std::string text;
  for (const auto& [name, value] : query)
    text += (text.empty() ? "" : "&") + name + "=" + value;
  return text;
}

S3Headers sign(const S3Request& request, const S3Key& key, std::string_view region,
               world::TimePoint now) {
  const std::string time = time_text(now);
  const std::string day = time.substr(0, 8);
  S3Headers headers = request.headers;
  headers.emplace_back("x-amz-content-sha256", request.payload_hash);
  headers.emplace_back("x-amz-date", time);
  if (!key.session_token.empty())
    headers.emplace_back("x-amz-security-token", key.session_token);

  S3Headers all = headers;
  all.emplace_back("host", request.host);
  std::ranges::sort(all);
  std::string lines;
  std::string names;
  for (const auto& [name, value] : all) {
    lines += name + ":" + value + "\n";
    names += (names.empty() ? "" : ";") + name;
  }
  const std::string canonical = request.method + "\n" + request.path + "\n" +
                                canonical_query(request.query) + "\n" + lines + "\n" + names +
                                "\n" + request.payload_hash;
  const std::string scope = day + "/" + std::string{region} + "/s3/aws4_request";
  const std::string to_sign =
      "AWS4-HMAC-SHA256\n" + time + "\n" + scope + "\n" + base::sha256_hex(canonical);
  std::string signing = hmac("AWS4" + key.secret, day);
  for (const std::string_view part :
       {region, std::string_view{"s3"}, std::string_view{"aws4_request"}})
    signing = hmac(signing, part);
  headers.emplace_back("Authorization", "AWS4-HMAC-SHA256 Credential=" + key.id + "/" + scope +
                                            ",SignedHeaders=" + names +
                                            ",Signature=" + format::to_hex(hmac(signing, to_sign)));
  return headers;
}

} // namespace repo::backend
