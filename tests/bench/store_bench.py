#!/usr/bin/env python3
"""The directory store against cp -a, rsync -a and tar -czf, in one run on one disk.

Before each measurement the pages of the input are dropped (posix_fadvise DONTNEED) and what is dirty
is written out; names and inodes stay in the kernel's memory, for everybody. Every figure includes
making the result durable (sync -f for those that do not). Wall is the median of the runs; CPU and
peak memory are of that run. Rounds go round: what else the machine does hits everybody alike.
"""
import argparse, json, os, pathlib, shutil, statistics, subprocess, sys, tempfile, time

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


class Measure:
    """Wall, CPU and peak memory of some commands, one after the other."""

    def __init__(self, commands):
        self.out = ""
        self.user = self.system = self.peak = 0
        begin = time.monotonic()
        for command in commands:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            self.out += process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode != 0:
                sys.exit(f"store_bench: {' '.join(command)}: exit status {process.returncode}")
            self.user += usage.ru_utime
            self.system += usage.ru_stime
            self.peak = max(self.peak, usage.ru_maxrss * KIB)
        self.wall = time.monotonic() - begin


def make_tree(folder, files, size, pool):
    for index in range(files):
        inside = folder / f"{index // 100 % 100:02}" / f"{index // 10000:02}"
        if index % 100 == 0:
            inside.mkdir(parents=True, exist_ok=True)
        write_file(inside / f"file-{index:06}", size, pool, index)


def write_file(path, size, pool, seed):
    with open(path, "wb") as file:
        left, at = size, seed * 7919 % (len(pool) // 2)
        while left > 0:
            part = min(left, len(pool) // 2)
            file.write(pool[at : at + part])
            left -= part


def change(folder, share, size, pool, salt):
    files = sorted(path for path in folder.rglob("file-*"))
    step = max(1, round(1 / share))
    changed = files[salt % step :: step]
    for index, path in enumerate(changed):
        write_file(path, size, pool, salt * 1000003 + index)
    return len(changed)


def settle(folder):
    """Dirty pages out, then the input's pages dropped."""
    subprocess.run(["sync", "-f", folder], check=True)
    for path in folder.rglob("*"):
        if path.is_file():
            fd = os.open(path, os.O_RDONLY)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(fd)
    time.sleep(0.1)  # later than the clock of the file system is coarse, as data mostly is


def bench(name, files, size, arguments, pool):
    root = pathlib.Path(tempfile.mkdtemp(prefix="belay-bench-", dir=arguments.folder))
    data, copy = root / "data", root / "copy"
    kept = root / ".belay-data"
    program = str(arguments.program)
    measures = {}

    def measure(what, commands):
        settle(data)
        measures.setdefault(what, []).append(Measure(commands))

    def drop(path):
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        subprocess.run(["sync", "-f", root], check=True)

    try:
        data.mkdir()
        make_tree(data, files, size, pool)
        sync = ["sync", "-f", str(root)]
        for run in range(arguments.runs):
            point = f"p{run}"
            measure("cp -a", [["cp", "-a", str(data), str(copy)], sync])
            drop(copy)
            measure("protect", [[program, "protect", str(data), point]])
            change(data, 0.01, size, pool, run)
            measure("secure, 1 % changed", [[program, "secure", str(data), point]])
            change(data, 0.01, size, pool, run + 50)
            measure("swap back", [[program, "restore", str(data), point]])
            drop(kept)
            measure("rsync -a", [["rsync", "-a", f"{data}/", f"{copy}/"], sync])
            change(data, 0.01, size, pool, run)
            measure("rsync -a, 1 % changed", [["rsync", "-a", "--delete", f"{data}/", f"{copy}/"], sync])
            drop(copy)
            if run == 0 and not arguments.no_tar:
                measure("tar -czf", [["tar", "-czf", str(copy), "-C", str(root), "data"], sync])
                drop(copy)
    finally:
        shutil.rmtree(root)
    return summarise(name, files, size, measures)


def summarise(name, files, size, measures):
    rows = {}
    for what, runs in measures.items():
        middle = sorted(runs, key=lambda run: run.wall)[(len(runs) - 1) // 2]
        rows[what] = {"wall_s": middle.wall, "user_s": middle.user, "system_s": middle.system,
                      "peak_mib": middle.peak / MIB, "walls_s": [round(run.wall, 3) for run in runs]}
    fastest = min(rows["cp -a"]["wall_s"], rows["rsync -a"]["wall_s"])
    targets = {
        "protect / faster of cp and rsync": (rows["protect"]["wall_s"] / fastest, 1.0),
        "secure / protect": (rows["secure, 1 % changed"]["wall_s"] / rows["protect"]["wall_s"], 0.1),
        "swap back, s": (rows["swap back"]["wall_s"], 1.0),
    }
    print(f"\n{name}: {files} files of {size // KIB} KiB, {files * size / GIB:.2f} GiB\n")
    print("| what | wall s | CPU user + sys s | peak MiB | walls of all runs |\n|---|---|---|---|---|")
    for what, row in rows.items():
        print(f"| {what} | {row['wall_s']:.2f} | {row['user_s']:.2f} + {row['system_s']:.2f} | "
              f"{row['peak_mib']:.0f} | {' '.join(f'{wall:.2f}' for wall in row['walls_s'])} |")
    print("\n| target | measured | wanted | |\n|---|---|---|---|")
    for what, (value, wanted) in targets.items():
        print(f"| {what} | {value:.2f} | at most {wanted:g} | {'met' if value <= wanted else 'MISSED'} |")
    sys.stdout.flush()
    return {"rows": rows, "targets": {what: {"value": value, "wanted": wanted}
                                      for what, (value, wanted) in targets.items()}}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, required=True, help="the built store_bench")
    parser.add_argument("--small-files", type=int, default=100_000)
    parser.add_argument("--small-bytes", type=int, default=4 * KIB)
    parser.add_argument("--large-files", type=int, default=100)
    parser.add_argument("--large-bytes", type=int, default=40 * MIB)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", default=None, help="on the disk to measure; default: the temporary folder")
    parser.add_argument("--only", choices=["small", "large"])
    parser.add_argument("--no-tar", action="store_true", help="leave out tar -czf, the slowest by far")
    parser.add_argument("--json", type=pathlib.Path, help="write everything that was measured here")
    parser.add_argument("--strict", action="store_true", help="exit status 1 when a target is missed")
    arguments = parser.parse_args()
    pool = os.urandom(16 * MIB)  # incompressible
    results = {}
    if arguments.only != "large":
        results["small"] = bench("small", arguments.small_files, arguments.small_bytes, arguments, pool)
    if arguments.only != "small":
        results["large"] = bench("large", arguments.large_files, arguments.large_bytes, arguments, pool)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")
    missed = any(target["value"] > target["wanted"]
                 for result in results.values() for target in result["targets"].values())
    return 1 if missed and arguments.strict else 0


if __name__ == "__main__":
    sys.exit(main())
