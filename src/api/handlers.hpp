#pragma once
// Handlers: what each route does. For the table of routes.

#include "api/routes.hpp"

namespace api {

using Handled = base::Result<world::ServedResponse>;

Handled list_stacks(const Asked& asked);
Handled get_stack(const Asked& asked);
Handled list_points(const Asked& asked);
Handled get_schedule(const Asked& asked);
Handled list_reports(const Asked& asked);
Handled get_report(const Asked& asked);
Handled get_summary(const Asked& asked);
Handled get_openapi(const Asked& asked);
Handled create_plan(const Asked& asked);
Handled get_plan(const Asked& asked);
Handled create_operation(const Asked& asked);
Handled list_operations(const Asked& asked);
Handled get_operation(const Asked& asked);
Handled follow_operation(const Asked& asked);
Handled list_tokens(const Asked& asked);
Handled get_token(const Asked& asked);
Handled create_token(const Asked& asked);
Handled revoke_token(const Asked& asked);
Handled list_audit(const Asked& asked);
Handled verify_audit(const Asked& asked);

// The stack of the path, as its belay.yaml is now. not_found: it is not served.
base::Result<errands::Place> place_of(const Asked& asked);

// How many are on a page: 1 to 200, 50 if nobody says.
base::Result<std::size_t> limit_of(const Query& query);
// The page of `items` that was asked for: after the one whose `key` is the cursor.
base::Result<nlohmann::json> page_of(const Query& query, const nlohmann::json& items,
                                     const char* key);

} // namespace api
