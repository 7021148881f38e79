#pragma once
// Sessions: who speaks the Model Context Protocol over HTTP, and which of his requests are under
// way. In memory: after a restart a client begins anew, as the protocol says. May be asked by
// several threads at once.

#include "world/world.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>

namespace api {

struct SessionLimits {
  std::size_t all = 1000;
  std::size_t of_one = 100;                              // owner
  std::size_t under_way = 32;                            // requests of one session
  world::Milliseconds idle_max = std::chrono::hours{24}; // then it is forgotten
};

class Session;

// A request that is under way, until it goes.
class Ticket {
public:
  ~Ticket();
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;
  bool is_cancelled() const { return is_cancelled_; }

private:
  friend class Session;
  Ticket(std::shared_ptr<Session> session, std::string request)
      : session_{std::move(session)}, request_{std::move(request)} {}
  std::shared_ptr<Session> session_;
  std::string request_;
  std::atomic<bool> is_cancelled_ = false;
};

class Session : public std::enable_shared_from_this<Session> {
public:
  explicit Session(std::size_t under_way_max) : under_way_max_{under_way_max} {}

  // Whether one more request may wait for its answer.
  bool is_busy() const;
  // Its id as JSON. Nothing: one with this id is under way.
  std::shared_ptr<Ticket> begin(const std::string& request);
  void cancel(const std::string& request); // does nothing when it is not under way

private:
  friend class Ticket;
  std::size_t under_way_max_;
  mutable std::mutex mutex_;
  std::map<std::string, Ticket*> under_way_;
};

class Sessions {
public:
  explicit Sessions(world::World world, SessionLimits limits = {})
      : world_{world}, limits_{limits} {}

  // A new one, by its id. When there are too many, of him or of all, the one that was used last the
  // longest time ago is forgotten.
  std::string open(const std::string& owner);
  // It is used now. Nothing: there is none of this id, or it is another's.
  std::shared_ptr<Session> find(const std::string& id, const std::string& owner);
  bool close(const std::string& id, const std::string& owner); // false: there was none
  std::size_t size() const;

private:
  struct Kept {
    std::string owner;
    world::Milliseconds used{0};
    std::shared_ptr<Session> session;
  };
  void make_room(const std::string& owner);
  world::World world_;
  SessionLimits limits_;
  mutable std::mutex mutex_;
  std::map<std::string, Kept> all_; // by id
};

} // namespace api
