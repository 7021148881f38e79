// Config, the part that reads secrets: the only place where one is ever in memory as text.
#include "base/text.hpp"
#include "config/config.hpp"

#include <algorithm>

namespace config {
namespace {

using base::Error;
using base::ErrorKind;
using base::Result;

constexpr std::size_t secret_bytes_max = 64U << 10U;

Result<std::string> usable(std::string secret, const std::string& where) {
  if (secret.ends_with('\n'))
    secret.pop_back();
  if (secret.ends_with('\r'))
    secret.pop_back();
  if (secret.empty())
    return Error{ErrorKind::invalid_input, "the secret in " + where + " is empty",
                 "Write the secret into it."};
  if (secret.contains('\0'))
    return Error{ErrorKind::invalid_input, "the secret in " + where + " has a zero byte",
                 "Secrets are text: encode it."};
  return secret;
}

Result<std::string> read_file(world::Files& files, const std::string& path) {
  const std::string where = "'" + path + "'";
  const auto real = files.resolve(path); // mounted secrets are often links
  if (!real)
    return Error{real.error().kind,
                 "unable to read the secret file " + where + ": " + real.error().message,
                 "Make the file, readable by the user of belay alone."};
  const auto info = TRY(files.info(real.value()));
  if (!info)
    return Error{ErrorKind::not_found, "the secret file " + where + " is gone", ""};
  if (info->kind != world::EntryKind::file)
    return Error{ErrorKind::invalid_input, "the secret file " + where + " is not a plain file", ""};
  if ((info->mode & 077U) != 0)
    return Error{ErrorKind::invalid_input,
                 "the secret file " + where + " can be read or written by others than its owner",
                 "Run: chmod 600 " + real.value()};
  if (info->size_bytes > secret_bytes_max)
    return Error{ErrorKind::invalid_input, "the secret file " + where + " is larger than 64 KiB",
                 ""};
  return usable(TRY(files.read(real.value(), secret_bytes_max)), where);
}

std::vector<domain::SecretRef> all_secrets(const domain::Stack& stack) {
  std::vector<domain::SecretRef> all;
  const auto add = [&](const domain::SecretRef& secret) {
    if (std::ranges::find(all, secret) == all.end())
      all.push_back(secret);
  };
  const auto add_probe = [&](const domain::ProbeSpec& probe) {
    if (probe.bearer)
      add(*probe.bearer);
  };
  const auto add_environment = [&](const std::vector<domain::EnvironmentEntry>& environment) {
    for (const auto& entry : environment)
      if (const auto* secret = std::get_if<domain::SecretRef>(&entry.value))
        add(*secret);
  };
  for (const auto& service : stack.services) {
    add_environment(service.environment);
    add_environment(service.driver.environment);
    add_probe(service.ready.probe);
  }
  for (const auto& store : stack.stores)
    add_environment(store.driver.environment);
  for (const auto& check : stack.checks)
    add_probe(check.probe);
  for (const auto& probe : stack.upgrade.smoke)
    add_probe(probe);
  for (const auto& spec : stack.notify)
    for (const auto& secret : {spec.bearer, spec.password})
      if (secret)
        add(*secret);
  return all;
}

} // namespace

Result<std::string> read_secret(world::Files& files, const domain::SecretRef& secret,
                                const Environment& environment) {
  if (secret.kind == domain::SecretRef::Kind::file)
    return read_file(files, secret.name);
  const auto found = environment.find(secret.name);
  if (found == environment.end())
    return Error{ErrorKind::not_found,
                 "the secret variable '" + secret.name + "' is not in the environment",
                 "Set it for belay itself, or refer to a file with file:PATH."};
  return usable(found->second, "variable '" + secret.name + "'");
}

Result<> check_secrets(world::Files& files, const domain::Stack& stack,
                       const Environment& environment) {
  std::vector<Error> errors;
  for (const domain::SecretRef& secret : all_secrets(stack))
    if (auto read = read_secret(files, secret, environment); !read)
      errors.push_back(std::move(read).error());
  if (errors.empty())
    return base::ok();
  if (errors.size() == 1)
    return errors[0];
  std::vector<std::string> lines;
  lines.reserve(errors.size());
  for (const Error& error : errors)
    lines.push_back(error.message + (error.hint.empty() ? "" : " (" + error.hint + ")"));
  return Error{ErrorKind::invalid_input, base::join(lines, "\n"),
               "Correct these " + std::to_string(errors.size()) + " secrets."};
}

} // namespace config
