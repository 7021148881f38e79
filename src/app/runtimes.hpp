#pragma once
// Runtimes: one Runtime that hands each service to the driver of its kind, and keeps other hands
// away from the whole stack meanwhile.

#include "domain/other_hands.hpp"
#include "domain/runtime.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace app {

class Runtimes final : public domain::Runtime {
public:
  using Drivers = std::map<domain::RuntimeKind, domain::Runtime*>;
  // Every kind that a stack may name; all must outlive this, and the other hands too.
  Runtimes(Drivers drivers, std::vector<domain::OtherHands*> hands)
      : drivers_{std::move(drivers)}, hands_{std::move(hands)} {}

  base::Result<domain::Release> prepare(const domain::ServiceSpec& service,
                                        const std::string& label) override {
    return of(service).prepare(service, label);
  }
  base::Result<> can_prepare(const domain::ServiceSpec& service,
                             const std::string& label) override {
    return of(service).can_prepare(service, label);
  }
  base::Result<> verify(const domain::ServiceSpec& service,
                        const domain::Release& release) override {
    return of(service).verify(service, release);
  }
  base::Result<domain::Observed> observe(const domain::ServiceSpec& service) override {
    return of(service).observe(service);
  }
  base::Result<std::optional<std::string>>
  current_folder(const domain::ServiceSpec& service) override {
    return of(service).current_folder(service);
  }
  base::Result<> switch_to(const domain::ServiceSpec& service,
                           const domain::Release& release) override {
    return of(service).switch_to(service, release);
  }
  base::Result<> start(const domain::ServiceSpec& service) override {
    return of(service).start(service);
  }
  base::Result<> stop(const domain::ServiceSpec& service) override {
    return of(service).stop(service);
  }
  base::Result<> hold(const domain::ServiceSpec& service) override {
    for (domain::OtherHands* hands : hands_) // of the whole stack; again for each service: nothing
      TRY(hands->hold());
    return of(service).hold(service);
  }
  base::Result<> let_go(const domain::ServiceSpec& service) override {
    TRY(of(service).let_go(service));
    for (domain::OtherHands* hands : hands_)
      TRY(hands->let_go());
    return base::ok();
  }
  base::Result<std::vector<domain::Finding>> findings(const domain::ServiceSpec& service,
                                                      const std::string& label) override {
    auto found = TRY(of(service).findings(service, label));
    if (!std::exchange(has_looked_, true)) // those of the whole stack are told once
      for (domain::OtherHands* hands : hands_)
        std::ranges::move(TRY(hands->findings()), std::back_inserter(found));
    return found;
  }
  base::Result<std::string> log_tail(const domain::ServiceSpec& service, int lines) override {
    return of(service).log_tail(service, lines);
  }
  base::Result<std::string> log_of_start(const domain::ServiceSpec& service,
                                         std::size_t bytes_max) override {
    return of(service).log_of_start(service, bytes_max);
  }
  base::Result<std::uint64_t> memory_bytes(const domain::ServiceSpec& service) override {
    return of(service).memory_bytes(service);
  }
  base::Result<std::vector<domain::Mount>> mounts(const domain::ServiceSpec& service) override {
    return of(service).mounts(service);
  }
  base::Result<> discard(const domain::ServiceSpec& service,
                         const domain::Release& release) override {
    return of(service).discard(service, release);
  }

private:
  domain::Runtime& of(const domain::ServiceSpec& service) const {
    const auto found = drivers_.find(service.runtime);
    CHECK(found != drivers_.end());
    return *found->second;
  }
  Drivers drivers_;
  std::vector<domain::OtherHands*> hands_;
  bool has_looked_ = false;
};

} // namespace app
