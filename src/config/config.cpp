#include "config/config.hpp"

#include "base/text.hpp"
#include "config/build.hpp"
#include "config/env_file.hpp"
#include "config/origins.hpp"
#include "config/reader.hpp"

#include <algorithm>

namespace config {
namespace {

using base::Error;
using base::ErrorKind;
using base::Result;

// The layers of variables below the environment: a later file wins over an earlier one.
Result<> add_env_files(world::Files& files, const Value& list, Scope& scope, Problems& problems) {
  constexpr std::size_t files_max = 32;
  if (list.words.size() > files_max) {
    problems.add(list.mark, "'env_file' names more than 32 files", "Join some of them.");
    return base::ok();
  }
  const Scope environment = scope;
  for (const std::string& path : list.words) {
    const auto text = files.read(path, env_file_bytes_max);
    if (!text) {
      problems.add(list.mark, "the env_file '" + path + "' cannot be read: " + text.error().message,
                   "Make the file, or remove it from env_file.");
      continue;
    }
    const std::string name = base::name_of_path(path);
    auto variables = TRY(parse_env_file(text.value(), name, environment));
    scope.layers.insert(scope.layers.begin() + 1, {name, std::move(variables)});
  }
  return base::ok();
}

Value* member(Value& section, std::string_view key) {
  const auto found = std::ranges::find(section.members, key, &Member::key);
  return found == section.members.end() ? nullptr : &found->value;
}

// A pause that nobody gave is not longer than a short watch.
void fit_watch(Value& values) {
  Value* upgrade = member(values, "upgrade");
  const Value* watch = upgrade == nullptr ? nullptr : member(*upgrade, "watch");
  Value* every = upgrade == nullptr ? nullptr : member(*upgrade, "watch_every");
  if (watch == nullptr || every == nullptr || every->is_given || watch->duration.count() == 0 ||
      every->duration <= watch->duration)
    return;
  every->duration = watch->duration;
  every->json = watch->json;
  every->text = watch->text;
}

} // namespace

Result<Loaded> parse(world::Files& files, std::string_view text, const std::string& path,
                     const Environment& environment) {
  if (!path.starts_with('/'))
    return Error{ErrorKind::invalid_input, "the path '" + path + "' is not absolute", ""};
  const std::string project_folder = base::parent_of(base::absolute_path(path, "/"));
  Problems problems{base::name_of_path(path)};
  const Node root = TRY(parse_yaml(text, problems.file()));
  Scope scope;
  scope.layers.push_back({"env", Variables{environment.begin(), environment.end()}});
  Reader reader{project_folder, scope, problems};
  Value env_files;
  if (root.kind == Node::Kind::map) {
    env_files = reader.read_first(root, "env_file");
    TRY(add_env_files(files, env_files, scope, problems));
    if (problems.any()) // or every variable in them would be told as missing
      return problems.error();
  }
  Value values = reader.read(root);
  if (problems.any())
    return problems.error();
  fit_watch(values);
  // Its own variables come from the environment only, not from the files that it names.
  for (auto& [key, value] : values.members)
    if (key == "env_file")
      value = env_files;
  Built built = build(values, project_folder, problems);
  if (problems.any())
    return problems.error();
  return Loaded{.stack = std::move(built.stack),
                .text = std::string{text},
                .effective_digest = digest_of(values),
                .origins = origins_of(values),
                .warnings = std::move(built.warnings)};
}

Result<Loaded> load(world::Files& files, const std::string& path, const Environment& environment) {
  auto text = files.read(path, text_bytes_max);
  if (!text && text.error().kind == ErrorKind::not_found)
    return Error{ErrorKind::not_found, "there is no '" + path + "'",
                 "Name the file with --config FILE, or write it: see docs/reference/config.md."};
  if (!text)
    return std::move(text).error();
  return parse(files, text.value(), path, environment);
}

} // namespace config
