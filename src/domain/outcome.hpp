#pragma once
// Outcome: how an operation ended, and the level of a way back. The words of docs/glossary.md.

#include <optional>
#include <string_view>

namespace domain {

enum class Outcome { committed, rolled_back, unchanged, needs_operator };

// From the least to the most destructive; each includes what the ones before it do.
// `automatic` is not a level to perform: it asks the engine to decide from evidence.
enum class Level { automatic, restart, release, data, full };

std::string_view name_of(Outcome outcome);
std::string_view name_of(Level level); // "auto" for automatic
std::optional<Outcome> outcome_named(std::string_view name);
std::optional<Level> level_named(std::string_view name);

} // namespace domain
