#include "cli/manual.hpp"

#include "api/routes.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <vector>

namespace cli {

namespace {

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* sub) { return !sub->get_name().empty(); });
}

std::vector<const CLI::Option*> options_of(const CLI::App& app) {
  return app.get_options([](const CLI::Option*) { return true; });
}

bool takes_value(const CLI::Option& option) {
  return option.get_items_expected_max() > 0;
}

// The words of a `check(CLI::IsMember(...))`: its type is told as "TEXT:{a,b}".
std::vector<std::string> values_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const auto open = type.find('{');
  const auto close = type.rfind('}');
  if (open == std::string::npos || close == std::string::npos)
    return {};
  return base::split(type.substr(open + 1, close - open - 1), ',');
}

std::vector<std::string> flags_of(const CLI::Option& option) {
  std::vector<std::string> flags;
  for (const std::string& name : option.get_snames())
    flags.push_back("-" + name);
  for (const std::string& name : option.get_lnames())
    flags.push_back("--" + name);
  return flags;
}

std::string shown(const CLI::Option& option) {
  if (option.get_positional())
    return option.get_name(true);
  std::string text = base::join(flags_of(option), ", ");
  if (const auto values = values_of(option); !values.empty())
    text += " " + base::join(values, "|");
  else if (takes_value(option))
    text += " VALUE";
  return text;
}

std::string synopsis(const CLI::App& app, const std::string& name) {
  std::string text = name;
  for (const CLI::Option* option : options_of(app))
    if (option->get_positional())
      text += option->get_required() ? " " + option->get_name(true)
                                     : " [" + option->get_name(true) + "]";
  return text;
}

// A leading dot or quote would be a request, a backslash an escape, a hyphen a soft one.
std::string roff(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool begins_line = out.empty() || out.back() == '\n';
    if (begins_line && (c == '.' || c == '\''))
      out += "\\&";
    if (c == '\\')
      out += "\\\\";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  return out;
}

void man_options(const CLI::App& app, std::string& out) {
  for (const CLI::Option* option : options_of(app))
    out += ".TP\n\\fB" + roff(shown(*option)) + "\\fR\n" + roff(option->get_description()) + "\n";
}

void man_commands(const CLI::App& app, const std::string& prefix, std::string& out) {
  for (const CLI::App* sub : commands_of(app)) {
    const std::string name = prefix + sub->get_name();
    out += ".SS " + roff(synopsis(*sub, name)) + "\n" + roff(sub->get_description()) + ".\n";
    man_options(*sub, out);
    if (!sub->get_footer().empty())
      out += ".PP\n.nf\n" + roff(sub->get_footer()) + "\n.fi\n";
    man_commands(*sub, name + " ", out);
  }
}

std::string man_page(const CLI::App& root) {
  std::string out = ".TH BELAY 1\n.SH NAME\nbelay \\- " + roff(root.get_description()) +
                    "\n.SH SYNOPSIS\n.B belay\n[\\-\\-config FILE] [\\-\\-json] COMMAND ...\n"
                    ".SH OPTIONS\n";
  man_options(root, out);
  out += ".SH COMMANDS\n";
  man_commands(root, "belay ", out);
  out += ".SH EXIT STATUS\n" + roff(root.get_footer()) +
         "\n.SH FILES\n.TP\n\\fBbelay.yaml\\fR\nwhat the stack is; every key is in the reference: "
         "belay config \\-\\-schema\n";
  return out;
}

void markdown_commands(const CLI::App& app, const std::string& prefix, std::string& out) {
  for (const CLI::App* sub : commands_of(app)) {
    const std::string name = prefix + sub->get_name();
    out += "\n## " + synopsis(*sub, name) + "\n\n" + sub->get_description() + ".\n\n";
    for (const CLI::Option* option : options_of(*sub))
      out += "* `" + shown(*option) + "`: " + option->get_description() + "\n";
    if (!sub->get_footer().empty())
      out += "\n```\n" + sub->get_footer() + "\n```\n";
    markdown_commands(*sub, name + " ", out);
  }
}

std::string markdown_page(const CLI::App& root) {
  std::string out = "# Commands\n\nMade from the table that parses the command line: `belay manual "
                    "--format markdown`.\n\n" +
                    root.get_footer() + "\n\nWith every command:\n\n";
  for (const CLI::Option* option : options_of(root))
    out += "* `" + shown(*option) + "`: " + option->get_description() + "\n";
  markdown_commands(root, "belay ", out);
  return out;
}

// One line for each command, by its words: what may follow it.
struct Choice {
  std::string words; // "abandoned show"; empty: belay itself
  std::vector<std::string> commands;
  std::vector<std::string> flags;
  std::vector<std::pair<std::string, std::vector<std::string>>> values; // of flags that take one
};

void choices_of(const CLI::App& app, const std::string& words, std::vector<Choice>& all) {
  Choice choice{words, {}, {}, {}};
  for (const CLI::App* sub : commands_of(app))
    choice.commands.push_back(sub->get_name());
  for (const CLI::Option* option : options_of(app)) {
    if (option->get_positional())
      for (const std::string& value : values_of(*option))
        choice.commands.push_back(value);
    for (const std::string& flag : flags_of(*option)) {
      if (flag != "-h" && flag != "--help")
        choice.flags.push_back(flag);
      if (takes_value(*option))
        choice.values.emplace_back(flag, values_of(*option));
    }
  }
  all.push_back(choice);
  for (const CLI::App* sub : commands_of(app))
    choices_of(*sub, words.empty() ? sub->get_name() : words + " " + sub->get_name(), all);
}

// `$at` is the command typed so far, `$previous` the word before the cursor. Files are completed
// after a flag that takes a value of no known words. Both shells read these lines.
std::string cases_of(const std::vector<Choice>& choices) {
  std::string out = "  case \"$at|$previous\" in\n";
  for (const Choice& choice : choices) {
    // What belay itself takes may stand anywhere.
    const std::string begin = choice.words.empty() ? "*\"" : "\"" + choice.words;
    for (const auto& [flag, values] : choice.values)
      out += "    " + begin + "|" + flag + "\") choices=\"" + base::join(values, " ") +
             "\"; files=" + (values.empty() ? "1" : "0") + "; return ;;\n";
  }
  out += "  esac\n  case \"$at\" in\n";
  const std::string everywhere = base::join(choices.front().flags, " ") + " --help";
  for (const Choice& choice : choices)
    out += "    \"" + choice.words + "\") choices=\"" + base::join(choice.commands, " ") + " " +
           (choice.words.empty() ? "" : base::join(choice.flags, " ") + " ") + everywhere +
           "\" ;;\n";
  return out + "  esac\n";
}

std::string names_of(const std::vector<Choice>& choices) {
  std::vector<std::string> names;
  for (const Choice& choice : choices)
    if (!choice.words.empty())
      names.push_back("\"" + choice.words + "\"");
  return base::join(names, "|");
}

std::string bash(const std::vector<Choice>& choices) {
  return "# bash completion of belay: source <(belay completion bash)\n"
         "_belay_words() { # sets choices and files from $at and $previous\n  choices= files=0\n" +
         cases_of(choices) +
         "}\n"
         "_belay() {\n"
         "  local at= word choices= files=0 previous=${COMP_WORDS[COMP_CWORD-1]} index\n"
         "  for ((index = 1; index < COMP_CWORD; index++)); do\n"
         "    word=\"${at:+$at }${COMP_WORDS[index]}\"\n"
         "    case \"$word\" in\n      " +
         names_of(choices) +
         ") at=$word ;;\n    esac\n  done\n"
         "  _belay_words\n"
         "  if [ \"$files\" = 1 ]; then\n"
         "    mapfile -t COMPREPLY < <(compgen -f -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
         "  else\n"
         "    mapfile -t COMPREPLY < <(compgen -W \"$choices\" -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
         "  fi\n}\ncomplete -F _belay belay\n";
}

std::string zsh(const std::vector<Choice>& choices) {
  return "#compdef belay\n# zsh completion of belay: belay completion zsh > "
         "\"${fpath[1]}/_belay\"\n"
         "_belay_words() { # sets choices and files from $at and $previous\n  choices= files=0\n" +
         cases_of(choices) +
         "}\n"
         "_belay() {\n"
         "  local at= word choices= files=0 previous=${(Q)words[CURRENT-1]} index\n"
         "  local -a typed=(\"${(@)words}\")\n"
         "  for ((index = 2; index < CURRENT; index++)); do\n"
         "    word=\"${at:+$at }${typed[index]}\"\n"
         "    case \"$word\" in\n      " +
         names_of(choices) +
         ") at=$word ;;\n    esac\n  done\n"
         "  _belay_words\n"
         "  if [ \"$files\" = 1 ]; then _files; else compadd -- ${=choices}; fi\n}\n"
         "compdef _belay belay\n";
}

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text)
    out += c == '\'' ? std::string{"\\'"} : std::string{c};
  return out + "'";
}

void fish_of(const CLI::App& app, const std::string& when, std::string& out) {
  const std::string head = "complete -c belay" + (when.empty() ? "" : " -n " + quoted(when));
  for (const CLI::Option* option : options_of(app)) {
    if (option->get_positional())
      continue;
    out += head;
    for (const std::string& name : option->get_snames())
      out += " -s " + name;
    for (const std::string& name : option->get_lnames())
      out += " -l " + name;
    if (const auto values = values_of(*option); !values.empty())
      out += " -x -a " + quoted(base::join(values, " "));
    else if (takes_value(*option))
      out += " -r -F";
    out += " -d " + quoted(option->get_description()) + "\n";
  }
  for (const CLI::App* sub : commands_of(app)) {
    const std::string free =
        when.empty() ? "__fish_use_subcommand" : when; // a command where none was typed yet
    out += "complete -c belay -n " + quoted(free) + " -a " + sub->get_name() + " -d " +
           quoted(sub->get_description()) + "\n";
    fish_of(*sub, "__fish_seen_subcommand_from " + sub->get_name(), out);
  }
}

std::string fish(const CLI::App& root) {
  std::string out = "# fish completion of belay: belay completion fish | source\n"
                    "complete -c belay -f\n";
  fish_of(root, "", out);
  return out;
}

} // namespace

Manual::Manual(CLI::App& root, std::string version)
    : root_{root}, manual_{root.add_subcommand(
                       "manual", "print the manual page, or the page of all commands")},
      completion_{root.add_subcommand("completion", "print what a shell completes")},
      version_{std::move(version)} {
  manual_->footer("Examples:\n  belay manual | man -l -\n  belay manual --format markdown");
  manual_
      ->add_option("--format", format_, "man; of commands: markdown; of the HTTP API: api, openapi")
      ->check(CLI::IsMember({"man", "markdown", "api", "openapi"}))
      ->capture_default_str();
  completion_->footer("Examples:\n  source <(belay completion bash)\n"
                      "  belay completion zsh > \"${fpath[1]}/_belay\"\n"
                      "  belay completion fish | source");
  completion_->add_option("SHELL", shell_, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
}

bool Manual::is_asked() const {
  return manual_->parsed() || completion_->parsed();
}

std::string Manual::text() const {
  if (manual_->parsed() && format_ == "openapi")
    return api::openapi(version_);
  if (manual_->parsed() && format_ == "api")
    return api::reference_page();
  if (manual_->parsed())
    return format_ == "man" ? man_page(root_) : markdown_page(root_);
  if (shell_ == "fish")
    return fish(root_);
  std::vector<Choice> choices;
  choices_of(root_, "", choices);
  return shell_ == "bash" ? bash(choices) : zsh(choices);
}

} // namespace cli
