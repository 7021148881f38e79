#pragma once
// Audited: what changes something is written down before it begins, and how it was answered.

#include "api/handlers.hpp"

namespace api {

// Runs the route. Of one that changes something, for an operator or an administrator: the record is
// durable before. unavailable: it cannot be written, and nothing was begun.
Handled run_audited(const Asked& asked, const Route& route);

// The two halves of it, for what is no route.
base::Result<admission::AuditRecord> write_begin(admission::AuditLog& audit,
                                                 admission::AuditRecord record); // unavailable
void write_end(admission::AuditLog& audit, const admission::AuditRecord& begun, int status);

} // namespace api
