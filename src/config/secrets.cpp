// Config, the part that reads secrets: the only place where one is ever in memory as text.
#include "base/text.hpp"
#include "config/config.hpp"
#include "config/env_file.hpp"
#include "config/secret_texts.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

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
  for (const auto& store : stack.stores) {
    add_environment(store.driver.environment);
    if (store.postgres.password)
      add(*store.postgres.password);
  }
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

// A path, or a word as short as "us" in KEYBOARD, is none.
constexpr std::size_t guessed_bytes_min = 6;

void add_guess(std::string_view name, std::string_view value, std::vector<std::string>& all) {
  const bool has_login = value.contains("://") && value.contains('@');
  if (has_login ||
      (looks_secret(name) && value.size() >= guessed_bytes_min && !value.starts_with('/')))
    all.emplace_back(value);
}

void add_literals(const domain::Stack& stack, std::vector<std::string>& all) {
  const auto add = [&](const std::string& name, const std::string& value) {
    if (looks_secret(name) || (value.contains("://") && value.contains('@')))
      all.push_back(value);
  };
  const auto add_environment = [&](const std::vector<domain::EnvironmentEntry>& environment) {
    for (const auto& entry : environment)
      if (const auto* text = std::get_if<std::string>(&entry.value))
        add(entry.name, *text);
  };
  const auto add_headers = [&](const domain::ProbeSpec& probe) {
    for (const auto& [name, value] : probe.headers)
      add(name, value);
  };
  for (const auto& service : stack.services) {
    add_environment(service.environment);
    add_environment(service.driver.environment);
    add_headers(service.ready.probe);
  }
  for (const auto& store : stack.stores)
    add_environment(store.driver.environment);
  for (const auto& check : stack.checks)
    add_headers(check.probe);
  for (const auto& probe : stack.upgrade.smoke)
    add_headers(probe);
}

// Passwords of repositories, and what their addresses hold: `rest:https://user:password@host/`.
void add_repository(world::Files& files, const domain::Stack& stack, const Environment& environment,
                    std::vector<std::string>& all) {
  if (!stack.repository)
    return;
  std::vector<domain::PlaceSpec> places{stack.repository->first};
  if (stack.repository->copy)
    places.push_back(*stack.repository->copy);
  for (const domain::PlaceSpec& place : places) {
    if (auto password = read_secret(files, place.password, environment))
      all.push_back(std::move(password).value());
    for (const auto& entry : place.environment) {
      const auto* secret = std::get_if<domain::SecretRef>(&entry.value);
      if (auto read = secret == nullptr ? Result<std::string>{std::get<std::string>(entry.value)}
                                        : read_secret(files, *secret, environment);
          read && (secret != nullptr || looks_secret(entry.name)))
        all.push_back(std::move(read).value());
    }
    if (place.location.starts_with("rest:") && place.location.contains('@'))
      all.push_back(place.location);
  }
}

// The address of a webhook is often a secret in itself: all behind its host.
void add_webhooks(const domain::Stack& stack, std::vector<std::string>& all) {
  for (const auto& spec : stack.notify) {
    const auto scheme = spec.url.find("://");
    if (spec.kind != domain::NoticeKind::webhook || scheme == std::string::npos)
      continue;
    const auto slash = spec.url.find('/', scheme + 3);
    if (slash == std::string::npos || slash + 1 == spec.url.size())
      continue;
    const std::string path = spec.url.substr(slash + 1);
    all.push_back(path);
    for (const std::string& part : base::split(path, '/')) // "hooks" is none
      if (part.size() >= guessed_bytes_min && part.find_first_of("0123456789") != std::string::npos)
        all.push_back(part);
  }
}

// A login may be told without the address that it stands in.
void add_logins(std::vector<std::string>& all) {
  std::vector<std::string> passwords;
  for (const std::string& text : all) {
    const auto scheme = text.find("://");
    const auto at = text.rfind('@');
    if (scheme == std::string::npos || at == std::string::npos || at < scheme + 3)
      continue;
    const std::string login = text.substr(scheme + 3, at - scheme - 3);
    const auto colon = login.find(':');
    const std::string password = colon == std::string::npos ? login : login.substr(colon + 1);
    if (!password.empty())
      passwords.push_back(password);
  }
  all.insert(all.end(), passwords.begin(), passwords.end());
}

void add_values_of_env_files(world::Files& files, const Loaded& loaded,
                             const Environment& environment, std::vector<std::string>& all) {
  Scope scope;
  scope.layers.push_back({"env", Variables{environment.begin(), environment.end()}});
  for (const Origin& origin : loaded.origins) {
    const auto list = nlohmann::json::parse(origin.value, nullptr, false);
    if (origin.path.empty() || origin.path[0] != "env_file" || list.is_discarded())
      continue;
    for (const auto& path : list.is_array() ? list : nlohmann::json::array({list})) {
      const std::string name = path.is_string() ? path.get<std::string>() : "";
      const auto text =
          files.read(base::absolute_path(name, loaded.stack.project_folder), env_file_bytes_max);
      if (!text)
        continue;
      if (const auto variables = parse_env_file(text.value(), name, scope))
        for (const auto& [variable, value] : variables.value())
          add_guess(variable, value, all);
    }
  }
}

// `NAME=value` and `name: value`, as .env, ini, properties, JSON and YAML have it.
void add_lines(const std::string& text, std::vector<std::string>& all) {
  constexpr std::string_view around = " \t\r\"',;{}";
  for (const std::string& line : base::split(text, '\n')) {
    const auto sign = line.find_first_of("=:");
    const auto begin = sign == std::string::npos ? sign : line.find_first_not_of(around, sign + 1);
    if (begin == std::string::npos)
      continue;
    const auto end = line.find_last_not_of(around);
    add_guess(std::string_view{line}.substr(0, sign),
              std::string_view{line}.substr(begin, end - begin + 1), all);
  }
}

} // namespace

std::vector<std::string> secret_texts(world::Files& files, const Loaded& loaded,
                                      const Environment& environment) {
  constexpr std::size_t config_file_bytes_max = 1U << 20U;
  std::vector<std::string> all;
  for (const domain::SecretRef& secret : all_secrets(loaded.stack))
    if (auto read = read_secret(files, secret, environment))
      all.push_back(std::move(read).value());
  add_literals(loaded.stack, all);
  add_webhooks(loaded.stack, all);
  add_repository(files, loaded.stack, environment, all);
  for (const auto& [name, value] : environment)
    add_guess(name, value, all);
  add_values_of_env_files(files, loaded, environment, all);
  for (const std::string& path : loaded.stack.config_files)
    if (const auto text = files.read(path, config_file_bytes_max))
      add_lines(text.value(), all);
  add_logins(all);
  return all;
}

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
