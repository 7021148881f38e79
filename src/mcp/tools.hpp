#pragma once
// Tools: what an agent can call, as one table: its words, its schemas, its hints and what it does.

#include "errands/desk.hpp"
#include "errands/stacks.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace mcp {

// Asked again until it has an answer; never waits. Whoever drops it stops what only looks; an
// operation that was begun goes on.
using Poller = std::function<base::Result<std::optional<nlohmann::json>>()>;

struct Parameter {
  const char* name;
  const char* type; // "string", "integer", "boolean"
  const char* description;
  bool is_required = false;
  std::vector<const char*> values = {}; // of a string; empty: any
};

// What a call does: it looks; or runs checks and probes of the stack, and keeps a plan; or changes
// something.
enum class Reach { looks, plans, changes };

struct Tool {
  const char* name;
  const char* title;
  const char* description;
  std::vector<Parameter> parameters;
  nlohmann::json output; // JSON Schema of what it answers
  Reach reach = Reach::looks;
  bool destroys = false;
  base::Result<Poller> (*begin)(errands::Stacks& stacks, const nlohmann::json& arguments);
};

const std::vector<Tool>& tools();
nlohmann::json described(const Tool& tool); // as tools/list tells it
// What is wrong with the arguments of a call; empty: nothing.
std::string wrong_in(const Tool& tool, const nlohmann::json& arguments);

// The same for resources: what `belay --json ARGUMENTS` said, shaped.
base::Result<Poller> ask(const errands::Place& place, const std::vector<std::string>& arguments,
                         std::function<nlohmann::json(errands::Said)> shape);

} // namespace mcp
