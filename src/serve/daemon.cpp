#include "serve/daemon.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace serve {

using base::ok;
using base::Result;

namespace {
constexpr world::Milliseconds certificate_looked_at{5000}; // again after so long
}

Daemon::Daemon(const app::Host& host, world::HttpServer& server, DaemonOptions options, Tell tell)
    : clock_{host.world.clock}, files_{host.world.files}, server_{server},
      options_{std::move(options)}, tell_{std::move(tell)}, vitals_{options_.supervisor, clock_,
                                                                    tell_} {
  for (const std::string& path : options_.config_paths) {
    app::Host own = host;
    own.config_path = path;
    stacks_.push_back(std::make_unique<ServedStack>(std::move(own), options_.program, tell_));
  }
  if (options_.has_archives)
    archives_ = std::make_unique<ServedArchives>(host, options_.archives, options_.program, tell_);
}

Result<> Daemon::listen() {
  for (const world::ListenSpec& spec : options_.listen)
    TRY(listen_on(spec));
  if (!options_.certificate)
    return ok();
  certificate_.emplace(files_, *options_.certificate, tell_);
  for (world::ListenSpec spec : options_.listen_tls) {
    spec.tls = TRY(certificate_->read());
    TRY(listen_on(spec));
    shown_by_.push_back(listening_.back().get());
  }
  return ok();
}

Result<> Daemon::listen_on(const world::ListenSpec& spec) {
  const bool is_from_elsewhere = !world::is_of_this_machine(spec);
  listening_.push_back(
      TRY(server_.listen(spec, [this, is_from_elsewhere](const world::ServedRequest& request) {
        return respond(request, is_from_elsewhere);
      })));
  const std::string address =
      spec.address.find(':') == std::string::npos ? spec.address : "[" + spec.address + "]";
  tell_("listens on " + (spec.socket_path.empty()
                             ? (spec.tls ? "https://" : "http://") + address + ":" +
                                   std::to_string(listening_.back()->port())
                             : spec.socket_path));
  return ok();
}

world::ServedResponse Daemon::respond(const world::ServedRequest& request, bool is_from_elsewhere) {
  if (options_.api && (request.path.starts_with("/v1/") || request.path == "/mcp"))
    return options_.api(request, board());
  if (is_from_elsewhere && !request.path.starts_with("/health/"))
    if (auto refused = options_.refuses(request))
      return *std::move(refused);
  const std::lock_guard held{mutex_};
  return request.method == "GET" || request.method == "HEAD"
             ? answer(board_, request.path, clock_.now())
             : not_allowed();
}

void Daemon::look_at_certificate() {
  if (certificate_)
    certificate_->look(shown_by_, clock_.now());
}

Result<> Daemon::run() {
  board_.began = clock_.now();
  board_.ticked = board_.began;
  board_.version = options_.version;
  board_.metrics_prefix = options_.metrics_prefix;
  board_.stacks.resize(stacks_.size());
  if (archives_)
    board_.archives = archives_->view();
  TRY(listen());
  while (!clock_.stop_requested()) {
    const world::TimePoint next = tick();
    vitals_.looked(board_); // nobody but this thread writes it
    look_at_certificate();
    const auto pause = std::chrono::duration_cast<world::Milliseconds>(next - clock_.now());
    const auto pause_max =
        certificate_ ? std::min(vitals_.pause_max(), certificate_looked_at) : vitals_.pause_max();
    clock_.sleep_for(std::clamp(pause, world::Milliseconds{50}, pause_max));
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
