#pragma once
// Seal: bytes made unreadable and unchangeable: random IV, AES-256-CTR, Poly1305-AES over the
// ciphertext. Source: restic design.rst, "Keys, Encryption and MAC".

#include "base/result.hpp"
#include "world/random.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace repo::format {

struct Key {
  std::array<unsigned char, 32> encrypt{};
  std::array<unsigned char, 16> mac_k{};
  std::array<unsigned char, 16> mac_r{};
  bool operator==(const Key&) const = default;
  bool is_valid() const; // no part is all zero
};

Key new_key(world::Random& random);

constexpr std::size_t seal_bytes = 32; // what sealing adds: 16 of IV before, 16 of MAC after

// Seals and opens with one key. For one thread; make one for each.
class Sealer {
public:
  Sealer(const Key& key, world::Random& random);
  ~Sealer();
  Sealer(const Sealer&) = delete;
  Sealer& operator=(const Sealer&) = delete;

  void seal(std::string_view plain, std::string& out); // appends
  // The MAC is verified, in constant time, before anything is decrypted. corrupt otherwise.
  base::Result<> open(std::string_view box, std::string& plain); // replaces
  base::Result<std::string> open(std::string_view box);
  base::Result<> open(std::string_view box, std::span<char> plain); // as long as what is sealed

private:
  struct State;
  void take_iv(unsigned char* to);
  void mac_of(const unsigned char* iv, std::string_view ciphertext, unsigned char* mac);
  std::unique_ptr<State> state_;
};

} // namespace repo::format
