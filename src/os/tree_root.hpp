#pragma once
// TreeRoot: a folder held open, and what is below it reached without ever following a link, also
// when somebody swaps a folder for a link while we look.

#include "os/fd.hpp"

#include <string>

namespace os {

class TreeRoot {
public:
  // The root itself may be reached through links. not_found when there is no such folder.
  static base::Result<TreeRoot> open(const std::string& path);

  // A folder below, for reading; "" is the root. not_found, conflict when a link is in the way.
  base::Result<Fd> folder(const std::string& relative) const;
  const Fd& fd() const { return folder_; }
  const std::string& path() const { return path_; }
  std::string whole(const std::string& relative) const; // for messages

private:
  TreeRoot(std::string path, Fd folder) : path_{std::move(path)}, folder_{std::move(folder)} {}
  std::string path_;
  Fd folder_;
};

// One name in an open folder.
struct Spot {
  const Fd& folder;
  std::string name;
  std::string whole; // for messages
};

// "a/b/c" -> "a/b"; "c" -> ""; and "c".
std::string folder_part(const std::string& relative);
std::string name_part(const std::string& relative);

} // namespace os
