#pragma once
// Sftp client: one connection to an SFTP server. Requests are sent ahead of their answers, so that
// what takes many of them takes few round trips.

#include "repo/backend/sftp_wire.hpp"
#include "world/channels.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace repo::backend::sftp {

// For one thread. not_found: no such file or folder. unavailable: the connection was lost, and
// is_lost() from then on. failed: what the server refuses.
class Client {
public:
  static base::Result<std::unique_ptr<Client>> open(std::unique_ptr<world::Channel> channel);

  bool is_lost() const { return is_lost_; }
  base::Result<std::optional<Attributes>> stat(const std::string& path); // nullopt: absent
  // `bytes` from `offset` on, fewer only where the file ends; nullopt: up to its end.
  base::Result<std::string> read(const std::string& path, std::uint64_t offset,
                                 std::optional<std::uint64_t> bytes);
  // A file that was not there: whole, and on the disk if the server can do that.
  base::Result<> write(const std::string& path, std::string_view bytes, std::uint32_t mode);
  base::Result<> rename_over(const std::string& from, const std::string& to);
  // conflict: there is something already.
  base::Result<> rename_new(const std::string& from, const std::string& to);
  base::Result<> remove(const std::string& path);                          // Idempotent.
  base::Result<> make_folder(const std::string& path, std::uint32_t mode); // conflict: there is one
  // What is in each of these folders; nothing is in one that is not there.
  base::Result<std::vector<std::vector<Entry>>> list(const std::vector<std::string>& folders);

private:
  explicit Client(std::unique_ptr<world::Channel> channel) : channel_{std::move(channel)} {}
  struct Request {
    Type type;
    std::string body;
  };
  // Sends what `next` gives until it gives nothing, and hands over each answer with the number of
  // its request; never stops before all that was sent is answered. corrupt, unavailable.
  base::Result<> exchange(const std::function<std::optional<Request>()>& next,
                          const std::function<base::Result<>(std::size_t, const Packet&)>& take);
  base::Result<Packet> one(Type type, std::string body);
  base::Result<> done(Type type, std::string body, const std::string& path);
  base::Result<std::string> handle_of(Type type, std::string body, const std::string& path);
  base::Result<std::string> read_open(const std::string& handle, std::uint64_t offset,
                                      std::optional<std::uint64_t> bytes, const std::string& path);
  base::Result<> write_open(const std::string& handle, std::string_view bytes,
                            const std::string& path);
  base::Result<> list_some(const std::vector<std::string>& folders, std::size_t first,
                           std::size_t count, std::vector<std::vector<Entry>>& all);
  base::Result<Packet> receive();
  base::Error lost(base::Error error);

  std::unique_ptr<world::Channel> channel_;
  std::uint32_t next_id_ = 1;
  bool is_lost_ = false;
  bool can_sync_ = false;
  bool can_replace_ = false;
};

} // namespace repo::backend::sftp
