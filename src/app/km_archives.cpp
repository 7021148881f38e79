#include "app/km_archives.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <tuple>

namespace app {

namespace {

constexpr std::string_view km_prefix = "km-backup-";
constexpr std::string_view km_suffix = ".tgz";
constexpr std::string_view km_part = ".part";
constexpr std::string_view km_said = "Backup written to ";
constexpr std::size_t km_stamp_size = 15; // 20260101T120000

} // namespace

std::string km_archive_name(world::TimePoint at) {
  return std::string{km_prefix} + base::compact_time(at).substr(0, km_stamp_size) +
         std::string{km_suffix};
}

bool is_km_archive_name(std::string_view name) {
  return name.size() > km_prefix.size() + km_suffix.size() && name.starts_with(km_prefix) &&
         name.ends_with(km_suffix) && !name.contains('/');
}

std::optional<world::TimePoint> km_archive_time(std::string_view name) {
  if (!is_km_archive_name(name))
    return std::nullopt;
  std::string_view stamp =
      name.substr(km_prefix.size(), name.size() - km_prefix.size() - km_suffix.size());
  if (stamp.ends_with('Z'))
    stamp.remove_suffix(1);
  if (stamp.size() != km_stamp_size)
    return std::nullopt;
  const std::string text{stamp};
  const auto time = base::parse_time(text.substr(0, 4) + "-" + text.substr(4, 2) + "-" +
                                     text.substr(6, 2) + "T" + text.substr(9, 2) + ":" +
                                     text.substr(11, 2) + ":" + text.substr(13, 2) + ".000Z");
  // Written again it must be the same: what a scan lets through (blanks, a month 13) is no time.
  if (!time || base::compact_time(time.value()).substr(0, km_stamp_size) != text)
    return std::nullopt;
  return time.value();
}

bool is_km_part_name(std::string_view name) {
  if (!name.starts_with('.') || !name.ends_with(km_part))
    return false;
  const std::string_view whole = name.substr(1, name.size() - 1 - km_part.size());
  const auto at = km_archive_time(whole);
  return at && km_archive_name(*at) == whole;
}

void sort_km_archives(std::vector<KmArchive>& archives) {
  std::ranges::sort(archives, [](const KmArchive& a, const KmArchive& b) {
    return std::tie(b.at, b.name) < std::tie(a.at, a.name);
  });
}

std::vector<std::string> km_archives_to_remove(std::vector<KmArchive> archives, std::uint64_t keep,
                                               const std::string& written) {
  std::erase_if(archives, [&](const KmArchive& archive) {
    return !is_km_archive_name(archive.name) || archive.name == written;
  });
  sort_km_archives(archives);
  std::vector<std::string> gone;
  if (keep == 0)
    return gone;
  for (std::size_t i = keep - 1; i < archives.size(); ++i)
    gone.push_back(archives[i].name);
  return gone;
}

std::string km_reported_path(std::string_view printed) {
  std::string path;
  for (const std::string& line : base::split(printed, '\n'))
    if (const auto at = line.find(km_said); at != std::string::npos) {
      path = line.substr(at + km_said.size());
      while (path.ends_with(' ') || path.ends_with('\r') || path.ends_with('\t'))
        path.pop_back();
    }
  return path;
}

} // namespace app
