#pragma once
// Http: world::Http by libcurl. Bounded in time and size; no proxy for this machine itself.

#include "world/http.hpp"

#include <mutex>
#include <vector>

namespace os {

class Http final : public world::Http {
public:
  Http();
  ~Http() override;
  Http(const Http&) = delete;
  Http& operator=(const Http&) = delete;
  base::Result<world::HttpResponse> exchange(const world::HttpRequest& request) override;
  base::Result<> send(const world::Mail& mail) override;
  base::Result<> connect(const std::string& host, int port, world::Milliseconds timeout) override;

private:
  class Handle;
  std::mutex mutex_;
  std::vector<void*> idle_; // libcurl's handles; each keeps its connections open
};

} // namespace os
