#include "repo/backend/s3_xml.hpp"

#include "repo/format/json.hpp"

#include <array>
#include <charconv>
#include <utility>

namespace repo::backend {

namespace {

constexpr std::array<std::pair<std::string_view, char>, 5> names{
    {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}}};

// The begin and the end of the content of the first such element at or behind `from`.
std::optional<std::pair<std::size_t, std::size_t>>
find_element(std::string_view xml, std::string_view name, std::size_t from) {
  const std::string open = "<" + std::string{name};
  for (auto at = xml.find(open, from); at != std::string_view::npos; at = xml.find(open, at + 1)) {
    const auto after = at + open.size();
    if (after >= xml.size())
      return std::nullopt;
    if (std::string_view{"> \t\r\n/"}.find(xml[after]) == std::string_view::npos)
      continue; // the beginning of a longer name
    const auto close = xml.find('>', after);
    if (close == std::string_view::npos)
      return std::nullopt;
    if (xml[close - 1] == '/')
      return std::pair{close + 1, close + 1};
    const auto end = xml.find("</" + std::string{name} + ">", close);
    if (end == std::string_view::npos)
      return std::nullopt;
    return std::pair{close + 1, end};
  }
  return std::nullopt;
}

void append_entity(std::string& plain, std::string_view entity) {
  for (const auto& [name, c] : names)
    if (entity == name) {
      plain += c;
      return;
    }
  if (!entity.starts_with('#'))
    return;
  const bool is_hex = entity.starts_with("#x");
  const std::string_view digits = entity.substr(is_hex ? 2 : 1);
  std::uint32_t point = 0;
  const auto read =
      std::from_chars(digits.data(), digits.data() + digits.size(), point, is_hex ? 16 : 10);
  const bool is_whole = read.ec == std::errc{} && read.ptr == digits.data() + digits.size();
  if (is_whole && point <= 0x10FFFF)
    format::append_utf8(plain, point);
}

} // namespace

std::optional<std::string_view> element(std::string_view xml, std::string_view name) {
  const auto found = find_element(xml, name, 0);
  if (!found)
    return std::nullopt;
  return xml.substr(found->first, found->second - found->first);
}

std::vector<std::string_view> elements(std::string_view xml, std::string_view name) {
  std::vector<std::string_view> all;
  for (auto found = find_element(xml, name, 0); found;
       found = find_element(xml, name, found->second))
    all.push_back(xml.substr(found->first, found->second - found->first));
  return all;
}

std::string text_of_xml(std::string_view escaped) {
  std::string plain;
  for (std::size_t at = 0; at < escaped.size(); ++at) {
    const auto end = escaped[at] == '&' ? escaped.find(';', at) : std::string_view::npos;
    if (end == std::string_view::npos) {
      plain += escaped[at];
      continue;
    }
    append_entity(plain, escaped.substr(at + 1, end - at - 1));
    at = end;
  }
  return plain;
}

std::string xml_text(std::string_view plain) {
  std::string escaped;
  for (const char c : plain) {
    std::string_view entity;
    for (const auto& [name, each] : names)
      if (c == each)
        entity = name;
    if (entity.empty())
      escaped += c;
    else
      escaped += "&" + std::string{entity} + ";";
  }
  return escaped;
}

std::string text_in(std::string_view xml, std::string_view name) {
  return text_of_xml(element(xml, name).value_or(""));
}

} // namespace repo::backend
