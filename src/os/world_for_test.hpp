#pragma once
// Real world: the ports of the real machine and a folder of its own, for tests with real programs.

#include "base/text.hpp"
#include "os/clock.hpp"
#include "os/files.hpp"
#include "os/http.hpp"
#include "os/processes.hpp"
#include "os/sqlite.hpp"
#include "os/trees.hpp"
#include "world/world.hpp"

#include <string>

#include <gtest/gtest.h>

namespace os {

class NoEvents final : public world::Events {
public:
  void emit(const world::Event&) override {}
};

class RealWorld : public testing::Test {
protected:
  RealWorld() : root{testing::TempDir() + "belay-test-" + random_.hex(8)} {
    CHECK(files_.create_folders(root));
  }
  void TearDown() override { EXPECT_TRUE(trees_.remove(root)); }

  world::World ports() {
    return {files_, trees_, processes_, http_, sqlite_, clock_, random_, events_};
  }
  void write(const std::string& path, const std::string& text, std::uint32_t mode = 0644) {
    ASSERT_TRUE(files_.create_folders(base::parent_of(root + "/" + path)));
    ASSERT_TRUE(files_.replace(root + "/" + path, text, mode));
  }
  std::string text_of(const std::string& path) {
    auto text = files_.read(root + "/" + path, 1U << 20U);
    return text ? text.value() : "";
  }
  bool exists(const std::string& path) {
    return files_.info(root + "/" + path).value().has_value();
  }
  // Polls until it is so; ten seconds are far beyond what any of it takes.
  template <class Condition>
  bool eventually(Condition condition) {
    const auto deadline = clock_.monotonic() + world::Milliseconds{10'000};
    while (!condition()) {
      if (clock_.monotonic() >= deadline)
        return false;
      clock_.sleep_for(world::Milliseconds{20});
    }
    return true;
  }

  NoEffects effects_;
  Files files_{effects_};
  Trees trees_{effects_};
  Processes processes_{effects_};
  Http http_;
  Sqlite sqlite_{effects_};
  Clock clock_;
  Random random_;
  NoEvents events_;
  std::string root;
};

} // namespace os
