#include "errands/desk.hpp"

#include "base/digest.hpp"
#include "base/text.hpp"

#include <algorithm>

namespace errands {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using nlohmann::json;

namespace {

constexpr auto plan_lives = std::chrono::minutes{15};
constexpr std::size_t errands_kept = 100; // of those that do not run
constexpr std::size_t plan_bytes_max = 8U << 20U;
constexpr auto lock_waits = std::chrono::seconds{10};
constexpr auto lock_poll = std::chrono::milliseconds{20};
constexpr std::size_t log_end_bytes = 256U << 10U;
constexpr std::size_t lines_bytes_max = 64U << 10U;

std::string record_path(const std::string& folder) {
  return folder + "/errand.json";
}
std::string plan_path(const std::string& folder) {
  return folder + "/plan.json";
}

Error no_such(const std::string& id) {
  return {ErrorKind::not_found,
          "there is no operation or plan '" + id + "' that was asked for here",
          "The last hundred are kept of each stack. What was typed is in the history."};
}

// Who holds this takes an order, and nobody else of the same stack: so nothing is begun twice.
Result<std::unique_ptr<world::Lock>> lock(const Place& place) {
  world::World world = place.host.world;
  const std::string folder = errands_folder(place);
  TRY(world.files.create_folders(folder));
  const world::Milliseconds deadline = world.clock.monotonic() + lock_waits;
  for (;;) {
    auto held = world.files.lock(folder + "/lock", R"({"does":"takes an order"})");
    if (held || held.error().kind != ErrorKind::conflict)
      return held;
    if (world.clock.monotonic() >= deadline)
      return Error{ErrorKind::conflict,
                   "another order for stack '" + place.stack +
                       "' is being taken, and has been for ten seconds",
                   "Ask again."};
    world.clock.sleep_for(lock_poll);
  }
}

// The oldest of those that do not run go, so that there is a place for `id`.
Result<> trim(const Place& place, const std::string& id) {
  std::size_t kept = 1;
  for (const ErrandView& view : TRY(Desk{place}.list()))
    if (view.errand.id != id && view.stage != Stage::running && ++kept > errands_kept)
      TRY(place.host.world.trees.remove(errands_folder(place) + "/" + view.errand.id));
  return ok();
}

} // namespace

Planning::Planning(Place place, std::string kind, std::string face, std::string path, Call call)
    : place_{std::move(place)}, kind_{std::move(kind)}, face_{std::move(face)},
      path_{std::move(path)}, call_{std::move(call)} {}

Result<Planning> Planning::begin(const Place& place, const std::string& kind,
                                 const std::vector<std::string>& arguments,
                                 const std::string& face) {
  world::World world = place.host.world;
  const std::string folder = errands_folder(place) + "/plans";
  TRY(world.files.create_folders(folder));
  const std::string path =
      folder + "/" + base::compact_time(world.clock.now()) + "-" + world.random.hex(8);
  std::vector<std::string> all{kind == "upgrade" ? "plan" : "rollback", place.stack};
  all.insert(all.end(), arguments.begin(), arguments.end());
  all.insert(all.end(), {"--out", path});
  Call call = TRY(Call::begin(place, all));
  return Planning{place, kind, face, path, std::move(call)};
}

Result<std::optional<Planning::Made>> Planning::poll() {
  const auto said = TRY(call_.poll());
  if (!said)
    return std::optional<Made>{};
  world::World world = place_.host.world;
  const auto text = world.files.read(path_, plan_bytes_max);
  if (!text)
    return error_of(*said);
  TRY(world.files.remove(path_));
  Made made;
  made.plan = json::parse(text.value(), nullptr, false);
  if (!made.plan.is_object() || !made.plan.contains("operation") ||
      !made.plan["operation"].is_string() || !made.plan.contains("blockers"))
    return error_of(*said);
  Errand& errand = made.errand;
  errand.id = made.plan["operation"].get<std::string>();
  CHECK(is_id(errand.id));
  errand.kind = kind_;
  errand.stack = place_.stack;
  errand.face = face_;
  errand.at = world.clock.now();
  errand.expires = errand.at + plan_lives;
  errand.digest = base::sha256_hex(text.value());
  const std::string folder = errands_folder(place_) + "/" + errand.id;
  TRY(trim(place_, errand.id));
  TRY(world.files.create_folders(folder));
  TRY(world.files.replace(plan_path(folder), text.value()));
  TRY(world.files.replace(record_path(folder), to_json(errand)));
  return std::optional{std::move(made)};
}

json shown(const Planning::Made& made) {
  return {{"id", made.errand.id},
          {"digest", made.errand.digest},
          {"kind", made.errand.kind},
          {"stack", made.errand.stack},
          {"expires_at", base::format_time(*made.errand.expires)},
          {"is_blocked", made.is_blocked()},
          {"plan", made.plan}};
}

Result<Errand> Desk::read(const std::string& id) const {
  if (!is_id(id))
    return no_such(base::printable(id.substr(0, 64)));
  const auto text = place_.host.world.files.read(record_path(folder_of(id)), 64U << 10U);
  if (!text)
    return text.error().kind == ErrorKind::not_found ? no_such(id) : text.error();
  Errand errand = TRY(errand_from_json(text.value()));
  if (errand.id != id)
    return no_such(id);
  return errand;
}

Result<json> Desk::plan_of(const std::string& id) const {
  const Errand errand = TRY(read(id));
  if (errand.digest.empty())
    return no_such(id);
  world::Files& files = place_.host.world.files;
  const std::string text = TRY(files.read(plan_path(folder_of(id)), plan_bytes_max));
  return json::parse(text, nullptr, false);
}

Result<ErrandView> Desk::apply(const std::string& id, const std::string& digest) {
  TRY(read(id));
  const auto held = TRY(lock(place_));
  Errand errand = TRY(read(id));
  world::World world = place_.host.world;
  if (errand.digest.empty())
    return no_such(id);
  if (errand.digest != digest)
    return Error{ErrorKind::conflict, "the digest is not that of plan '" + id + "'",
                 "Plan again, look at what comes back, and apply that with its own digest."};
  const std::string folder = folder_of(id);
  if (errand.began)
    return look(id);
  const std::string text = TRY(world.files.read(plan_path(folder), plan_bytes_max));
  if (base::sha256_hex(text) != errand.digest)
    return Error{ErrorKind::conflict, "plan '" + id + "' is not as it was shown", "Plan again."};
  if (world.clock.now() >= *errand.expires)
    return Error{ErrorKind::conflict, "plan '" + id + "' has expired",
                 "Plan again: things may have changed in these fifteen minutes."};
  const json plan = json::parse(text, nullptr, false);
  if (!plan.is_object() || !plan.contains("blockers") || !plan["blockers"].empty())
    return Error{ErrorKind::conflict, "plan '" + id + "' is blocked: nothing can be begun",
                 "Remove what its blockers name, then plan again."};
  errand.began = world.clock.now();
  TRY(run(errand, {errand.kind, "--plan", plan_path(folder)}));
  return look(id);
}

Result<ErrandView> Desk::begin(const std::string& kind, const std::vector<std::string>& arguments,
                               const std::string& face, const std::string& key) {
  const auto held = TRY(lock(place_));
  world::World world = place_.host.world;
  if (!key.empty())
    for (const ErrandView& view : TRY(list()))
      if (view.errand.key == key) {
        if (view.errand.kind == kind && view.errand.asked == base::join(arguments, "\n"))
          return view;
        return Error{ErrorKind::conflict, "that idempotency key was used for something else",
                     "Use a new one for each request."};
      }
  Errand errand{.id = kind.substr(0, 1) + "-" + base::compact_time(world.clock.now()) + "-" +
                      world.random.hex(4),
                .kind = kind,
                .stack = place_.stack,
                .at = world.clock.now(),
                .face = face,
                .key = key,
                .asked = base::join(arguments, "\n"),
                .expires = {},
                .digest = {},
                .began = world.clock.now(),
                .process = {}};
  TRY(world.files.create_folders(folder_of(errand.id)));
  std::vector<std::string> all{kind};
  all.insert(all.end(), arguments.begin(), arguments.end());
  TRY(run(errand, all));
  return look(errand.id);
}

// The record says that it began before it does: who finds no process then knows that it died.
Result<> Desk::run(Errand errand, const std::vector<std::string>& arguments) {
  world::Files& files = place_.host.world.files;
  TRY(trim(place_, errand.id));
  const std::string folder = folder_of(errand.id);
  TRY(files.replace(record_path(folder), to_json(errand)));
  errand.process = TRY(start(place_, folder, arguments));
  return files.replace(record_path(folder), to_json(errand));
}

Result<ErrandView> Desk::look(const std::string& id) const {
  world::World world = place_.host.world;
  ErrandView view;
  view.errand = TRY(read(id));
  const std::string folder = folder_of(id);
  if (!view.errand.began) {
    view.has_expired = view.errand.expires && world.clock.now() >= *view.errand.expires;
    return view;
  }
  // The process first: one that ends while we look leaves its status before it goes.
  const bool is_alive = view.errand.process ? TRY(world.processes.is_alive(*view.errand.process))
                                            : TRY(is_alive_in(place_, folder));
  view.stage = is_alive ? Stage::running : Stage::ended;
  if (!is_alive)
    view.status = status_in(world.files, folder);
  const auto begin = world.files.read_start(folder + "/log", lines_bytes_max);
  const auto end = world.files.read_end(folder + "/log", log_end_bytes);
  if (begin && end && begin.value().size() == lines_bytes_max) // the first lines may be gone there
    view.has_begun_operation = begin.value().find("\"operation_begun\"") != std::string::npos;
  take_log(view, end ? end.value() : "");
  return view;
}

Result<std::vector<ErrandView>> Desk::list() const {
  std::vector<ErrandView> all;
  world::Files& files = place_.host.world.files;
  if (!TRY(files.info(errands_folder(place_))))
    return all;
  for (const std::string& name : TRY(files.list(errands_folder(place_))))
    if (auto view = look(name)) // what is harmed, or no errand, is not in the way of the others
      all.push_back(std::move(view).value());
  std::ranges::stable_sort(all, [](const ErrandView& a, const ErrandView& b) {
    return a.errand.at != b.errand.at ? a.errand.at > b.errand.at : a.errand.id > b.errand.id;
  });
  return all;
}

Result<Desk::Lines> Desk::lines(const std::string& id, std::uint64_t offset) const {
  TRY(read(id));
  Lines found{.lines = {}, .next = offset};
  auto text = place_.host.world.files.read_range(folder_of(id) + "/log", offset, lines_bytes_max);
  if (!text)
    return found; // nothing was printed yet
  std::size_t from = 0;
  for (std::size_t to = text.value().find('\n'); to != std::string::npos;
       to = text.value().find('\n', from)) {
    const std::string line = text.value().substr(from, to - from);
    from = to + 1;
    found.next = offset + from;
    if (line.starts_with('{') && json::accept(line))
      found.lines.emplace_back(found.next, line);
  }
  if (from == 0 && text.value().size() == lines_bytes_max)
    found.next = offset + lines_bytes_max; // no line of ours is so long: it is passed over
  return found;
}

} // namespace errands
