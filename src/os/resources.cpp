#include "os/resources.hpp"

#include "base/text.hpp"
#include "os/fd.hpp"
#include "os/proc.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <optional>

#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/timex.h>

namespace os {

using base::Error;
using base::ErrorKind;
using base::Result;

namespace {

Result<std::string> read_proc(const std::string& path) {
  constexpr std::size_t bytes_max = 64U << 10U;
  const auto file = open_file(path, O_RDONLY);
  if (!file)
    return file.error();
  return read_all(file.value(), bytes_max, path);
}

// The number after `name` at the begin of a line: "MemTotal:   16384 kB".
std::optional<std::uint64_t> number_after(const std::string& text, std::string_view name) {
  for (const std::string& line : base::split(text, '\n')) {
    if (!line.starts_with(name))
      continue;
    const auto at = line.find_first_of("0123456789", name.size());
    std::uint64_t number = 0;
    if (at != std::string::npos &&
        std::from_chars(line.data() + at, line.data() + line.size(), number).ec == std::errc{})
      return number;
  }
  return std::nullopt;
}

Error not_understood(const std::string& path) {
  return {ErrorKind::unavailable, "'" + path + "' does not say it in a form that is known", ""};
}

// Descriptors of a process; this process counts the one that it lists them with.
Result<std::uint64_t> count_open(const std::string& folder) {
  std::error_code failed;
  std::uint64_t count = 0;
  for (std::filesystem::directory_iterator each{folder, failed}, end; !failed && each != end;
       each.increment(failed))
    ++count;
  if (failed)
    return error_of(failed.value(), "list", folder);
  return count;
}

} // namespace

void give_back_large_memory() {
  constexpr int large_bytes = 4 << 20;      // packs, but not the blobs that a restore reads
  ::mallopt(M_MMAP_THRESHOLD, large_bytes); // when it fails, memory is larger, nothing else
  ::mallopt(M_TRIM_THRESHOLD, 2 * large_bytes);
}

Result<world::MemoryInfo> Resources::memory() {
  const std::string path = "/proc/meminfo";
  const std::string text = TRY(read_proc(path));
  const auto total = number_after(text, "MemTotal:");
  const auto available = number_after(text, "MemAvailable:");
  if (!total || !available)
    return not_understood(path);
  return world::MemoryInfo{*total * 1024, *available * 1024};
}

Result<world::OpenFiles> Resources::open_files(const world::ProcessId& id) {
  proc::Stat stat;
  if (!proc::read_stat(id.pid, stat) || stat.start_ticks != id.start_ticks)
    return Error{ErrorKind::not_found, "pid " + std::to_string(id.pid) + " is gone", ""};
  const std::string folder = "/proc/" + std::to_string(id.pid);
  const std::string limits = TRY(read_proc(folder + "/limits"));
  world::OpenFiles files;
  files.open = TRY(count_open(folder + "/fd"));
  const auto max = number_after(limits, "Max open files");
  if (!max)
    return not_understood(folder + "/limits");
  files.max = *max;
  return files;
}

Result<world::OpenFiles> Resources::own_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return error_of(errno, "read", "the limit of open files");
  return world::OpenFiles{TRY(count_open("/proc/self/fd")), limit.rlim_cur};
}

Result<world::OpenFiles> Resources::all_open_files() {
  const std::string path = "/proc/sys/fs/file-nr"; // open, free, max
  const std::string text = TRY(read_proc(path));
  std::vector<std::uint64_t> numbers;
  for (const std::string& word : base::split(text, '\t')) {
    std::uint64_t number = 0;
    if (std::from_chars(word.data(), word.data() + word.size(), number).ec == std::errc{})
      numbers.push_back(number);
  }
  if (numbers.size() != 3)
    return not_understood(path);
  return world::OpenFiles{numbers[0] - std::min(numbers[0], numbers[1]), numbers[2]};
}

Result<bool> Resources::is_clock_synchronised() {
  timex time{};
  const int state = ::adjtimex(&time); // without modes it only reads
  if (state < 0)
    return Error{ErrorKind::unavailable, "the kernel does not say whether the clock is kept right",
                 ""};
  return state != TIME_ERROR && (time.status & STA_UNSYNC) == 0;
}

} // namespace os
