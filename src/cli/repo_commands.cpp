#include "cli/repo.hpp"
#include "cli/repo_work.hpp"

#include <CLI/CLI.hpp>

namespace cli {

namespace {

struct Row {
  CLI::App* app;
  int (RepoWork::*run)();
};

} // namespace

struct RepoCommands::State {
  explicit State(CLI::App& to) : root{to} {
    add_repo();
    add_backup();
    add_lookers();
    add_restore();
    add_forget();
  }

  CLI::App* add(CLI::App& parent, const char* name, const char* purpose, const char* examples,
                int (RepoWork::*run)()) {
    CLI::App* sub = parent.add_subcommand(name, purpose);
    sub->footer(std::string{"Examples:\n"} + examples);
    sub->fallthrough();
    rows.push_back({sub, run});
    return sub;
  }
  CLI::App* add_with_repository(CLI::App& parent, const char* name, const char* purpose,
                                const char* examples, int (RepoWork::*run)()) {
    CLI::App* sub = add(parent, name, purpose, examples, run);
    add_place(sub, options);
    sub->add_option("-p,--password-file", options.password_file, "file that holds its password");
    sub->add_option("--password-command", options.password_command,
                    "command that prints its password; run without a shell");
    return sub;
  }

  void add_repo() {
    CLI::App* repo = root.add_subcommand("repo", "make and look after repositories");
    repo->require_subcommand(1);
    repo->fallthrough();
    add_with_repository(*repo, "init", "make an empty repository, in the format of restic",
                        "  belay repo init -r /srv/backup -p /etc/belay/password", &RepoWork::init);
    CLI::App* check = add_with_repository(
        *repo, "check", "whether all that the snapshots need is there and unharmed",
        "  belay repo check -r /srv/backup -p password --read-data", &RepoWork::check);
    check->add_flag("--read-data", options.is_data_read, "read every byte");
    check->add_option("--read-data-subset", options.subset,
                      "read this share, as 10%, by lot, or the second of five parts, as 2/5");
    add_memory(check, options);
    add_no_lock(check);
    CLI::App* repair = add_with_repository(
        *repo, "repair", "make the index say what is there, and save what harmed packs still hold",
        "  belay repo repair -r /srv/backup -p password --read-data", &RepoWork::repair);
    repair->add_flag("--read-data", options.is_data_read, "read every byte");
    repair->add_flag("--remove-broken-snapshots", options.is_broken_removed,
                     "also the files of snapshots that cannot be read");
    repair->add_flag("-n,--dry-run", options.is_dry_run, "change nothing");
    add_with_repository(*repo, "unlock", "remove locks that dead processes left",
                        "  belay repo unlock -r /srv/backup -p password", &RepoWork::unlock)
        ->add_flag("--remove-all", options.is_all, "every lock, also of the living");
    CLI::App* stats =
        add_with_repository(*repo, "stats", "how large snapshots are, and the repository",
                            "  belay repo stats -r /srv/backup -p password\n"
                            "  belay repo stats latest --mode raw-data -r /srv/backup -p password",
                            &RepoWork::stats);
    stats->add_option("SNAPSHOT", options.snapshots, "only these; otherwise all");
    add_filter(stats);
    stats
        ->add_option("--mode", options.mode,
                     "restore-size, files-by-contents, blobs-per-file or raw-data")
        ->check(CLI::IsMember({"restore-size", "files-by-contents", "blobs-per-file", "raw-data"}))
        ->capture_default_str();
    add_copy(add(*repo, "copy", "copy snapshots into a second repository, and verify them",
                 "  belay repo copy\n"
                 "  belay repo copy --from /srv/backup --from-password-file p1 \\\n"
                 "    --to sftp:backup@example.org:/srv/shop --to-password-file p2",
                 &RepoWork::copy),
             options);
    add_keys(*repo);
  }

  void add_keys(CLI::App& repo) {
    CLI::App* key = repo.add_subcommand("key", "passwords of a repository");
    key->require_subcommand(1);
    key->fallthrough();
    add_with_repository(*key, "list", "list them", "  belay repo key list -r /srv/backup -p p",
                        &RepoWork::key_list);
    add_new_password(add_with_repository(
        *key, "add", "add a password",
        "  belay repo key add -r /srv/backup -p old --new-password-file new", &RepoWork::key_add));
    add_with_repository(*key, "remove", "remove a password",
                        "  belay repo key remove 3f2a91c0 -r /srv/backup -p p",
                        &RepoWork::key_remove)
        ->add_option("KEY", options.key, "first digits of its id")
        ->required();
    add_new_password(
        add_with_repository(*key, "passwd", "change the password that is in use",
                            "  belay repo key passwd -r /srv/backup -p old --new-password-file new",
                            &RepoWork::key_passwd));
  }

  void add_new_password(CLI::App* sub) {
    sub->add_option("--new-password-file", options.new_password_file,
                    "file that holds the new one");
    sub->add_option("--new-password-command", options.new_password_command,
                    "command that prints the new one");
  }

  void add_backup() {
    CLI::App* backup = add_with_repository(
        root, "backup",
        "take a restore point of a running stack, or a snapshot of paths, into a repository",
        "  belay backup shop\n"
        "  belay backup -r /srv/backup -p password --path /srv/shop --tag nightly\n"
        "  belay backup -r /srv/backup -p password --path /srv --exclude '*.tmp'\n"
        "  KM_STATE_PATH=/opt/knowledge/var belay backup --environment",
        &RepoWork::backup);
    backup->add_option("STACK", options.stack,
                       "name of the stack; without it and --path, the one of belay.yaml");
    CLI::Option* path = backup->add_option("--path", options.paths,
                                           "what to take instead; may be given several times");
    backup->add_option("--tag", options.tags, "a word to find the snapshot by");
    backup->add_option("-e,--exclude", options.exclude, "leave out what matches this pattern")
        ->needs(path);
    backup->add_option("--exclude-file", options.exclude_files, "patterns from a file, one a line")
        ->needs(path);
    backup
        ->add_flag("--exclude-caches", options.has_caches_excluded,
                   "leave out folders with a CACHEDIR.TAG")
        ->needs(path);
    backup
        ->add_flag("-x,--one-file-system", options.is_one_file_system,
                   "leave out other file systems")
        ->needs(path);
    backup->add_flag("-f,--force", options.is_everything_read,
                     "read also what seems not to have changed");
    backup->add_flag("--ignore-inode", options.is_inode_ignored,
                     "size and time of change are enough to tell that a file did not change");
    backup->add_flag("--with-atime", options.has_atime, "keep the times of the last access")
        ->needs(path);
    backup
        ->add_flag("--read-back", options.is_all_read_back,
                   "read back all that was stored, not a part; of a stack it always is")
        ->needs(path);
    backup->add_option("--compression", options.compression, "0 (none), 1 (fast) to 19 (small)")
        ->check(CLI::Range(0, 19))
        ->capture_default_str();
    add_memory(backup, options);
    CLI::Option* environment =
        backup->add_flag("--environment", options.is_by_environment,
                         "an archive of KM_STATE_PATH instead, as the KM_BACKUP_... variables say");
    backup
        ->add_flag("--verify", options.is_verified_only,
                   "only read the newest archive to its end, or the newest that is whole")
        ->needs(environment);
  }

  void add_lookers() {
    add_filter(add_with_repository(
        root, "snapshots", "list the snapshots of a repository, oldest first",
        "  belay snapshots -r /srv/backup -p password\n"
        "  belay snapshots --tag nightly --host web1 -r /srv/backup -p password",
        &RepoWork::snapshots));
    CLI::App* ls =
        add_with_repository(root, "ls", "list what is in a snapshot",
                            "  belay ls latest -r /srv/backup -p password\n"
                            "  belay ls 3f2a91c0 /srv/shop -l -r /srv/backup -p password",
                            &RepoWork::ls);
    add_snapshot(ls);
    ls->add_option("PATH", options.path, "only this and what is below it");
    ls->add_flag("-l,--long", options.is_long, "with mode, owner, size and time");
    CLI::App* dump = add_with_repository(
        root, "dump", "print a file of a snapshot, or a folder as an archive",
        "  belay dump latest /srv/shop/orders.csv -r /srv/backup -p password\n"
        "  belay dump latest /srv/shop --archive tar -r /srv/backup -p password > shop.tar",
        &RepoWork::dump);
    add_snapshot(dump);
    dump->add_option("FILE", options.path, "its path in the snapshot")->required();
    dump->add_option("-a,--archive", options.archive, "of a folder: tar")
        ->check(CLI::IsMember({"tar"}));
    add_seekers();
  }

  void add_seekers() {
    CLI::App* find =
        add_with_repository(root, "find", "find files in snapshots, by patterns of names or paths",
                            "  belay find '*.csv' -r /srv/backup -p password\n"
                            "  belay find orders.csv -s latest -l -r /srv/backup -p password",
                            &RepoWork::find);
    find->add_option("PATTERN", options.exclude, "as those of backup --exclude")->required();
    find->add_option("-s,--snapshot", options.snapshots, "only in this one; several times");
    add_filter(find);
    find->add_flag("-i,--ignore-case", options.is_case_ignored, "of the letters a to z");
    find->add_flag("-l,--long", options.is_long, "with mode, owner, size and time");
    CLI::App* diff = add_with_repository(
        root, "diff", "what differs between two snapshots",
        "  belay diff 3f2a91c0 latest -r /srv/backup -p password\n"
        "  belay diff 3f2a91c0:/srv/shop latest:/srv/shop --metadata -r /srv/backup -p password",
        &RepoWork::diff);
    diff->add_option("A", options.snapshot, "SNAPSHOT or SNAPSHOT:FOLDER, the older")->required();
    diff->add_option("B", options.other_snapshot, "the same, the newer")->required();
    diff->add_flag("--metadata", options.has_metadata,
                   "tell also of what differs in owner, mode, times or attributes alone");
    CLI::App* verify = add_with_repository(
        root, "verify", "read all of a snapshot or restore point, to know that it can come back",
        "  belay verify latest -r /srv/backup -p password\n"
        "  belay verify p-20261121T023405.123Z-ab12",
        &RepoWork::verify);
    add_snapshot(verify);
    add_memory(verify, options);
    add_no_lock(verify);
    add_archives();
  }

  void add_archives() {
    CLI::App* out = add_with_repository(
        root, "export", "write a folder of a snapshot as an archive that any tar can read",
        "  belay export latest km-backup-20260102T030405.tgz -r /srv/backup -p password\n"
        "  belay export latest:/srv/shop shop.tar.zst -r /srv/backup -p password",
        &RepoWork::export_archive);
    out->add_option("SNAPSHOT", options.snapshot, "SNAPSHOT or SNAPSHOT:FOLDER")->required();
    add_filter(out);
    out->add_option("FILE", options.file, "ends in .tgz, .tar.gz, .tar.zst or .tar; must not exist")
        ->required();
    add_no_lock(out);
    CLI::App* in = add_with_repository(
        root, "import", "take a snapshot of what an archive or a dump holds",
        "  belay import km-backup-20260102T030405.tgz --path-as /srv/km -r /srv/backup -p "
        "password\n"
        "  belay import shop.sql.gz --path-as /dumps/shop.sql.gz -r /srv/backup -p password",
        &RepoWork::import_archive);
    in->add_option("FILE", options.file, "tar, packed or not, zip, or a dump")->required();
    in->add_option("--path-as", options.path_as,
                   "absolute path in the snapshot: of the folder, or of the dump")
        ->required();
    in->add_option("--tag", options.tags, "a word to find the snapshot by");
  }

  CLI::Option* add_no_lock(CLI::App* sub) {
    return sub->add_flag(
        "--no-lock", options.is_unlocked,
        "without a lock: when the place cannot be written to, and nobody prunes it");
  }

  void add_snapshot(CLI::App* sub) {
    sub->add_option("SNAPSHOT", options.snapshot,
                    "first digits of its id, latest, or a restore point")
        ->required();
    add_filter(sub); // of latest
  }

  void add_restore() {
    CLI::App* restore = add_with_repository(
        root, "restore", "bring back a snapshot, or one folder of it, into a new place or in place",
        "  belay restore latest --target /srv/restored -r /srv/backup -p password\n"
        "  belay restore latest:/srv/shop --target /srv/shop.old -r /srv/backup -p password\n"
        "  belay restore latest:/srv/shop --target /srv/shop --in-place --delete --dry-run -r ...\n"
        "  belay restore shop p-20261121T023405.123Z-ab12 --into /srv/shop.then --store db",
        &RepoWork::restore);
    restore
        ->add_option("SNAPSHOT", options.snapshot,
                     "first digits of its id, latest, or a restore point; before POINT, its stack")
        ->required();
    restore->add_option("POINT", options.point, "a restore point of that stack");
    add_filter(restore);
    CLI::Option* target =
        restore->add_option("-t,--target", options.target, "a folder that is empty or absent");
    CLI::Option* into = restore
                            ->add_option("--into", options.into,
                                         "the same, for a restore point: its stores and config")
                            ->excludes(target);
    restore->add_option("--store", options.store, "this store alone")->needs(into);
    restore->add_flag("--sparse", options.has_holes, "make holes of runs of zeros");
    add_no_lock(restore)->excludes(into);
    CLI::Option* in_place =
        restore
            ->add_flag("--in-place", options.is_in_place,
                       "the target may hold anything: only what differs is written")
            ->needs(target);
    restore
        ->add_flag("--delete", options.is_extra_removed,
                   "remove what the snapshot has not; name the folder: SNAPSHOT:FOLDER")
        ->needs(in_place);
    restore
        ->add_option("--overwrite", options.overwrite,
                     "always: compare content; if-changed: trust size and time of change")
        ->check(CLI::IsMember({"always", "if-changed"}))
        ->capture_default_str()
        ->needs(in_place);
    restore->add_option("-e,--exclude", options.exclude, "leave alone what matches this pattern")
        ->needs(in_place);
    restore->add_flag("-n,--dry-run", options.is_dry_run, "only say what would be done")
        ->needs(in_place);
    add_memory(restore, options);
  }

  void add_forget() {
    CLI::App* forget = add_with_repository(
        root, "forget", "let snapshots go, by name or by a policy",
        "  belay forget --keep-daily 7 --keep-weekly 4 --prune -r /srv/backup -p password\n"
        "  belay forget 3f2a91c0 -r /srv/backup -p password\n  belay forget --stack",
        &RepoWork::forget);
    forget->add_flag("--stack", options.is_of_stack,
                     "restore points of the stack of belay.yaml, by its `backup.keep`, in all its "
                     "places, and give back the space");
    forget->add_option("SNAPSHOT", options.snapshots, "first digits of their ids");
    forget->add_option("-l,--keep-last", options.keep_last, "keep so many");
    forget->add_option("-H,--keep-hourly", options.keep_hourly, "the last of so many hours");
    forget->add_option("-d,--keep-daily", options.keep_daily, "the last of so many days");
    forget->add_option("-w,--keep-weekly", options.keep_weekly, "the last of so many weeks");
    forget->add_option("-m,--keep-monthly", options.keep_monthly, "the last of so many months");
    forget->add_option("-y,--keep-yearly", options.keep_yearly, "the last of so many years");
    add_within(forget);
    forget->add_option("--keep-tag", options.keep_tags, "those with this tag");
    forget
        ->add_option("-g,--group-by", options.group_by,
                     "what is decided together has these in common: of host, paths, tags; '' for "
                     "one group")
        ->capture_default_str();
    add_filter(forget);
    forget->add_flag("--prune", options.is_pruned, "then give back the space");
    add_space(forget);
    add_space(add_with_repository(root, "prune", "give back the space of what no snapshot needs",
                                  "  belay prune -r /srv/backup -p password", &RepoWork::prune));
  }
  void add_within(CLI::App* forget) {
    forget->add_option("--keep-within", options.keep_within,
                       "all that are so much older than the newest: 36h, 30d, or 1y5m7d2h with "
                       "years, months, days and hours");
    forget->add_option("--keep-within-hourly", options.keep_within_hourly,
                       "the last of each hour, so far back");
    forget->add_option("--keep-within-daily", options.keep_within_daily,
                       "the last of each day, so far back");
    forget->add_option("--keep-within-weekly", options.keep_within_weekly,
                       "the last of each week, so far back");
    forget->add_option("--keep-within-monthly", options.keep_within_monthly,
                       "the last of each month, so far back");
    forget->add_option("--keep-within-yearly", options.keep_within_yearly,
                       "the last of each year, so far back");
  }
  // Which snapshots are meant.
  void add_filter(CLI::App* sub) {
    sub->add_option("--host", options.only_hosts, "only snapshots of this host; several times");
    sub->add_option("--tag", options.only_tags,
                    "only those with this tag, or all of a,b; several times: any of them");
    sub->add_option("--path", options.only_paths,
                    "only those of this path; several times: all of them");
  }
  void add_space(CLI::App* sub) {
    sub->add_flag("-n,--dry-run", options.is_dry_run, "only say what would be done");
    sub->add_option("--max-unused", options.max_unused,
                    "what may stay unused: a share of what is kept, as 5%, bytes, as 2GiB, or "
                    "unlimited")
        ->capture_default_str();
    sub->add_option("--max-repack-size", options.max_repack_size,
                    "write again at most this, as 2GiB; the rest is for the next time");
    sub->add_option("--max-repack-time", options.max_repack_time,
                    "begin no pack after so long, as 20m; the rest is for the next time");
    add_memory(sub, options);
  }

  const Row* chosen() const {
    for (const Row& row : rows)
      if (row.app->parsed())
        return &row;
    return nullptr;
  }

  CLI::App& root;
  RepoOptions options;
  std::vector<Row> rows;
};

RepoCommands::RepoCommands(CLI::App& root) : state_{std::make_unique<State>(root)} {}
RepoCommands::~RepoCommands() = default;

bool RepoCommands::is_asked() const {
  return state_->chosen() != nullptr;
}

int RepoCommands::run(const app::Host& host, const Terminal& terminal, bool is_json) const {
  RepoWork work{host, terminal, state_->options, is_json};
  return (work.*state_->chosen()->run)();
}

} // namespace cli
