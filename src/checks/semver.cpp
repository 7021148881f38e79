#include "checks/semver.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

namespace checks {

using domain::UpgradeClass;

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

using Version = std::array<std::uint32_t, 3>;

// From the first digit that follows no letter and no digit, or a "v" alone.
std::optional<Version> parse(std::string_view text) {
  if (text.starts_with('v') || text.starts_with('V'))
    text.remove_prefix(1);
  if (!text.empty() && !is_digit(text[0])) {
    const auto dash = text.find_last_of("-_", text.find_first_of("0123456789"));
    if (dash == std::string_view::npos)
      return std::nullopt;
    text.remove_prefix(dash + 1);
    if (text.starts_with('v'))
      text.remove_prefix(1);
  }
  Version version{};
  for (auto& part : version) {
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), part);
    if (parsed.ec != std::errc{})
      return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
    if (!text.starts_with('.'))
      break;
    text.remove_prefix(1);
  }
  // What follows is a pre-release, a build, or more parts; letters at once are none of these.
  if (!text.empty() && !std::string_view{"-+._~"}.contains(text[0]) && !is_digit(text[0]))
    return std::nullopt;
  return version;
}

} // namespace

UpgradeClass class_between(std::string_view from, std::string_view to) {
  const auto a = parse(from);
  const auto b = parse(to);
  if (!a || !b)
    return UpgradeClass::unknown;
  if ((*a)[0] != (*b)[0])
    return UpgradeClass::major;
  // Before 1.0 every minor may break (semver.org, 4).
  if ((*a)[1] != (*b)[1])
    return (*a)[0] == 0 ? UpgradeClass::major : UpgradeClass::minor;
  return UpgradeClass::patch;
}

std::string_view name_of(UpgradeClass upgrade) {
  switch (upgrade) {
  case UpgradeClass::patch: return "patch";
  case UpgradeClass::minor: return "minor";
  case UpgradeClass::major: return "major";
  case UpgradeClass::unknown: return "unknown";
  }
  return "?";
}

} // namespace checks
