#include "cli/exit_status.hpp"

#include <gtest/gtest.h>

namespace {

using base::Error;
using base::ErrorKind;
using cli::status_of;
using engine::Ending;
using state::OperationKind;

TEST(exit_status, of_every_ending) {
  EXPECT_EQ(status_of(Ending::committed, OperationKind::upgrade), 0);
  EXPECT_EQ(status_of(Ending::unchanged, OperationKind::upgrade), 1);
  EXPECT_EQ(status_of(Ending::rolled_back, OperationKind::upgrade), 3);
  EXPECT_EQ(status_of(Ending::rolled_back, OperationKind::rollback), 0);
  EXPECT_EQ(status_of(Ending::needs_operator, OperationKind::upgrade), 4);
  EXPECT_EQ(status_of(Ending::blocked, OperationKind::upgrade), 5);
  EXPECT_EQ(status_of(Ending::paused, OperationKind::upgrade), 6);
  EXPECT_EQ(status_of(Ending::interrupted, OperationKind::upgrade), 130);
}

TEST(exit_status, of_errors) {
  EXPECT_EQ(status_of(Error{ErrorKind::failed, "", ""}, false), 1);
  EXPECT_EQ(status_of(Error{ErrorKind::invalid_input, "", ""}, false), 2);
  EXPECT_EQ(status_of(Error{ErrorKind::failed, "", ""}, true), 4);
  EXPECT_EQ(status_of(Error{ErrorKind::corrupt, "", ""}, false), 4);
  EXPECT_EQ(status_of(Error{ErrorKind::conflict, "", ""}, false), 5);
  EXPECT_EQ(status_of(Error{ErrorKind::locked, "", ""}, true), 11);
}

} // namespace
