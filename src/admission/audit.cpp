#include "admission/audit.hpp"

#include "base/digest.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <charconv>

#include <nlohmann/json.hpp>

namespace admission {

using base::Error;
using base::ErrorKind;
using base::Result;
using nlohmann::json;

namespace {

constexpr int audit_format = 1;
constexpr std::size_t digest_digits = 64;
constexpr std::size_t argument_bytes_max = 500;
constexpr std::size_t arguments_max = 16; // with the above: a line stays short, whatever is escaped
constexpr std::size_t line_bytes_max = 64U << 10U; // no record of ours is so long
constexpr std::size_t piece_bytes = 256U << 10U;
constexpr std::size_t page_piece_bytes = 64U << 10U;
constexpr auto audit_lock_poll = std::chrono::milliseconds{10};

bool is_digest(std::string_view text) {
  return text.size() == digest_digits && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string digest_after(const AuditHead& before, std::string_view payload) {
  base::Sha256 digest;
  digest.update(before.number == 0 ? std::string(digest_digits, '0') : before.digest);
  digest.update(" ");
  digest.update(payload);
  return digest.hex();
}

// `number`: 0 where that cannot be told.
Error broken(std::uint64_t number, const std::string& why) {
  return {
      ErrorKind::corrupt,
      "the audit log is broken " +
          (number == 0 ? "near its end" : "at record " + std::to_string(number)) + ": " + why,
      "Somebody has changed it, or the disk has. Keep it as it is, and compare it with a copy."};
}

std::string audit_text(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::optional<std::uint64_t> audit_number(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_unsigned())
    return std::nullopt;
  return found->get<std::uint64_t>();
}

std::string payload_of(const AuditRecord& record) {
  json object{{"format", audit_format},
              {"n", record.number},
              {"at", base::format_time(record.at)},
              {"event", record.is_end ? "end" : "begin"},
              {"who", record.who},
              {"over", record.over},
              {"what", record.what}};
  if (record.is_end) {
    object["of"] = record.begun;
    object["status"] = record.status;
  } else {
    object["arguments"] = record.arguments;
  }
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<AuditRecord> record_in(const json& object) {
  AuditRecord record;
  const auto number = audit_number(object, "n");
  const auto at = base::parse_time(audit_text(object, "at"));
  const std::string event = audit_text(object, "event");
  record.who = audit_text(object, "who");
  record.over = audit_text(object, "over");
  record.what = audit_text(object, "what");
  if (!number || !at || (event != "begin" && event != "end") || record.what.empty())
    return std::nullopt;
  record.number = *number;
  record.at = at.value();
  record.is_end = event == "end";
  if (record.is_end) {
    const auto begun = audit_number(object, "of");
    if (!begun || !object.contains("status") || !object["status"].is_number_integer())
      return std::nullopt;
    record.begun = *begun;
    record.status = object["status"].get<int>();
    return record;
  }
  const auto arguments = object.find("arguments");
  if (arguments == object.end() || !arguments->is_array())
    return std::nullopt;
  for (const json& each : *arguments)
    record.arguments.push_back(each.is_string() ? each.get<std::string>() : "");
  return record;
}

bool has_form_of_line(std::string_view line) {
  return line.size() >= digest_digits + 2 && line.size() <= line_bytes_max &&
         line[digest_digits] == ' ' && is_digest(line.substr(0, digest_digits));
}

// `number`: of the record that it should be, for an error.
Result<AuditRecord> record_in_payload(std::string_view payload, std::uint64_t number) {
  const json object = json::parse(payload, nullptr, false);
  if (const auto format = audit_number(object, "format"); !object.is_object() || !format)
    return broken(number, "it is no record");
  else if (*format > audit_format)
    return Error{ErrorKind::too_new, "the audit log was written by a newer belay",
                 "Use that belay, or a newer one."};
  auto record = record_in(object);
  if (!record)
    return broken(number, "it is no record");
  return *std::move(record);
}

Error no_such_place() {
  return {ErrorKind::invalid_input, "that cursor was not given out here",
          "Begin again without it."};
}

} // namespace

std::string words_of(const AuditHead& head) {
  return head.number == 0 ? "0" : std::to_string(head.number) + ":" + head.digest;
}

std::optional<AuditHead> head_named(std::string_view words) {
  AuditHead head;
  const auto colon = words.find(':');
  const auto digits = words.substr(0, colon);
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), head.number);
  if (read.ec != std::errc{} || read.ptr != digits.data() + digits.size())
    return std::nullopt;
  if (colon == std::string_view::npos)
    return head.number == 0 ? std::optional{head} : std::nullopt;
  head.digest = words.substr(colon + 1);
  return head.number != 0 && is_digest(head.digest) ? std::optional{head} : std::nullopt;
}

AuditLine audit_line(const AuditRecord& record, const AuditHead& before) {
  const std::string payload = payload_of(record);
  const std::string digest = digest_after(before, payload);
  return {.text = digest + " " + payload + "\n",
          .head = {.number = record.number, .digest = digest}};
}

json shown(const AuditRecord& record) {
  json line{{"event", record.is_end ? "end" : "begin"},
            {"number", record.number},
            {"at", base::format_time(record.at)},
            {"who", record.who},
            {"over", record.over},
            {"what", record.what}};
  if (record.is_end)
    line.update({{"of", record.begun}, {"status", record.status}});
  else
    line["arguments"] = record.arguments;
  return line;
}

Result<AuditRecord> AuditReader::next(std::string_view line) {
  const std::uint64_t number = head_.number + 1;
  if (!has_form_of_line(line))
    return broken(number, "it is no record");
  const std::string_view payload = line.substr(digest_digits + 1);
  if (digest_after(head_, payload) != line.substr(0, digest_digits))
    return broken(number, "it does not follow from the record before it");
  auto record = TRY(record_in_payload(payload, number));
  if (record.number != number)
    return broken(number, "it is another record");
  head_ = {.number = number, .digest = std::string{line.substr(0, digest_digits)}};
  return record;
}

Result<std::unique_ptr<world::Lock>> AuditLog::lock() {
  TRY(world_.files.create_folders(folder_));
  const world::Milliseconds deadline = world_.clock.monotonic() + patience_;
  for (;;) {
    auto held = world_.files.lock(folder_ + "/audit.lock", R"({"does":"writes the audit log"})");
    if (held || held.error().kind != ErrorKind::conflict)
      return held;
    if (world_.clock.monotonic() >= deadline)
      return Error{ErrorKind::locked, "another belay has been writing the audit log for too long",
                   "Try again. If it stays so, look for a belay that was stopped (ps, state T)."};
    world_.clock.sleep_for(audit_lock_poll);
  }
}

// What stands at the end counts as it is: a chain that is broken before it, or there, is found by
// who verifies, and keeps nobody from going back at night.
Result<AuditLog::End> AuditLog::cut_and_find_end() {
  const auto info = TRY(world_.files.info(path()));
  if (!info || info->size_bytes == 0)
    return End{};
  const std::string end = TRY(world_.files.read_end(path(), 2 * line_bytes_max));
  const auto newline = end.rfind('\n');
  const std::size_t torn = newline == std::string::npos ? end.size() : end.size() - newline - 1;
  if (torn > line_bytes_max)
    return End{.head = {.number = 1, .digest = base::sha256_hex(end)}, .is_open = true};
  if (torn != 0)
    TRY(world_.files.truncate(path(), info->size_bytes - torn));
  if (newline == std::string::npos)
    return End{};
  const auto before = newline == 0 ? std::string::npos : end.rfind('\n', newline - 1);
  const auto from = before == std::string::npos ? 0 : before + 1;
  const std::string_view line = std::string_view{end}.substr(from, newline - from);
  const json object = line.size() > digest_digits
                          ? json::parse(line.substr(digest_digits), nullptr, false)
                          : json();
  const auto number = object.is_object() ? audit_number(object, "n") : std::nullopt;
  if (!number || !is_digest(line.substr(0, digest_digits)))
    return End{.head = {.number = 1, .digest = base::sha256_hex(line)}};
  return End{.head = {.number = *number, .digest = std::string{line.substr(0, digest_digits)}}};
}

Result<AuditRecord> AuditLog::append(AuditRecord record) {
  const auto held = TRY(lock());
  const End before = TRY(cut_and_find_end());
  record.number = before.head.number + 1;
  record.at = world_.clock.now();
  if (record.arguments.size() > arguments_max)
    record.arguments.resize(arguments_max);
  for (std::string& argument : record.arguments)
    argument.resize(std::min(argument.size(), argument_bytes_max));
  TRY(world_.files.append(path(),
                          (before.is_open ? "\n" : "") + audit_line(record, before.head).text));
  return record;
}

Result<std::optional<AuditRead>> AuditScan::step(const Take& take) {
  if (offset_ == 0 && !TRY(world_.files.info(path_)))
    return std::optional{AuditRead{}};
  const std::string piece = TRY(world_.files.read_range(path_, offset_, piece_bytes));
  offset_ += piece.size();
  rest_ += piece;
  std::size_t from = 0;
  for (auto to = rest_.find('\n'); to != std::string::npos; to = rest_.find('\n', from)) {
    const AuditRecord record = TRY(reader_.next(std::string_view{rest_}.substr(from, to - from)));
    take(record, reader_.head());
    from = to + 1;
  }
  rest_.erase(0, from);
  if (piece.size() < piece_bytes)
    return std::optional{AuditRead{.head = reader_.head(), .has_torn_end = !rest_.empty()}};
  if (rest_.size() > line_bytes_max)
    return broken(reader_.head().number + 1, "it is no record");
  return std::optional<AuditRead>{};
}

Result<std::optional<AuditRead>> AuditCheck::step() {
  const auto read = TRY(scan_.step([this](const AuditRecord&, const AuditHead& head) {
    is_found_ = is_found_ || head == *kept_;
  }));
  if (!read || is_found_)
    return read;
  if (read->head.number < kept_->number)
    return Error{ErrorKind::corrupt,
                 "the audit log ends at record " + std::to_string(read->head.number) +
                     ": that of record " + std::to_string(kept_->number) +
                     " was kept, and is missing",
                 "Somebody has taken records off its end. Compare it with a copy."};
  return broken(kept_->number, "it is not the one whose head was kept");
}

Result<AuditRead> AuditLog::read(const AuditScan::Take& take) const {
  AuditScan all = scan();
  for (;;)
    if (const auto read = TRY(all.step(take)))
      return *read;
}

Result<AuditRead> AuditLog::verify(const std::optional<AuditHead>& kept) const {
  AuditCheck check{scan(), kept};
  for (;;)
    if (const auto read = TRY(check.step()))
      return *read;
}

Result<AuditLog::Page> AuditLog::newest(std::size_t count,
                                        std::optional<std::uint64_t> before) const {
  const auto info = TRY(world_.files.info(path()));
  std::uint64_t at = before.value_or(info ? info->size_bytes : 0); // what is from there on is read
  if (before && (!info || at == 0 || at > info->size_bytes))
    return no_such_place();
  std::string text;
  // With one newline more than records, the first of them is whole.
  while (at > 0 && std::ranges::count(text, '\n') <= static_cast<std::ptrdiff_t>(count)) {
    const auto bytes = std::min<std::uint64_t>(at, page_piece_bytes);
    std::string piece = TRY(world_.files.read_range(path(), at - bytes, bytes));
    if (piece.size() != bytes || text.size() > (count + 1) * line_bytes_max)
      return broken(0, "its end is no record");
    text.insert(0, piece);
    at -= bytes;
  }
  if (before && !text.ends_with('\n'))
    return no_such_place();
  Page page;
  for (auto to = text.rfind('\n'); to != std::string::npos && page.records.size() < count;) {
    const auto newline = to == 0 ? std::string::npos : text.rfind('\n', to - 1);
    const std::size_t from = newline == std::string::npos ? 0 : newline + 1;
    const std::string_view line = std::string_view{text}.substr(from, to - from);
    const std::uint64_t number = page.records.empty() ? 0 : page.records.back().number - 1;
    if (!has_form_of_line(line))
      return broken(number, "it is no record");
    page.records.push_back(TRY(record_in_payload(line.substr(digest_digits + 1), number)));
    page.older_before = at + from;
    to = newline;
  }
  return page;
}

} // namespace admission
