#pragma once
// Daemon: serves stacks until it is asked to stop: begins what is due, and answers who asks.

#include "serve/certificate.hpp"
#include "serve/pages.hpp"
#include "serve/served_archives.hpp"
#include "serve/served_stack.hpp"
#include "serve/vitals.hpp"
#include "world/http_server.hpp"

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace serve {

struct DaemonOptions {
  std::vector<std::string> config_paths;   // absolute
  bool has_archives = false;               // the variables of the playbook are set
  std::optional<app::KmSettings> archives; // nothing: but they say that none are to be made
  std::vector<world::ListenSpec> listen;
  std::vector<world::ListenSpec> listen_tls;   // their pair is that of these files
  std::optional<CertificateFiles> certificate; // set when there is one of them
  unsigned parallel_max = 2;                   // that run at once, of all stacks
  std::string metrics_prefix = "belay_";
  std::string program; // what runs a routine
  std::string version;
  world::Supervisor* supervisor = nullptr; // is told that we are ready, and that we move
  // What is asked below /v1, and by agents at /mcp. By several threads at once.
  std::function<world::ServedResponse(const world::ServedRequest&, Board)> api;
  // Why somebody from elsewhere may not see the other pages, but whether we live; nothing: he may.
  std::function<std::optional<world::ServedResponse>(const world::ServedRequest&)> refuses;
};

class Daemon {
public:
  Daemon(const app::Host& host, world::HttpServer& server, DaemonOptions options, Tell tell);

  // Returns when the clock says that somebody asked us to stop. What runs then goes on: the next
  // one of us finds it. conflict: somebody else listens where we are to.
  base::Result<> run();

private:
  base::Result<> listen();
  base::Result<> listen_on(const world::ListenSpec& spec);
  world::ServedResponse respond(const world::ServedRequest& request, bool is_from_elsewhere);
  Board board();
  world::TimePoint tick(); // when the next one is wanted
  // Whether it was looked at. `running`: how many routines run, before and after.
  template <class Served>
  bool tick_one(Served& served, unsigned& running);
  void publish(const std::vector<std::size_t>& ticked);
  void look_at_certificate();
  world::Clock& clock_;
  world::Files& files_;
  world::HttpServer& server_;
  DaemonOptions options_;
  Tell tell_;
  Vitals vitals_;
  std::vector<std::unique_ptr<ServedStack>> stacks_; // board_.stacks are their views
  std::unique_ptr<ServedArchives> archives_;         // may be null
  std::mutex mutex_; // of the board: the server answers on a thread of its own
  Board board_;
  std::optional<Certificate> certificate_;
  std::vector<world::Listening*> shown_by_;
  std::vector<std::unique_ptr<world::Listening>> listening_; // goes first: it answers from the rest
};

} // namespace serve
