#pragma once
// Audit: who asked the daemon for what: one append-only file, in which each record holds the digest
// of the one before (docs/formats/audit.md). What is changed or taken out in the middle shows; what
// is taken off the end does not, unless somebody has kept the head.

#include "world/world.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace admission {

struct AuditRecord {
  std::uint64_t number = 0; // from 1
  world::TimePoint at;
  bool is_end = false; // of the record `begun`; else something begins
  std::string who;     // "user 0", "token ci"
  std::string over;    // "command line", "http", "http from 192.0.2.7"
  std::string what;    // "createOperation"
  std::vector<std::string> arguments;
  std::uint64_t begun = 0; // of an end: the number of its beginning
  int status = 0;          // of an end: of the answer, or the exit status
  bool operator==(const AuditRecord&) const = default;
};

struct AuditHead {          // of the last record: what is written down elsewhere
  std::uint64_t number = 0; // 0: there is none
  std::string digest;
  bool operator==(const AuditHead&) const = default;
};
std::string words_of(const AuditHead& head); // "12:9f86...", "0" when there is none
std::optional<AuditHead> head_named(std::string_view words);

// The line of `record`, with its newline, and the head that it makes.
struct AuditLine {
  std::string text;
  AuditHead head;
};
AuditLine audit_line(const AuditRecord& record, const AuditHead& before);

// Reads a chain, line after line. Pure.
class AuditReader {
public:
  // Without its newline. corrupt: it does not follow from the one before, or is no record.
  base::Result<AuditRecord> next(std::string_view line);
  const AuditHead& head() const { return head_; }

private:
  AuditHead head_;
};

class AuditLog {
public:
  // `folder` need not be there. `patience`: so long append() waits for another belay that writes.
  AuditLog(world::World world, std::string folder,
           world::Milliseconds patience = std::chrono::seconds{10})
      : world_{world}, folder_{std::move(folder)}, patience_{patience} {}

  // Durable when it returns, with the number and the time that it got. What a crash left of a
  // record at the end is cut off first. Does not read what is before the end. locked: somebody else
  // has been writing for too long. Of an error the record may be there, but then no end of it.
  base::Result<AuditRecord> append(AuditRecord record);

  struct Read {
    AuditHead head;
    bool has_torn_end = false; // a record that was being written when its belay died
  };
  // Of each record, the oldest first, with the head that it made.
  using Take = std::function<void(const AuditRecord& record, const AuditHead& head)>;
  // corrupt: the first that does not follow from the one before.
  base::Result<Read> read(const Take& take) const;
  // The same, and that the record of `kept` is there as it was when that was the head.
  base::Result<Read> verify(const std::optional<AuditHead>& kept) const;

private:
  base::Result<std::unique_ptr<world::Lock>> lock();
  struct End {
    AuditHead head;
    bool is_open = false; // what stands there has no newline, and is not ours to cut off
  };
  base::Result<End> cut_and_find_end();
  std::string path() const { return folder_ + "/audit"; }
  world::World world_;
  std::string folder_;
  world::Milliseconds patience_;
};

} // namespace admission
