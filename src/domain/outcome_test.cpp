#include "domain/outcome.hpp"
#include "domain/runtime.hpp"
#include "domain/store.hpp"
#include "world/world.hpp"

#include <gtest/gtest.h>

TEST(outcome, names_are_read_back) {
  for (const auto level : {domain::Level::automatic, domain::Level::restart, domain::Level::release,
                           domain::Level::data, domain::Level::full})
    EXPECT_EQ(domain::level_named(domain::name_of(level)), level);
  EXPECT_EQ(domain::level_named("nuke"), std::nullopt);
  EXPECT_EQ(domain::outcome_named("rolled_back"), domain::Outcome::rolled_back);
}
