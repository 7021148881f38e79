// Handlers for administrators: who may ask, and who did.

#include "api/handlers.hpp"
#include "base/text.hpp"

#include <charconv>

namespace api {

using admission::AuditHead;
using admission::AuditRecord;
using admission::Token;
using base::Error;
using base::ErrorKind;
using base::Result;
using nlohmann::json;
using world::ServedResponse;

namespace {

json token_json(const Token& token) {
  return {{"name", token.name},
          {"role", admission::name_of(token.role)},
          {"stacks", token.stacks},
          {"by", token.by},
          {"created", base::format_time(token.created)},
          {"expires", token.expires ? json(base::format_time(*token.expires)) : json()}};
}

Error no_place(const char* what) {
  return {ErrorKind::unavailable, std::string{"there is no place for "} + what,
          "Start 'belay serve' with --access FOLDER."};
}

Result<std::shared_ptr<admission::Tokens>> tokens_of(const Asked& asked) {
  if (!asked.site.tokens)
    return no_place("tokens");
  return asked.site.tokens;
}

Result<std::shared_ptr<admission::AuditLog>> audit_of(const Asked& asked) {
  if (!asked.site.audit)
    return no_place("the audit log");
  return asked.site.audit;
}

} // namespace

Handled list_tokens(const Asked& asked) {
  json all = json::array();
  for (const Token& token : TRY(TRY(tokens_of(asked))->list()))
    all.push_back(token_json(token));
  return json_answer(200, TRY(page_of(asked.query, all, "name")));
}

Handled get_token(const Asked& asked) {
  const std::string& name = asked.path.at("token");
  for (const Token& token : TRY(TRY(tokens_of(asked))->list()))
    if (token.name == name)
      return json_answer(200, token_json(token));
  return Error{ErrorKind::not_found,
               "there is no token '" + base::printable(name.substr(0, 80)) + "'",
               "GET /v1/admin/tokens lists them."};
}

Handled create_token(const Asked& asked) {
  const json& body = asked.body;
  const auto tokens = TRY(tokens_of(asked));
  const admission::NewToken made = TRY(tokens->create(
      {.name = body["name"].get<std::string>(),
       .role = *admission::role_named(body["role"].get_ref<const std::string&>()),
       .stacks = body.value("stacks", std::vector<std::string>{}),
       .lives = TRY(admission::life_of(body.value("expires", admission::life_usual))),
       .by = asked.caller.name}));
  json page = token_json(made.token);
  page["secret"] = made.secret;
  ServedResponse created = json_answer(201, page);
  created.headers.emplace_back("Location", "/v1/admin/tokens/" + made.token.name);
  return created;
}

Handled revoke_token(const Asked& asked) {
  return json_answer(200, token_json(TRY(TRY(tokens_of(asked))->revoke(asked.path.at("token")))));
}

Handled list_audit(const Asked& asked) {
  std::optional<std::uint64_t> before;
  if (const auto cursor = asked.query.find("cursor"); cursor != asked.query.end()) {
    const std::string& text = cursor->second;
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, before.emplace());
    if (read.ec != std::errc{} || read.ptr != end)
      return Error{ErrorKind::invalid_input, "that cursor was not given out here", ""};
  }
  const auto found = TRY(TRY(audit_of(asked))->newest(TRY(limit_of(asked.query)), before));
  json page{{"items", json::array()}, {"next_cursor", nullptr}};
  for (const AuditRecord& record : found.records)
    page["items"].push_back(admission::shown(record));
  if (found.older_before != 0)
    page["next_cursor"] = std::to_string(found.older_before);
  return json_answer(200, page);
}

// It may be long: some of it is read each time that we are asked whether it is done.
Handled verify_audit(const Asked& asked) {
  std::optional<AuditHead> kept;
  if (const auto head = asked.query.find("head"); head != asked.query.end()) {
    kept = admission::head_named(head->second);
    if (!kept)
      return Error{ErrorKind::invalid_input, "that is no head",
                   "Give one back as it was told here, or by 'belay audit --verify'."};
  }
  const auto audit = TRY(audit_of(asked));
  auto check = std::make_shared<admission::AuditCheck>(audit->scan(), kept);
  ServedResponse answer;
  answer.later = [check]() -> std::optional<ServedResponse> {
    const auto read = check->step();
    if (!read && read.error().kind == ErrorKind::corrupt)
      return json_answer(200, {{"is_whole", false},
                               {"problem", read.error().message},
                               {"records", nullptr},
                               {"head", nullptr}});
    if (!read)
      return problem_of(read.error());
    if (!read.value())
      return std::nullopt;
    return json_answer(200, {{"is_whole", true},
                             {"problem", nullptr},
                             {"records", read.value()->head.number},
                             {"head", words_of(read.value()->head)}});
  };
  return answer;
}

} // namespace api
