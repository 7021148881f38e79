#include "drivers/probe/numbers.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <numeric>

#include <nlohmann/json.hpp>

namespace drivers::probe {

using base::Error;
using base::ErrorKind;
using base::Result;
using nlohmann::json;

namespace {

constexpr std::size_t line_bytes_max = 16U << 10U;

struct Wanted {
  std::string name;
  std::string value;
  std::optional<base::Pattern> pattern;
};

Result<std::vector<Wanted>> wanted_of(const domain::MetricSelector& selector) {
  std::vector<Wanted> all;
  for (const auto& [name, value] : selector.labels) {
    Wanted wanted{name, value, std::nullopt};
    if (value.starts_with('~'))
      wanted.pattern = TRY(base::Pattern::compile(value.substr(1)));
    all.push_back(std::move(wanted));
  }
  return all;
}

const std::string* label_of(const Sample& sample, const std::string& name) {
  const auto found = std::ranges::find(sample.labels, name, [](const auto& l) { return l.first; });
  return found == sample.labels.end() ? nullptr : &found->second;
}

// A label that a sample does not have is empty, as Prometheus has it.
bool is_wanted(const Sample& sample, const Wanted& wanted) {
  const std::string* label = label_of(sample, wanted.name);
  const std::string value = label == nullptr ? "" : *label;
  return wanted.pattern ? wanted.pattern->is_all_of(value) : value == wanted.value;
}

Error unknown_metric(const std::string& name, const Metric& metric) {
  const auto near = base::nearest(name, metric.similar);
  return {ErrorKind::not_found,
          "there is no metric '" + name + "'" + (near ? "; did you mean '" + *near + "'?" : ""),
          ""};
}

Error no_time(std::string_view text) {
  return {ErrorKind::invalid_input,
          "'" + base::printable(text.substr(0, 60)) + "' is not a time with its zone", ""};
}

// Digits at the front of `text`, exactly so many.
std::optional<int> take_digits(std::string_view& text, std::size_t count) {
  int number = 0;
  const auto digits = text.substr(0, count);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || end != digits.data() + count || digits.starts_with('-'))
    return std::nullopt;
  text.remove_prefix(count);
  return number;
}

bool take_one_of(std::string_view& text, std::string_view chars) {
  if (text.empty() || !chars.contains(text.front()))
    return false;
  text.remove_prefix(1);
  return true;
}

// "Z", "+02:00", "-0530": seconds east of Greenwich.
std::optional<int> zone_of(std::string_view text) {
  if (text == "Z" || text == "z")
    return 0;
  const int sign = text.starts_with('-') ? -1 : 1;
  if (!take_one_of(text, "+-"))
    return std::nullopt;
  const auto hours = take_digits(text, 2);
  take_one_of(text, ":");
  const auto minutes = take_digits(text, 2);
  if (!hours || !minutes || *hours > 15 || *minutes > 59 || !text.empty())
    return std::nullopt;
  return sign * (*hours * 3600 + *minutes * 60);
}

} // namespace

Result<std::vector<Sample>> select(std::string_view page, const domain::MetricSelector& selector) {
  const auto all = TRY(wanted_of(selector));
  Metric metric = TRY(find_metric(page, selector.name));
  if (metric.samples.empty() && !metric.is_declared)
    return unknown_metric(selector.name, metric);
  for (const Wanted& wanted : all) {
    const bool is_known =
        metric.samples.empty() || std::ranges::any_of(metric.samples, [&](const Sample& sample) {
          return label_of(sample, wanted.name) != nullptr;
        });
    if (!is_known)
      return Error{ErrorKind::not_found,
                   "no sample of '" + selector.name + "' has a label '" + wanted.name +
                       "'; there is " + series_text(selector.name, metric.samples[0].labels),
                   ""};
  }
  std::erase_if(metric.samples, [&](const Sample& sample) {
    return !std::ranges::all_of(all, [&](const Wanted& each) { return is_wanted(sample, each); });
  });
  return std::move(metric.samples);
}

Result<double> take(const std::vector<double>& values, domain::Take how) {
  if (values.empty())
    return Error{ErrorKind::not_found, "there is no sample", ""};
  switch (how) {
  case domain::Take::one:
    if (values.size() > 1)
      return Error{ErrorKind::not_found,
                   std::to_string(values.size()) +
                       " samples match; name more labels, or say which with 'take'",
                   ""};
    return values[0];
  case domain::Take::sum: return std::accumulate(values.begin(), values.end(), 0.0);
  case domain::Take::min: return *std::ranges::min_element(values);
  case domain::Take::max: return *std::ranges::max_element(values);
  }
  return values[0];
}

Counters counters_of(const domain::MetricSelector& selector, const std::vector<Sample>& samples) {
  Counters counters;
  for (const Sample& sample : samples)
    if (std::isfinite(sample.value))
      counters[series_text(selector.name, sample.labels)] = sample.value;
  return counters;
}

Result<std::vector<double>> values_of_answer(std::string_view body) {
  const Error strange{ErrorKind::invalid_input, "the answer is not of a Prometheus server", ""};
  const json answer = json::parse(body, nullptr, false);
  if (!answer.is_object() || !answer.contains("status"))
    return strange;
  if (answer["status"] != "success")
    return Error{ErrorKind::invalid_input,
                 answer.contains("error") && answer["error"].is_string()
                     ? base::printable(answer["error"].get<std::string>().substr(0, 300))
                     : "the server refused the query",
                 ""};
  const json nothing;
  const json& data = answer.contains("data") ? answer["data"] : nothing;
  if (!data.is_object() || !data.contains("result") || !data["result"].is_array())
    return strange;
  const json& result = data["result"];
  std::vector<double> values;
  const auto add = [&](const json& pair) { // [at, "1.5"]
    if (!pair.is_array() || pair.size() != 2 || !pair[1].is_string())
      return false;
    const auto text = pair[1].get<std::string>();
    const auto metric = find_metric("v " + text, "v");
    if (!metric || metric.value().samples.size() != 1)
      return false;
    values.push_back(metric.value().samples[0].value);
    return true;
  };
  const std::string type = data.value("resultType", json{}).is_string()
                               ? data["resultType"].get<std::string>()
                               : std::string{};
  if (type == "scalar")
    return add(result) ? Result<std::vector<double>>{values} : strange;
  if (type != "vector")
    return Error{ErrorKind::invalid_input, "the query gives no instant values but " + type, ""};
  for (const json& series : result)
    if (!series.is_object() || !series.contains("value") || !add(series["value"]))
      return strange;
  return values;
}

std::string query_url(const std::string& base, std::string_view expression) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string url = base;
  while (url.ends_with('/'))
    url.pop_back();
  url += "/api/v1/query?query=";
  for (const char c : expression) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || std::string_view{"-_.~"}.contains(c);
    const auto byte = static_cast<unsigned char>(c);
    url += is_plain ? std::string{c} : std::string{'%', digits[byte >> 4U], digits[byte & 15U]};
  }
  return url;
}

Lines matching_lines(std::string_view text, const base::Pattern& pattern,
                     const std::optional<base::Pattern>& except) {
  Lines lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, std::min(end, line_bytes_max));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!pattern.is_found_in(line) || (except && except->is_found_in(line)))
      continue;
    ++lines.count;
    lines.last = line;
  }
  return lines;
}

Result<double> time_of(std::string_view text) {
  double number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size()) {
    if (!std::isfinite(number))
      return no_time(text);
    return number > 1e11 ? number / 1000 : number;
  }
  std::string_view rest = text;
  const auto year = take_digits(rest, 4);
  const bool dash = take_one_of(rest, "-");
  const auto month = take_digits(rest, 2);
  const bool again = take_one_of(rest, "-");
  const auto day = take_digits(rest, 2);
  const bool is_split = take_one_of(rest, "Tt ");
  const auto hour = take_digits(rest, 2);
  const bool colon = take_one_of(rest, ":");
  const auto minute = take_digits(rest, 2);
  const bool second_colon = take_one_of(rest, ":");
  const auto second = take_digits(rest, 2);
  if (!year || !dash || !month || !again || !day || !is_split || !hour || !colon || !minute ||
      !second_colon || !second || *hour > 23 || *minute > 59 || *second > 60)
    return no_time(text);
  if (take_one_of(rest, "."))
    while (take_one_of(rest, "0123456789")) {
    }
  const std::chrono::year_month_day date{std::chrono::year{*year},
                                         std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  const auto zone = zone_of(rest);
  if (!date.ok() || !zone)
    return no_time(text);
  const auto days = std::chrono::sys_days{date}.time_since_epoch();
  return static_cast<double>(std::chrono::seconds{days}.count()) + *hour * 3600 + *minute * 60 +
         *second - *zone;
}

} // namespace drivers::probe
