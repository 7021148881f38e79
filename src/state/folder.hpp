#pragma once
// Folder: the state folder of one stack: generations, restore points, operations and the lock.
// Layout and write order: docs/formats/state-folder.md. Every record is whole or absent.

#include "state/records.hpp"
#include "world/world.hpp"

#include <memory>
#include <string>
#include <vector>

namespace state {

// A configuration file with its bytes.
struct ConfigFile {
  ConfigCopy copy;
  std::string bytes;
};

class Folder {
public:
  // Reads the format marker. too_new when a newer belay wrote the folder. Absent is fine: then it
  // is an empty one, and the first write makes it.
  static base::Result<Folder> open(world::World world, std::string path);

  const std::string& path() const { return path_; }

  // Held by whoever runs an operation; dies with it. locked says who holds it, since when.
  base::Result<std::unique_ptr<world::Lock>> lock(const std::string& operation);
  // Whether the lock's last holder still lives, and its words about itself. Takes no lock.
  struct Holder {
    bool is_alive = false;
    std::string words;
  };
  base::Result<Holder> holder() const;

  // Number of the generation that counts as running; 0 for none.
  base::Result<int> current_generation() const;
  base::Result<std::optional<Generation>> generation(int number) const; // nullopt: none
  base::Result<int> highest_generation() const;
  // Config bytes first, the record last. Idempotent.
  base::Result<> write_generation(const Generation& generation,
                                  const std::vector<ConfigFile>& config);
  base::Result<> set_current_generation(int number);

  base::Result<std::vector<std::string>> point_ids() const;      // oldest first
  base::Result<RestorePoint> point(const std::string& id) const; // not_found
  // Says that copies for this point are about to be made. What is begun and has no record is
  // nothing but what a death left. Both idempotent.
  base::Result<> begin_point(const std::string& id);
  base::Result<std::vector<std::string>> unfinished_points() const; // restore points only
  base::Result<> write_point(const RestorePoint& point, const std::vector<ConfigFile>& config);
  base::Result<> update_point(const RestorePoint& point); // the record only
  base::Result<> remove_point(const std::string& id);     // the record first. Idempotent

  // The bytes that belong to `copies` of a generation or of a point; corrupt when one differs.
  base::Result<std::vector<ConfigFile>> generation_config(const Generation& generation) const;
  base::Result<std::vector<ConfigFile>> point_config(const RestorePoint& point) const;

  base::Result<std::vector<std::string>> operation_ids() const; // oldest first
  std::string operation_path(const std::string& id) const { return path_ + "/operations/" + id; }
  std::string journal_path(const std::string& id) const { return operation_path(id) + "/journal"; }
  // Plan and frozen belay.yaml first, then the mark "in progress".
  base::Result<> begin_operation(const Plan& plan, const std::string& config_text);
  base::Result<Plan> plan_of(const std::string& id) const;
  base::Result<std::string> config_text_of(const std::string& id) const;
  // Id of the operation that has begun and has not ended; empty for none.
  base::Result<std::string> in_progress() const;
  base::Result<> end_operation(const std::string& id);

  // A wish for the belay that runs the operation: "commit" or "abort".
  base::Result<> request(const std::string& id, const std::string& wish);
  base::Result<bool> is_requested(const std::string& id, const std::string& wish) const;
  // Space that the journal can use when the disk is full. Idempotent.
  base::Result<> release_reserve(const std::string& id);

private:
  Folder(world::World world, std::string path) : world_{world}, path_{std::move(path)} {}
  base::Result<> make();
  std::string reserve_path(const std::string& id) const { return operation_path(id) + "/reserve"; }
  base::Result<> write_with_config(const std::string& folder, const std::vector<ConfigFile>& config,
                                   world::FileContent record);
  base::Result<std::vector<ConfigFile>> read_config(const std::string& folder,
                                                    const std::vector<ConfigCopy>& copies) const;
  base::Result<std::vector<std::string>> ids_in(const std::string& folder) const;
  world::World world_;
  std::string path_;
};

// Read the files of a stack's config as they are now.
base::Result<std::vector<ConfigFile>> capture_config(world::Files& files,
                                                     const std::vector<std::string>& paths);
std::vector<ConfigCopy> copies_of(const std::vector<ConfigFile>& config);

} // namespace state
