#include "engine/migrating.hpp"

#include "base/text.hpp"
#include "engine/hooks.hpp"
#include "state/rehearsal.hpp"

#include <algorithm>

namespace engine {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using domain::MigrationClass;
using domain::MigrationFile;
using domain::MigrationSpec;

namespace {

const domain::StoreSpec& store_of(const domain::Stack& stack, const MigrationSpec& item) {
  const auto found = std::ranges::find(stack.stores, item.store, &domain::StoreSpec::name);
  CHECK(found != stack.stores.end()); // the configuration was checked
  return *found;
}

std::string folder_of(const MigrationSpec& item, const std::string& to) {
  return base::fill(item.folder, {{"to", to}});
}

bool is_expand(const MigrationFile& file) {
  return file.kind == MigrationClass::expand;
}

// A folder of a release is made by the step `pin`.
bool comes_with_release(const domain::Stack& stack, const std::string& folder) {
  return std::ranges::any_of(stack.services, [&](const domain::ServiceSpec& service) {
    return !service.releases_folder.empty() && base::is_inside(folder, service.releases_folder);
  });
}

constexpr std::size_t steps_told_max = 12; // of one file

std::string migrations_text(std::size_t count) {
  return base::plural(count, "migration", "migrations");
}

class Outlook {
public:
  Outlook(world::Files& files, const domain::Stack& stack, Drivers drivers, std::string to)
      : files_{files}, stack_{stack}, drivers_{drivers}, to_{std::move(to)} {}

  MigrationOutlook take() {
    for (const MigrationSpec& item : stack_.upgrade.migrate) {
      if (item.is_folder())
        add_folder(item);
      else
        add_command(item);
    }
    return std::move(all_);
  }

private:
  // Migrations keep their order: one that only adds waits for those before it.
  std::string words_for(MigrationClass kind) {
    is_leading_ = is_leading_ && kind == MigrationClass::expand;
    std::string words{domain::name_of(kind)};
    return is_leading_ ? words + ", before the switch" : words;
  }

  void add_command(const MigrationSpec& item) {
    all_.lines.push_back("command '" + item.command.argv[0] + "' will run (" +
                         words_for(item.kind) + ")");
  }

  void add_folder(const MigrationSpec& item) {
    if (to_.empty() && item.folder.contains("{to}"))
      return;
    const std::string folder = folder_of(item, to_);
    all_.basis += item.store + " " + folder + "\n";
    const auto info = files_.info(folder);
    if (info && !info.value() && comes_with_release(stack_, folder)) {
      all_.lines.push_back(item.store + ": the files come with the release; the step 'pin' looks "
                                        "at them");
      return;
    }
    const domain::StoreSpec& store = store_of(stack_, item);
    const auto state = drivers_.of(store.kind).migrations(store, item, folder);
    if (!state) {
      all_.problems.push_back("migrations of store '" + item.store + "': " + state.error().message +
                              (state.error().hint.empty() ? "" : ". " + state.error().hint));
      return;
    }
    for (const std::string& problem : state.value().problems)
      all_.problems.push_back("migrations of store '" + item.store + "': " + problem);
    add_pending(item, state.value());
  }

  void add_pending(const MigrationSpec& item, const domain::FolderState& state) {
    std::vector<std::string> names;
    for (const MigrationFile& file : state.pending) {
      names.push_back(base::printable(file.name) + " (" + words_for(file.kind) +
                      (file.verdict.empty() ? "" : "; " + file.verdict) + ")");
      all_.basis += file.name + " " + file.sha256 + "\n";
    }
    all_.pending += names.size();
    all_.lines.push_back(names.empty()
                             ? item.store + ": no migration is pending, " +
                                   std::to_string(state.applied.size()) + " applied so far"
                             : item.store + ": " + migrations_text(names.size()) +
                                   " will run: " + base::join(names, ", "));
    for (const MigrationFile& file : state.pending)
      add_steps(item, file);
  }

  void add_steps(const MigrationSpec& item, const MigrationFile& file) {
    std::size_t count = 0;
    for (const domain::MigrationStep& step : file.steps) {
      if (++count > steps_told_max)
        continue;
      all_.lines.push_back(item.store + ": " + base::printable(file.name) + ":" +
                           std::to_string(step.line) + " " + base::printable(step.does) + " (" +
                           step.kind + ": " + step.rule + ")");
    }
    if (count > steps_told_max)
      all_.lines.push_back(item.store + ": " + base::printable(file.name) + " does " +
                           std::to_string(count - steps_told_max) + " things more");
  }

  world::Files& files_;
  const domain::Stack& stack_;
  Drivers drivers_;
  std::string to_;
  MigrationOutlook all_;
  bool is_leading_ = true; // so far each one only adds
};

class Migrating {
public:
  Migrating(Context& context, Record& out) : context_{context}, out_{out} {}

  // Up to the first that does more than add.
  Result<> expand() {
    const auto& items = context_.settings.stack.upgrade.migrate;
    std::size_t whole = 0;
    for (; whole < items.size(); ++whole) {
      const MigrationSpec& item = items[whole];
      if (!item.is_folder() && item.kind != MigrationClass::expand)
        break;
      if (!TRY(run(item, true)))
        break;
    }
    out_.expanded = whole;
    return end("no migration runs before the switch", whole);
  }

  Result<> migrate() {
    const auto& items = context_.settings.stack.upgrade.migrate;
    for (std::size_t at = context_.expanded; at < items.size(); ++at)
      TRY(run(items[at], false));
    whole_ = true;
    return end(items.empty() ? "no migration is configured" : "no migration is left to run",
               items.size());
  }

private:
  // Whether the item is whole now.
  Result<bool> run(const MigrationSpec& item, bool is_before_switch) {
    if (item.is_folder())
      return run_folder(item, is_before_switch);
    TRY(run_command_once(item.command));
    ++ran_;
    return true;
  }

  // A command is the user's program: nobody knows whether it may run twice, so it never does.
  Result<> run_command_once(const domain::CommandSpec& command) {
    if (context_.is_under_way)
      return Error{ErrorKind::failed, "belay died while a migration ran: its outcome is unknown",
                   ""};
    auto done = run_command(context_, command, {}, out_);
    if (done)
      return ok();
    Error error = std::move(done).error().context("migration '" + command.argv[0] + "'");
    error.kind = ErrorKind::failed; // the services are down: there is no other time
    return error;
  }

  Result<bool> run_folder(const MigrationSpec& item, bool is_before_switch) {
    const domain::StoreSpec& store = store_of(context_.settings.stack, item);
    const auto state = TRY_CONTEXT(
        context_.drivers.of(store.kind).migrations(store, item, folder_of(item, context_.plan.to)),
        "migrations of store '" + store.name + "'");
    if (!state.problems.empty())
      return Error{ErrorKind::failed, base::join(state.problems, "\n"), ""};
    for (const MigrationFile& file : state.pending) {
      if (is_before_switch && !is_expand(file))
        return false;
      TRY(apply(store, item, file));
    }
    return true;
  }

  // The ledger is asked again when nobody knows whether it was applied.
  Result<> apply(const domain::StoreSpec& store, const MigrationSpec& item,
                 const MigrationFile& file) {
    domain::Store& driver = context_.drivers.of(store.kind);
    const std::string at = base::format_time(context_.world.clock.now());
    const auto begun = context_.world.clock.monotonic();
    auto applied = driver.migrate(store, file, at, item.command.timeout);
    if (!applied && applied.error().kind == ErrorKind::unknown_outcome)
      applied = driver.migrate(store, file, at, item.command.timeout);
    if (!applied) {
      Error error = std::move(applied).error();
      error.kind = ErrorKind::failed;
      return std::move(error).context("migration of store '" + store.name + "'");
    }
    out_.detail.push_back(store.name + ": applied " + base::printable(file.name) + " in " +
                          base::format_duration(context_.world.clock.monotonic() - begun));
    ++ran_;
    return ok();
  }

  Result<> end(const std::string& nothing, std::size_t whole) {
    out_.text = ran_ == 0 ? nothing : migrations_text(ran_) + " ran";
    if (context_.settings.stack.upgrade.migrate.empty() || (whole == 0 && ran_ == 0))
      return ok();
    std::vector<LedgerFact> facts;
    for (const domain::Snapshot& snapshot : context_.snapshots)
      if (const domain::StoreSpec* store = context_.store(snapshot.store))
        TRY_CONTEXT(add_fact(*store, snapshot, whole, facts), "store '" + store->name + "'");
    for (const LedgerFact& fact : facts)
      compare_with_rehearsal(fact);
    out_.ledgers = std::move(facts);
    return ok();
  }

  // The same files on a copy of the same data: another schema is for a person to look at.
  void compare_with_rehearsal(const LedgerFact& fact) {
    const auto read = state::read_rehearsal(context_.world.files, context_.folder.path());
    if (!read || !read.value() || read.value()->point != context_.plan.point ||
        !read.value()->has_passed || !whole_)
      return;
    for (const state::RehearsedStore& store : read.value()->stores)
      if (store.store == fact.store)
        out_.detail.push_back(store.store + (store.layout == fact.layout
                                                 ? ": the schema is what the rehearsal left"
                                                 : ": the schema is NOT what the rehearsal left"));
  }

  // The copy that was secured is what the store was before, however often this step was begun.
  Result<> add_fact(const domain::StoreSpec& store, const domain::Snapshot& snapshot,
                    std::size_t whole, std::vector<LedgerFact>& facts) {
    domain::Store& driver = context_.drivers.of(store.kind);
    const auto before = TRY(driver.ledgers(store, &snapshot));
    const auto after = TRY(driver.ledgers(store, nullptr));
    if (after.layout.empty()) // its driver knows no ledger
      return ok();
    LedgerFact fact{.store = store.name,
                    .before = domain::tell_ledgers(before.ledgers),
                    .after = domain::tell_ledgers(after.ledgers),
                    .moved = domain::tell_movement(before.ledgers, after.ledgers),
                    .ledger = domain::identity_of(after.ledgers),
                    .layout = after.layout,
                    .is_compatible = TRY(is_compatible(store, snapshot, whole))};
    out_.detail.push_back(store.name + ": " + (fact.moved.empty() ? fact.after : fact.moved) +
                          (fact.moved.empty()   ? ", did not move"
                           : fact.is_compatible ? "; declared compatible"
                                                : "; not declared compatible"));
    facts.push_back(std::move(fact));
    return ok();
  }

  // Of the first `whole` migrations, and of every file that was applied since the copy.
  Result<bool> is_compatible(const domain::StoreSpec& store, const domain::Snapshot& snapshot,
                             std::size_t whole) {
    const auto& items = context_.settings.stack.upgrade.migrate;
    for (std::size_t at = 0; at < items.size(); ++at) {
      const MigrationSpec& item = items[at];
      const bool is_declared = item.is_compatible || item.kind == MigrationClass::expand;
      if (!item.is_folder() && at < whole && !is_declared)
        return false;
      if (item.is_folder() && item.store == store.name &&
          !TRY(are_compatible(store, snapshot, item)))
        return false;
    }
    return true;
  }

  Result<bool> are_compatible(const domain::StoreSpec& store, const domain::Snapshot& snapshot,
                              const MigrationSpec& item) {
    domain::Store& driver = context_.drivers.of(store.kind);
    const auto state = TRY(driver.migrations(store, item, folder_of(item, context_.plan.to)));
    const auto before = TRY(driver.ledgers(store, &snapshot)).ledgers;
    return std::ranges::all_of(state.applied, [&](const MigrationFile& file) {
      const bool is_older = std::ranges::any_of(before, [&](const domain::Ledger& ledger) {
        return std::ranges::find(ledger.applied, file.name) != ledger.applied.end();
      });
      return is_older || file.is_compatible;
    });
  }

  Context& context_;
  Record& out_;
  std::size_t ran_ = 0;
  bool whole_ = false; // nothing is left to run
};

// What the last record of this operation says; nothing when its journal cannot be read.
std::vector<LedgerFact> facts_of(world::World world, const state::Folder& folder,
                                 const std::string& operation) {
  std::vector<LedgerFact> facts;
  const auto log = journal::Journal::look(world.files, folder.journal_path(operation));
  if (!log)
    return facts;
  for (const std::string& payload : log.value().records())
    if (auto record = decode(payload); record && record.value().ledgers)
      facts = *std::move(record).value().ledgers;
  return facts;
}

} // namespace

MigrationOutlook outlook_of(world::Files& files, const domain::Stack& stack, Drivers drivers,
                            const std::string& to) {
  return Outlook{files, stack, drivers, to}.take();
}

Result<> do_expand(Context& context, Record& out) {
  return Migrating{context, out}.expand();
}

Result<> do_migrate(Context& context, Record& out) {
  return Migrating{context, out}.migrate();
}

std::vector<LedgerFact> facts_since(world::World world, const state::Folder& folder,
                                    const std::string& operation) {
  std::vector<LedgerFact> facts;
  const auto ids = folder.operation_ids();
  if (!ids || operation.empty())
    return facts;
  for (const std::string& id : ids.value()) { // an id begins with its time
    if (id < operation)
      continue;
    for (LedgerFact& fact : facts_of(world, folder, id)) {
      const auto known = std::ranges::find(facts, fact.store, &LedgerFact::store);
      if (known == facts.end()) {
        facts.push_back(std::move(fact));
        continue;
      }
      fact.is_compatible = fact.is_compatible && known->is_compatible;
      *known = std::move(fact);
    }
  }
  return facts;
}

} // namespace engine
