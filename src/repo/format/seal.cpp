#include "repo/format/seal.hpp"

#include "base/bytes.hpp"

#include <algorithm>
#include <climits>
#include <cstring>

#include <openssl/crypto.h>
#include <openssl/evp.h>

namespace repo::format {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

constexpr std::size_t iv_bytes = 16;
constexpr std::size_t mac_bytes = 16;
constexpr std::size_t ivs_at_once = 64; // one call of the generator for so many

unsigned char* unsigned_at(char* bytes) {
  return reinterpret_cast<unsigned char*>(bytes);
}
const unsigned char* unsigned_at(const char* bytes) {
  return reinterpret_cast<const unsigned char*>(bytes);
}

template <class Bytes>
bool is_all_zero(const Bytes& bytes) {
  return std::ranges::all_of(bytes, [](unsigned char byte) { return byte == 0; });
}

} // namespace

bool Key::is_valid() const {
  return !is_all_zero(encrypt) && !is_all_zero(mac_k) && !is_all_zero(mac_r);
}

Key new_key(world::Random& random) {
  Key key;
  random.fill(key.encrypt);
  random.fill(key.mac_k);
  random.fill(key.mac_r);
  // Poly1305 clears these bits anyway; older readers want them to be clear already.
  for (const std::size_t at : {3U, 7U, 11U, 15U})
    key.mac_r[at] &= 15U;
  for (const std::size_t at : {4U, 8U, 12U})
    key.mac_r[at] &= 252U;
  CHECK(key.is_valid());
  return key;
}

struct Sealer::State {
  State(const Key& with, world::Random& from) : key{with}, random{from} {
    EVP_MAC* const poly = EVP_MAC_fetch(nullptr, "POLY1305", nullptr);
    CHECK(poly != nullptr);
    mac = EVP_MAC_CTX_new(poly);
    EVP_MAC_free(poly);
    CHECK(cipher != nullptr && one_block != nullptr && mac != nullptr);
    CHECK(EVP_EncryptInit_ex2(cipher, EVP_aes_256_ctr(), key.encrypt.data(), nullptr, nullptr));
    CHECK(EVP_EncryptInit_ex2(one_block, EVP_aes_128_ecb(), key.mac_k.data(), nullptr, nullptr));
    CHECK(EVP_CIPHER_CTX_set_padding(one_block, 0) == 1);
  }
  ~State() {
    EVP_CIPHER_CTX_free(cipher);
    EVP_CIPHER_CTX_free(one_block);
    EVP_MAC_CTX_free(mac);
    OPENSSL_cleanse(&key, sizeof key);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  Key key;
  world::Random& random;
  EVP_CIPHER_CTX* cipher = EVP_CIPHER_CTX_new();
  EVP_CIPHER_CTX* one_block = EVP_CIPHER_CTX_new();
  EVP_MAC_CTX* mac = nullptr;
  std::array<unsigned char, iv_bytes * ivs_at_once> ivs{};
  std::size_t ivs_used = ivs_at_once;
};

Sealer::Sealer(const Key& key, world::Random& random)
    : state_{std::make_unique<State>(key, random)} {}
Sealer::~Sealer() = default;

// Never the same twice: with one IV for two plaintexts both would be readable.
void Sealer::take_iv(unsigned char* to) {
  State& own = *state_;
  if (own.ivs_used == ivs_at_once) {
    own.random.fill(own.ivs);
    own.ivs_used = 0;
  }
  unsigned char* const iv = own.ivs.data() + iv_bytes * own.ivs_used++;
  std::memcpy(to, iv, iv_bytes);
  std::memset(iv, 0, iv_bytes);
}

void Sealer::mac_of(const unsigned char* iv, std::string_view ciphertext, unsigned char* mac) {
  State& own = *state_;
  std::array<unsigned char, 32> one_time{};
  std::memcpy(one_time.data(), own.key.mac_r.data(), 16);
  int length = 0;
  CHECK(EVP_EncryptUpdate(own.one_block, one_time.data() + 16, &length, iv, 16) == 1);
  std::size_t written = 0;
  CHECK(EVP_MAC_init(own.mac, one_time.data(), one_time.size(), nullptr) == 1);
  CHECK(EVP_MAC_update(own.mac, unsigned_at(ciphertext.data()), ciphertext.size()) == 1);
  CHECK(EVP_MAC_final(own.mac, mac, &written, mac_bytes) == 1 && written == mac_bytes);
}

namespace {

// OpenSSL counts in int.
void crypt(EVP_CIPHER_CTX* cipher, std::string_view from, char* to) {
  while (!from.empty()) {
    const auto step = std::min<std::size_t>(from.size(), INT_MAX & ~15);
    int length = 0;
    CHECK(EVP_EncryptUpdate(cipher, unsigned_at(to), &length, unsigned_at(from.data()),
                            static_cast<int>(step)));
    to += step;
    from.remove_prefix(step);
  }
}

} // namespace

void Sealer::seal(std::string_view plain, std::string& out) {
  const std::size_t begin = out.size();
  base::resize_unset(out, begin + plain.size() + seal_bytes);
  unsigned char* const iv = unsigned_at(out.data() + begin);
  take_iv(iv);
  CHECK(EVP_EncryptInit_ex2(state_->cipher, nullptr, nullptr, iv, nullptr) == 1);
  char* const ciphertext = out.data() + begin + iv_bytes;
  crypt(state_->cipher, plain, ciphertext);
  mac_of(iv, {ciphertext, plain.size()}, unsigned_at(ciphertext + plain.size()));
}

Result<> Sealer::open(std::string_view box, std::span<char> plain) {
  if (box.size() != plain.size() + seal_bytes)
    return Error{ErrorKind::corrupt, "sealed bytes are of another length", ""};
  const unsigned char* const iv = unsigned_at(box.data());
  const std::string_view ciphertext = box.substr(iv_bytes, box.size() - seal_bytes);
  std::array<unsigned char, mac_bytes> mac{};
  mac_of(iv, ciphertext, mac.data());
  if (CRYPTO_memcmp(mac.data(), box.data() + box.size() - mac_bytes, mac_bytes) != 0)
    return Error{ErrorKind::corrupt, "sealed bytes were changed, or are of another key", ""};
  CHECK(EVP_EncryptInit_ex2(state_->cipher, nullptr, nullptr, iv, nullptr) == 1);
  crypt(state_->cipher, ciphertext, plain.data());
  return ok();
}

Result<> Sealer::open(std::string_view box, std::string& plain) {
  if (box.size() < seal_bytes)
    return Error{ErrorKind::corrupt, "sealed bytes are too short", ""};
  base::resize_unset(plain, box.size() - seal_bytes);
  return open(box, std::span{plain});
}

Result<std::string> Sealer::open(std::string_view box) {
  std::string plain;
  TRY(open(box, plain));
  return plain;
}

} // namespace repo::format
