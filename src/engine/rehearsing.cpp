#include "engine/rehearsing.hpp"

#include "base/digest.hpp"
#include "base/text.hpp"
#include "engine/migrating.hpp"

#include <algorithm>

namespace engine {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using domain::RehearsePolicy;

namespace {

// The folders of one store whose files can be rehearsed.
struct Part {
  const domain::StoreSpec* store = nullptr;
  domain::RehearsalRequest request;
  std::string cut; // why its later folders are not among them
};

// In the order of the file. Behind a command nobody knows what the files will meet.
std::vector<Part> parts_of(const domain::Stack& stack, const std::string& to) {
  std::vector<Part> parts;
  std::string command;
  for (const domain::MigrationSpec& item : stack.upgrade.migrate) {
    if (!item.is_folder()) {
      command = item.command.argv[0];
      continue;
    }
    const auto store = std::ranges::find(stack.stores, item.store, &domain::StoreSpec::name);
    CHECK(store != stack.stores.end()); // the configuration was checked
    auto part = std::ranges::find(parts, &*store, &Part::store);
    if (part == parts.end())
      part = parts.insert(parts.end(), Part{&*store, {}, ""});
    const std::string folder = base::fill(item.folder, {{"to", to}});
    if (command.empty())
      part->request.folders.push_back({item, folder});
    else
      part->cut = "the command '" + command + "' runs before the files of '" + folder +
                  "', and what it does cannot be tried on a copy";
  }
  return parts;
}

std::string seconds(std::int64_t milliseconds) {
  return base::format_duration(world::Milliseconds{milliseconds});
}

// How many files wait; an error where nobody can tell yet.
Result<std::size_t> pending_of(Drivers drivers, const Part& part) {
  std::size_t count = 0;
  for (const domain::RehearsedFolder& each : part.request.folders)
    count += TRY(drivers.of(part.store->kind).migrations(*part.store, each.migration, each.folder))
                 .pending.size();
  return count;
}

std::string told(const std::string& store, const domain::RehearsedFile& file) {
  return store + ": " + base::printable(file.name) +
         (file.verdict.empty() ? "" : " (" + file.verdict + ")") + " took " +
         seconds(file.took.count()) + (file.saw.empty() ? "" : "; " + base::join(file.saw, "; "));
}

class Rehearsing {
public:
  Rehearsing(world::World world, const domain::Stack& stack, Drivers drivers, bool is_asked)
      : world_{world}, stack_{stack}, drivers_{drivers}, is_asked_{is_asked} {}

  Result<Rehearsed> run(const std::string& to, const std::string& point) {
    all_.record.at = base::format_time(world_.clock.now());
    all_.record.to = to;
    all_.record.point = point;
    for (Part& part : parts_of(stack_, to)) {
      part.request.point = point;
      part.request.is_any_size = is_asked_ || is_always();
      TRY(rehearse(part));
      if (!all_.failure.empty())
        break;
    }
    all_.record.has_passed = all_.failure.empty() && !all_.record.stores.empty();
    return std::move(all_);
  }

private:
  bool is_always() const { return stack_.upgrade.rehearse == RehearsePolicy::always; }

  void leave_out(const std::string& store, const std::string& why) {
    if (is_always())
      all_.failure = "store '" + store + "' cannot be rehearsed: " + why;
    else
      all_.untold.push_back(store + ": not rehearsed: " + why);
  }

  Result<> rehearse(const Part& part) {
    domain::Store& driver = drivers_.of(part.store->kind);
    const std::string& name = part.store->name;
    if (!driver.can_rehearse()) {
      if (is_asked_ || is_always())
        leave_out(name, "stores of this kind are not rehearsed");
      return ok();
    }
    if (!part.cut.empty())
      leave_out(name, part.cut);
    if (!all_.failure.empty() || TRY(pending_of(drivers_, part)) == 0)
      return ok();
    if (const auto why = TRY(driver.why_no_rehearsal(*part.store, part.request)); !why.empty())
      return leave_out(name, why), ok();
    auto seen = driver.rehearse(*part.store, part.request);
    if (!seen && (is_asked_ || seen.error().kind == ErrorKind::interrupted))
      return std::move(seen).error().context("store '" + name + "'");
    if (!seen)
      return leave_out(name, "there is no copy to try them on: " + seen.error().message), ok();
    take(name, seen.value());
    return ok();
  }

  void take(const std::string& name, const domain::Rehearsal& seen) {
    state::RehearsedStore kept{.store = name,
                               .bytes = seen.bytes,
                               .copied_ms = seen.copied_in.count(),
                               .files = seen.files.size(),
                               .layout = seen.layout};
    for (const domain::RehearsedFile& file : seen.files) {
      kept.ran_ms += file.took.count();
      all_.lines.push_back(told(name, file));
    }
    for (const std::string& line : seen.left)
      all_.lines.push_back(name + ": " + line);
    if (!seen.failure.empty())
      all_.failure = "store '" + name + "': " + seen.failure;
    all_.record.stores.push_back(std::move(kept));
  }

  world::World world_;
  const domain::Stack& stack_;
  Drivers drivers_;
  bool is_asked_;
  Rehearsed all_;
};

std::string summary_of(const state::RehearsalRecord& record) {
  std::uint64_t bytes = 0;
  std::uint64_t files = 0;
  std::int64_t ran = 0;
  std::int64_t copied = 0;
  for (const state::RehearsedStore& store : record.stores) {
    bytes += store.bytes;
    files += store.files;
    ran += store.ran_ms;
    copied += store.copied_ms;
  }
  return base::plural(files, "file", "files") + " in " + seconds(ran) + " on a copy of " +
         base::format_bytes(bytes) + ", made in " + seconds(copied);
}

// A belay that died in a rehearsal of its own, or in a backup, had nobody to remove its copies.
Result<> sweep(Context& context) {
  for (const std::string& id : TRY(context.folder.unfinished_points())) {
    if (id == context.plan.point)
      continue;
    for (const domain::StoreSpec& spec : context.settings.stack.stores)
      TRY_CONTEXT(context.drivers.of(spec.kind).discard(spec, id), "store '" + spec.name + "'");
    TRY(context.folder.remove_point(id));
  }
  return ok();
}

} // namespace

std::string rehearsal_basis(const std::string& migrations_basis) {
  return base::sha256_hex(migrations_basis);
}

RehearsalOutlook rehearsal_outlook(const domain::Stack& stack, Drivers drivers,
                                   const std::string& to) {
  RehearsalOutlook all;
  const bool is_always = stack.upgrade.rehearse == RehearsePolicy::always;
  if (stack.upgrade.rehearse == RehearsePolicy::never)
    return all;
  const auto leave_out = [&](const std::string& store, const std::string& why) {
    if (is_always)
      all.problems.push_back("store '" + store + "' cannot be rehearsed: " + why);
    else
      all.lines.push_back(store + ": not rehearsed: " + why);
  };
  for (Part& part : parts_of(stack, to)) {
    domain::Store& driver = drivers.of(part.store->kind);
    if (!driver.can_rehearse()) {
      if (is_always)
        leave_out(part.store->name, "stores of this kind are not rehearsed");
      continue;
    }
    if (!part.cut.empty())
      leave_out(part.store->name, part.cut);
    const auto count = pending_of(drivers, part); // what comes with the release is not here yet
    if (!count || count.value() == 0)
      continue;
    part.request.is_any_size = is_always;
    if (const auto why = driver.why_no_rehearsal(*part.store, part.request); !why)
      leave_out(part.store->name, why.error().message);
    else if (!why.value().empty())
      leave_out(part.store->name, why.value());
    else
      all.lines.push_back(part.store->name + ": rehearsed first, on a copy of the data");
  }
  return all;
}

Result<Rehearsed> rehearse_all(world::World world, const domain::Stack& stack, Drivers drivers,
                               const std::string& to, const std::string& point, bool is_asked) {
  Rehearsed all = TRY(Rehearsing(world, stack, drivers, is_asked).run(to, point));
  all.record.basis = rehearsal_basis(outlook_of(world.files, stack, drivers, to).basis);
  if (!all.record.stores.empty())
    all.lines.insert(all.lines.begin(), summary_of(all.record));
  return all;
}

Result<> do_rehearse(Context& context, Record& out) {
  const domain::Stack& stack = context.settings.stack;
  TRY(sweep(context));
  if (stack.upgrade.migrate.empty() || stack.upgrade.rehearse == RehearsePolicy::never) {
    out.text = stack.upgrade.migrate.empty() ? "no migration is configured" : "not wanted";
    return ok();
  }
  Rehearsed all = TRY(rehearse_all(context.world, stack, context.drivers, context.plan.to,
                                   context.plan.point, false));
  out.text =
      all.lines.empty() ? "no migration can be rehearsed, or none is pending" : all.lines.front();
  out.detail.assign(all.lines.begin() + (all.lines.empty() ? 0 : 1), all.lines.end());
  for (const std::string& line : all.untold)
    context.say(world::EventKind::warning, line);
  std::ranges::move(all.untold, std::back_inserter(out.detail));
  if (!all.record.stores.empty())
    TRY(state::write_rehearsal(context.world.files, context.folder.path(), all.record));
  if (all.failure.empty())
    return ok();
  return Error{ErrorKind::failed, "on a copy of the data it fails: " + all.failure,
               "Nothing was changed: correct the file, then upgrade again."};
}

} // namespace engine
