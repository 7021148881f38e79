#pragma once
// Archive filters: the compressions that libarchive may undo by itself. Its own
// archive_read_support_filter_all() also starts programs (lrzip, grzip) when the first bytes of a
// file that nobody vouches for ask for them. For who links libarchive.

#include <archive.h>

namespace base {

inline void allow_compressions(archive* reader) {
  archive_read_support_filter_gzip(reader);
  archive_read_support_filter_bzip2(reader);
  archive_read_support_filter_xz(reader);
  archive_read_support_filter_lzma(reader);
  archive_read_support_filter_lzip(reader);
  archive_read_support_filter_zstd(reader);
  archive_read_support_filter_lz4(reader);
  archive_read_support_filter_compress(reader);
}

struct FreeRead {
  void operator()(archive* reader) const { archive_read_free(reader); }
};

} // namespace base
