#include "repo_play.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <functional>

#include "repo_steps.hpp"
#include "repo_tree.hpp"

namespace repo_sim {

using base::Result;
using sim::FolderEffect;
using sim::SimFolders;

namespace {

constexpr std::array hurts{Hurt::die_before,  Hurt::die_after,  Hurt::fail,
                           Hurt::lie,         Hurt::fail_on,    Hurt::visit_backup,
                           Hurt::visit_prune, Hurt::visit_hold, Hurt::sleep};

class History {
public:
  History(std::uint64_t seed, const PlayOptions& options)
      : options_{options}, random_{seed}, state_{new_state(seed)}, seed_{seed} {}

  Played run() {
    mutate(state_.others.now, "/others", random_);
    for (number_ = 0; number_ < options_.steps && played_.broken.empty(); ++number_)
      if (choose())
        play_step();
    if (played_.broken.empty())
      fail(losses(state_), "at the end", {});
    return played_;
  }

private:
  std::size_t pick(std::size_t below) { return random_() % below; }

  void fail(const std::string& why, const std::string& where,
            const std::vector<std::string>& effects) {
    if (why.empty() || !played_.broken.empty())
      return;
    played_.broken = "seed " + std::to_string(seed_) + " step " + std::to_string(number_) + " " +
                     name_of(step_.kind) + " " + where + ": " + why;
    for (const std::string& effect : effects)
      played_.broken += "\n    " + effect;
    const auto is_plain = [](char byte) { return byte == '\n' || (byte >= ' ' && byte < 127); };
    std::ranges::replace_if(played_.broken, std::not_fn(is_plain), '?'); // names of any bytes
  }

  // What is done next. False: it makes no sense here.
  bool choose() {
    constexpr std::array kinds{Kind::backup, Kind::backup,  Kind::backup, Kind::forget,
                               Kind::prune,  Kind::prune,   Kind::copy,   Kind::repair,
                               Kind::mend,   Kind::restore, Kind::restore};
    step_ = {number_ < 2 ? Kind::backup : kinds.at(pick(kinds.size())), 0, random_(), {}, {}, ""};
    const bool may_be_second = step_.kind != Kind::backup && step_.kind != Kind::copy;
    if (may_be_second && pick(4) == 0 && !state_.expected[1].empty())
      step_.place = 1;
    const auto& all = state_.expected.at(step_.place);
    if (step_.kind == Kind::backup)
      mutate(state_.source.now, "/src", random_);
    for (const auto& [id, expected] : state_.expected[0])
      step_.copied.push_back(id);
    if (step_.kind == Kind::forget)
      for (const auto& [id, expected] : all)
        if (pick(2) == 0 && step_.gone.size() + 1 < all.size())
          step_.gone.push_back(id);
    if (step_.kind == Kind::mend && !lose_index())
      return false;
    if (step_.kind == Kind::restore) {
      if (all.empty())
        return false;
      step_.snapshot = std::next(all.begin(), static_cast<long>(pick(all.size())))->first;
      spoil_live();
    }
    return true;
  }

  bool lose_index() {
    auto& files = state_.files.at(step_.place);
    const auto is_index = [](const auto& file) { return file.first.starts_with("index/"); };
    if (pick(2) == 0)
      return std::erase_if(files, is_index) != 0;
    const auto one = std::ranges::find_if(files, is_index);
    if (one == files.end())
      return false;
    files.erase(one);
    return true;
  }

  // Something else stands in the place that is restored into.
  void spoil_live() {
    if (pick(4) == 0)
      CHECK(state_.live.now.apply({.kind = FolderEffect::Kind::remove, .path = "/live"}));
    else
      mutate(state_.live.now, "/live", random_);
    state_.live.durable = state_.live.now;
  }

  void play_step() {
    State clean = state_;
    Trouble none;
    auto ended = play_one(clean, none);
    if (!ended)
      return fail("without trouble: " + ended.error().message, "", none.effects);
    check_end(clean, "without trouble", none.effects);
    if (step_.kind == Kind::restore)
      play_target();
    std::vector<State> left; // the worlds of those who died
    for (std::size_t at = 0; at < none.effects.size() && played_.broken.empty(); ++at)
      for (std::size_t which = 0; which < hurts.size(); ++which)
        if (is_played(hurts.at(which), at, which))
          hurt(hurts.at(which), at, left);
    const bool goes_on_dead = !left.empty() && step_.kind != Kind::mend && pick(3) == 0;
    state_ = goes_on_dead ? left[pick(left.size())] : clean;
  }

  bool is_played(Hurt hurt, std::size_t at, std::size_t which) const {
    const bool is_visited = hurt >= Hurt::visit_backup;
    if (is_visited && step_.kind == Kind::mend) // it is broken until then
      return false;
    if (hurt == Hurt::die_before && at != 0) // as after the effect before
      return false;
    return !options_.is_quick || hurt == Hurt::die_after || (seed_ + number_ + at + which) % 4 == 0;
  }

  // The step, once, in this world.
  Result<> play_one(State& state, Trouble& trouble) {
    Visitor visitor{state};
    const std::uint64_t life = 100 + state.lives;
    trouble.visit = [&](std::size_t place, Hurt hurt) { visitor.come(place, hurt); };
    trouble.rule = [&](std::size_t place, bool is_save, const repo::backend::FileName& name) {
      return rule_broken(state, step_, life, place, is_save, name);
    };
    SimFolders live{state.live};
    auto ended = perform(state, step_, &trouble, live);
    effects_ = live.effects;
    for (const std::string& effect : trouble.effects)
      played_.digest = played_.digest * 31 + std::hash<std::string>{}(effect);
    visitor.leave();
    if (trouble.broken.empty())
      trouble.broken = visitor.broken();
    if (!trouble.broken.empty())
      fail(trouble.broken, where_of(trouble), trouble.effects);
    return ended;
  }

  static std::string where_of(const Trouble& trouble) {
    return std::string{repo_sim::name_of(trouble.hurt)} + "@" + std::to_string(trouble.at);
  }

  void check_end(State& state, const std::string& where, const std::vector<std::string>& effects) {
    if (played_.broken.empty())
      fail(broken(state, step_), where, effects);
    if (played_.broken.empty())
      fail(outcome_broken(state, step_), where, effects);
  }

  void hurt(Hurt hurt, std::size_t at, std::vector<State>& left) {
    if (!played_.broken.empty())
      return;
    ++played_.runs;
    State state = state_;
    Trouble trouble;
    trouble.hurt = hurt;
    trouble.at = at;
    const auto ended = play_one(state, trouble);
    const std::string where = where_of(trouble);
    if (ended && trouble.is_dead)
      fail("a dead one says that all is well", where, trouble.effects);
    State dead = state; // with the lock that the dead one left
    if (played_.broken.empty())
      fail(broken(state, step_), where, trouble.effects);
    if (trouble.is_dead) {
      dead.expected = state.expected;
      dead.known = state.known;
      dead.lives = state.lives;
      left.push_back(std::move(dead));
    }
    if (ended) {
      check_end(state, where, trouble.effects);
      return;
    }
    if (step_.kind == Kind::restore && !state.expected.at(step_.place).contains(step_.snapshot))
      return; // somebody else forgot it
    Trouble none;
    const auto again = play_one(state, none);
    if (!again)
      fail("again, without trouble: " + again.error().message, where, trouble.effects);
    check_end(state, where + ", then again", trouble.effects);
  }

  // The target of a restore in place, wherever it dies: by itself, and with the machine.
  void play_target() {
    const std::vector<FolderEffect> order = reordered(effects_, random_);
    sim::FolderDisk disk = state_.live;
    for (std::size_t cut = 0; cut <= order.size() && played_.broken.empty(); ++cut) {
      for (const bool has_power_cut : {false, true}) {
        State state = state_;
        state.live = disk;
        if (has_power_cut)
          state.live.now = state.live.durable =
              sim::FolderTree::after_power_cut(disk.durable, disk.now, random_);
        finish_target(state, "target cut at " + std::to_string(cut) +
                                 (has_power_cut ? ", with the power" : ""));
      }
      if (cut == order.size())
        break;
      CHECK(disk.now.apply(order[cut]));
      if (order[cut].kind == FolderEffect::Kind::sync)
        disk.durable = disk.now;
    }
    for (std::size_t at = 0; at < order.size() && played_.broken.empty(); at += 1 + pick(3))
      fail_target(order[at], at);
  }

  void finish_target(State& state, const std::string& where) {
    ++played_.runs;
    SimFolders live{state.live};
    if (const auto again = perform(state, step_, nullptr, live); !again)
      fail("again, without trouble: " + again.error().message, where, {});
    else
      fail(outcome_broken(state, step_), where, {});
  }

  // One effect on the target fails, with or without having happened.
  void fail_target(const FolderEffect& effect, std::size_t at) {
    const bool is_lie = (at + number_) % 2 == 0;
    const std::string where = std::string{is_lie ? "lie" : "fail"} + " at " +
                              sim::name_of(effect.kind) + " '" + effect.path + "'";
    State state = state_;
    bool has_failed = false;
    {
      SimFolders live{state.live};
      live.fault = [&](const FolderEffect& each, std::size_t) {
        if (has_failed || each.kind != effect.kind || each.path != effect.path)
          return SimFolders::Answer::done;
        has_failed = true;
        return is_lie ? SimFolders::Answer::lied : SimFolders::Answer::failed;
      };
      if (perform(state, step_, nullptr, live) && has_failed)
        fail("a failure is passed over", where, {});
    }
    if (played_.broken.empty())
      finish_target(state, where);
  }

  PlayOptions options_;
  std::mt19937_64 random_;
  State state_;
  std::uint64_t seed_;
  std::size_t number_ = 0;
  Step step_;
  std::vector<FolderEffect> effects_; // of the last run, on the target
  Played played_;
};

} // namespace

Played play(std::uint64_t seed, const PlayOptions& options) {
  return History{seed, options}.run();
}

} // namespace repo_sim
