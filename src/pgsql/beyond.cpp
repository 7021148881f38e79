#include "pgsql/beyond.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace pgsql {

namespace {

constexpr std::array<std::string_view, 10> of_server{
    "CreateRoleStmt",        "AlterRoleStmt",          "AlterRoleSetStmt",  "DropRoleStmt",
    "GrantRoleStmt",         "DropOwnedStmt",          "ReassignOwnedStmt", "CreateFdwStmt",
    "CreateUserMappingStmt", "CreateForeignServerStmt"};
constexpr std::array<std::string_view, 6> of_server_objects{
    "OBJECT_DATABASE",     "OBJECT_ROLE",          "OBJECT_TABLESPACE",
    "OBJECT_SUBSCRIPTION", "OBJECT_PARAMETER_ACL", "OBJECT_FOREIGN_SERVER"};
constexpr std::array<std::string_view, 4> verbs{"create", "alter", "drop", "on"};
constexpr std::array<std::string_view, 8> things{
    "role", "user", "group", "database", "tablespace", "system", "subscription", "parameter"};
constexpr std::array<std::string_view, 4> calls{"pg_terminate_backend", "pg_cancel_backend",
                                                "pg_reload_conf", "lo_export"};

template <class List>
bool has(const List& list, std::string_view word) {
  return std::ranges::find(list, word) != list.end();
}

std::vector<std::string> words_of(std::string_view sql) {
  std::vector<std::string> words{""};
  for (const char c : sql) {
    const char low = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if ((low >= 'a' && low <= 'z') || (low >= '0' && low <= '9') || low == '_')
      words.back() += low;
    else if (!words.back().empty())
      words.emplace_back();
  }
  return words;
}

bool is_call(std::string_view word) {
  return has(calls, word) || word.starts_with("dblink") || word.starts_with("http_") ||
         word.starts_with("pg_file_");
}

// GRANT a TO b: of roles, as no ON stands between.
bool is_role_grant(const std::vector<std::string>& words, std::size_t at) {
  if (words[at] != "grant" && words[at] != "revoke")
    return false;
  const std::string_view end = words[at] == "grant" ? "to" : "from";
  for (std::size_t i = at + 1; i < words.size(); ++i) {
    if (words[i] == "on")
      return false;
    if (words[i] == end)
      return true;
  }
  return false;
}

} // namespace

bool tells_of_beyond(std::string_view sql) {
  const auto words = words_of(sql);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool is_pair = i + 1 < words.size() && has(verbs, words[i]) && has(things, words[i + 1]);
    if (is_pair || is_call(words[i]) || words[i] == "program" || is_role_grant(words, i))
      return true;
  }
  return false;
}

bool reaches_beyond(std::string_view kind, const Json& body, std::string_view sql) {
  if (has(of_server, kind))
    return true;
  if (kind == "DoStmt" || kind == "CallStmt" || kind == "ExecuteStmt" || kind == "PrepareStmt")
    return tells_of_beyond(sql);
  for (const char* member : {"objtype", "objectType", "renameType", "removeType"})
    if (has(of_server_objects, text(body, member)))
      return true;
  bool is_found = false;
  each_node(body, [&](std::string_view name, const Json& node) {
    if (name == "FuncCall")
      is_found = is_found || is_call(dotted_name(items(node, "funcname")));
  });
  return is_found;
}

} // namespace pgsql
