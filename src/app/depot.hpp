#pragma once
// Depot: a repository opened for one command: its place, its password, its lock.

#include "app/app.hpp"
#include "repo/backend/place.hpp"
#include "repo/lock.hpp"
#include "repo/repository.hpp"
#include "world/channels.hpp"
#include "world/folders.hpp"
#include "world/machine.hpp"

#include <functional>
#include <memory>
#include <string>

namespace app {

struct PasswordSource { // the first that is set
  std::string file;     // absolute; blanks around the password are none of it
  std::string command;  // words, "quoted" where they hold blanks; no shell sees it
  std::function<base::Result<std::string>()> prompt; // nothing: there is nobody to ask
};
// invalid_input: there is none, or it is empty.
base::Result<std::string> read_password(const Host& host, const PasswordSource& source);

struct RepoPorts { // the ports that only repositories need
  world::Folders& folders;
  world::Machine& machine;
  world::Channels& channels;
  std::uint64_t memory_bytes = repo::memory_bytes_default; // for what is done with one
};

enum class Trouble { none, no_repository, wrong_password }; // that have an exit status of their own

class Depot {
public:
  // Never makes a repository. `trouble` says why there is none, where a caller tells it apart.
  static base::Result<std::unique_ptr<Depot>> open(const Host& host, const RepoPorts& ports,
                                                   const repo::backend::Place& place,
                                                   const std::string& password, Trouble& trouble);
  static base::Result<std::unique_ptr<Depot>> create(const Host& host, const RepoPorts& ports,
                                                     const repo::backend::Place& place,
                                                     const std::string& password);
  repo::Repository& repository() { return *repository_; }

private:
  explicit Depot(std::unique_ptr<repo::backend::Backend> backend) : backend_{std::move(backend)} {}
  std::unique_ptr<repo::backend::Backend> backend_;
  std::unique_ptr<repo::Repository> repository_;
};

} // namespace app
