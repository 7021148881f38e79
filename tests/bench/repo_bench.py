#!/usr/bin/env python3
"""belay's repositories beside restic's: the same data, one after the other, in one run.

Wall time, CPU seconds of the process and its children, the most memory, and the size of the repository.
More binaries of restic in BELAY_RESTIC, with ':' between. The factor is restic's divided by belay's."""
import argparse, os, pathlib, random, shutil, subprocess, tempfile, time

MIB = 1 << 20
ROOT = pathlib.Path(__file__).resolve().parents[2]
WORDS = [word.strip() for word in "the of and to in is that it for was on are as with his they at be this from have or by one had not "
         "but what all were when we there can an your which their said if do will each about how up out them then she many".split()]


def make_small(folder, files):
    """Text files of some KiB in nested folders."""
    source = random.Random(1)
    for number in range(files):
        place = folder / f"{number % 61}" / f"{number % 17}"
        place.mkdir(parents=True, exist_ok=True)
        text = " ".join(source.choices(WORDS, k=int(source.lognormvariate(6.2, 1))))
        (place / f"file{number}.txt").write_text(f"{number} {text}\n")


def make_noise(folder, size):
    """Incompressible files of 100 MiB."""
    folder.mkdir()
    for number in range(max(1, size // (100 * MIB))):
        with open(folder / f"noise{number}", "wb") as file:
            for _ in range(min(100, size // MIB)):
                file.write(os.urandom(MIB))


def make_pages(folder, size):
    """Pages of 8 KiB as of a database: a header, rows of numbers, text and some noise."""
    folder.mkdir()
    source = random.Random(2)
    with open(folder / "relation", "wb") as file:
        for page in range(size // 8192):
            rows = bytearray(page.to_bytes(8, "little") + bytes(16))
            while len(rows) < 8000:
                rows += b"%010d %s %s|" % (source.randrange(10**9), source.choice(WORDS).encode() * 3, source.randbytes(12))
            file.write(rows[:8192].ljust(8192, b"\0"))


def change_a_little(folder):
    source = random.Random(3)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in source.sample(files, max(1, len(files) // 100)):
        with open(path, "r+b") as file:
            size = path.stat().st_size
            for _ in range(max(1, size // (4 * MIB))):
                file.seek(source.randrange(max(1, size - 100)))
                file.write(source.randbytes(100))


def measure(argv, env):
    begin = time.monotonic()
    process = subprocess.Popen([os.fspath(word) for word in argv], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    error = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{argv}: {error.decode()[-800:]}")
    return {"wall": time.monotonic() - begin, "cpu": usage.ru_utime + usage.ru_stime, "rss": usage.ru_maxrss / 1024}


class Tool:
    def __init__(self, name, path, work):
        self.name, self.path, self.work, self.repo = name, path, work, work / f"repo-{name}"
        self.env = {**os.environ, "RESTIC_PASSWORD_FILE": str(work / "password"), "RESTIC_CACHE_DIR": str(work / f"cache-{name}")}

    def run(self, what, data):
        target = self.work / "restored"
        shutil.rmtree(target, ignore_errors=True)
        if self.name == "belay":
            end = ["-r", self.repo, "-p", self.work / "password"]
            argv = {"init": ["repo", "init"], "backup": ["backup", "--path", data],
                    "restore": ["restore", "latest", "--target", target]}[what] + end
        else:
            argv = ["-r", self.repo, *{"init": ["init"], "backup": ["backup", data],
                                       "restore": ["restore", "latest", "--target", target]}[what]]
        result = measure([self.path, *argv], self.env)
        if what == "restore":
            begin = time.monotonic()
            os.sync()  # restic does not; belay did before it ended
            result["wall"] += time.monotonic() - begin
        return result

    def size(self):
        return sum(path.stat().st_size for path in self.repo.rglob("*") if path.is_file()) / MIB


def compare(name, data, tools):
    print(f"\n## {name}: {sum(path.stat().st_size for path in data.rglob('*') if path.is_file()) / MIB:.0f} MiB")
    print("| step | tool | wall s | CPU s | memory MiB | repository MiB | wall × | CPU × |\n|---|---|---|---|---|---|---|---|")
    for tool in tools:
        tool.run("init", data)
    for step in ("fresh", "nothing changed", "small change", "restore"):
        if step == "small change":
            change_a_little(data)
        rows = [(tool, tool.run("restore" if step == "restore" else "backup", data)) for tool in tools]
        own = rows[0][1]
        for tool, row in rows:
            print(f"| {step} | {tool.name} | {row['wall']:.2f} | {row['cpu']:.2f} | {row['rss']:.0f} | {tool.size():.0f} | "
                  f"{row['wall'] / own['wall']:.1f} | {row['cpu'] / own['cpu']:.1f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the data")
    parser.add_argument("--folder", help="on the disk to measure; default: the temporary folder")
    arguments = parser.parse_args()
    share = 10 if arguments.quick else 1
    others = [path for path in [shutil.which("restic"), *os.environ.get("BELAY_RESTIC", "").split(":")] if path]
    for path in others:
        print(subprocess.run([path, "version"], capture_output=True, text=True).stdout.strip())
    sets = {"small text files": lambda folder: make_small(folder, 100_000 // share),
            "incompressible": lambda folder: make_noise(folder, 2000 * MIB // share),
            "pages of a database": lambda folder: make_pages(folder, 1000 * MIB // share)}
    for name, make in sets.items():
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            work = pathlib.Path(folder)
            (work / "password").write_text("a password")
            make(work / "data")
            tools = [Tool("belay", ROOT / "build/release/apps/belay/belay", work)]
            tools += [Tool(pathlib.Path(path).name, path, work) for path in others]
            compare(name, work / "data", tools)


if __name__ == "__main__":
    main()
