#pragma once
// SimWorld: a whole machine in memory behind the ports of World, with a fault at an exact effect.
// Deterministic from its seed. See faults.hpp for the fault model, host.hpp for the services.

#include "sim/host.hpp"
#include "world/world.hpp"

#include <memory>
#include <string>
#include <vector>

namespace sim {

class SimFiles final : public world::Files {
public:
  explicit SimFiles(Host& host) : host_{host} {}
  base::Result<std::string> read(const std::string& path, std::size_t bytes_max) override;
  base::Result<std::optional<world::EntryInfo>> info(const std::string& path) override;
  base::Result<std::string> resolve(const std::string& path) override;
  base::Result<std::string> read_link(const std::string& path) override;
  base::Result<std::vector<std::string>> list(const std::string& path) override;
  base::Result<world::SpaceInfo> space(const std::string& path) override;
  base::Result<> append(const std::string& path, std::string_view bytes) override;
  base::Result<> truncate(const std::string& path, std::size_t size) override;
  base::Result<> replace(const std::string& path, std::string_view bytes,
                         std::uint32_t mode) override;
  base::Result<> replace_all(const std::vector<world::FileContent>& files) override;
  base::Result<> create_folders(const std::string& path) override;
  base::Result<> replace_link(const std::string& path, const std::string& target) override;
  base::Result<> rename(const std::string& from, const std::string& to) override;
  base::Result<> exchange(const std::string& a, const std::string& b) override;
  base::Result<> remove(const std::string& path) override;
  base::Result<> remove_all(const std::vector<std::string>& paths) override;
  base::Result<> set_owner_and_mode(const std::string& path, const world::EntryInfo& like) override;
  base::Result<std::unique_ptr<world::Lock>> lock(const std::string& path,
                                                  const std::string& owner) override;

private:
  Host& host_;
};

class SimTrees final : public world::Trees {
public:
  explicit SimTrees(Host& host) : host_{host} {}
  base::Result<world::TreeSize> size(const std::string& root,
                                     const std::vector<std::string>& exclude) override;
  base::Result<world::Capture> capture(const std::string& source, const std::string& copy,
                                       const std::string& catalogue,
                                       const world::CaptureOptions& options) override;
  base::Result<> verify(const std::string& copy, const std::string& catalogue,
                        world::Depth depth) override;
  base::Result<std::string> catalogue(const std::string& root,
                                      const std::string& catalogue) override;
  base::Result<> copy_file(const std::string& from, const std::string& to) override;
  base::Result<std::string> digest(const std::string& root) override;
  base::Result<std::vector<world::Difference>>
  compare(const std::string& a, const std::string& b,
          const std::vector<std::string>& exclude) override;
  base::Result<> copy_root_metadata(const std::string& from, const std::string& to) override;
  base::Result<> copy(const std::string& from, const std::string& to) override;
  base::Result<> unpack(const std::string& archive, const std::string& to,
                        std::uint64_t bytes_max) override;
  base::Result<std::string> file_digest(const std::string& path) override;
  base::Result<> sync(const std::string& root) override;
  base::Result<> remove(const std::string& root) override;

private:
  std::string digest_of(const std::string& root, const std::vector<std::string>& exclude) const;
  Host& host_;
};

class SimProcesses final : public world::Processes {
public:
  explicit SimProcesses(Host& host) : host_{host} {}
  base::Result<world::Output> run(const world::Command& command) override;
  base::Result<world::ProcessId> start(const world::ServiceStart& start) override;
  base::Result<std::vector<world::ProcessInfo>>
  find(const std::string& lock_path, const std::string& name, const std::string& value) override;
  base::Result<bool> is_alive(const world::ProcessId& id) override;
  base::Result<> signal(const world::ProcessId& id, world::Signal signal) override;
  base::Result<std::vector<world::ProcessInfo>> listeners(int port) override;
  base::Result<std::vector<world::ListeningProcess>> all_listeners() override;
  base::Result<world::ProcessId> self() override;

private:
  Host& host_;
};

class SimHttp final : public world::Http {
public:
  explicit SimHttp(Host& host) : host_{host} {}
  // GET /health: 200 {"status":"ok","version":N,"writes":N,"queue":N}, 503 while not ready.
  // GET /smoke: the same, and 500 when the data was damaged by a program that `damages`.
  base::Result<world::HttpResponse> exchange(const world::HttpRequest& request) override;
  base::Result<> send(const world::Mail& mail) override; // nobody takes mail here
  base::Result<> connect(const std::string& host, int port, world::Milliseconds timeout) override;

private:
  const Service* service_at(int port) const;
  Host& host_;
};

class SimSqlite final : public world::Sqlite {
public:
  explicit SimSqlite(Host& host) : host_{host} {}
  base::Result<> backup(const std::string& from, const std::string& to) override;
  base::Result<> check(const std::string& path) override;
  base::Result<world::SqliteFingerprint> fingerprint(const std::string& path) override;
  base::Result<> fold(const std::string& path) override;
  // Speaks as much SQL as a ledger needs: its lines stand in the database as "ledger NAME SHA".
  base::Result<std::vector<world::SqliteRow>> query(const std::string& path,
                                                    const world::SqliteStatement& statement,
                                                    std::size_t rows_max) override;
  base::Result<> change(const std::string& path,
                        const std::vector<world::SqliteStatement>& statements,
                        world::Milliseconds timeout) override;

private:
  Host& host_;
};

class SimClock final : public world::Clock {
public:
  explicit SimClock(Host& host) : host_{host} {}
  world::TimePoint now() override { return world::TimePoint{world::Milliseconds{host_.now_ms}}; }
  world::Milliseconds monotonic() override { return world::Milliseconds{host_.monotonic_ms}; }
  void sleep_for(world::Milliseconds duration) override { host_.pass(duration.count()); }
  bool stop_requested() override { return false; }

private:
  Host& host_;
};

class SimRandom final : public world::Random {
public:
  explicit SimRandom(Host& host) : host_{host} {}
  std::string hex(std::size_t count) override;
  void fill(std::span<unsigned char> bytes) override; // one thread: the host has one generator

private:
  Host& host_;
};

class SimEvents final : public world::Events {
public:
  void emit(const world::Event& event) override {
    if (is_recording)
      events.push_back(event);
  }
  bool is_recording = false;
  std::vector<world::Event> events;
};

class SimWorld {
public:
  explicit SimWorld(std::uint64_t seed = 1) : host{seed} {}
  world::World ports() {
    return {files_, trees_, processes_, http_, sqlite_, clock_, random_, events};
  }
  void arm(Fault fault, std::size_t at) { host.faults.arm(fault, at); }
  bool fired() const { return host.faults.fired(); }

  Host host;
  SimEvents events;

private:
  SimFiles files_{host};
  SimTrees trees_{host};
  SimProcesses processes_{host};
  SimHttp http_{host};
  SimSqlite sqlite_{host};
  SimClock clock_{host};
  SimRandom random_{host};
};

} // namespace sim
