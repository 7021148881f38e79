// Any bytes as a line of an agent: a message, or a refusal that can be answered in one line.

#include "base/result.hpp"
#include "mcp/message.hpp"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line{reinterpret_cast<const char*>(data), size};
  const mcp::Read read = mcp::read_message(line);
  if (!read.message) {
    CHECK(read.refusal.code < 0 && !read.refusal.message.empty());
    CHECK(mcp::error_line(read.refusal).find('\n') == std::string::npos);
    return 0;
  }
  CHECK(read.message->params.is_object());
  const auto answer = mcp::result_line(read.message->id, read.message->params);
  CHECK(answer.find('\n') == std::string::npos);
  return 0;
}
