#pragma once
// Gate: a pass or fail rule over probe readings. Waits by readings, never by a fixed sleep.

#include "domain/probe.hpp"
#include "domain/runtime.hpp"
#include "engine/record.hpp"
#include "world/world.hpp"

#include <optional>
#include <string>
#include <vector>

namespace engine {

KeptReading keep(const domain::Reading& reading);
std::string verdict_name(domain::Verdict verdict);

// ok when the gate passed; failed with the numbers in the message; interrupted when the operator
// asked us to stop. `last` is the last reading in any case. A service that has ended fails at once.
base::Result<> pass_gate(world::World world, domain::Probe& probe, domain::Runtime& runtime,
                         const domain::ServiceSpec& service, KeptReading& last);

// Judge a check's reading against its limits and its baseline. ok, or failed with the numbers.
base::Result<> judge_check(const domain::CheckSpec& check, const domain::Reading& reading,
                           const KeptReading* baseline);

const KeptReading* find_reading(const std::vector<KeptReading>& readings, const std::string& probe);

} // namespace engine
