// Handlers of plans and operations: the two-call rule.

#include "api/handlers.hpp"
#include "base/text.hpp"
#include "errands/desk.hpp"
#include "state/routines.hpp"

#include <algorithm>

namespace api {

using base::Error;
using base::ErrorKind;
using base::Result;
using errands::Desk;
using errands::ErrandView;
using errands::Place;
using errands::Stage;
using nlohmann::json;
using world::ServedResponse;

namespace {

constexpr const char* face = "http";
constexpr auto wait_for_begin = std::chrono::seconds{30};
constexpr auto look_again = world::Milliseconds{200};
constexpr auto beat = std::chrono::seconds{15}; // that who listens is known to be there

std::string text_of(const json& body, const char* name) {
  const auto found = body.find(name);
  return found == body.end() ? "" : found->get<std::string>();
}

std::string address_of(const Place& place, const char* what, const std::string& id) {
  return "/v1/stacks/" + place.stack + "/" + what + "/" + id;
}

ServedResponse accepted(const Place& place, const ErrandView& view) {
  ServedResponse answer = json_answer(202, errands::shown(view));
  answer.headers.emplace_back("Location", address_of(place, "operations", view.errand.id));
  return answer;
}

// Answers when the operation is in the journal, or why it is not.
Handled apply(const Asked& asked, const Place& place) {
  const std::string id = text_of(asked.body, "plan");
  const std::string digest = text_of(asked.body, "digest");
  if (id.empty() || digest.empty())
    return Error{ErrorKind::invalid_input, "'plan' and 'digest' say what is to be carried out",
                 "POST a plan first, and take both from the answer."};
  TRY(Desk{place}.apply(id, digest));
  const auto late = place.host.world.clock.monotonic() + wait_for_begin;
  ServedResponse answer;
  answer.later = [place, id, late]() -> std::optional<ServedResponse> {
    const auto view = Desk{place}.look(id);
    if (!view)
      return problem_of(view.error());
    const bool is_begun = view.value().has_begun_operation;
    if (view.value().stage == Stage::ended && !is_begun)
      return problem(409, "nothing was begun: " + view.value().detail, view.value().hint);
    if (!is_begun && place.host.world.clock.monotonic() < late)
      return std::nullopt;
    return accepted(place, view.value());
  };
  return answer;
}

Result<std::string> point_to_verify(const Asked& asked, const Place& place) {
  std::string point = text_of(asked.body, "point");
  if (point.empty())
    if (const auto last = TRY(state::read_last_backup(place.host.world.files, place.state_folder)))
      point = last->point;
  if (!errands::is_id(point))
    return Error{ErrorKind::not_found, "there is no such restore point in a repository",
                 "Take one whose places are not only 'local', or take one first."};
  return point;
}

Result<std::string> point_named(const Asked& asked) {
  std::string point = text_of(asked.body, "point");
  if (!errands::is_id(point) || !point.starts_with("p-"))
    return Error{ErrorKind::invalid_input, "'point' must be the id of a restore point",
                 "GET .../points lists them."};
  return point;
}

Error no_member(const std::string& kind, const std::string& name) {
  return {ErrorKind::invalid_input, "a '" + kind + "' has no '" + name + "'", ""};
}

// Where a copy is brought to is ours to say, never a path of who asks. The stack is named: several
// may share a repository, and a token may be for one of them alone.
Result<std::vector<std::string>> arguments_of_restore(const Asked& asked, const Place& place) {
  const std::string point = TRY(point_named(asked));
  const std::string store = text_of(asked.body, "store");
  const std::string target = place.state_folder + "/restored/" + point;
  if (store.empty())
    return std::vector<std::string>{place.stack, point, "--into=" + target};
  if (!errands::is_id(store))
    return Error{ErrorKind::invalid_input, "'store' must be the name of a store", ""};
  return std::vector<std::string>{place.stack, point, "--into=" + target + "-" + store,
                                  "--store=" + store};
}

// What belay is told to do, behind the name of the command.
Result<std::vector<std::string>> command_arguments(const Asked& asked, const Place& place,
                                                   const std::string& kind) {
  const bool has_point = asked.body.contains("point");
  if (asked.body.contains("store") && kind != "restore")
    return no_member(kind, "store");
  if (kind == "restore")
    return arguments_of_restore(asked, place);
  if (kind == "verify")
    return std::vector<std::string>{TRY(point_to_verify(asked, place))};
  if (has_point && kind != "drill")
    return no_member(kind, "point");
  if (has_point)
    return std::vector<std::string>{"--point=" + TRY(point_named(asked))};
  if (kind == "forget")
    return std::vector<std::string>{"--stack"};
  return std::vector<std::string>{};
}

std::string event_of(std::uint64_t offset, const std::string& name, const std::string& data) {
  return "id: " + std::to_string(offset) + "\nevent: " + name + "\ndata: " + data + "\n\n";
}

std::string name_in(const std::string& line) {
  const json event = json::parse(line, nullptr, false);
  const auto found = event.find("event");
  const std::string name =
      found != event.end() && found->is_string() ? found->get<std::string>() : "line";
  return errands::is_id(name) ? name : "line";
}

// What an operation tells, as it comes.
class Follower {
public:
  Follower(Place place, std::string id, std::uint64_t offset)
      : place_{std::move(place)}, id_{std::move(id)}, offset_{offset},
        beat_at_{place_.host.world.clock.monotonic()} {}

  std::optional<std::string> next() {
    if (has_ended_)
      return std::nullopt;
    const auto now = place_.host.world.clock.monotonic();
    if (now < look_at_)
      return "";
    look_at_ = now + look_again;
    // Whether it has ended first: what it said last is read after that.
    const auto view = Desk{place_}.look(id_);
    const auto lines = Desk{place_}.lines(id_, offset_);
    if (!view || !lines)
      return std::nullopt;
    std::string text;
    for (const auto& [offset, line] : lines.value().lines)
      text += event_of(offset, name_in(line), line);
    const bool is_more = lines.value().next != offset_;
    offset_ = lines.value().next;
    if (is_more)
      look_at_ = now;
    else if (view.value().stage == Stage::ended)
      return end(view.value());
    if (text.empty() && now - beat_at_ >= beat)
      text = ": still here\n\n";
    if (!text.empty())
      beat_at_ = now;
    return text;
  }

private:
  std::string end(const ErrandView& view) {
    has_ended_ = true;
    return event_of(offset_, "end",
                    errands::shown(view).dump(-1, ' ', false, json::error_handler_t::replace));
  }
  Place place_;
  std::string id_;
  std::uint64_t offset_;
  world::Milliseconds look_at_{0};
  world::Milliseconds beat_at_;
  bool has_ended_ = false;
};

} // namespace

Handled create_plan(const Asked& asked) {
  const Place place = TRY(place_of(asked));
  const std::string kind = text_of(asked.body, "kind");
  const std::string to = text_of(asked.body, "to");
  const std::string level = text_of(asked.body, "level");
  if (kind == "upgrade" && (to.empty() || !level.empty()))
    return Error{ErrorKind::invalid_input, "an upgrade has 'to', and no 'level'", ""};
  std::vector<std::string> arguments;
  if (!to.empty())
    arguments.push_back("--to=" + to);
  if (!level.empty())
    arguments.push_back("--level=" + level);
  auto planning = std::make_shared<errands::Planning>(
      TRY(errands::Planning::begin(place, kind, arguments, face)));
  ServedResponse answer;
  answer.later = [planning, place]() -> std::optional<ServedResponse> {
    const auto made = planning->poll();
    if (!made)
      return problem_of(made.error());
    if (!made.value())
      return std::nullopt;
    ServedResponse created = json_answer(201, errands::shown(*made.value()));
    created.headers.emplace_back("Location", address_of(place, "plans", made.value()->errand.id));
    return created;
  };
  return answer;
}

Handled get_plan(const Asked& asked) {
  const Place place = TRY(place_of(asked));
  const Desk desk{place};
  const std::string& id = asked.path.at("plan");
  const ErrandView view = TRY(desk.look(id));
  json plan = errands::shown(errands::Planning::Made{view.errand, TRY(desk.plan_of(id))});
  plan["state"] = errands::shown(view)["state"];
  return json_answer(200, plan);
}

Handled create_operation(const Asked& asked) {
  const Place place = TRY(place_of(asked));
  const std::string kind = text_of(asked.body, "kind");
  if (kind == "apply")
    return apply(asked, place);
  const auto arguments = TRY(command_arguments(asked, place, kind));
  return accepted(place, TRY(Desk{place}.begin(kind, arguments, face, asked.key)));
}

Handled list_operations(const Asked& asked) {
  json all = json::array();
  for (const ErrandView& view : TRY(Desk{TRY(place_of(asked))}.list()))
    all.push_back(errands::shown(view));
  return json_answer(200, TRY(page_of(asked.query, all, "id")));
}

Handled get_operation(const Asked& asked) {
  const Desk desk{TRY(place_of(asked))};
  return json_answer(200, errands::shown(TRY(desk.look(asked.path.at("operation")))));
}

Handled follow_operation(const Asked& asked) {
  const Place place = TRY(place_of(asked));
  const std::string& id = asked.path.at("operation");
  if (const ErrandView view = TRY(Desk{place}.look(id)); view.stage == Stage::planned)
    return Error{ErrorKind::conflict, "the plan was not begun: there is nothing to follow", ""};
  const std::string& last = asked.last_event;
  if (last.size() > 15 || !std::ranges::all_of(last, [](char c) { return c >= '0' && c <= '9'; }))
    return Error{ErrorKind::invalid_input, "that Last-Event-ID was not given out here", ""};
  auto follower = std::make_shared<Follower>(place, id, last.empty() ? 0 : std::stoull(last));
  ServedResponse answer;
  answer.content_type = "text/event-stream";
  answer.more = [follower] { return follower->next(); };
  return answer;
}

} // namespace api
