// Handlers that only look.

#include "api/handlers.hpp"
#include "base/text.hpp"
#include "errands/call.hpp"
#include "errands/errand.hpp"
#include "state/folder.hpp"

#include <algorithm>

namespace api {

using base::Error;
using base::ErrorKind;
using base::Result;
using errands::Said;
using nlohmann::json;
using world::ServedResponse;

namespace {

constexpr std::size_t limit_usual = 50;
constexpr std::size_t limit_max = 200;

json text_or_null(const std::string& text) {
  return text.empty() ? json() : json(text);
}

json time_or_null(const std::optional<world::TimePoint>& at) {
  return at ? json(base::format_time(*at)) : json();
}

// What `belay --json ARGUMENTS` says, later: it may take its time.
Handled ask(const Asked& asked, const std::vector<std::string>& arguments,
            std::function<Result<json>(Said)> shape) {
  auto call =
      std::make_shared<errands::Call>(TRY(errands::Call::begin(TRY(place_of(asked)), arguments)));
  ServedResponse answer;
  answer.later = [call, shape = std::move(shape)]() -> std::optional<ServedResponse> {
    auto said = call->poll();
    if (!said)
      return problem_of(said.error());
    if (!said.value())
      return std::nullopt;
    if (said.value()->status != 0)
      return problem_of(errands::error_of(*said.value()));
    const auto page = shape(*std::move(said).value());
    return page ? json_answer(200, page.value()) : problem_of(page.error());
  };
  return answer;
}

// `asked` is gone when the answer comes: what a page needs of it is kept.
std::function<Result<json>(Said)> page_later(const Asked& asked, const char* key) {
  return [query = asked.query, key](Said said) -> Result<json> {
    json items = json::array();
    for (json& line : said.lines)
      if (!line.contains("event"))
        items.push_back(std::move(line));
    return page_of(query, items, key);
  };
}

Result<json> first_line(Said said) {
  if (said.lines.empty())
    return Error{ErrorKind::failed, "belay said nothing", ""};
  return std::move(said.lines.front());
}

json check_words(const serve::StackView& view, world::TimePoint now) {
  json words = json::object();
  for (const serve::Check& check : serve::checks_of(view, now))
    words[check.name] = serve::name_of(check.health);
  return words;
}

std::string status_of(const serve::StackView& view, world::TimePoint now) {
  return std::string{serve::name_of(serve::worst_of(serve::checks_of(view, now)))};
}

// One stack as it is now: the board is up to a minute old.
struct Fresh {
  serve::StackView view;
  json points; // how many restore points are on this machine; null when that cannot be told
};

Fresh seen_afresh(const Asked& asked, const serve::StackView& seen) {
  Fresh fresh{.view = seen, .points = {}};
  app::Host host = asked.site.host;
  host.config_path = seen.config_path;
  const auto place = errands::place_of(host, asked.site.program);
  if (!place)
    return fresh;
  world::World world = host.world;
  const std::string& folder = place.value().state_folder;
  if (auto last = state::read_last_backup(world.files, folder))
    fresh.view.last_backup = std::move(last).value();
  fresh.view.operation = app::in_progress(host);
  fresh.view.is_abandoned_by_owner =
      !fresh.view.operation.empty() && app::owner_at_work(host).empty();
  const auto opened = state::Folder::open(world, folder);
  const auto ids = opened ? opened.value().point_ids() : opened.error();
  if (ids)
    fresh.points = std::ranges::count_if(
        ids.value(), [](const std::string& id) { return id.starts_with("p-"); });
  return fresh;
}

json stack_of(const Asked& asked, const Fresh& fresh) {
  return {{"stack", fresh.view.stack},
          {"config", fresh.view.config_path},
          {"status", status_of(fresh.view, asked.now)},
          {"problem", text_or_null(fresh.view.config_problem)},
          {"operation", text_or_null(fresh.view.operation)}};
}

json summary_of(const Asked& asked, const Fresh& fresh) {
  const serve::StackView& view = fresh.view;
  json running;
  json next_backup;
  for (const serve::RoutineView& routine : view.routines) {
    if (routine.record.is_running())
      running = routine.record.name;
    if (routine.record.name == "backup")
      next_backup = time_or_null(routine.next);
  }
  json last;
  if (view.last_backup)
    last = {{"at", base::format_time(view.last_backup->at)},
            {"point", view.last_backup->point},
            {"bytes", view.last_backup->bytes},
            {"has_copy", view.last_backup->has_copy}};
  return {{"stack", view.stack},
          {"status", status_of(view, asked.now)},
          {"checks", check_words(view, asked.now)},
          {"running", running},
          {"operation", text_or_null(view.operation)},
          {"is_operation_abandoned", view.is_abandoned_by_owner},
          {"last_backup", last},
          {"next_backup", next_backup},
          {"restore_points", fresh.points}};
}

// A page of stacks, each told by `tell`.
Handled page_of_stacks(const Asked& asked, json (*tell)(const Asked&, const Fresh&)) {
  json names = json::array();
  for (const serve::StackView& view : asked.board.stacks)
    names.push_back({{"stack", view.stack}});
  json page = TRY(page_of(asked.query, names, "stack"));
  for (json& item : page["items"]) {
    const auto found = std::ranges::find(asked.board.stacks, item["stack"].get<std::string>(),
                                         &serve::StackView::stack);
    item = tell(asked, seen_afresh(asked, *found));
  }
  return json_answer(200, page);
}

} // namespace

Result<errands::Place> place_of(const Asked& asked) {
  const std::string& name = asked.path.at("stack");
  const auto found = std::ranges::find(asked.board.stacks, name, &serve::StackView::stack);
  if (found == asked.board.stacks.end())
    return Error{ErrorKind::not_found,
                 "there is no stack '" + base::printable(name.substr(0, 64)) + "' here",
                 "GET /v1/stacks lists them."};
  app::Host host = asked.site.host;
  host.config_path = found->config_path;
  errands::Place place = TRY(errands::place_of(std::move(host), asked.site.program));
  if (place.stack != name)
    return Error{ErrorKind::not_found, "stack '" + name + "' has another name by now", ""};
  return place;
}

Result<std::size_t> limit_of(const Query& query) {
  std::size_t limit = limit_usual;
  if (const auto wanted = query.find("limit"); wanted != query.end())
    limit = std::stoul(wanted->second);
  if (limit == 0 || limit > limit_max)
    return Error{ErrorKind::invalid_input, "'limit' is from 1 to 200", ""};
  return limit;
}

Result<json> page_of(const Query& query, const json& items, const char* key) {
  const std::size_t limit = TRY(limit_of(query));
  std::size_t from = 0;
  if (const auto cursor = query.find("cursor"); cursor != query.end()) {
    while (from < items.size() && items[from][key] != cursor->second)
      ++from;
    if (from++ == items.size())
      return Error{ErrorKind::invalid_input, "what that cursor stands for is there no more",
                   "Begin again without it."};
  }
  json page{{"items", json::array()}, {"next_cursor", nullptr}};
  for (std::size_t i = from; i < std::min(items.size(), from + limit); ++i)
    page["items"].push_back(items[i]);
  if (from + limit < items.size())
    page["next_cursor"] = items[from + limit - 1][key];
  return page;
}

Handled list_stacks(const Asked& asked) {
  return page_of_stacks(asked, stack_of);
}

Handled get_stack(const Asked& asked) {
  return ask(asked, {"status"}, first_line);
}

Handled list_points(const Asked& asked) {
  return ask(asked, {"points"}, page_later(asked, "id"));
}

Handled get_schedule(const Asked& asked) {
  return ask(asked, {"schedule"}, [](Said said) -> Result<json> {
    return json{{"routines", said.lines}};
  });
}

Handled list_reports(const Asked& asked) {
  return ask(asked, {"history"}, page_later(asked, "operation"));
}

Handled get_report(const Asked& asked) {
  const std::string& id = asked.path.at("operation");
  if (!errands::is_id(id))
    return Error{ErrorKind::not_found, "that is no id of an operation", ""};
  return ask(asked, {"report", id}, first_line);
}

Handled get_summary(const Asked& asked) {
  return page_of_stacks(asked, summary_of);
}

Handled get_openapi(const Asked& asked) {
  ServedResponse answer = json_answer(200, json::object());
  answer.body = openapi(asked.board.version);
  return answer;
}

} // namespace api
