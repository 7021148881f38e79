#include "serve/archive_pages.hpp"

#include "base/text.hpp"

#include <nlohmann/json.hpp>

namespace serve {

using nlohmann::json;

void put_archive(json& check, const ArchiveView& view) {
  if (!view.is_enabled)
    return;
  if (view.last) {
    check["last_success"] = base::format_time(view.last->at);
    check["archive"] = view.last->path;
    check["size_bytes"] = view.last->bytes;
    check["torn_files"] = view.last->torn;
  }
  check["deleted"] = view.record.removed_all;
  if (view.next)
    check["next"] = base::format_time(*view.next);
  if (view.last_failure) {
    check["last_failure"] = base::format_time(*view.last_failure);
    check["error"] = view.record.detail;
  }
  if (view.recovered) {
    check["recovered_archive"] = view.recovered->archive;
    check["recovered_at"] = base::format_time(view.recovered->at);
  }
}

void archive_lines(MetricsText& out, const ArchiveView& view, std::string_view family) {
  const state::RoutineRecord& record = view.record;
  if (!view.is_enabled || record.name.empty()) // it was not looked at yet
    return;
  if (family == "backup_runs_total") {
    out.line("result=\"success\"", static_cast<double>(record.successes_all));
    out.line("result=\"failure\"", static_cast<double>(record.failures_all));
    out.line("result=\"skipped_lock\"", static_cast<double>(record.skipped_all));
  } else if (family == "backup_last_status") {
    if (record.successes_all > 0 || record.failures_all > 0)
      out.line("", record.failures == 0 ? 1 : 0);
  } else if (family == "backup_last_success_timestamp") {
    if (view.last)
      out.line("", static_cast<double>(std::chrono::duration_cast<std::chrono::seconds>(
                                           view.last->at.time_since_epoch())
                                           .count()));
  } else if (family == "backup_retention_deletes_total") {
    out.line("", static_cast<double>(record.removed_all));
  }
}

void add_archive_families(MetricsText& out, const ArchiveView& view) {
  if (!view.is_enabled)
    return;
  const auto add = [&](const char* name, const char* type, const char* help) {
    out.family(name, type, help);
    archive_lines(out, view, name);
  };
  add("backup_runs_total", "counter", "Scheduled archives of KM_STATE_PATH, by result.");
  add("backup_last_status", "gauge", "1: the last scheduled archive was good; 0: it failed.");
  add("backup_last_success_timestamp", "gauge",
      "When the newest archive that is whole was begun; in seconds since 1970.");
  add("backup_retention_deletes_total", "counter",
      "Archives that were removed because there were more than KM_BACKUP_RETENTION_LIMIT.");
}

} // namespace serve
