#pragma once
// Desk: takes orders for one stack: keeps plans until somebody says to carry exactly that one out,
// and starts what is to be done as errands.

#include "errands/call.hpp"
#include "errands/errand.hpp"
#include "errands/place.hpp"

#include <string>
#include <vector>

namespace errands {

// A plan that is being made.
class Planning {
public:
  // `kind`: "upgrade" or "rollback"; `arguments` of it, without --out.
  static base::Result<Planning> begin(const Place& place, const std::string& kind,
                                      const std::vector<std::string>& arguments,
                                      const std::string& face);
  struct Made {
    Errand errand;
    nlohmann::json plan; // docs/formats/plan.md
    bool is_blocked() const { return !plan["blockers"].empty(); }
  };
  // Nothing: not yet. Waits for nothing.
  base::Result<std::optional<Made>> poll();

private:
  Planning(Place place, std::string kind, std::string face, std::string path, Call call);
  Place place_;
  std::string kind_;
  std::string face_;
  std::string path_; // of the plan that it writes
  Call call_;
};

nlohmann::json shown(const Planning::Made& made); // to clients: the two-call rule's first answer

class Desk {
public:
  explicit Desk(Place place) : place_{std::move(place)} {}

  // Carries out the plan of this id. Who begins it twice gets the same errand. not_found: there is
  // none; conflict: it is another one (digest), has expired, is blocked, or somebody else has been
  // ordering for ten seconds. Whether it is still
  // true the errand itself finds out before anything is done.
  base::Result<ErrandView> apply(const std::string& id, const std::string& digest);
  // A kind of errand.hpp that is no plan. With a `key` that an errand has: that one, if it is of
  // the same kind.
  base::Result<ErrandView> begin(const std::string& kind, const std::vector<std::string>& arguments,
                                 const std::string& face, const std::string& key = "");
  base::Result<ErrandView> look(const std::string& id) const; // not_found
  // Newest first.
  base::Result<std::vector<ErrandView>> list() const;
  base::Result<nlohmann::json> plan_of(const std::string& id) const; // not_found

  // What an errand printed from `offset` on, whole lines, some of them; and where to go on.
  struct Lines {
    std::vector<std::pair<std::uint64_t, std::string>> lines; // JSON, with the offset behind each
    std::uint64_t next = 0;
  };
  base::Result<Lines> lines(const std::string& id, std::uint64_t offset) const;

private:
  std::string folder_of(const std::string& id) const { return errands_folder(place_) + "/" + id; }
  base::Result<Errand> read(const std::string& id) const;
  base::Result<> run(Errand errand, const std::vector<std::string>& arguments);
  Place place_;
};

} // namespace errands
