#include "os/http_tls.hpp"

namespace os {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

constexpr unsigned chain_max = 16;

Error tls_error(const std::string& what, int number) {
  return {ErrorKind::invalid_input, what + ": " + gnutls_strerror(number),
          "Both are PEM: the server's certificate with those that signed it behind it, and its key "
          "without a password."};
}

gnutls_datum_t datum_of(const std::string& text) {
  // GnuTLS has one type for what it reads and what it gives.
  return {reinterpret_cast<unsigned char*>(const_cast<char*>(text.data())),
          static_cast<unsigned>(text.size())};
}

} // namespace

Result<std::shared_ptr<const TlsCertificate>> TlsCertificate::read(const world::TlsPair& pair) {
  const std::shared_ptr<TlsCertificate> made{new TlsCertificate};
  TRY(made->take_chain(pair.certificate));
  TRY(made->take_key(pair));
  return std::shared_ptr<const TlsCertificate>{made};
}

TlsCertificate::~TlsCertificate() {
  for (gnutls_pcert_st& one : chain_)
    gnutls_pcert_deinit(&one);
  if (key_ != nullptr)
    gnutls_privkey_deinit(key_);
}

Result<> TlsCertificate::take_chain(const std::string& pem) {
  const gnutls_datum_t text = datum_of(pem);
  gnutls_x509_crt_t* all = nullptr;
  unsigned count = 0;
  const int listed = gnutls_x509_crt_list_import2(&all, &count, &text, GNUTLS_X509_FMT_PEM,
                                                  GNUTLS_X509_CRT_LIST_SORT);
  if (listed < 0)
    return tls_error("the certificate cannot be used", listed);
  int failed = count == 0 || count > chain_max ? GNUTLS_E_CERTIFICATE_ERROR : 0;
  for (unsigned i = 0; i < count; ++i) {
    if (gnutls_pcert_st one{};
        failed == 0 && (failed = gnutls_pcert_import_x509(&one, all[i], 0)) == 0)
      chain_.push_back(one);
    if (i == 0)
      expires_ =
          std::chrono::system_clock::from_time_t(gnutls_x509_crt_get_expiration_time(all[0]));
    gnutls_x509_crt_deinit(all[i]);
  }
  gnutls_free(all);
  return failed == 0 ? ok() : tls_error("the certificate cannot be used", failed);
}

Result<> TlsCertificate::take_key(const world::TlsPair& pair) {
  const gnutls_datum_t certificate = datum_of(pair.certificate);
  const gnutls_datum_t key = datum_of(pair.key);
  gnutls_certificate_credentials_t both = nullptr; // only to see whether they belong together
  CHECK(gnutls_certificate_allocate_credentials(&both) == 0);
  const int fits =
      gnutls_certificate_set_x509_key_mem(both, &certificate, &key, GNUTLS_X509_FMT_PEM);
  gnutls_certificate_free_credentials(both);
  if (fits < 0)
    return tls_error("the certificate and its key cannot be used together", fits);
  CHECK(gnutls_privkey_init(&key_) == 0);
  const int taken = gnutls_privkey_import_x509_raw(key_, &key, GNUTLS_X509_FMT_PEM, nullptr, 0);
  return taken == 0 ? ok() : tls_error("the key cannot be used", taken);
}

void TlsCertificate::give(gnutls_pcert_st** chain, unsigned* count, gnutls_privkey_t* key) const {
  *chain = chain_.data();
  *count = static_cast<unsigned>(chain_.size());
  *key = key_;
}

} // namespace os
