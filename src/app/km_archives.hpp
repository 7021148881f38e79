#pragma once
// KM archives: the names of the playbook's archives, and which of them stay. Pure.

#include "world/clock.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace app {

std::string km_archive_name(world::TimePoint at); // "km-backup-20260101T120000.tgz", in UTC
bool is_km_archive_name(std::string_view name);   // "km-backup-*.tgz"
// The moment in the name, with or without a Z behind it; nothing when it has none.
std::optional<world::TimePoint> km_archive_time(std::string_view name);
bool is_km_part_name(std::string_view name); // of an archive of belay's that was not ended

struct KmArchive {
  std::string name;
  world::TimePoint at; // of the name; else when it was last changed
};
// Newest first.
void sort_km_archives(std::vector<KmArchive>& archives);
// What goes so that `keep` stay, the oldest last; 0: nothing goes. `written` always stays, and
// counts as the newest. What has another name is none of ours.
std::vector<std::string> km_archives_to_remove(std::vector<KmArchive> archives, std::uint64_t keep,
                                               const std::string& written);

// The path in the last "Backup written to PATH" of what a script printed; empty: it said none.
std::string km_reported_path(std::string_view printed);

} // namespace app
