#include "os/catalogue.hpp"

#include "base/digest.hpp"
#include "base/text.hpp"
#include "os/fd.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace os {

using base::Error;
using base::ErrorKind;
using base::Result;

namespace {

constexpr std::string_view head = "belay catalogue ";
constexpr std::string_view head_1 = "belay catalogue 1\n";
constexpr std::size_t catalogue_bytes_max = 4ULL << 30U;
constexpr std::size_t trailer_bytes = 64 + 8; // "sha256 " HEX "\n"

Error damaged(const char* what) {
  return {ErrorKind::corrupt, std::string{"the catalogue is damaged: "} + what, ""};
}

// Reads numbers and counted texts from the front of what is left.
class Reader {
public:
  explicit Reader(std::string_view text) : text_{text} {}
  template <class Number>
  void number(Number& value) {
    const auto parsed = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    const auto used = static_cast<std::size_t>(parsed.ptr - text_.data());
    is_good_ = is_good_ && parsed.ec == std::errc{} && used < text_.size() && text_[used] == ' ';
    text_.remove_prefix(is_good_ ? used + 1 : text_.size());
  }
  void counted(std::string& value) {
    std::size_t size = 0;
    number(size);
    is_good_ = is_good_ && size <= text_.size();
    if (!is_good_)
      return;
    value.assign(text_.substr(0, size));
    text_.remove_prefix(size);
    // A space or, at the end of an entry, a newline.
    is_good_ = !text_.empty() && (text_.front() == ' ' || text_.front() == '\n');
    text_.remove_prefix(is_good_ ? 1 : 0);
  }
  bool is_good() const { return is_good_; }
  bool is_at_end() const { return text_.empty(); }

private:
  std::string_view text_;
  bool is_good_ = true;
};

void add(std::string& text, std::uint64_t value) {
  text += std::to_string(value);
  text += ' ';
}
void add(std::string& text, std::int64_t value) {
  text += std::to_string(value);
  text += ' ';
}
void add(std::string& text, const std::string& value, char end) {
  add(text, std::uint64_t{value.size()});
  text += value;
  text += end;
}

void encode_entry(std::string& text, const CatalogueEntry& entry) {
  const TreeEntry& source = entry.source;
  add(text, std::uint64_t{source.mode});
  add(text, std::uint64_t{source.user});
  add(text, std::uint64_t{source.group});
  add(text, source.size);
  add(text, source.mtime_ns);
  add(text, source.ctime_ns);
  add(text, source.device);
  add(text, source.inode);
  add(text, source.links);
  add(text, source.special);
  add(text, entry.copy_inode);
  add(text, entry.copy_ctime_ns);
  add(text, std::uint64_t{entry.is_verified ? 1U : 0U});
  add(text, std::uint64_t{entry.is_fresh ? 1U : 0U});
  add(text, entry.sha256, ' ');
  add(text, entry.attributes, ' ');
  add(text, source.target, ' ');
  add(text, entry.first_name, ' ');
  add(text, source.path, '\n');
}

CatalogueEntry decode_entry(Reader& reader) {
  CatalogueEntry entry;
  TreeEntry& source = entry.source;
  int is_verified = 0;
  int is_fresh = 0;
  reader.number(source.mode);
  reader.number(source.user);
  reader.number(source.group);
  reader.number(source.size);
  reader.number(source.mtime_ns);
  reader.number(source.ctime_ns);
  reader.number(source.device);
  reader.number(source.inode);
  reader.number(source.links);
  reader.number(source.special);
  reader.number(entry.copy_inode);
  reader.number(entry.copy_ctime_ns);
  reader.number(is_verified);
  reader.number(is_fresh);
  reader.counted(entry.sha256);
  reader.counted(entry.attributes);
  reader.counted(source.target);
  reader.counted(entry.first_name);
  reader.counted(source.path);
  entry.is_verified = is_verified == 1;
  entry.is_fresh = is_fresh == 1;
  return entry;
}

std::string temporary_name(const std::string& path) {
  return base::parent_of(path) + "/.belay-tmp-" + base::name_of_path(path);
}

} // namespace

std::string encode(const Catalogue& catalogue) {
  std::string text{head_1};
  text.reserve(catalogue.entries.size() * 220);
  for (const CatalogueEntry& entry : catalogue.entries)
    encode_entry(text, entry);
  text += "sha256 " + base::sha256_hex(text) + "\n";
  return text;
}

Result<Catalogue> decode_catalogue(std::string_view text) {
  if (!text.starts_with(head))
    return damaged("it does not begin as one");
  if (!text.starts_with(head_1))
    return Error{ErrorKind::too_new, "the catalogue is from a newer belay",
                 "Use the belay that wrote it, or a newer one."};
  if (text.size() < head_1.size() + trailer_bytes)
    return damaged("it is cut short");
  const std::string_view body = text.substr(0, text.size() - trailer_bytes);
  if (text.substr(body.size()) != "sha256 " + base::sha256_hex(body) + "\n")
    return damaged("its digest is another");
  Catalogue catalogue;
  Reader reader{body.substr(head_1.size())};
  while (!reader.is_at_end()) {
    CatalogueEntry entry = decode_entry(reader);
    if (!reader.is_good())
      return damaged("an entry has no form");
    if (!catalogue.entries.empty() && entry.source.path <= catalogue.entries.back().source.path)
      return damaged("its entries are out of order");
    catalogue.entries.push_back(std::move(entry));
  }
  return catalogue;
}

std::string digest_of(const Catalogue& catalogue) {
  base::Sha256 digest;
  for (const CatalogueEntry& entry : catalogue.entries) {
    std::string line;
    add(line, entry.source.path, ' ');
    add(line, std::uint64_t{entry.source.mode});
    add(line, std::uint64_t{entry.source.user});
    add(line, std::uint64_t{entry.source.group});
    add(line, entry.source.special);
    add(line, entry.sha256, ' ');
    add(line, entry.attributes, ' ');
    add(line, entry.first_name, ' ');
    add(line, entry.source.target, '\n');
    digest.update(line);
  }
  return digest.hex();
}

Result<Catalogue> read_catalogue(const std::string& path) {
  const Fd file = TRY(open_file(path, O_RDONLY));
  const std::string text = TRY(read_all(file, catalogue_bytes_max, path));
  return TRY_CONTEXT(decode_catalogue(text), "'" + path + "'");
}

Result<Fd> begin_catalogue(const std::string& path, const Catalogue& catalogue) {
  const std::string temporary = temporary_name(path);
  ::unlink(temporary.c_str());
  Fd file = TRY(open_file(temporary, O_WRONLY | O_CREAT | O_EXCL));
  TRY(write_all(file, encode(catalogue), path));
  return file;
}

Result<> name_catalogue(const std::string& path) {
  if (std::rename(temporary_name(path).c_str(), path.c_str()) != 0)
    return error_of(errno, "replace", path);
  return sync_folder(base::parent_of(path));
}

Result<> write_catalogue(const std::string& path, const Catalogue& catalogue) {
  Fd file = TRY(begin_catalogue(path, catalogue));
  TRY(sync_file(file, path));
  TRY(file.close(path));
  return name_catalogue(path);
}

} // namespace os
