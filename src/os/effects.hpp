#pragma once
// Effects: where the real World tells that it is about to change something, and that it has.
// For crash tests: a test stops the binary at an exact effect, kills it with -9, and resumes.
// The binary has it always, so that what is tested is what is shipped; it does nothing unless
// asked for by environment variables, which main() reads:
//
//   BELAY_EFFECTS_LOG=FILE   append a line "<n> <name> <path>" for every effect
//   BELAY_PAUSE_AT=N:before|after   stop this process (SIGSTOP) there; N counts from 1.
//                            BELAY_PAUSE_FILE=FILE gets the effect's line first

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace os {

class Effects {
public:
  virtual ~Effects() = default;
  virtual void before(std::string_view name, const std::string& path) = 0;
  virtual void after() = 0;
};

class NoEffects final : public Effects {
public:
  void before(std::string_view, const std::string&) override {}
  void after() override {}
};

struct PauseOptions {
  std::string log_path; // empty: no log
  std::string pause_at; // "12:after", empty: never
  std::string pause_file;
};
std::unique_ptr<Effects> make_effects(const PauseOptions& options);

// One effect in a scope: told before it, and after it when the scope is left.
class EffectScope {
public:
  EffectScope(Effects& effects, std::string_view name, const std::string& path)
      : effects_{effects} {
    effects_.before(name, path);
  }
  ~EffectScope() { effects_.after(); }
  EffectScope(const EffectScope&) = delete;
  EffectScope& operator=(const EffectScope&) = delete;

private:
  Effects& effects_;
};

} // namespace os
