#pragma once
// Sigv4: the signature of a request to Amazon S3, and to what is compatible with it (AWS Signature
// Version 4, "Authenticating Requests: Using the Authorization Header"). Pure.

#include "world/clock.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace repo::backend {

struct S3Key {
  std::string id;
  std::string secret;
  std::string session_token; // empty: none
};

struct S3Request {
  std::string method;
  std::string host;                                         // as the header says it
  std::string path;                                         // encoded, begins with '/'
  std::vector<std::pair<std::string, std::string>> query;   // not encoded
  std::vector<std::pair<std::string, std::string>> headers; // to be signed; names in lower case
  std::string payload_hash;                                 // SHA-256, 64 digits
};

using S3Headers = std::vector<std::pair<std::string, std::string>>;
// "a=1&b=2": encoded and sorted, as it is signed and must be sent. A name without value: "a=".
std::string canonical_query(std::vector<std::pair<std::string, std::string>> query);
// Every header that the request must bear but Host: x-amz-…, Authorization, and those given.
S3Headers sign(const S3Request& request, const S3Key& key, std::string_view region,
               world::TimePoint now);

} // namespace repo::backend
