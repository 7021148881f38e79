#pragma once
// Render: what the looking commands print. Pure.

#include "app/app.hpp"
#include "app/stack_places.hpp"

#include <string>
#include <vector>

namespace cli {

std::string plan_text(const state::Plan& plan);
std::string status_text(const app::Status& status);
std::string status_json(const app::Status& status); // one line
std::string points_text(const std::vector<app::KnownPoint>& points, world::TimePoint now);
std::string points_json(const std::vector<app::KnownPoint>& points); // one line each
std::string history_text(const std::vector<engine::OperationView>& operations);
std::string history_json(const std::vector<engine::OperationView>& operations);

} // namespace cli
