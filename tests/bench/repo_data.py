"""The data sets of the benchmark of repositories, and what changes in each of them."""
import functools, os, pathlib, random, shutil, subprocess

MIB = 1 << 20
WORDS = [word.strip() for word in "the of and to in is that it for was on are as with his they at be this from have or by one had not "
         "but what all were when we there can an your which their said if do will each about how up out them then she many".split()]


def files_of(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def size_of(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


class Files:
    """Files that this script makes; a hundredth of them changes, in a few places of each."""

    def __init__(self, make):
        self.make = make

    def change(self, folder):
        source = random.Random(3)
        files = files_of(folder)
        for path in source.sample(files, max(1, len(files) // 100)):
            with open(path, "r+b") as file:
                size = path.stat().st_size
                for _ in range(max(1, size // (4 * MIB))):
                    file.seek(source.randrange(max(1, size - 100)))
                    file.write(source.randbytes(100))

    def end(self):
        pass


def make_small(files, folder):
    """Text files of some KiB in nested folders."""
    source = random.Random(1)
    for number in range(files):
        place = folder / f"{number % 61}" / f"{number % 17}"
        place.mkdir(parents=True, exist_ok=True)
        text = " ".join(source.choices(WORDS, k=int(source.lognormvariate(6.2, 1))))
        (place / f"file{number}.txt").write_text(f"{number} {text}\n")


def make_noise(size, folder):
    """Incompressible files of 100 MiB."""
    folder.mkdir()
    for number in range(max(1, size // (100 * MIB))):
        with open(folder / f"noise{number}", "wb") as file:
            for _ in range(min(100, size // MIB)):
                file.write(os.urandom(MIB))


class Postgres:
    """A data directory: pgbench's tables, events with three indexes, documents out of line, and WAL.
    Stopped whenever it is read. The change is like a migration: transactions, a new column, a table
    made of another one with an index."""

    def __init__(self, binaries, share):
        self.binaries, self.share = binaries, share
        self.folder = None
        self.user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}

    def run(self, program, *words):
        subprocess.run([self.binaries / program, *map(str, words)], check=True, cwd="/", stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, **self.user)

    def sql(self, *statements):
        self.run("psql", "-h", self.socket, "-U", "postgres", "-v", "ON_ERROR_STOP=1", *[word for each in statements for word in ("-c", each)])

    def pgbench(self, *words):
        subprocess.run(["pgbench", "-h", self.socket, "-U", "postgres", *map(str, words), "postgres"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start(self):
        self.run("pg_ctl", "-D", self.folder, "-w", "-l", self.socket / "log",
                 "-o", f"-k {self.socket} -c listen_addresses= -c shared_buffers=512MB -c autovacuum=off", "start")

    def stop(self):
        self.run("pg_ctl", "-D", self.folder, "-w", "-m", "fast", "stop")

    def make(self, folder):
        self.folder = folder
        folder.parent.chmod(0o711)
        self.socket = folder.parent / "socket"
        for each in (folder, self.socket):
            each.mkdir(mode=0o700)
            if self.user:
                shutil.chown(each, "postgres", "postgres")
        self.run("initdb", "-D", folder, "-U", "postgres", "-A", "trust", "--data-checksums", "-E", "UTF8", "--locale", "C")
        self.start()
        self.pgbench("-i", "-q", "-s", max(1, 70 // self.share))
        self.sql("select setseed(0.5)",
                 "create table events (id uuid primary key default gen_random_uuid(), at timestamptz, account int, kind text, body jsonb)",
                 "insert into events (at, account, kind, body) select timestamptz '2026-01-01' + i * interval '17 seconds', "
                 "(random() * 100000)::int, (array['login', 'order', 'payment', 'refund'])[1 + floor(random() * 4)::int], "
                 "jsonb_build_object('address', '10.0.' || floor(random() * 255) || '.' || floor(random() * 255), 'amount', "
                 "round((random() * 1000)::numeric, 2), 'agent', 'browser ' || floor(random() * 40), 'token', md5(random()::text)) "
                 f"from generate_series(1, {1_500_000 // self.share}) i",
                 "create index on events (at)", "create index on events (account, kind)",
                 "create table documents as select d id, (select string_agg(md5(random()::text || d || i), ' ') from generate_series(1, 200) i) "
                 f"body from generate_series(1, {24_000 // self.share}) d")
        self.pgbench("-c", 2, "-t", 5000 // self.share)
        self.stop()

    def change(self, folder):
        self.start()
        self.pgbench("-c", 2, "-t", 1500 // self.share)
        self.sql("alter table events add column seen boolean default false",
                 f"create table report as select * from events limit {200_000 // self.share}", "create index on report (at)")
        self.stop()

    def end(self):
        if self.folder and (self.folder / "postmaster.pid").exists():
            self.stop()


def sets_of(share):
    """Name -> a data set, in a `share`th of its full size."""
    sets = {"PostgreSQL": None,
            "small text files": Files(functools.partial(make_small, 100_000 // share)),
            "incompressible": Files(functools.partial(make_noise, 2000 * MIB // share))}
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if found and shutil.which("pgbench"):
        sets["PostgreSQL"] = Postgres(found[-1], share)
    else:
        del sets["PostgreSQL"]
        print("PostgreSQL is left out: install the packages postgresql and postgresql-contrib")
    return sets
