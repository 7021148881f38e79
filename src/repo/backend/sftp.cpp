#include "repo/backend/sftp.hpp"

#include "base/text.hpp"
#include "base/words.hpp"
#include "repo/backend/counted.hpp"
#include "repo/backend/sftp_client.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace repo::backend {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

constexpr std::size_t connections_max = 5; // a server lets in ten at a time, others too
constexpr std::uint32_t file_permissions = 0400;
constexpr std::uint32_t folder_mode = 0700;

class Sftp final : public Backend {
public:
  Sftp(std::string location, std::string folder, std::vector<std::string> argv,
       const PlacePorts& ports, world::Traffic* traffic)
      : location_{std::move(location)}, folder_{std::move(folder)}, argv_{std::move(argv)},
        channels_{ports.channels}, random_{ports.random}, traffic_{traffic} {}

  std::string location() const override { return location_; }

  Result<> create() override {
    return with([&](sftp::Client& client) -> Result<> {
      TRY(make_folders(client));
      for (const char* name : {"keys", "locks", "snapshots", "index", "data"})
        TRY(make_folder(client, folder_ + "/" + name));
      return ok();
    });
  }

  Result<std::string> load(const FileName& name, std::uint64_t offset,
                           std::uint64_t bytes) override {
    return with([&](sftp::Client& client) {
      return client.read(path_of(name), offset,
                         bytes == to_the_end ? std::nullopt : std::optional{bytes});
    });
  }

  Result<std::optional<std::uint64_t>> size(const FileName& name) override {
    return with([&](sftp::Client& client) { return size_by(client, name); });
  }

  Result<> save(const FileName& name, std::string_view bytes) override {
    return with([&](sftp::Client& client) -> Result<> {
      const auto there = TRY(size_by(client, name));
      if (there && name.kind == FileKind::config)
        return Error{ErrorKind::conflict, "there is a config in '" + location_ + "' already", ""};
      if (there && *there == bytes.size())
        return ok();
      const std::string path = path_of(name);
      const std::string partial = path + "-tmp-" + random_.hex(16);
      auto written = client.write(partial, bytes, file_permissions);
      if (!written && written.error().kind == ErrorKind::not_found && name.kind == FileKind::pack) {
        TRY(make_folder(client, base::parent_of(path)));
        written = client.write(partial, bytes, file_permissions);
      }
      if (written)
        written = name.kind == FileKind::config ? client.rename_new(partial, path)
                                                : client.rename_over(partial, path);
      // A failure is what counts, whether what is left of it could be removed or not.
      if (!written && !client.is_lost())
        static_cast<void>(static_cast<bool>(client.remove(partial)));
      return written;
    });
  }

  Result<> remove(const FileName& name) override {
    return with([&](sftp::Client& client) { return client.remove(path_of(name)); });
  }

  Result<std::vector<Listed>> list(FileKind kind) override {
    return with([&](sftp::Client& client) -> Result<std::vector<Listed>> {
      std::vector<std::string> folders{base::parent_of(path_of({kind, {}}))};
      if (kind == FileKind::pack) {
        folders.clear();
        const auto data = TRY(client.list({folder_ + "/data"}));
        for (const sftp::Entry& entry : data.front())
          if (entry.name.size() == 2 && entry.name != "..")
            folders.push_back(folder_ + "/data/" + entry.name);
      }
      std::vector<Listed> all;
      for (const auto& entries : TRY(client.list(folders)))
        for (const sftp::Entry& entry : entries)
          if (const auto id = format::parse_id(entry.name); id && entry.attributes.is_file)
            all.push_back({*id, entry.attributes.size_bytes});
      std::ranges::sort(all, {}, &Listed::id);
      return all;
    });
  }

private:
  std::string path_of(const FileName& name) const { return folder_ + "/" + text_of(name); }

  Result<std::optional<std::uint64_t>> size_by(sftp::Client& client, const FileName& name) const {
    const auto there = TRY(client.stat(path_of(name)));
    return there && there->is_file ? std::optional{there->size_bytes} : std::nullopt;
  }

  static Result<> make_folder(sftp::Client& client, const std::string& path) {
    auto made = client.make_folder(path, folder_mode);
    return !made && made.error().kind == ErrorKind::conflict ? ok() : std::move(made);
  }

  Result<> make_folders(sftp::Client& client) {
    if (TRY(client.stat(folder_)))
      return ok();
    for (auto slash = folder_.find('/', 1); slash != std::string::npos;
         slash = folder_.find('/', slash + 1)) {
      const std::string above = folder_.substr(0, slash);
      if (!TRY(client.stat(above)))
        TRY(make_folder(client, above));
    }
    return make_folder(client, folder_);
  }

  // A connection that nobody else uses meanwhile: one that is idle, or a new one.
  Result<std::unique_ptr<sftp::Client>> take() {
    {
      std::unique_lock guard{mutex_};
      is_free_.wait(guard, [&] { return busy_ < connections_max; });
      ++busy_;
      if (!idle_.empty()) {
        auto client = std::move(idle_.back());
        idle_.pop_back();
        return client;
      }
    }
    auto channel = channels_.open(argv_);
    if (!channel && channel.error().kind == ErrorKind::not_found)
      return Error{ErrorKind::failed, channel.error().message, channel.error().hint};
    if (!channel)
      return std::move(channel).error();
    std::unique_ptr<world::Channel> line = std::move(channel).value();
    if (traffic_ != nullptr)
      line = std::make_unique<Counted>(std::move(line), *traffic_);
    return sftp::Client::open(std::move(line));
  }

  void give_back(std::unique_ptr<sftp::Client> client) {
    const std::scoped_lock guard{mutex_};
    --busy_;
    if (client && !client->is_lost())
      idle_.push_back(std::move(client));
    is_free_.notify_one();
  }

  template <class Call>
  auto with(Call call) -> decltype(call(std::declval<sftp::Client&>())) {
    auto client = take();
    if (!client) {
      give_back(nullptr);
      return std::move(client).error().context("'" + location_ + "'");
    }
    auto done = call(*client.value());
    give_back(std::move(client).value());
    return done;
  }

  std::string location_;
  std::string folder_;
  std::vector<std::string> argv_;
  world::Channels& channels_;
  world::Random& random_;
  world::Traffic* traffic_;
  std::mutex mutex_;
  std::condition_variable is_free_;
  std::size_t busy_ = 0;
  std::vector<std::unique_ptr<sftp::Client>> idle_;
};

Result<std::vector<std::string>> argv_of(const SftpPlace& where, const Place& place) {
  const std::string command = option_of(place, "sftp.command");
  if (!command.empty()) {
    auto words = TRY(base::words_of_command(command));
    if (words.empty())
      return Error{ErrorKind::invalid_input, "sftp.command is empty", ""};
    return words;
  }
  std::vector<std::string> argv{"ssh"};
  // What the user says comes first: of several, ssh takes the first.
  for (std::string& word : TRY(base::words_of_command(option_of(place, "sftp.args"))))
    argv.push_back(std::move(word));
  for (const char* option : {"BatchMode=yes", "ConnectTimeout=20", "ServerAliveInterval=15",
                             "ServerAliveCountMax=4", "ClearAllForwardings=yes"}) {
    argv.emplace_back("-o");
    argv.emplace_back(option);
  }
  if (!where.port.empty())
    argv.insert(argv.end(), {"-p", where.port});
  if (!where.user.empty())
    argv.insert(argv.end(), {"-l", where.user});
  argv.insert(argv.end(), {"-s", "--", where.host, "sftp"});
  return argv;
}

} // namespace

Result<SftpPlace> parse_sftp_place(std::string_view location) {
  const Error wrong{ErrorKind::invalid_input,
                    "'" + std::string{location} + "' is no place that SFTP reaches",
                    "Write it as sftp:user@host:/path or sftp://user@host:port//path."};
  std::string_view rest = location.substr(std::min<std::size_t>(5, location.size()));
  const bool is_url = rest.starts_with("//");
  if (is_url)
    rest.remove_prefix(2);
  SftpPlace place;
  const auto host_end = rest.starts_with('[') ? rest.find(']') : 0;
  const auto at = rest.substr(0, is_url ? rest.find('/') : rest.find(':', host_end)).rfind('@');
  if (at != std::string_view::npos) {
    place.user = rest.substr(0, at);
    rest.remove_prefix(at + 1);
  }
  if (rest.starts_with('[')) {
    const auto end = std::min(rest.find(']'), rest.size());
    place.host = rest.substr(1, end - 1);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  } else {
    const auto end = std::min(rest.find_first_of(is_url ? ":/" : ":"), rest.size());
    place.host = rest.substr(0, end);
    rest.remove_prefix(end);
  }
  if (is_url && rest.starts_with(':')) {
    const auto end = std::min(rest.find('/'), rest.size());
    place.port = rest.substr(1, end - 1);
    rest.remove_prefix(end);
    if (place.port.empty() || place.port.find_first_not_of("0123456789") != std::string::npos)
      return wrong;
  }
  if (!rest.starts_with(is_url ? '/' : ':'))
    return wrong;
  place.path = rest.substr(1);
  while (place.path.size() > 1 && place.path.ends_with('/'))
    place.path.pop_back();
  // What begins with '-' would be an option of ssh.
  if (place.host.empty() || place.host.starts_with('-') || place.user.starts_with('-') ||
      place.path.empty() || place.user.contains(':') ||
      place.host.find_first_of(" \t@/") != std::string::npos)
    return wrong;
  return place;
}

Result<std::unique_ptr<Backend>> open_sftp(const Place& place, const PlacePorts& ports) {
  const SftpPlace where = TRY(parse_sftp_place(place.location));
  return std::unique_ptr<Backend>{std::make_unique<Sftp>(
      place.location, where.path, TRY(argv_of(where, place)), ports, place.traffic)};
}

} // namespace repo::backend
