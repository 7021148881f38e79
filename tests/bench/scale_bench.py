#!/usr/bin/env python3
"""What a repository costs that is large in one way: a million small files, and one sparse file of 50 GB.

Wall, CPU and peak memory of each command; the memory for each million blobs is that of commands that do little but
hold the index. With restic beside it, on the same repository, where there is one (BELAY_RESTIC names more, with ':')."""
import argparse, os, pathlib, shutil, subprocess, tempfile

from measure import GIB, MIB, Measure

ROOT = pathlib.Path(__file__).resolve().parents[2]
IN_A_FOLDER = 1000


def make_files(folder, count):
    """Each another line, so that each is a blob."""
    for number in range(0, count, IN_A_FOLDER):
        below = folder / f"{number // IN_A_FOLDER // 100:03}" / f"{number // IN_A_FOLDER:05}"
        below.mkdir(parents=True)
        for each in range(number, min(number + IN_A_FOLDER, count)):
            with open(f"{below}/{each:07}", "w") as file:
                file.write(f"file {each} of {count}, with a line that no other one has\n")


def make_sparse(path, size):
    """A page of data at each GiB, and a hole around it."""
    with open(path, "wb") as file:
        for offset in range(0, size, GIB):
            file.seek(offset)
            file.write(offset.to_bytes(8, "big") * 512)
        file.truncate(size)


class Bench:
    def __init__(self, arguments, work):
        self.arguments, self.work, self.repo = arguments, work, work / "repo"
        (work / "password").write_text("a password\n")
        self.restics = [path for path in [shutil.which("restic"), *os.environ.get("BELAY_RESTIC", "").split(":")] if path]
        self.env = {**os.environ, "RESTIC_PASSWORD_FILE": str(work / "password"), "RESTIC_CACHE_DIR": str(work / "cache")}

    def row(self, name, what, command, **options):
        cost = Measure([*map(os.fspath, command)], stderr=subprocess.DEVNULL, **options)
        print(f"| {name} | {what} | {cost.durable:.2f} | {cost.user + cost.system:.2f} | {cost.peak / MIB:.0f} |", flush=True)

    def belay(self, what, *words):
        split = next((at for at, word in enumerate(words) if str(word).startswith("-")), len(words))
        self.row(what, "belay", [self.arguments.belay, *words[:split], "-r", self.repo, "-p", self.work / "password", *words[split:]])

    def restic(self, what, *words):
        for program in self.restics:
            version = subprocess.run([program, "version"], check=True, capture_output=True, text=True).stdout.split()[1]
            self.row(what, f"restic {version}", [program, "-r", self.repo, *words], env=self.env)

    def begin(self):
        shutil.rmtree(self.repo, ignore_errors=True)
        subprocess.run([self.arguments.belay, "repo", "init", "-r", self.repo, "-p", self.work / "password"], check=True, stdout=subprocess.DEVNULL)
        print("| step | program | wall s | CPU s | memory MiB |\n|---|---|---|---|---|", flush=True)

    def files(self, count):
        data = self.work / "data"
        make_files(data, count)
        print(f"\n**{count:,} small files**, {count // IN_A_FOLDER:,} folders\n")
        self.begin()
        self.belay("fresh", "backup", "--path", data)
        self.belay("nothing changed", "backup", "--path", data)
        self.restic("nothing changed", "backup", data)  # takes them over from our snapshot
        self.belay("ls", "ls", "latest")
        self.belay("restore", "restore", f"latest:{data}", "--target", self.work / "back")
        shutil.rmtree(self.work / "back")
        self.belay("check", "repo", "check")
        self.restic("check", "check")
        self.belay("check, all data", "repo", "check", "--read-data")
        for number in range(0, count // IN_A_FOLDER, 10):  # a tenth of the folders goes
            shutil.rmtree(data / f"{number // 100:03}" / f"{number:05}")
        self.belay("a tenth removed", "backup", "--path", data)
        self.belay("forget", "forget", "--keep-last", "1")
        shutil.copytree(self.repo, self.work / "kept")
        self.belay("prune", "prune", "--max-unused", "0%")
        for program in self.restics:
            shutil.rmtree(self.repo)
            shutil.copytree(self.work / "kept", self.repo)
            restics, self.restics = self.restics, [program]
            self.restic("prune", "prune", "--max-unused", "0")
            self.restics = restics
        self.belay("check", "repo", "check")
        shutil.rmtree(self.work / "kept")
        shutil.rmtree(data)

    def sparse(self, size):
        (self.work / "sparse").mkdir()
        path = self.work / "sparse/file"
        make_sparse(path, size)
        print(f"\n**One sparse file of {size / GIB:.0f} GiB**, {path.stat().st_blocks * 512:,} bytes on the disk\n")
        self.begin()
        self.belay("fresh", "backup", "--path", path)
        self.belay("all read again", "backup", "--force", "--path", path)
        self.belay("restore --sparse", "restore", f"latest:{path.parent}", "--target", self.work / "back", "--sparse")
        print(f"\nThe file that came back takes {(self.work / 'back/file').stat().st_blocks * 512:,} bytes.\n", flush=True)
        self.row("in place, the same", "belay", [self.arguments.belay, "restore", f"latest:{path.parent}", "--target", self.work / "back", "--in-place",
                                                 "--sparse", "-r", self.repo, "-p", self.work / "password"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1_000_000, help="how many small files; 0: none (default: %(default)s)")
    parser.add_argument("--sparse", type=int, default=50, help="GiB of the sparse file; 0: none (default: %(default)s)")
    parser.add_argument("--folder", help="where to work: some GB, and a million inodes")
    parser.add_argument("--belay", default=ROOT / "build/release/apps/belay/belay")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="belay-scale-", dir=arguments.folder) as folder:
        bench = Bench(arguments, pathlib.Path(folder))
        if arguments.files:
            bench.files(arguments.files)
        if arguments.sparse:
            bench.sparse(arguments.sparse * GIB)


main()
