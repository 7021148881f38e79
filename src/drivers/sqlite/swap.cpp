#include "drivers/sqlite/swap.hpp"

#include "base/text.hpp"

#include <charconv>
#include <optional>

namespace drivers::sqlite {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

// Inodes only: all names are on one file system, whose device number may change at a reboot.
struct Sidecar {
  std::uint64_t live = 0; // 0: nothing was live
  std::uint64_t incoming = 0;
};

bool take_number(const std::string& line, std::string_view name, std::uint64_t& number) {
  if (!line.starts_with(name))
    return false;
  const char* end = line.data() + line.size();
  const auto parsed = std::from_chars(line.data() + name.size(), end, number);
  return parsed.ec == std::errc{} && parsed.ptr == end;
}

Result<Sidecar> sidecar_from(const std::string& text, const std::string& path) {
  const auto lines = base::split(text, '\n');
  Sidecar sidecar;
  if (lines.size() >= 3 && lines[0] == "database-swap 1" &&
      take_number(lines[1], "live ", sidecar.live) &&
      take_number(lines[2], "incoming ", sidecar.incoming))
    return sidecar;
  return Error{ErrorKind::corrupt, "'" + path + "' is not a record of a swap",
               "Keep everything; a person has to look which database is which."};
}

class Swap {
public:
  Swap(world::World world, const SwapPaths& paths)
      : files_{world.files}, sqlite_{world.sqlite}, paths_{paths}, out_{paths.abandoned + "/" +
                                                                        base::name_of_path(
                                                                            paths.live)},
        incoming_{paths.abandoned + "/incoming"}, sidecar_path_{paths.abandoned + "/swap"} {}

  Result<std::optional<Sidecar>> read_sidecar() {
    auto text = files_.read(sidecar_path_, 4096);
    if (!text && text.error().kind == ErrorKind::not_found)
      return std::optional<Sidecar>{};
    return std::optional{TRY(sidecar_from(TRY(std::move(text)), sidecar_path_))};
  }

  Result<> run() {
    TRY(files_.create_folders(paths_.abandoned));
    const Sidecar sidecar = TRY(begin());
    const std::uint64_t live = TRY(inode_of(paths_.live));
    if (live == sidecar.incoming)
      return take_out();
    if (TRY(inode_of(incoming_)) != sidecar.incoming)
      return end_without_incoming(sidecar);
    if (live == 0) {                // nothing was live, or a swap by two renames died in the middle
      TRY(move_companions_aside()); // of a database that was deleted alone
      return files_.rename(incoming_, paths_.live);
    }
    if (live != sidecar.live)
      return Error{ErrorKind::conflict,
                   "'" + paths_.live + "' is neither what was live nor what was kept",
                   "Somebody else replaced it. Everything is kept in '" + paths_.abandoned +
                       "'; a person has to look."};
    TRY(make_one_file());
    return exchange();
  }

private:
  Result<std::uint64_t> inode_of(const std::string& path) {
    const auto info = TRY(files_.info(path));
    return info ? info->inode : std::uint64_t{0};
  }

  Result<Sidecar> begin() {
    std::optional<Sidecar> sidecar = TRY(read_sidecar());
    if (!sidecar) {
      sidecar = Sidecar{TRY(inode_of(paths_.live)), TRY(inode_of(paths_.kept))};
      if (sidecar->incoming == 0)
        return Error{ErrorKind::not_found, "the kept copy '" + paths_.kept + "' is gone",
                     "Choose another restore point: 'belay points'."};
      TRY(files_.replace(sidecar_path_, "database-swap 1\nlive " + std::to_string(sidecar->live) +
                                            "\nincoming " + std::to_string(sidecar->incoming) +
                                            "\n"));
    }
    if (TRY(inode_of(paths_.kept)) == sidecar->incoming)
      TRY(files_.rename(paths_.kept, incoming_));
    return *sidecar;
  }

  // What came in is not live any more: the service has replaced the file since, as some do when
  // they compact it. That is fine when all of the swap was done, and a loss in any other case.
  Result<> end_without_incoming(const Sidecar& sidecar) {
    const bool was_done =
        sidecar.live == 0 ? TRY(inode_of(paths_.live)) != 0 : TRY(inode_of(out_)) == sidecar.live;
    if (was_done)
      return ok();
    return Error{ErrorKind::not_found,
                 "what was to become '" + paths_.live + "' is gone from '" + incoming_ + "'",
                 "Choose another restore point: 'belay points'."};
  }

  Result<> move_companions_aside() {
    for (const char* companion : companions)
      if (TRY(files_.info(paths_.live + companion)))
        TRY(files_.rename(paths_.live + companion, out_ + companion));
    return ok();
  }

  // Fold the WAL in, so that the abandoned database is one whole file. Where it is damaged that
  // fails; then its companions go with it as they are, and it is not folded again without them.
  Result<> make_one_file() {
    bool is_aside = false;
    for (const char* companion : companions)
      is_aside = is_aside || TRY(files_.info(out_ + companion)).has_value();
    if (!is_aside)
      if (auto folded = sqlite_.fold(paths_.live);
          !folded && folded.error().kind != ErrorKind::corrupt)
        return folded;
    return move_companions_aside();
  }

  Result<> exchange() {
    auto exchanged = files_.exchange(paths_.live, incoming_);
    if (exchanged)
      return take_out();
    if (exchanged.error().kind != ErrorKind::unavailable)
      return exchanged;
    // A file system without exchange: two renames, which the sidecar makes unambiguous.
    TRY(files_.rename(paths_.live, out_));
    return files_.rename(incoming_, paths_.live);
  }

  // After the exchange `incoming` is what was live; it gets its lasting name.
  Result<> take_out() {
    if (TRY(files_.info(incoming_)))
      TRY(files_.rename(incoming_, out_));
    return ok();
  }

  world::Files& files_;
  world::Sqlite& sqlite_;
  const SwapPaths& paths_;
  std::string out_;
  std::string incoming_;
  std::string sidecar_path_;
};

} // namespace

Result<bool> has_begun(world::World world, const SwapPaths& paths) {
  Swap swap{world, paths};
  return TRY(swap.read_sidecar()).has_value();
}

Result<> swap_in(world::World world, const SwapPaths& paths) {
  return Swap{world, paths}.run();
}

} // namespace drivers::sqlite
