#include "cli/cli.hpp"

#include "app/report.hpp"
#include "base/text.hpp"
#include "cli/abandoned_command.hpp"
#include "cli/audit_command.hpp"
#include "cli/drill_command.hpp"
#include "cli/driver_command.hpp"
#include "cli/evidence.hpp"
#include "cli/exit_status.hpp"
#include "cli/init.hpp"
#include "cli/judge_command.hpp"
#include "cli/manual.hpp"
#include "cli/mcp_command.hpp"
#include "cli/migrations_command.hpp"
#include "cli/options.hpp"
#include "cli/points_command.hpp"
#include "cli/rehearse_command.hpp"
#include "cli/render.hpp"
#include "cli/repo.hpp"
#include "cli/say.hpp"
#include "cli/serve_command.hpp"
#include "cli/support_command.hpp"
#include "cli/token_command.hpp"

#include <algorithm>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace cli {

using base::Error;
using base::ErrorKind;
using base::Result;

namespace {

class Command {
public:
  Command(app::Host host, Printer& printer, const Terminal& terminal, Options options)
      : host_{std::move(host)}, printer_{printer}, terminal_{terminal}, options_{
                                                                            std::move(options)} {
    printer_.set_options({.is_json = options_.is_json,
                          .is_terminal = terminal.is_output_terminal,
                          .has_colour = terminal.is_output_terminal && !terminal.has_no_colour});
  }

  int init() {
    return cli::init(host_, terminal_, options_.init, options_.config, options_.is_json);
  }

  int config() {
    if (options_.is_schema)
      return print(config::json_schema());
    const auto loaded = app::load(host_);
    if (!loaded)
      return fail(loaded.error());
    for (const std::string& warning : loaded.value().warnings)
      say_error("warning: " + warning);
    return print(options_.is_json ? config::render_effective_json(loaded.value())
                                  : config::render_effective(loaded.value()));
  }

  int check() {
    const auto plan = app::plan_upgrade(host_, options_.stack, {.to = ""});
    if (!plan)
      return fail(plan.error());
    return show_plan(plan.value());
  }

  int plan() {
    const auto plan = app::plan_upgrade(host_, options_.stack, wanted());
    if (!plan)
      return fail(plan.error());
    return show_plan(plan.value());
  }

  int upgrade() {
    auto plan = options_.plan_file.empty() ? app::plan_upgrade(host_, options_.stack, wanted())
                                           : read_plan(state::OperationKind::upgrade);
    if (!plan)
      return fail(plan.error());
    if (!options_.plan_file.empty() && !evidence_of(options_.evidence).empty())
      return fail({ErrorKind::invalid_input, "a plan holds its evidence",
                   "Give it to 'belay plan', and plan again."});
    if (!options_.plan_file.empty() && !options_.to.empty() && plan.value().to != options_.to)
      return fail({ErrorKind::invalid_input,
                   "the plan is for '" + plan.value().to + "', not for '" + options_.to + "'", ""});
    return carry_out(plan.value(), options_.is_yes || !options_.plan_file.empty());
  }

  int rollback() {
    if (!options_.plan_file.empty()) {
      const auto plan = read_plan(state::OperationKind::rollback);
      return plan ? carry_out(plan.value(), true) : fail(plan.error());
    }
    const auto level = domain::level_named(options_.level);
    if (!level)
      return fail({ErrorKind::invalid_input, "there is no level '" + options_.level + "'",
                   "Levels are auto, restart, release, data and full."});
    const app::FetchRequest point{.stack = options_.stack,
                                  .point = options_.to,
                                  .may_fetch = options_.is_yes || terminal_.is_input_terminal,
                                  .needs_data = *level != domain::Level::release,
                                  .notice = {},
                                  .tell = {}};
    if (!options_.to.empty() && *level != domain::Level::restart)
      if (const auto failed = bring_point(host_, terminal_, point, options_.is_json))
        return *failed;
    const auto plan = app::plan_rollback(
        host_, options_.stack,
        {.to = options_.to, .level = *level, .is_compatible = options_.is_compatible});
    if (!plan)
      return fail(plan.error());
    if (!options_.out_file.empty())
      return show_plan(plan.value());
    return carry_out(plan.value(), options_.is_yes || *level == domain::Level::restart);
  }

  int resume() { return ended(app::resume(host_, {.until = options_.until})); }
  int abort() { return ended_or_asked(app::abort(host_), "go back"); }
  int commit() { return ended_or_asked(app::commit(host_, options_.stack), "accept it"); }

  int status() {
    for (;;) {
      const auto status = app::status(host_);
      if (!status)
        return fail(status.error());
      print(options_.is_json ? status_json(status.value()) : status_text(status.value()));
      if (!options_.is_watch || host_.world.clock.stop_requested())
        return exit_done;
      host_.world.clock.sleep_for(world::Milliseconds{2000});
    }
  }

  int migrations() { return cli::migrations(host_, terminal_, options_); }
  int points() { return cli::points(host_, terminal_, options_.stack, options_.is_json); }

  int abandoned() { return cli::abandoned(host_, terminal_, options_.is_json); }
  int abandoned_show() {
    return cli::abandoned_show(host_, terminal_, options_.id, options_.is_json);
  }
  int abandoned_export() {
    return cli::abandoned_export(host_, terminal_, options_.id, options_.into, options_.is_json);
  }

  int history() {
    const auto all = app::history(host_);
    if (!all)
      return fail(all.error());
    return print(options_.is_json ? history_json(all.value()) : history_text(all.value()));
  }

  int report() {
    const auto view = app::report(host_, options_.operation);
    if (!view)
      return fail(view.error());
    if (options_.is_json || options_.format == "json")
      return print(app::report_json(view.value()) + "\n");
    if (options_.format == "markdown")
      return print(app::report_markdown(view.value()));
    return print(app::report_text(view.value()));
  }

  int judge() { return cli::judge(host_, terminal_, options_.judge, options_.is_json); }

private:
  engine::UpgradeRequest wanted() const {
    return {options_.to, !options_.no_auto_rollback, evidence_of(options_.evidence)};
  }
  int print(const std::string& text) { return cli::print(terminal_, text); }

  void say_error(const std::string& text) {
    std::fprintf(terminal_.err, "belay: %s\n", text.c_str());
  }

  int fail(const Error& error) { return fail_with(error, status_of(error, false)); }

  int fail_with(const Error& error, int status) {
    return cli::fail(terminal_, error, status, options_.is_json);
  }

  int fail_in_progress(const Error& error) {
    const bool is_in_progress = !app::in_progress(host_).empty();
    if (error.kind == ErrorKind::not_found && !is_in_progress)
      return fail_with(error, exit_nothing_in_progress);
    return fail_with(error, status_of(error, is_in_progress));
  }

  int show_plan(const state::Plan& plan) {
    if (!options_.out_file.empty())
      if (const auto written = host_.world.files.replace(
              base::absolute_path(options_.out_file, terminal_.working_folder),
              state::to_json(plan));
          !written)
        return fail(written.error());
    print(options_.is_json ? state::to_json(plan) : plan_text(plan));
    return plan.blockers.empty() ? exit_done : exit_blocked;
  }

  Result<state::Plan> read_plan(state::OperationKind kind) {
    const std::string path = base::absolute_path(options_.plan_file, terminal_.working_folder);
    const std::string text = TRY(host_.world.files.read(path));
    state::Plan plan = TRY(state::plan_from_json(text));
    const bool is_upgrade = plan.kind == state::OperationKind::upgrade;
    if (plan.kind != kind)
      return Error{ErrorKind::invalid_input,
                   std::string{"this is the plan of "} + (is_upgrade ? "an upgrade" : "a rollback"),
                   is_upgrade ? "Give it to 'belay upgrade --plan'."
                              : "Give it to 'belay rollback --plan'."};
    return plan;
  }

  int carry_out(const state::Plan& plan, bool is_agreed) {
    if (!options_.is_json)
      print(plan_text(plan));
    if (const std::string owner = app::owner_at_work(host_); !owner.empty())
      return fail({ErrorKind::locked, "another belay is at work: " + owner,
                   "Wait until it has ended, or look with 'belay status'."});
    if (!plan.blockers.empty())
      return fail_with({ErrorKind::failed, base::join(plan.blockers, "\nbelay: "), ""},
                       exit_blocked);
    if (!is_agreed && !asks_and_agrees())
      return exit_usage;
    const auto done = app::apply(host_, plan, {.until = options_.until});
    if (!done) {
      const std::string current = app::in_progress(host_);
      return fail_with(done.error(), status_of(done.error(), current == plan.operation));
    }
    return ended(app::Resumed{done.value(), plan.kind});
  }

  bool asks_and_agrees() {
    if (!terminal_.is_input_terminal) {
      fail_with({ErrorKind::invalid_input, "nothing was done: nobody agreed",
                 "Add --yes, or carry out a plan that was looked at: --plan FILE."},
                exit_usage);
      return false;
    }
    std::fputs("Do it? [y/N] ", terminal_.out);
    std::fflush(terminal_.out);
    const auto answer = terminal_.read_line();
    if (answer == "y" || answer == "yes")
      return true;
    print(answer ? "nothing was done\n" : "\nnothing was done\n");
    return false;
  }

  int ended_or_asked(Result<std::optional<app::Resumed>> resumed, const std::string& wish) {
    if (!resumed)
      return fail_in_progress(resumed.error());
    if (resumed.value())
      return ended(*std::move(resumed).value());
    return print(options_.is_json
                     ? line_of({{"event", "asked"}, {"wish", wish}})
                     : "asked the belay that runs the operation to " + wish + " now\n");
  }

  int ended(const Result<app::Resumed>& resumed) {
    if (!resumed)
      return fail_in_progress(resumed.error());
    const engine::Ended& end = resumed.value().ended;
    const int status = status_of(end.ending, resumed.value().kind);
    if (options_.is_json) {
      const nlohmann::json line{
          {"event", "ended"}, {"operation", end.operation}, {"outcome", words(end.ending)},
          {"why", end.why},   {"hint", end.hint},           {"exit_status", status}};
      return print(line_of(line)), status;
    }
    print(std::string{words(end.ending)} + (end.why.empty() ? "" : ": " + end.why) + "\n");
    if (!end.hint.empty())
      print("hint: " + end.hint + "\n");
    print("'belay report " + end.operation + "' tells the whole story\n");
    return status;
  }

  app::Host host_;
  Printer& printer_;
  const Terminal& terminal_;
  Options options_;
};

// One row a command: what it is called, what it is for, how it is typed, what it does.
struct Entry {
  CLI::App* app;
  int (Command::*run)();
};

class Parser {
public:
  explicit Parser(const std::string& version)
      : root_{"belay upgrades what you host, and brings it back with its data.", "belay"} {
    root_.set_version_flag("--version", "belay " + version);
    root_.add_option("--config", options_.config, "the belay.yaml")->capture_default_str();
    root_.add_flag("--json", options_.is_json, "one JSON object a line");
    root_.require_subcommand(1);
    root_.fallthrough();
    root_.footer("Exit status: 0 done, 1 failed and nothing changed, 2 usage, 3 rolled back and "
                 "verified, 4 needs operator,\n5 blocked, 6 paused, 7 nothing in progress, 10 "
                 "no repository, 11 locked,\n12 wrong password, 130 interrupted (resumable).");
    add_lookers();
    add_doers();
    add_enders();
    add_abandoned();
  }

  CLI::App& root() { return root_; }
  const Options& options() const { return options_; }
  int (Command::*chosen() const)() { // the parser wants one
    for (const Entry& entry : entries_)
      if (entry.app->parsed() && entry.app->get_subcommands().empty())
        return entry.run;
    base::panic("no command", __FILE__, __LINE__);
  }

private:
  CLI::App* add(CLI::App& parent, const char* name, const char* purpose, const char* examples,
                int (Command::*run)()) {
    CLI::App* sub = parent.add_subcommand(name, purpose);
    sub->footer(std::string{"Examples:\n"} + examples);
    sub->fallthrough();
    entries_.push_back({sub, run});
    return sub;
  }
  void add_stack(CLI::App* sub) {
    sub->add_option("STACK", options_.stack,
                    "name of the stack; the one of belay.yaml if left out");
  }

  void add_lookers() {
    add_init_options(
        *add(root_, "init", "look at what is here and write a first belay.yaml",
             "  belay init\n  belay init --dir /srv/shop --answer 'release=./dist/{to}'",
             &Command::init),
        options_.init);
    add(root_, "config", "print the effective configuration, every value with its origin",
        "  belay config\n  belay config --schema > belay.schema.json", &Command::config)
        ->add_flag("--schema", options_.is_schema, "print the JSON Schema for editors instead");
    add_stack(add(root_, "check", "what would forbid an upgrade; changes nothing",
                  "  belay check orders", &Command::check));
    CLI::App* plan =
        add(root_, "plan", "what an upgrade would do; changes nothing",
            "  belay plan orders --to 4.1.2\n  belay plan orders --to 4.1.2 -o plan.json",
            &Command::plan);
    add_stack(plan);
    plan->add_option("--to", options_.to, "label of the release")->required();
    plan->add_option("-o,--out", options_.out_file, "write the plan for 'upgrade --plan'");
    plan->add_flag("--no-auto-rollback", options_.no_auto_rollback, "stop instead of going back");
    add_evidence_options(*plan, options_.evidence);
    CLI::App* migrations = add(
        root_, "migrations", "what was applied, what is pending, and what each file does",
        "  belay migrations\n  belay migrations orders --to 4.1.2 --json", &Command::migrations);
    add_stack(migrations);
    migrations->add_option("--to", options_.to, "label of the release whose files are meant");
    add(root_, "status", "what runs, what is in progress, what happens next after a crash",
        "  belay status\n  belay status --watch", &Command::status)
        ->add_flag("--watch", options_.is_watch, "again every two seconds");
    add_stack(add(root_, "points", "restore points and abandoned sets, oldest first, and where",
                  "  belay points\n  belay points shop --json", &Command::points));
    add(root_, "history", "every operation, oldest first", "  belay history --json",
        &Command::history);
    CLI::App* report =
        add(root_, "report", "why an operation went as it went",
            "  belay report\n  belay report OPERATION --format markdown", &Command::report);
    report->add_option("OPERATION", options_.operation, "its id; the newest if left out");
    report->add_option("--format", options_.format, "text, markdown or json")
        ->check(CLI::IsMember({"text", "markdown", "json"}));
    add_judge_options(
        *add(root_, "judge", "verdicts on an operation from its readings; or record quiet history",
             "  belay judge --replay OPERATION\n  belay judge --record 24h", &Command::judge),
        options_.judge);
  }

  void add_doers() {
    CLI::App* upgrade =
        add(root_, "upgrade", "upgrade, and come back by itself when the new release is bad",
            "  belay upgrade orders --to 4.1.2\n  belay upgrade orders --plan plan.json",
            &Command::upgrade);
    add_stack(upgrade);
    CLI::Option* to = upgrade->add_option("--to", options_.to, "label of the release");
    CLI::Option* file =
        upgrade->add_option("--plan", options_.plan_file, "carry out exactly this plan, or refuse");
    upgrade->callback([to, file] {
      if (to->count() == 0 && file->count() == 0)
        throw CLI::RequiredError("--to or --plan");
    });
    upgrade->add_flag("--yes", options_.is_yes, "do not ask");
    upgrade->add_flag("--no-auto-rollback", options_.no_auto_rollback,
                      "stop where it fails instead of going back");
    add_evidence_options(*upgrade, options_.evidence);
    upgrade->add_option("--until", options_.until, "pause after this step");
    CLI::App* rollback =
        add(root_, "rollback", "go back to what ran before, with its data when evidence says so",
            "  belay rollback orders\n  belay rollback orders --to p-20261121T023405.123Z-ab12\n"
            "  belay rollback orders --level restart",
            &Command::rollback);
    add_stack(rollback);
    CLI::Option* point = rollback->add_option(
        "--to", options_.to, "a restore point, of a repository too, or an abandoned set");
    CLI::Option* level =
        rollback->add_option("--level", options_.level, "how far: auto decides from evidence")
            ->type_name("{auto,restart,release,data,full}")
            ->capture_default_str();
    rollback->add_flag("--compatible", options_.is_compatible,
                       "what it goes back to works with the data as it is: migrations may stay");
    CLI::Option* out = rollback->add_option("-o,--out", options_.out_file,
                                            "only write the plan, for 'rollback --plan'");
    rollback->add_option("--plan", options_.plan_file, "carry out exactly this plan, or refuse")
        ->excludes(point)
        ->excludes(level)
        ->excludes(out);
    rollback->add_flag("--yes", options_.is_yes, "do not ask");
    rollback->add_option("--until", options_.until, "pause after this step");
  }

  void add_enders() {
    add(root_, "resume", "go on with an interrupted operation", "  belay resume", &Command::resume)
        ->add_option("--until", options_.until, "pause after this step");
    add(root_, "abort", "go back, interrupted or at work", "  belay abort", &Command::abort);
    add_stack(add(root_, "commit", "accept the new release before its watch ends",
                  "  belay commit orders", &Command::commit));
  }

  void add_abandoned() {
    CLI::App* abandoned = add(root_, "abandoned", "what ways back have swapped out",
                              "  belay abandoned\n  belay abandoned show ID\n"
                              "  belay abandoned export ID --into ./written-since",
                              &Command::abandoned);
    abandoned->require_subcommand(0, 1);
    add(*abandoned, "list", "list them", "  belay abandoned list", &Command::abandoned);
    add(*abandoned, "show", "one of them, whole", "  belay abandoned show ID",
        &Command::abandoned_show)
        ->add_option("ID", options_.id, "its id")
        ->required();
    CLI::App* exported =
        add(*abandoned, "export", "copy out what was written in it",
            "  belay abandoned export ID --into ./written-since", &Command::abandoned_export);
    exported->add_option("ID", options_.id, "its id")->required();
    exported->add_option("--into", options_.into, "a new folder")->required();
  }

  CLI::App root_;
  Options options_;
  std::vector<Entry> entries_;
};

} // namespace

int run(std::vector<std::string> arguments, app::Host host, Printer& printer,
        const Terminal& terminal) {
  Parser parser{terminal.version};
  const SupportCommand support{parser.root()};
  const RehearseCommand rehearse{parser.root()};
  const DrillCommand drill{parser.root()};
  const ServeCommand serve{parser.root()};
  const McpCommand mcp{parser.root()};
  const TokenCommand token{parser.root()};
  const AuditCommand audit{parser.root()};
  DriverCommand driver;
  driver.add_to(parser.root());
  const RepoCommands repository{parser.root()};
  const Manual manual{parser.root(), terminal.version};
  std::ranges::reverse(arguments); // CLI11 takes them from the back
  try {
    parser.root().parse(std::move(arguments));
  } catch (const CLI::Success& asked) { // --help, --version
    return parser.root().exit(asked), exit_done;
  } catch (const CLI::ParseError& wrong) {
    std::fprintf(terminal.err, "belay: %s\nhint: See 'belay --help'.\n", wrong.what());
    return exit_usage;
  }
  if (manual.is_asked())
    return std::fputs(manual.text().c_str(), terminal.out), exit_done;
  host.config_path = base::absolute_path(parser.options().config, terminal.working_folder);
  const bool is_json = parser.options().is_json;
  auto status = serve.run(host, terminal, is_json);
  status = status ? status : support.run(host, terminal, is_json);
  status = status ? status : rehearse.run(host, terminal, is_json);
  status = status ? status : drill.run(host, terminal, is_json);
  status = status ? status : driver.run(host, terminal, is_json);
  status = status ? status : mcp.run(host, terminal);
  status = status ? status : token.run(host, terminal, is_json);
  status = status ? status : audit.run(host, terminal, is_json);
  if (status)
    return *status;
  if (repository.is_asked())
    return repository.run(host, terminal, is_json);
  Command command{std::move(host), printer, terminal, parser.options()};
  return (command.*parser.chosen())();
}

} // namespace cli
