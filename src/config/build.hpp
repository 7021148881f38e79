#pragma once
// Build: the Stack from values that were read without problems, and what only shows when several
// keys are looked at together.

#include "config/value.hpp"
#include "domain/stack.hpp"

#include <string>
#include <vector>

namespace config {

struct Built {
  domain::Stack stack;
  std::vector<std::string> warnings;
};

// Valid only when no problem was added.
Built build(const Value& root, const std::string& project_folder, Problems& problems);

// Its parts, for build.cpp.
struct Building {
  const Value& root;
  domain::Stack& stack;
  Problems& problems;
  std::vector<std::string>& warnings;
  void warn(Mark mark, const std::string& text) const;
};
std::vector<domain::EnvironmentEntry> build_environment(const Value& section); // of an `env`
domain::ProbeSpec build_probe(const Building& building, const Value& section,
                              const std::string& name);
domain::GateSpec build_ready(const Building& building, const Value& section,
                             const std::string& service);
domain::CheckSpec build_check(const Building& building, const Value& section,
                              const std::string& path);
domain::ProbeSpec build_smoke(const Building& building, const Value& section,
                              const std::string& path);
domain::PreflightSpec build_preflight(const Building& building, const Value& section);
domain::NotifySpec build_notify(const Building& building, const Value& section);
domain::RepositorySpec build_repository(const Building& building, const Value& section);
domain::RedisSpec build_redis(const Building& building, const Value& section);
domain::PostgresSpec build_postgres(const Building& building, const std::string& store,
                                    const Value& section);
domain::BackupPolicy build_backup(const Building& building,
                                  const Value& section); // after the repository
void build_triggers(const Building& building);           // after the probes that they look at
// After checks and smoke tests: the judge names them.
domain::JudgePolicy build_judge(const Building& building);
void check_places(const Building& building); // folders and files inside one another
// A folder that belay writes: never captured by a store, never holding one.
void check_own_folder(const Building& building, const std::string& key, const Value& folder);
void check_placeholders(const Building& building); // {to} and {release} where nobody fills them

// A command's first word with a slash is beside belay.yaml.
std::vector<std::string> project_command(const std::vector<std::string>& words,
                                         const std::string& project_folder);
domain::SecretRef secret_of(std::string_view reference);

} // namespace config
