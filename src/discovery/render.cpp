// A guess as the text of belay.yaml.
#include "base/text.hpp"
#include "config/value.hpp"
#include "discovery/guess.hpp"

#include <algorithm>
#include <array>

namespace discovery {
namespace {

constexpr std::size_t columns_max = 100;

// What was seen may hold anything: one line, and nothing that a terminal would obey.
std::string tame(const std::string& text) {
  std::string line = base::printable(text);
  std::ranges::replace(line, '\n', ' ');
  return line;
}

class Renderer {
public:
  Renderer(const Seen& seen, const Guess& guess) : seen_{seen}, guess_{guess} {}

  std::string run() {
    head();
    services();
    stores();
    config_files();
    tail();
    return std::move(text_);
  }

private:
  static std::string quoted(const std::string& text) { return config::json_text(text); }
  // A key needs quotes only where YAML would read something else than its text.
  static std::string key(const std::string& name) {
    constexpr std::array words{"true", "false", "null", "yes", "no", "on", "off", "y", "n"};
    std::string low = name;
    std::ranges::transform(low, low.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    const bool is_plain =
        !low.empty() && (low[0] == '_' || (low[0] >= 'a' && low[0] <= 'z')) &&
        std::ranges::all_of(low, [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
        });
    return is_plain && std::ranges::find(words, low) == words.end() ? name : quoted(name);
  }
  void line(const std::string& text) { text_ += text + "\n"; }
  // A comment of as many lines as it needs; those after the first are set in.
  void comment(const std::string& indent, const std::string& text) {
    std::string open = indent + "#";
    for (const std::string& word : base::split(tame(text), ' ')) {
      if (open.size() + 1 + word.size() > columns_max && open.size() > indent.size() + 3) {
        line(open);
        open = indent + "#  ";
      }
      open += " " + word;
    }
    line(open);
  }

  void head() {
    comment("", "belay.yaml of the stack '" + guess_.stack + "', written by 'belay init'.");
    comment("", "Each guess says what it was made from. Correct what is wrong, then try:");
    comment("", "belay config, belay check. Every key: docs/reference/config.md");
    line("#");
    comment("", "Seen in " + seen_.folder + ":");
    for (const Evidence& each : seen_.evidence) {
      const Told told = tell(seen_, each);
      comment("", "- " + told.where + ": " + told.seen + " -> " + told.suggests);
    }
    if (seen_.evidence.empty())
      comment("", "- nothing that tells about a service");
    for (const std::string& each : seen_.unseen)
      comment("", "- could not look: " + each);
    line("");
    comment("", "from: " + guess_.stack_why);
    line("stack: " + key(guess_.stack));
    if (guess_.env_files.empty())
      return;
    line("");
    comment("", "Its variables stand in for ${NAME} below; no value of it is copied here.");
    std::vector<std::string> files;
    for (const std::string& file : guess_.env_files)
      files.push_back(quoted(yaml_path(seen_, file)));
    line("env_file: [" + base::join(files, ", ") + "]");
  }

  void services() {
    line("");
    line("services:");
    for (const ServiceGuess& service : guess_.services) {
      comment("  ", "from: " + service.who);
      line("  " + key(service.name) + ":");
      release(service.release);
      command(service);
      environment(service);
      ready(service);
    }
  }

  void release(const ReleaseGuess& release) {
    comment("    ", "from: " + release.why + ". {to} is what 'belay upgrade --to' says.");
    if (release.kind == "git") {
      line("    release:");
      line("      command: [git, clone, --quiet, --depth, \"1\", --branch, \"{to}\", "
           "\"file://{project}\", .]");
    } else if (release.kind == "archive") {
      comment("    ", "The list of checksums must be there: nothing is unpacked unverified.");
      line("    release: { archive: " + quoted(release.path) +
           ", checksums: " + quoted(release.checksums) + " }");
    } else {
      line("    release: { directory: " + quoted(release.path) + " }");
    }
  }

  void command(const ServiceGuess& service) {
    comment("    ", "{release} is the folder of the release that runs, {project} this folder.");
    line("    run:");
    for (const std::string& word : service.run)
      line("      - " + quoted(word));
    if (service.working_folder.empty())
      return;
    comment("    ", "from: where " + service.who + " works");
    line("    working_folder: " + quoted(service.working_folder));
  }

  void environment(const ServiceGuess& service) {
    for (const std::string& why : service.env_why)
      comment("    ", why);
    if (service.env.empty())
      return;
    line("    env:");
    for (const auto& [name, value] : service.env)
      line("      " + key(name) + ": " + quoted(value));
  }

  void ready(const ServiceGuess& service) {
    comment("    ", "from: " + service.ready_why);
    line("    ready:");
    if (service.ready == "process")
      line("      process: true");
    else
      line("      " + service.ready + ": " + quoted(service.ready_at));
    if (service.ready_status != 200)
      line("      status: " + std::to_string(service.ready_status));
    if (service.ready_says_ok)
      line("      json: { status: ok }");
    line("      within: 60s");
  }

  void stores() {
    line("");
    if (guess_.stores.empty()) {
      comment("", "No data was found. Name all that the service keeps, or a way back leaves it as");
      comment("", "the new release made it: stores: { data: { directory: ./data } }");
      return;
    }
    comment("", "Captured before an upgrade, brought back with a way back.");
    line("stores:");
    for (const StoreGuess& store : guess_.stores) {
      comment("  ", "from: " + store.why);
      std::string text = "  " + key(store.name) + ": { " +
                         (store.is_sqlite ? "sqlite: " : "directory: ") +
                         quoted(yaml_path(seen_, store.path));
      if (!store.exclude.empty()) {
        std::vector<std::string> inner;
        for (const std::string& path : store.exclude)
          inner.push_back(quoted(escaped(path)));
        text += ", exclude: [" + base::join(inner, ", ") + "]";
      }
      line(text + " }");
    }
  }

  static std::string escaped(const std::string& text) {
    std::string result;
    for (const char c : text)
      result += c == '$' ? std::string{"$$"} : std::string{c};
    return result;
  }

  void config_files() {
    line("");
    if (!guess_.env_files.empty())
      comment("", "An env_file is not among them: a copy of it would be a copy of its secrets.");
    if (guess_.config_files.empty()) {
      comment("", "Files to put back exactly with a way back: config_files: [shop.conf]");
      return;
    }
    line("config_files:");
    for (const auto& [path, why] : guess_.config_files) {
      comment("  ", "from: " + why);
      line("  - " + quoted(yaml_path(seen_, path)));
    }
  }

  void tail() {
    line("");
    line("upgrade:");
    comment("  ", "The most valuable line is missing, for it cannot be seen: a test that uses the");
    comment("  ", "service as its users do. smoke: [ { run: [./smoke.sh] } ]");
    line("  watch: 1m");
    line("");
    line("triggers:");
    for (const ServiceGuess& service : guess_.services)
      line("  - { probe: " + quoted(service.name + ".ready") + ", failing_for: 10s }");
    if (guess_.notes.empty())
      return;
    line("");
    comment("", "Know before the first upgrade:");
    for (const std::string& note : guess_.notes)
      comment("", "- " + note);
  }

  const Seen& seen_;
  const Guess& guess_;
  std::string text_;
};

} // namespace

std::string yaml_path(const Seen& seen, const std::string& path) {
  std::string result;
  for (const char c : relative_to(seen.folder, path))
    result += c == '$' ? std::string{"$$"} : std::string{c};
  return result;
}

std::string render(const Seen& seen, const Guess& guess) {
  return Renderer{seen, guess}.run();
}

} // namespace discovery
