#pragma once
// HttpConnections: who is connected, and how long each may take over a request or an answer. The
// library's own limit begins anew with each byte; who sends one byte a minute would stay for ever.

#include "os/http_tls.hpp"

#include <chrono>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

namespace os {

struct HeldConnection {
  int socket = -1;
  bool is_hurried = false; // it is in the list
  std::chrono::steady_clock::time_point until;
  std::list<HeldConnection*>::iterator at;
  std::shared_ptr<const TlsCertificate> certificate; // that its handshake shows
};

class HttpConnections {
public:
  // Of `count_max` some stay free: then who has been at it for the longest time is cut off.
  HttpConnections(unsigned count_max, std::chrono::seconds patience)
      : count_max_{count_max}, patience_{patience} {}
  ~HttpConnections() { end(); }
  HttpConnections(const HttpConnections&) = delete;
  HttpConnections& operator=(const HttpConnections&) = delete;

  void begin();
  void end(); // cuts nobody off any more

  // The socket stays the caller's, and must be open until close().
  HeldConnection* open(int socket);
  void close(HeldConnection* one);
  void hurry(HeldConnection* one); // it must come to an end within `patience`, from now on
  void spare(HeldConnection* one); // it waits for us: as long as it takes

private:
  void run();
  void take_out(HeldConnection* one);
  void cut(HeldConnection* one);
  unsigned count_max_;
  std::chrono::seconds patience_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<HeldConnection*> hurried_; // the first one's time is up first
  unsigned count_ = 0;
  bool has_ended_ = false;
  std::thread thread_;
};

} // namespace os
