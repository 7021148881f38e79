#include "domain/outcome.hpp"

#include <array>

namespace domain {
namespace {

template <class Value>
struct Named {
  Value value;
  std::string_view name;
};
constexpr std::array outcomes{
    Named<Outcome>{Outcome::committed, "committed"},
    Named<Outcome>{Outcome::rolled_back, "rolled_back"},
    Named<Outcome>{Outcome::unchanged, "unchanged"},
    Named<Outcome>{Outcome::needs_operator, "needs_operator"},
};
constexpr std::array levels{
    Named<Level>{Level::automatic, "auto"},  Named<Level>{Level::restart, "restart"},
    Named<Level>{Level::release, "release"}, Named<Level>{Level::data, "data"},
    Named<Level>{Level::full, "full"},
};

template <class Table, class Value>
std::string_view name_in(const Table& table, Value value) {
  for (const auto& row : table)
    if (row.value == value)
      return row.name;
  return "?";
}

} // namespace

std::string_view name_of(Outcome outcome) {
  return name_in(outcomes, outcome);
}
std::string_view name_of(Level level) {
  return name_in(levels, level);
}
std::optional<Outcome> outcome_named(std::string_view name) {
  for (const auto& row : outcomes)
    if (row.name == name)
      return row.value;
  return std::nullopt;
}
std::optional<Level> level_named(std::string_view name) {
  for (const auto& row : levels)
    if (row.name == name)
      return row.value;
  return std::nullopt;
}

} // namespace domain
