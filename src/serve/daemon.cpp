#include "serve/daemon.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace serve {

using base::ok;
using base::Result;

Daemon::Daemon(const app::Host& host, world::HttpServer& server, DaemonOptions options, Tell tell)
    : clock_{host.world.clock}, server_{server}, options_{std::move(options)},
      tell_{std::move(tell)}, vitals_{options_.supervisor, clock_, tell_} {
  for (const std::string& path : options_.config_paths) {
    app::Host own = host;
    own.config_path = path;
    stacks_.push_back(std::make_unique<ServedStack>(std::move(own), options_.program, tell_));
  }
  if (options_.has_archives)
    archives_ = std::make_unique<ServedArchives>(host, options_.archives, options_.program, tell_);
}

Result<> Daemon::run() {
  board_.began = clock_.now();
  board_.ticked = board_.began;
  board_.version = options_.version;
  board_.metrics_prefix = options_.metrics_prefix;
  board_.stacks.resize(stacks_.size());
  if (archives_)
    board_.archives = archives_->view();
  std::vector<std::unique_ptr<world::Listening>> listening;
  for (const world::ListenSpec& spec : options_.listen) {
    listening.push_back(TRY(server_.listen(spec, [this](const world::ServedRequest& request) {
      if (request.path.starts_with("/v1/") && options_.api)
        return options_.api(request, board());
      const std::lock_guard held{mutex_};
      return request.method == "GET" || request.method == "HEAD"
                 ? answer(board_, request.path, clock_.now())
                 : not_allowed();
    })));
    tell_("listens on " + (spec.socket_path.empty() ? "http://" + spec.address + ":" +
                                                          std::to_string(listening.back()->port())
                                                    : spec.socket_path));
  }
  while (!clock_.stop_requested()) {
    const world::TimePoint next = tick();
    vitals_.looked(board_); // nobody but this thread writes it
    const auto pause = std::chrono::duration_cast<world::Milliseconds>(next - clock_.now());
    clock_.sleep_for(std::clamp(pause, world::Milliseconds{50}, vitals_.pause_max()));
  }
  vitals_.stops();
  for (const auto& stack : stacks_)
    if (stack->is_running())
      tell_({Level::info, stack->name(), "a routine still runs, and goes on without us"});
  if (archives_ && archives_->is_running())
    tell_({Level::info, "", "KM_BACKUP: an archive is made still, and goes on without us"});
  tell_("stops");
  return ok();
}

// The API reads files for its answer: nobody else waits for that.
Board Daemon::board() {
  const std::lock_guard held{mutex_};
  return board_;
}

template <class Served>
bool Daemon::tick_one(Served& served, unsigned& running) {
  vitals_.moves();
  if (served.wake_at() > clock_.now())
    return false;
  const bool was_running = served.is_running();
  served.tick(was_running || running < options_.parallel_max);
  running += served.is_running() ? 1U : 0U;
  running -= was_running ? 1U : 0U;
  return true;
}

world::TimePoint Daemon::tick() {
  unsigned running = archives_ && archives_->is_running() ? 1 : 0;
  for (const auto& stack : stacks_)
    running += stack->is_running() ? 1U : 0U;
  world::TimePoint next = clock_.now() + std::chrono::minutes{1};
  std::vector<std::size_t> ticked;
  for (std::size_t i = 0; i < stacks_.size(); ++i) {
    if (tick_one(*stacks_[i], running))
      ticked.push_back(i);
    next = std::min(next, stacks_[i]->wake_at());
  }
  if (archives_) {
    tick_one(*archives_, running);
    next = std::min(next, archives_->wake_at());
  }
  publish(ticked);
  return next;
}

void Daemon::publish(const std::vector<std::size_t>& ticked) {
  std::vector<StackView> views;
  views.reserve(ticked.size());
  for (const std::size_t i : ticked)
    views.push_back(stacks_[i]->view());
  std::optional<ArchiveView> archives;
  if (archives_)
    archives = archives_->view();
  const bool is_ready =
      std::ranges::all_of(
          stacks_, [](const auto& stack) { return stack->has_begun() || stack->is_unusable(); }) &&
      (!archives_ || archives_->has_begun());
  const std::lock_guard held{mutex_};
  board_.ticked = clock_.now();
  board_.is_ready = board_.is_ready || is_ready;
  for (std::size_t k = 0; k < ticked.size(); ++k)
    board_.stacks[ticked[k]] = std::move(views[k]);
  board_.archives = std::move(archives);
}

} // namespace serve
