#pragma once
// Json: reads JSON without building it, and writes strings exactly as Go's encoding/json does,
// for the bytes of a tree are hashed. Bounded depth; strict (RFC 8259).

#include "base/result.hpp"
#include "repo/format/id.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace repo::format {

// Each member takes the next value. After a first mistake nothing is taken any more, and end() says
// where it was; what was read until then must not be used.
class JsonReader {
public:
  explicit JsonReader(std::string_view text) : text_{text} {}

  bool is_null(); // takes it when it is
  bool string(std::string& value);
  bool number(std::uint64_t& value);
  bool number(std::uint32_t& value);
  bool boolean(bool& value);
  bool id(Id& value);
  bool ids(std::vector<Id>& value);
  bool strings(std::vector<std::string>& value);
  bool base64(std::string& value); // null is empty
  bool skip();
  // `member(key)` is called for each and must take its value. null is an object without members.
  template <class Member>
  void object(Member member) {
    if (is_null() || !enter('{'))
      return;
    for (bool is_first = true; !leave('}', is_first); is_first = false) {
      std::string key;
      if (!string(key) || !expect(':'))
        return;
      member(std::string_view{key});
    }
  }
  // `element()` must take one value. null is an array without elements.
  template <class Element>
  void array(Element element) {
    if (is_null() || !enter('['))
      return;
    for (bool is_first = true; !leave(']', is_first); is_first = false)
      element();
  }

  // A value is known to be wrong for a reason that only the caller sees.
  bool refuse(std::string_view why);
  // corrupt: `what` could not be read, or something stands behind it.
  base::Result<> end(std::string_view what);

private:
  char peek();
  bool expect(char c);
  bool enter(char open);
  bool leave(char close, bool is_first);
  bool escape(std::string& value);
  bool code_unit(std::uint32_t& unit);
  bool skip_number();
  bool word(std::string_view name);

  std::string_view text_;
  std::size_t at_ = 0;
  unsigned depth_ = 0;
  std::string wrong_; // empty: nothing yet
};

void append_utf8(std::string& out, std::uint32_t code_point);
// The code point at `at` and its length; length 0 when the bytes there are no UTF-8.
struct Rune {
  std::uint32_t code_point = 0;
  std::size_t length = 0;
};
Rune rune_at(std::string_view text, std::size_t at);
bool is_utf8(std::string_view text);

// With the quotes; bytes that are no UTF-8 become U+FFFD, as Go writes them.
void append_json_string(std::string& out, std::string_view text);

} // namespace repo::format
