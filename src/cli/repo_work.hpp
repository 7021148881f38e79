#pragma once
// Repo work: what each command of repositories does once it is parsed.

#include "app/stack_places.hpp"
#include "cli/progress.hpp"
#include "cli/repo.hpp"
#include "repo/copy.hpp"
#include "repo/lock.hpp"
#include "repo/prune.hpp"
#include "repo/repository.hpp"
#include "repo/restore.hpp"
#include "repo/retention.hpp"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace cli {

// The options that say where a repository is.
void add_place(CLI::App* sub, RepoOptions& options);
void add_copy(CLI::App* sub, RepoOptions& options); // the options of copy, which has two places
void add_memory(CLI::App* sub, RepoOptions& options);

class RepoWork {
public:
  RepoWork(const app::Host& host, const Terminal& terminal, const RepoOptions& options,
           bool is_json)
      : host_{host}, terminal_{terminal}, options_{options}, is_json_{is_json},
        progress_{terminal, host.world.clock, is_json} {}

  int init();
  int check();
  int repair();
  int key_list();
  int key_add();
  int key_remove();
  int key_passwd();
  int unlock();
  int copy();
  int backup();
  int snapshots();
  int ls();
  int restore();
  int dump();
  int find();
  int diff();
  int stats();
  int verify();
  int export_archive();
  int import_archive();
  int forget();
  int prune();

private:
  // Opens the repository for `work`, and makes a status of what comes of it.
  int with_repository(const std::function<base::Result<int>(repo::Repository&)>& work);
  base::Result<std::string> password(const std::string& file, const std::string& command,
                                     const std::string& question, bool is_asked_twice) const;
  app::RepoPorts ports() const {
    return {*terminal_.folders, *terminal_.machine, *terminal_.channels, options_.memory_bytes};
  }
  // Of a command that only reads.
  repo::Sharing sharing(repo::Sharing wanted) const {
    return options_.is_unlocked ? repo::Sharing::none : wanted;
  }
  std::string absolute(const std::string& path) const;
  base::Result<repo::backend::Place> place() const; // what --repo and its options name
  // That place, or one of belay.yaml when none is named.
  base::Result<app::StackPlace> opening(const std::string& question, bool is_asked_twice) const;
  base::Result<app::StackPlace> place_of_stack(app::Where where) const;
  // Of copy: from and to.
  base::Result<std::pair<app::StackPlace, app::StackPlace>> two_places() const;
  base::Result<repo::CopyReport> copy_between(repo::Repository& from, repo::Repository& to,
                                              const repo::CopyOptions& how);
  base::Result<> put_options(repo::backend::Place& place) const;
  int back_up_stack();
  int back_up_by_environment();
  int restore_point();
  int let_points_go();
  base::Result<int> run_backup(repo::Repository& repository);
  base::Result<int> run_forget(repo::Repository& repository);
  base::Result<repo::PruneOptions> prune_options() const;
  base::Result<repo::Policy> policy() const;
  repo::Filter filter() const;
  base::Result<std::vector<repo::format::Snapshot>>
  meant_snapshots(repo::Repository& repository) const; // as --host, --tag and --path say
  base::Result<repo::format::Snapshot> find_snapshot(repo::Repository& repository,
                                                     const std::string& name) const;
  base::Result<int> prune_locked(repo::Repository& repository, repo::Lock& lock);
  base::Result<int> run_check(repo::Repository& repository);
  // Of "SNAPSHOT:FOLDER", whose folder is "/" when none is named.
  base::Result<std::pair<repo::format::Snapshot, std::string>>
  snapshot_and_folder(repo::Repository& repository, const std::string& words) const;
  base::Result<std::vector<repo::format::Snapshot>>
  chosen_snapshots(repo::Repository& repository) const; // all, when none is named
  base::Result<int> run_diff(repo::Repository& repository);
  base::Result<int> run_verify(repo::Repository& repository);
  base::Result<int> run_export(repo::Repository& repository);
  base::Result<int> run_import(repo::Repository& repository);
  base::Result<int> run_dump(repo::Repository& repository);
  base::Result<int> run_restore(repo::Repository& repository);
  base::Result<int> restore_into(repo::Repository& repository,
                                 const repo::format::Snapshot& snapshot,
                                 const repo::RestoreOptions& how,
                                 std::uint64_t bytes); // of what is restored; 0: nobody knows
  base::Result<repo::RestoreOptions> restore_options(repo::Repository& repository,
                                                     const repo::format::Snapshot& snapshot);

  int print(const std::string& text) const;
  void say(const std::string& text) const; // for people, to standard error
  int fail(const base::Error& error, app::Trouble trouble) const;

  const app::Host& host_;
  const Terminal& terminal_;
  const RepoOptions& options_;
  bool is_json_;
  mutable Progress progress_;
};

} // namespace cli
