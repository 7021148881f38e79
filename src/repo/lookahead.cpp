#include "repo/lookahead.hpp"

namespace repo {

Listing list_folder(world::Folder& in, const std::string& name) {
  Listing listing{in.open_folder(name), {}};
  if (listing.folder)
    listing.entries = listing.folder.value()->list();
  return listing;
}

Lookahead::Listed Lookahead::look(std::shared_ptr<Dir> in, std::string name) {
  Task task{
      [in = std::move(in), name = std::move(name)] { return list_folder(*in->folder, name); }};
  Listed listed = task.get_future();
  tasks_.push(std::move(task));
  return listed;
}

} // namespace repo
