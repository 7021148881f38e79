#pragma once
// Config: belay.yaml read, checked and turned into a Stack, with the origin of every value.
// Errors are invalid_input and name the place: "belay.yaml:12:5: unknown key 'servces' in
// 'belay.yaml'"; up to ten at once, one a line.

#include "base/result.hpp"
#include "domain/stack.hpp"
#include "world/files.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace config {

using Environment = std::map<std::string, std::string>; // of this process; given, never looked up

// One value of the effective config and who said it.
struct Origin {
  std::vector<std::string> path; // {"services", "node-red", "run"}; "[0]" is an item of a list
  std::string value;             // JSON; "(hidden)" for a literal that looks like a secret
  std::string from;              // "belay.yaml:12:5", "belay.yaml:12:5, env FOO", "default"
};

struct Loaded {
  domain::Stack stack;
  std::string text;             // the file as it was read
  std::string effective_digest; // SHA-256 over every effective value; secrets as references
  std::vector<Origin> origins;  // every value, in the order of the reference page
  std::vector<std::string> warnings;
};

// `path` is absolute. Reads the file and its env_files.
base::Result<Loaded> load(world::Files& files, const std::string& path,
                          const Environment& environment);
// The same for text that was read before (a copy frozen with an operation): `path` names it in
// messages, and its folder is the project's.
base::Result<Loaded> parse(world::Files& files, std::string_view text, const std::string& path,
                           const Environment& environment);

// The secret itself, without its last newline. A file must be a plain file of at most 64 KiB that
// neither group nor others may read.
base::Result<std::string> read_secret(world::Files& files, const domain::SecretRef& secret,
                                      const Environment& environment);
// Every secret that the stack refers to can be read; the message names all that cannot.
base::Result<> check_secrets(world::Files& files, const domain::Stack& stack,
                             const Environment& environment);

// YAML that `parse` reads as the same stack (except what is hidden), each line with its origin.
std::string render_effective(const Loaded& loaded);
std::string render_effective_json(const Loaded& loaded);
std::string reference_markdown(); // docs/reference/config.md
std::string json_schema();        // docs/reference/belay.schema.json

} // namespace config
