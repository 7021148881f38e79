#include "cli/init.hpp"

#include "app/init.hpp"
#include "base/text.hpp"
#include "cli/exit_status.hpp"
#include "cli/say.hpp"

#include <algorithm>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace cli {

using base::Error;
using base::ErrorKind;
using base::Result;

namespace {

class Init {
public:
  Init(app::Host host, const Terminal& terminal, const InitOptions& options, bool is_json)
      : host_{std::move(host)}, terminal_{terminal}, options_{options}, is_json_{is_json} {}

  int run() {
    const auto status = make();
    return status ? status.value()
                  : fail(terminal_, status.error(), status_of(status.error(), false), is_json_);
  }

private:
  Result<int> make() {
    if (!options_.is_stdout)
      TRY(app::check_absent(host_));
    discovery::Answers answers = TRY(given_answers());
    const discovery::Seen seen = TRY(app::discover(host_));
    if (!is_json_ && !options_.is_stdout)
      show(seen);
    discovery::Draft draft = TRY(discovery::draft(seen, answers));
    if (terminal_.is_input_terminal && !options_.is_yes && !is_json_)
      draft = TRY(ask(seen, answers, std::move(draft)));
    if (draft.text.empty())
      return unanswered(draft);
    const config::Loaded loaded = TRY(app::check_draft(host_, draft.text));
    if (!options_.is_stdout)
      TRY(app::write_draft(host_, draft.text));
    tell(seen, draft, loaded);
    return exit_done;
  }

  Result<discovery::Answers> given_answers() const {
    discovery::Answers answers;
    for (const std::string& each : options_.answers) {
      const auto equals = each.find('=');
      if (equals == std::string::npos)
        return Error{ErrorKind::invalid_input, "the answer '" + each + "' has no '='",
                     "Write --answer KEY=VALUE, with a KEY of " +
                         base::join(discovery::answer_keys(), ", ") + "."};
      answers.insert_or_assign(each.substr(0, equals), each.substr(equals + 1));
    }
    if (!options_.stack.empty())
      answers.insert_or_assign("stack", options_.stack);
    return answers;
  }

  // Each question once; an answer may open or close others, so they are made anew.
  Result<discovery::Draft> ask(const discovery::Seen& seen, discovery::Answers& answers,
                               discovery::Draft draft) {
    while (!draft.questions.empty()) {
      const discovery::Question question = draft.questions.front();
      if (answers.contains(question.key))
        break;
      print(terminal_, question.text + "\n  " +
                           (question.guess.empty() ? "for example " + question.example
                                                   : "[" + question.guess + "]") +
                           ": ");
      auto answer = terminal_.read_line();
      if (!answer)
        return Error{ErrorKind::interrupted, "nothing was written: no answer was typed", ""};
      if (answer->empty())
        answer = question.guess;
      if (answer->empty())
        break; // said as unanswered
      answers.insert_or_assign(question.key, *answer);
      draft = TRY(discovery::draft(seen, answers));
    }
    return draft;
  }

  static Error unanswered(const discovery::Draft& draft) {
    std::vector<std::string> questions;
    std::vector<std::string> flags;
    for (const discovery::Question& each : draft.questions)
      if (each.guess.empty()) {
        questions.push_back(each.text);
        flags.push_back("--answer " + each.key + "='" + each.example + "'");
      }
    return {ErrorKind::invalid_input,
            "nothing was written, for this cannot be seen:\n  " + base::join(questions, "\n  "),
            "Answer like this: " + base::join(flags, " ")};
  }

  void show(const discovery::Seen& seen) {
    print(terminal_, "looked in " + base::printable(seen.folder) + "\n");
    for (const discovery::Evidence& each : seen.evidence) {
      const discovery::Told told = discovery::tell(seen, each);
      std::string text = "  " + told.kind;
      text.resize(std::max<std::size_t>(text.size() + 1, 13), ' ');
      print(terminal_, text + told.where + ": " + told.seen + "\n" + std::string(13, ' ') + "-> " +
                           told.suggests + "\n");
    }
    for (const std::string& each : seen.unseen)
      print(terminal_, "  could not look: " + base::printable(each) + "\n");
  }

  void tell(const discovery::Seen& seen, const discovery::Draft& draft,
            const config::Loaded& loaded) {
    if (is_json_)
      return static_cast<void>(print(terminal_, json_of(seen, draft)));
    if (options_.is_stdout)
      return static_cast<void>(print(terminal_, draft.text));
    print(terminal_, "wrote " + host_.config_path + ": stack '" + draft.stack + "', " +
                         base::plural(loaded.stack.services.size(), "service", "services") + ", " +
                         base::plural(loaded.stack.stores.size(), "store", "stores") + "\n");
    for (const std::string& note : draft.notes)
      print(terminal_, "know: " + base::printable(note) + "\n");
    print(terminal_, "next: read the file, then\n");
    for (const std::string& each : draft.next)
      print(terminal_, "  " + each + "\n");
  }

  std::string json_of(const discovery::Seen& seen, const discovery::Draft& draft) const {
    auto evidence = nlohmann::json::array();
    for (const discovery::Evidence& each : seen.evidence) {
      const discovery::Told told = discovery::tell(seen, each);
      evidence.push_back({{"kind", told.kind},
                          {"where", told.where},
                          {"seen", told.seen},
                          {"suggests", told.suggests}});
    }
    auto guessed = nlohmann::json::object();
    for (const discovery::Question& each : draft.questions)
      guessed[each.key] = each.guess;
    const nlohmann::json line{
        {"event", "init"},      {"path", host_.config_path}, {"written", !options_.is_stdout},
        {"stack", draft.stack}, {"evidence", evidence},      {"unseen", seen.unseen},
        {"guessed", guessed},   {"notes", draft.notes},      {"next", draft.next},
        {"text", draft.text}};
    return line_of(line);
  }

  app::Host host_;
  const Terminal& terminal_;
  const InitOptions& options_;
  bool is_json_;
};

} // namespace

void add_init_options(CLI::App& command, InitOptions& options) {
  command.add_option("--dir", options.folder, "the folder to look in and to write to");
  command.add_option("--stack", options.stack, "name of the stack");
  command.add_option("--answer", options.answers,
                     "KEY=VALUE, where KEY is " + base::join(discovery::answer_keys(), ", "));
  command.add_flag("--yes", options.is_yes, "take every guess, do not ask");
  command.add_flag("--stdout", options.is_stdout, "print the file and write nothing");
}

int init(app::Host host, const Terminal& terminal, const InitOptions& options,
         const std::string& config, bool is_json) {
  const std::string folder = base::absolute_path(options.folder, terminal.working_folder);
  host.config_path = base::absolute_path(config, folder);
  return Init{std::move(host), terminal, options, is_json}.run();
}

} // namespace cli
