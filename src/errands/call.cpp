#include "errands/call.hpp"

#include "base/text.hpp"
#include "errands/errand.hpp"

namespace errands {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using nlohmann::json;

namespace {

constexpr auto call_time_max = std::chrono::minutes{10};
constexpr std::size_t said_bytes_max = 8U << 20U;
constexpr std::size_t words_bytes_max = 4096;
// What a death of ours left of calls is of no use to anybody after so long.
constexpr auto left_over_after = std::chrono::hours{1};

// Their names begin with the time at which they were made.
Result<> remove_left_overs(const Place& place, const std::string& folder) {
  world::Files& files = place.host.world.files;
  const std::string limit = base::compact_time(place.host.world.clock.now() - left_over_after);
  if (!TRY(files.info(folder)))
    return ok();
  for (const std::string& name : TRY(files.list(folder)))
    if (name < limit)
      TRY(place.host.world.trees.remove(folder + "/" + name));
  return ok();
}

} // namespace

Said said_in(std::string_view log) {
  Said said;
  for (const std::string& text : base::split(log, '\n')) {
    json line = text.starts_with('{') ? json::parse(text, nullptr, false) : json();
    if (line.is_object())
      said.lines.push_back(std::move(line));
    else if (!text.empty() && said.words.size() + text.size() < words_bytes_max)
      said.words += text + "\n";
  }
  said.words = base::printable(said.words);
  return said;
}

Error error_of(const Said& said) {
  for (const json& line : said.lines)
    if (text_at(line, "event") == "error")
      return {ErrorKind::failed, text_at(line, "message"), text_at(line, "hint")};
  if (!said.status)
    return {ErrorKind::failed, "belay died: " + (said.words.empty() ? "no word" : said.words), ""};
  return {ErrorKind::failed,
          said.words.empty() ? "belay ended with status " + std::to_string(*said.status)
                             : said.words,
          ""};
}

struct Call::Running {
  Place place;
  std::string folder;
  world::ProcessId process;
  world::Milliseconds deadline{0};
  bool has_ended = false;
};

Call::Call(std::unique_ptr<Running> running) : running_{std::move(running)} {}

Call::Call(Call&& other) noexcept = default;

Call::~Call() {
  if (!running_)
    return;
  // Nothing can be done about a failure here; what is left goes within the hour.
  const app::Host& host = running_->place.host;
  if (!running_->has_ended)
    (void)host.world.processes.signal(running_->process, world::Signal::terminate);
  (void)host.world.trees.remove(running_->folder);
}

Result<Call> Call::begin(const Place& place, const std::vector<std::string>& arguments) {
  const std::string all = errands_folder(place) + "/calls";
  TRY(remove_left_overs(place, all));
  world::World world = place.host.world;
  auto running = std::make_unique<Running>(Running{
      .place = place,
      .folder = all + "/" + base::compact_time(world.clock.now()) + "-" + world.random.hex(8),
      .process = {},
      .deadline = world.clock.monotonic() + call_time_max});
  TRY(world.files.create_folders(running->folder));
  running->process = TRY(start(place, running->folder, arguments));
  return Call{std::move(running)};
}

Result<std::optional<Said>> Call::poll() {
  world::World world = running_->place.host.world;
  if (TRY(world.processes.is_alive(running_->process))) {
    if (world.clock.monotonic() < running_->deadline)
      return std::optional<Said>{};
    return Error{ErrorKind::unavailable, "it did not end within ten minutes, and was stopped",
                 "Look at what it waits for in a terminal."};
  }
  running_->has_ended = true;
  const std::string log = TRY(world.files.read(running_->folder + "/log", said_bytes_max));
  Said said = said_in(log);
  said.status = status_in(world.files, running_->folder);
  return std::optional{std::move(said)};
}

} // namespace errands
