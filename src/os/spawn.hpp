#pragma once
// Spawn: a child with pipes of ours as its standard streams.

#include "os/fd.hpp"

#include <string>
#include <vector>

#include <sys/types.h>

namespace os {

struct Pipe {
  Fd read_end;
  Fd write_end;
};
base::Result<Pipe> make_pipe();

struct Streams {
  const Fd& in;
  const Fd& out;
  const Fd& err;
};

struct Spawn {
  std::vector<std::string> argv;
  std::vector<std::string> variables; // the whole environment, as NAME=value
  std::string working_folder;         // empty: ours
  // A session of its own has no terminal to ask on. Else it is a process group of its own, which
  // a deadline can end as one. In both, ctrl-C on our terminal does not end it.
  bool has_session = false;
};

// The child blocks no signal, and those that we handle do to it what they do to any program.
// A program that is not there is `not_found`.
base::Result<pid_t> spawn(Spawn what, Streams streams);

// The variables of this process.
std::vector<std::string> own_variables();

} // namespace os
