#pragma once
// Certificate: the files of the certificate that is shown to who connects with TLS, and its key:
// looked at again and again, for whoever renews them tells nobody.

#include "serve/line.hpp"
#include "world/files.hpp"
#include "world/http_server.hpp"

#include <string>
#include <vector>

namespace serve {

struct CertificateFiles { // absolute
  std::string certificate;
  std::string key;
};

class Certificate {
public:
  Certificate(world::Files& files, CertificateFiles paths, Tell tell)
      : files_{files}, paths_{std::move(paths)}, tell_{std::move(tell)} {}

  base::Result<world::TlsPair> read() const;
  // What is new in the files is shown from now on. What cannot be used is told, once, and what was
  // shown before stays: a certificate and its key are seldom replaced in one moment.
  void look(const std::vector<world::Listening*>& listening, world::TimePoint now);

private:
  void say(Level level, const std::string& words);
  world::Files& files_;
  CertificateFiles paths_;
  Tell tell_;
  std::string seen_; // digest of what was looked at last
  std::string said_;
};

} // namespace serve
