#include "journal/journal.hpp"

#include "base/digest.hpp"

#include <array>
#include <cstdio>

namespace journal {
namespace {

using base::Error;
using base::ErrorKind;
using base::Result;

std::string frame(std::size_t sequence, std::string_view payload) {
  const std::string body = std::to_string(sequence) + " " + std::string{payload};
  std::array<char, 16> head{};
  std::snprintf(head.data(), head.size(), "%08x ", base::crc32(body));
  return head.data() + body + "\n";
}

} // namespace

Result<Journal> Journal::open(world::Files& files, std::string path) {
  return load(files, std::move(path), true);
}

Result<Journal> Journal::look(world::Files& files, std::string path) {
  return load(files, std::move(path), false);
}

Result<Journal> Journal::load(world::Files& files, std::string path, bool repair) {
  Journal journal{files, std::move(path)};
  auto read = files.read(journal.path_);
  if (!read) {
    if (read.error().kind == ErrorKind::not_found)
      return journal;
    return std::move(read).error().context("open journal");
  }
  const std::string& text = read.value();
  std::size_t at = 0;
  for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', at)) {
    const std::string_view line = std::string_view{text}.substr(at, end - at + 1);
    const std::string sequence = std::to_string(journal.records_.size() + 1);
    const std::size_t head = 9 + sequence.size() + 1;
    if (line.size() < head + 1)
      break;
    std::string payload{line.substr(head, line.size() - head - 1)};
    if (frame(journal.records_.size() + 1, payload) != line)
      break;
    journal.records_.push_back(std::move(payload));
    at = end + 1;
  }
  // Only the last record can be torn, for each append is durable before the next begins; and a
  // torn one has no newline, for that is its last byte.
  if (text.find('\n', at) != std::string::npos)
    return Error{
        ErrorKind::corrupt,
        "journal '" + journal.path_ + "' is damaged at record " +
            std::to_string(journal.records_.size() + 1),
        "Keep the file; look at what runs with 'belay status' before you change anything."};
  journal.bytes_ = at;
  if (repair && at < text.size())
    TRY_CONTEXT(files.truncate(journal.path_, at), "drop the torn last record of the journal");
  return journal;
}

Result<> Journal::append(std::string_view payload) {
  CHECK(payload.find('\n') == std::string_view::npos);
  if (has_torn_tail_) {
    TRY_CONTEXT(files_->truncate(path_, bytes_), "append to journal");
    has_torn_tail_ = false;
  }
  const std::string line = frame(records_.size() + 1, payload);
  if (auto appended = files_->append(path_, line); !appended) {
    // A part of it may be there (full disk): the next record must not follow a torn one.
    has_torn_tail_ = !files_->truncate(path_, bytes_);
    return std::move(appended).error().context("append to journal");
  }
  bytes_ += line.size();
  records_.emplace_back(payload);
  return base::ok();
}

} // namespace journal
