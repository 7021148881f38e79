#!/usr/bin/env python3
"""A PostgreSQL database, kept and brought back by belay and by what people use otherwise, in one run on one disk.

A server of the bench's own, with fsync. One table with four indexes; between keeping and bringing back 5 % of
its rows are changed. "down" is how long the service cannot work: for belay what `belay report` says, from the
stop to the first ready of a service that is ready at once; for the others, whose service somebody has to stop
before they restore, all of the restore. CPU seconds are of the commands and of the server. "kept" is what
stays on the disk, "WAL" what the server wrote into its log meanwhile. The parts of belay's time are the steps of
its report, and what the server's own log says of the statements that rename.

pgBackRest takes part where it is installed (apt-get install pgbackrest)."""
import argparse, json, os, pathlib, platform, re, shutil, signal, subprocess, sys, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
import postgres_server

MIB = 1 << 20
TICK = os.sysconf("SC_CLK_TCK")
MAKE = """CREATE TABLE orders (id bigserial PRIMARY KEY, customer int NOT NULL, at timestamptz NOT NULL, note text NOT NULL,
  cents int NOT NULL);
INSERT INTO orders (customer, at, note, cents) SELECT (i::bigint * 7919) % 100003, timestamptz '2020-01-01' + i * interval '7 s',
  md5(i::text) || md5((i + 1)::text), i % 10007 FROM generate_series(1, {rows}) i;
CREATE INDEX ON orders (customer); CREATE INDEX ON orders (at); CREATE INDEX ON orders (note);
VACUUM ANALYZE orders"""
CHANGE = "UPDATE orders SET cents = cents + 1 WHERE id BETWEEN {first} AND {last}"
YAML = """stack: bench
services:
  shop: {{ release: {{ directory: "./dist/{{to}}" }}, run: [sleep, "1000000"], ready: {{ process: true, every: 50ms, consecutive: 1 }} }}
stores:
  db: {{ postgres: {{ database: app, host: {host}, port: {port}, user: postgres, tools: {tools}, method: {method}, timeout: 4h }} }}
upgrade: {{ watch: 0s }}
preflight: {{ levels: {{ clock: "off", release-notes: "off", memory: "off" }} }}
keep: {{ points: 1, abandoned: 1 }}
"""


class Server(postgres_server.Server):
    """Stopped and started again where a tool wants that."""

    SETTINGS = ["fsync=on", "shared_buffers=256MB", "max_wal_size=4GB", "archive_mode=on", "archive_command=/bin/true",
                "maintenance_work_mem=128MB", "log_min_duration_statement=0", "wal_level=replica"]

    def __init__(self):
        super().__init__(argparse.Namespace(parent=os.getpid(), set=self.SETTINGS))
        self.port = None

    def begin(self):
        self.make()
        self.port = self.start()
        return self

    def halt(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait()

    def again(self):
        argv = [self.tools + "/postgres", "-D", self.data, "-p", str(self.port)]
        settings = ["listen_addresses=", "unix_socket_directories=" + self.folder, "max_connections=60", *self.SETTINGS]
        with open(self.folder + "/server.log", "ab") as log:
            self.process = self.spawn(argv + [word for each in settings for word in ("-c", each)], stdout=log, stderr=log)
        writes = self.tool("psql", "-XqAt", "-d", "postgres", "-c", "SELECT pg_is_in_recovery()")
        while subprocess.run(writes, capture_output=True, text=True, check=False).stdout != "f\n":
            if self.process.poll() is not None:
                sys.exit("bench: the server does not start again")
            time.sleep(0.02)

    def where(self):
        return ["-h", self.folder, "-p", str(self.port)]

    def tool(self, name, *words):
        return [f"{self.tools}/{name}", *self.where(), "-U", "postgres", *words]

    def sql(self, text, database="app"):
        asked = subprocess.run(self.tool("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", database), input=text, text=True,
                               capture_output=True, check=False)
        if asked.returncode:
            sys.exit(f"bench: {asked.stderr}")
        return asked.stdout.strip()

    def wal(self):
        return int(self.sql("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint", "postgres"))

    def cpu(self):
        """Of the server, its children that ended too."""
        total = 0
        for pid in self.pids():
            try:
                words = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            total += sum(int(word) for word in (words[11:15] if pid == self.process.pid else words[11:13]))
        return total / TICK

    def pids(self):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [self.process.pid, *map(int, children)]


class Row:
    """One thing that was done."""

    def __init__(self, server):
        self.server, self.down, self.kept, self.note = server, None, None, ""

    def run(self, act):
        before, cpu, wal = os.times(), self.server.cpu(), self.server.wal()
        process = self.server.process
        begin = time.monotonic()
        act()
        self.wall = time.monotonic() - begin
        after = os.times()
        self.cpu = sum(after[2:4]) - sum(before[2:4])
        # A server that was stopped meanwhile is among our own children.
        self.cpu += self.server.cpu() - (cpu if self.server.process is process else 0)
        self.wal = self.server.wal() - wal
        return self


def run(words, **more):
    done = subprocess.run(words, check=False, capture_output=True, text=True, **more)
    if done.returncode:
        sys.exit(f"bench: {' '.join(map(str, words))}: {done.stdout[-2000:]}{done.stderr}")


def size_of(path):
    if path.is_file():
        return path.stat().st_size
    return sum(each.stat().st_size for each in path.rglob("*") if each.is_file())


class Bench:
    def __init__(self, rows, arguments):
        self.rows, self.arguments = rows, arguments
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="belay-bench-", dir=arguments.folder))
        self.work.chmod(0o755)
        self.server = Server()
        self.results = []
        self.changes = 0

    def run(self):
        try:
            self.server.begin()
            self.server.sql("CREATE DATABASE app", "postgres")
            self.server.sql(MAKE.format(rows=self.rows))
            self.bytes = int(self.server.sql("SELECT pg_database_size('app')"))
            self.belay("clone")
            if "dump" in self.arguments.only:
                self.belay("dump")
            if "peers" in self.arguments.only:
                self.seeds()
                self.dumped("pg_dump -Fc, pg_restore -j2", ["-Fc"], self.work / "custom")
                self.dumped("pg_dump -Fd -j2, pg_restore -j2", ["-Fd", "-j2"], self.work / "directory")
                self.pgbackrest()
        finally:
            self.server.stop()
            shutil.rmtree(self.work, ignore_errors=True)
        self.show()

    def change(self):
        """The next 5 %, so that every tool finds as much to bring back."""
        part = self.rows // 20
        first = self.changes % 19 * part
        self.changes += 1
        self.server.sql(CHANGE.format(first=first + 1, last=first + part))
        self.server.sql("CHECKPOINT", "postgres")

    def digest(self):
        return self.server.sql("SELECT count(*), sum(cents), sum(hashtextextended(o::text, 0)::numeric) FROM orders o")

    def measure(self, what, act, kept=None):
        row = Row(self.server).run(act)
        row.what = what
        if kept is not None:
            row.kept = size_of(kept)
        self.results.append(row)
        return row

    def proved(self, before):
        if self.digest() != before:
            sys.exit("bench: what was brought back is not what was kept")

    # --- belay

    def belay(self, method):
        project = self.work / method
        for label in ("1.0", "2.0"):
            (project / "dist" / label).mkdir(parents=True)
            (project / "dist" / label / "version").write_text(label)
        (project / "belay.yaml").write_text(YAML.format(host=self.server.folder, port=self.server.port,
                                                        tools=self.server.tools, method=method))
        def belay(*words):
            run([str(self.arguments.program), *words], cwd=project)
        def report():
            told = subprocess.run([str(self.arguments.program), "report", "--json"], cwd=project, check=True, text=True,
                                  capture_output=True)
            return json.loads(told.stdout)
        try:
            belay("upgrade", "--to", "1.0", "--yes")
            before = self.digest()
            row = self.measure(f"belay, {method}: an upgrade", lambda: belay("upgrade", "--to", "2.0", "--yes"))
            self.explain(row, report(), ("protect", "secure"))
            row.kept = self.bytes if method == "clone" else size_of(project / ".belay" / "postgres")
            self.change()
            row = self.measure(f"belay, {method}: the way back", lambda: belay("rollback", "--yes", "--level", "data"))
            self.explain(row, report(), ("hold", "capture_abandoned", "restore_data", "ready_again", "settle"))
            self.proved(before)
        finally:
            self.end_service(project)
            for name in self.server.sql("SELECT datname FROM pg_database WHERE datname LIKE 'app\\_\\_%'", "postgres").split():
                self.server.sql(f'DROP DATABASE "{name}" WITH (FORCE)', "postgres")

    def end_service(self, project):
        for path in pathlib.Path("/proc").glob("[0-9]*/cwd"):
            try:
                if os.readlink(path).startswith(str(project)):
                    os.kill(int(path.parent.name), signal.SIGKILL)
            except OSError:
                continue

    def explain(self, row, report, steps):
        row.down = report["downtime_ms"] / 1000
        row.steps = {step["step"]: step["ms"] / 1000 for step in report["steps"] if step["step"] in steps}
        row.note = ", ".join(f"{name} {seconds:.2f}" for name, seconds in row.steps.items())
        log = pathlib.Path(self.server.folder, "server.log").read_text(errors="replace")
        swap = self.swap_in(log)
        if swap is not None and "restore_data" in row.steps:
            row.note += f"; the renaming transaction {swap * 1000:.0f} ms"
        copies = re.findall(r"duration: ([\d.]+) ms  statement: CREATE DATABASE .* TEMPLATE \"?app\"? ", log)
        reads = re.findall(r"duration: ([\d.]+) ms  statement: SELECT '[^\n]*count\(\*\), NULL FROM ONLY", log)
        if copies and reads and row.what.startswith("belay, clone: an upgrade"):
            row.note += f"; the copy itself {float(copies[-1]) / 1000:.2f}, counting its rows {float(reads[-1]) / 1000:.2f}"

    @staticmethod
    def swap_in(log):
        """From the last BEGIN that is followed by a renaming, to its COMMIT, by durations of the server."""
        total, is_swap, found = 0.0, False, None
        for milliseconds, words in re.findall(r"duration: ([\d.]+) ms  statement: (.*)", log):
            if words.startswith("BEGIN"):
                total, is_swap = 0.0, False
            total += float(milliseconds)
            is_swap = is_swap or (words.startswith("ALTER DATABASE") and " RENAME TO " in words)
            if words.startswith("COMMIT"):
                found, is_swap = total / 1000 if is_swap else found, False
        return found

    # --- the others; they restore with the service stopped

    def seeds(self):
        path = self.work / "seed.sql.gz"
        before = self.digest()
        dump = " ".join(self.server.tool("pg_dump", "app"))
        self.measure("pg_dump \\| gzip", lambda: run(["bash", "-c", f"set -o pipefail; {dump} | gzip > {path}"]), path)
        self.change()
        psql = " ".join(self.server.tool("psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-d", "app"))
        def back():
            self.server.sql("DROP DATABASE app WITH (FORCE)", "postgres")
            self.server.sql("CREATE DATABASE app", "postgres")
            run(["bash", "-c", f"set -o pipefail; gunzip -c {path} | {psql}"])
        self.all_of_it(self.measure("gunzip \\| psql, into a new database", back))
        self.proved(before)
        path.unlink()

    def dumped(self, name, how, path):
        before = self.digest()
        self.measure(name.split(",", maxsplit=1)[0],
                     lambda: run(self.server.tool("pg_dump", *how, "-f", str(path), "app")), path)
        self.change()
        def back():
            self.server.sql("DROP DATABASE app WITH (FORCE)", "postgres")
            self.server.sql("CREATE DATABASE app", "postgres")
            run(self.server.tool("pg_restore", "-j2", "--exit-on-error", "-d", "app", str(path)))
        self.all_of_it(self.measure(name.split(", ")[1] + f" of {how[0]}, into a new database", back))
        self.proved(before)
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    def pgbackrest(self):
        program = shutil.which("pgbackrest")
        if not program:
            print("pgBackRest is not installed: left out", file=sys.stderr)
            return
        place = self.work / "pgbackrest"
        place.mkdir()
        config = place / "pgbackrest.conf"
        config.write_text(f"[global]\nrepo1-path={place}/repo\nlog-path={place}/log\nlock-path={place}/lock\nspool-path={place}/spool\n"
                          f"process-max=2\nstart-fast=y\ncompress-type=lz4\nrepo1-retention-full=1\nlog-level-file=off\n[main]\npg1-path={self.server.data}\n"
                          f"pg1-port={self.server.port}\npg1-socket-path={self.server.folder}\npg1-user=postgres\n")
        for name in ("repo", "log", "lock", "spool"):
            (place / name).mkdir()
        if self.server.user:
            for path in (place, *place.iterdir()):
                os.chown(path, self.server.user.pw_uid, self.server.user.pw_gid)
        def rest(*words):
            child = self.server.spawn([program, f"--config={config}", "--stanza=main", *words], stdout=subprocess.DEVNULL)
            if child.wait():
                sys.exit(f"bench: pgbackrest {' '.join(words)} failed")
        archive = f"{program} --config={config} --stanza=main archive-push %p"
        self.server.SETTINGS[self.server.SETTINGS.index("archive_command=/bin/true")] = "archive_command=" + archive
        self.server.halt()
        self.server.again()
        rest("stanza-create")
        before = self.digest()
        self.measure("pgbackrest --type=full backup", lambda: rest("--type=full", "backup"), place / "repo")
        self.change()
        def back():
            self.server.halt()
            rest("--delta", "--type=immediate", "--target-action=promote", "restore")
            self.server.again()
        self.all_of_it(self.measure("pgbackrest --delta restore, with stop and start", back))
        self.proved(before)

    @staticmethod
    def all_of_it(row):
        row.down = row.wall

    def show(self):
        print(f"\n{self.rows:,} rows, {self.bytes / MIB:.0f} MiB with indexes\n")
        print("| what | wall s | down s | CPU s | kept MiB | WAL MiB | of it, s |\n|---|---|---|---|---|---|---|")
        for row in self.results:
            down = "" if row.down is None else f"{row.down:.2f}"
            kept = "" if row.kept is None else f"{row.kept / MIB:.0f}"
            print(f"| {row.what} | {row.wall:.2f} | {down} | {row.cpu:.1f} | {kept} | {max(0, row.wal) / MIB:.0f} | {row.note} |")
        sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="20,000 rows, to see that it works")
    parser.add_argument("--rows", type=int, action="append", help="1,000,000 and 5,000,000 if left out")
    parser.add_argument("--only", nargs="+", choices=["clone", "dump", "peers"], default=["clone", "dump", "peers"])
    parser.add_argument("--folder", default="/var/tmp", help="where dumps and repositories go; the server is in /tmp")
    parser.add_argument("--program", default=str(ROOT / "build/release/apps/belay/belay"))
    arguments = parser.parse_args()
    version = subprocess.run([postgres_server.tools_folder() + "/postgres", "--version"], capture_output=True, text=True,
                             check=True).stdout.strip()
    print(f"{platform.machine()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}; {version}")
    for rows in [20_000] if arguments.quick else arguments.rows or [1_000_000, 5_000_000]:
        Bench(rows, arguments).run()


if __name__ == "__main__":
    main()
