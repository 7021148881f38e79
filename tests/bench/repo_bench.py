#!/usr/bin/env python3
"""belay's repositories beside restic, borg and tar: the same data, one after the other, in one run.

Wall until all is on the disk, CPU seconds of the process and its children, the most memory, the size of
the repository and what was written. The pages of what is read are dropped before each measurement. Of
several runs the best counts. More binaries of restic in BELAY_RESTIC, with ':' between; the newest one is
what the targets are measured against. A factor is the peer's divided by belay's."""
import argparse, math, os, pathlib, platform, shutil, subprocess, tempfile

from measure import Target, print_targets
from repo_data import MIB, files_of, sets_of, size_of
from repo_tools import Restic, tools_of

ROOT = pathlib.Path(__file__).resolve().parents[2]
STEPS = {"fresh": "fresh", "unchanged": "nothing changed", "changed": "after a change", "restore": "restore", "in place": "in place, back", "by times": "in place, trusting times"}


def forget_pages(folder):
    os.sync()
    for path in files_of(folder) if folder.is_dir() else [folder]:
        fd = os.open(path, os.O_RDONLY)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)


class Compare:
    """One data set: every step by every tool. `rows` has, by step and tool, the best of each figure."""

    def __init__(self, data_set, arguments):
        self.data_set, self.arguments = data_set, arguments
        self.rows, self.sizes, self.grown = {}, {}, {}

    def run(self):
        with tempfile.TemporaryDirectory(prefix="belay-bench-", dir=self.arguments.folder) as folder:
            self.work = pathlib.Path(folder)
            self.data = self.work / "data"
            try:
                self.data_set.make(self.data)
                self.mebibytes, self.files = size_of(self.data) / MIB, len(files_of(self.data))
                tools = tools_of(self.arguments.belay, self.work)
                self.tools = [tool for tool in tools if not self.arguments.tools or any(name in tool.name for name in self.arguments.tools)]
                self.measure_all()
            finally:
                self.data_set.end()

    def measure_all(self):
        for run in range(self.arguments.runs):
            for tool in self.tools[run % len(self.tools):] + self.tools[:run % len(self.tools)]:
                tool.begin()
                self.step(tool, "fresh")
                self.sizes[tool.name] = tool.size()
                self.step(tool, "unchanged")
                self.restore(tool, "restore")
        self.data_set.change(self.data)
        for tool in self.tools:
            size = tool.size() if "changed" in tool.steps else 0
            self.step(tool, "changed")
            if "changed" in tool.steps:
                self.grown[tool.name] = tool.size() - size
            self.restore(tool, "in place")
            self.restore(tool, "by times")
            tool.end()

    def restore(self, tool, step):
        target = self.work / "target"
        if step in ("in place", "by times") and step in tool.steps:
            subprocess.run(["cp", "-a", self.data, target], check=True)
            forget_pages(target)
        self.step(tool, step, target)
        shutil.rmtree(target, ignore_errors=True)

    def step(self, tool, step, target=None):
        if step not in tool.steps:
            return
        forget_pages(tool.repo if target else self.data)
        row = tool.run(step, self.data, target)
        best = self.rows.setdefault(step, {}).setdefault(tool.name, row)
        for figure, value in row.items():
            best[figure] = min(best[figure], value)

    def show(self, name):
        print(f"\n**{name}**: {self.files:,} files, {self.mebibytes:.0f} MiB. Repository after `fresh`, MiB: "
              + ", ".join(f"{tool} {size:.0f}" for tool, size in self.sizes.items())
              + "; grown by the change: " + ", ".join(f"{tool} {size:.1f}" for tool, size in self.grown.items()))
        print("\n| step | tool | wall s | CPU s | memory MiB | written MiB | wall × | CPU × |\n|---|---|---|---|---|---|---|---|")
        for step, rows in self.rows.items():
            own = rows["belay"]
            for tool, row in rows.items():
                factors = " | " if tool == "belay" else f"{row['wall'] / own['wall']:.1f} | {row['cpu'] / own['cpu']:.1f}"
                print(f"| {STEPS[step]} | {tool} | {row['wall']:.2f} | {row['cpu']:.2f} | {row['memory']:.0f} | {row['written']:.0f} | {factors} |", flush=True)


def mean(values):
    values = list(values)
    return math.exp(sum(map(math.log, values)) / len(values))


def targets_of(compared, peer):
    def factors(step, figure, tool=peer):
        return [each.rows[step][tool][figure] / each.rows[step]["belay"][figure] for each in compared.values()]

    def least(what, values, wanted, combine=mean):
        return Target(f"{what}: {peer} / belay", combine(values), wanted, ", ".join(f"{value:.1f}" for value in values), is_least=True)

    targets = [least("fresh, CPU", factors("fresh", "cpu"), 4), least("fresh, CPU, the worst set", factors("fresh", "cpu"), 2.5, min),
               least("fresh, wall", factors("fresh", "wall"), 3), least("after a change, CPU", factors("changed", "cpu"), 4),
               least("restore, CPU", factors("restore", "cpu"), 3), least("restore, wall", factors("restore", "wall"), 2)]
    targets.append(Target("memory of fresh, worst set: belay / peer", max(1 / value for value in factors("fresh", "memory")), 1))
    targets.append(Target("size of the repository, worst set: belay / peer",
                          max(each.sizes["belay"] / each.sizes[peer] for each in compared.values()), 1.02))
    if "PostgreSQL" in compared:  # elsewhere both cut by chance, each at places of its own
        grown = compared["PostgreSQL"].grown
        targets.append(Target("PostgreSQL, growth of the repository by the change: belay / peer", grown["belay"] / grown[peer], 1))
    if "small text files" in compared:
        targets.append(Target("small text files, nothing changed, s", compared["small text files"].rows["unchanged"]["belay"]["wall"], 1))
    if "PostgreSQL" in compared and peer in compared["PostgreSQL"].rows.get("in place", {}):
        for step in ("in place", "by times"):
            rows = compared["PostgreSQL"].rows[step]
            targets += [Target(f"PostgreSQL, {STEPS[step]}, {figure}: peer / belay", rows[peer][figure] / rows["belay"][figure], wanted, is_least=True)
                        for figure, wanted in (("wall", 4), ("written", 10))]
    if "tar -czf" in next(iter(compared.values())).rows["fresh"]:
        values = factors("fresh", "wall", "tar -czf")
        targets.append(Target("fresh, wall: tar -czf / belay", mean(values), 8, ", ".join(f"{value:.1f}" for value in values), is_least=True))
    return targets


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the data")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--only", action="append", help="a data set; may be given again")
    parser.add_argument("--tools", action="append", help="a part of the name of a tool; may be given again")
    parser.add_argument("--belay", default=ROOT / "build/release/apps/belay/belay", help="the program")
    parser.add_argument("--folder", help="on the disk to measure; default: the temporary folder")
    arguments = parser.parse_args()
    sets = sets_of(10 if arguments.quick else 1)
    chosen = {name: sets[name] for name in arguments.only} if arguments.only else sets
    processor = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    print(f"{os.cpu_count()} cores ({processor}), Linux {platform.release()}, load {os.getloadavg()[0]:.1f}")
    compared = {}
    for name, data_set in chosen.items():
        compared[name] = Compare(data_set, arguments)
        compared[name].run()
        compared[name].show(name)
    restics = [tool for tool in next(iter(compared.values())).tools if isinstance(tool, Restic)]
    if restics:
        print_targets(targets_of(compared, max(restics, key=lambda tool: [int(part) for part in tool.version.split("-")[0].split(".")]).name))


if __name__ == "__main__":
    main()
