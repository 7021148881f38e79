#include "repo/format/password.hpp"

#include <cstring>

#include <openssl/crypto.h>
#include <openssl/evp.h>

namespace repo::format {

using base::Error;
using base::ErrorKind;
using base::Result;

namespace {

constexpr std::size_t salt_bytes = 64;
constexpr std::uint64_t memory_bytes_max = 1U << 30U; // scrypt takes 128 * N * r

Result<Key> derive(const KeyFile& file, std::string_view password) {
  std::array<unsigned char, 64> bytes{};
  // Before the product is made: a made-up file must neither overflow it nor take all memory.
  const bool is_bounded = file.n <= (1U << 24U) && file.r <= 1024 && file.p <= 1024 &&
                          128 * file.n * file.r <= memory_bytes_max;
  if (!is_bounded ||
      EVP_PBE_scrypt(password.data(), password.size(),
                     reinterpret_cast<const unsigned char*>(file.salt.data()), file.salt.size(),
                     file.n, file.r, file.p, 2 * memory_bytes_max, bytes.data(), bytes.size()) != 1)
    return Error{ErrorKind::corrupt, "the key file has impossible parameters of scrypt", ""};
  Key key;
  std::memcpy(key.encrypt.data(), bytes.data(), 32);
  std::memcpy(key.mac_k.data(), bytes.data() + 32, 16);
  std::memcpy(key.mac_r.data(), bytes.data() + 48, 16);
  OPENSSL_cleanse(bytes.data(), bytes.size());
  return key;
}

} // namespace

KeyFile lock_up(const Key& master, std::string_view password, const KeyOwner& owner,
                world::Random& random) {
  KeyFile file{.created = owner.created, .user = owner.user, .host = owner.host};
  file.salt.resize(salt_bytes);
  random.fill({reinterpret_cast<unsigned char*>(file.salt.data()), file.salt.size()});
  const auto key = derive(file, password);
  CHECK(key); // the parameters are ours
  std::string json = to_json(master);
  Sealer{key.value(), random}.seal(json, file.data);
  OPENSSL_cleanse(json.data(), json.size());
  return file;
}

Result<Key> unlock(const KeyFile& file, std::string_view password, world::Random& random) {
  const Key key = TRY(derive(file, password));
  std::string json = TRY((Sealer{key, random}.open(file.data)));
  auto master = master_key_from_json(json);
  OPENSSL_cleanse(json.data(), json.size());
  return master;
}

} // namespace repo::format
