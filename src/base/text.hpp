#pragma once
// Text: how sizes, durations, times and names are written and read, everywhere the same.

#include "base/result.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace base {

std::string format_bytes(std::uint64_t bytes);                   // "512 B", "3.1 GiB"
std::string format_duration(std::chrono::milliseconds duration); // "340 ms", "4.2 s", "1 m 52 s"
// "10m", "1h30m", "500ms", "20s", "2d"; a bare number is refused, except "0". invalid_input.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);
Result<std::uint64_t> parse_bytes(std::string_view text); // "512MiB", "4GB", "100"

// RFC 3339 in UTC with milliseconds: "2026-11-21T02:34:05.123Z".
std::string format_time(std::chrono::system_clock::time_point time);
Result<std::chrono::system_clock::time_point> parse_time(std::string_view text);
// Sortable, for names of files: "20261121T023405.123Z".
std::string compact_time(std::chrono::system_clock::time_point time);

// The candidate nearest to `word` by edit distance, if it is near enough to be a slip.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& all);

std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
// Bytes that a terminal would obey, and broken UTF-8, replaced by '?'; newlines are kept.
std::string printable(std::string_view text);
// "1 entry differs", "2 entries differ".
std::string plural(std::uint64_t count, std::string_view one, std::string_view many);
// `text` with every "{name}" of `values` replaced; other braces stay.
std::string fill(std::string_view text,
                 const std::vector<std::pair<std::string, std::string>>& values);
// Lexical: "/a/../b/./c" -> "/b/c"; a relative `path` is taken from `folder`. No file is touched.
std::string absolute_path(std::string_view path, std::string_view folder);
std::string parent_of(std::string_view path);
std::string name_of_path(std::string_view path);
// True when `path` is `folder` or below it, lexically.
bool is_inside(std::string_view path, std::string_view folder);

} // namespace base
