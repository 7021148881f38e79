#include "discovery/parse.hpp"
#include "discovery/words.hpp"

#include <gtest/gtest.h>

namespace {

using discovery::split_command;
using Words = std::vector<std::string>;

TEST(words, are_parted_as_a_shell_does) {
  EXPECT_EQ(split_command(R"(node  'a b' "c d" e\ f "" --x=1)"),
            (Words{"node", "a b", "c d", "e f", "", "--x=1"}));
  EXPECT_EQ(split_command(R"('${PORT}' {release}/x)"), (Words{"${PORT}", "{release}/x"}));
}

TEST(words, that_only_a_shell_could_run_are_refused) {
  for (const char* text :
       {"a | b", "a && b", "a > f", "echo $HOME", "a `b`", "ls *", "a 'b", "a; b"})
    EXPECT_FALSE(split_command(text)) << text;
}

TEST(words, repeat_no_value_of_a_variables_file) {
  discovery::Writer writer;
  writer.know({{"PORT", "8080"}, {"API_TOKEN", "hunter2-abc"}, {"MODE", "on"}, {"N", "1"}});
  EXPECT_EQ(writer.write({"run", "--port", "8080", "--listen=8080", "on", "1", "x:hunter2-abc@y"}),
            (Words{"run", "--port", "${PORT}", "--listen=${PORT}", "on", "1", "x:${API_TOKEN}@y"}));
}

TEST(words, that_look_like_secrets_are_left_out) {
  discovery::Writer writer;
  EXPECT_EQ(writer.write({"run", "--password", "hunter2", "--api-key=abc", "--key", "./tls.pem",
                          "postgres://u:p@h/d", "$x"}),
            (Words{"run", "--password", "${PASSWORD-}", "--api-key=${API_KEY-}", "--key",
                   "./tls.pem", "${ADDRESS-}", "$$x"}));
}

TEST(words, labels_and_names) {
  const auto archive = discovery::label_in("shop-1.4.2.tar.gz", true);
  ASSERT_TRUE(archive);
  EXPECT_EQ(archive->before, "shop-");
  EXPECT_EQ(archive->label, "1.4.2");
  EXPECT_EQ(archive->after, ".tar.gz");
  EXPECT_EQ(discovery::label_in("v2.0", false)->label, "v2.0");
  EXPECT_EQ(discovery::label_in("20261121", false)->label, "20261121");
  EXPECT_FALSE(discovery::label_in("assets", false));
  EXPECT_FALSE(discovery::label_in("shop-1.4.2", true));
  EXPECT_TRUE(discovery::is_older("1.9", "1.10"));
  EXPECT_FALSE(discovery::is_older("2.0", "1.10"));
  EXPECT_TRUE(discovery::is_older("1.0", "1.0.1"));
  EXPECT_EQ(discovery::slug("@my/Shop_2 "), "my-shop-2");
  EXPECT_EQ(discovery::slug("///"), "");
}

TEST(parse, a_unit_with_continued_lines_and_prefixes) {
  const auto unit =
      discovery::parse_unit("[Unit]\nExecStart=/no\n[Service]\nUser=shop\n"
                            "ExecStart=-/usr/bin/node \\\n  server.js\n"
                            "WorkingDirectory=/srv/shop\nEnvironmentFile=-/srv/.env\n");
  EXPECT_EQ(unit.exec, (Words{"/usr/bin/node", "server.js"}));
  EXPECT_EQ(unit.user, "shop");
  EXPECT_EQ(unit.working_folder, "/srv/shop");
  EXPECT_EQ(unit.environment_files, Words{"/srv/.env"});
  EXPECT_TRUE(discovery::parse_unit("[Service]\nExecStart=/bin/x --id %i\n").exec.empty());
}

TEST(parse, the_exec_line_of_a_script) {
  EXPECT_EQ(discovery::parse_script(
                "#!/bin/sh\nset -a\n. ./.env\nexec python3 app.py \\\n --x 'a b' \"$@\"\n"),
            (Words{"python3", "app.py", "--x", "a b"}));
  EXPECT_TRUE(discovery::parse_script("python3 app.py | tee log\n").empty());
}

TEST(parse, what_others_print) {
  const auto compose = discovery::parse_compose(
      "services:\n  web: {image: 'nginx:1.25'}\n  api: {build: .}\n", "compose.yaml");
  ASSERT_EQ(compose.services.size(), 2U);
  EXPECT_EQ(compose.services[0].image, "nginx:1.25");
  EXPECT_TRUE(discovery::parse_compose("services: [", "compose.yaml").services.empty());
  const auto package = discovery::parse_package(
      R"({"name":"@x/shop","scripts":{"start":"node a.js"},"dependencies":{"pg":"8"}})");
  ASSERT_TRUE(package);
  EXPECT_EQ(package->start, (Words{"node", "a.js"}));
  EXPECT_EQ(package->databases, Words{"pg"});
  EXPECT_FALSE(discovery::parse_package("[1]"));
  EXPECT_EQ(discovery::parse_helm(R"([{"name":"s","namespace":"n","chart":"s-1"}])").size(), 1U);
  EXPECT_TRUE(discovery::parse_helm("nothing").empty());
  EXPECT_EQ(discovery::parse_kubectl("n  s  deployed\nn  s  superseded\n").size(), 1U);
  EXPECT_EQ(discovery::parse_packed_tags("# pack\nab refs/heads/main\ncd refs/tags/v1.0\n^ef\n"),
            Words{"v1.0"});
  EXPECT_TRUE(discovery::says_ok(R"({"status":"ok"})"));
  EXPECT_FALSE(discovery::says_ok("ok"));
}

} // namespace
