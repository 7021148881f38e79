#include "engine/judging.hpp"

#include "base/digest.hpp"
#include "base/text.hpp"
#include "engine/history.hpp"

#include <algorithm>
#include <cmath>

namespace engine {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using world::Milliseconds;

namespace {

std::int64_t wall_ms(world::Clock& clock) {
  return std::chrono::duration_cast<Milliseconds>(clock.now().time_since_epoch()).count();
}

judge::Answer answer_of(domain::Verdict verdict) {
  switch (verdict) {
  case domain::Verdict::ok: return judge::Answer::ok;
  case domain::Verdict::bad: return judge::Answer::failed;
  case domain::Verdict::unknown: return judge::Answer::unknown;
  }
  return judge::Answer::unknown;
}

bool measures_number(const domain::JudgePolicy& policy, const std::string& probe) {
  return std::ranges::find(policy.numbers, probe) != policy.numbers.end();
}

// What the judge says of one thing, for people.
std::string line_for(const judge::Finding& finding) {
  return std::string{judge::name_of(finding.verdict)} + ": " +
         (finding.request.empty() ? "all requests" : finding.request) + ", " +
         std::string{judge::name_of(finding.measure)} + ": " + finding.why;
}

std::string lines_with(const judge::Judgement& judgement, judge::Verdict verdict) {
  std::vector<std::string> lines;
  for (const judge::Finding& finding : judgement.findings)
    if (finding.verdict == verdict)
      lines.push_back(line_for(finding).substr(judge::name_of(verdict).size() + 2));
  return base::join(lines, "; ");
}

std::string when(const judge::Judgement& judgement) {
  const auto elapsed = base::format_duration(Milliseconds{judgement.elapsed_ms});
  return judgement.look == 0 ? "after " + elapsed
                             : "at look " + std::to_string(judgement.look) + " of " +
                                   std::to_string(judge::looks) + ", after " + elapsed;
}

// Nothing could be told after the change from what says nothing before it.
Result<> check_baseline(const JudgedCase& all, const domain::JudgePolicy& policy) {
  for (const domain::ProbeSpec& spec : policy.probes) {
    const bool has_data =
        std::ranges::any_of(all.readings.before, [&](const judge::Reading& reading) {
          return reading.request == spec.name && reading.answer == judge::Answer::ok &&
                 (reading.number || !measures_number(policy, spec.name));
        });
    if (!has_data)
      return Error{ErrorKind::failed,
                   "the judge cannot compare '" + spec.name + "': there was no " +
                       (measures_number(policy, spec.name) ? "number" : "good answer") +
                       " in the whole baseline",
                   "Correct what it measures, or take it out of 'upgrade.judge'."};
  }
  return ok();
}

// The first of the readings that lead up to now without a hole.
std::size_t begin_of_run(const std::vector<QuietRound>& rounds, std::int64_t now,
                         std::int64_t hole_ms, int generation) {
  std::size_t first = rounds.size();
  std::int64_t next = now;
  while (first > 0) {
    const QuietRound& round = rounds[first - 1];
    if (round.readings.empty() || round.generation != generation ||
        next - round.readings[0].at_ms > hole_ms || round.readings[0].at_ms > now)
      break;
    next = round.readings[0].at_ms;
    --first;
  }
  return first;
}

} // namespace

std::vector<judge::Reading> take_round(world::World world, domain::Probe& probe,
                                       const domain::JudgePolicy& policy) {
  const std::int64_t at = wall_ms(world.clock);
  std::vector<judge::Reading> round;
  for (const domain::ProbeSpec& spec : policy.probes) {
    const domain::Reading reading = probe.measure(spec);
    const bool is_number = reading.number && std::isfinite(*reading.number);
    round.push_back({at, spec.name, answer_of(reading.verdict),
                     static_cast<double>(reading.elapsed.count()),
                     is_number ? reading.number : std::nullopt});
  }
  return round;
}

std::vector<std::string> dataless(domain::Probe& probe, const domain::JudgePolicy& policy) {
  constexpr int attempts = 3; // one request in a thousand may fail
  std::vector<std::string> problems;
  for (const domain::ProbeSpec& spec : policy.probes) {
    std::string problem;
    for (int attempt = 0; attempt < attempts; ++attempt) {
      const domain::Reading reading = probe.measure(spec);
      const bool is_ok = reading.verdict == domain::Verdict::ok;
      // What needs a window of time is told by the baseline.
      problem = reading.is_pending                                      ? ""
                : !is_ok                                                ? reading.detail
                : measures_number(policy, spec.name) && !reading.number ? "it has no number now"
                                                                        : "";
      if (problem.empty())
        break;
    }
    if (!problem.empty())
      problems.push_back("the judge cannot compare '" + spec.name + "': " + problem +
                         ". Correct what it measures, or take it out of 'upgrade.judge'");
  }
  return problems;
}

Result<> judge_baseline(Context& context, Record& out) {
  const domain::JudgePolicy& policy = context.settings.stack.upgrade.judge;
  if (policy.probes.empty())
    return ok();
  if (const auto problems = dataless(context.drivers.probe, policy); !problems.empty())
    return Error{ErrorKind::failed, base::join(problems, "\n"), ""};
  const std::string path = readings_path(context.folder, context.plan.operation);
  auto file = TRY(journal::Journal::open(context.world.files, path));
  TRY(file.append(encode_policy(policy_of(context.settings.stack))));
  world::Clock& clock = context.world.clock;
  const auto history = recent_history(context.world, context.folder, policy.baseline);
  const std::int64_t now = wall_ms(clock);
  const std::size_t first =
      begin_of_run(history, now, 5 * policy.every.count() + 1000, context.plan.generation_from);
  for (std::size_t at = first; at < history.size(); ++at)
    TRY(file.append(encode_round("before", history[at].generation, history[at].readings)));
  const Milliseconds covered{first < history.size() ? now - history[first].readings[0].at_ms : 0};
  const auto begun = clock.monotonic();
  const auto wanted = std::max(policy.baseline - covered, policy.every);
  int rounds = 0;
  while (clock.monotonic() - begun < wanted) {
    if (clock.stop_requested())
      return Error{ErrorKind::interrupted, "interrupted while the baseline was taken",
                   "Run 'belay resume' to go on, or 'belay abort' to end it."};
    if (TRY(context.folder.is_requested(context.plan.operation, "abort")))
      return Error{ErrorKind::failed, "the operator asked to go back", ""};
    TRY(file.append(encode_round("before", context.plan.generation_from,
                                 take_round(context.world, context.drivers.probe, policy))));
    ++rounds;
    context.progress()(static_cast<std::uint64_t>((clock.monotonic() - begun).count()),
                       static_cast<std::uint64_t>(wanted.count()));
    clock.sleep_for(policy.every);
  }
  TRY(check_baseline(TRY(load_case(context.world.files, path)), policy));
  out.detail.push_back("for the judge: " + std::to_string(rounds) + " rounds, and " +
                       std::to_string(history.size() - first) + " from just before");
  return ok();
}

void Judging::keep_line(const std::string& payload) {
  if (!file_)
    return;
  // Readings that cannot be kept are judged all the same: a full disk must not end the watch.
  if (auto kept = file_->append(payload); !kept) {
    const std::string text = "readings are not kept any more: " + kept.error().message;
    context_.say(world::EventKind::warning, text);
    out_.detail.push_back("warning: " + text);
    file_.reset();
  }
}

Result<> Judging::begin() {
  const domain::JudgePolicy& policy = context_.settings.stack.upgrade.judge;
  if (policy.probes.empty() || context_.plan.generation_from == 0)
    return ok();
  const std::string path = readings_path(context_.folder, context_.plan.operation);
  auto found = load_case(context_.world.files, path);
  auto file = journal::Journal::open(context_.world.files, path);
  if (!found || !file || !found.value().has_policy) {
    const std::string why = !found  ? found.error().message
                            : !file ? file.error().message
                                    : "there are none";
    context_.say(world::EventKind::warning, "not judged: the readings before the change: " + why);
    out_.detail.push_back("inconclusive: not judged, " + why);
    return ok();
  }
  is_on_ = true;
  all_ = std::move(found).value();
  file_ = std::move(file).value();
  all_.readings.after.clear();
  all_.readings.watch_begun_ms = wall_ms(context_.world.clock);
  keep_line(encode_watch(all_.readings.watch_begun_ms));
  all_.readings.placebos = placebos_from_history(context_.world, context_.folder, all_.policy);
  for (const judge::Placebo& placebo : all_.readings.placebos)
    keep_line(encode_placebo(placebo));
  return ok();
}

Result<> Judging::tick(Milliseconds elapsed) {
  if (!is_on_)
    return ok();
  const domain::JudgePolicy& policy = context_.settings.stack.upgrade.judge;
  while (next_look_ <= judge::looks &&
         elapsed.count() >= judge::look_at_ms(all_.policy, next_look_))
    TRY(conclude(judge::judge_at(all_.readings, all_.policy, next_look_++)));
  if (elapsed < next_round_)
    return ok();
  next_round_ = elapsed + policy.every;
  auto round = take_round(context_.world, context_.drivers.probe, policy);
  // The wall clock may jump in the watch: its time is the monotonic one since it begun.
  for (judge::Reading& reading : round)
    reading.at_ms = all_.readings.watch_begun_ms + elapsed.count();
  keep_line(encode_round("after", context_.plan.generation_to, round));
  std::ranges::move(round, std::back_inserter(all_.readings.after));
  if (const auto found = judge::judge_invariants(all_.readings);
      found.verdict == judge::Verdict::worse)
    return conclude(found);
  return ok();
}

Result<> Judging::conclude(const judge::Judgement& judgement) {
  keep_line(encode_judgement(judgement));
  found_ = judge::name_of(judgement.verdict);
  out_.detail.push_back("judge " + when(judgement) + ": " +
                        std::string{judge::name_of(judgement.verdict)});
  for (const judge::Finding& finding : judgement.findings)
    out_.detail.push_back("  " + line_for(finding));
  if (judgement.verdict == judge::Verdict::worse)
    return Error{ErrorKind::failed,
                 "the judge found it worse " + when(judgement) + ": " +
                     lines_with(judgement, judge::Verdict::worse),
                 ""};
  if (judgement.verdict == judge::Verdict::inconclusive && judgement.look == judge::looks)
    context_.say(world::EventKind::warning,
                 "the judge cannot tell whether it became worse: " +
                     lines_with(judgement, judge::Verdict::inconclusive));
  return ok();
}

void Judging::seal() {
  if (!file_)
    return;
  const auto text =
      context_.world.files.read(readings_path(context_.folder, context_.plan.operation));
  if (text)
    out_.readings = base::sha256_hex(text.value());
  else
    out_.detail.push_back("warning: the readings cannot be read: " + text.error().message);
}

std::string Judging::told() const {
  if (!is_on_)
    return "";
  return found_.empty() ? "; not judged yet" : "; the judge says " + found_;
}

Milliseconds Judging::pause(Milliseconds elapsed, Milliseconds longest) const {
  if (!is_on_)
    return longest;
  return std::clamp(next_round_ - elapsed, Milliseconds{1}, std::max(longest, Milliseconds{1}));
}

} // namespace engine
