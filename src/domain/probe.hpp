#pragma once
// Probe: a read-only measurement and its Reading. Absent and unknown are never ok.

#include "base/result.hpp"
#include "domain/secret_ref.hpp"
#include "world/clock.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace domain {

using world::Milliseconds;

// From `metric` on each gives a number.
enum class ProbeKind { http, tcp, command, process, mounted, metric, promql, log, disk, memory };

// One assertion on a JSON body: `path` as "status" or "checks.backup.items[0].age".
struct JsonAssertion {
  std::string path;
  std::string equals; // JSON text of the wanted value ("\"ok\"", "3", "true")
};

// Which samples of a Prometheus page: those of `name` that have all these labels.
struct MetricSelector {
  std::string name;
  // A value that begins with '~' is a pattern (RE2) for the whole value: "~5..".
  std::vector<std::pair<std::string, std::string>> labels;
};

enum class Take { one, sum, min, max }; // of several samples; `one`: there must be one only
enum class Unit { percent, mebibytes };

struct ProbeSpec {
  std::string name; // "node-red.ready"
  ProbeKind kind = ProbeKind::process;
  std::string service; // whose process must be behind the port; empty: not looked at
  // http
  std::string method = "GET";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<SecretRef> bearer;
  std::string body;
  int status = 200; // a redirect is not ok unless this asks for it or follow_redirects is set
  bool follow_redirects = false;
  std::vector<JsonAssertion> json;
  std::string contains; // text that the body (or the command's output) must contain
  std::string value;    // JSON path of a number: the Reading's `number`
  // tcp
  std::string host;
  int port = 0;
  // command: exit status 0 is ok
  std::vector<std::string> argv;
  // metric: of the page at `url`; promql: asked of the Prometheus server at `url`
  MetricSelector metric;
  std::optional<MetricSelector> whole; // the number is the share of `metric` in this
  double whole_min = 0;                // of less than this no share is told
  Milliseconds over{0};                // the number is the increase in this time, a second
  std::string promql;
  Take take = Take::one;
  bool waits_while_absent = false; // metric: one without a sample is pending, not unknown
  // log: the number counts the lines of `service` since its start that match
  std::string pattern; // RE2
  std::string except;  // a line that matches this too does not count
  std::string path;    // disk: the number is what is free in the file system of this path
  // mounted: what `service` must see of this machine: path in it, volume or absolute folder
  std::vector<std::pair<std::string, std::string>> mounts;
  Unit unit = Unit::percent; // disk, memory (what the processes of `service` use)
  bool is_age = false;       // the value is a time; the number is how many seconds ago it was
  Milliseconds timeout{5000};
};

// Whether its Reading has a `number` when it is ok.
inline bool gives_number(const ProbeSpec& spec) {
  return !spec.value.empty() || spec.kind >= ProbeKind::metric;
}

enum class Verdict { ok, bad, unknown };

struct Reading {
  std::string probe;
  Verdict verdict = Verdict::unknown;
  std::string detail; // "503 in 12 ms: status is \"degraded\", wanted \"ok\""; never a secret
  std::optional<double> number;
  Milliseconds elapsed{0};
  // Nothing can be said yet: a window is not full, or too little happened in it. `unknown` too.
  bool is_pending = false;
};

class Probe {
public:
  virtual ~Probe() = default;
  virtual Reading measure(const ProbeSpec& spec) = 0; // a failure to measure is `unknown` or `bad`
  // Forget earlier measurements, on which windows of time rest: another release runs now.
  virtual void start_over() {}
};

// A pass or fail rule over readings: `consecutive` ok readings in a row, spanning at least
// `stable`, before `within` is over. A bad reading in between starts the row again.
struct GateSpec {
  ProbeSpec probe;
  Milliseconds within{60000};
  Milliseconds every{1000};
  Milliseconds stable{0};
  int consecutive = 3;
};

// A numeric or pass/fail check, measured in the baseline and again after the change.
struct CheckSpec {
  ProbeSpec probe;
  std::optional<double> min;
  std::optional<double> max;
  std::optional<double> min_of_baseline; // ratio: 1.0 = must not be below the baseline
  std::optional<double> max_of_baseline;
};

} // namespace domain
