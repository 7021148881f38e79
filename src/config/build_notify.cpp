// Build, the part for who is told.
#include "base/text.hpp"
#include "config/build.hpp"
#include "config/options_notify.hpp"

#include <algorithm>

namespace config {
namespace {

using domain::NoticeKind;

void check_words(const Building& building, const Value& section) {
  const Value* on = section.find("on");
  if (on == nullptr)
    return;
  const auto known = base::split(notices, ' ');
  for (const std::string& word : on->words)
    if (std::ranges::find(known, word) == known.end()) {
      const auto near = base::nearest(word, known);
      building.problems.add(on->mark, quoted(word) + " is nothing that is told of",
                            near ? "Did you mean '" + *near + "'?"
                                 : "Known are " + base::join(known, ", ") + ".");
    }
}

void check_mail(const Building& building, const Value& section) {
  const Value& server = section.at("smtp");
  if (!server.text.starts_with("smtp://") && !server.text.starts_with("smtps://"))
    building.problems.add(server.mark, quoted(server.text) + " is not a mail server",
                          "Write smtp://host:port or smtps://host:port.");
  std::vector<std::string> addresses = section.at("to").words;
  addresses.push_back(section.at("from").text);
  for (const std::string& address : addresses)
    if (!address.contains('@') || address.find_first_of(" \t\r\n<>") != std::string::npos)
      building.problems.add(section.at("to").mark, quoted(address) + " is not a mail address",
                            "Write it bare, as me@example.org.");
}

} // namespace

domain::NotifySpec build_notify(const Building& building, const Value& section) {
  domain::NotifySpec spec;
  check_words(building, section);
  if (const Value* run = section.find("run")) {
    spec.argv = project_command(run->words, building.stack.project_folder);
  } else if (const Value* url = section.find("webhook")) {
    spec.kind = NoticeKind::webhook;
    spec.url = url->text;
    if (const Value* bearer = section.find("bearer"))
      spec.bearer = secret_of(bearer->text);
  } else {
    check_mail(building, section);
    spec.kind = NoticeKind::mail;
    spec.url = section.at("smtp").text;
    spec.from = section.at("from").text;
    spec.to = section.at("to").words;
    spec.user = section.text_or_empty("user");
    if (const Value* password = section.find("password"))
      spec.password = secret_of(password->text);
  }
  if (const Value* on = section.find("on"))
    spec.on = on->words;
  spec.timeout = section.at("timeout").duration;
  return spec;
}

} // namespace config
