#pragma once
// Schemas: the JSON Schemas of what tools answer. What is promised is required; more may be there.

#include <nlohmann/json.hpp>

namespace errands {

nlohmann::json stacks_schema();
nlohmann::json status_schema();
nlohmann::json points_schema();
nlohmann::json operations_schema();
nlohmann::json report_schema();
nlohmann::json schedule_schema();
nlohmann::json plan_schema();
nlohmann::json errand_schema();
nlohmann::json followed_schema(); // with its events

} // namespace errands
