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
  // Only the end can be torn, for each append is durable before the next begins; and what is left
  // of a record that was torn has no newline, for that is its last byte.
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

Result<> Journal::append_all(const std::vector<std::string>& payloads) {
  if (has_torn_tail_) {
    TRY_CONTEXT(files_->truncate(path_, bytes_), "append to journal");
    has_torn_tail_ = false;
  }
  std::string lines;
  for (std::size_t index = 0; index < payloads.size(); ++index) {
    CHECK(payloads[index].find('\n') == std::string::npos);
    lines += frame(records_.size() + 1 + index, payloads[index]);
  }
  if (auto appended = files_->append(path_, lines); !appended) {
    // A part of it may be there (full disk): the next record must not follow a torn one.
    has_torn_tail_ = !files_->truncate(path_, bytes_);
    return std::move(appended).error().context("append to journal");
  }
  bytes_ += lines.size();
  records_.insert(records_.end(), payloads.begin(), payloads.end());
  return base::ok();
}

} // namespace journal
