// One operation of the directory store on the real disk, so that tests/bench/store_bench.py can
// measure it from outside as it measures cp, rsync and tar.
//   store_bench protect|secure|restore FOLDER POINT

#include "drivers/directory/store.hpp"
#include "os/files.hpp"
#include "os/trees.hpp"
#include "sim/sim_world.hpp"

#include <cstdio>
#include <string_view>

namespace {

int report(const base::Error& error) {
  std::fprintf(stderr, "store_bench: %s\n", error.message.c_str());
  return 1;
}

} // namespace

int main(int count, char** words) {
  if (count != 4) {
    std::fprintf(stderr, "usage: store_bench protect|secure|restore FOLDER POINT\n");
    return 2;
  }
  const std::string_view what = words[1];
  os::NoEffects effects;
  os::Files files{effects};
  os::Trees trees{effects};
  sim::SimWorld simulated; // what the store does not use
  const world::World all = simulated.ports();
  drivers::directory::Store store{
      {files, trees, all.processes, all.http, all.sqlite, all.clock, all.random, all.events}};
  domain::StoreSpec spec;
  spec.name = "bench";
  spec.path = words[2];
  if (what == "restore") {
    domain::Snapshot snapshot;
    snapshot.kept = store.inspect(spec).value().kept_folder + "/" + words[3] + "/tree";
    const auto abandoned = store.restore(spec, snapshot, std::string{"abandoned-"} + words[3]);
    if (!abandoned)
      return report(abandoned.error());
    std::printf("{\"differences\": %zu}\n",
                static_cast<std::size_t>(abandoned.value().differences));
    return 0;
  }
  const auto captured =
      what == "protect" ? store.protect(spec, words[3], {}) : store.secure(spec, words[3], {});
  if (!captured)
    return report(captured.error());
  std::printf("{\"files\": %zu, \"copied\": %zu, \"bytes\": %zu, \"reflinked\": %s}\n",
              static_cast<std::size_t>(captured.value().snapshot.files),
              static_cast<std::size_t>(captured.value().copied.files),
              static_cast<std::size_t>(captured.value().copied.bytes),
              captured.value().was_reflinked ? "true" : "false");
  return 0;
}
