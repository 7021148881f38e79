// Probe, the part for metrics, logs, disks and memory.
#include "base/text.hpp"
#include "base/url.hpp"
#include "drivers/probe/judge.hpp"
#include "drivers/probe/numbers.hpp"
#include "drivers/probe/probe.hpp"

#include <array>
#include <cmath>
#include <cstdio>

namespace drivers::probe {

using domain::Reading;
using domain::Verdict;

namespace {

constexpr std::size_t page_bytes_max = 8U << 20U;
constexpr std::size_t log_bytes_max = 8U << 20U;
constexpr double mebibyte = 1024.0 * 1024.0;
constexpr double ahead_seconds_max = 300; // clocks of two machines differ

void unknown_number(Reading& reading, std::string why) {
  reading.verdict = Verdict::unknown;
  reading.number.reset();
  reading.detail = std::move(why);
}

void pending(Reading& reading, std::string why) {
  unknown_number(reading, std::move(why));
  reading.is_pending = true;
}

std::string text_of(double value) {
  std::array<char, 40> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.6g", value);
  return buffer.data();
}

std::vector<double> values_of(const std::vector<Sample>& samples) {
  std::vector<double> values;
  values.reserve(samples.size());
  for (const Sample& sample : samples)
    values.push_back(sample.value);
  return values;
}

double sum_of(const std::vector<Sample>& samples) {
  const auto sum = take(values_of(samples), domain::Take::sum);
  return sum ? sum.value() : 0;
}

// NaN and infinity are what a page says when it has nothing to say.
void give(Reading& reading, double number, const std::string& what) {
  if (!std::isfinite(number))
    return unknown_number(reading, what + " is " + text_of(number));
  reading.verdict = Verdict::ok;
  reading.number = number;
  reading.detail = what + " is " + text_of(number);
}

std::string name_of(const domain::MetricSelector& selector) {
  return base::printable(series_text(selector.name, selector.labels));
}

// Not: a page that cannot be read, or a label that no sample has.
bool is_absent(std::string_view page, const domain::MetricSelector& selector, bool is_value,
               const base::Result<std::vector<Sample>>& selected) {
  if (selected) // of a share or a rate, a part that is not there yet is 0
    return is_value && selected.value().empty();
  const auto metric = find_metric(page, selector.name);
  return metric && metric.value().samples.empty();
}

// The share of one number in another; too small a whole says nothing.
void give_share(const domain::ProbeSpec& spec, double part, double whole, Reading& reading) {
  const std::string what = name_of(spec.metric) + " of " + name_of(*spec.whole);
  if (!(whole >= spec.whole_min) || whole <= 0)
    return pending(reading, "too little to judge: " + text_of(part) + " of " + text_of(whole) +
                                ", at least " + text_of(spec.whole_min) + " are wanted");
  give(reading, part / whole, what);
  reading.detail += " (" + text_of(part) + " of " + text_of(whole) + ")";
}

} // namespace

void Probe::turn_to_age(Reading& reading) {
  const double now = static_cast<double>(std::chrono::duration_cast<world::Milliseconds>(
                                             world_.clock.now().time_since_epoch())
                                             .count()) /
                     1000;
  const double age = now - *reading.number;
  if (*reading.number <= 0)
    return unknown_number(reading, reading.detail + ", which is no time: it never happened");
  if (age < -ahead_seconds_max)
    return unknown_number(reading, reading.detail + ", which is still to come");
  reading.number = std::max(age, 0.0);
  reading.detail += ", " +
                    base::format_duration(
                        world::Milliseconds{static_cast<std::int64_t>(*reading.number * 1000)}) +
                    " ago";
}

void Probe::measure_metric(const domain::ProbeSpec& spec, Reading& reading) {
  std::vector<std::string> secrets;
  const auto response = ask(spec, spec.url, page_bytes_max, secrets, reading);
  if (!response)
    return;
  if (response->status != 200) {
    unknown_number(reading, "status " + std::to_string(response->status) + ", wanted 200");
    // 429: we ask too often, which says nothing about the service.
    if (response->status != 429)
      reading.verdict = Verdict::bad;
    return;
  }
  if (response->is_truncated)
    return unknown_number(reading, "the page is longer than " + base::format_bytes(page_bytes_max));
  judge_page(spec, response->body, reading);
  if (reading.verdict == Verdict::ok)
    check_listener(spec, base::port_of_url(spec.url), reading);
}

void Probe::judge_page(const domain::ProbeSpec& spec, std::string_view page, Reading& reading) {
  const auto part = select(page, spec.metric);
  const bool is_value = !spec.whole && spec.over.count() == 0;
  if (spec.waits_while_absent && is_absent(page, spec.metric, is_value, part))
    return pending(reading, "there is no sample of " + name_of(spec.metric) + " yet");
  if (!part)
    return unknown_number(reading, base::printable(part.error().message));
  const auto whole = spec.whole ? select(page, *spec.whole)
                                : base::Result<std::vector<Sample>>{std::vector<Sample>{}};
  if (!whole)
    return unknown_number(reading, base::printable(whole.error().message));
  if (spec.over.count() > 0)
    return judge_counters(spec, part.value(), whole.value(), reading);
  if (spec.whole)
    return give_share(spec, sum_of(part.value()), sum_of(whole.value()), reading);
  const auto number = take(values_of(part.value()), spec.take);
  if (!number)
    return unknown_number(reading, name_of(spec.metric) + ": " + number.error().message);
  give(reading, number.value(), name_of(spec.metric));
  if (spec.is_age && reading.number)
    turn_to_age(reading);
}

void Probe::judge_counters(const domain::ProbeSpec& spec, const std::vector<Sample>& part,
                           const std::vector<Sample>& whole, Reading& reading) {
  const Growth growth =
      windows_.add(spec.name, world_.clock.monotonic(), spec.over, counters_of(spec.metric, part),
                   spec.whole ? counters_of(*spec.whole, whole) : Counters{});
  if (growth.span < spec.over)
    return pending(reading, "the window of " + base::format_duration(spec.over) +
                                " is not full yet: " + base::format_duration(growth.span));
  if (spec.whole)
    return give_share(spec, growth.part, growth.whole, reading);
  const double seconds = static_cast<double>(growth.span.count()) / 1000;
  give(reading, growth.part / seconds, "rate of " + name_of(spec.metric));
  reading.detail +=
      " a second (" + text_of(growth.part) + " in " + base::format_duration(growth.span) + ")";
}

void Probe::measure_promql(const domain::ProbeSpec& spec, Reading& reading) {
  std::vector<std::string> secrets;
  const auto response =
      ask(spec, query_url(spec.url, spec.promql), page_bytes_max, secrets, reading);
  if (!response)
    return;
  const auto values = values_of_answer(response->body);
  if (!values) {
    unknown_number(
        reading,
        (response->status == 200 ? "" : "status " + std::to_string(response->status) + ": ") +
            values.error().message);
    for (const std::string& secret : secrets)
      if (reading.detail.contains(secret))
        reading.detail = "the answer repeats the secret of the probe";
    return;
  }
  if (values.value().empty())
    return unknown_number(reading, "the query gives nothing");
  const auto number = take(values.value(), spec.take);
  if (!number)
    return unknown_number(reading, "the query: " + number.error().message);
  give(reading, number.value(), "the query");
  if (spec.is_age && reading.number)
    turn_to_age(reading);
}

void Probe::measure_log(const domain::ProbeSpec& spec, Reading& reading) {
  const domain::ServiceSpec* service = find_service_(spec.service);
  if (service == nullptr)
    return unknown_number(reading, "there is no service '" + spec.service + "'");
  const auto pattern = base::Pattern::compile(spec.pattern);
  if (!pattern)
    return unknown_number(reading, pattern.error().message);
  std::optional<base::Pattern> except;
  if (!spec.except.empty()) {
    auto compiled = base::Pattern::compile(spec.except);
    if (!compiled)
      return unknown_number(reading, compiled.error().message);
    except = std::move(compiled).value();
  }
  const auto begun = world_.clock.monotonic();
  const auto text = runtime_.log_of_start(*service, log_bytes_max);
  reading.elapsed = world_.clock.monotonic() - begun;
  if (!text)
    return unknown_number(reading, text.error().message);
  const Lines lines = matching_lines(text.value(), pattern.value(), except);
  reading.verdict = Verdict::ok;
  reading.number = static_cast<double>(lines.count);
  reading.detail =
      base::plural(lines.count, "line matches", "lines match") +
      (text.value().size() == log_bytes_max ? " in the end of a long log" : "") +
      (lines.count == 0 ? "" : "; the last: " + base::printable(lines.last.substr(0, 200)));
}

void Probe::measure_disk(const domain::ProbeSpec& spec, Reading& reading) {
  const auto space = world_.files.space(spec.path);
  if (!space)
    return unknown_number(reading, space.error().message);
  const auto free_bytes = static_cast<double>(space.value().free_bytes);
  const auto total_bytes = static_cast<double>(space.value().total_bytes);
  if (total_bytes <= 0)
    return unknown_number(reading, "the file system of '" + spec.path + "' tells no size");
  const bool is_percent = spec.unit == domain::Unit::percent;
  reading.verdict = Verdict::ok;
  reading.number = is_percent ? 100 * free_bytes / total_bytes : free_bytes / mebibyte;
  reading.detail = base::format_bytes(space.value().free_bytes) + " of " +
                   base::format_bytes(space.value().total_bytes) + " are free, " +
                   text_of(std::round(1000 * free_bytes / total_bytes) / 10) + " %";
}

void Probe::measure_memory(const domain::ProbeSpec& spec, Reading& reading) {
  const domain::ServiceSpec* service = find_service_(spec.service);
  if (service == nullptr)
    return unknown_number(reading, "there is no service '" + spec.service + "'");
  const auto used = runtime_.memory_bytes(*service);
  if (!used)
    return unknown_number(reading, used.error().message);
  reading.verdict = Verdict::ok;
  reading.number = static_cast<double>(used.value()) / mebibyte;
  reading.detail = base::format_bytes(used.value()) + " in use";
  if (spec.unit == domain::Unit::mebibytes)
    return;
  const auto all = world_.processes.machine_memory_bytes();
  if (!all || all.value() == 0)
    return unknown_number(reading, !all ? all.error().message : "this machine tells no memory");
  reading.number = 100 * static_cast<double>(used.value()) / static_cast<double>(all.value());
  reading.detail += ", " + text_of(std::round(10 * *reading.number) / 10) + " % of " +
                    base::format_bytes(all.value());
}

} // namespace drivers::probe
