#include "os/effects.hpp"

#include <csignal>
#include <cstdlib>
#include <mutex>

#include <fcntl.h>
#include <unistd.h>

namespace os {
namespace {

void append_line(const std::string& path, const std::string& line) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0)
    return;
  // For tests only: a line that is not written fails the test that reads it.
  const auto written = ::write(file, line.data(), line.size());
  (void)written;
  ::close(file);
}

class PausingEffects final : public Effects {
public:
  explicit PausingEffects(const PauseOptions& options)
      : log_path_{options.log_path}, pause_file_{options.pause_file}, pause_at_{std::strtoull(
                                                                          options.pause_at.c_str(),
                                                                          nullptr, 10)},
        is_after_{options.pause_at.ends_with(":after")} {}

  void before(std::string_view name, const std::string& path) override {
    const std::scoped_lock guard{mutex_};
    line_ = std::to_string(++count_) + " " + std::string{name} + " " + path + "\n";
    if (!log_path_.empty())
      append_line(log_path_, line_);
    if (!is_after_)
      pause_if_due();
  }
  void after() override {
    const std::scoped_lock guard{mutex_};
    if (is_after_)
      pause_if_due();
  }

private:
  void pause_if_due() {
    if (count_ != pause_at_ || has_paused_)
      return;
    has_paused_ = true;
    if (!pause_file_.empty())
      append_line(pause_file_, line_);
    ::raise(SIGSTOP);
  }

  std::mutex mutex_; // a restore has several threads
  std::string log_path_;
  std::string pause_file_;
  std::size_t pause_at_;
  bool is_after_;
  std::size_t count_ = 0;
  bool has_paused_ = false;
  std::string line_;
};

} // namespace

std::unique_ptr<Effects> make_effects(const PauseOptions& options) {
  if (options.log_path.empty() && options.pause_at.empty())
    return std::make_unique<NoEffects>();
  return std::make_unique<PausingEffects>(options);
}

} // namespace os
