#pragma once
// Judge: one statement at its turn, by families of statements. Used by classify.cpp alone.

#include "pgsql/classify.hpp"
#include "pgsql/tree.hpp"

namespace pgsql {

class Judge {
public:
  Judge(Classifier& classifier, Judgement& out) : known_{classifier}, out_{out} {}
  void judge(std::string_view kind, const Json& body);

private:
  using Handler = void (Judge::*)(const Json&);
  struct Row;
  static const std::vector<Row>& table();

  void say(std::string_view rule_name, std::string does);
  void refuse(std::string why, std::string does);
  void alone(std::string_view rule_name, std::string does);
  bool is_new(const Json& range) const; // made by these files
  bool is_new(const std::string& name) const;
  void make(const std::string& name, bool if_not_exists);
  void make_relation(const Json& range, bool if_not_exists);
  bool is_new_function(const std::string& name) const;

  // judge_table.cpp: ALTER TABLE
  void alter_table(const Json& body);
  void alter_one(const Json& command);
  void add_column(const Json& column, bool if_not_exists);
  std::string_view column_rule(const Json& column) const;
  std::string_view check_rule(const Json& column, const Json& condition,
                              const Json* by_default) const;
  void change_column(const Json& command);
  void set_not_null(const std::string& column);
  void drop_default(const std::string& column);
  void add_constraint(const Json& constraint);
  bool are_new_columns(const std::vector<Json>& names, bool all);
  void partition(const Json& command, bool is_attached);

  // judge_create.cpp
  void create_table(const Json& body);
  void create_table_as(const Json& body);
  void create_index(const Json& body);
  void create_view(const Json& body);
  void create_sequence(const Json& body);
  void create_schema(const Json& body);
  void create_function(const Json& body);
  void create_trigger(const Json& body);
  void create_rule(const Json& body);
  void create_policy(const Json& body);
  void create_type(const Json& body);
  void create_domain(const Json& body);
  void create_other(const Json& body);
  void create_extension(const Json& body);
  void create_publication(const Json& body);
  void define(const Json& body);
  void keys_of(const std::string& table, const Json& constraint);

  // judge_change.cpp
  void drop(const Json& body);
  void drop_one(std::string_view type, const std::string& name, bool is_concurrent);
  void rename(const Json& body);
  void set_schema(const Json& body);
  void alter_owner(const Json& body);
  void alter_enum(const Json& body);
  void alter_sequence(const Json& body);
  void alter_domain(const Json& body);
  void alter_other(const Json& body);
  void comment(const Json& body);
  void grant(const Json& body);
  void grant_role(const Json& body);
  void default_privileges(const Json& body);
  void role(const Json& body);

  // judge_data.cpp
  void insert(const Json& body);
  void update(const Json& body);
  void remove(const Json& body);
  void merge(const Json& body);
  void truncate(const Json& body);
  void copy(const Json& body);
  void select(const Json& body);
  void changes(const Json& body, const std::string& does);
  void set_variable(const Json& body);
  void transaction(const Json& body);
  void vacuum(const Json& body);
  void reindex(const Json& body);
  void cluster(const Json& body);
  void refresh(const Json& body);
  void upkeep(const Json& body);
  void code(const Json& body);
  void explain(const Json& body);
  void server(const Json& body);
  void subscription(const Json& body);

  Classifier& known_;
  Judgement& out_;
  std::string table_;     // that ALTER TABLE is about
  bool is_own_ = false;   // and it was made by these files
  std::string_view kind_; // of the statement
};

// "shop.orders" as PostgreSQL takes it back: "shop"."orders".
std::string quoted_name(const Json& range);
std::string last_of(const std::string& dotted);

} // namespace pgsql
