#include "repo/format/json.hpp"

#include <charconv>

namespace repo::format {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

constexpr unsigned depth_max = 64;

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

} // namespace

bool JsonReader::refuse(std::string_view why) {
  if (wrong_.empty())
    wrong_ = std::string{why} + " at byte " + std::to_string(at_);
  return false;
}

Result<> JsonReader::end(std::string_view what) {
  if (wrong_.empty() && peek() != '\0')
    refuse("something stands behind the value");
  if (wrong_.empty() && at_ != text_.size())
    refuse("there is a zero byte");
  if (!wrong_.empty())
    return Error{ErrorKind::corrupt, std::string{what} + " is not readable: " + wrong_, ""};
  return ok();
}

// The next character that is no blank; '\0' at the end and after a mistake.
char JsonReader::peek() {
  if (!wrong_.empty())
    return '\0';
  while (at_ < text_.size() && is_blank(text_[at_]))
    ++at_;
  return at_ < text_.size() ? text_[at_] : '\0';
}

bool JsonReader::expect(char c) {
  if (peek() != c)
    return refuse(std::string{"'"} + c + "' is missing");
  ++at_;
  return true;
}

bool JsonReader::enter(char open) {
  if (depth_ == depth_max)
    return refuse("it is nested too deeply");
  if (!expect(open))
    return false;
  ++depth_;
  return true;
}

// True at the end of the object or array, and after a mistake.
bool JsonReader::leave(char close, bool is_first) {
  if (!wrong_.empty())
    return true;
  if (peek() == close) {
    ++at_;
    --depth_;
    return true;
  }
  return !is_first && !expect(',');
}

bool JsonReader::word(std::string_view name) {
  if (text_.substr(at_, name.size()) != name)
    return false;
  at_ += name.size();
  return true;
}

bool JsonReader::is_null() {
  return peek() == 'n' && word("null");
}

bool JsonReader::boolean(bool& value) {
  const char c = peek();
  value = c == 't';
  return (c == 't' && word("true")) || (c == 'f' && word("false")) ||
         refuse("there is no true or false");
}

bool JsonReader::number(std::uint64_t& value) {
  peek();
  if (!wrong_.empty())
    return false;
  const char* const begin = text_.data() + at_;
  const auto read = std::from_chars(begin, text_.data() + text_.size(), value);
  if (read.ec != std::errc{} || (*begin == '0' && read.ptr != begin + 1))
    return refuse("there is no whole number");
  at_ += static_cast<std::size_t>(read.ptr - begin);
  if (at_ < text_.size() && (text_[at_] == '.' || text_[at_] == 'e' || text_[at_] == 'E'))
    return refuse("there is no whole number");
  return true;
}

bool JsonReader::number(std::uint32_t& value) {
  std::uint64_t wide = 0;
  if (!number(wide))
    return false;
  value = static_cast<std::uint32_t>(wide);
  return value == wide || refuse("a number is too large");
}

bool JsonReader::string(std::string& value) {
  value.clear();
  if (!expect('"'))
    return false;
  for (;;) {
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\' &&
           static_cast<unsigned char>(text_[at_]) >= 0x20)
      ++at_;
    value.append(text_, begin, at_ - begin);
    if (at_ == text_.size() || static_cast<unsigned char>(text_[at_]) < 0x20)
      return refuse("a string does not end");
    if (text_[at_++] == '"')
      return true;
    if (!escape(value))
      return false;
  }
}

bool JsonReader::code_unit(std::uint32_t& unit) {
  const std::string_view digits = text_.substr(at_, 4);
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), unit, 16);
  if (digits.size() != 4 || read.ec != std::errc{} || read.ptr != digits.data() + 4)
    return refuse("an escape is wrong");
  at_ += 4;
  return true;
}

bool JsonReader::escape(std::string& value) {
  constexpr std::string_view names = "\"\\/bfnrt";
  constexpr std::string_view values = "\"\\/\b\f\n\r\t";
  const char c = at_ < text_.size() ? text_[at_] : '\0';
  if (const auto which = names.find(c); c != '\0' && which != std::string_view::npos) {
    value += values[which];
    ++at_;
    return true;
  }
  if (c != 'u')
    return refuse("an escape is wrong");
  ++at_;
  std::uint32_t unit = 0;
  if (!code_unit(unit))
    return false;
  if (unit >= 0xD800 && unit < 0xDC00 && text_.substr(at_, 2) == "\\u") {
    const std::size_t begin = at_;
    at_ += 2;
    std::uint32_t low = 0;
    if (!code_unit(low))
      return false;
    if (low >= 0xDC00 && low < 0xE000)
      unit = 0x10000 + ((unit - 0xD800) << 10U) + (low - 0xDC00);
    else
      at_ = begin; // half of a pair, and something else after it
  }
  append_utf8(value, unit >= 0xD800 && unit < 0xE000 ? 0xFFFD : unit);
  return true;
}

bool JsonReader::id(Id& value) {
  std::string hex;
  if (!string(hex))
    return false;
  const auto parsed = parse_id(hex);
  if (!parsed)
    return refuse("there is no id");
  value = *parsed;
  return true;
}

bool JsonReader::ids(std::vector<Id>& value) {
  array([&] { id(value.emplace_back()); });
  return wrong_.empty();
}

bool JsonReader::strings(std::vector<std::string>& value) {
  array([&] { string(value.emplace_back()); });
  return wrong_.empty();
}

bool JsonReader::base64(std::string& value) {
  value.clear();
  std::string encoded;
  if (is_null())
    return true;
  if (!string(encoded))
    return false;
  auto decoded = from_base64(encoded);
  if (!decoded)
    return refuse("there is no base64");
  value = std::move(*decoded);
  return true;
}

bool JsonReader::skip_number() {
  const std::size_t begin = at_;
  const auto digits = [&] {
    const std::size_t first = at_;
    while (at_ < text_.size() && is_digit(text_[at_]))
      ++at_;
    return at_ != first;
  };
  const auto has = [&](std::string_view any) {
    return at_ < text_.size() && any.find(text_[at_]) != std::string_view::npos && ++at_ != 0;
  };
  has("-");
  bool is_good = digits();
  if (is_good && has("."))
    is_good = digits();
  if (is_good && has("eE")) {
    has("+-");
    is_good = digits();
  }
  return (is_good && at_ != begin) || refuse("there is no value");
}

bool JsonReader::skip() {
  std::string ignored;
  bool flag = false;
  switch (peek()) {
  case '"': return string(ignored);
  case '{': object([&](std::string_view) { skip(); }); return wrong_.empty();
  case '[': array([&] { skip(); }); return wrong_.empty();
  case 't':
  case 'f': return boolean(flag);
  case 'n': return is_null() || refuse("there is no value");
  default: return wrong_.empty() && skip_number();
  }
}

void append_utf8(std::string& out, std::uint32_t code_point) {
  const auto tail = [&](unsigned shift) {
    out += static_cast<char>(0x80U | ((code_point >> shift) & 0x3FU));
  };
  if (code_point < 0x80) {
    out += static_cast<char>(code_point);
  } else if (code_point < 0x800) {
    out += static_cast<char>(0xC0U | (code_point >> 6U));
    tail(0);
  } else if (code_point < 0x10000) {
    out += static_cast<char>(0xE0U | (code_point >> 12U));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0U | (code_point >> 18U));
    tail(12);
    tail(6);
    tail(0);
  }
}

Rune rune_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t index) -> std::uint32_t {
    return index < text.size() ? static_cast<unsigned char>(text[index]) : 0U;
  };
  const std::uint32_t first = byte(at);
  if (first < 0x80)
    return {first, 1};
  std::size_t length = 2;
  std::uint32_t value = first & 0x1FU;
  if (first >= 0xF0) {
    length = 4;
    value = first & 0x07U;
  } else if (first >= 0xE0) {
    length = 3;
    value = first & 0x0FU;
  }
  for (std::size_t index = 1; index < length; ++index) {
    if ((byte(at + index) & 0xC0U) != 0x80)
      return {};
    value = (value << 6U) | (byte(at + index) & 0x3FU);
  }
  constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_valid = first >= 0xC2 && first <= 0xF4 && value >= least[length] &&
                        value <= 0x10FFFF && (value < 0xD800 || value > 0xDFFF);
  return is_valid ? Rune{value, length} : Rune{};
}

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const Rune rune = rune_at(text, at);
    if (rune.length == 0)
      return false;
    at += rune.length;
  }
  return true;
}

namespace {

void append_unit(std::string& out, std::uint32_t unit) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += "\\u";
  for (const unsigned shift : {12U, 8U, 4U, 0U})
    out += digits[(unit >> shift) & 15U];
}

} // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    const Rune rune = rune_at(text, at);
    if (rune.length == 0)
      out += "\\ufffd";
    else if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (c == '\n')
      out += "\\n";
    else if (c == '\r')
      out += "\\r";
    else if (c == '\t')
      out += "\\t";
    else if (c == '\b')
      out += "\\b";
    else if (c == '\f')
      out += "\\f";
    else if (rune.code_point < 0x20 || c == '<' || c == '>' || c == '&' ||
             rune.code_point == 0x2028 || rune.code_point == 0x2029)
      append_unit(out, rune.code_point);
    else
      out.append(text, at, rune.length);
    at += rune.length == 0 ? 1 : rune.length;
  }
  out += '"';
}

} // namespace repo::format
