"""The directory store against cp -a, rsync -a and tar -czf, in one run on one disk.

Before each measurement what is dirty is written out and the pages of the input are dropped
(posix_fadvise DONTNEED); names and inodes stay in the kernel's memory, for everybody. "durable" is
the wall time until the result is on the disk: belay returns only then, after the others comes
`sync -f`; "returned" is when the command ended. The best of the runs counts, by durable; CPU and
peak memory are of that run. Who begins changes from run to run: what else the machine does hits
everybody alike. Small copies are removed after the last run only, for ext4 passes over every inode
that was freed in the last minutes, which would punish whoever makes files after a removal.
"""
import os, pathlib, shutil, subprocess, sys, tempfile, time

from measure import GIB, KIB, MIB, Measure, Target

class Data:
    """A folder of equally large files of bytes that nothing compresses."""

    def __init__(self, folder, files, size):
        self.folder, self.files, self.size = folder, files, size
        self.bytes = os.urandom(2 * MIB)
        for index in range(files):
            if index % 100 == 0:
                os.makedirs(os.path.dirname(self.path(index)), exist_ok=True)
            self.write(index, index)

    def path(self, index):
        return f"{self.folder}/{index // 100 % 100:02}/{index // 10000:02}/file-{index:06}"

    def write(self, index, seed):
        with open(self.path(index), "wb") as file:
            left, at = self.size, seed * 7919 % MIB
            while left > 0:
                left -= file.write(self.bytes[at : at + min(left, MIB)])

    def change(self, salt):
        """Every hundredth file gets other bytes; at least one."""
        for index in range(salt % min(100, self.files), self.files, 100):
            self.write(index, salt * 1000003 + index)

    def settle(self):
        """Dirty pages out, then the pages of the data dropped."""
        subprocess.run(["sync", "-f", self.folder], check=True)
        for index in range(self.files):
            fd = os.open(self.path(index), os.O_RDONLY)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(fd)
        time.sleep(0.1)  # what was just written is as young as the clock is coarse: it is read twice


class Bench:
    def __init__(self, files, size, arguments):
        self.arguments = arguments
        unit = f"{size // KIB} KiB" if size < MIB else f"{size // MIB} MiB"
        self.name = f"{files:,} files of {unit}"
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="belay-bench-", dir=arguments.folder))
        self.sync = ["sync", "-f", str(self.root)]
        self.data = Data(self.root / "data", files, size)
        self.is_large = files * size > GIB
        self.measures = {}

    def run(self):
        try:
            parts = [self.copy_with_cp, self.protect_and_swap, self.copy_with_rsync]
            for run in range(self.arguments.runs):
                for part in parts[run % 3:] + parts[:run % 3]:
                    part(run)
            if not self.arguments.no_tar:
                self.measure("tar -czf", ["tar", "-czf", str(self.root / "tar.gz"), "-C",
                                          str(self.root), "data"], self.sync)
        finally:
            shutil.rmtree(self.root)
        return self.summarise()

    def measure(self, what, command, sync=None):
        self.data.settle()
        self.measures.setdefault(what, []).append(Measure(command, sync))

    def drop(self, path):
        if self.is_large:
            shutil.rmtree(path)

    def copy_with_cp(self, run):
        copy = self.root / f"cp-{run}"
        self.measure("cp -a", ["cp", "-a", str(self.data.folder), str(copy)], self.sync)
        self.drop(copy)

    def copy_with_rsync(self, run):
        copy = self.root / f"rsync-{run}"
        command = ["rsync", "-a", "--delete", f"{self.data.folder}/", f"{copy}/"]
        self.measure("rsync -a", command, self.sync)
        self.data.change(run)
        self.measure("rsync -a, 1 % changed", command, self.sync)
        self.drop(copy)

    def protect_and_swap(self, run):
        def belay(what):
            return [str(self.arguments.program), what, str(self.data.folder), f"p{run}"]
        self.measure("protect", belay("protect"))
        self.data.change(run + 20)
        self.measure("secure, 1 % changed", belay("secure"))
        self.data.change(run + 40)
        self.measure("swap back", belay("restore"))
        self.drop(self.root / ".belay-data")

    def summarise(self):
        best = {what: min(runs, key=lambda run: run.durable)
                for what, runs in self.measures.items()}
        print(f"\n{self.name}, best of {self.arguments.runs} runs\n")
        print("| what | durable s | returned s | CPU user + sys s | peak MiB | durable, all runs |")
        print("|---|---|---|---|---|---|")
        for what, row in best.items():
            walls = " ".join(f"{each.durable:.2f}" for each in self.measures[what])
            print(f"| {what} | {row.durable:.2f} | {row.returned:.2f} | "
                  f"{row.user:.2f} + {row.system:.2f} | {row.peak / MIB:.0f} | {walls} |")
        sys.stdout.flush()
        peers = [best["cp -a"], best["rsync -a"]]
        protect = best["protect"].durable
        peer = min(each.durable for each in peers)
        hasty = min(each.returned for each in peers)
        secure = best["secure, 1 % changed"].durable
        return [Target(f"{self.name}: protect / faster of cp and rsync", protect / peer, 1,
                       f"{protect / hasty:.2f} when they do not sync"),
                Target(f"{self.name}: secure / protect", secure / protect, 0.1),
                Target(f"{self.name}: swap back, s", best["swap back"].durable, 1)]
