#include "drivers/redis/throwaway.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <charconv>

namespace drivers::redis {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using world::Milliseconds;

namespace {

constexpr Milliseconds ask_every{50};
constexpr Milliseconds ask_timeout{5'000};
constexpr Milliseconds leave_timeout{30'000};
constexpr std::size_t log_bytes_max = 600;
constexpr const char* tag = "BELAY_REDIS_SCRATCH";
constexpr std::string_view manifest = ".manifest";

std::uint64_t number_of(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// "7.0" of "7.0.15": what tells which dumps a server can read.
std::string series_of(const std::string& version) {
  return version.substr(0, version.find('.', version.find('.') + 1));
}

class Throwaway {
public:
  Throwaway(world::World world, world::Redis& redis, const domain::RedisSpec& spec,
            const LiveServer& live, std::string scratch)
      : world_{world}, redis_{redis}, spec_{spec}, live_{live}, scratch_{std::move(scratch)} {
    place_.socket = scratch_ + "/s";
  }

  Result<Keys> load(const std::string& tree) {
    TRY(clear());
    TRY(world_.files.create_folders(base::parent_of(scratch_)));
    TRY(world_.trees.copy(tree, scratch_));
    const auto argv = TRY(arguments());
    if (argv.empty()) { // a server that never had data
      TRY(clear());
      return Keys{};
    }
    const auto process = TRY(world_.processes.start({.argv = argv,
                                                     .working_folder = scratch_,
                                                     .environment = environment(),
                                                     .log_path = log_path(),
                                                     .lock_path = lock_path()}));
    auto keys = look(process);
    const auto left = leave(process);
    TRY(clear());
    if (keys && !left)
      return left.error();
    return keys;
  }

private:
  std::string log_path() const { return scratch_ + ".log"; }
  std::string lock_path() const { return scratch_ + ".lock"; }
  world::Environment environment() const {
    return {{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
            {tag, scratch_}};
  }

  // Also what an earlier belay has left.
  Result<> clear() {
    const auto deadline = world_.clock.monotonic() + leave_timeout;
    for (;;) {
      const auto left = TRY(world_.processes.find(lock_path(), tag, scratch_));
      if (left.empty())
        break;
      if (world_.clock.monotonic() >= deadline)
        return Error{ErrorKind::conflict, "a throwaway Redis server does not end",
                     "End process " + std::to_string(left.front().id.pid) + "."};
      for (const auto& each : left)
        TRY(world_.processes.signal(each.id, world::Signal::kill));
      world_.clock.sleep_for(ask_every);
    }
    TRY(world_.trees.remove(scratch_));
    return world_.files.remove_all({log_path(), lock_path()});
  }

  // Where the parts of an append-only file are, and how they are named; empty: there are none.
  Result<std::pair<std::string, std::string>> append_only() {
    for (const std::string& folder : TRY(world_.files.list(scratch_)))
      if (const auto names = world_.files.list(scratch_ + "/" + folder))
        for (const std::string& name : names.value())
          if (name.ends_with(manifest))
            return std::pair{folder, name.substr(0, name.size() - manifest.size())};
    return std::pair<std::string, std::string>{};
  }

  Result<std::vector<std::string>> arguments() {
    const auto [folder, name] = TRY(append_only());
    const auto names = TRY(world_.files.list(scratch_));
    const bool has_old_aof = std::ranges::find(names, "appendonly.aof") != names.end();
    const auto dump = std::ranges::find_if(names, [&](const std::string& each) {
      return live_.rdb.empty() ? each.ends_with(".rdb") : each == live_.rdb;
    });
    const bool has_aof = !name.empty() || has_old_aof;
    const bool uses_aof = live_.aof.empty() ? has_aof : live_.aof == "1";
    if (uses_aof && !has_aof)
      return Error{ErrorKind::corrupt, "the append-only file is not among its files", ""};
    if (!uses_aof && dump == names.end())
      return std::vector<std::string>{};
    // A title of its own would overwrite the variable by which it is found.
    std::vector<std::string> argv;
    for (const std::string& word : spec_.server)
      argv.push_back(base::fill(word, {{"folder", scratch_}}));
    for (const auto& word :
         {std::string{"--dir"}, scratch_, std::string{"--port"}, std::string{"0"},
          std::string{"--unixsocket"}, std::string{"s"}, std::string{"--save"}, std::string{},
          std::string{"--set-proc-title"}, std::string{"no"}, std::string{"--daemonize"},
          std::string{"no"}, std::string{"--appendonly"}, std::string{uses_aof ? "yes" : "no"}})
      argv.push_back(word);
    if (uses_aof && !name.empty())
      for (const auto& word :
           {std::string{"--appenddirname"}, folder, std::string{"--appendfilename"}, name})
        argv.push_back(word);
    if (dump != names.end())
      for (const auto& word : {std::string{"--dbfilename"}, *dump})
        argv.push_back(word);
    return argv;
  }

  std::string last_words() {
    const auto log = world_.files.read_end(log_path(), log_bytes_max);
    return log ? base::printable(log.value()) : "";
  }

  Result<Keys> look(const world::ProcessId& process) {
    const auto deadline = world_.clock.monotonic() + spec_.timeout;
    for (;;) {
      const auto info = redis_.ask(place_, {"INFO"}, ask_timeout);
      const Fields fields =
          info ? fields_of(info.value().empty() ? "" : info.value().front()) : Fields{};
      if (const auto loading = fields.find("loading");
          loading != fields.end() && loading->second == "0") {
        const std::string version =
            fields.contains("redis_version") ? fields.at("redis_version") : "";
        if (!live_.version.empty() && series_of(version) != series_of(live_.version))
          return Error{ErrorKind::failed,
                       "the throwaway server is Redis " + version + ", the live one " +
                           live_.version,
                       "Give `server` of the store: how one of its version is run."};
        return keys_of(fields);
      }
      if (!TRY(world_.processes.is_alive(process)))
        return Error{ErrorKind::corrupt, "a throwaway server does not load it: " + last_words(),
                     ""};
      if (world_.clock.stop_requested())
        return Error{ErrorKind::interrupted, "interrupted while a throwaway server loads",
                     "Run 'belay resume' to go on, or 'belay abort' to go back."};
      if (world_.clock.monotonic() >= deadline)
        return Error{ErrorKind::failed,
                     "a throwaway server has not loaded it after " +
                         base::format_duration(spec_.timeout) + ": " + last_words(),
                     "Give `timeout` of the store more time."};
      world_.clock.sleep_for(ask_every);
    }
  }

  // Its answer to SHUTDOWN is that the connection ends.
  Result<> leave(const world::ProcessId& process) {
    (void)redis_.tell(place_, {"SHUTDOWN", "NOSAVE"}, ask_timeout);
    const auto deadline = world_.clock.monotonic() + ask_timeout;
    while (TRY(world_.processes.is_alive(process)) && world_.clock.monotonic() < deadline)
      world_.clock.sleep_for(ask_every);
    return ok();
  }

  world::World world_;
  world::Redis& redis_;
  const domain::RedisSpec& spec_;
  const LiveServer& live_;
  std::string scratch_;
  world::RedisPlace place_;
};

} // namespace

Fields fields_of(const std::string& info) {
  Fields fields;
  for (std::string line : base::split(info, '\n')) {
    std::erase(line, '\r');
    if (const auto colon = line.find(':'); colon != std::string::npos && !line.starts_with('#'))
      fields[line.substr(0, colon)] = line.substr(colon + 1);
  }
  return fields;
}

Keys keys_of(const Fields& keyspace) {
  constexpr std::string_view before = "keys=";
  Keys keys;
  for (const auto& [name, value] : keyspace)
    if (name.starts_with("db") && value.starts_with(before))
      keys[name] = number_of(std::string_view{value}.substr(before.size()));
  return keys;
}

std::string words_of(const Keys& keys) {
  std::vector<std::string> words;
  for (const auto& [name, count] : keys)
    words.push_back(name + " " + std::to_string(count));
  return words.empty() ? "no keys" : base::join(words, ", ");
}

Keys keys_in(const std::string& words) {
  Keys keys;
  for (const std::string& each : base::split(words, ',')) {
    const auto from = each.find("db");
    const auto blank = from == std::string::npos ? from : each.find(' ', from);
    if (blank != std::string::npos)
      keys[each.substr(from, blank - from)] = number_of(std::string_view{each}.substr(blank + 1));
  }
  return keys;
}

Result<Keys> load(world::World world, world::Redis& redis, const domain::RedisSpec& spec,
                  const LiveServer& live, const std::string& tree, const std::string& scratch) {
  return Throwaway{world, redis, spec, live, scratch}.load(tree);
}

} // namespace drivers::redis
