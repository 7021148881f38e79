#include "drivers/postgres/reach.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace drivers::postgres {

using base::Result;

namespace {

// libpq, "Connection Strings": what stands in quotes has \' and \\.
std::string parameter(std::string_view name, std::string_view value) {
  std::string text{name};
  text += "='";
  for (const char c : value) {
    if (c == '\'' || c == '\\')
      text += '\\';
    text += c;
  }
  return text + "'";
}

// ssh hands its words to a shell on the other side, joined by blanks.
bool ends_in_shell(const std::vector<std::string>& through) {
  return !through.empty() && base::name_of_path(through.front()) == "ssh";
}

std::string for_shell(const std::string& word) {
  std::string text{"'"};
  for (const char c : word)
    text += c == '\'' ? std::string{"'\\''"} : std::string{c};
  return text + "'";
}

} // namespace

std::string Reach::connection(const std::string& database, const std::string& application) const {
  std::string text = parameter("dbname", database);
  if (!spec_.host.empty())
    text += " " + parameter("host", spec_.host);
  if (spec_.port != 0)
    text += " " + parameter("port", std::to_string(spec_.port));
  if (!spec_.user.empty())
    text += " " + parameter("user", spec_.user);
  if (!spec_.sslmode.empty())
    text += " " + parameter("sslmode", spec_.sslmode);
  if (!spec_.ssl_root.empty())
    text += " " + parameter("sslrootcert", spec_.ssl_root);
  return text + " " + parameter("application_name", application) + " connect_timeout='15'";
}

Result<world::Command> Reach::command(const std::string& tool,
                                      const std::vector<std::string>& words) const {
  return command_beside(spec_.tools.empty() ? tool : spec_.tools + "/" + tool, words);
}

Result<world::Command> Reach::command_beside(const std::string& program,
                                             const std::vector<std::string>& words) const {
  std::vector<std::string> own{program};
  own.insert(own.end(), words.begin(), words.end());
  return make(std::move(own));
}

Result<world::Command> Reach::make(std::vector<std::string> own) const {
  if (ends_in_shell(spec_.through))
    std::ranges::transform(own, own.begin(), for_shell);
  world::Command command;
  command.argv = spec_.through;
  command.argv.insert(command.argv.end(), own.begin(), own.end());
  command.timeout = spec_.timeout;
  // Messages are read by us: in English, whatever the operator speaks.
  command.environment = {{"LC_ALL", "C.UTF-8"}, {"PGOPTIONS", ""}, {"PGCLIENTENCODING", "UTF8"}};
  if (spec_.password)
    command.environment.emplace_back(
        "PGPASSWORD", TRY_CONTEXT(read_secret_(*spec_.password), "password of the database"));
  return command;
}

std::string said(const world::Output& output) {
  std::string text = base::printable(output.err);
  while (text.ends_with('\n'))
    text.pop_back();
  constexpr std::size_t shown = 600;
  if (text.size() > shown)
    text = "..." + text.substr(text.size() - shown);
  std::ranges::replace(text, '\n', ' ');
  return text.empty() ? "it said nothing on standard error" : text;
}

} // namespace drivers::postgres
