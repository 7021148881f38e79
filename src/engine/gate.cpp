#include "engine/gate.hpp"

#include "base/text.hpp"
#include "engine/trigger.hpp"

#include <algorithm>

namespace engine {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using domain::Verdict;

namespace {

Error out_of_bounds(const std::string& probe, double value, const char* than, double limit,
                    const std::string& because) {
  return {ErrorKind::failed,
          "check '" + probe + "': " + number_text(value) + " is " + than + " " +
              number_text(limit) + because,
          ""};
}

} // namespace

std::string verdict_name(Verdict verdict) {
  switch (verdict) {
  case Verdict::ok: return "ok";
  case Verdict::bad: return "bad";
  case Verdict::unknown: return "unknown";
  }
  return "unknown";
}

KeptReading keep(const domain::Reading& reading) {
  return {reading.probe, verdict_name(reading.verdict), base::printable(reading.detail),
          reading.number};
}

const KeptReading* find_reading(const std::vector<KeptReading>& readings,
                                const std::string& probe) {
  const auto found = std::ranges::find(readings, probe, &KeptReading::probe);
  return found == readings.end() ? nullptr : &*found;
}

Result<> pass_gate(world::World world, domain::Probe& probe, domain::Runtime& runtime,
                   const domain::ServiceSpec& service, KeptReading& last) {
  const domain::GateSpec& gate = service.ready;
  const auto begun = world.clock.monotonic();
  auto row_begun = begun;
  int row = 0;
  for (;;) {
    if (world.clock.stop_requested())
      return Error{ErrorKind::interrupted,
                   "interrupted while waiting for '" + gate.probe.name + "'",
                   "Run 'belay resume' to go on, or 'belay abort' to go back."};
    const domain::Observed observed = TRY(runtime.observe(service));
    const domain::Reading reading = probe.measure(gate.probe);
    const auto now = world.clock.monotonic();
    last = keep(reading);
    if (!observed.is_running) {
      last.verdict = "bad";
      last.detail = "the service has ended" +
                    (observed.detail.empty() ? "" : ": " + base::printable(observed.detail));
      return Error{ErrorKind::failed, "'" + gate.probe.name + "': " + last.detail, ""};
    }
    if (reading.verdict != Verdict::ok)
      row = 0;
    else if (row++ == 0)
      row_begun = now;
    if (row >= gate.consecutive && now - row_begun >= gate.stable)
      return ok();
    if (now - begun >= gate.within)
      return Error{ErrorKind::failed,
                   "'" + gate.probe.name + "' did not become good within " +
                       base::format_duration(gate.within) + ": " + std::to_string(row) + " of " +
                       std::to_string(gate.consecutive) +
                       " good readings in a row; the last: " + last.detail,
                   ""};
    world.clock.sleep_for(gate.every);
  }
}

Result<> judge_check(const domain::CheckSpec& check, const domain::Reading& reading,
                     const KeptReading* baseline) {
  const std::string& name = check.probe.name;
  if (reading.verdict != Verdict::ok)
    return Error{ErrorKind::failed,
                 "check '" + name + "' is " + verdict_name(reading.verdict) + ": " + reading.detail,
                 ""};
  const bool is_numeric = check.min || check.max || check.min_of_baseline || check.max_of_baseline;
  if (!is_numeric)
    return ok();
  if (!reading.number)
    return Error{ErrorKind::failed, "check '" + name + "' gave no number: " + reading.detail, ""};
  const double value = *reading.number;
  if (check.min && value < *check.min)
    return out_of_bounds(name, value, "below", *check.min, "");
  if (check.max && value > *check.max)
    return out_of_bounds(name, value, "above", *check.max, "");
  if (!check.min_of_baseline && !check.max_of_baseline)
    return ok();
  if (baseline == nullptr)
    return ok(); // a first installation has no baseline; `baseline` refuses its absence elsewhere
  if (!baseline->number)
    return Error{ErrorKind::failed, "check '" + name + "' has no number in the baseline", ""};
  const std::string of =
      " (" + std::string{"the baseline was "} + number_text(*baseline->number) + ")";
  if (check.min_of_baseline && value < *check.min_of_baseline * *baseline->number)
    return out_of_bounds(name, value, "below", *check.min_of_baseline * *baseline->number, of);
  if (check.max_of_baseline && value > *check.max_of_baseline * *baseline->number)
    return out_of_bounds(name, value, "above", *check.max_of_baseline * *baseline->number, of);
  return ok();
}

} // namespace engine
