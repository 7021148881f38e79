#pragma once
// S3: a repository in a bucket of Amazon S3 or of what is compatible with it.

#include "repo/backend/place.hpp"

namespace repo::backend {

// `place.location`: "s3:https://host:port/bucket/folder". The bucket must be there: none is made.
// Credentials: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN; or a profile
// (AWS_PROFILE, "default") of AWS_SHARED_CREDENTIALS_FILE or ~/.aws/credentials. Options:
// s3.region, s3.bucket-lookup (auto, path, dns), s3.part-size, s3.ca-file.
base::Result<std::unique_ptr<Backend>> open_s3(const Place& place, const PlacePorts& ports);

} // namespace repo::backend
