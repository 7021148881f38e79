#include "drivers/probe/prometheus.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

namespace drivers::probe {

using base::Error;
using base::ErrorKind;
using base::Result;

namespace {

constexpr std::size_t samples_max = 10'000;
constexpr std::size_t labels_max = 64;
constexpr std::size_t names_max = 2'000;

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

void skip_blanks(std::string_view& rest) {
  while (!rest.empty() && is_blank(rest.front()))
    rest.remove_prefix(1);
}

std::string_view take_name(std::string_view& rest) {
  std::size_t size = 0;
  while (size < rest.size() && (is_letter(rest[size]) || (size > 0 && is_digit(rest[size]))))
    ++size;
  const auto name = rest.substr(0, size);
  rest.remove_prefix(size);
  return name;
}

std::string_view take_word(std::string_view& rest) {
  const auto size = std::min(rest.find_first_of(" \t"), rest.size());
  const auto word = rest.substr(0, size);
  rest.remove_prefix(size);
  skip_blanks(rest);
  return word;
}

// The text between quotes; `rest` begins behind the first.
std::optional<std::string> take_quoted(std::string_view& rest) {
  std::string text;
  for (std::size_t at = 0; at < rest.size(); ++at) {
    if (rest[at] == '"') {
      rest.remove_prefix(at + 1);
      return text;
    }
    if (rest[at] != '\\') {
      text += rest[at];
      continue;
    }
    if (++at == rest.size())
      break;
    text += rest[at] == 'n' ? '\n' : rest[at];
  }
  return std::nullopt;
}

// `rest` begins behind the '{' and ends up behind the '}'.
bool take_labels(std::string_view& rest, Labels& labels) {
  for (;;) {
    skip_blanks(rest);
    if (rest.starts_with('}')) {
      rest.remove_prefix(1);
      return true;
    }
    const auto name = take_name(rest);
    skip_blanks(rest);
    if (name.empty() || !rest.starts_with('=') || labels.size() >= labels_max)
      return false;
    rest.remove_prefix(1);
    skip_blanks(rest);
    if (!rest.starts_with('"'))
      return false;
    rest.remove_prefix(1);
    auto value = take_quoted(rest);
    if (!value)
      return false;
    labels.emplace_back(name, std::move(*value));
    skip_blanks(rest);
    if (rest.starts_with(','))
      rest.remove_prefix(1);
    else if (!rest.starts_with('}'))
      return false;
  }
}

std::optional<double> value_of(std::string_view word) {
  const bool has_sign = word.starts_with('+') || word.starts_with('-');
  const double sign = word.starts_with('-') ? -1 : 1;
  std::string lower{word.substr(has_sign ? 1 : 0)};
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (lower == "nan")
    return std::numeric_limits<double>::quiet_NaN();
  if (lower == "inf" || lower == "infinity")
    return sign * std::numeric_limits<double>::infinity();
  if (lower.empty() || !(is_digit(lower[0]) || lower[0] == '.'))
    return std::nullopt;
  double value = 0;
  const auto parsed = std::from_chars(lower.data(), lower.data() + lower.size(), value);
  if (parsed.ec != std::errc{} || parsed.ptr != lower.data() + lower.size())
    return std::nullopt;
  return sign * value;
}

// OpenMetrics declares `requests` and samples `requests_total`.
bool is_declared_by(std::string_view name, std::string_view family) {
  if (!name.starts_with(family))
    return false;
  const auto suffix = name.substr(family.size());
  return suffix.empty() || suffix == "_total" || suffix == "_sum" || suffix == "_count" ||
         suffix == "_bucket" || suffix == "_created" || suffix == "_info";
}

void read_comment(std::string_view rest, std::string_view name, Metric& metric) {
  rest.remove_prefix(1); // '#'
  skip_blanks(rest);
  const auto word = take_word(rest);
  if ((word == "TYPE" || word == "HELP") && is_declared_by(name, take_word(rest)))
    metric.is_declared = true;
}

// False: the line is no sample.
bool read_sample(std::string_view rest, std::string_view name, Metric& metric) {
  const auto own = take_name(rest);
  if (own.empty())
    return false;
  Sample sample;
  skip_blanks(rest);
  if (rest.starts_with('{')) {
    rest.remove_prefix(1);
    if (!take_labels(rest, sample.labels))
      return false;
    skip_blanks(rest);
  }
  const auto value = value_of(take_word(rest));
  if (!value)
    return false;
  // A timestamp may follow, and an exemplar behind a '#'.
  if (!rest.empty() && !rest.starts_with('#') && !value_of(take_word(rest)))
    return false;
  if (!rest.empty() && !rest.starts_with('#'))
    return false;
  if (own == name) {
    sample.value = *value;
    metric.samples.push_back(std::move(sample));
  } else if (metric.similar.size() < names_max &&
             (metric.similar.empty() || metric.similar.back() != own)) {
    metric.similar.emplace_back(own);
  }
  return true;
}

} // namespace

Result<Metric> find_metric(std::string_view page, std::string_view name) {
  Metric metric;
  std::size_t number = 0;
  while (!page.empty()) {
    const auto end = std::min(page.find('\n'), page.size());
    std::string_view line = page.substr(0, end);
    page.remove_prefix(std::min(end + 1, page.size()));
    ++number;
    if (line.ends_with('\r'))
      line.remove_suffix(1);
    skip_blanks(line);
    while (!line.empty() && is_blank(line.back()))
      line.remove_suffix(1);
    if (line.empty())
      continue;
    if (line.starts_with('#'))
      read_comment(line, name, metric);
    else if (!read_sample(line, name, metric))
      return Error{ErrorKind::invalid_input,
                   "line " + std::to_string(number) + " of the answer is no Prometheus text", ""};
    if (metric.samples.size() > samples_max)
      return Error{ErrorKind::invalid_input,
                   "'" + std::string{name} + "' has more than " + std::to_string(samples_max) +
                       " samples",
                   ""};
  }
  return metric;
}

std::string series_text(std::string_view name, const Labels& labels) {
  std::string text{name};
  if (labels.empty())
    return text;
  text += '{';
  for (const auto& [label, value] : labels) {
    text += (text.ends_with('{') ? "" : ",") + label + "=\"";
    for (const char c : value) {
      if (c == '\\' || c == '"')
        text += '\\';
      text += c == '\n' ? std::string{"\\n"} : std::string{c};
    }
    text += '"';
  }
  return text + '}';
}

} // namespace drivers::probe
