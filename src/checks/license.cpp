// License: tokens that must outlive the upgrade.
#include "base/text.hpp"
#include "checks/environment.hpp"
#include "checks/jwt.hpp"
#include "checks/look.hpp"

#include <algorithm>

namespace checks {

namespace {

constexpr const char* license = "license";

std::string days_text(std::chrono::seconds span) {
  const auto days = std::chrono::floor<std::chrono::days>(span).count();
  return std::to_string(days) + (days == 1 ? " day" : " days");
}

base::Result<std::string> token_of(const Look& look, const domain::LicenseSpec& spec) {
  if (spec.token)
    return look.read_secret(*spec.token);
  for (const auto& [name, value] : values_of_services(look))
    if (name == spec.variable)
      return value;
  return base::Error{base::ErrorKind::not_found,
                     "no service has the variable '" + spec.variable + "'", ""};
}

void look_at_expiry(const Look& look, const domain::LicenseSpec& spec, const Jwt& jwt,
                    std::chrono::seconds now) {
  using std::chrono::duration_cast;
  using std::chrono::seconds;
  const std::string name = "license '" + spec.name + "' ";
  if (!jwt.expires)
    return look.warn(license, name + "has no `exp`, so nobody can tell how long it is valid: ask "
                                     "who issued it");
  const seconds left{*jwt.expires - now.count()};
  const std::string when = base::format_time(world::TimePoint{seconds{*jwt.expires}}).substr(0, 10);
  if (left.count() <= 0)
    look.block(license, name + "expired on " + when +
                            ": renew it first, the service would refuse "
                            "its work after the restart");
  else if (left < duration_cast<seconds>(spec.margin))
    look.block(license, name + "expires on " + when + ", within the margin of " +
                            base::format_duration(spec.margin) + ": renew it first");
  else if (left < duration_cast<seconds>(spec.warn))
    look.warn(license, name + "expires on " + when + ", in " + days_text(left) + ": renew it soon");
  else
    look.ok(license, name + "is valid until " + when + ", for " + days_text(left) +
                         "; its signature was not looked at");
}

void look_at_license(const Look& look, const domain::LicenseSpec& spec) {
  const std::string name = "license '" + spec.name + "' ";
  const auto token = token_of(look, spec);
  if (!token)
    return look.block(license, name + "cannot be read: " + token.error().message +
                                   (token.error().hint.empty() ? "" : ". " + token.error().hint));
  const auto jwt = parse_jwt(token.value());
  if (!jwt)
    return look.block(license, name + jwt.error().message +
                                   ". Ask for a new one, or copy it again "
                                   "as one line");
  std::vector<std::string> missing;
  for (const std::string& claim : spec.claims)
    if (std::ranges::find(jwt.value().claims, claim) == jwt.value().claims.end())
      missing.push_back(claim);
  if (!missing.empty())
    look.block(license, name + "has no claim " + base::join(missing, ", ") +
                            ": the service would refuse it; ask for a whole one");
  const auto now = std::chrono::floor<std::chrono::seconds>(look.world.clock.now());
  if (jwt.value().not_before && *jwt.value().not_before > now.time_since_epoch().count())
    look.block(license, name + "is not valid yet: look at the clock, or wait");
  look_at_expiry(look, spec, jwt.value(), now.time_since_epoch());
}

} // namespace

void look_at_licenses(const Look& look) {
  for (const domain::LicenseSpec& spec : look.stack.preflight.licenses)
    look_at_license(look, spec);
}

} // namespace checks
