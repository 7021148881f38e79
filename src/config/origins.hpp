#pragma once
// Origins: the values of a tree as a flat list, and their digest.

#include "config/config.hpp"
#include "config/value.hpp"

#include <string>
#include <vector>

namespace config {

// With literals hidden that look like secrets.
std::vector<Origin> origins_of(const Value& root);
// Of every value, hidden ones too, and of nothing else: not of marks, comments or order of keys
// that the table orders.
std::string digest_of(const Value& root);

} // namespace config
