#pragma once
// Journal: the append-only record of one operation; what it says is durable.
// Format (docs/formats/journal.md): one record a line, "<crc32 as 8 hex digits> <sequence number>
// <payload>\n", the CRC over all that follows it up to the newline. Sequence numbers begin at 1.

#include "world/files.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace journal {

class Journal {
public:
  // Reads what is there; absent is an empty journal. A torn last record (the machine died while
  // it was written) is cut off. corrupt: a record that was whole is damaged or missing.
  static base::Result<Journal> open(world::Files& files, std::string path);
  // The same without touching the file: for those who only look while another belay writes.
  static base::Result<Journal> look(world::Files& files, std::string path);

  // Durable when it returns. The payload must not hold a newline. After a failure the file ends
  // with the last whole record again, or every later append fails too.
  base::Result<> append(std::string_view payload) { return append_all({std::string{payload}}); }
  // The same of several records in one write: a crash in here leaves the first few of them.
  base::Result<> append_all(const std::vector<std::string>& payloads);
  const std::vector<std::string>& records() const { return records_; }

private:
  Journal(world::Files& files, std::string path) : files_{&files}, path_{std::move(path)} {}
  static base::Result<Journal> load(world::Files& files, std::string path, bool repair);
  world::Files* files_;
  std::string path_;
  std::vector<std::string> records_;
  std::size_t bytes_ = 0;      // of the whole records
  bool has_torn_tail_ = false; // an append failed and could not be undone
};

} // namespace journal
