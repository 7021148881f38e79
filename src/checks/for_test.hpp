#pragma once
// ForTest: a stack on a simulated machine, and what the checks say of it.

#include "checks/preflight.hpp"
#include "sim/sim_resources.hpp"
#include "sim/sim_world.hpp"

#include <gtest/gtest.h>

namespace checks {

class ChecksTest : public testing::Test {
protected:
  ChecksTest() {
    stack.name = "shop";
    stack.project_folder = "/srv/shop";
    stack.state_folder = "/srv/shop/.belay";
    domain::ServiceSpec service;
    service.name = "web";
    service.release.path = "/dist/web-{to}";
    service.releases_folder = "/srv/shop/.belay/releases/web";
    stack.services.push_back(service);
    request.to = "2.0";
    write("/srv/shop/belay.yaml", "stack: shop\n");
    write("/dist/web-2.0/app", "#!sim version=2");
  }

  void write(const std::string& path, const std::string& text) {
    EXPECT_TRUE(ports().files.create_folders(path.substr(0, path.rfind('/'))));
    EXPECT_TRUE(ports().files.replace(path, text));
  }
  world::World ports() { return world.ports(); }

  // What the check of this name says: "level: text", one line each.
  std::string said(const std::string& check) {
    std::string all;
    for (const auto& finding : Preflight{ports(), resources, stack, read_secret}.look(request))
      if (finding.check == check)
        all += std::string{domain::name_of(finding.level)} + ": " + finding.text + "\n";
    return all;
  }

  ReadSecret read_secret = [](const domain::SecretRef&) {
    return base::Error{base::ErrorKind::not_found, "no secrets here", ""};
  };
  sim::SimWorld world;
  sim::SimResources resources;
  domain::Stack stack;
  domain::PreflightRequest request;
};

} // namespace checks
