#include "repo/format/zstd.hpp"

#include "base/bytes.hpp"

#include <algorithm>

#include <zstd.h>

namespace repo::format {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

Error undecodable(std::string_view why) {
  return {ErrorKind::corrupt, "compressed bytes are undecodable: " + std::string{why}, ""};
}

} // namespace

struct Compressor::State {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ~State() { ZSTD_freeCCtx(context); }
};

Compressor::Compressor(int level) : state_{std::make_unique<State>()} {
  CHECK(state_->context != nullptr);
  CHECK(!ZSTD_isError(ZSTD_CCtx_setParameter(state_->context, ZSTD_c_compressionLevel, level)));
}
Compressor::~Compressor() = default;

void Compressor::compress(std::string_view plain, std::string& out) {
  const std::size_t begin = out.size();
  const std::size_t bound = ZSTD_compressBound(plain.size());
  base::resize_unset(out, begin + bound);
  const std::size_t size =
      ZSTD_compress2(state_->context, out.data() + begin, bound, plain.data(), plain.size());
  CHECK(!ZSTD_isError(size)); // only memory can be wanting
  out.resize(begin + size);
}

struct Decompressor::State {
  ZSTD_DCtx* context = ZSTD_createDCtx();
  ~State() { ZSTD_freeDCtx(context); }
};

Decompressor::Decompressor() : state_{std::make_unique<State>()} {
  CHECK(state_->context != nullptr);
}
Decompressor::~Decompressor() = default;

Result<> Decompressor::decompress(std::string_view frame, std::size_t size_bytes,
                                  std::string& plain) {
  base::resize_unset(plain, size_bytes);
  return decompress(frame, std::span{plain});
}

Result<> Decompressor::decompress(std::string_view frame, std::span<char> plain) {
  const std::size_t size =
      ZSTD_decompressDCtx(state_->context, plain.data(), plain.size(), frame.data(), frame.size());
  if (ZSTD_isError(size))
    return undecodable(ZSTD_getErrorName(size));
  if (size != plain.size())
    return undecodable("they are shorter than recorded");
  return ok();
}

Result<std::string> Decompressor::decompress_any(std::string_view frame, std::size_t bytes_max) {
  std::string plain;
  ZSTD_DCtx_reset(state_->context, ZSTD_reset_session_only);
  ZSTD_inBuffer in{frame.data(), frame.size(), 0};
  std::size_t left = 1;
  std::size_t size = 0;
  while (left != 0) {
    if (plain.size() - size < (64U << 10U))
      plain.resize(std::max<std::size_t>(2 * plain.size(), 128U << 10U));
    ZSTD_outBuffer to{plain.data() + size, plain.size() - size, 0};
    const std::size_t taken = in.pos;
    left = ZSTD_decompressStream(state_->context, &to, &in);
    if (ZSTD_isError(left))
      return undecodable(ZSTD_getErrorName(left));
    size += to.pos;
    if (size > bytes_max)
      return undecodable("they hold more than " + std::to_string(bytes_max) + " bytes");
    if (left != 0 && to.pos == 0 && in.pos == taken)
      return undecodable("they end too early");
  }
  if (in.pos != in.size)
    return undecodable("something stands behind them");
  plain.resize(size);
  return plain;
}

} // namespace repo::format
