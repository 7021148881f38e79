#include "cli/repo_say.hpp"

#include "base/text.hpp"
#include "cli/say.hpp"

#include <algorithm>
#include <cstdio>

#include <nlohmann/json.hpp>

namespace cli {

using base::format_bytes;
using nlohmann::json;
using repo::format::NodeType;

std::string told(bool is_json, const std::string& event, const repo::format::Id& id) {
  if (is_json)
    return line_of({{"event", event}, {"id", id.hex()}});
  std::string words = event;
  for (char& c : words)
    c = c == '_' ? ' ' : c;
  return words + ": " + repo::short_id(id) + "\n";
}

std::string speed(std::uint64_t bytes, world::Milliseconds time) {
  const auto ms = static_cast<std::uint64_t>(std::max<std::int64_t>(time.count(), 1));
  return format_bytes(bytes) + ", " + format_bytes(bytes * 1000 / ms) + " a second";
}

namespace {

std::string time_text(const repo::format::Time& time) {
  return repo::format::format_time({time.seconds, 0});
}

} // namespace

std::string key_text(const repo::KeyInfo& key) {
  return std::string{key.is_current ? "*" : " "} + repo::short_id(key.id) + "  " +
         time_text(key.file.created) + "  " +
         base::printable(key.file.user + " on " + key.file.host) + "\n";
}

std::string key_json(const repo::KeyInfo& key) {
  return line_of({{"event", "key"},
                  {"id", key.id.hex()},
                  {"created", format_time(key.file.created)},
                  {"username", key.file.user},
                  {"hostname", key.file.host},
                  {"is_current", key.is_current}});
}

std::string snapshot_text(const repo::format::Snapshot& snapshot) {
  std::string text = repo::short_id(snapshot.id) + "  " + time_text(snapshot.time) + "  " +
                     snapshot.host + "  " + base::join(snapshot.paths, " ");
  if (snapshot.summary)
    text += "  " + format_bytes(snapshot.summary->bytes);
  if (!snapshot.tags.empty())
    text += "  [" + base::join(snapshot.tags, ", ") + "]";
  return base::printable(text) + "\n";
}

std::string snapshot_json(const repo::format::Snapshot& snapshot) {
  json line = json::parse(to_json(snapshot), nullptr, false);
  line["event"] = "snapshot";
  line["id"] = snapshot.id.hex();
  return line_of(line);
}

std::string node_text(const std::string& path, const repo::format::Node& node) {
  char start[96];
  std::snprintf(start, sizeof start, "%-8s %04o %5u %5u %14llu  ", name_of(node.type), node.mode,
                node.uid, node.gid, static_cast<unsigned long long>(node.size));
  std::string text = start + format_time(node.mtime) + "  " + path;
  if (node.type == NodeType::link)
    text += " -> " + node.target;
  return base::printable(text) + "\n";
}

std::string node_json(const std::string& path, const repo::format::Node& node) {
  json line{{"event", "node"},
            {"path", path},
            {"type", name_of(node.type)},
            {"mode", node.mode},
            {"uid", node.uid},
            {"gid", node.gid},
            {"size", node.size},
            {"mtime", format_time(node.mtime)}};
  if (node.type == NodeType::link)
    line["target"] = node.target;
  return line_of(line);
}

std::string backup_text(const repo::BackupReport& report, world::Milliseconds time) {
  const repo::format::Summary& summary = *report.snapshot.summary;
  return "files:   " + std::to_string(summary.files_new) + " new, " +
         std::to_string(summary.files_changed) + " changed, " +
         std::to_string(summary.files_unmodified) + " as they were\n" +
         "folders: " + std::to_string(summary.folders_new) + " new, " +
         std::to_string(summary.folders_changed) + " changed, " +
         std::to_string(summary.folders_unmodified) + " as they were\n" + "looked at " +
         format_bytes(summary.bytes) + ", stored " + format_bytes(summary.bytes_added_packed) +
         " in " + base::format_duration(time) + "\n" + "snapshot " +
         repo::short_id(report.snapshot.id) + "\n";
}

std::string backup_json(const repo::BackupReport& report) {
  json line = json::parse(to_json(report.snapshot), nullptr, false);
  line["event"] = "backed_up";
  line["id"] = report.snapshot.id.hex();
  line["torn"] = report.torn;
  line["torn_count"] = report.torn_count;
  return line_of(line);
}

std::string restore_text(const repo::RestoreReport& report, const repo::RestoreOptions& how,
                         world::Milliseconds time) {
  const std::string target = "'" + base::printable(how.target) + "'";
  const std::uint64_t names = report.files + report.folders + report.others;
  const std::string counted = std::to_string(report.files) + " files, " +
                              std::to_string(report.folders) + " folders, " +
                              std::to_string(report.others) + " links and devices";
  if (!how.in_place)
    return "restored " + counted + " into " + target + ": " + speed(report.bytes, time) + "\n";
  const std::string changes = std::to_string(names - std::min(report.unchanged, names)) +
                              " of them made or changed, " + std::to_string(report.removed) +
                              " others removed";
  if (how.in_place->is_dry_run)
    return "would leave " + counted + " in " + target + ": " + changes + ", at most " +
           format_bytes(report.bytes) + " written; nothing was changed\n";
  return "restored " + counted + " in place in " + target + ": " + changes + "; " +
         format_bytes(report.bytes) + " written, compared " + speed(report.bytes_compared, time) +
         "\n";
}

std::string restore_json(const repo::RestoreReport& report, const repo::RestoreOptions& how) {
  json line{{"event", "restored"},       {"target", how.target},    {"files", report.files},
            {"folders", report.folders}, {"others", report.others}, {"bytes", report.bytes}};
  if (how.in_place) {
    line["is_dry_run"] = how.in_place->is_dry_run;
    line["unchanged"] = report.unchanged;
    line["removed"] = report.removed;
    line["bytes_compared"] = report.bytes_compared;
  }
  return line_of(line);
}

std::string decision_text(const repo::Decision& decision) {
  std::string text = decision.is_kept ? "keep   " : "forget ";
  text += repo::short_id(decision.snapshot.id) + "  " + time_text(decision.snapshot.time) + "  " +
          base::join(decision.snapshot.paths, " ") + "  " + base::join(decision.reasons, ", ");
  return base::printable(text) + "\n";
}

std::string decision_json(const repo::Decision& decision) {
  return line_of({{"event", decision.is_kept ? "kept" : "to_forget"},
                  {"id", decision.snapshot.id.hex()},
                  {"reasons", decision.reasons}});
}

std::string prune_text(const repo::PruneReport& report, bool is_dry_run) {
  return std::string{is_dry_run ? "would remove " : "removed "} +
         std::to_string(report.packs_removed) + " packs, write again " +
         std::to_string(report.packs_repacked) + ", keep " + std::to_string(report.packs_kept) +
         "\n" + format_bytes(report.bytes_removed) + " removed, " +
         format_bytes(report.bytes_written) + " written, " + format_bytes(report.bytes_unused) +
         " stay unused" + (report.is_cut_short ? ": more of it can go with the next prune" : "") +
         "\n";
}

std::string prune_json(const repo::PruneReport& report) {
  return line_of({{"event", "pruned"},
                  {"packs_removed", report.packs_removed},
                  {"packs_repacked", report.packs_repacked},
                  {"packs_kept", report.packs_kept},
                  {"bytes_removed", report.bytes_removed},
                  {"bytes_written", report.bytes_written},
                  {"bytes_unused", report.bytes_unused},
                  {"is_cut_short", report.is_cut_short}});
}

} // namespace cli
