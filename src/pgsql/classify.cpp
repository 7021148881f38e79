#include "pgsql/classify.hpp"

#include "base/text.hpp"
#include "pgsql/beyond.hpp"
#include "pgsql/judge.hpp"

#include <algorithm>

namespace pgsql {

namespace {

constexpr std::size_t told_max = 60;

// The first words of a statement, on one line.
std::string head_of(const std::string& sql) {
  std::string head;
  for (const char c : sql) {
    const bool is_blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!is_blank)
      head += c;
    else if (!head.empty() && head.back() != ' ')
      head += ' ';
    if (head.size() >= told_max)
      return base::printable(head) + "...";
  }
  return base::printable(head);
}

} // namespace

Kind kind_of(const Judgement& judgement) {
  Kind worst = Kind::additive;
  for (const Finding& finding : judgement.findings)
    worst = std::max(worst, finding.rule->kind);
  return worst;
}

Classifier::Classifier(Catalog catalog) : catalog_{std::move(catalog)} {}

Judgement Classifier::judge(const Piece& piece) {
  Judgement judgement;
  const auto tree = parse(piece);
  if (!tree) {
    judgement.findings.push_back(
        {&rule("not-parsed"), "'" + head_of(piece.sql) + "': " + tree.error().message});
    judgement.reaches_beyond = tells_of_beyond(piece.sql);
    return judgement;
  }
  const std::string_view kind = pgsql::kind_of(tree.value());
  Judge{*this, judgement}.judge(kind, body_of(tree.value()));
  judgement.reaches_beyond = reaches_beyond(kind, body_of(tree.value()), piece.sql);
  if (judgement.findings.empty())
    judgement.findings.push_back({&rule("not-judged"), "'" + head_of(piece.sql) + "'"});
  return judgement;
}

std::string last_of(const std::string& dotted) {
  const auto dot = dotted.rfind('.');
  return dot == std::string::npos ? dotted : dotted.substr(dot + 1);
}

std::string quoted_name(const Json& range) {
  const auto quoted = [](const std::string& name) {
    std::string all = "\"";
    for (const char c : name)
      all += c == '"' ? std::string{"\"\""} : std::string{c};
    return all + "\"";
  };
  const std::string schema = text(range, "schemaname");
  return (schema.empty() ? "" : quoted(schema) + ".") + quoted(text(range, "relname"));
}

struct Judge::Row {
  std::string_view kind;
  Handler handler;
};

const std::vector<Judge::Row>& Judge::table() {
  static const std::vector<Row> rows{
      {"AlterTableStmt", &Judge::alter_table},
      {"CreateStmt", &Judge::create_table},
      {"CreateForeignTableStmt", &Judge::create_other},
      {"CreateTableAsStmt", &Judge::create_table_as},
      {"IndexStmt", &Judge::create_index},
      {"ViewStmt", &Judge::create_view},
      {"CreateSeqStmt", &Judge::create_sequence},
      {"CreateSchemaStmt", &Judge::create_schema},
      {"CreateFunctionStmt", &Judge::create_function},
      {"CreateTrigStmt", &Judge::create_trigger},
      {"RuleStmt", &Judge::create_rule},
      {"CreatePolicyStmt", &Judge::create_policy},
      {"CreateEnumStmt", &Judge::create_type},
      {"CompositeTypeStmt", &Judge::create_other},
      {"CreateRangeStmt", &Judge::create_type},
      {"CreateDomainStmt", &Judge::create_domain},
      {"CreateStatsStmt", &Judge::create_other},
      {"CreateFdwStmt", &Judge::create_other},
      {"CreateForeignServerStmt", &Judge::create_other},
      {"CreateUserMappingStmt", &Judge::create_other},
      {"CreateAmStmt", &Judge::create_other},
      {"CreatePLangStmt", &Judge::create_other},
      {"CreateConversionStmt", &Judge::create_other},
      {"CreateOpFamilyStmt", &Judge::create_other},
      {"CreateExtensionStmt", &Judge::create_extension},
      {"CreatePublicationStmt", &Judge::create_publication},
      {"AlterPublicationStmt", &Judge::create_publication},
      {"DefineStmt", &Judge::define},
      {"DropStmt", &Judge::drop},
      {"RenameStmt", &Judge::rename},
      {"AlterObjectSchemaStmt", &Judge::set_schema},
      {"AlterOwnerStmt", &Judge::alter_owner},
      {"AlterEnumStmt", &Judge::alter_enum},
      {"AlterSeqStmt", &Judge::alter_sequence},
      {"AlterDomainStmt", &Judge::alter_domain},
      {"AlterFunctionStmt", &Judge::alter_other},
      {"AlterTypeStmt", &Judge::alter_other},
      {"AlterPolicyStmt", &Judge::alter_other},
      {"AlterOperatorStmt", &Judge::alter_other},
      {"AlterOpFamilyStmt", &Judge::alter_other},
      {"AlterTSDictionaryStmt", &Judge::alter_other},
      {"AlterTSConfigurationStmt", &Judge::alter_other},
      {"AlterExtensionStmt", &Judge::alter_other},
      {"AlterEventTrigStmt", &Judge::alter_other},
      {"AlterStatsStmt", &Judge::upkeep},
      {"CommentStmt", &Judge::comment},
      {"SecLabelStmt", &Judge::alter_other},
      {"GrantStmt", &Judge::grant},
      {"GrantRoleStmt", &Judge::grant_role},
      {"AlterDefaultPrivilegesStmt", &Judge::default_privileges},
      {"CreateRoleStmt", &Judge::role},
      {"AlterRoleStmt", &Judge::role},
      {"AlterRoleSetStmt", &Judge::role},
      {"DropRoleStmt", &Judge::role},
      {"DropOwnedStmt", &Judge::alter_other},
      {"ReassignOwnedStmt", &Judge::alter_other},
      {"InsertStmt", &Judge::insert},
      {"UpdateStmt", &Judge::update},
      {"DeleteStmt", &Judge::remove},
      {"MergeStmt", &Judge::merge},
      {"TruncateStmt", &Judge::truncate},
      {"CopyStmt", &Judge::copy},
      {"SelectStmt", &Judge::select},
      {"VariableSetStmt", &Judge::set_variable},
      {"TransactionStmt", &Judge::transaction},
      {"VacuumStmt", &Judge::vacuum},
      {"ReindexStmt", &Judge::reindex},
      {"ClusterStmt", &Judge::cluster},
      {"RefreshMatViewStmt", &Judge::refresh},
      {"LockStmt", &Judge::upkeep},
      {"CheckPointStmt", &Judge::upkeep},
      {"VariableShowStmt", &Judge::upkeep},
      {"ConstraintsSetStmt", &Judge::set_variable},
      {"NotifyStmt", &Judge::upkeep},
      {"ExplainStmt", &Judge::explain},
      {"DoStmt", &Judge::code},
      {"CallStmt", &Judge::code},
      {"ExecuteStmt", &Judge::code},
      {"AlterSystemStmt", &Judge::server},
      {"CreatedbStmt", &Judge::server},
      {"DropdbStmt", &Judge::server},
      {"AlterDatabaseStmt", &Judge::server},
      {"AlterDatabaseSetStmt", &Judge::server},
      {"AlterDatabaseRefreshCollStmt", &Judge::server},
      {"CreateTableSpaceStmt", &Judge::server},
      {"DropTableSpaceStmt", &Judge::server},
      {"AlterTableSpaceOptionsStmt", &Judge::server},
      {"CreateSubscriptionStmt", &Judge::subscription},
      {"AlterSubscriptionStmt", &Judge::subscription},
      {"DropSubscriptionStmt", &Judge::subscription},
  };
  return rows;
}

void Judge::judge(std::string_view kind, const Json& body) {
  kind_ = kind;
  const auto found = std::ranges::find(table(), kind, &Row::kind);
  if (found != table().end())
    (this->*found->handler)(body);
}

void Judge::say(std::string_view rule_name, std::string does) {
  out_.findings.push_back({&rule(rule_name), base::printable(does)});
}

void Judge::refuse(std::string why, std::string does) {
  out_.manner = Manner::refused;
  out_.refusal = std::move(why);
  say("outside", std::move(does));
}

void Judge::alone(std::string_view rule_name, std::string does) {
  out_.manner = Manner::alone;
  say(rule_name, std::move(does));
}

bool Judge::is_new(const std::string& name) const {
  const auto dot = name.find('.');
  return known_.relations_.contains(name) ||
         (dot != std::string::npos && known_.schemas_.contains(name.substr(0, dot)));
}

bool Judge::is_new(const Json& range) const {
  return is_new(relation_name(range));
}

void Judge::make(const std::string& name, bool if_not_exists) {
  const bool was_there = if_not_exists && (!known_.catalog_.is_known ||
                                           known_.catalog_.relations.contains(last_of(name)));
  if (!was_there)
    known_.relations_.insert(name);
}

void Judge::make_relation(const Json& range, bool if_not_exists) {
  make(relation_name(range), if_not_exists);
}

bool Judge::is_new_function(const std::string& name) const {
  const auto dot = name.find('.');
  return known_.functions_.contains(name) ||
         (dot != std::string::npos && known_.schemas_.contains(name.substr(0, dot))) ||
         (known_.catalog_.is_known && !known_.catalog_.functions.contains(last_of(name)));
}

} // namespace pgsql
