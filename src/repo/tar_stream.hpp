#pragma once
// TarStream: entries, one after the other, as the bytes of one archive.

#include "repo/format/tree.hpp"
#include "repo/tar.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

struct archive;

namespace repo {

class TarStream {
public:
  using Write = std::function<base::Result<>(std::string_view)>;
  // `write` is given the bytes of the archive, and must outlive this.
  explicit TarStream(const Write& write);

  base::Result<> open(Packing packing);
  // The name by which this file is in the archive already; empty: it is not, and from now on it is
  // there as `path`. Of what has one name only it is always empty.
  std::string name_before(const std::string& path, const format::Node& node);
  // `size`: how many bytes content() will be given; 0 with a `hard_link`, and of what is no file.
  base::Result<> begin(const std::string& path, const format::Node& node, std::uint64_t size,
                       const std::string& hard_link);
  base::Result<> content(std::string_view bytes);
  base::Result<> close(); // the archive is complete
  // Whoever reads the archive fails too, also at the end of a pipe of which nobody asks for the
  // status of each command: its end is missing, and where tar would not see that, there is rubbish.
  void give_up();
  const TarReport& report() const { return report_; }

private:
  struct FreeArchive {
    void operator()(archive* writer) const;
  };
  static long take_bytes(archive*, void* to, const void* bytes, std::size_t size);
  base::Error failure();

  const Write& write_;
  Packing packing_ = Packing::none;
  std::optional<base::Error> failed_; // of write_
  std::unique_ptr<archive, FreeArchive> writer_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::string> first_names_;
  TarReport report_;
};

} // namespace repo
