#pragma once
// Trial: what the trials of runtimes and of stores have in common.

#include "app/driver_trial.hpp"

#include <chrono>

namespace app {

class Trial {
public:
  using Tell = std::function<void(const Promise&)>;
  Trial(const Host& host, const TrialOptions& options, std::string scratch, Tell tell);

  // Try one promise, unless a request before it hung.
  void promise(const std::string& text, const std::function<base::Result<>()>& attempt);
  // The promises that every driver makes. Settles the kind.
  void common();
  void runtime();
  void store();
  const std::string& kind() const { return options_.kind; }
  const Tried& tried() const { return tried_; }
  bool is_over() const { return is_over_; }

private:
  // What drives the program; with `kill_after`, each of its calls gets kill -9 then.
  std::unique_ptr<Machinery> machinery(world::Milliseconds kill_after) const;
  domain::Stack stack(world::Milliseconds kill_after) const;
  domain::ServiceSpec service(world::Milliseconds kill_after) const;
  domain::StoreSpec spec(world::Milliseconds kill_after) const;
  base::Result<world::Output> raw(const std::string& request, int protocol);
  base::Result<> refuses(const std::string& request, int protocol);
  // The times at which a call that takes as long as `whole` is killed.
  std::vector<world::Milliseconds> moments(const std::function<base::Result<>()>& whole,
                                           base::Result<>& result);

  void prepare_releases(domain::Runtime& runtime);
  void start_and_stop(domain::Runtime& runtime);
  void kill_start_and_stop(domain::Runtime& runtime);
  void let_releases_go(domain::Runtime& runtime);
  base::Result<> runs(domain::Runtime& runtime, const domain::Release& release);
  base::Result<> is_stopped(domain::Runtime& runtime);

  void capture(domain::Store& store);
  void bring_back(domain::Store& store);
  void kill_capture_and_restore(domain::Store& store);
  void let_copies_go(domain::Store& store);
  base::Result<> change();
  base::Result<std::string> look();
  base::Result<> looks_like(const std::string& wanted, const std::string& when);

  const Host& host_;
  TrialOptions options_;
  std::string scratch_;
  std::string name_; // of the service or store: new for each trial, so that its processes are told
  Tell tell_;
  Tried tried_;
  bool is_over_ = false;
  domain::Release first_;
  domain::Release second_;
  domain::Snapshot snapshot_;
  domain::Abandoned abandoned_;
  std::string before_; // the data as in `snapshot_`, and after the change
  std::string after_;
  int changes_ = 0;
};

// An Error of kind failed, for a promise that is broken.
base::Error broken(const std::string& what);

// A refusal is an error, but not that of a request that hung.
template <class T>
base::Result<> refused(const base::Result<T>& result, const std::string& otherwise) {
  if (result)
    return broken(otherwise);
  if (result.error().kind == base::ErrorKind::unknown_outcome)
    return result.error();
  return base::ok();
}

inline constexpr world::Milliseconds not_killed{0};

} // namespace app
