#pragma once
// HttpServer: the real one, by libmicrohttpd: one thread, epoll.

#include "world/http_server.hpp"

namespace os {

class HttpServer final : public world::HttpServer {
public:
  base::Result<std::unique_ptr<world::Listening>> listen(const world::ListenSpec& spec,
                                                         world::Answer answer) override;

private:
  unsigned connections_promised_ = 0; // to all that listen
};

} // namespace os
