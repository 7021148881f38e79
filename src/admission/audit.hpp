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

#include <nlohmann/json.hpp>

namespace admission {

struct AuditRecord {
  std::uint64_t number = 0; // from 1
  world::TimePoint at;
  bool is_end = false; // of the record `begun`; else something begins
  std::string who;     // "user 0", "token ci"
  std::string over;    // "command line", "http", "mcp from 192.0.2.7"
  std::string what;    // "createOperation"
  std::vector<std::string> arguments;
  std::uint64_t begun = 0; // of an end: the number of its beginning
  int status = 0;          // of an end: of the answer, or the exit status
  bool operator==(const AuditRecord&) const = default;
};

nlohmann::json shown(const AuditRecord& record); // to clients, over HTTP and with --json

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

struct AuditRead {
  AuditHead head;
  bool has_torn_end = false; // a record that was being written when its belay died
};

// Reads the whole chain, for who must not wait: some of it with each step.
class AuditScan {
public:
  // Of each record, the oldest first, with the head that it made.
  using Take = std::function<void(const AuditRecord& record, const AuditHead& head)>;
  AuditScan(world::World world, std::string path) : world_{world}, path_{std::move(path)} {}
  // Some milliseconds of it; what was read when that was all, and else nothing. corrupt: the first
  // record that does not follow from the one before.
  base::Result<std::optional<AuditRead>> step(const Take& take);

private:
  world::World world_;
  std::string path_;
  AuditReader reader_;
  std::string rest_; // behind the last newline that was read
  std::uint64_t offset_ = 0;
};

// The same, and that the record of `kept` is there as it was when that was the head.
class AuditCheck {
public:
  AuditCheck(AuditScan scan, std::optional<AuditHead> kept)
      : scan_{std::move(scan)}, kept_{std::move(kept)}, is_found_{!kept_ || kept_->number == 0} {}
  base::Result<std::optional<AuditRead>> step(); // corrupt

private:
  AuditScan scan_;
  std::optional<AuditHead> kept_;
  bool is_found_;
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

  // At once what AuditScan and AuditCheck do by and by.
  base::Result<AuditRead> read(const AuditScan::Take& take) const;
  base::Result<AuditRead> verify(const std::optional<AuditHead>& kept) const;
  AuditScan scan() const { return {world_, path()}; }

  struct Page {
    std::vector<AuditRecord> records; // the newest first
    std::uint64_t older_before = 0;   // where to go on; 0: there are no older ones
  };
  // At most `count` before the place where an earlier page ended; nothing: before the end. Does not
  // look whether they follow from one another. invalid_input: it is no such place. corrupt: a line
  // there is no record.
  base::Result<Page> newest(std::size_t count, std::optional<std::uint64_t> before) const;

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
