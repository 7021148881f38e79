#pragma once
// S3 place: from a location, options, variables and files of credentials to where a bucket is and
// who asks.

#include "repo/backend/place.hpp"

#include "repo/backend/sigv4.hpp"

namespace repo::backend {

struct S3Place {
  std::string endpoint; // "https://host:port", of the bucket in virtual style
  std::string host;     // as the header says it: without the port that the scheme has
  std::string root;     // path of the bucket: "/bucket", or "" in virtual style
  std::string bucket;
  std::string prefix; // "shop/": "", or ends with '/'
  std::string region;
  S3Key key;
  std::string ca_file;
  std::uint64_t part_bytes = 0; // what is larger is sent in parts
};

// invalid_input: the location, an option, or there are no credentials; never repeats a secret.
base::Result<S3Place> parse_s3_place(const Place& place, world::Files& files);

// Of a file as the AWS tools have it: "[profile]" and "aws_access_key_id = …".
S3Key key_of_profile(std::string_view file, std::string_view profile);

} // namespace repo::backend
