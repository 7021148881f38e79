#pragma once
// Http: world::Http by libcurl. Bounded in time and size; no proxy for this machine itself.

#include "os/effects.hpp"
#include "world/http.hpp"

#include <mutex>
#include <vector>

namespace os {

class Http final : public world::Http {
public:
  // What changes something behind a socket of this machine is an effect.
  explicit Http(Effects& effects);
  Http(); // where nobody counts effects
  ~Http() override;
  Http(const Http&) = delete;
  Http& operator=(const Http&) = delete;
  base::Result<world::HttpResponse> exchange(const world::HttpRequest& request) override;
  base::Result<> send(const world::Mail& mail) override;
  base::Result<> connect(const std::string& host, int port, world::Milliseconds timeout) override;

private:
  base::Result<world::HttpResponse> perform(const world::HttpRequest& request);
  class Handle;
  Effects& effects_;
  std::mutex mutex_;
  std::vector<void*> idle_; // libcurl's handles; each keeps its connections open
};

} // namespace os
