#pragma once
// HttpTls: a certificate with its key, as GnuTLS shows it to who connects.

#include "world/http_server.hpp"

#include <memory>
#include <vector>

#include <gnutls/abstract.h>

namespace os {

class TlsCertificate {
public:
  // invalid_input: not PEM, encrypted, or the key is not that of the certificate.
  static base::Result<std::shared_ptr<const TlsCertificate>> read(const world::TlsPair& pair);
  ~TlsCertificate();
  TlsCertificate(const TlsCertificate&) = delete;
  TlsCertificate& operator=(const TlsCertificate&) = delete;

  world::TimePoint expires() const { return expires_; }
  // What a handshake wants. It stays ours, so this object must outlive the connection.
  void give(gnutls_pcert_st** chain, unsigned* count, gnutls_privkey_t* key) const;

private:
  TlsCertificate() = default;
  base::Result<> take_chain(const std::string& pem);
  base::Result<> take_key(const world::TlsPair& pair);
  mutable std::vector<gnutls_pcert_st> chain_; // GnuTLS only reads it, and says so nowhere
  gnutls_privkey_t key_ = nullptr;
  world::TimePoint expires_;
};

// TLS 1.2 and 1.3.
constexpr const char* tls_priorities = "NORMAL:-VERS-TLS1.0:-VERS-TLS1.1";

} // namespace os
