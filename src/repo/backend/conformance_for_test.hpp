#pragma once
// Conformance: what every backend must do. A place of type T has backend(), empty at first.

#include "repo/backend/backend.hpp"

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace repo::backend {

template <class Place>
class backend : public testing::Test {
protected:
  void SetUp() override {
    const auto created = it.create();
    ASSERT_TRUE(created) << created.error().message;
  }
  static FileName name_of(FileKind kind, const std::string& bytes) {
    return {kind, format::id_of(bytes)};
  }
  Place place;
  Backend& it = place.backend();
};

TYPED_TEST_SUITE_P(backend);

constexpr FileKind named_kinds[] = {FileKind::key, FileKind::lock, FileKind::snapshot,
                                    FileKind::index, FileKind::pack};

TYPED_TEST_P(backend, gives_back_what_was_saved) {
  for (const FileKind kind : named_kinds) {
    const std::string bytes = "some bytes of a file";
    const FileName name = this->name_of(kind, bytes);
    EXPECT_EQ(this->it.size(name).value(), std::nullopt);
    ASSERT_TRUE(this->it.save(name, bytes));
    EXPECT_EQ(this->it.load(name).value(), bytes);
    EXPECT_EQ(this->it.size(name).value(), bytes.size());
    EXPECT_EQ(this->it.load(name, 5, 5).value(), "bytes");
    EXPECT_EQ(this->it.load(name, 16, 100).value(), "file");
    EXPECT_EQ(this->it.load(name, 100, 1).value(), "");
  }
}

TYPED_TEST_P(backend, says_that_a_file_is_not_there) {
  for (const FileKind kind : named_kinds) {
    const auto loaded = this->it.load(this->name_of(kind, "x"));
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().kind, base::ErrorKind::not_found);
    EXPECT_EQ(this->it.load(this->name_of(kind, "x"), 1, 1).error().kind,
              base::ErrorKind::not_found);
  }
  EXPECT_EQ(this->it.load({}).error().kind, base::ErrorKind::not_found);
}

TYPED_TEST_P(backend, lists_each_kind_by_itself) {
  for (const FileKind kind : named_kinds) {
    EXPECT_TRUE(this->it.list(kind).value().empty());
    std::vector<Listed> wanted;
    for (const std::string bytes : {"a", "bc", "def"}) {
      const FileName name = this->name_of(kind, bytes);
      ASSERT_TRUE(this->it.save(name, bytes));
      wanted.push_back({name.id, bytes.size()});
    }
    std::ranges::sort(wanted, {}, &Listed::id);
    EXPECT_EQ(this->it.list(kind).value(), wanted);
  }
}

TYPED_TEST_P(backend, saves_and_removes_twice) {
  const FileName name = this->name_of(FileKind::pack, "a pack");
  ASSERT_TRUE(this->it.save(name, "a pack"));
  ASSERT_TRUE(this->it.save(name, "a pack"));
  ASSERT_TRUE(this->it.remove(name));
  ASSERT_TRUE(this->it.remove(name));
  EXPECT_TRUE(this->it.list(FileKind::pack).value().empty());
}

TYPED_TEST_P(backend, never_replaces_a_config) {
  ASSERT_TRUE(this->it.save({}, "config"));
  const auto again = this->it.save({}, "other");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, base::ErrorKind::conflict);
  EXPECT_EQ(this->it.load({}).value(), "config");
}

TYPED_TEST_P(backend, is_created_twice) {
  ASSERT_TRUE(this->it.save(this->name_of(FileKind::key, "k"), "k"));
  ASSERT_TRUE(this->it.create());
  EXPECT_EQ(this->it.list(FileKind::key).value().size(), 1U);
}

TYPED_TEST_P(backend, is_empty_where_nothing_was_made) {
  EXPECT_EQ(this->it.size({}).value(), std::nullopt);
  EXPECT_FALSE(this->it.location().empty());
  EXPECT_EQ(this->it.location().find("secret"), std::string::npos);
}

TYPED_TEST_P(backend, keeps_large_and_binary_files) {
  std::string bytes(11'000'001, '\0');
  for (std::size_t at = 0; at < bytes.size(); ++at)
    bytes[at] = static_cast<char>(at * 7 + at / 251);
  const FileName name = this->name_of(FileKind::pack, bytes);
  ASSERT_TRUE(this->it.save(name, bytes));
  EXPECT_TRUE(this->it.load(name).value() == bytes);
  EXPECT_TRUE(this->it.load(name, 7'654'321, 1'234'567).value() ==
              bytes.substr(7'654'321, 1'234'567));
  EXPECT_EQ(this->it.size(name).value(), bytes.size());
}

TYPED_TEST_P(backend, lists_more_than_one_page) {
  constexpr std::size_t many = 40;
  for (std::size_t number = 0; number < many; ++number)
    ASSERT_TRUE(this->it.save(this->name_of(FileKind::pack, std::to_string(number)),
                              std::to_string(number)));
  EXPECT_EQ(this->it.list(FileKind::pack).value().size(), many);
}

TYPED_TEST_P(backend, is_read_by_several_threads) {
  if constexpr (requires { TypeParam::has_one_thread; })
    return;
  const FileName name = this->name_of(FileKind::pack, "0123456789");
  ASSERT_TRUE(this->it.save(name, "0123456789"));
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (std::uint64_t number = 0; number < 6; ++number)
    threads.emplace_back([&, number] {
      for (int turn = 0; turn < 5; ++turn) {
        const auto loaded = this->it.load(name, number, 1);
        wrong += loaded && loaded.value() == std::to_string(number) ? 0 : 1;
        wrong += this->it.list(FileKind::pack) ? 0 : 1;
      }
    });
  for (std::thread& each : threads)
    each.join();
  EXPECT_EQ(wrong, 0);
}

REGISTER_TYPED_TEST_SUITE_P(backend, gives_back_what_was_saved, says_that_a_file_is_not_there,
                            lists_each_kind_by_itself, saves_and_removes_twice,
                            never_replaces_a_config, is_created_twice,
                            is_empty_where_nothing_was_made, keeps_large_and_binary_files,
                            lists_more_than_one_page, is_read_by_several_threads);

} // namespace repo::backend
