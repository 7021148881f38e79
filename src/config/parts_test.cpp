// The parts below the table: YAML, variables, env_files, scalars, secrets.
#include "base/text.hpp"
#include "config/config.hpp"
#include "config/env_file.hpp"
#include "config/options.hpp"
#include "config/scalars.hpp"
#include "config/yaml_tree.hpp"
#include "sim/sim_world.hpp"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

namespace config {
namespace {

// --- YAML

std::string shown(const Node& node) {
  std::string text;
  switch (node.kind) {
  case Node::Kind::scalar: return node.is_plain ? node.text : "'" + node.text + "'";
  case Node::Kind::list:
    for (const Node& item : node.items)
      text += (text.empty() ? "" : ",") + shown(item);
    return "[" + text + "]";
  case Node::Kind::map: break;
  }
  for (std::size_t i = 0; i < node.keys.size(); ++i)
    text += (i == 0 ? "" : ",") + node.keys[i].text + ":" + shown(node.items[i]);
  return "{" + text + "}";
}

std::string yaml(const std::string& text) {
  const auto node = parse_yaml(text, "f");
  return node ? shown(node.value()) : node.error().message + " | " + node.error().hint;
}

TEST(Yaml, ReadsListsMapsAndQuotes) {
  EXPECT_EQ(yaml("a: [1, 'x', \"y\\n\"]\nb:\n  - c: |\n      t\n"),
            "{a:[1,'x','y\n'],b:[{c:'t\n'}]}");
  EXPECT_EQ(yaml("a: !!str 3"), "{a:'3'}");
}

TEST(Yaml, CopiesAliasesAndMergesMaps) {
  EXPECT_EQ(yaml("a: &x [1]\nb: *x"), "{a:[1],b:[1]}");
  EXPECT_EQ(yaml("a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}"), "{a:{p:1,q:2},b:{q:3,p:1}}");
  EXPECT_EQ(yaml("a: &x {p: 1}\nb: &y {p: 2, q: 2}\nc: {<<: [*x, *y]}"),
            "{a:{p:1},b:{p:2,q:2},c:{p:1,q:2}}");
  EXPECT_EQ(yaml("a: {'<<': 3}"), "{a:{<<:3}}");
  EXPECT_EQ(yaml("a: {<<: 3}"), "f:1:9: '<<' merges a map or a list of maps only | ");
  EXPECT_EQ(yaml("a: {<<: [[{b: 1}]]}"), "f:1:9: '<<' merges a map or a list of maps only | ");
}

TEST(Yaml, NamesThePlaceOfWhatItRefuses) {
  EXPECT_EQ(yaml(""), "f:1:1: the file is empty | Write at least 'stack:' and 'services:'.");
  EXPECT_EQ(yaml("a: 1\nb: 2\na: 3"), "f:3:1: duplicate key 'a' | It is also in line 1: keep one.");
  EXPECT_EQ(yaml("a: 1\n---\nb: 1"),
            "f:2:1: a second document begins here | Keep one document in the file: remove the "
            "'---'.");
  EXPECT_EQ(yaml("a: *x"), "f:1:4: alias '*x' is not known here | Write '&x' before the value that "
                           "it stands for, further up.");
  EXPECT_EQ(yaml("a: &x [*x]").substr(0, 30), "f:1:8: alias '*x' is not known");
  EXPECT_EQ(yaml("[a]: 1"), "f:1:1: a key must be a text, not a list or a map | ");
  EXPECT_EQ(yaml("a: !x 1"), "f:1:4: the tag '!x' is not understood | Remove the tag: types follow "
                             "from the key.");
  EXPECT_EQ(yaml("a: \"\\0\""), "f:1:4: a zero byte in a text | Remove the '\\0'.");
  EXPECT_EQ(yaml("a:\n\tb: 1"),
            "f:2:1: not YAML: found character that cannot start any token | Look at indentation, "
            "quotes and colons here; tabs cannot indent.");
  EXPECT_EQ(yaml("a: [1").substr(0, 14), "f:2:1: not YAM");
  EXPECT_EQ(yaml("a: \xff").substr(0, 9), "f:1:1: no");
}

TEST(Yaml, IsBounded) {
  EXPECT_EQ(yaml(std::string(40, '[') + std::string(40, ']')),
            "f:1:33: nested deeper than 32 levels | ");
  EXPECT_EQ(yaml(std::string((1U << 20U) + 1, '#')), "'f' is larger than 1048576 bytes | ");
  std::string laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int k = 1; k < 10; ++k)
      laughs += "," + before;
    laughs += "]\n";
  }
  EXPECT_NE(yaml(laughs).find("too large: over 20000 values or 4 MiB"), std::string::npos);
  const std::string big(500'000, 'x');
  std::string copies = "a: &a " + big + "\nb: [*a";
  for (int i = 0; i < 10; ++i)
    copies += ",*a";
  EXPECT_NE(yaml(copies + "]").find("too large"), std::string::npos);
  std::string deep = "a: &b0 [1]\n"; // each alias is one level deeper than the last
  for (int i = 1; i < 40; ++i)
    deep += "k" + std::to_string(i) + ": &b" + std::to_string(i) + " [*b" + std::to_string(i - 1) +
            "]\n";
  EXPECT_NE(yaml(deep).find("nested deeper than 32 levels"), std::string::npos);
}

// --- variables

std::string expanded(const std::string& text) {
  Scope scope;
  scope.layers.push_back({"env", {{"A", "1"}, {"EMPTY", ""}, {"D", "$A"}, {"B", "env"}}});
  scope.layers.push_back({".env", {{"B", "file"}, {"C", "c"}}});
  const auto result = expand(text, scope);
  if (!result)
    return result.error().message + " | " + result.error().hint;
  std::string all = result.value().text;
  for (const std::string& source : result.value().sources)
    all += " <" + source + ">";
  return all;
}

TEST(Expand, ReadsEveryFormOfCompose) {
  EXPECT_EQ(expanded("x"), "x");
  EXPECT_EQ(expanded("${A}${A}-$A."), "11-1. <env A>");
  EXPECT_EQ(expanded("$B ${C}"), "env c <env B> <.env C>"); // the environment wins
  EXPECT_EQ(expanded("$$A $${A} 5$$"), "$A ${A} 5$");
  EXPECT_EQ(expanded("${EMPTY:-d}|${EMPTY-d}|${NO:-d}|${NO-d}"), "d||d|d <env EMPTY>");
  EXPECT_EQ(expanded("${A:+r}|${EMPTY:+r}|${EMPTY+r}|${NO+r}|"), "r||r||");
  EXPECT_EQ(expanded("${A:?e}${A?e}"), "11 <env A>");
  EXPECT_EQ(expanded("${NO:-${NO2:-$C}}}"), "c} <.env C>");
  EXPECT_EQ(expanded("${A:-${NO}}"), "1 <env A>"); // what is not used may be missing
  EXPECT_EQ(expanded("${A:-$${}x}"), "1x} <env A>");
  EXPECT_EQ(expanded("$D"), "$A <env D>"); // once only
  EXPECT_EQ(expanded("${NO:-}"), "");
}

TEST(Expand, SaysWhatIsMissing) {
  EXPECT_EQ(expanded("${NO}"), "variable 'NO' is not set | Set NO in the environment or in an "
                               "env_file, or give a default: ${NO:-value}.");
  EXPECT_EQ(expanded("${EMPTY:?say it}").substr(0, 39), "variable 'EMPTY' is required: say it | ");
  EXPECT_EQ(expanded("${NO?}").substr(0, 44), "variable 'NO' is required: it is not set | S");
  EXPECT_EQ(expanded("a $ b"), "a '$' that names no variable | Write '$$' for a dollar sign.");
  EXPECT_EQ(expanded("${}"), "a '$' that names no variable | Write '$$' for a dollar sign.");
  EXPECT_EQ(expanded("${A"), "'${A' has no closing brace | Write ${A}, or '$$' for a dollar sign.");
  EXPECT_EQ(expanded("${A:-x"), "'${A' has no closing brace | Write ${A}, or '$$' for a dollar "
                                "sign.");
  EXPECT_EQ(expanded("${A!x}"), "'${A' goes on with an unknown operator | Operators are :- - :? ? "
                                ":+ and +.");
  EXPECT_EQ(expanded("${A:x}").substr(0, 39), "'${A' goes on with an unknown operator ");
}

TEST(Expand, IsBounded) {
  std::string nested = "x";
  for (int i = 0; i < 40; ++i)
    nested = "${NO:-" + nested + "}";
  EXPECT_EQ(expanded(nested), "variables nested too deep | ");
  EXPECT_EQ(expanded("${A:-" + nested + "}"), "variables nested too deep | ");
  Scope scope;
  scope.layers.push_back({"env", {{"BIG", std::string(1U << 20U, 'x')}}});
  ASSERT_TRUE(expand("$BIG$BIG", scope));
  ASSERT_TRUE(expand("$BIG", scope));
  const auto result = expand("$BIG$BIG", scope); // four mebibytes in all
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "its variables expand to too much text");
}

// --- env_files

std::string env(const std::string& text) {
  Scope outer;
  outer.layers.push_back({"env", {{"HOME", "/home/x"}, {"WIN", "env"}}});
  const auto result = parse_env_file(text, ".env", outer);
  if (!result)
    return result.error().message + " | " + result.error().hint;
  std::string all;
  for (const auto& [name, value] : result.value())
    all += name + "=" + value + ";";
  return all;
}

TEST(EnvFile, ReadsTheSyntaxOfCompose) {
  EXPECT_EQ(env("A=1\n\n# c\nB = two words  \nexport C=3\r\nG: 4\nE=\nF\n"),
            "A=1;B=two words;C=3;E=;G=4;");
  EXPECT_EQ(env("\xEF\xBB\xBF"
                "A=1"),
            "A=1;");
  EXPECT_EQ(env("A=x # c\nB=x#y\nC=#c\nG='#' # c\n"), "A=x;B=x#y;C=;G=#;");
  EXPECT_EQ(env("A='$HOME \\n \\'q\\''"), "A=$HOME \\n 'q';");
  EXPECT_EQ(env("A=\"l1\\nl2\\t\\\"q\\\" \\$HOME $HOME \\x\""),
            "A=l1\nl2\t\"q\" $HOME /home/x \\x;");
  EXPECT_EQ(env("A=\"two\nlines\"\nB=1"), "A=two\nlines;B=1;");
  EXPECT_EQ(env("A=1\nB=$A-${HOME}\nWIN=file\nC=$WIN"), "A=1;B=1-/home/x;C=env;WIN=file;");
  EXPECT_EQ(env("A=1\nA=2"), "A=2;");
  EXPECT_EQ(env("export=1"), "export=1;");
}

TEST(EnvFile, NamesThePlaceOfWhatItRefuses) {
  EXPECT_EQ(env("A=1\n=2"), ".env:2:1: a variable name is missing here | Write KEY=VALUE, one a "
                            "line.");
  EXPECT_EQ(env("1A=2").substr(0, 10), ".env:1:1: ");
  EXPECT_EQ(env("A B"), ".env:1:3: '=' is missing after 'A' | Write KEY=VALUE, one a line.");
  EXPECT_EQ(env("A='x"), ".env:1:3: the quote that opens here is never closed | ");
  EXPECT_EQ(env("A='x'y"), ".env:1:6: text after the closing quote | Put the whole value in "
                           "quotes.");
  EXPECT_EQ(env("A=a$NO").substr(0, 36), ".env:1:3: variable 'NO' is not set |");
  EXPECT_EQ(env("=1\n=2").substr(0, 41), ".env:1:1: a variable name is missing here");
}

// --- scalars

TEST(Scalars, WritesDurationsAsTheyAreRead) {
  for (const std::int64_t count : {0, 1, 999, 1000, 1500, 60'000, 90'000, 3'600'000, 86'400'000}) {
    const world::Milliseconds duration{count};
    const auto again = base::parse_duration(duration_text(duration));
    ASSERT_TRUE(again) << duration_text(duration);
    EXPECT_EQ(again.value(), duration);
  }
}

// --- the table itself

TEST(Options, TableIsSound) {
  std::set<std::string_view> shapes;
  for (const Shape& shape : all_shapes())
    EXPECT_TRUE(shapes.insert(shape.name).second) << shape.name;
  for (const Shape& shape : all_shapes()) {
    std::set<std::string_view> keys;
    const auto check = [&](const Option& option) {
      EXPECT_TRUE(keys.insert(option.key).second) << shape.name << "." << option.key;
      EXPECT_TRUE(option.doc.ends_with('.')) << shape.name << "." << option.key;
      EXPECT_EQ(shapes.contains(option.shape), !option.shape.empty()) << option.key;
      EXPECT_FALSE(option.is_required && !option.by_default.empty()) << option.key;
    };
    std::ranges::for_each(shape.own, check);
    std::ranges::for_each(shape.shared, check);
  }
}

// --- secrets

class Secrets : public testing::Test {
protected:
  std::string read(domain::SecretRef::Kind kind, const std::string& name) {
    const auto secret =
        read_secret(world.ports().files, {kind, name}, {{"T", "s3cret\n"}, {"E", ""}});
    return secret ? secret.value() : secret.error().message + " | " + secret.error().hint;
  }
  std::string file(const std::string& name) { return read(domain::SecretRef::Kind::file, name); }
  std::string variable(const std::string& name) {
    return read(domain::SecretRef::Kind::environment, name);
  }
  sim::SimWorld world;
};

TEST_F(Secrets, AreReadWithoutTheirLastNewline) {
  world.host.disk.write("/s", "a\nb\r\n", 0600);
  world.host.disk.write("/t", "x\n\n", 0400);
  EXPECT_EQ(file("/s"), "a\nb");
  EXPECT_EQ(file("/t"), "x\n");
  EXPECT_EQ(variable("T"), "s3cret");
}

TEST_F(Secrets, AreRefusedWhenOthersCouldReadThem) {
  for (const std::uint32_t mode : {0640U, 0604U, 0620U, 0601U}) {
    world.host.disk.write("/s", "x", mode);
    EXPECT_EQ(file("/s"), "the secret file '/s' can be read or written by others than its owner | "
                          "Run: chmod 600 /s");
  }
}

TEST_F(Secrets, AreRefusedWhenTheyAreNone) {
  world.host.disk.write("/e", "\n", 0600);
  world.host.disk.write("/z", std::string{"a\0b", 3}, 0600);
  world.host.disk.write("/big", std::string(65537, 'x'), 0600);
  ASSERT_TRUE(world.ports().files.create_folders("/d"));
  EXPECT_EQ(file("/e"), "the secret in '/e' is empty | Write the secret into it.");
  EXPECT_EQ(file("/z"), "the secret in '/z' has a zero byte | Secrets are text: encode it.");
  EXPECT_EQ(file("/big"), "the secret file '/big' is larger than 64 KiB | ");
  EXPECT_EQ(file("/d"), "the secret file '/d' is not a plain file | ");
  EXPECT_EQ(file("/no").substr(0, 36), "unable to read the secret file '/no'");
  EXPECT_EQ(variable("E"), "the secret in variable 'E' is empty | Write the secret into it.");
  EXPECT_EQ(variable("NO"), "the secret variable 'NO' is not in the environment | Set it for belay "
                            "itself, or refer to a file with file:PATH.");
}

TEST_F(Secrets, AreAllCheckedAtOnce) {
  const auto loaded = parse(world.ports().files, R"(stack: s
services:
  a:
    release: { directory: "/d/{to}" }
    run: [a]
    env: { A: "env:NO", B: "file:s", C: "env:NO" }
    ready: { http: "http://127.0.0.1/", bearer: "file:/t" }
)",
                            "/p/belay.yaml", {});
  ASSERT_TRUE(loaded) << loaded.error().message;
  const domain::Stack& stack = loaded.value().stack;
  world.host.disk.write("/p/s", "x", 0644);
  world.host.disk.write("/t", "x", 0600);
  const auto some = check_secrets(world.ports().files, stack, {});
  ASSERT_FALSE(some);
  EXPECT_EQ(some.error().message,
            "the secret variable 'NO' is not in the environment (Set it for belay itself, or refer "
            "to a file with file:PATH.)\nthe secret file '/p/s' can be read or written by others "
            "than its owner (Run: chmod 600 /p/s)");
  const auto one = check_secrets(world.ports().files, stack, {{"NO", "x"}});
  ASSERT_FALSE(one);
  EXPECT_EQ(one.error().hint, "Run: chmod 600 /p/s");
  world.host.disk.write("/p/s", "x", 0600);
  EXPECT_TRUE(check_secrets(world.ports().files, stack, {{"NO", "x"}}));
}

} // namespace
} // namespace config
