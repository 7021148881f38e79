#include "drivers/sqlite/store.hpp"
#include "sim/sim_world.hpp"

#include <array>

#include <gtest/gtest.h>

namespace drivers::sqlite {
namespace {

using sim::Fault;

constexpr std::array faults{Fault::crash_before, Fault::crash_after, Fault::crash_torn,
                            Fault::power_cut,    Fault::fail_once,   Fault::lost_reply,
                            Fault::no_space,     Fault::read_fails};
constexpr const char* live = "/data/app.db";

// As a file system that cannot exchange two names.
class NoExchange final : public world::Files {
public:
  explicit NoExchange(world::Files& files) : files_{files} {}
  base::Result<> exchange(const std::string&, const std::string&) override {
    return base::Error{base::ErrorKind::unavailable, "no exchange here", ""};
  }
  base::Result<std::string> read(const std::string& path, std::size_t bytes_max) override {
    return files_.read(path, bytes_max);
  }
  base::Result<std::optional<world::EntryInfo>> info(const std::string& path) override {
    return files_.info(path);
  }
  base::Result<std::string> resolve(const std::string& path) override {
    return files_.resolve(path);
  }
  base::Result<std::string> read_link(const std::string& path) override {
    return files_.read_link(path);
  }
  base::Result<std::vector<std::string>> list(const std::string& path) override {
    return files_.list(path);
  }
  base::Result<world::SpaceInfo> space(const std::string& path) override {
    return files_.space(path);
  }
  base::Result<> append(const std::string& path, std::string_view bytes) override {
    return files_.append(path, bytes);
  }
  base::Result<> truncate(const std::string& path, std::size_t size) override {
    return files_.truncate(path, size);
  }
  base::Result<> replace(const std::string& path, std::string_view bytes,
                         std::uint32_t mode) override {
    return files_.replace(path, bytes, mode);
  }
  base::Result<> replace_all(const std::vector<world::FileContent>& files) override {
    return files_.replace_all(files);
  }
  base::Result<> remove_all(const std::vector<std::string>& paths) override {
    return files_.remove_all(paths);
  }
  base::Result<> create_folders(const std::string& path) override {
    return files_.create_folders(path);
  }
  base::Result<> replace_link(const std::string& path, const std::string& target) override {
    return files_.replace_link(path, target);
  }
  base::Result<> rename(const std::string& from, const std::string& to) override {
    return files_.rename(from, to);
  }
  base::Result<> remove(const std::string& path) override { return files_.remove(path); }
  base::Result<> set_owner_and_mode(const std::string& path,
                                    const world::EntryInfo& like) override {
    return files_.set_owner_and_mode(path, like);
  }
  base::Result<std::unique_ptr<world::Lock>> lock(const std::string& path,
                                                  const std::string& owner) override {
    return files_.lock(path, owner);
  }

private:
  world::Files& files_;
};

struct Case {
  bool can_exchange = true;
  bool is_damaged = false; // the live database cannot be read: its WAL cannot be folded in
};

// What was secured is write 1; write 2 followed, and write 3 is in the WAL of a killed service.
class Machine {
public:
  explicit Machine(Case one) : case_{one} {
    world.host.disk.write(live, "sqlite layout=1\n1\n");
    auto report = Store{ports()}.secure(spec_, "p-1", {});
    CHECK(report);
    snapshot_ = report.value().snapshot;
    world.host.disk.find(live)->content = was_live();
    world.host.disk.write(std::string{live} + "-wal", "3\n");
  }

  bool dies(Fault fault, std::size_t at) {
    world.arm(fault, at);
    try {
      (void)Store{ports()}.restore(spec_, snapshot_, "a-1");
    } catch (const sim::Crash&) {
      return true;
    }
    return world.fired();
  }

  // Old or new, and never a WAL beside a database that it does not belong to.
  std::string broken() {
    world.arm(Fault::none, 0);
    const bool has_wal = text_of(std::string{live} + "-wal") == "3\n";
    const std::string text = text_of(live);
    if (text == is_secured)
      return has_wal ? "a foreign WAL stands beside the database" : "";
    if (text == was_live() || text == folded())
      return "";
    if (text.empty() && !case_.can_exchange) // between two renames; the next run goes on
      return has_wal ? "a WAL stands where a database will come" : "";
    return "live is '" + text + "'";
  }

  std::string not_restored() {
    const auto abandoned = Store{ports()}.restore(spec_, snapshot_, "a-1");
    if (!abandoned)
      return "a clean run does not end it: " + abandoned.error().message;
    if (text_of(live) != is_secured)
      return "live is '" + text_of(live) + "'";
    if (std::string what = broken(); !what.empty())
      return what;
    if (text_of("/data/.belay-app.db/a-1/incoming") != "")
      return "'incoming' is left over";
    const std::string out = text_of(abandoned.value().kept);
    const std::string wal = text_of(abandoned.value().kept + "-wal");
    const bool is_whole =
        case_.is_damaged ? out == was_live() && wal == "3\n" : out == folded() && wal.empty();
    return is_whole ? "" : "abandoned is '" + out + "' with WAL '" + wal + "'";
  }

  sim::SimWorld world;

private:
  static constexpr const char* is_secured = "sqlite layout=1\n1\n";
  std::string was_live() const {
    return case_.is_damaged ? "no database\n1\n2\n" : "sqlite layout=1\n1\n2\n";
  }
  std::string folded() const { return case_.is_damaged ? was_live() : was_live() + "3\n"; }
  std::string text_of(const std::string& path) {
    const sim::Node* node = world.host.disk.find(path);
    return node == nullptr ? "" : node->content;
  }
  world::World ports() {
    const world::World all = world.ports();
    return {case_.can_exchange ? all.files : no_exchange_,
            all.trees,
            all.processes,
            all.http,
            all.sqlite,
            all.clock,
            all.random,
            all.events};
  }
  Case case_;
  NoExchange no_exchange_{world.ports().files};
  domain::StoreSpec spec_{.name = "db", .kind = domain::StoreKind::sqlite, .path = live};
  domain::Snapshot snapshot_;
};

class SqliteCrashTest : public testing::TestWithParam<Case> {};

TEST_P(SqliteCrashTest, restore_ends_old_or_new_from_every_effect_and_again_in_the_recovery) {
  int histories = 0;
  for (const Fault first : faults) {
    for (std::size_t at = 0;; ++at) {
      Machine once{GetParam()};
      if (!once.dies(first, at))
        break;
      const std::string where = std::string{sim::name_of(first)} + "@" + std::to_string(at);
      ASSERT_EQ(once.broken(), "") << where;
      ASSERT_EQ(once.not_restored(), "") << where;
      ASSERT_EQ(once.not_restored(), "") << where << ", again";
      ++histories;
      for (std::size_t again = 0;; ++again) {
        Machine twice{GetParam()};
        ASSERT_TRUE(twice.dies(first, at));
        if (!twice.dies(Fault::crash_torn, again))
          break;
        ASSERT_EQ(twice.broken(), "") << where << " crash_torn@" << again;
        ASSERT_EQ(twice.not_restored(), "") << where << " crash_torn@" << again;
        ++histories;
      }
    }
  }
  EXPECT_GT(histories, 100); // else the faults did not reach what they are meant for
}

INSTANTIATE_TEST_SUITE_P(disks, SqliteCrashTest,
                         testing::Values(Case{}, Case{.can_exchange = false},
                                         Case{.is_damaged = true},
                                         Case{.can_exchange = false, .is_damaged = true}));

} // namespace
} // namespace drivers::sqlite
