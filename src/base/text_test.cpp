#include "base/digest.hpp"
#include "base/text.hpp"

#include <gtest/gtest.h>

namespace {

using std::chrono::milliseconds;

TEST(text, durations_are_read) {
  EXPECT_EQ(base::parse_duration("1h30m").value(), milliseconds{5'400'000});
  EXPECT_EQ(base::parse_duration("500ms").value(), milliseconds{500});
  EXPECT_EQ(base::parse_duration("0").value(), milliseconds{0});
  for (const char* bad : {"", "5", "m", "5x", "-5s", "5 s", "99999999999999999999s", "200000d"})
    EXPECT_FALSE(base::parse_duration(bad)) << bad;
}

TEST(text, durations_are_written) {
  EXPECT_EQ(base::format_duration(milliseconds{340}), "340 ms");
  EXPECT_EQ(base::format_duration(milliseconds{4'200}), "4.2 s");
  EXPECT_EQ(base::format_duration(milliseconds{112'000}), "1 m 52 s");
  EXPECT_EQ(base::format_duration(milliseconds{7'500'000}), "2 h 5 m");
}

TEST(text, sizes_are_read_and_written) {
  EXPECT_EQ(base::parse_bytes("512MiB").value(), 512ULL << 20U);
  EXPECT_EQ(base::parse_bytes("4GB").value(), 4'000'000'000ULL);
  EXPECT_FALSE(base::parse_bytes("4 GB"));
  EXPECT_FALSE(base::parse_bytes("GB"));
  EXPECT_EQ(base::format_bytes(1023), "1023 B");
  EXPECT_EQ(base::format_bytes(1536), "1.5 KiB");
}

TEST(text, times_are_read_back) {
  const auto time = base::parse_time("2026-11-21T02:34:05.123Z");
  ASSERT_TRUE(time);
  EXPECT_EQ(base::format_time(time.value()), "2026-11-21T02:34:05.123Z");
  EXPECT_EQ(base::compact_time(time.value()), "20261121T023405.123Z");
  EXPECT_FALSE(base::parse_time("2026-11-21"));
  for (const char* wrong : {"1359-11-21T02:34:05.123Z", "2262-11-21T02:34:05.123Z",
                            "2026-13-21T02:34:05.123Z", "2026-11-21T24:34:05.123Z"})
    EXPECT_FALSE(base::parse_time(wrong)) << wrong;
}

TEST(text, paths_are_made_absolute_without_leaving_the_root) {
  EXPECT_EQ(base::absolute_path("../x/./y", "/a/b"), "/a/x/y");
  EXPECT_EQ(base::absolute_path("/../../etc", "/a"), "/etc");
  EXPECT_EQ(base::absolute_path("", "/a"), "/a");
  EXPECT_TRUE(base::is_inside("/a/b", "/a"));
  EXPECT_FALSE(base::is_inside("/ab", "/a"));
  EXPECT_EQ(base::parent_of("/a"), "/");
}

TEST(text, a_slip_finds_its_neighbour_and_nonsense_finds_nobody) {
  EXPECT_EQ(base::nearest("servces", {"stores", "services"}), "services");
  EXPECT_EQ(base::nearest("zzzzzz", {"stores", "services"}), std::nullopt);
}

TEST(text, printable_obeys_no_terminal) {
  EXPECT_EQ(base::printable("a\x1b[31mb\xff"
                            "c\n\xc3\xa9"),
            "a?[31mb?c\n\xc3\xa9");
}

TEST(text, fill_replaces_only_what_is_named) {
  EXPECT_EQ(base::fill("{to}-{x}{to}", {{"to", "4.1"}}), "4.1-{x}4.1");
  EXPECT_EQ(base::fill("{to", {{"to", "4.1"}}), "{to");
}

TEST(text, join_keeps_empty_parts) {
  EXPECT_EQ(base::join({"", "a", ""}, ","), ",a,");
  EXPECT_EQ(base::join({}, ","), "");
}

TEST(digest, known_answers) {
  EXPECT_EQ(base::sha256_hex("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"); // FIPS 180-4
  EXPECT_EQ(base::crc32("123456789"), 0xCBF43926U); // the check value of CRC-32/ISO-HDLC
}

TEST(digest, crc32_is_the_same_however_it_is_aligned) {
  const std::string text = "0123456789 the quick brown fox\x80\xff jumps over the lazy dog";
  for (std::size_t length = 0; length <= text.size(); ++length) {
    std::uint32_t crc = ~0U; // bit by bit
    for (const char byte : text.substr(0, length)) {
      crc ^= static_cast<unsigned char>(byte);
      for (int bit = 0; bit < 8; ++bit)
        crc = (crc >> 1U) ^ (0xEDB88320U & (0U - (crc & 1U)));
    }
    EXPECT_EQ(base::crc32(text.substr(0, length)), ~crc) << length;
  }
}

} // namespace
