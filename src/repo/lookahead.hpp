#pragma once
// Lookahead: opens and lists a folder in another thread, while the one before it is gone through.

#include "repo/backup_run.hpp"

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace repo {

struct Listing {
  base::Result<std::unique_ptr<world::Folder>> folder;
  std::optional<base::Result<std::vector<world::Entry>>> entries; // nothing: it was not opened
};
Listing list_folder(world::Folder& in, const std::string& name);

class Lookahead {
public:
  using Listed = std::future<Listing>;
  // `name` in the folder of `in`, which it keeps until then.
  Listed look(std::shared_ptr<Dir> in, std::string name);
  ~Lookahead() { tasks_.close(); }
  Lookahead() = default;
  Lookahead(const Lookahead&) = delete;
  Lookahead& operator=(const Lookahead&) = delete;

private:
  using Task = std::packaged_task<Listing()>;
  Queue<Task> tasks_{64}; // one for each folder on the way down
  std::jthread thread_{[this] {
    while (auto task = tasks_.pop())
      (*task)();
  }};
};

} // namespace repo
