#pragma once
// HttpSockets: the sockets that HttpServer listens on.

#include "os/fd.hpp"

#include <string>

namespace os {

// Of a UNIX socket, 0600; the name of a dead one is taken. conflict: somebody listens there.
base::Result<Fd> listen_unix(const std::string& path);
// `port` 0 becomes the one that was free. conflict: somebody listens there.
base::Result<Fd> listen_tcp(const std::string& host, int& port);

} // namespace os
