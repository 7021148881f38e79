#include "drivers/postgres/hot.hpp"
#include "drivers/postgres/proof.hpp"
#include "drivers/postgres/server_for_test.hpp"

namespace drivers::postgres {
namespace {

using base::ErrorKind;

// Copies of the server of the tests, which runs on.
class Hot : public OnServer {
protected:
  Hot() : data{TestServer::get().data}, scratch{base::parent_of(data) + "/.belay-proof-data"} {}
  void TearDown() override {
    EXPECT_TRUE(remove_throwaway(ports(), scratch));
    OnServer::TearDown();
  }

  RunningServer server() {
    const auto found = running_server(files_, data);
    CHECK(found && found.value());
    return *found.value();
  }
  base::Result<HotCopy> copying(const std::string& user = "postgres") {
    return HotCopy::of(ports(), TRY(DataTools::find(ports(), spec_of("postgres", user), data)),
                       no_secret, server());
  }
  // A copy below `root`, where each test may harm it.
  std::string taken() {
    const auto hot = copying();
    CHECK(hot);
    const auto copy = hot.value().take(scratch, "belay p-1");
    EXPECT_TRUE(copy) << (copy ? "" : copy.error().message);
    const std::string kept = root + "/kept";
    CHECK(copy && files_.rename(copy.value(), kept));
    return kept;
  }
  base::Result<Proof> proved(const std::string& kept) {
    return prove(ports(), spec_of("postgres"), kept, scratch);
  }

  std::string data;
  std::string scratch;
};

TEST_F(Hot, finds_where_the_server_of_a_folder_listens) {
  EXPECT_EQ(server().host, TestServer::get().socket);
  EXPECT_EQ(server().port, TestServer::get().port);
  EXPECT_FALSE(running_server(files_, root).value());
}

// A file that a crash left, or of a server that is in a container; its number is another's now.
TEST_F(Hot, believes_no_pid_file_without_its_server) {
  const auto text = files_.read(data + "/postmaster.pid", 4096);
  ASSERT_TRUE(text);
  for (const std::string& left : {text.value(), std::string{"1\n"}, std::string{"-7\n\n\n5432\n"},
                                  std::string{"what\n\n\n1\n"}, std::string{}}) {
    write("data/postmaster.pid", left);
    const auto found = running_server(files_, root + "/data");
    EXPECT_TRUE(found && !found.value()) << left;
  }
}

TEST_F(Hot, a_copy_is_proved_by_recovery_and_has_what_was_committed) {
  const std::string shop = make_database("shop");
  sql(shop, "CREATE TABLE public.orders AS SELECT generate_series(1, 500) AS nr");
  ASSERT_TRUE(copying().value().check(data));
  const std::string kept = taken();
  sql(shop, "DELETE FROM public.orders");
  EXPECT_TRUE(is_base_backup(files_, kept).value());
  const auto proof = proved(kept);
  ASSERT_TRUE(proof) << proof.error().message;
  bool is_found = false;
  for (const Proof::Database& database : proof.value().databases)
    if (database.name == shop)
      is_found = tell_content({{"public.orders", 500, ""}, {"large objects", 0, ""}},
                              database.content) == "";
  EXPECT_TRUE(is_found) << to_json(proof.value());
  // Nothing of it was changed, so that it can be proved again; nothing is left in the server.
  EXPECT_TRUE(proved(kept));
  EXPECT_FALSE(files_.info(scratch).value());
  EXPECT_EQ(value("postgres", "SELECT (SELECT count(*) FROM pg_stat_progress_basebackup) + (SELECT "
                              "count(*) FROM pg_replication_slots)"),
            "0");
}

TEST_F(Hot, a_copy_that_was_harmed_is_none) {
  const std::string kept = taken();
  const std::string file = kept + "/global/pg_control";
  const auto control = files_.read(file, 1U << 20U);
  ASSERT_TRUE(control);
  std::string other = control.value();
  other.back() = static_cast<char>(other.back() ^ 1); // beyond what its own checksum is of
  ASSERT_TRUE(files_.replace(file, other, 0600));
  EXPECT_EQ(proved(kept).error().kind, ErrorKind::corrupt);
  ASSERT_TRUE(files_.replace(file, control.value(), 0600));
  EXPECT_TRUE(proved(kept));
  const auto names = files_.list(kept + "/pg_wal");
  ASSERT_TRUE(names);
  for (const std::string& name : names.value())
    if (name.starts_with("0000")) {
      ASSERT_TRUE(files_.remove(kept + "/pg_wal/" + name));
    }
  EXPECT_EQ(proved(kept).error().kind, ErrorKind::corrupt);
}

TEST_F(Hot, tells_a_role_what_it_lacks) {
  const std::string plain = make_role("plain", "");
  const auto may_not = copying(plain).value().check(data);
  ASSERT_FALSE(may_not);
  EXPECT_TRUE(may_not.error().hint.contains("ALTER ROLE " + ident(plain) + " REPLICATION;"))
      << may_not.error().message;
  const auto taken = copying(plain).value().take(scratch, "belay p-1");
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().hint, may_not.error().hint) << taken.error().message;
  sql("postgres", "ALTER ROLE " + ident(plain) + " REPLICATION");
  EXPECT_TRUE(copying(plain).value().check(data));
  const auto nobody = copying(name("nobody")).value().check(data);
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().hint, "Correct `user:` of the store.") << nobody.error().message;
}

TEST_F(Hot, knows_a_server_that_is_not_of_the_folder) {
  const auto tools = DataTools::find(ports(), spec_of("postgres"), data);
  ASSERT_TRUE(tools);
  RunningServer gone = server();
  gone.port = gone.port == 1 ? 2 : 1;
  const auto nobody = HotCopy::of(ports(), tools.value(), no_secret, gone).value().check(data);
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().kind, ErrorKind::unavailable) << nobody.error().message;

  ASSERT_TRUE(make_scratch(ports(), tools.value().owner(), scratch));
  const auto made = tools.value().run_as_owner(
      "initdb", {"--no-sync", "-A", "trust", "-U", "postgres", "-D", scratch + "/made"}, scratch);
  ASSERT_TRUE(made && made.value().exit_code == 0);
  const std::string other = base::parent_of(data) + "/other";
  const Throwaway running{ports(), tools.value(), other};
  const auto started = running.start(scratch + "/made");
  ASSERT_TRUE(started) << started.error().message;
  const auto answer = copying().value().check(other + "/data");
  EXPECT_TRUE(running.remove());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::conflict);
  EXPECT_TRUE(answer.error().message.contains("is not that of")) << answer.error().message;
}

} // namespace
} // namespace drivers::postgres
