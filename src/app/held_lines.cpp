#include "app/held_lines.hpp"

#include <algorithm>
#include <functional>
#include <optional>

namespace app {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

constexpr std::size_t crontab_bytes_max = 1U << 20U;
constexpr int tries_max = 5;

struct Crontab {
  std::string path; // not a link: the file that is replaced
  std::string text;
  std::uint32_t mode = 0600;
};

// nullopt: there is none.
Result<std::optional<Crontab>> read_crontab(world::Files& files, const std::string& named) {
  auto path = files.resolve(named);
  if (!path && path.error().kind == ErrorKind::not_found)
    return std::optional<Crontab>{};
  Crontab crontab{.path = TRY(std::move(path)), .text = {}};
  const auto info = TRY(files.info(crontab.path));
  if (!info)
    return std::optional<Crontab>{};
  crontab.mode = info->mode;
  crontab.text = TRY(files.read(crontab.path, crontab_bytes_max));
  return std::optional{std::move(crontab)};
}

// Every other writer is looked for right before the write: what it could lose is a moment's.
Result<> edit_crontab(world::Files& files, const std::string& named,
                      const std::function<Result<std::string>(const std::string&)>& change) {
  for (int tries = 0; tries < tries_max; ++tries) {
    const auto crontab = TRY(read_crontab(files, named));
    if (!crontab)
      return ok(); // nothing runs by it
    const std::string text = TRY(change(crontab->text));
    if (text == crontab->text)
      return ok();
    if (TRY(files.read(crontab->path, crontab_bytes_max)) == crontab->text)
      return files.replace(crontab->path, text, crontab->mode);
  }
  return Error{ErrorKind::unavailable,
               "'" + named + "' is being written by somebody, again and again",
               "End that, then try again."};
}

} // namespace

void wait_for_cron(world::Clock& clock) {
  const auto now = std::chrono::floor<world::Milliseconds>(clock.now().time_since_epoch());
  clock.sleep_for(world::Milliseconds{1000 - (now.count() % 1000)});
}

// As editors name what they keep: no two paths have the same.
std::string HeldLines::kept_name(const std::string& crontab) const {
  std::string name = state_folder_ + "/run/held-" + holder_.operation;
  for (const char c : crontab)
    name += c == '/' ? "!" : c == '!' ? "!!" : std::string{c};
  return name;
}

std::set<std::string> HeldLines::crontabs() const {
  std::set<std::string> all;
  for (const domain::HoldLineSpec& line : lines_)
    all.insert(line.crontab);
  return all;
}

Result<std::string> HeldLines::held(const std::string& named, const std::string& text) {
  std::string changed = text;
  for (const domain::HoldLineSpec& line : lines_) {
    if (line.crontab != named)
      continue;
    for (const checks::HeldLine& held : checks::held_lines(text))
      if (held.holder != holder_ && held.text.contains(line.with))
        return Error{ErrorKind::conflict,
                     "line " + std::to_string(held.number) + " of '" + named +
                         "' is held by operation " + held.holder.operation + " of stack '" +
                         held.holder.stack + "'",
                     "Wait for its end, or end it with 'belay resume'."};
    changed = checks::hold_lines(changed, line.with, holder_);
  }
  const std::string kept = kept_name(named);
  if (changed != text && !TRY(world_.files.info(kept))) { // else an earlier try has kept it
    TRY(world_.files.create_folders(state_folder_ + "/run"));
    TRY(world_.files.replace(kept, text));
  }
  return changed;
}

Result<> HeldLines::hold() {
  for (const std::string& crontab : crontabs())
    TRY_CONTEXT(edit_crontab(world_.files, crontab,
                             [&](const std::string& text) { return held(crontab, text); }),
                "hold lines of '" + crontab + "'");
  return ok();
}

// What was held of it, and is not in it any more.
Result<> HeldLines::tell_lost(const std::string& named, const std::string& now) {
  const std::string kept = kept_name(named);
  const auto before = world_.files.read(kept, crontab_bytes_max);
  if (!before && before.error().kind == ErrorKind::not_found)
    return ok();
  const auto there = checks::parse_crontab(now, false);
  int lost = 0;
  for (const checks::CronLine& line : checks::parse_crontab(TRY(before), false)) {
    const bool was_held = std::ranges::any_of(lines_, [&](const domain::HoldLineSpec& held) {
      return held.crontab == named && line.text.contains(held.with);
    });
    if (was_held && std::ranges::find(there, line.text, &checks::CronLine::text) == there.end())
      ++lost;
  }
  if (lost == 0)
    return world_.files.remove(kept);
  if (told_.insert(named).second) {
    world::Event event;
    event.kind = world::EventKind::warning;
    event.at = world_.clock.now();
    event.operation = holder_.operation;
    event.text = std::to_string(lost) + " cron lines that were held are not in '" + named +
                 "' any more: somebody has changed it; as it was before, it is in '" + kept + "'";
    world_.events.emit(event);
  }
  return ok();
}

Result<> HeldLines::let_go_in(const std::string& named) {
  std::string now;
  TRY(edit_crontab(world_.files, named, [&](const std::string& text) -> Result<std::string> {
    now = checks::give_back_lines(text, holder_);
    if (now != text)
      wait_for_cron(world_.clock);
    return now;
  }));
  return tell_lost(named, now);
}

Result<> HeldLines::let_go() {
  for (const std::string& crontab : crontabs())
    TRY_CONTEXT(let_go_in(crontab), "give back lines of '" + crontab + "'");
  return ok();
}

} // namespace app
