#include "app/support.hpp"

#include "app/redact.hpp"
#include "app/report.hpp"
#include "base/text.hpp"
#include "config/secret_texts.hpp"
#include "journal/journal.hpp"

#include <algorithm>
#include <optional>

namespace app {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

constexpr int log_lines = 2000;
constexpr std::size_t log_bytes_max = 256U << 10U;

const char* const readme =
    "What belay knows of one operation, for somebody who is to help.\n\n"
    "report.txt       why it went as it went\n"
    "report.json      the same for programs\n"
    "plan.json        what it was to do\n"
    "journal.jsonl    what it did, a record a line, without checksums and sequence numbers\n"
    "config.yaml      the effective configuration that it began with, each value with its origin\n"
    "config-now.yaml  that of today, where it differs\n"
    "status.json      what runs now\n"
    "versions.txt     of belay; system.txt: of the system and the releases\n"
    "logs/            the last 2000 lines, at most 256 KiB, of each service\n"
    "missing.txt      what could not be had, and why\n\n"
    "Secrets were replaced by [redacted]: all that the configuration refers to, and what looks\n"
    "like one. A secret that looks like any word may have stayed: look before you give it away.\n";

class Bundle {
public:
  Bundle(const Host& host, const SupportRequest& request, state::Folder folder, std::string id)
      : host_{host}, request_{request}, folder_{std::move(folder)}, id_{std::move(id)},
        name_{"belay-support-" + id_} {}

  Result<SupportBundle> make() {
    read_configs();
    const Redactor redactor{known_};
    add("README.txt", readme);
    add_operation();
    add_configs();
    for (const PackedFile& file : request_.more)
      add(file.name, file.bytes);
    add_system();
    add_logs();
    if (!made_.missing.empty())
      add("missing.txt", base::join(made_.missing, "\n") + "\n");
    for (PackedFile& file : files_)
      clean(redactor, file);
    made_.path =
        request_.output.empty() ? request_.folder + "/" + name_ + ".tar.gz" : request_.output;
    TRY(write(TRY(pack(files_, host_.world.clock.now()))));
    return std::move(made_);
  }

private:
  Error exists() const {
    return {ErrorKind::conflict, "'" + made_.path + "' exists",
            "Remove it, or name another file with --output."};
  }

  // Beside it first: a rename never replaces what is there.
  Result<> write(const std::string& bytes) {
    world::Files& files = host_.world.files;
    if (TRY(files.info(made_.path)))
      return exists();
    const std::string temporary = made_.path + ".part-" + host_.world.random.hex(8);
    TRY(files.replace(temporary, bytes));
    auto renamed = files.rename(temporary, made_.path);
    if (renamed)
      return ok();
    TRY(files.remove(temporary));
    return renamed.error().kind == ErrorKind::conflict ? exists() : std::move(renamed).error();
  }

  void add(const std::string& name, std::string bytes) {
    made_.files.push_back(name);
    files_.push_back({name, std::move(bytes)});
  }
  void miss(const std::string& what, const Error& error) {
    made_.missing.push_back(what + ": " + error.message);
  }

  void read_configs() {
    if (auto now = load(host_))
      take(now_, std::move(now).value());
    else
      miss("config-now.yaml", now.error());
    const auto text = folder_.config_text_of(id_);
    if (!text)
      return miss("config.yaml", text.error());
    if (auto then =
            config::parse(host_.world.files, text.value(), host_.config_path, host_.environment))
      take(then_, std::move(then).value());
    else
      miss("config.yaml", then.error());
  }

  void take(std::optional<config::Loaded>& place, config::Loaded loaded) {
    std::ranges::copy(config::secret_texts(host_.world.files, loaded, host_.environment),
                      std::back_inserter(known_));
    place = std::move(loaded);
  }

  void add_operation() {
    if (const auto seen = engine::view(host_.world, folder_, id_)) {
      add("report.txt", report_text(seen.value()));
      add("report.json", report_json(seen.value()));
    } else {
      miss("report", seen.error());
    }
    if (const auto plan = folder_.plan_of(id_))
      add("plan.json", state::to_json(plan.value()));
    else
      miss("plan.json", plan.error());
    const auto journal = journal::Journal::look(host_.world.files, folder_.journal_path(id_));
    if (journal)
      return add("journal.jsonl", base::join(journal.value().records(), "\n") + "\n");
    miss("journal.jsonl", journal.error());
    if (auto raw = host_.world.files.read(folder_.journal_path(id_)))
      add("journal-damaged.txt", std::move(raw).value());
  }

  void add_configs() {
    if (then_)
      add("config.yaml", config::render_effective(*then_));
    if (now_ && (!then_ || now_->effective_digest != then_->effective_digest))
      add("config-now.yaml", config::render_effective(*now_));
  }

  void add_system() {
    std::string text;
    if (const auto system = host_.world.files.read("/etc/os-release", 64U << 10U))
      text += system.value() + "\n";
    if (const auto kernel = host_.world.files.read("/proc/version", 64U << 10U))
      text += kernel.value() + "\n";
    const auto number = folder_.current_generation();
    const auto generation =
        number ? folder_.generation(number.value()) : std::optional<state::Generation>{};
    if (generation && generation.value())
      for (const domain::Release& release : generation.value()->releases)
        text += "generation " + std::to_string(number.value()) + ": " + release.service + " " +
                release.label + " " + release.digest + "\n";
    add("system.txt", text);
  }

  void add_logs() {
    const auto& loaded = now_ ? now_ : then_;
    if (!loaded)
      return;
    const auto machinery = host_.make(loaded->stack, {});
    for (const domain::ServiceSpec& service : loaded->stack.services) {
      const std::string name = "logs/" + service.name + ".log";
      auto tail = machinery->drivers().runtime.log_tail(service, log_lines);
      if (!tail) {
        miss(name, tail.error());
        continue;
      }
      std::string text = std::move(tail).value();
      if (text.size() > log_bytes_max)
        text.erase(0, text.size() - log_bytes_max);
      add(name, std::move(text));
    }
  }

  // The bundle is one folder.
  void clean(const Redactor& redactor, PackedFile& file) {
    if (file.name.ends_with(".jsonl")) {
      std::vector<std::string> lines = base::split(file.bytes, '\n');
      for (std::string& line : lines)
        line = line.empty() ? line : redactor.json(line);
      file.bytes = base::join(lines, "\n");
    } else if (file.name.ends_with(".json")) {
      file.bytes = redactor.json(file.bytes, 2) + "\n";
    } else if (file.name != "README.txt") {
      file.bytes = redactor.text(file.bytes);
    }
    if (file.name != "README.txt")
      for (auto at = file.bytes.find(redacted); at != std::string::npos;
           at = file.bytes.find(redacted, at + redacted.size()))
        ++made_.redactions;
    file.name = name_ + "/" + file.name;
  }

  const Host& host_;
  const SupportRequest& request_;
  state::Folder folder_;
  std::string id_;
  std::string name_;
  std::optional<config::Loaded> now_;
  std::optional<config::Loaded> then_;
  std::vector<std::string> known_; // secrets
  std::vector<PackedFile> files_;
  SupportBundle made_;
};

} // namespace

Result<SupportBundle> make_support(const Host& host, const SupportRequest& request) {
  const auto loaded = load(host); // it may be what is broken
  auto folder =
      TRY(state::Folder::open(host.world, loaded ? loaded.value().stack.state_folder
                                                 : base::parent_of(host.config_path) + "/.belay"));
  const auto ids = TRY(folder.operation_ids());
  if (ids.empty())
    return loaded ? Error{ErrorKind::not_found, "there is no operation yet", ""} : loaded.error();
  const std::string id = request.operation.empty() ? ids.back() : request.operation;
  if (std::ranges::find(ids, id) == ids.end())
    return Error{ErrorKind::not_found, "there is no operation '" + id + "'",
                 "List them with 'belay history'."};
  return Bundle{host, request, std::move(folder), id}.make();
}

} // namespace app
