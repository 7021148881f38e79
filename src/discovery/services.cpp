#include "discovery/services.hpp"

#include "base/text.hpp"
#include "discovery/words.hpp"

#include <algorithm>
#include <array>

namespace discovery {

using base::Error;
using base::ErrorKind;
using base::Result;

namespace {

std::string base_name(const std::string& program) {
  return base::name_of_path(program);
}

bool is_interpreter(const std::string& program) {
  std::string name = base_name(program);
  while (!name.empty() && std::string_view{"0123456789."}.contains(name.back()))
    name.pop_back();
  constexpr std::array names{"python", "node", "nodejs", "ruby", "perl", "php",
                             "bash",   "sh",   "dash",   "java", "deno", "bun"};
  return std::ranges::find(names, name) != names.end();
}

// Which word is the program itself, not what interprets it; nullopt: it is none of the words.
std::optional<std::size_t> program_word(const std::vector<Word>& argv) {
  if (argv.empty() || !is_interpreter(argv[0].text))
    return argv.empty() ? std::nullopt : std::optional<std::size_t>{0};
  constexpr std::array takes_a_value{"-r", "--require", "--import",   "--loader", "-W",
                                     "-X", "-cp",       "-classpath", "-I"};
  for (std::size_t i = 1; i < argv.size(); ++i) {
    const std::string& text = argv[i].text;
    if (text == "-m" || text == "-c" || text == "-e")
      return std::nullopt;
    if (std::ranges::find(takes_a_value, text) != takes_a_value.end())
      ++i;
    else if (!text.starts_with('-') && text != "run")
      return i;
  }
  return std::nullopt;
}

struct Command { // one way in which a service is started
  std::string who;
  std::vector<Word> argv;
  std::string working_folder; // empty: the release
  bool is_verbatim = false;   // a person wrote it: nothing in it is moved
  const Process* process = nullptr;
};

class Services {
public:
  Services(const Seen& seen, const Answers& answers, Guess& guess)
      : seen_{seen}, answers_{answers}, guess_{guess} {}

  Result<std::vector<ServiceGuess>> run() {
    env_files();
    for (const Command& command : TRY(commands()))
      services_.push_back(TRY(service_of(command)));
    if (services_.empty())
      ask_for_run();
    return std::move(services_);
  }

private:
  const std::string* answer(const char* key) const {
    const auto found = answers_.find(key);
    return found == answers_.end() ? nullptr : &found->second;
  }
  std::string in_project(const std::string& path) const {
    if (path == seen_.folder)
      return "{project}";
    return "{project}" + dollars_doubled(path.substr(seen_.folder.size()));
  }

  void env_files() {
    for (const auto& [evidence, variables] : all_of<Variables>(seen_)) {
      if (variables->is_readable)
        guess_.env_files.push_back(evidence->where);
      else
        guess_.notes.push_back(relative_to(seen_.folder, evidence->where) +
                               " is left out: it is not in the syntax of an env_file");
    }
  }

  Result<std::vector<Command>> commands() {
    std::vector<Command> found;
    if (const std::string* given = answer("run")) {
      const auto words = split_command(*given);
      if (!words || words->empty())
        return Error{ErrorKind::invalid_input, "the answer 'run' is not a plain command",
                     "Write words, with quotes where needed; for a pipe or a variable, write a "
                     "script and name that."};
      Command command{"your answer", {}, "", true, nullptr};
      for (const std::string& word : *words)
        command.argv.push_back({word, "", false});
      found.push_back(std::move(command));
      return found;
    }
    for (const auto& [evidence, process] : all_of<Process>(seen_))
      if (!process->is_belays && !process->argv.empty() && !is_server_of_data(process->argv))
        found.push_back({evidence->where, process->argv, process->working_folder, false, process});
    if (found.empty())
      commands_of_files(found);
    return found;
  }

  static bool is_server_of_data(const std::vector<Word>& argv) {
    return base_name(argv[0].text) == "postgres";
  }

  // Nothing runs: what a file says, the plainest word first.
  void commands_of_files(std::vector<Command>& found) const {
    for (const auto& [evidence, unit] : all_of<Unit>(seen_))
      if (!unit->argv.empty())
        found.push_back({"ExecStart of " + unit->name, unit->argv,
                         unit->working_folder.empty() ? seen_.folder : unit->working_folder, false,
                         nullptr});
    if (!found.empty())
      return;
    for (const auto& [evidence, package] : all_of<Package>(seen_))
      if (!package->start.empty() && found.empty())
        found.push_back(
            {"scripts.start of package.json", package->start, seen_.folder, false, nullptr});
    for (const auto& [evidence, script] : all_of<Script>(seen_))
      if (!script->argv.empty() && found.empty())
        found.push_back({"exec in " + relative_to(seen_.folder, evidence->where), script->argv,
                         seen_.folder, false, nullptr});
  }

  void ask_for_run() {
    std::string seen = "Nothing here tells what runs the service";
    for (const auto& [evidence, compose] : all_of<Compose>(seen_))
      seen += "; " + relative_to(seen_.folder, evidence->where) + " names no service";
    guess_.questions.push_back({"run", seen + ". Which command starts it in the foreground?", "",
                                "./bin/shop --port 8080"});
    if (answer("release") == nullptr && chosen_releases() == nullptr)
      ask_for_release();
  }

  Result<ServiceGuess> service_of(const Command& command) {
    ServiceGuess service;
    service.who = command.who;
    service.name = name_of(command);
    const auto program = program_word(command.argv);
    const std::string place = program && !command.argv[*program].path.empty()
                                  ? command.argv[*program].path
                                  : command.working_folder;
    std::string root = seen_.folder;
    service.release = TRY(release_of(command, place, root, service.label));
    words(service, command, program, root);
    folder(service, command, program, root);
    environment(service, command);
    TRY(ready(service, command));
    notes(service, command, program);
    return service;
  }

  std::string name_of(const Command& command) const {
    std::string wish = guess_.stack;
    const auto program = program_word(command.argv);
    const bool is_one_of_many = all_of<Process>(seen_).size() > 1 || !services_.empty();
    if (is_one_of_many && program) {
      const std::string file = base_name(command.argv[*program].text);
      if (std::string stem = slug(file.substr(0, file.find('.', 1))); !stem.empty())
        wish = stem;
    }
    std::string name = wish;
    for (int number = 2; std::ranges::count(services_, name, &ServiceGuess::name) > 0; ++number)
      name = wish + "-" + std::to_string(number);
    return name;
  }

  // `root` becomes the folder that stands for {release} today.
  Result<ReleaseGuess> release_of(const Command& command, const std::string& place,
                                  std::string& root, std::string& label) {
    const Releases* inner = nullptr;
    for (const auto& [evidence, releases] : all_of<Releases>(seen_)) {
      if (releases->form != SourceForm::folders)
        continue;
      for (const std::string& each : releases->labels) {
        const std::string folder = base::fill(releases->pattern, {{"to", each}});
        if (command.is_verbatim || !base::is_inside(place, folder))
          continue;
        inner = releases;
        root = folder;
        label = each;
      }
    }
    guess_.labels = inner != nullptr ? inner->labels : guess_.labels;
    if (const std::string* given = answer("release"))
      return answered_release(*given);
    const Releases* chosen = inner != nullptr ? inner : chosen_releases();
    if (chosen == nullptr) {
      ask_for_release();
      return ReleaseGuess{};
    }
    guess_.labels = chosen->labels;
    return seen_release(*chosen);
  }

  const Releases* chosen_releases() const {
    for (const SourceForm form : {SourceForm::folders, SourceForm::archives, SourceForm::git})
      for (const auto& [evidence, releases] : all_of<Releases>(seen_))
        if (releases->form == form &&
            !(form == SourceForm::archives && releases->checksums.empty()))
          return releases;
    return nullptr;
  }

  void ask_for_release() {
    if (std::ranges::count(guess_.questions, "release", &Question::key) == 0)
      guess_.questions.push_back(
          {"release",
           "Where does a release come from? A folder or an archive with {to} in its path, or git.",
           "", "./dist/{to}"});
  }

  ReleaseGuess seen_release(const Releases& releases) {
    const std::string labels = releases.labels.empty() ? "none yet" : releases.labels.back();
    switch (releases.form) {
    case SourceForm::folders:
      return {"directory", yaml_path(seen_, releases.pattern), "",
              "folders of releases are there, the newest is " + labels};
    case SourceForm::archives:
      return {"archive", yaml_path(seen_, releases.pattern), yaml_path(seen_, releases.checksums),
              "archives of releases are there, the newest is " + labels};
    case SourceForm::git: break;
    }
    if (releases.labels.empty())
      guess_.notes.emplace_back("the repository has no tag yet: a release is a tag, so make one "
                                "(git tag 1.0.0)");
    if (!all_of<Package>(seen_).empty())
      guess_.notes.emplace_back("a clone has no node_modules: when the service needs some, let "
                                "'release' run a script of yours that clones and runs npm ci");
    return {"git", "", "", "the folder is a git repository, its newest tag is " + labels};
  }

  Result<ReleaseGuess> answered_release(const std::string& given) {
    if (given == "git")
      return ReleaseGuess{"git", "", "", "your answer"};
    if (!given.contains("{to}"))
      return Error{ErrorKind::invalid_input, "the answer 'release' does not hold {to}",
                   "Write {to} where the version stands: './dist/{to}'."};
    const std::string path = base::absolute_path(given, seen_.folder);
    ReleaseGuess release{"directory", yaml_path(seen_, path), "", "your answer"};
    if (!label_in(base::fill(base::name_of_path(path), {{"to", "1.0"}}), true))
      return release;
    release.kind = "archive";
    release.checksums = yaml_path(seen_, base::parent_of(path) + "/SHA256SUMS");
    for (const auto& [evidence, releases] : all_of<Releases>(seen_))
      if (evidence->where == base::parent_of(path) && !releases->checksums.empty())
        release.checksums = yaml_path(seen_, releases->checksums);
    return release;
  }

  void words(ServiceGuess& service, const Command& command,
             const std::optional<std::size_t>& program, const std::string& root) const {
    for (std::size_t i = 0; i < command.argv.size(); ++i) {
      const Word& word = command.argv[i];
      const bool is_moved = !word.path.empty() && !word.text.contains("${");
      const auto equals = word.text.starts_with('-') ? word.text.find('=') : std::string::npos;
      const std::string head = equals == std::string::npos ? "" : word.text.substr(0, equals + 1);
      const bool is_program = program == i;
      const bool is_released =
          is_program || (root != seen_.folder && base::is_inside(word.path, root));
      if (command.is_verbatim || !is_moved || !base::is_inside(word.path, seen_.folder)) {
        service.run.push_back(word.text);
      } else if (is_released && base::is_inside(word.path, root)) {
        const std::string rest = dollars_doubled(word.path.substr(root.size()));
        service.run.push_back(i == 0 ? "." + rest : head + "{release}" + rest);
      } else {
        service.run.push_back(head + in_project(word.path));
      }
    }
  }

  void folder(ServiceGuess& service, const Command& command,
              const std::optional<std::size_t>& program, const std::string& root) const {
    const std::string& now = command.working_folder;
    const bool is_module = !program && !command.argv.empty(); // python -m: found by the folder
    if (command.is_verbatim || now.empty() || (is_module && base::is_inside(now, seen_.folder)))
      return;
    if (root != seen_.folder && base::is_inside(now, root))
      service.working_folder =
          now == root ? "" : "{release}" + dollars_doubled(now.substr(root.size()));
    else
      service.working_folder =
          base::is_inside(now, seen_.folder) ? in_project(now) : dollars_doubled(now);
  }

  void environment(ServiceGuess& service, const Command& command) const {
    std::vector<std::string> passed;
    for (const auto& [evidence, variables] : all_of<Variables>(seen_)) {
      if (!variables->is_readable)
        continue;
      for (const std::string& name : variables->names) {
        const bool has_it = command.process == nullptr ||
                            std::ranges::binary_search(command.process->variables, name);
        if (has_it && std::ranges::find(passed, name) == passed.end()) {
          service.env.emplace_back(name, "${" + name + "}");
          passed.push_back(name);
        }
      }
      if (!passed.empty())
        service.env_why.push_back(
            command.process == nullptr
                ? "the variables of " + relative_to(seen_.folder, evidence->where)
                : "the variables of " + relative_to(seen_.folder, evidence->where) + " that " +
                      command.who + " has in its environment");
    }
    if (command.process == nullptr)
      return;
    std::vector<std::string> others;
    for (const std::string& name : command.process->variables) {
      if (std::ranges::find(passed, name) != passed.end())
        continue;
      const auto& ports = command.process->port_variables;
      if (std::ranges::find(ports, name) != ports.end())
        service.env.emplace_back(name, std::to_string(command.process->port));
      else
        others.push_back(name);
    }
    if (!others.empty())
      service.env_why.push_back("also in its environment, not copied: " + base::join(others, ", "));
  }

  // The port as the .env calls it, where it does.
  std::string port_text(const Process& process) const {
    for (const auto& [evidence, variables] : all_of<Variables>(seen_))
      for (const std::string& name : process.port_variables)
        if (variables->is_readable &&
            std::ranges::find(variables->names, name) != variables->names.end())
          return "${" + name + "}";
    return std::to_string(process.port);
  }

  Result<> ready(ServiceGuess& service, const Command& command) {
    service.ready = "process";
    if (const std::string* given = answer("ready"))
      return answered_ready(service, *given);
    if (command.process == nullptr) {
      service.ready_why = "no port was seen; a probe is worth more";
      if (std::ranges::count(guess_.questions, "ready", &Question::key) == 0)
        guess_.questions.push_back({"ready",
                                    "How is it known to be ready? A URL, HOST:PORT, or process.",
                                    "process", "http://127.0.0.1:8080/health"});
      return base::ok();
    }
    const Process& process = *command.process;
    const std::string endpoint = process.address + ":" + port_text(process);
    service.ready = process.http.url.empty() ? "tcp" : "http";
    service.ready_at = endpoint;
    if (process.http.url.empty()) {
      service.ready_why = command.who + " listens there; it did not answer HTTP";
      return base::ok();
    }
    const auto path = process.http.url.find('/', process.http.url.find("://") + 3);
    service.ready_at = "http://" + endpoint + process.http.url.substr(path);
    service.ready_status = process.http.status;
    service.ready_says_ok = process.http.says_ok;
    service.ready_why = command.who + " listens there and answered " +
                        std::to_string(process.http.status) +
                        (process.http.says_ok ? " with status ok" : "");
    return base::ok();
  }

  Result<> answered_ready(ServiceGuess& service, const std::string& given) const {
    service.ready_why = "your answer";
    service.ready_at = given;
    const bool is_url = given.starts_with("http://") || given.starts_with("https://");
    if (is_url)
      service.ready = "http";
    else if (given.contains(':'))
      service.ready = "tcp";
    else if (given != "process")
      return Error{ErrorKind::invalid_input, "the answer 'ready' is not understood",
                   "Write a URL, HOST:PORT, or 'process'."};
    return base::ok();
  }

  void notes(const ServiceGuess& service, const Command& command,
             const std::optional<std::size_t>& program) {
    const bool is_outside = !command.is_verbatim && program && command.argv[*program].path.empty();
    if (is_outside)
      guess_.notes.push_back("the program '" + command.argv[*program].text +
                             "' is not in this folder: a new release does not change it");
    const auto hidden = [](const std::string& word) {
      return word.contains("${") && word.contains("-}");
    };
    for (const std::string& word : service.run)
      if (!command.is_verbatim && hidden(word))
        guess_.notes.push_back("a word of the command looked like a secret and was not copied: "
                               "give '" +
                               word + "' its value in an env_file");
    if (command.process != nullptr) {
      guess_.notes.push_back(command.who + " runs it now, as user " + command.process->user +
                             ": stop it before the first upgrade; belay starts it as the user "
                             "who runs belay");
      if (!command.process->more_ports.empty())
        guess_.notes.push_back(command.who + " listens on more ports than the one that is probed");
    }
  }

  const Seen& seen_;
  const Answers& answers_;
  Guess& guess_;
  std::vector<ServiceGuess> services_;
};

} // namespace

Result<std::vector<ServiceGuess>> guess_services(const Seen& seen, const Answers& answers,
                                                 Guess& guess) {
  return Services{seen, answers, guess}.run();
}

} // namespace discovery
