#include "domain/preflight.hpp"

namespace domain {

std::string_view name_of(FindingLevel level) {
  switch (level) {
  case FindingLevel::ok: return "ok";
  case FindingLevel::warning: return "warning";
  case FindingLevel::blocker: return "blocker";
  }
  return "?";
}

} // namespace domain
