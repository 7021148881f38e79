#pragma once
// Prometheus text: the samples of one metric, out of a page that may hold thousands. Pure.
// Format: prometheus.io/docs/instrumenting/exposition_formats, text 0.0.4 and OpenMetrics 1.0.

#include "base/result.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace drivers::probe {

using Labels = std::vector<std::pair<std::string, std::string>>;

struct Sample {
  Labels labels;
  double value = 0; // may be NaN or infinite
};

struct Metric {
  std::vector<Sample> samples;
  bool is_declared = false;         // a TYPE or HELP line names it, with or without samples
  std::vector<std::string> similar; // names on the page, for a hint; not all of them
};

// invalid_input: a line is not of this format, or one metric has more than 10 000 samples.
base::Result<Metric> find_metric(std::string_view page, std::string_view name);

// `a{x="1"}`, as the page writes it.
std::string series_text(std::string_view name, const Labels& labels);

} // namespace drivers::probe
