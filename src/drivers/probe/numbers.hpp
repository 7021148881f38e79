#pragma once
// Numbers: how a number is taken out of a page of metrics, an answer of a Prometheus server, a log
// or a time. Pure.

#include "base/pattern.hpp"
#include "domain/probe.hpp"
#include "drivers/probe/prometheus.hpp"
#include "drivers/probe/windows.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drivers::probe {

// The samples that `selector` names. Empty is a value: a counter appears with its first use.
// not_found: the page does not know the metric, or none of its samples has a label of this name.
base::Result<std::vector<Sample>> select(std::string_view page,
                                         const domain::MetricSelector& selector);

// One number of several. not_found: there is none, or `one` is wanted and there are several.
base::Result<double> take(const std::vector<double>& values, domain::Take how);

Counters counters_of(const domain::MetricSelector& selector, const std::vector<Sample>& samples);

// Of an answer to /api/v1/query: its values. invalid_input: an error, told in the server's words.
base::Result<std::vector<double>> values_of_answer(std::string_view body);
// `base` is the server's URL, with or without a path of its own.
std::string query_url(const std::string& base, std::string_view expression);

struct Lines {
  std::size_t count = 0;
  std::string last; // that matched
};
Lines matching_lines(std::string_view text, const base::Pattern& pattern,
                     const std::optional<base::Pattern>& except);

// Seconds since 1970 of "2026-11-21T02:34:05.1234567+01:00", or of a number: of seconds, or, when
// it would be after the year 5000, of milliseconds. invalid_input: another form, no zone.
base::Result<double> time_of(std::string_view text);

} // namespace drivers::probe
