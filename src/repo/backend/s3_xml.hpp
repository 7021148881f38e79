#pragma once
// S3 xml: what of the XML of an S3 server is needed: the texts of elements, by name. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace repo::backend {

// What stands between the first <name> (with whatever attributes) and the </name> after it, as it
// is; nullopt: there is no such element. Elements of the same name are not in one another in S3.
std::optional<std::string_view> element(std::string_view xml, std::string_view name);
std::vector<std::string_view> elements(std::string_view xml, std::string_view name);
std::string text_of_xml(std::string_view escaped); // &amp; and the like replaced
std::string xml_text(std::string_view plain);      // the other way
// The text of an element; "" when there is none.
std::string text_in(std::string_view xml, std::string_view name);

} // namespace repo::backend
