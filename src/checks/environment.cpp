// Environment: the variables that the new release asks for against those that the services have,
// and placeholders among their values.
#include "checks/environment.hpp"

#include "base/text.hpp"
#include "checks/release_source.hpp"

#include <algorithm>
#include <map>

namespace checks {

namespace {

constexpr const char* environment = "environment";
constexpr const char* placeholders = "placeholders";
constexpr std::size_t file_bytes_max = 1U << 20U;

bool is_env_file(const std::string& path) {
  const std::string name = base::name_of_path(path);
  return name == ".env" || name.starts_with(".env.") || name.ends_with(".env");
}
bool is_yaml_file(const std::string& path) {
  return path.ends_with(".yaml") || path.ends_with(".yml");
}
bool is_compose(const std::string& path) {
  const std::string name = base::name_of_path(path);
  return is_yaml_file(path) && (name.starts_with("docker-compose") || name.starts_with("compose"));
}

// What a release asks for, from the files of `preflight.examples` that it has.
struct Asked {
  bool is_known = false; // its files could be looked at
  bool has_files = false;
  std::vector<Wanted> wanted;
  std::vector<std::string> keys; // of values files
  std::vector<std::string> unreadable;
};

void take(Asked& asked, const std::string& name, const std::string& text) {
  asked.has_files = true;
  const auto add = [&](const auto& found, auto& all) {
    if (found)
      all.insert(all.end(), found.value().begin(), found.value().end());
    else
      asked.unreadable.push_back(name + ": " + found.error().message);
  };
  if (is_compose(name))
    return add(wanted_by_compose(text), asked.wanted);
  if (is_yaml_file(name))
    return add(keys_of_values(text), asked.keys);
  const auto wanted = wanted_by_example(text);
  asked.wanted.insert(asked.wanted.end(), wanted.begin(), wanted.end());
}

// In the folder, or in the only folder that it holds, as archives often have one.
Asked asked_by_folder(const Look& look, const std::string& folder) {
  Asked asked;
  const auto names = look.world.files.list(folder);
  if (!names)
    return asked;
  asked.is_known = true;
  for (const std::string& name : look.stack.preflight.examples) {
    auto text = look.world.files.read(folder + "/" + name, file_bytes_max);
    if (!text && names.value().size() == 1)
      text = look.world.files.read(folder + "/" + names.value()[0] + "/" + name, file_bytes_max);
    if (text)
      take(asked, name, text.value());
  }
  return asked;
}

Asked asked_by_archive(const Look& look, const std::string& path) {
  Asked asked;
  const auto contents =
      look.world.trees.look_into(path, look.stack.preflight.examples, file_bytes_max);
  if (!contents)
    return asked;
  asked.is_known = true;
  for (const auto& [name, text] : contents.value().texts)
    take(asked, name, text);
  return asked;
}

Asked asked_by_target(const Look& look, const domain::ServiceSpec& service) {
  const std::string made = service.releases_folder + "/" + look.request.to;
  if (const auto info = look.world.files.info(made); info && info.value())
    return asked_by_folder(look, made);
  const std::string path = base::fill(service.release.path, {{"to", look.request.to}});
  switch (service.release.kind) {
  case domain::ReleaseSourceKind::folder: return asked_by_folder(look, path);
  case domain::ReleaseSourceKind::archive: return asked_by_archive(look, path);
  case domain::ReleaseSourceKind::command: break;
  }
  return {};
}

bool asks(const Asked& asked, const std::string& name) {
  return std::ranges::find(asked.wanted, name, &Wanted::name) != asked.wanted.end();
}

// New and removed variables between what runs and the target.
void compare(const Look& look, const std::string& service, const Asked& before, const Asked& after,
             const std::set<std::string>& set) {
  std::vector<std::string> missing;
  std::vector<std::string> defaulted;
  std::vector<std::string> fresh;
  std::vector<std::string> removed;
  for (const Wanted& wanted : after.wanted) {
    if (asks(before, wanted.name)) // what runs does without it too
      continue;
    if (set.contains(wanted.name))
      fresh.push_back(wanted.name);
    else
      (wanted.has_default ? defaulted : missing).push_back(wanted.name);
  }
  for (const Wanted& wanted : before.wanted)
    if (!asks(after, wanted.name) && set.contains(wanted.name))
      removed.push_back(wanted.name);
  const std::string of = "the release of '" + service + "' ";
  const std::string has_no_longer = of + "no longer knows ";
  if (!missing.empty())
    look.block(environment, of + "newly needs " + base::join(missing, ", ") +
                                ": set it in `services." + service + ".env` or in the env file");
  if (!defaulted.empty())
    look.warn(environment, of + "newly knows " + base::join(defaulted, ", ") +
                               ", with a default: set it, or agree with the default");
  if (!removed.empty())
    look.warn(environment, has_no_longer + base::join(removed, ", ") +
                               ", which is set: read in its notes what replaces it");
  if (missing.empty() && defaulted.empty() && removed.empty())
    look.ok(environment, fresh.empty()
                             ? of + "asks for no other variables than before"
                             : of + "newly knows " + base::join(fresh, ", ") + ": all are set");
}

void compare_values(const Look& look, const std::string& service, const Asked& before,
                    const Asked& after) {
  std::vector<std::string> fresh;
  std::vector<std::string> removed;
  for (const std::string& key : after.keys)
    if (std::ranges::find(before.keys, key) == before.keys.end())
      fresh.push_back(key);
  for (const std::string& key : before.keys)
    if (std::ranges::find(after.keys, key) == after.keys.end())
      removed.push_back(key);
  const std::string of = "the values file of '" + service + "' ";
  if (!removed.empty())
    look.warn(environment, of + "no longer has " + base::join(removed, ", ") +
                               ": look whether yours sets one of them");
  if (!fresh.empty())
    look.warn(environment, of + "newly has " + base::join(fresh, ", ") +
                               ": set it in yours, or agree with the default");
}

void look_at_target(const Look& look, const domain::ServiceSpec& service,
                    const std::set<std::string>& set) {
  const domain::Release* running = running_release(look, service.name);
  const Asked before = running == nullptr ? Asked{} : asked_by_folder(look, running->folder);
  const Asked after = asked_by_target(look, service);
  for (const std::string& problem : after.unreadable)
    look.warn(environment, "the release of '" + service.name + "': " + problem +
                               ": compare its variables by eye");
  if (!after.is_known) {
    if (before.has_files)
      look.warn(environment, "the variables of the release of '" + service.name +
                                 "' are not known before it is made: read its notes");
    return;
  }
  if (!after.has_files && before.has_files)
    return look.warn(environment, "the release of '" + service.name +
                                      "' no longer has a file that names its variables: read its "
                                      "notes");
  if (!after.has_files)
    return;
  compare(look, service.name, before, after, set);
  if (running != nullptr)
    compare_values(look, service.name, before, after);
}

void look_for_required(const Look& look, const std::set<std::string>& set) {
  std::vector<std::string> missing;
  for (const std::string& name : look.stack.preflight.required)
    if (!set.contains(name))
      missing.push_back(name);
  if (!missing.empty())
    look.block(environment, base::join(missing, ", ") + (missing.size() == 1 ? " is" : " are") +
                                " required (`preflight.required`) and not set: set it in `env` of "
                                "the service or in the env file");
  else if (!look.stack.preflight.required.empty())
    look.ok(environment, "all required variables are set");
}

// One place with values; says the names of those that nobody filled in.
void look_into_place(const Look& look, const std::string& where,
                     const std::vector<Variable>& variables) {
  std::vector<std::string> secrets;
  std::vector<std::string> others;
  for (const Variable& variable : variables) {
    if (!is_placeholder(variable.name, variable.value))
      continue;
    const bool is_secret = is_secret_name(variable.name) || variable.value.contains("://");
    auto& all = is_secret ? secrets : others;
    if (std::ranges::find(all, variable.name) == all.end())
      all.push_back(variable.name);
  }
  if (!secrets.empty())
    look.block(placeholders, base::join(secrets, ", ") + " in " + where +
                                 " still has a placeholder for its value: fill in a secret");
  if (!others.empty())
    look.warn(placeholders, base::join(others, ", ") + " in " + where +
                                " still has a placeholder for its value: fill it in");
}

std::vector<Variable> own_values(const Look& look, const domain::ServiceSpec& service) {
  std::vector<Variable> all;
  for (const auto& entry : service.environment) {
    if (const auto* text = std::get_if<std::string>(&entry.value))
      all.push_back({entry.name, *text});
    else if (const auto secret = look.read_secret(std::get<domain::SecretRef>(entry.value)))
      all.push_back({entry.name, secret.value()});
  }
  return all;
}

} // namespace

std::vector<std::string> env_files_of(const domain::Stack& stack) {
  std::vector<std::string> all = stack.preflight.env_files;
  for (const std::string& path : stack.config_files)
    if (is_env_file(path) && std::ranges::find(all, path) == all.end())
      all.push_back(path);
  return all;
}

std::vector<Variable> values_of_services(const Look& look) {
  std::vector<Variable> all;
  for (const domain::ServiceSpec& service : look.stack.services)
    for (Variable& variable : own_values(look, service))
      all.push_back(std::move(variable));
  for (const std::string& path : env_files_of(look.stack))
    if (const auto text = look.world.files.read(path, file_bytes_max))
      for (Variable& variable : parse_variables(text.value()))
        all.push_back(std::move(variable));
  return all;
}

std::set<std::string> set_names(const Look& look) {
  std::set<std::string> set{"PATH", "HOME", "LANG", "TZ", "USER", "LOGNAME"};
  for (const Variable& variable : values_of_services(look))
    if (!variable.value.empty())
      set.insert(variable.name);
  return set;
}

void look_at_environment(const Look& look) {
  const auto set = set_names(look);
  for (const std::string& path : look.stack.preflight.env_files)
    if (const auto text = look.world.files.read(path, file_bytes_max); !text)
      look.block(environment, "the env file '" + path +
                                  "' cannot be read: " + text.error().message +
                                  ": make it, or remove it from `preflight.env_files`");
  look_for_required(look, set);
  if (!look.request.to.empty())
    for (const domain::ServiceSpec& service : look.stack.services)
      if (!service.releases_folder.empty()) // else its driver makes the release
        look_at_target(look, service, set);
}

void look_for_placeholders(const Look& look) {
  const std::size_t before = look.findings.size();
  const auto set = set_names(look);
  for (const domain::ServiceSpec& service : look.stack.services)
    look_into_place(look, "service '" + service.name + "'", own_values(look, service));
  for (const std::string& path : env_files_of(look.stack))
    if (const auto text = look.world.files.read(path, file_bytes_max))
      look_into_place(look, "'" + path + "'", parse_variables(text.value()));
  for (const std::string& path : look.stack.config_files) {
    const auto text = is_yaml_file(path) ? look.world.files.read(path, file_bytes_max)
                                         : base::Error{base::ErrorKind::not_found, "", ""};
    if (!text)
      continue;
    const auto values = values_in_yaml(text.value(), set);
    if (values)
      look_into_place(look, "'" + path + "'", values.value());
    else
      look.warn(placeholders, "'" + path + "' cannot be read as YAML (" + values.error().message +
                                  "): look through it by eye");
  }
  if (look.findings.size() == before)
    look.ok(placeholders, "no variable and no config file has a placeholder for a value");
}

} // namespace checks
