#pragma once
// Folder read: entries and files of an open folder, looked at and opened by their names alone.

#include "os/fd.hpp"
#include "world/folders.hpp"

#include <memory>
#include <string>

namespace os {

// `name` empty: `folder` itself, which may be a file too. Without target and attributes.
base::Result<world::Entry> look_at_name(int folder, const std::string& name,
                                        const std::string& whole);
// For reading, without following a link or waiting for a pipe, and without touching the time of
// the last access where that is allowed. Negative, with errno, when it cannot be.
int open_quietly(int folder, const std::string& name, int flags);

base::Result<std::size_t> read_at(const Fd& file, std::span<char> to, std::uint64_t offset,
                                  const std::string& whole);
base::Result<std::pair<std::uint64_t, std::uint64_t>>
next_data_of(const Fd& file, std::uint64_t offset, const std::string& whole);
std::unique_ptr<world::SourceFile> source_file(Fd file, std::string whole);

} // namespace os
