// Looker, the part that finds where releases come from and where data lives.

#include "base/text.hpp"
#include "discovery/looker.hpp"
#include "discovery/parse.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace discovery {
namespace {

bool is_release_name(const std::string& name) {
  constexpr std::array names{"releases", "release", "dist", "versions", "builds", "artifacts"};
  return std::ranges::find(names, name) != names.end();
}

bool tells_data(const std::string& option) {
  constexpr std::array parts{"data", "db", "store", "storage", "userdir", "state", "upload"};
  const std::string all = lowered(option);
  return std::ranges::any_of(parts, [&](const char* part) { return all.contains(part); });
}

bool is_config_name(const std::string& name) {
  constexpr std::array ends{".conf", ".cfg", ".ini",  ".toml",
                            ".yaml", ".yml", ".json", ".properties"};
  return std::ranges::any_of(ends, [&](const char* end) { return name.ends_with(end); });
}

bool is_of_a_database(const std::string& name) {
  return name.ends_with("-wal") || name.ends_with("-shm") || name.ends_with("-journal") ||
         name.starts_with(".belay");
}

// The labels by what stands before and after them; the largest family is the one meant.
using Families = std::map<std::pair<std::string, std::string>, std::vector<std::string>>;

const Families::value_type* largest(const Families& families) {
  const auto found = std::ranges::max_element(
      families, [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
  return found == families.end() ? nullptr : &*found;
}

} // namespace

bool Looker::is_data_name(const std::string& name) {
  constexpr std::array names{"data", "storage", "uploads", "userdata", "media", "db", "database"};
  return std::ranges::find(names, name) != names.end();
}

bool Looker::add_releases(const std::string& path, const std::vector<std::string>& names) {
  Families folders;
  Families archives;
  std::string checksums;
  for (const std::string& name : names) {
    const std::string inner = base::absolute_path(name, path);
    const auto info = world_.files.info(inner);
    if (!info || !info.value())
      continue;
    const bool is_file = info.value()->kind == world::EntryKind::file;
    const bool is_folder = info.value()->kind == world::EntryKind::folder;
    if (const auto label = label_in(name, is_file); label && (is_file || is_folder))
      (is_file ? archives : folders)[{label->before, label->after}].push_back(label->label);
    if (const std::string low = lowered(name);
        is_file && (low.starts_with("sha256sum") || low == "checksums.txt"))
      checksums = inner;
  }
  const auto add_family = [&](const Families& families, SourceForm form) {
    const auto* family = largest(families);
    if (family == nullptr)
      return;
    auto labels = family->second;
    std::ranges::sort(labels, is_older);
    add(path, Releases{form, path + "/" + family->first.first + "{to}" + family->first.second,
                       form == SourceForm::archives ? checksums : "", std::move(labels)});
  };
  add_family(archives, SourceForm::archives);
  const bool has_folders =
      !folders.empty() && (is_release_name(base::name_of_path(path)) ||
                           largest(folders)->second.size() > 1 || runs_in_one_of(path));
  if (has_folders)
    add_family(folders, SourceForm::folders);
  return has_folders;
}

// A process works, or has its program, in a folder with a version below this one.
bool Looker::runs_in_one_of(const std::string& path) const {
  const auto is_below = [&](const std::string& place) {
    return place != path && base::is_inside(place, path) &&
           label_in(base::split(place.substr(path.size() + 1), '/').front(), false);
  };
  for (const auto& [evidence, process] : all_of<Process>(seen_))
    if (is_below(process->working_folder))
      return true;
  return false;
}

void Looker::add_git() {
  const std::string path = seen_.folder + "/.git";
  if (const auto info = world_.files.info(path); !info || !info.value())
    return;
  std::vector<std::string> tags;
  if (const auto packed = world_.files.read(path + "/packed-refs"))
    tags = parse_packed_tags(packed.value());
  if (const auto loose = world_.files.list(path + "/refs/tags"))
    tags.insert(tags.end(), loose.value().begin(), loose.value().end());
  std::ranges::sort(tags, is_older);
  tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
  add(path, Releases{SourceForm::git, seen_.folder, "", std::move(tags)});
}

void Looker::add_data_folder(const std::string& path, const std::string& because) {
  if (path == seen_.folder || has(path))
    return;
  add(path, DataFolder{because, false});
}

void Looker::add_data_of(const std::string& who, const std::vector<Word>& argv) {
  for (std::size_t i = 1; i < argv.size(); ++i) {
    const Word& word = argv[i];
    const bool has_option = word.text.starts_with('-') && word.text.contains('=');
    const std::string option = has_option ? word.text : argv[i - 1].text;
    const std::string because = "word " + std::to_string(i + 1) + " of " + who;
    if (word.is_folder && option.starts_with('-') && tells_data(option))
      add_data_folder(word.path, because);
    else if (!word.path.empty() && !word.is_folder && is_config_name(word.path) && !has(word.path))
      add(word.path, ConfigFile{because});
  }
}

void Looker::add_data_of(const std::string& who, const Process& process) {
  add_data_of(who, process.argv);
  for (const std::string& path : process.written_files) {
    const std::string folder = base::parent_of(path);
    const bool is_log = path.ends_with(".log") || path.ends_with(".out") || path.ends_with(".pid");
    if (!is_log && folder != process.working_folder)
      add_data_folder(folder, who + " writes in it");
  }
}

// After everything was seen: which of the data folders are data of their own.
void Looker::settle_data() {
  const auto databases = all_of<Database>(seen_);
  const auto is_database = [&](const std::string& path) {
    return std::ranges::any_of(databases,
                               [&](const auto& each) { return each.first->where == path; });
  };
  for (Evidence& evidence : seen_.evidence) {
    auto* folder = std::get_if<DataFolder>(&evidence.detail);
    if (folder == nullptr)
      continue;
    const auto names = world_.files.list(evidence.where);
    const auto is_here = [&](const std::string& name) {
      return is_database(evidence.where + "/" + name);
    };
    folder->has_only_databases = names && std::ranges::any_of(names.value(), is_here) &&
                                 std::ranges::all_of(names.value(), [&](const std::string& name) {
                                   return is_of_a_database(name) || is_here(name);
                                 });
  }
}

} // namespace discovery
