#include "engine/context.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace engine {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

Result<Context> Context::open(world::World world, const Settings& settings, Drivers drivers,
                              state::Folder& folder, state::Plan plan) {
  auto log = TRY(journal::Journal::open(world.files, folder.journal_path(plan.operation)));
  const std::vector<std::string> payloads = log.records();
  Context context{world, settings, drivers, folder, std::move(plan), std::move(log)};
  context.state = first_state(context.plan.kind);
  for (const std::string& payload : payloads) {
    const Record record = TRY(decode(payload));
    TRY_CONTEXT(context.take(record), "journal of " + context.plan.operation);
  }
  return context;
}

// Take over what one record says; the journal must be a path through the table.
Result<> Context::take(const Record& record) {
  const Error astray{ErrorKind::corrupt,
                     "record '" + record.step + "' does not follow from what stands before it",
                     "Keep the journal; look at what runs with 'belay status'."};
  if (has_ended)
    return astray;
  if (record.event == RecordEvent::resumed) {
    last_boot = record.boot;
    return ok();
  }
  if (record.event == RecordEvent::end) {
    if (!is_end(state))
      return astray;
    has_ended = true;
    return ok();
  }
  state = skip_unknown(state, record.step);
  if (is_end(state) || row_of(state).name != record.step)
    return astray;
  is_under_way = false;
  if (record.event == RecordEvent::begin) {
    begun.insert(state);
    is_under_way = true;
    last_boot = record.boot;
    return ok();
  }
  baseline = record.baseline.value_or(std::move(baseline));
  releases_to = record.releases_to.value_or(std::move(releases_to));
  snapshots = record.snapshots.value_or(std::move(snapshots));
  ledgers = record.ledgers.value_or(std::move(ledgers));
  expanded = record.expanded.value_or(expanded);
  stores_back = record.stores.value_or(std::move(stores_back));
  abandoned = record.abandoned.value_or(std::move(abandoned));
  if (record.level)
    (state == State::escalate ? level_min
     : state == State::watch  ? level_asked
                              : level) = *record.level;
  if (record.event == RecordEvent::done) {
    if (state == State::hold && !record.detail.empty())
      level_why = record.detail.back();
    state = row_of(state).on_success;
    return ok();
  }
  if (failed_step.empty() && (!is_way_back(state) || state == State::rollback_check)) {
    failed_step = record.step;
    why = record.text;
    failed_in = state;
  }
  state = after_failure(state, record.stays);
  return ok();
}

Record Context::record(RecordEvent event, State step) const {
  Record record;
  record.event = event;
  record.at = base::format_time(world.clock.now());
  if (!is_end(step))
    record.step = row_of(step).name;
  return record;
}

// The words of a record, not what steers the replay: the steps, verdicts and ids stay as they are.
Record Context::without_secrets(Record record) const {
  if (!settings.redact.words || !settings.redact.logs)
    return record;
  const auto clean = [&](std::string& text) { text = settings.redact.words(text); };
  if (record.event != RecordEvent::end)
    clean(record.text);
  clean(record.hint);
  std::ranges::for_each(record.detail, clean);
  for (KeptReading& reading : record.gates)
    clean(reading.detail);
  if (record.baseline)
    for (KeptReading& reading : *record.baseline)
      clean(reading.detail);
  for (LogTail& log : record.logs)
    log.text = settings.redact.logs(log.text);
  return record;
}

Result<> Context::write(const std::vector<Record>& said) {
  std::vector<Record> records;
  std::vector<std::string> payloads;
  payloads.reserve(said.size());
  for (const Record& each : said)
    payloads.push_back(encode(records.emplace_back(without_secrets(each))));
  auto written = log_.append_all(payloads);
  if (!written && written.error().kind == ErrorKind::no_space) {
    TRY(folder.release_reserve(plan.operation));
    written = log_.append_all(payloads);
  }
  if (!written) {
    Error error = std::move(written).error();
    error.hint = "Make the state folder '" + folder.path() +
                 "' writable again, then run 'belay resume': it goes on from here.";
    return error;
  }
  for (const Record& record : records)
    TRY(take(record));
  return ok();
}

Result<Target> Context::target() const {
  Target target;
  const bool is_upgrade = plan.kind == state::OperationKind::upgrade;
  auto point = plan.point.empty() ? Result<state::RestorePoint>{Error{ErrorKind::not_found, "", ""}}
                                  : folder.point(plan.point);
  if (!point && point.error().kind != ErrorKind::not_found)
    return std::move(point).error();
  if (point) {
    const state::RestorePoint& found = point.value();
    target.generation = found.generation;
    target.label = found.label;
    target.releases = found.releases;
    target.config = TRY(folder.point_config(found));
    for (const domain::Snapshot& snapshot : found.snapshots) {
      const auto is_store = [&](const std::string& name) { return name == snapshot.store; };
      // Given up by an earlier way back: its copy is live data now. By this one: we go on with it.
      if (std::ranges::none_of(found.given_up, is_store) ||
          std::ranges::any_of(stores_back, is_store))
        target.snapshots.push_back(snapshot);
    }
    return target;
  }
  // Before the point of an upgrade is written, and for a mere restart: what the generation says.
  const int number = is_upgrade ? plan.generation_from : plan.generation_to;
  if (const auto generation = TRY(folder.generation(number)); generation && number > 0) {
    target.generation = number;
    target.label = generation->label;
    target.releases = generation->releases;
    target.config = TRY(folder.generation_config(*generation));
  }
  return target;
}

const domain::StoreSpec* Context::store(const std::string& name) const {
  const auto found = std::ranges::find(settings.stack.stores, name, &domain::StoreSpec::name);
  return found == settings.stack.stores.end() ? nullptr : &*found;
}

void Context::say(world::EventKind kind, const std::string& text) const {
  world::Event event;
  event.kind = kind;
  event.at = world.clock.now();
  event.operation = plan.operation;
  event.step = is_end(state) ? "" : std::string{row_of(state).name};
  event.text = base::printable(settings.redact.words ? settings.redact.words(text) : text);
  world.events.emit(event);
}

world::Progress Context::progress() const {
  return [this](std::uint64_t done, std::uint64_t total) {
    world::Event event;
    event.kind = world::EventKind::progress;
    event.at = world.clock.now();
    event.operation = plan.operation;
    event.step = is_end(state) ? "" : std::string{row_of(state).name};
    event.done = done;
    event.total = total;
    world.events.emit(event);
  };
}

} // namespace engine
