#pragma once
// Audit command: `belay audit`: who asked this user's daemon for what, and who made its tokens.

#include "app/app.hpp"
#include "cli/cli.hpp"

#include <memory>
#include <optional>

namespace CLI {
class App;
}

namespace cli {

class AuditCommand {
public:
  explicit AuditCommand(CLI::App& root);
  ~AuditCommand();
  AuditCommand(const AuditCommand&) = delete;
  AuditCommand& operator=(const AuditCommand&) = delete;

  // The exit status when the command line asked for it.
  std::optional<int> run(const app::Host& host, const Terminal& terminal, bool is_json) const;

private:
  struct Options;
  base::Result<> show(const app::Host& host, const Terminal& terminal, bool is_json) const;
  base::Result<> verify(const app::Host& host, const Terminal& terminal, bool is_json) const;
  std::unique_ptr<Options> options_;
};

} // namespace cli
