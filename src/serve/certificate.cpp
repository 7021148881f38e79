#include "serve/certificate.hpp"

#include "base/digest.hpp"
#include "base/text.hpp"

namespace serve {

using base::Result;

namespace {
constexpr std::size_t pem_bytes_max = 256U << 10U;
}

Result<world::TlsPair> Certificate::read() const {
  return world::TlsPair{.certificate = TRY(files_.read(paths_.certificate, pem_bytes_max)),
                        .key = TRY(files_.read(paths_.key, pem_bytes_max))};
}

void Certificate::look(const std::vector<world::Listening*>& listening, world::TimePoint now) {
  const auto pair = read();
  if (!pair)
    return say(Level::warning, pair.error().message + "; the certificate before it stays");
  const std::string digest = base::sha256_hex(pair.value().certificate + '\0' + pair.value().key);
  if (digest == seen_)
    return;
  seen_ = digest;
  for (world::Listening* each : listening) {
    const auto expires = each->use(pair.value());
    if (!expires)
      return say(Level::warning, "'" + paths_.certificate + "': " + expires.error().message +
                                     "; the one before it stays");
    const std::string until = base::format_time(expires.value()).substr(0, 19) + "Z";
    if (expires.value() <= now)
      say(Level::error, "the certificate that is shown has expired at " + until);
    else
      say(Level::info, "shows a certificate that is valid until " + until);
  }
}

void Certificate::say(Level level, const std::string& words) {
  if (words != said_)
    tell_({level, "", words});
  said_ = words;
}

} // namespace serve
