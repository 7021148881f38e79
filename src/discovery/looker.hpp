#pragma once
// Looker: the parts of one look, and what they share.

#include "config/config.hpp"
#include "discovery/evidence.hpp"
#include "discovery/words.hpp"
#include "world/world.hpp"

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace discovery {

class Looker {
public:
  Looker(world::World world, std::string folder, config::Environment environment)
      : world_{world}, environment_{std::move(environment)} {
    seen_.folder = std::move(folder);
  }
  Seen run();

private:
  // Files, in look.cpp.
  void walk();
  void look_at_file(const std::string& path, int depth, const world::EntryInfo& info);
  void add_variables(const std::string& path);
  void add_compose(const std::string& path);
  void add_unit(const std::string& path, const std::string& text);
  void add_script(const std::string& path, std::uint32_t mode);
  void add_package(const std::string& path);
  void add_units_of_the_machine();
  // Releases and data, in look_data.cpp.
  bool add_releases(const std::string& path, const std::vector<std::string>& names);
  bool runs_in_one_of(const std::string& path) const;
  void add_git();
  static bool is_data_name(const std::string& name);
  void add_data_folder(const std::string& path, const std::string& because);
  void add_data_of(const std::string& who, const std::vector<Word>& argv);
  void add_data_of(const std::string& who, const Process& process);
  void settle_data();
  // The machine, in look_machine.cpp.
  void look_at_processes();
  void add_process(const world::ListeningProcess& listener);
  HttpAnswer ask(const std::string& host, int port);
  void look_for_postgres();
  void look_for_helm();

  void add(std::string where, Detail detail) {
    seen_.evidence.push_back({std::move(where), std::move(detail)});
  }
  std::vector<Word> words_of(const std::vector<std::string>& argv, const std::string& folder);
  std::string text_of(const std::string& path); // empty, and said in `unseen`, when unreadable
  bool has(const std::string& where) const;     // evidence of this place

  world::World world_;
  config::Environment environment_;
  Seen seen_;
  Writer writer_;
  std::size_t entries_ = 0;
};

} // namespace discovery
