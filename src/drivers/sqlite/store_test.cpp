#include "base/text.hpp"
#include "drivers/sqlite/store.hpp"
#include "os/clock.hpp"
#include "os/files.hpp"
#include "os/http.hpp"
#include "os/processes.hpp"
#include "os/sqlite.hpp"
#include "os/trees.hpp"

#include <functional>
#include <memory>

#include <gtest/gtest.h>
#include <sqlite3.h>

namespace drivers::sqlite {
namespace {

using base::Error;
using base::ErrorKind;
using domain::Movement;

class NoEvents final : public world::Events {
public:
  void emit(const world::Event&) override {}
};

// The real one, with somebody else between two of its calls.
class MeddledSqlite final : public world::Sqlite {
public:
  explicit MeddledSqlite(world::Sqlite& real) : real_{real} {}
  base::Result<> backup(const std::string& from, const std::string& to) override {
    TRY(real_.backup(from, to));
    if (after_backup)
      after_backup();
    return base::ok();
  }
  base::Result<> check(const std::string& path) override { return real_.check(path); }
  base::Result<world::SqliteFingerprint> fingerprint(const std::string& path) override {
    return real_.fingerprint(path);
  }
  base::Result<> fold(const std::string& path) override {
    if (is_in_use)
      return Error{ErrorKind::unavailable, "database '" + path + "' is in use", ""};
    return real_.fold(path);
  }
  base::Result<std::vector<world::SqliteRow>> query(const std::string& path,
                                                    const world::SqliteStatement& statement,
                                                    std::size_t rows_max) override {
    return real_.query(path, statement, rows_max);
  }
  base::Result<> change(const std::string& path,
                        const std::vector<world::SqliteStatement>& statements,
                        world::Milliseconds timeout) override {
    return real_.change(path, statements, timeout);
  }
  std::function<void()> after_backup;
  bool is_in_use = false;

private:
  world::Sqlite& real_;
};

struct CloseConnection {
  void operator()(sqlite3* connection) const { sqlite3_close(connection); }
};

// A program that has the database open.
class Connection {
public:
  explicit Connection(const std::string& path) {
    sqlite3* raw = nullptr;
    CHECK(sqlite3_open(path.c_str(), &raw) == SQLITE_OK);
    connection_.reset(raw);
  }
  void run(const std::string& sql) {
    char* message = nullptr;
    const int code = sqlite3_exec(connection_.get(), sql.c_str(), nullptr, nullptr, &message);
    EXPECT_EQ(code, SQLITE_OK) << (message == nullptr ? "" : message);
    sqlite3_free(message);
  }
  std::string value_of(const std::string& sql) {
    sqlite3_stmt* statement = nullptr;
    std::string value = "no answer";
    if (sqlite3_prepare_v2(connection_.get(), sql.c_str(), -1, &statement, nullptr) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
      value = std::to_string(sqlite3_column_int64(statement, 0));
    sqlite3_finalize(statement);
    return value;
  }

private:
  std::unique_ptr<sqlite3, CloseConnection> connection_;
};

class SqliteStoreTest : public testing::Test {
protected:
  SqliteStoreTest() : root{testing::TempDir() + "belay-sqlite-" + random_.hex(8)} {
    CHECK(files_.create_folders(root + "/data"));
    live = root + "/data/app.db";
    kept = root + "/data/.belay-app.db";
    spec = {.name = "db", .kind = domain::StoreKind::sqlite, .path = live};
    Connection{live}.run("CREATE TABLE orders(id INTEGER PRIMARY KEY, item TEXT);"
                         "INSERT INTO orders(item) VALUES ('apple'), ('pear');");
  }
  void TearDown() override { EXPECT_TRUE(trees_.remove(root)); }

  Store store() {
    return Store{{files_, trees_, processes_, http_, sqlite_, clock_, random_, events_}};
  }
  domain::Snapshot secured(const std::string& point = "p-1") {
    auto report = store().secure(spec, point, {});
    EXPECT_TRUE(report) << report.error().message;
    return report ? report.value().snapshot : domain::Snapshot{};
  }
  base::Result<domain::Abandoned> restored(const domain::Snapshot& snapshot,
                                           const std::string& id = "a-1") {
    return store().restore(spec, snapshot, id);
  }
  void order(const std::string& item) {
    Connection{live}.run("INSERT INTO orders(item) VALUES ('" + item + "')");
  }
  static std::string orders_in(const std::string& path) {
    return Connection{path}.value_of("SELECT count(*) FROM orders");
  }
  // The files that a program leaves beside the database when it is killed: `sql` is in the WAL.
  void leave_wal(const std::string& sql) {
    const std::string work = root + "/work.db";
    ASSERT_TRUE(trees_.copy_file(live, work));
    Connection program{work};
    program.run("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0;" + sql);
    ASSERT_TRUE(trees_.copy_file(work, live));
    ASSERT_TRUE(trees_.copy_file(work + "-wal", live + "-wal"));
  }
  // The same in the middle of a transaction, without WAL: its journal must be rolled back.
  void leave_hot_journal() {
    const std::string work = root + "/work.db";
    ASSERT_TRUE(trees_.copy_file(live, work));
    Connection program{work};
    program.run("PRAGMA cache_size=1; BEGIN;"
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
                "INSERT INTO orders(item) SELECT printf('%0100d', i) FROM n");
    ASSERT_TRUE(exists(work + "-journal"));
    ASSERT_TRUE(trees_.copy_file(work, live));
    ASSERT_TRUE(trees_.copy_file(work + "-journal", live + "-journal"));
    program.run("ROLLBACK");
  }
  void damage(const std::string& path) {
    auto bytes = files_.read(path, 1U << 24U).value();
    bytes.replace(0, 200, 200, 'x');
    ASSERT_TRUE(files_.replace(path, bytes, 0644));
  }
  bool exists(const std::string& path) { return files_.info(path).value().has_value(); }
  bool has_companions(const std::string& path) {
    return exists(path + "-wal") || exists(path + "-shm") || exists(path + "-journal");
  }
  std::uint64_t inode_of(const std::string& path) { return files_.info(path).value()->inode; }

  os::NoEffects effects_;
  os::Files files_{effects_};
  os::Trees trees_{effects_};
  os::Processes processes_{effects_};
  os::Http http_;
  os::Sqlite real_sqlite_{effects_};
  MeddledSqlite sqlite_{real_sqlite_};
  os::Clock clock_;
  os::Random random_;
  NoEvents events_;
  std::string root;
  std::string live;
  std::string kept;
  domain::StoreSpec spec;
};

TEST_F(SqliteStoreTest, inspect_says_what_is_there) {
  const auto state = store().inspect(spec);
  ASSERT_TRUE(state);
  EXPECT_TRUE(state.value().problems.empty());
  EXPECT_EQ(state.value().size.files, 1U);
  EXPECT_EQ(state.value().size.bytes, files_.info(live).value()->size_bytes);
  EXPECT_EQ(state.value().kept_folder, kept);
  EXPECT_FALSE(exists(kept)); // it only looks
}

TEST_F(SqliteStoreTest, inspect_refuses_what_is_no_database) {
  spec.path = root + "/absent.db";
  EXPECT_EQ(store().inspect(spec).error().kind, ErrorKind::not_found);
  spec.path = root + "/data";
  EXPECT_FALSE(store().inspect(spec).value().problems.empty());
  damage(live);
  spec.path = live;
  EXPECT_FALSE(store().inspect(spec).value().problems.empty());
}

TEST_F(SqliteStoreTest, copies_a_database_in_use_with_what_is_in_its_wal) {
  Connection program{live};
  program.run("PRAGMA journal_mode=WAL; INSERT INTO orders(item) VALUES ('plum')");
  ASSERT_TRUE(exists(live + "-wal"));
  std::uint64_t told = 0;
  const auto report =
      store().protect(spec, "p-1", [&](std::uint64_t done, std::uint64_t) { told = done; });
  ASSERT_TRUE(report) << report.error().message;
  const auto& snapshot = report.value().snapshot;
  EXPECT_FALSE(snapshot.is_secured);
  EXPECT_EQ(snapshot.kept, kept + "/p-1/app.db");
  EXPECT_EQ(snapshot.bytes, files_.info(snapshot.kept).value()->size_bytes);
  EXPECT_EQ(told, snapshot.bytes);
  EXPECT_EQ(orders_in(snapshot.kept), "3");
  EXPECT_FALSE(has_companions(snapshot.kept));
  EXPECT_TRUE(store().verify(spec, snapshot, world::Depth::full));
  program.run("INSERT INTO orders(item) VALUES ('fig')");
  const auto again = store().protect(spec, "p-1", {}); // brings the same copy up to date
  ASSERT_TRUE(again);
  EXPECT_EQ(orders_in(again.value().snapshot.kept), "4");
}

TEST_F(SqliteStoreTest, secure_needs_no_protect_and_keeps_the_mode) {
  world::EntryInfo like = *files_.info(live).value();
  like.mode = 0640;
  ASSERT_TRUE(files_.set_owner_and_mode(live, like));
  const auto snapshot = secured();
  EXPECT_TRUE(snapshot.is_secured);
  EXPECT_EQ(snapshot.digest, trees_.file_digest(snapshot.kept).value());
  EXPECT_EQ(files_.info(snapshot.kept).value()->mode, 0640U);
}

TEST_F(SqliteStoreTest, secure_refuses_while_somebody_writes) {
  sqlite_.after_backup = [&] { order("plum"); };
  const auto report = store().secure(spec, "p-1", {});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().kind, ErrorKind::conflict);
  EXPECT_TRUE(store().protect(spec, "p-1", {})); // while it runs that is as it should be
}

TEST_F(SqliteStoreTest, damaged_database_is_not_secured) {
  damage(live);
  EXPECT_EQ(store().secure(spec, "p-1", {}).error().kind, ErrorKind::corrupt);
}

TEST_F(SqliteStoreTest, verify_sees_what_happened_to_a_copy) {
  auto snapshot = secured();
  Connection{snapshot.kept}.run("DELETE FROM orders");
  EXPECT_EQ(store().verify(spec, snapshot, world::Depth::quick).error().kind, ErrorKind::corrupt);
  ASSERT_TRUE(files_.remove(snapshot.kept));
  EXPECT_EQ(store().verify(spec, snapshot, world::Depth::full).error().kind, ErrorKind::not_found);
  snapshot.kept = live;
  EXPECT_EQ(store().verify(spec, snapshot, world::Depth::full).error().kind, ErrorKind::not_found);
}

TEST_F(SqliteStoreTest, evidence_tells_rows_from_layout) {
  const auto snapshot = secured();
  const auto movement = [&] { return store().evidence(spec, snapshot).value().movement; };
  EXPECT_EQ(movement(), Movement::none);
  Connection{live}.run("VACUUM"); // other bytes, the same data
  EXPECT_EQ(movement(), Movement::none);
  order("plum");
  EXPECT_EQ(movement(), Movement::data_only);
  EXPECT_EQ(store().evidence(spec, snapshot).value().detail, "2 rows then, 3 now, the same schema");
  Connection{live}.run("PRAGMA user_version=7");
  EXPECT_EQ(movement(), Movement::layout);
  Connection{live}.run("PRAGMA user_version=0; ALTER TABLE orders ADD COLUMN price");
  EXPECT_EQ(movement(), Movement::layout);
  damage(live);
  EXPECT_EQ(movement(), Movement::unreadable);
  ASSERT_TRUE(files_.remove(live));
  EXPECT_EQ(movement(), Movement::unreadable);
}

TEST_F(SqliteStoreTest, restore_swaps_and_keeps_what_was_live) {
  const auto snapshot = secured();
  for (const char* item : {"plum", "fig", "kiwi"})
    order(item);
  const auto abandoned = restored(snapshot);
  ASSERT_TRUE(abandoned) << abandoned.error().message;
  EXPECT_EQ(orders_in(live), "2");
  EXPECT_EQ(abandoned.value().kept, kept + "/a-1/app.db");
  EXPECT_EQ(orders_in(abandoned.value().kept), "5");
  EXPECT_EQ(abandoned.value().files, 1U);
  EXPECT_EQ(abandoned.value().differences, 3U); // rows
  ASSERT_EQ(abandoned.value().written_since.size(), 1U);
  EXPECT_EQ(abandoned.value().written_since[0].path, "app.db");
  EXPECT_FALSE(exists(snapshot.kept)); // the point has given it up
  const auto again = restored(snapshot);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again.value(), abandoned.value());
  EXPECT_EQ(again.value().differences, 3U);
  EXPECT_EQ(orders_in(live), "2");
}

TEST_F(SqliteStoreTest, restore_of_the_same_data_says_that_nothing_differs) {
  const auto abandoned = restored(secured());
  ASSERT_TRUE(abandoned);
  EXPECT_EQ(abandoned.value().differences, 0U);
  EXPECT_TRUE(abandoned.value().written_since.empty());
}

TEST_F(SqliteStoreTest, restore_folds_the_wal_of_a_killed_service_into_what_is_abandoned) {
  const auto snapshot = secured();
  leave_wal("INSERT INTO orders(item) VALUES ('plum')");
  const auto abandoned = restored(snapshot);
  ASSERT_TRUE(abandoned) << abandoned.error().message;
  EXPECT_FALSE(has_companions(live));
  EXPECT_EQ(orders_in(live), "2");
  EXPECT_FALSE(has_companions(abandoned.value().kept));
  EXPECT_EQ(orders_in(abandoned.value().kept), "3");
}

TEST_F(SqliteStoreTest, half_a_transaction_of_a_killed_service_is_nobody_s_data) {
  const auto snapshot = secured();
  leave_hot_journal();
  const auto evidence = store().evidence(spec, snapshot);
  ASSERT_TRUE(evidence);
  EXPECT_EQ(evidence.value().movement, Movement::none) << evidence.value().detail;
  leave_hot_journal();
  EXPECT_EQ(orders_in(secured("p-2").kept), "2");
  leave_hot_journal();
  const auto abandoned = restored(snapshot);
  ASSERT_TRUE(abandoned) << abandoned.error().message;
  EXPECT_FALSE(has_companions(live));
  EXPECT_EQ(orders_in(live), "2");
  EXPECT_EQ(orders_in(abandoned.value().kept), "2");
}

TEST_F(SqliteStoreTest, looking_at_a_database_in_wal_mode_leaves_nothing_beside_it) {
  Connection{live}.run("PRAGMA journal_mode=WAL");
  EXPECT_FALSE(has_companions(live));
  EXPECT_TRUE(store().inspect(spec).value().problems.empty());
  EXPECT_EQ(store().evidence(spec, secured()).value().movement, Movement::none);
  EXPECT_FALSE(has_companions(live));
}

TEST_F(SqliteStoreTest, restore_over_a_damaged_database_takes_its_companions_along) {
  const auto snapshot = secured();
  leave_wal("INSERT INTO orders(item) VALUES ('plum')");
  const auto wal = files_.read(live + "-wal", 1U << 24U).value();
  ASSERT_TRUE(files_.replace(live, "this is no database at all, and was never one", 0644));
  // A WAL that is whole repairs the first page, so this one must be unreadable as well.
  ASSERT_TRUE(files_.replace(live + "-wal", "no WAL either: " + wal.substr(15), 0644));
  const auto abandoned = restored(snapshot);
  ASSERT_TRUE(abandoned) << abandoned.error().message;
  EXPECT_FALSE(has_companions(live));
  EXPECT_EQ(orders_in(live), "2");
  EXPECT_EQ(abandoned.value().differences, 1U);
  EXPECT_EQ(files_.read(abandoned.value().kept, 4096).value(),
            "this is no database at all, and was never one");
}

TEST_F(SqliteStoreTest, restore_where_nothing_is_live) {
  const auto snapshot = secured();
  leave_wal("INSERT INTO orders(item) VALUES ('plum')");
  ASSERT_TRUE(files_.remove(live)); // and its WAL stays: it must not be replayed into the copy
  const auto abandoned = restored(snapshot);
  ASSERT_TRUE(abandoned) << abandoned.error().message;
  EXPECT_FALSE(has_companions(live));
  EXPECT_EQ(orders_in(live), "2");
  EXPECT_EQ(abandoned.value().files, 0U);
  EXPECT_EQ(abandoned.value().differences, 0U);
  EXPECT_TRUE(exists(kept + "/a-1/app.db-wal"));
  EXPECT_TRUE(restored(snapshot));
  EXPECT_EQ(orders_in(live), "2");
}

TEST_F(SqliteStoreTest, restore_behind_a_link_leaves_the_link) {
  spec.path = root + "/link.db";
  ASSERT_TRUE(files_.create_folders(root + "/deeper"));
  ASSERT_TRUE(files_.replace_link(root + "/deeper/second.db", "../data/app.db"));
  ASSERT_TRUE(files_.replace_link(spec.path, "deeper/second.db"));
  const auto snapshot = secured();
  EXPECT_EQ(snapshot.kept, kept + "/p-1/app.db");
  order("plum");
  ASSERT_TRUE(restored(snapshot));
  EXPECT_EQ(files_.read_link(spec.path).value(), "deeper/second.db");
  EXPECT_EQ(orders_in(live), "2");
}

// Belay died between the two renames of a file system that cannot exchange: nothing is live, and
// the link to it leads nowhere.
TEST_F(SqliteStoreTest, restore_goes_on_in_the_middle_of_two_renames) {
  spec.path = root + "/link.db";
  ASSERT_TRUE(files_.replace_link(spec.path, "data/app.db"));
  const auto snapshot = secured();
  order("plum");
  const std::string folder = kept + "/a-1";
  ASSERT_TRUE(files_.create_folders(folder));
  ASSERT_TRUE(files_.replace(folder + "/swap",
                             "database-swap 1\nlive " + std::to_string(inode_of(live)) +
                                 "\nincoming " + std::to_string(inode_of(snapshot.kept)) + "\n",
                             0600));
  ASSERT_TRUE(files_.rename(snapshot.kept, folder + "/incoming"));
  ASSERT_TRUE(files_.rename(live, folder + "/app.db"));
  const auto abandoned = restored(snapshot);
  ASSERT_TRUE(abandoned) << abandoned.error().message;
  EXPECT_EQ(orders_in(live), "2");
  EXPECT_EQ(orders_in(abandoned.value().kept), "3");
}

TEST_F(SqliteStoreTest, restore_of_a_copy_that_is_gone_or_changed_touches_nothing) {
  const auto snapshot = secured();
  order("plum");
  damage(snapshot.kept);
  EXPECT_EQ(restored(snapshot).error().kind, ErrorKind::corrupt);
  ASSERT_TRUE(files_.remove(snapshot.kept));
  EXPECT_EQ(restored(snapshot).error().kind, ErrorKind::not_found);
  ASSERT_TRUE(files_.create_folders(kept + "/a-1")); // an attempt that came this far
  EXPECT_EQ(restored(snapshot).error().kind, ErrorKind::not_found);
  EXPECT_EQ(orders_in(live), "3");
}

TEST_F(SqliteStoreTest, restore_does_not_believe_that_it_is_over_when_the_copy_vanished) {
  const auto snapshot = secured();
  order("plum");
  sqlite_.is_in_use = true; // stops it in the middle
  EXPECT_EQ(restored(snapshot).error().kind, ErrorKind::unavailable);
  EXPECT_EQ(orders_in(live), "3");
  sqlite_.is_in_use = false;
  ASSERT_TRUE(files_.remove(kept + "/a-1/incoming"));
  EXPECT_EQ(restored(snapshot).error().kind, ErrorKind::not_found);
  EXPECT_EQ(orders_in(live), "3");
}

TEST_F(SqliteStoreTest, restore_stops_where_somebody_else_replaced_the_database) {
  const auto snapshot = secured();
  order("plum");
  sqlite_.is_in_use = true;
  EXPECT_FALSE(restored(snapshot));
  sqlite_.is_in_use = false;
  ASSERT_TRUE(files_.rename(live, root + "/elsewhere.db"));
  Connection{live}.run("CREATE TABLE orders(id)");
  EXPECT_EQ(restored(snapshot).error().kind, ErrorKind::conflict);
  EXPECT_EQ(orders_in(live), "0");
  EXPECT_EQ(orders_in(kept + "/a-1/incoming"), "2");
}

TEST_F(SqliteStoreTest, restore_that_is_over_stays_over_when_the_service_replaces_its_file) {
  const auto snapshot = secured();
  order("plum");
  ASSERT_TRUE(restored(snapshot));
  ASSERT_TRUE(trees_.copy_file(live, root + "/compacted.db"));
  ASSERT_TRUE(files_.exchange(live, root + "/compacted.db"));
  order("fig");
  EXPECT_TRUE(restored(snapshot));
  EXPECT_EQ(orders_in(live), "3");
}

TEST_F(SqliteStoreTest, rotten_record_of_a_swap_stops_for_a_person) {
  const auto snapshot = secured();
  ASSERT_TRUE(files_.create_folders(kept + "/a-1"));
  for (const char* text : {"", "database-swap 2\nlive 1\nincoming 2\n",
                           "database-swap 1\nlive x\nincoming 2\n", "database-swap 1\nlive 1\n"}) {
    ASSERT_TRUE(files_.replace(kept + "/a-1/swap", text, 0600));
    EXPECT_EQ(restored(snapshot).error().kind, ErrorKind::corrupt) << text;
  }
}

TEST_F(SqliteStoreTest, abandoned_data_can_be_brought_back) {
  const auto snapshot = secured();
  order("plum");
  const auto abandoned = restored(snapshot);
  ASSERT_TRUE(abandoned);
  const auto adopted = store().adopt(spec, abandoned.value());
  ASSERT_TRUE(adopted);
  EXPECT_TRUE(store().verify(spec, adopted.value(), world::Depth::full));
  const auto undone = restored(adopted.value(), "a-2");
  ASSERT_TRUE(undone) << undone.error().message;
  EXPECT_EQ(orders_in(live), "3");
  EXPECT_EQ(orders_in(undone.value().kept), "2");
}

TEST_F(SqliteStoreTest, exports_what_was_abandoned) {
  const auto snapshot = secured();
  order("plum");
  const auto abandoned = restored(snapshot);
  ASSERT_TRUE(abandoned);
  ASSERT_TRUE(store().export_written(spec, abandoned.value(), root + "/export"));
  EXPECT_EQ(files_.list(root + "/export").value(), std::vector<std::string>{"app.db"});
  EXPECT_EQ(orders_in(root + "/export/app.db"), "3");
}

TEST_F(SqliteStoreTest, discards_by_id_again_and_again) {
  secured("p-1");
  secured("p-2");
  ASSERT_TRUE(store().discard(spec, "p-1"));
  ASSERT_TRUE(store().discard(spec, "p-1"));
  EXPECT_FALSE(exists(kept + "/p-1"));
  EXPECT_TRUE(exists(kept + "/p-2/app.db"));
  EXPECT_TRUE(exists(live));
}

} // namespace
} // namespace drivers::sqlite
