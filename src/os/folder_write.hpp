#pragma once
// Folder write: makes files, links and devices in an open folder, and gives them their metadata.

#include "os/fd.hpp"
#include "os/folders.hpp"

#include <memory>
#include <string>

namespace os {

// What every writer of metadata needs to tell.
struct Telling {
  Effects& effects;
  NotKept& not_kept;
};

// `whole`: its path, for messages.
base::Result<std::unique_ptr<world::NewFile>>
begin_file(const Fd& folder, const std::string& name, const std::string& whole, Telling& telling);
base::Result<std::unique_ptr<world::LiveFile>> open_live_file(const Fd& folder,
                                                              const std::string& name,
                                                              const std::string& whole,
                                                              Telling& telling);
base::Result<Fd> open_live_folder(const Fd& folder, const std::string& name,
                                  const std::string& whole);
base::Result<> make_other(const Fd& folder, const world::Entry& entry, const std::string& whole,
                          NotKept& not_kept);
// Of an open file or folder. Owner, attributes, mode, times, in this order: chown clears set-id
// bits and capabilities, an ACL changes the mode of the group, and all of it changes no time but
// ctime. Attributes that `entry` has not are taken away, but for labels.
base::Result<> put_metadata(const Fd& file, const world::Entry& entry, const std::string& whole,
                            NotKept& not_kept);

} // namespace os
