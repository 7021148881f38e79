// Conformance: what every backend must do.

#include "os/world_for_test.hpp"
#include "repo/backend/local.hpp"
#include "repo/backend/memory.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace repo::backend {
namespace {

class MemoryPlace {
public:
  Backend& backend() { return memory_; }

private:
  Memory memory_;
};

class LocalPlace {
public:
  LocalPlace() : folder_{testing::TempDir() + "belay-backend-" + random_.hex(8)} {}
  ~LocalPlace() { EXPECT_TRUE(trees_.remove(folder_)); }
  LocalPlace(const LocalPlace&) = delete;
  LocalPlace& operator=(const LocalPlace&) = delete;
  Backend& backend() { return local_; }

private:
  os::NoEffects effects_;
  os::Files files_{effects_};
  os::Trees trees_{effects_};
  os::Random random_;
  std::string folder_;
  Local local_{files_, folder_};
};

template <class Place>
class backend : public testing::Test {
protected:
  backend() { EXPECT_TRUE(it.create()); }
  static FileName name_of(FileKind kind, const std::string& bytes) {
    return {kind, format::id_of(bytes)};
  }
  Place place;
  Backend& it = place.backend();
};

using Places = testing::Types<MemoryPlace, LocalPlace>;
TYPED_TEST_SUITE(backend, Places);

constexpr FileKind named_kinds[] = {FileKind::key, FileKind::lock, FileKind::snapshot,
                                    FileKind::index, FileKind::pack};

TYPED_TEST(backend, gives_back_what_was_saved) {
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

TYPED_TEST(backend, says_that_a_file_is_not_there) {
  for (const FileKind kind : named_kinds) {
    const auto loaded = this->it.load(this->name_of(kind, "x"));
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().kind, base::ErrorKind::not_found);
    EXPECT_EQ(this->it.load(this->name_of(kind, "x"), 1, 1).error().kind,
              base::ErrorKind::not_found);
  }
  EXPECT_EQ(this->it.load({}).error().kind, base::ErrorKind::not_found);
}

TYPED_TEST(backend, lists_each_kind_by_itself) {
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

TYPED_TEST(backend, saves_and_removes_twice) {
  const FileName name = this->name_of(FileKind::pack, "a pack");
  ASSERT_TRUE(this->it.save(name, "a pack"));
  ASSERT_TRUE(this->it.save(name, "a pack"));
  ASSERT_TRUE(this->it.remove(name));
  ASSERT_TRUE(this->it.remove(name));
  EXPECT_TRUE(this->it.list(FileKind::pack).value().empty());
}

TYPED_TEST(backend, never_replaces_a_config) {
  ASSERT_TRUE(this->it.save({}, "config"));
  const auto again = this->it.save({}, "other");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, base::ErrorKind::conflict);
  EXPECT_EQ(this->it.load({}).value(), "config");
}

TYPED_TEST(backend, is_created_twice) {
  ASSERT_TRUE(this->it.save(this->name_of(FileKind::key, "k"), "k"));
  ASSERT_TRUE(this->it.create());
  EXPECT_EQ(this->it.list(FileKind::key).value().size(), 1U);
}

} // namespace
} // namespace repo::backend
