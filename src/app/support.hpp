#pragma once
// Support: all that is known of one operation as one archive that can be given away, with the
// secrets taken out of it.

#include "app/app.hpp"
#include "app/pack.hpp"

#include <string>
#include <vector>

namespace app {

struct SupportRequest {
  std::string operation; // its id; empty: the newest
  std::string output;    // absolute; empty: belay-support-OPERATION.tar.gz in `folder`
  std::string folder;
  // What the face adds: status and versions. A name that ends with .json holds JSON.
  std::vector<PackedFile> more;
};
struct SupportBundle {
  std::string path;
  std::vector<std::string> files;   // names in it
  std::vector<std::string> missing; // what could not be had, and why
  std::size_t redactions = 0;       // places at which something was taken out
};

// Makes a new .tar.gz (0600). not_found: there is no such operation. conflict: the file exists.
// What else is broken (belay.yaml, journal, a log) is told in `missing` and in the bundle.
base::Result<SupportBundle> make_support(const Host& host, const SupportRequest& request);

} // namespace app
