#include "judge/judge.hpp"

#include "base/result.hpp"
#include "base/text.hpp"
#include "judge/placebo.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <set>

namespace judge {

namespace {

std::string text_of(double value) {
  std::array<char, 40> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.3g", value);
  return buffer.data();
}

std::string percent(double share) {
  return text_of(100 * share) + " %";
}

std::string fraction(const Share& share) {
  return std::to_string(share.failed) + " of " + std::to_string(share.total);
}

// In the order in which they first answer.
std::vector<std::string> requests_of(const std::vector<Reading>& readings) {
  std::vector<std::string> requests;
  std::set<std::string> seen;
  for (const Reading& reading : readings)
    if (seen.insert(reading.request).second)
      requests.push_back(reading.request);
  return requests;
}

Share share_of(const std::vector<Reading>& readings, const std::string& request) {
  Share share;
  for (const Reading& reading : readings)
    if ((request.empty() || reading.request == request) && reading.answer != Answer::unknown) {
      ++share.total;
      share.failed += reading.answer == Answer::failed ? 1 : 0;
    }
  return share;
}

std::int64_t asked_of(const std::vector<Reading>& readings, const std::string& request) {
  return std::ranges::count_if(readings, [&](const Reading& reading) {
    return request.empty() || reading.request == request;
  });
}

// It answered, and now it does not: most of the last readings failed.
std::optional<Finding> failing(const Case& readings, const std::string& request) {
  const Share before = share_of(readings.before, request);
  if (before.total == 0 || before.value() > 0.5)
    return std::nullopt;
  Share last;
  for (auto at = readings.after.rbegin(); at != readings.after.rend() && last.total < failing_of;
       ++at)
    if (at->request == request && at->answer != Answer::unknown) {
      ++last.total;
      last.failed += at->answer == Answer::failed ? 1 : 0;
    }
  if (last.failed < failing_min)
    return std::nullopt;
  Finding finding{.measure = Measure::failing, .request = request, .verdict = Verdict::worse};
  finding.count_before = before.total;
  finding.count_after = last.total;
  finding.before = before.value();
  finding.after = last.value();
  finding.limit = static_cast<double>(failing_min) / failing_of;
  finding.why = fraction(last) + " of the last answers failed, and " + fraction(before) +
                " before the change";
  return finding;
}

int slices_with_failures(const Case& readings, const Policy& policy, const std::string& request) {
  std::set<std::int64_t> slices_hit;
  for (const Reading& reading : readings.after)
    if ((request.empty() || reading.request == request) && reading.answer == Answer::failed)
      slices_hit.insert((reading.at_ms - readings.watch_begun_ms) * slices /
                        std::max<std::int64_t>(policy.watch_ms, 1));
  return static_cast<int>(slices_hit.size());
}

Finding errors(const Case& readings, const Policy& policy, const std::string& request,
               double p_max) {
  const Share before = share_of(readings.before, request);
  const Share after = share_of(readings.after, request);
  Finding finding{.measure = Measure::errors, .request = request};
  finding.count_before = before.total;
  finding.count_after = after.total;
  finding.before = before.value();
  finding.after = after.value();
  if (std::min(before.total, after.total) < readings_min) {
    finding.why = std::to_string(before.total) + " answers before and " +
                  std::to_string(after.total) + " after the change: at least " +
                  std::to_string(readings_min) + " are wanted on each side";
    return finding;
  }
  if (const std::int64_t asked = asked_of(readings.after, request); 2 * after.total < asked) {
    finding.why = "nothing could be measured " + std::to_string(asked - after.total) + " of " +
                  std::to_string(asked) + " times after the change";
    return finding;
  }
  const auto doubled = static_cast<std::int64_t>(
      std::ceil(errors_ratio_min * before.value() * static_cast<double>(after.total)));
  const std::int64_t from =
      std::max({errors_min, doubled, failures_that_count(before, after.total, p_max)});
  const int slices_hit = slices_with_failures(readings, policy, request);
  finding.limit = static_cast<double>(from) / static_cast<double>(after.total);
  finding.p = fisher_greater(before, after);
  finding.p_max = p_max;
  const bool is_worse = after.failed >= from && slices_hit >= slices_min;
  finding.verdict = is_worse             ? Verdict::worse
                    : from > after.total ? Verdict::inconclusive
                                         : Verdict::no_worse;
  finding.why = fraction(after) + " failed, " + fraction(before) + " before (p " +
                text_of(*finding.p) + ", limit " + text_of(p_max) + "; worse from " +
                std::to_string(from) + " on)";
  if (after.failed >= from && !is_worse)
    finding.why += ", but in " + std::to_string(slices_hit) + " of " + std::to_string(slices) +
                   " parts of the watch only: a hiccup";
  return finding;
}

const Placebo* find_placebo(const Case& readings, Measure measure, const std::string& request) {
  const auto found = std::ranges::find_if(readings.placebos, [&](const Placebo& placebo) {
    return placebo.measure == measure && placebo.request == request;
  });
  return found == readings.placebos.end() ? nullptr : &*found;
}

// The smallest shift that is worth anything, whatever the noise says.
double floor_of(Measure measure, const Shift& shift, const Policy& policy) {
  if (measure == Measure::number)
    return (policy.ratio_min - 1) * std::abs(shift.before);
  const double before_ms = std::exp(shift.before);
  return std::max(std::log(policy.ratio_min), std::log1p(latency_rise_min_ms / before_ms));
}

std::string shown(Measure measure, double value) {
  return measure == Measure::latency ? text_of(std::exp(value)) + " ms" : text_of(value);
}

// What a shift must exceed to be called worse.
struct Limits {
  double least = 0;                 // whatever the noise says
  const Placebo* history = nullptr; // nullptr: too little of it
  double noise = 0;                 // that quantile of the history's shifts
  double both() const { return std::max(least, noise); }
};

Verdict weigh(const Finding& finding, const Shift& shift, const Limits& limits) {
  if (limits.history == nullptr)
    return shift.value() <= limits.least ? Verdict::no_worse : Verdict::inconclusive;
  if (shift.value() > limits.both())
    return Verdict::worse;
  const bool could_hide = finding.measure == Measure::latency && limits.noise > limits.least &&
                          limits.noise > std::log(hidden_ratio);
  return could_hide ? Verdict::inconclusive : Verdict::no_worse;
}

void explain(Finding& finding, const Shift& shift, const Limits& limits,
             const std::string& lack_of_history) {
  const double limit = shift.before + limits.both();
  finding.limit = finding.measure == Measure::latency ? std::exp(limit) : limit;
  finding.why = shown(finding.measure, shift.after) + " after, " +
                shown(finding.measure, shift.before) + " before, limit " +
                shown(finding.measure, limit);
  const bool is_unclear = finding.verdict == Verdict::inconclusive;
  if (limits.history == nullptr) {
    finding.why += is_unclear ? ", but " + lack_of_history : "";
    return;
  }
  const auto& shifts = limits.history->shifts;
  const auto below = std::ranges::lower_bound(shifts, shift.value()) - shifts.begin();
  finding.placebos = static_cast<std::int64_t>(shifts.size());
  finding.quieter = static_cast<double>(below) / static_cast<double>(shifts.size());
  finding.why += "; moved less at " + percent(*finding.quieter) + " of " +
                 std::to_string(finding.placebos) + " quiet moments";
  if (is_unclear)
    finding.why += ": the service's own noise could hide a doubling";
}

std::string lack_of_history(const Placebo* placebo, const Policy& policy) {
  const std::chrono::milliseconds span{placebo == nullptr ? 0 : placebo->span_ms};
  return "there is only " + base::format_duration(span) + " of quiet history (wanted: " +
         base::format_duration(std::chrono::milliseconds{policy.history_min_ms}) +
         "): it may be the service's own noise";
}

Finding shifted(const Case& readings, const Policy& policy, Measure measure,
                const std::string& request, double q) {
  Finding finding{.measure = measure, .request = request};
  const bool is_pooled = request.empty();
  const Usual usual = is_pooled ? usual_of(readings.before) : Usual{};
  const auto before = is_pooled ? pooled_samples(readings.before, usual)
                                : samples_of(readings.before, measure, request);
  const auto after = is_pooled ? pooled_samples(readings.after, usual)
                               : samples_of(readings.after, measure, request);
  const Moment moment{readings.before.empty() ? 0 : readings.before.back().at_ms + 1,
                      readings.watch_begun_ms};
  const auto shift = shift_at(before, after, policy, moment);
  if (!shift) {
    finding.count_before = static_cast<std::int64_t>(before.size());
    finding.count_after = static_cast<std::int64_t>(after.size());
    finding.why = "too few good answers: " + std::to_string(before.size()) + " before and " +
                  std::to_string(after.size()) +
                  " after the change (wanted: " + std::to_string(readings_min) +
                  " each, after the warm-up and in both its halves)";
    return finding;
  }
  finding.count_before = shift->count_before;
  finding.count_after = shift->count_after;
  finding.before = measure == Measure::latency ? std::exp(shift->before) : shift->before;
  finding.after = measure == Measure::latency ? std::exp(shift->after) : shift->after;
  const Placebo* placebo = find_placebo(readings, measure, request);
  Limits limits{.least = floor_of(measure, *shift, policy)};
  limits.noise = limits.least;
  if (placebo != nullptr && !placebo->shifts.empty() && placebo->span_ms >= policy.history_min_ms) {
    limits.history = placebo;
    limits.noise = quantile(placebo->shifts, q);
  }
  finding.verdict = weigh(finding, *shift, limits);
  explain(finding, *shift, limits, lack_of_history(placebo, policy));
  return finding;
}

Verdict verdict_of(const std::vector<Finding>& findings) {
  const auto has = [&](Verdict verdict) {
    return std::ranges::find(findings, verdict, &Finding::verdict) != findings.end();
  };
  if (has(Verdict::worse))
    return Verdict::worse;
  return findings.empty() || has(Verdict::inconclusive) ? Verdict::inconclusive : Verdict::no_worse;
}

} // namespace

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
  case Verdict::no_worse: return "no_worse";
  case Verdict::worse: return "worse";
  case Verdict::inconclusive: return "inconclusive";
  }
  return "inconclusive";
}

std::string_view name_of(Measure measure) {
  switch (measure) {
  case Measure::failing: return "failing";
  case Measure::errors: return "errors";
  case Measure::latency: return "latency";
  case Measure::number: return "number";
  }
  return "errors";
}

std::int64_t look_at_ms(const Policy& policy, int look) {
  return policy.watch_ms * look / looks;
}

Judgement judge_invariants(const Case& readings) {
  Judgement judgement;
  if (!readings.after.empty())
    judgement.elapsed_ms = readings.after.back().at_ms - readings.watch_begun_ms;
  for (const std::string& request : requests_of(readings.before))
    if (auto finding = failing(readings, request))
      judgement.findings.push_back(*std::move(finding));
  judgement.verdict = verdict_of(judgement.findings);
  return judgement;
}

Judgement judge_at(const Case& readings, const Policy& policy, int look) {
  CHECK(look >= 1 && look <= looks);
  Case seen = readings;
  const std::int64_t now = readings.watch_begun_ms + look_at_ms(policy, look);
  std::erase_if(seen.after, [&](const Reading& reading) { return reading.at_ms >= now; });
  Judgement judgement = judge_invariants(seen); // first: they need no statistics
  judgement.look = look;
  judgement.elapsed_ms = look_at_ms(policy, look);
  const auto requests = requests_of(seen.before);
  const auto count = static_cast<double>(requests.size());
  const bool has_total = requests.size() > 1;
  const double p_max = p_errors / looks / (count + (has_total ? 1 : 0));
  for (const std::string& request : requests)
    judgement.findings.push_back(errors(seen, policy, request, p_max));
  if (has_total)
    judgement.findings.push_back(errors(seen, policy, "", p_max));
  if (look == looks) {
    const double q =
        1 - p_shift / (count + (has_total ? 1 : 0) + static_cast<double>(policy.numbers.size()));
    if (has_total)
      judgement.findings.push_back(shifted(seen, policy, Measure::latency, "", q));
    Policy alone = policy; // several requests are several chances to err
    alone.ratio_min = has_total ? std::max(policy.ratio_min, one_of_many_ratio) : policy.ratio_min;
    for (const std::string& request : requests) {
      judgement.findings.push_back(shifted(seen, alone, Measure::latency, request, q));
      if (std::ranges::find(policy.numbers, request) != policy.numbers.end())
        judgement.findings.push_back(shifted(seen, policy, Measure::number, request, q));
    }
  }
  judgement.verdict = verdict_of(judgement.findings);
  return judgement;
}

} // namespace judge
