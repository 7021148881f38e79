// The pages made from the table of options are those in docs/reference.
#include "config/config.hpp"

#include <cstdio>
#include <memory>

#include <gtest/gtest.h>

namespace config {
namespace {

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Close>;

std::string page(const char* name) {
  const std::string here = __FILE__;
  return here.substr(0, here.rfind("src/config/")) + "docs/reference/" + name;
}

std::string content(const std::string& path) {
  const File file{std::fopen(path.c_str(), "rb")};
  std::string text;
  char buffer[4096];
  while (file)
    if (const std::size_t size = std::fread(buffer, 1, sizeof buffer, file.get()); size > 0)
      text.append(buffer, size);
    else
      break;
  return text;
}

constexpr const char* how =
    "write them with: config_test --gtest_also_run_disabled_tests --gtest_filter='*WritePages'";

TEST(Docs, ReferencePageIsCurrent) {
  EXPECT_TRUE(content(page("config.md")) == reference_markdown()) << how;
}

TEST(Docs, SchemaIsCurrent) {
  EXPECT_TRUE(content(page("belay.schema.json")) == json_schema()) << how;
}

TEST(Docs, DISABLED_WritePages) {
  const auto write = [](const std::string& path, const std::string& text) {
    const File file{std::fopen(path.c_str(), "wb")};
    ASSERT_TRUE(file) << path;
    ASSERT_EQ(std::fwrite(text.data(), 1, text.size(), file.get()), text.size());
  };
  write(page("config.md"), reference_markdown());
  write(page("belay.schema.json"), json_schema());
}

} // namespace
} // namespace config
