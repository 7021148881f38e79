#include "api/sessions.hpp"

#include <algorithm>

namespace api {

namespace {
constexpr std::size_t session_id_digits = 64; // 256 bits
}

Ticket::~Ticket() {
  const std::lock_guard held{session_->mutex_};
  session_->under_way_.erase(request_);
}

bool Session::is_busy() const {
  const std::lock_guard held{mutex_};
  return under_way_.size() >= under_way_max_;
}

std::shared_ptr<Ticket> Session::begin(const std::string& request) {
  const std::lock_guard held{mutex_};
  if (under_way_.contains(request))
    return nullptr;
  std::shared_ptr<Ticket> ticket{new Ticket{shared_from_this(), request}};
  under_way_[request] = ticket.get();
  return ticket;
}

void Session::cancel(const std::string& request) {
  const std::lock_guard held{mutex_};
  if (const auto found = under_way_.find(request); found != under_way_.end())
    found->second->is_cancelled_ = true;
}

std::string Sessions::open(const std::string& owner) {
  std::string id = world_.random.hex(session_id_digits);
  const std::lock_guard held{mutex_};
  make_room(owner);
  all_[id] = {.owner = owner,
              .used = world_.clock.monotonic(),
              .session = std::make_shared<Session>(limits_.under_way)};
  return id;
}

void Sessions::make_room(const std::string& owner) {
  const world::Milliseconds now = world_.clock.monotonic();
  std::erase_if(all_, [&](const auto& each) { return now - each.second.used > limits_.idle_max; });
  const auto forget_oldest = [this](const auto& is_meant) {
    auto oldest = all_.end();
    for (auto each = all_.begin(); each != all_.end(); ++each)
      if (is_meant(each->second) &&
          (oldest == all_.end() || each->second.used < oldest->second.used))
        oldest = each;
    all_.erase(oldest);
  };
  const auto is_his = [&](const Kept& kept) { return kept.owner == owner; };
  const auto his =
      std::ranges::count_if(all_, [&](const auto& each) { return is_his(each.second); });
  if (static_cast<std::size_t>(his) >= limits_.of_one)
    forget_oldest(is_his);
  else if (all_.size() >= limits_.all)
    forget_oldest([](const Kept&) { return true; });
}

std::shared_ptr<Session> Sessions::find(const std::string& id, const std::string& owner) {
  const std::lock_guard held{mutex_};
  const auto found = all_.find(id);
  const world::Milliseconds now = world_.clock.monotonic();
  if (found == all_.end() || found->second.owner != owner ||
      now - found->second.used > limits_.idle_max)
    return nullptr;
  found->second.used = now;
  return found->second.session;
}

bool Sessions::close(const std::string& id, const std::string& owner) {
  if (!find(id, owner))
    return false;
  const std::lock_guard held{mutex_};
  return all_.erase(id) != 0;
}

std::size_t Sessions::size() const {
  const std::lock_guard held{mutex_};
  return all_.size();
}

} // namespace api
