#include "cli/token_command.hpp"

#include "admission/audit.hpp"
#include "admission/tokens.hpp"
#include "base/text.hpp"
#include "cli/access_folder.hpp"
#include "cli/exit_status.hpp"
#include "cli/say.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace cli {

using base::Error;
using base::Result;
using nlohmann::json;

struct TokenCommand::Options {
  CLI::App* create = nullptr;
  CLI::App* list = nullptr;
  CLI::App* revoke = nullptr;
  std::string name;
  std::string role;
  std::vector<std::string> stacks;
  std::string expires = admission::life_usual;
  std::string access;
};

namespace {

json token_json(const char* event, const admission::Token& token) {
  return {{"event", event},
          {"name", token.name},
          {"role", admission::name_of(token.role)},
          {"stacks", token.stacks},
          {"by", token.by},
          {"created", base::format_time(token.created)},
          {"expires", token.expires ? json(base::format_time(*token.expires)) : json()}};
}

std::string words_of(const admission::Token& token) {
  return std::string{admission::name_of(token.role)} + " of " +
         (token.stacks.empty() ? "every stack" : base::join(token.stacks, ", "));
}

std::string until(const admission::Token& token, world::TimePoint now) {
  if (!token.expires)
    return "never expires";
  const std::string at = base::format_time(*token.expires).substr(0, 19) + "Z";
  return (*token.expires <= now ? "expired at " : "expires at ") + at;
}

Result<admission::TokenWish> wish_of(const std::string& name, const std::string& role,
                                     const std::string& expires) {
  admission::TokenWish wish{
      .name = name, .role = *admission::role_named(role), .stacks = {}, .lives = {}, .by = {}};
  wish.lives = TRY(admission::life_of(expires));
  return wish;
}

// What was done with tokens stands beside what was asked for with them.
class TokenAudit {
public:
  TokenAudit(const app::Host& host, const std::string& folder, std::string who)
      : log_{host.world, folder}, who_{std::move(who)} {}

  Result<> begin(const std::string& what, std::vector<std::string> arguments) {
    begun_ = TRY(log_.append(
        {.who = who_, .over = "command line", .what = what, .arguments = std::move(arguments)}));
    return base::ok();
  }
  void end(const std::optional<Error>& failed) {
    if (!begun_)
      return;
    admission::AuditRecord end = *begun_;
    end.is_end = true;
    end.begun = begun_->number;
    end.arguments.clear();
    end.status = failed ? status_of(*failed, false) : exit_done;
    const auto written = log_.append(std::move(end));
    static_cast<void>(written); // it was done: a beginning without an end shows that much
  }

private:
  admission::AuditLog log_;
  std::string who_;
  std::optional<admission::AuditRecord> begun_;
};

template <class Made>
std::optional<Error> error_in(const Result<Made>& made) {
  return made ? std::nullopt : std::optional{made.error()};
}

} // namespace

TokenCommand::~TokenCommand() = default;

TokenCommand::TokenCommand(CLI::App& root) : options_{std::make_unique<Options>()} {
  Options& options = *options_;
  CLI::App* token =
      root.add_subcommand("token", "who may speak to 'belay serve' over TCP, and what each may");
  token->require_subcommand(1);
  token->fallthrough();
  const auto add = [&](const char* name, const char* purpose, const char* footer) {
    CLI::App* sub = token->add_subcommand(name, purpose);
    sub->fallthrough();
    sub->footer(footer);
    sub->add_option("--access", options.access,
                    "folder of the tokens; /var/lib/belay/access for root if left out, else "
                    "~/.local/state/belay/access");
    return sub;
  };
  options.create = add("create", "make a token, and print its secret this once",
                       "The secret alone goes to standard output; belay keeps a digest of it.\n"
                       "Examples:\n"
                       "  belay token create grafana --role viewer > /etc/grafana/belay-token\n"
                       "  belay token create ci --role operator --stack shop --expires 30d");
  options.create->add_option("NAME", options.name, "whose it is")->required();
  options.create
      ->add_option("--role", options.role,
                   "viewer: looks; operator: plans and carries out, too; admin: all")
      ->required()
      ->check(CLI::IsMember({"viewer", "operator", "admin"}));
  options.create
      ->add_option("--stack", options.stacks,
                   "only for this stack; may be given several times; every stack if left out")
      ->allow_extra_args(false);
  options.create->add_option("--expires", options.expires, "after so long, as 30d or 12h, or never")
      ->capture_default_str();
  options.list = add("list", "list them, without their secrets", "Examples:\n  belay token list");
  options.revoke = add("revoke", "let it in no more, from now on",
                       "A daemon that runs refuses it at once; a stream that it follows ends\n"
                       "within seconds. What it began goes on.\n"
                       "Examples:\n  belay token revoke ci");
  options.revoke->add_option("NAME", options.name, "whose it is")->required();
}

std::optional<int> TokenCommand::run(const app::Host& host, const Terminal& terminal,
                                     bool is_json) const {
  const bool is_create = options_->create->parsed();
  const bool is_revoke = options_->revoke->parsed();
  if (!is_create && !is_revoke && !options_->list->parsed())
    return std::nullopt;
  const auto done = [&]() -> Result<> {
    const std::string folder = TRY(access_folder(host, terminal, options_->access));
    const std::string who = "user " + std::to_string(terminal.machine->identity().uid);
    admission::Tokens tokens{host.world, folder};
    TokenAudit audit{host, folder, who};
    if (is_create) {
      admission::TokenWish wish = TRY(wish_of(options_->name, options_->role, options_->expires));
      wish.stacks = options_->stacks;
      wish.by = who;
      TRY(admission::check(wish));
      TRY(audit.begin("token create",
                      {"name=" + wish.name, "role=" + options_->role,
                       "stacks=" + base::join(wish.stacks, ","), "expires=" + options_->expires}));
      const auto created = tokens.create(wish);
      audit.end(error_in(created));
      const admission::NewToken made = TRY(created);
      json line = token_json("token_created", made.token);
      line["secret"] = made.secret;
      print(terminal, is_json ? line_of(line) : made.secret + "\n");
      if (!is_json)
        std::fprintf(terminal.err,
                     "token '%s': %s; %s. Its secret is printed this once, and kept nowhere.\n",
                     wish.name.c_str(), words_of(made.token).c_str(),
                     until(made.token, made.token.created).c_str());
    } else if (is_revoke) {
      // Whoever has lost a token wants it dead, log or no log.
      if (const auto written = audit.begin("token revoke", {"name=" + options_->name}); !written)
        say(terminal, written.error());
      const auto revoked = tokens.revoke(options_->name);
      audit.end(error_in(revoked));
      const admission::Token gone = TRY(revoked);
      print(terminal, is_json ? line_of(token_json("token_revoked", gone))
                              : "token '" + gone.name + "' is revoked: it is let in no more\n");
    } else {
      for (const admission::Token& token : TRY(tokens.list()))
        print(terminal, is_json ? line_of(token_json("token", token))
                                : token.name + ": " + words_of(token) + "; " +
                                      until(token, host.world.clock.now()) + "; made by " +
                                      base::printable(token.by) + "\n");
    }
    return base::ok();
  };
  const auto ended = done();
  return ended ? exit_done
               : fail(terminal, ended.error(), status_of(ended.error(), false), is_json);
}

} // namespace cli
