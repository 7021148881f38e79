#pragma once
// Judge: what an answer is worth, by what the probe asked for. Pure.

#include "domain/probe.hpp"
#include "drivers/probe/json_path.hpp"
#include "world/http.hpp"

namespace drivers::probe {

// Fills verdict, detail and number of a Reading from an HTTP answer.
void judge_answer(const domain::ProbeSpec& spec, const world::HttpResponse& response,
                  domain::Reading& reading);

// What a probe makes of the value at its path: a number, or, as a time, the seconds since 1970.
std::optional<double> number_of(const domain::ProbeSpec& spec, const JsonValue& found);

} // namespace drivers::probe
