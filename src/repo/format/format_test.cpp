// Bytes that restic wrote are read, and ours are the same; broken ones are refused by name.

#include "repo/format/chunker.hpp"
#include "repo/format/json.hpp"
#include "repo/format/pack.hpp"
#include "repo/format/password.hpp"
#include "repo/format/quote.hpp"
#include "repo/format/records.hpp"
#include "repo/format/time.hpp"
#include "repo/format/tree.hpp"
#include "repo/format/zstd.hpp"
#include "sim/sim_world.hpp"

#include <set>

#include <gtest/gtest.h>

namespace repo::format {
namespace {

class format : public testing::Test {
protected:
  sim::SimWorld world;
  world::Random& random = world.ports().random;
};

using chunker = format;
using seal = format;
using key_file = format;
using pack = format;
using records = format;

std::string some_bytes(std::size_t size) { // xorshift, so that a test says what it is of
  std::string bytes(size, '\0');
  std::uint64_t x = 88172645463325252ULL;
  for (std::size_t at = 0; at + 8 <= size; at += 8) {
    x ^= x << 13U;
    x ^= x >> 7U;
    x ^= x << 17U;
    for (unsigned byte = 0; byte < 8; ++byte)
      bytes[at + byte] = static_cast<char>(x >> (8 * byte));
  }
  return bytes;
}

std::vector<std::size_t> chunks_of(std::string_view bytes, const Chunker& by) {
  std::vector<std::size_t> sizes;
  while (!bytes.empty()) {
    sizes.push_back(by.chunk_size(bytes));
    bytes.remove_prefix(sizes.back());
  }
  return sizes;
}

// The numbers are what the chunker of restic (restic/chunker v0.5) says of the same bytes.
TEST_F(chunker, cuts_where_restic_cuts) {
  constexpr std::size_t mib = 1U << 20U;
  std::string bytes = some_bytes(40 * mib);
  std::fill(bytes.begin() + 10 * mib, bytes.begin() + 21 * mib, '\0');
  for (std::size_t at = 30 * mib; at < 33 * mib; ++at)
    bytes[at] = static_cast<char>(at % 251);
  const std::vector<std::size_t> zeros(22, 524288);
  std::vector<std::size_t> first{1653707, 573187,  1592094, 1129169,
                                 563239,  1940922, 675196,  2076830};
  first.insert(first.end(), zeros.begin(), zeros.end());
  for (const std::size_t size : {1113429U, 2459235U, 2440940U, 567007U, 733297U, 675251U, 6354015U,
                                 2959570U, 702539U, 1239671U, 959406U})
    first.push_back(size);
  EXPECT_EQ(chunks_of(bytes, Chunker{0x25b468838dcb75}), first);
  const auto second =
      chunks_of(std::string_view{bytes}.substr(0, 9 * mib), Chunker{0x3DA3358B4DC173});
  ASSERT_GT(second.size(), 6U);
  EXPECT_EQ(std::vector<std::size_t>(second.begin(), second.begin() + 6),
            (std::vector<std::size_t>{1377420, 1505696, 542597, 1310352, 851275, 2147689}));
}

TEST_F(chunker, leaves_small_files_whole) {
  const Chunker by{0x3DA3358B4DC173};
  const std::string bytes = some_bytes(chunk_bytes_min);
  EXPECT_EQ(by.chunk_size(bytes), bytes.size());
  EXPECT_EQ(by.chunk_size(std::string_view{bytes}.substr(0, 1)), 1U);
}

TEST_F(chunker, cuts_the_same_when_bytes_come_piece_by_piece) {
  const Chunker by{0x25b468838dcb75};
  std::string bytes(9U << 20U, '\0');
  std::uint32_t state = 7;
  for (char& byte : bytes)
    byte = static_cast<char>((state = state * 1664525U + 1013904223U) >> 24U);
  for (const std::size_t step : {100'000U, 524'288U, 700'001U})
    for (std::string_view rest = bytes; !rest.empty();) {
      std::size_t seen = 0;
      std::size_t come = std::min<std::size_t>(step, rest.size());
      std::size_t cut = 0;
      while ((cut = by.find_cut(rest.substr(0, come), seen, come == rest.size())) == 0)
        come = std::min<std::size_t>(come + step, rest.size());
      ASSERT_EQ(cut, by.chunk_size(rest));
      rest.remove_prefix(cut);
    }
}

TEST_F(chunker, knows_irreducible_polynomials) { // as many as restic's own test says there are
  std::size_t count = 0;
  std::uint64_t sum = 0;
  for (std::uint64_t number = 0; number < 20'000; ++number) {
    const Polynomial polynomial = (std::uint64_t{1} << 53U) | (number * 2 + 1);
    if (is_irreducible(polynomial)) {
      ++count;
      sum += polynomial & 0xffffffU;
    }
  }
  EXPECT_EQ(count, 712U);
  EXPECT_EQ(sum, 14339370U);
  for (int round = 0; round < 20; ++round)
    EXPECT_TRUE(is_usable_polynomial(new_polynomial(random)));
}

TEST_F(seal, opens_what_it_sealed) {
  Sealer sealer{new_key(random), random};
  for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 1000U, 100'000U}) {
    const std::string plain = some_bytes(size);
    std::string box = "before";
    sealer.seal(plain, box);
    ASSERT_EQ(box.size(), 6 + size + seal_bytes);
    const auto opened = sealer.open(std::string_view{box}.substr(6));
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened.value(), plain);
  }
}

TEST_F(seal, refuses_every_changed_byte) {
  Sealer sealer{new_key(random), random};
  std::string box;
  sealer.seal("a secret", box);
  for (std::size_t at = 0; at < box.size(); ++at) {
    std::string changed = box;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    const auto opened = sealer.open(changed);
    ASSERT_FALSE(opened) << at;
    EXPECT_EQ(opened.error().kind, base::ErrorKind::corrupt);
  }
  EXPECT_FALSE(sealer.open(std::string_view{box}.substr(0, 31)));
}

TEST_F(seal, never_takes_an_iv_twice) {
  Sealer sealer{new_key(random), random};
  std::set<std::string> seen;
  for (int round = 0; round < 500; ++round) {
    std::string box;
    sealer.seal("", box);
    EXPECT_TRUE(seen.insert(box.substr(0, 16)).second);
  }
}

// A key file that restic 0.14 made, with the password "p".
TEST_F(key_file, opens_one_of_restic) {
  const auto file = key_file_from_json(
      R"({"created":"2026-11-21T09:06:39.520086815Z","username":"root","hostname":"vm","k)"
      R"(df":"scrypt","N":32768,"r":8,"p":2,"salt":"y5JNB600C/KontESrVeHdUUxFfwjttJw1pisx)"
      R"(HxUxA0jdjPtxVABIY/Y7KarXU4rnnha2zP3Hfta5v+Lz9g6LQ==","data":"il2pZ8cZNzcOVmzm0c8)"
      R"(QwBMdx8hspqL7Rsf+Sj0AszLYEF5K/gGNXIVApdHUJOCBU4iXdWV5zy1qQMn4DPLJQftWH66vZXndXi6)"
      R"(KnbWQrW6FAmB0yGY7k4cFJtD5oi+O98Fy1MKOoN/lnglLi42D8O6DwAdpo8LERCHhT5qgVom8sFb2f7h)"
      R"(MgM0b1+vuvOi/ZTJYbSHIfwVE8xc5t6PfNQ=="})");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_TRUE(unlock(file.value(), "p", random));
  const auto denied = unlock(file.value(), "q", random);
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().kind, base::ErrorKind::corrupt);
}

TEST_F(key_file, opens_with_the_password_it_was_made_with) {
  const Key master = new_key(random);
  const KeyFile made = lock_up(master, "open sesame", {"root", "here", {}}, random);
  const auto read = key_file_from_json(to_json(made));
  ASSERT_TRUE(read);
  const auto opened = unlock(read.value(), "open sesame", random);
  ASSERT_TRUE(opened);
  EXPECT_TRUE(opened.value() == master);
}

TEST_F(key_file, refuses_parameters_that_would_take_all_memory) {
  KeyFile file = lock_up(new_key(random), "p", {}, random);
  file.n = 1U << 24U;
  file.r = 1024;
  EXPECT_FALSE(unlock(file, "p", random));
  file.n = UINT64_MAX;
  EXPECT_FALSE(unlock(file, "p", random));
  file.n = 3; // no power of two
  EXPECT_FALSE(unlock(file, "p", random));
}

TEST_F(pack, header_comes_back) {
  Sealer sealer{new_key(random), random};
  PackBuilder builder{BlobType::data};
  sealer.seal("one", builder.bytes());
  builder.added(id_of("one"), 0);
  PackBuilder other{BlobType::data};
  sealer.seal("compressed", other.bytes());
  other.added(id_of("two"), 77);
  builder.absorb(other);
  EXPECT_TRUE(other.is_empty());
  const FinishedPack made = builder.finish(sealer);
  EXPECT_EQ(made.id, id_of(made.bytes));
  EXPECT_EQ(made.bytes.size(), pack_size(made.blobs));
  const std::string_view bytes = made.bytes;
  const auto length = header_length(bytes.substr(bytes.size() - 4), bytes.size());
  ASSERT_TRUE(length);
  const auto header = sealer.open(bytes.substr(bytes.size() - 4 - length.value(), length.value()));
  ASSERT_TRUE(header);
  const auto blobs = decode_header(header.value());
  ASSERT_TRUE(blobs);
  EXPECT_EQ(blobs.value(), made.blobs);
  std::string plain;
  ASSERT_TRUE(sealer.open(bytes.substr(blobs.value()[1].offset, blobs.value()[1].length), plain));
  EXPECT_EQ(plain, "compressed");
}

TEST_F(pack, refuses_broken_headers) {
  EXPECT_FALSE(decode_header(""));
  EXPECT_FALSE(decode_header(std::string(37, '\x05')));
  EXPECT_FALSE(decode_header(std::string(36, '\0')));
  EXPECT_FALSE(decode_header(std::string(37, '\0'))); // a length below that of the seal
  EXPECT_FALSE(header_length(std::string("\xff\xff\xff\x7f", 4), 1U << 30U));
  EXPECT_FALSE(header_length(std::string("\x00\x01\x00\x00", 4), 100));
  EXPECT_FALSE(header_length("abc", 100));
}

TEST_F(records, config_comes_back) {
  const auto config = config_from_json(
      R"({"version":2,"id":"abc","chunker_polynomial":"25b468838dcb75","later":[{"x":1.5e3}]})");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(to_json(config.value()),
            R"({"version":2,"id":"abc","chunker_polynomial":"25b468838dcb75"})");
  EXPECT_FALSE(config_from_json(R"({"version":2,"id":"a","chunker_polynomial":"8"})"));
  EXPECT_FALSE(config_from_json(R"({"version":2,"id":"a"})"));
  const auto newer = config_from_json(R"({"version":3})");
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().kind, base::ErrorKind::too_new);
}

TEST_F(records, snapshot_comes_back) {
  const std::string json =
      R"({"time":"2026-11-21T09:06:38.011064344Z","parent":")" + std::string(64, 'a') +
      R"(","tree":")" + std::string(64, 'b') +
      R"(","paths":["/srv/a \u0026 b"],"hostname":"h","username":"root","uid":7,)"
      R"("excludes":["*.o"],)"
      R"("tags":["stack=x"],"program_version":"belay 0.1.0","summary":{)"
      R"("backup_start":"2026-11-21T09:06:38Z","backup_end":"2026-11-21T09:06:39Z","files_new":1,)"
      R"("files_changed":2,"files_unmodified":3,"dirs_new":4,"dirs_changed":5,"dirs_unmodified":6,)"
      R"("data_blobs":7,"tree_blobs":8,"data_added":9,"data_added_packed":10,)"
      R"("total_files_processed":11,"total_bytes_processed":12}})";
  const auto snapshot = snapshot_from_json(json);
  ASSERT_TRUE(snapshot) << snapshot.error().message;
  EXPECT_EQ(to_json(snapshot.value()), json);
  EXPECT_FALSE(snapshot_from_json(R"({"time":"2026-11-21T09:06:38Z"})"));
}

TEST_F(records, index_comes_back) {
  const std::vector<IndexedPack> packs{
      {id_of("p"),
       {{id_of("a"), BlobType::data, 0, 100, 0}, {id_of("b"), BlobType::tree, 100, 50, 9}}},
      {id_of("q"), {}}};
  const auto read = index_from_json(index_to_json(packs));
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read.value().size(), 2U);
  EXPECT_EQ(read.value()[0].blobs, packs[0].blobs);
  EXPECT_EQ(read.value()[1].id, packs[1].id);
}

TEST_F(records, lock_comes_back) {
  const LockFile lock{{1'600'000'000, 5'000'000}, true, "host", "root", 4711};
  const auto read = lock_from_json(to_json(lock));
  ASSERT_TRUE(read);
  EXPECT_EQ(to_json(read.value()), to_json(lock));
}

TEST(time, is_written_as_go_writes_it) {
  EXPECT_EQ(format_time({0, 0}), "1970-01-01T00:00:00Z");
  EXPECT_EQ(format_time({1'600'000'000, 123'000'000}), "2020-09-13T12:26:40.123Z");
  EXPECT_EQ(format_time({-1, 999'999'999}), "1969-12-31T23:59:59.999999999Z");
  EXPECT_EQ(format_time({253'402'300'800, 0}), "9999-01-01T00:00:00Z"); // the year 10000
  EXPECT_EQ(format_time({-62'167'219'201, 0}), "0000-12-31T23:59:59Z"); // one second before year 0
}

TEST(time, is_read_with_any_offset) {
  const auto time = parse_time("2026-11-21T09:06:38.5+02:30");
  ASSERT_TRUE(time);
  EXPECT_EQ(format_time(time.value()), "2026-11-21T06:36:38.5Z");
  for (const char* wrong : {"", "2026-11-21", "2026-13-21T09:06:38Z", "2026-02-29T09:06:38Z",
                            "2026-11-21T09:06:38", "2026-11-21T09:06:38.Z", "x"})
    EXPECT_FALSE(parse_time(wrong)) << wrong;
}

TEST(time, comes_back) {
  for (std::int64_t seconds = -62'000'000'000; seconds < 250'000'000'000; seconds += 12'345'678'91)
    EXPECT_EQ(parse_time(format_time({seconds, 7})).value(), (Time{seconds, 7}));
}

TEST(json, refuses_what_is_none) {
  for (const char* wrong : {"", "{", "[1,]", "{\"a\":1,}", "{\"a\"}", "[1 2]", "nul", "\"\\x\"",
                            "\"\n\"", "01x", "{} {}", "[1.]", "-", "\"\\u12\"",
                            "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["}) {
    JsonReader reader{wrong};
    reader.skip();
    EXPECT_FALSE(reader.end("it")) << wrong;
  }
  JsonReader reader{R"( {"a":[1,-2.5e+3,null,true,"x\ud83d\ude00\ud800"],"b":{}} )"};
  reader.skip();
  EXPECT_TRUE(reader.end("it"));
}

TEST(json, takes_pairs_of_surrogates) {
  std::string text;
  JsonReader reader{R"("\ud83d\ude00\ud800z\u00e4")"};
  EXPECT_TRUE(reader.string(text));
  EXPECT_EQ(text, "\xF0\x9F\x98\x80\xEF\xBF\xBDz\xC3\xA4");
}

TEST(name, any_bytes_come_back) {
  std::string all;
  for (int byte = 1; byte < 256; ++byte)
    all += static_cast<char>(byte);
  all += "\xF0\x9F\x98\x80 \xC2\xA0 \xE2\x80\xA8 \xF4\x8F\xBF\xBF \xED\xA0\x80";
  const auto back = unquote_name(quote_name(all));
  ASSERT_TRUE(back);
  EXPECT_EQ(back.value(), all);
  EXPECT_EQ(unquote_name("\\101\\x41\\u0041\\U00000041").value(), "AAAA");
  for (const char* wrong : {"\\", "\\q", "\\x4", "\\u12", "\\400", "\\ud800", "\\U00110000"})
    EXPECT_FALSE(unquote_name(wrong)) << wrong;
}

std::string golden(const std::string& name) {
  std::FILE* const file = std::fopen((std::string{GOLDEN_FOLDER} + "/" + name).c_str(), "rb");
  CHECK(file != nullptr);
  std::string text(1U << 20U, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  return text;
}

// What restic 0.14 made of a folder with names and entries of every kind.
TEST(tree, of_restic_is_written_the_same_again) {
  const std::string text = golden("restic-tree/torture.tree");
  const auto nodes = decode_tree(text);
  ASSERT_TRUE(nodes) << nodes.error().message;
  EXPECT_EQ(nodes.value().size(), 15U);
  EXPECT_TRUE(encode_tree(nodes.value()) == text);
}

TEST(tree, keeps_link_targets_that_are_no_text) {
  const std::vector<Node> nodes{{.name = "l", .type = NodeType::link, .target = "a\xff<"}};
  const auto back = decode_tree(encode_tree(nodes));
  ASSERT_TRUE(back);
  EXPECT_TRUE(back.value() == nodes);
}

TEST(tree, refuses_names_that_lead_elsewhere) {
  for (const char* name : {"..", ".", "a/b", "", "\\x00"}) {
    const std::string text = R"({"nodes":[{"name":")" +
                             std::string{name == std::string{"\\x00"} ? "\\\\x00" : name} +
                             R"(","type":"file","content":[]}]})";
    EXPECT_FALSE(decode_tree(text)) << name;
  }
  EXPECT_FALSE(decode_tree(R"({"nodes":[{"name":"b","type":"file"},{"name":"a","type":"file"}]})"));
  EXPECT_FALSE(decode_tree(R"({"nodes":[{"name":"b","type":"dir"}]})"));
}

TEST(zstd, comes_back) {
  Compressor compressor{1};
  Decompressor decompressor;
  for (const std::size_t size : {1U, 100U, 300'000U}) {
    const std::string plain = some_bytes(size / 2) + std::string(size - size / 2, 'x');
    std::string frame;
    compressor.compress(plain, frame);
    std::string back;
    ASSERT_TRUE(decompressor.decompress(frame, size, back));
    EXPECT_EQ(back, plain);
    EXPECT_FALSE(decompressor.decompress(frame, size + 1, back));
    EXPECT_FALSE(decompressor.decompress(frame.substr(0, frame.size() - 1), size, back));
    const auto any = decompressor.decompress_any(frame, size);
    ASSERT_TRUE(any);
    EXPECT_EQ(any.value(), plain);
    EXPECT_FALSE(decompressor.decompress_any(frame, size - 1));
    EXPECT_FALSE(decompressor.decompress_any(frame.substr(0, frame.size() - 1), size));
    EXPECT_FALSE(decompressor.decompress_any(frame + "x", size));
  }
}

TEST(base64, is_strict) {
  for (const char* plain : {"", "a", "ab", "abc", "abcd"})
    EXPECT_EQ(from_base64(to_base64(plain)).value(), plain);
  for (const char* wrong : {"a", "a===", "ab=c", "ab c", "!!!!"})
    EXPECT_FALSE(from_base64(wrong)) << wrong;
}

} // namespace
} // namespace repo::format
