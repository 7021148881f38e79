#include "drivers/postgres/data_store.hpp"
#include "drivers/postgres/server_for_test.hpp"

namespace drivers::postgres {
namespace {

using base::ErrorKind;

Proof example() {
  return {"7412", true, {{"shop", "abc", {{"public.orders", 3, ""}, {"sequence s", 0, "4/t"}}}}};
}

TEST(Proofs, are_read_as_they_were_written) {
  const auto again = proof_from(to_json(example()), "proved.json");
  ASSERT_TRUE(again);
  EXPECT_EQ(again.value(), example());
  EXPECT_EQ(again.value().rows(), 3U);
  for (const char* text : {"", "[]", "{}", R"({"version": 1, "system": 4})"})
    EXPECT_EQ(proof_from(text, "proved.json").error().kind, ErrorKind::corrupt) << text;
  EXPECT_EQ(proof_from(R"({"version": 2})", "proved.json").error().kind, ErrorKind::too_new);
}

TEST(Proofs, tell_what_differs) {
  EXPECT_EQ(tell(example(), example()), "");
  Proof other = example();
  other.system = "9";
  EXPECT_EQ(tell(example(), other), "it is of the server 9, not of 7412");
  other = example();
  other.databases[0].content[0].rows = 2;
  EXPECT_EQ(tell(example(), other), "database shop: public.orders has 2 rows, not 3");
  other.databases[0].name = "else";
  EXPECT_EQ(tell(example(), other), "database shop is missing; database else is new");
  other = example();
  other.databases[0].layout = "d";
  EXPECT_EQ(tell(example(), other), "database shop has another layout");
}

// The server of the tests runs; of another version would be what is called so.
TEST_F(OnServer, finds_no_programs_of_another_version) {
  write("data/PG_VERSION", "9.1\n");
  domain::PostgresSpec spec = spec_of("postgres");
  EXPECT_EQ(DataTools::find(ports(), spec, root + "/data").error().kind, ErrorKind::invalid_input);
  spec.tools = "";
  EXPECT_EQ(DataTools::find(ports(), spec, root + "/data").error().kind, ErrorKind::not_found);
  EXPECT_EQ(DataTools::find(ports(), spec, root + "/gone").error().kind, ErrorKind::not_found);
}

TEST_F(OnServer, reads_what_pg_control_says_and_refuses_what_is_none) {
  const std::string data = TestServer::get().data;
  const auto tools = DataTools::find(ports(), spec_of("postgres"), data);
  ASSERT_TRUE(tools);
  const auto control = tools.value().control(data);
  ASSERT_TRUE(control);
  EXPECT_EQ(control.value().state, "in production");
  EXPECT_TRUE(control.value().has_checksums);
  write("data/global/pg_control", std::string(8192, 'x'));
  EXPECT_EQ(tools.value().control(root + "/data").error().kind, ErrorKind::corrupt);
}

} // namespace
} // namespace drivers::postgres
