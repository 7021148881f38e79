// The conformance suite against a real server. tests/repo/test_backends.py starts servers and runs
// it.

#include "os/channels.hpp"
#include "os/world_for_test.hpp"
#include "repo/backend/conformance_for_test.hpp"
#include "repo/backend/place.hpp"

#include <cstdlib>

#include <unistd.h>

namespace repo::backend {
namespace {

// Wherever BELAY_TEST_REPOSITORY says: a place at a real server, below which each test gets one of
// its own. tests/repo/test_backends.py starts the servers and sets it.
class RemotePlace {
public:
  RemotePlace() {
    const char* const above = std::getenv("BELAY_TEST_REPOSITORY");
    CHECK(above != nullptr);
    Place place{.location = above + std::string{"/"} + random_.hex(8)};
    for (char** at = environ; *at != nullptr; ++at) {
      const std::string entry = *at;
      const auto equals = entry.find('=');
      const std::string name = entry.substr(0, equals);
      if (name == "BELAY_TEST_OPTION") // "s3.region=eu-central-1"
        place.options.emplace_back(
            entry.substr(equals + 1, entry.find('=', equals + 1) - equals - 1),
            entry.substr(entry.find('=', equals + 1) + 1));
      place.environment[name] = entry.substr(equals + 1);
    }
    auto opened = open_place(place, {files_, http_, channels_, clock_, random_});
    CHECK(opened);
    backend_ = std::move(opened).value();
  }
  Backend& backend() { return *backend_; }

private:
  os::NoEffects effects_;
  os::Files files_{effects_};
  os::Http http_;
  os::Channels channels_;
  os::Clock clock_;
  os::Random random_;
  std::unique_ptr<Backend> backend_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(remote, backend, RemotePlace);

} // namespace
} // namespace repo::backend
