#pragma once
// Archive pages: what is answered about the archives of the playbook, under the names that the
// playbook promises. Pure.

#include "serve/archive_view.hpp"
#include "serve/metrics_text.hpp"

#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace serve {

inline constexpr const char* km_prefix = "km_"; // of its metrics, whatever ours is

// Adds what only these archives have to the JSON of their check.
void put_archive(nlohmann::json& check, const ArchiveView& view);
// The lines of the family that was begun, as "backup_runs_total". Nothing when not enabled.
void archive_lines(MetricsText& out, const ArchiveView& view, std::string_view family);
// All of their families.
void add_archive_families(MetricsText& out, const ArchiveView& view);

} // namespace serve
