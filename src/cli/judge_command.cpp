#include "cli/judge_command.hpp"

#include "base/text.hpp"
#include "cli/exit_status.hpp"
#include "cli/say.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace cli {

namespace {

std::string text_of(const engine::Replayed& replayed) {
  const judge::Judgement& judgement = replayed.judgement;
  std::string text = judgement.look == 0 ? "between looks"
                                         : "look " + std::to_string(judgement.look) + " of " +
                                               std::to_string(judge::looks);
  text += ", after " + base::format_duration(std::chrono::milliseconds{judgement.elapsed_ms}) +
          ": " + std::string{judge::name_of(judgement.verdict)} +
          (replayed.is_as_recorded ? "\n" : " (another than was recorded then)\n");
  for (const judge::Finding& finding : judgement.findings)
    text += "  " + std::string{judge::name_of(finding.verdict)} + "  " +
            (finding.request.empty() ? "all requests" : finding.request) + ", " +
            std::string{judge::name_of(finding.measure)} + ": " + finding.why + "\n";
  return text;
}

std::string text_of(const engine::Replay& replay) {
  std::string text;
  for (const engine::Replayed& replayed : replay.verdicts)
    text += text_of(replayed);
  if (replay.verdicts.empty())
    text += "no look was reached: the watch ended before\n";
  if (!replay.is_sealed)
    text += "the watch was broken off, or its readings could not all be kept: nothing tells "
            "whether these are whole\n";
  return text;
}

std::string json_of(const engine::Replay& replay) {
  std::string text;
  for (const auto& [judgement, is_as_recorded] : replay.verdicts) {
    auto line = nlohmann::json::parse(engine::encode_judgement(judgement));
    line.erase("kind");
    line["event"] = "verdict";
    line["as_recorded"] = is_as_recorded;
    line["sealed"] = replay.is_sealed;
    text += line_of(line);
  }
  return text;
}

std::string text_of(const engine::Recorded& recorded) {
  return "recorded " + std::to_string(recorded.rounds) + " rounds" +
         (recorded.skipped == 0 ? "\n"
                                : ", left out " + std::to_string(recorded.skipped) +
                                      ": nothing ran, or an operation was in progress\n");
}

std::string json_of(const engine::Recorded& recorded) {
  return line_of(
      {{"event", "recorded"}, {"rounds", recorded.rounds}, {"left_out", recorded.skipped}});
}

int refused(const Terminal& terminal, const base::Error& error, bool is_json) {
  return fail(terminal, error,
              error.kind == base::ErrorKind::invalid_input ? exit_usage : exit_failed, is_json);
}

template <class Found>
int show(const Terminal& terminal, const base::Result<Found>& found, bool is_json) {
  if (!found)
    return refused(terminal, found.error(), is_json);
  return print(terminal, is_json ? json_of(found.value()) : text_of(found.value()));
}

} // namespace

void add_judge_options(CLI::App& command, JudgeOptions& options) {
  CLI::Option* replay = command.add_flag("--replay", options.is_replay,
                                         "judge OPERATION again, from its stored readings");
  command.add_option("OPERATION", options.operation, "its id; the newest if left out")
      ->needs(replay);
  CLI::Option* record =
      command.add_option("--record", options.record, "take readings for so long, to tell noise by");
  replay->excludes(record);
  command.callback([replay, record] {
    if (replay->count() == 0 && record->count() == 0)
      throw CLI::RequiredError("--replay or --record");
  });
}

int judge(const app::Host& host, const Terminal& terminal, const JudgeOptions& options,
          bool is_json) {
  if (options.is_replay)
    return show(terminal, app::replay(host, options.operation), is_json);
  const auto duration = base::parse_duration(options.record);
  if (!duration)
    return refused(terminal, duration.error(), is_json);
  return show(terminal, app::record_history(host, duration.value()), is_json);
}

} // namespace cli
