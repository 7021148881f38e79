#pragma once
// Look: what the checks of one call have in common: what they may see, and where they say it.

#include "domain/preflight.hpp"
#include "domain/stack.hpp"
#include "world/resources.hpp"
#include "world/world.hpp"

#include <functional>
#include <string>
#include <vector>

namespace checks {

using ReadSecret = std::function<base::Result<std::string>(const domain::SecretRef&)>;

struct Look {
  world::World world;
  world::Resources& resources;
  const domain::Stack& stack;
  const ReadSecret& read_secret;
  const domain::PreflightRequest& request;
  std::vector<domain::Finding>& findings;

  bool exists(const std::string& path) const {
    const auto info = world.files.info(path);
    return info && info.value();
  }
  // Itself where it does not exist.
  std::string real_path(const std::string& path) const {
    const auto real = world.files.resolve(path);
    return real ? real.value() : path;
  }
  void say(const char* check, domain::FindingLevel level, std::string text) const {
    findings.push_back({check, level, std::move(text)});
  }
  void ok(const char* check, std::string text) const {
    say(check, domain::FindingLevel::ok, std::move(text));
  }
  void warn(const char* check, std::string text) const {
    say(check, domain::FindingLevel::warning, std::move(text));
  }
  void block(const char* check, std::string text) const {
    say(check, domain::FindingLevel::blocker, std::move(text));
  }
};

// One check each; it says at least one thing when it applies.
void look_at_disk(const Look& look);          // disk
void look_at_memory(const Look& look);        // memory
void look_at_open_files(const Look& look);    // open-files
void look_at_clock(const Look& look);         // clock
void look_at_environment(const Look& look);   // environment
void look_for_placeholders(const Look& look); // placeholders
void look_at_licenses(const Look& look);      // license
void look_at_git(const Look& look);           // git
void look_at_backups(const Look& look);       // backups
void look_at_claims(const Look& look);        // claims
void look_at_other_hands(const Look& look);   // other-hands
void look_at_release_notes(const Look& look); // release-notes
void look_at_window(const Look& look);        // window
void look_at_evidence(const Look& look);      // evidence

} // namespace checks
