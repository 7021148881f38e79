#include "drivers/directory/swap.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <charconv>

namespace drivers::directory {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

struct Identity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  bool operator==(const Identity&) const = default;
};

// What the sidecar says: "exchange 1\nlive D I\nincoming D I\n" or "move 1\npass out\n".
struct Sidecar {
  bool is_move = false;
  bool is_pass_in = false; // move: all that was live is out
  Identity live;           // exchange: 0 0 when nothing was live
  Identity incoming;
};

std::string text_of(const Sidecar& sidecar) {
  if (sidecar.is_move)
    return std::string{"move 1\npass "} + (sidecar.is_pass_in ? "in" : "out") + "\n";
  const auto line = [](const char* name, Identity id) {
    return std::string{name} + " " + std::to_string(id.device) + " " + std::to_string(id.inode) +
           "\n";
  };
  return "exchange 1\n" + line("live", sidecar.live) + line("incoming", sidecar.incoming);
}

bool take_identity(const std::string& line, std::string_view name, Identity& id) {
  const auto words = base::split(line, ' ');
  if (words.size() != 3 || words[0] != name)
    return false;
  const auto number = [](const std::string& word, std::uint64_t& value) {
    const auto parsed = std::from_chars(word.data(), word.data() + word.size(), value);
    return parsed.ec == std::errc{} && parsed.ptr == word.data() + word.size();
  };
  return number(words[1], id.device) && number(words[2], id.inode);
}

Result<Sidecar> sidecar_from(const std::string& text, const std::string& path) {
  Sidecar sidecar;
  const auto lines = base::split(text, '\n');
  if (lines.size() == 3 && lines[0] == "move 1" &&
      (lines[1] == "pass in" || lines[1] == "pass out")) {
    sidecar.is_move = true;
    sidecar.is_pass_in = lines[1] == "pass in";
    return sidecar;
  }
  if (lines.size() == 4 && lines[0] == "exchange 1" &&
      take_identity(lines[1], "live", sidecar.live) &&
      take_identity(lines[2], "incoming", sidecar.incoming))
    return sidecar;
  return Error{ErrorKind::corrupt, "'" + path + "' is not a record of a swap",
               "Keep everything; a person has to look which tree is which."};
}

class Swap {
public:
  Swap(world::World world, const SwapPaths& paths)
      : files_{world.files}, trees_{world.trees}, paths_{paths}, tree_{paths.abandoned + "/tree"},
        incoming_{paths.abandoned + "/incoming"}, sidecar_{paths.abandoned + "/swap"} {}

  Result<> run() {
    TRY(files_.create_folders(paths_.abandoned));
    if (paths_.is_mount_point)
      TRY(move());
    else
      TRY(exchange());
    return put_excluded_back();
  }

private:
  Result<Identity> identity_of(const std::string& path) {
    const auto info = TRY(files_.info(path));
    return info ? Identity{info->device, info->inode} : Identity{};
  }

  Result<std::optional<Sidecar>> read_sidecar() {
    auto text = files_.read(sidecar_, 4096);
    if (!text && text.error().kind == ErrorKind::not_found)
      return std::optional<Sidecar>{};
    if (!text)
      return std::move(text).error();
    return std::optional{TRY(sidecar_from(text.value(), sidecar_))};
  }

  Result<Sidecar> begin(bool is_move) {
    if (auto known = TRY(read_sidecar()))
      return *known;
    Sidecar sidecar;
    sidecar.is_move = is_move;
    sidecar.live = TRY(identity_of(paths_.live));
    // The kept tree may have its new name already: that rename is the only step before this one.
    if (TRY(files_.info(paths_.kept)))
      TRY(files_.rename(paths_.kept, incoming_));
    sidecar.incoming = TRY(identity_of(incoming_));
    if (sidecar.incoming == Identity{})
      return Error{ErrorKind::not_found, "the kept copy '" + paths_.kept + "' is gone",
                   "Choose another restore point: 'belay points'."};
    TRY(files_.replace(sidecar_, text_of(sidecar)));
    return sidecar;
  }

  // By inode it is told whether the exchange happened: a path alone cannot say. The number of a
  // device may be another after a reboot; that both sides are on one is told by this folder's.
  Result<> exchange() {
    const Sidecar sidecar = TRY(begin(false));
    const Identity live = TRY(identity_of(paths_.live));
    const Identity here = TRY(identity_of(paths_.abandoned));
    if (live == Identity{}) {
      // Nothing was live, or a two-rename swap died in the middle.
      TRY(files_.rename(incoming_, paths_.live));
      return take_out();
    }
    if (live.device == here.device && live.inode == sidecar.incoming.inode)
      return take_out();
    if (live.device != here.device || live.inode != sidecar.live.inode)
      return Error{ErrorKind::conflict,
                   "'" + paths_.live + "' is neither what was live nor what was kept",
                   "Somebody else replaced it. Both trees are kept below '" + paths_.abandoned +
                       "'; a person has to look."};
    auto exchanged = files_.exchange(paths_.live, incoming_);
    if (!exchanged && exchanged.error().kind == ErrorKind::unavailable) {
      // A file system without exchange: two renames, which the sidecar makes unambiguous.
      TRY(files_.rename(paths_.live, tree_));
      return files_.rename(incoming_, paths_.live);
    }
    TRY(std::move(exchanged));
    return take_out();
  }

  // After the exchange `incoming` is what was live; it gets its lasting name. Where nothing was
  // live the abandoned set is an empty folder.
  Result<> take_out() {
    if (TRY(files_.info(incoming_)))
      return files_.rename(incoming_, tree_);
    return files_.create_folders(tree_);
  }

  Result<> move() {
    Sidecar sidecar = TRY(begin(true));
    if (!sidecar.is_pass_in) {
      TRY(files_.create_folders(tree_));
      TRY(trees_.copy_root_metadata(paths_.live, tree_));
      TRY(move_children(paths_.live, tree_));
      sidecar.is_pass_in = true;
      TRY(files_.replace(sidecar_, text_of(sidecar)));
    }
    if (TRY(files_.info(incoming_))) {
      TRY(move_children(incoming_, paths_.live));
      TRY(trees_.copy_root_metadata(incoming_, paths_.live));
      TRY(trees_.remove(incoming_));
    }
    return ok();
  }

  // Whatever is still there goes; what went before a crash is at its new place already.
  Result<> move_children(const std::string& from, const std::string& to) {
    for (const std::string& name : TRY(files_.list(from)))
      if (name != ".belay" && std::ranges::find(paths_.exclude, name) == paths_.exclude.end())
        TRY(files_.rename(from + "/" + name, to + "/" + name));
    return ok();
  }

  // What is excluded was never captured: it belongs to neither time and stays in the live tree.
  Result<> put_excluded_back() {
    for (const std::string& path : paths_.exclude) {
      const std::string out = tree_ + "/" + path;
      const std::string in = paths_.live + "/" + path;
      if (path == ".belay" || !TRY(files_.info(out)) || TRY(files_.info(in)))
        continue;
      if (!TRY(files_.info(base::parent_of(in))))
        continue; // its parent folder did not exist then: it stays with the abandoned tree
      TRY(files_.rename(out, in));
    }
    return ok();
  }

  world::Files& files_;
  world::Trees& trees_;
  const SwapPaths& paths_;
  std::string tree_;
  std::string incoming_;
  std::string sidecar_;
};

} // namespace

Result<> swap_in(world::World world, const SwapPaths& paths) {
  return Swap{world, paths}.run();
}

} // namespace drivers::directory
