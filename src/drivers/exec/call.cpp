#include "drivers/exec/call.hpp"

#include "base/digest.hpp"
#include "base/text.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace drivers::exec {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using nlohmann::json;
using world::Milliseconds;

namespace {

constexpr Milliseconds glance_max{30'000};
constexpr Milliseconds again_every{1000};
constexpr Milliseconds poll_every{50};
constexpr Milliseconds leave_max{2000}; // for what a call has started, to become its own process
constexpr std::size_t identity_bytes_max = 4096;

// sysexits.h; documented in the protocol.
constexpr int exit_unknown_request = 64;
constexpr int exit_damaged = 65;
constexpr int exit_not_there = 66;
constexpr int exit_not_now = 75;

std::string shortened(const std::string& text) {
  constexpr std::size_t shown = 80;
  return text.size() > shown ? text.substr(0, shown) + "..." : text;
}

std::string last_lines(const world::Output& output) {
  std::string text = base::printable(output.err);
  while (text.ends_with('\n'))
    text.pop_back();
  constexpr std::size_t shown = 600;
  if (text.size() > shown)
    text = "..." + text.substr(text.size() - shown);
  return text.empty() ? "it said nothing on standard error" : text;
}

ErrorKind kind_of_exit(int status) {
  switch (status) {
  case exit_unknown_request: return ErrorKind::invalid_input;
  case exit_damaged: return ErrorKind::corrupt;
  case exit_not_there: return ErrorKind::not_found;
  case exit_not_now: return ErrorKind::unavailable;
  default: return ErrorKind::failed;
  }
}

const char* hint_of_exit(int status) {
  switch (status) {
  case exit_unknown_request: return "The program must know this request: see the driver protocol.";
  case exit_not_now: return "It said 'not now'. Try again later.";
  default: return "";
  }
}

std::string upper_case(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z')
      c = static_cast<char>(c - 'a' + 'A');
  return text;
}

json fields_of(const Site& site, const std::string& folder, const Subject& subject,
               const Request& request, Milliseconds timeout) {
  json fields{
      {"protocol", protocol_version}, {"request", request.name},        {"stack", site.stack},
      {"name", subject.name},         {"project", site.project_folder}, {"folder", folder},
      {"timeout_ms", timeout.count()}};
  for (const auto& [name, value] : request.texts)
    fields[name] = value;
  for (const auto& [name, value] : request.numbers)
    fields[name] = value;
  return fields;
}

Result<std::shared_ptr<const json>> parse(const std::string& whose, const world::Output& output) {
  if (output.out.size() > answer_bytes_max)
    return Error{ErrorKind::invalid_input, whose + " with more than 1 MiB",
                 "Print the answer only; what is for people goes to standard error."};
  auto object = std::make_shared<json>(json::parse(output.out, nullptr, false));
  if (!object->is_object())
    return Error{ErrorKind::invalid_input,
                 whose + " with what is no JSON object: '" +
                     shortened(base::printable(output.out)) + "'",
                 "Print one JSON object and nothing else; what is for people goes to standard "
                 "error."};
  const auto version = object->find("protocol");
  if (version == object->end() || !version->is_number_integer())
    return Error{ErrorKind::invalid_input, whose + " without 'protocol'",
                 "Every answer holds \"protocol\": 1."};
  if (*version != protocol_version)
    return Error{ErrorKind::too_new,
                 whose + " in protocol " + shortened(version->dump()) + ", belay speaks " +
                     std::to_string(protocol_version),
                 "Use the release of the driver that is for this belay."};
  return std::shared_ptr<const json>{std::move(object)};
}

} // namespace

std::string Subject::words() const {
  return "driver '" + driver.argv.front() + "' of " + (kind == "runtime" ? "service" : kind) +
         " '" + name + "'";
}

const json* Answer::find(const std::string& field) const {
  const auto found = object_->find(field);
  return found == object_->end() ? nullptr : &*found;
}

Error Answer::wrong(const std::string& field, const std::string& wanted) const {
  const json* value = find(field);
  if (value == nullptr)
    return {ErrorKind::invalid_input, whose_ + " without '" + field + "'",
            "Add the field; it is " + wanted + "."};
  return {
      ErrorKind::invalid_input,
      whose_ + " with a '" + field + "' that is not " + wanted + ": " +
          shortened(base::printable(value->dump(-1, ' ', false, json::error_handler_t::replace))),
      "Correct the field."};
}

Result<std::string> Answer::identity(const std::string& field) const {
  const json* value = find(field);
  const std::string wanted = "a text of one line";
  if (value == nullptr || !value->is_string())
    return wrong(field, wanted);
  auto text = value->get<std::string>();
  const bool is_plain = std::ranges::none_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (text.empty() || text.size() > identity_bytes_max || !is_plain)
    return wrong(field, wanted);
  return text;
}

Result<std::optional<std::string>> Answer::identity_or_null(const std::string& field) const {
  const json* value = find(field);
  if (value != nullptr && value->is_null())
    return std::optional<std::string>{};
  return std::optional{TRY(identity(field))};
}

Result<bool> Answer::truth(const std::string& field) const {
  const json* value = find(field);
  if (value == nullptr || !value->is_boolean())
    return wrong(field, "true or false");
  return value->get<bool>();
}

Result<std::uint64_t> Answer::number(const std::string& field) const {
  const json* value = find(field);
  if (value == nullptr || !value->is_number_unsigned())
    return wrong(field, "a whole number");
  return value->get<std::uint64_t>();
}

Result<std::uint64_t> Answer::number_or_0(const std::string& field) const {
  return find(field) == nullptr ? Result<std::uint64_t>{0} : number(field);
}

Result<std::string> Answer::text(const std::string& field) const {
  const json* value = find(field);
  if (value == nullptr || !value->is_string())
    return wrong(field, "a text");
  return base::printable(value->get<std::string>());
}

Result<std::string> Answer::text_or_empty(const std::string& field) const {
  return find(field) == nullptr ? Result<std::string>{std::string{}} : text(field);
}

Result<std::vector<std::string>> Answer::texts_or_none(const std::string& field) const {
  std::vector<std::string> all;
  const json* value = find(field);
  if (value == nullptr)
    return all;
  const bool has_form =
      value->is_array() && std::ranges::all_of(*value, [](const json& e) { return e.is_string(); });
  if (!has_form)
    return wrong(field, "a list of texts");
  for (const json& each : *value)
    all.push_back(base::printable(each.get<std::string>()));
  return all;
}

std::string Caller::folder_of(const Subject& subject) const {
  return site_.state_folder + "/drivers/" + subject.kind + "-" + subject.name;
}

std::string Caller::key_of(const Subject& subject) const {
  return base::sha256_hex(folder_of(subject)).substr(0, 16);
}

Result<world::Environment> Caller::environment_of(const Subject& subject, const json& fields) {
  world::Environment environment;
  const auto set = [&](const std::string& name, std::string value) {
    std::erase_if(environment, [&](const auto& entry) { return entry.first == name; });
    environment.emplace_back(name, std::move(value));
  };
  for (const domain::EnvironmentEntry& entry : subject.driver.environment) {
    if (const auto* text = std::get_if<std::string>(&entry.value))
      set(entry.name, base::fill(*text, {{"project", site_.project_folder}}));
    else
      set(entry.name, TRY_CONTEXT(site_.read_secret(std::get<domain::SecretRef>(entry.value)),
                                  "variable '" + entry.name + "'"));
  }
  for (const auto& [name, value] : fields.items())
    set("BELAY_" + upper_case(name), value.is_string() ? value.get<std::string>() : value.dump());
  return environment;
}

// Nobody may still be at work for an earlier call: two at once could undo each other.
Result<> Caller::wait_for_calls(const Subject& subject, Milliseconds limit,
                                const std::string& hint) {
  const auto deadline = world_.clock.monotonic() + limit;
  for (;;) {
    const auto left =
        TRY(world_.processes.find(folder_of(subject) + ".lock", "BELAY_CALL", key_of(subject)));
    if (left.empty())
      return ok();
    if (world_.clock.stop_requested())
      return Error{ErrorKind::interrupted, "interrupted while " + subject.words() + " was at work",
                   "Run 'belay resume' to go on, or 'belay abort' to go back."};
    if (world_.clock.monotonic() >= deadline)
      return Error{ErrorKind::unavailable,
                   subject.words() + ": pid " + std::to_string(left.front().id.pid) +
                       " of an earlier call is still there",
                   hint};
    world_.clock.sleep_for(poll_every);
  }
}

Result<world::Output> Caller::call(const Subject& subject, const Request& request,
                                   Milliseconds timeout) {
  const json fields = fields_of(site_, folder_of(subject), subject, request, timeout);
  world::Command command;
  command.argv = subject.driver.argv;
  for (std::string& word : command.argv)
    word = base::fill(word, {{"project", site_.project_folder}});
  command.argv.push_back(request.name);
  command.working_folder = site_.project_folder;
  command.environment = TRY(environment_of(subject, fields));
  if (request.nature == Nature::change)
    command.environment.emplace_back("BELAY_CALL", key_of(subject));
  command.input = fields.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  command.timeout = timeout;
  command.output_bytes_max = answer_bytes_max + 1;
  return world_.processes.run(command);
}

Result<Answer> Caller::ask(const Subject& subject, const Request& request) {
  const bool changes = request.nature == Nature::change;
  const Milliseconds timeout = request.nature == Nature::glance
                                   ? std::min(glance_max, subject.driver.timeout)
                                   : subject.driver.timeout;
  const std::string doing = subject.words() + ", request '" + request.name + "'";
  const auto deadline = world_.clock.monotonic() + timeout;
  if (changes) {
    TRY(wait_for_calls(subject, timeout, "Wait until it has ended, or end it."));
    TRY(world_.files.create_folders(folder_of(subject)));
  }
  for (;;) {
    const world::Output output = TRY_CONTEXT(call(subject, request, timeout), doing);
    if (output.exit_code == 0) {
      const std::string whose = subject.words() + " answered '" + request.name + "'";
      auto object = TRY(parse(whose, output));
      if (changes)
        TRY(wait_for_calls(subject, leave_max,
                           "What the driver leaves running must not have BELAY_CALL in its "
                           "environment: start it with 'env -u BELAY_CALL'."));
      return Answer{whose, std::move(object)};
    }
    const bool is_over = world_.clock.monotonic() + again_every >= deadline;
    if (!changes || output.exit_code != exit_not_now || is_over)
      return Error{kind_of_exit(output.exit_code),
                   doing + ": exit status " + std::to_string(output.exit_code) + ": " +
                       last_lines(output),
                   hint_of_exit(output.exit_code)};
    if (world_.clock.stop_requested())
      return Error{ErrorKind::interrupted,
                   "interrupted while " + subject.words() + " was not ready",
                   "Run 'belay resume' to go on, or 'belay abort' to go back."};
    world_.clock.sleep_for(again_every);
  }
}

Result<> Caller::check_kind(const Subject& subject) {
  const Answer answer = TRY(ask(subject, {.name = "describe", .nature = Nature::glance}));
  const std::string kind = TRY(answer.identity("kind"));
  if (kind == subject.kind)
    return ok();
  return Error{ErrorKind::invalid_input,
               subject.words() + " is for a " + base::printable(kind) + ", not for a " +
                   subject.kind,
               "Correct `driver:`."};
}

} // namespace drivers::exec
