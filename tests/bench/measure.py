"""What a command costs, and what was measured beside what is wanted."""
import dataclasses, os, subprocess, sys, time

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


class Measure:
    """Wall, CPU and peak memory of a command, and of the sync after it where it needs one.

    The kernel counts what the process was before it became the command as its memory too: no peak
    is lower than this program's own, about 15 MiB.
    """

    def __init__(self, command, sync=None, wanted_status=0, **options):
        begin = time.monotonic()
        self.user = self.system = self.peak = 0
        self.run(command, wanted_status, options)
        self.returned = time.monotonic() - begin
        if sync:
            self.run(sync, 0, {})
        self.durable = time.monotonic() - begin

    def run(self, command, wanted_status, options):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, **options)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != wanted_status:
            sys.exit(f"bench: {' '.join(map(str, command))}: exit status {process.returncode}")
        self.user += usage.ru_utime
        self.system += usage.ru_stime
        self.peak = max(self.peak, usage.ru_maxrss * KIB)


@dataclasses.dataclass
class Target:
    what: str
    measured: float
    wanted: float  # at most
    note: str = ""
    is_least: bool = False  # then at least

    def is_met(self):
        return self.measured >= self.wanted if self.is_least else self.measured <= self.wanted


def print_targets(targets):
    print("\n| target | measured | wanted | |\n|---|---|---|---|")
    for each in targets:
        verdict = "met" if each.is_met() else "missed"
        note = f" ({each.note})" if each.note else ""
        print(f"| {each.what} | {each.measured:.3g}{note} | {'at least' if each.is_least else 'at most'} {each.wanted:g} | {verdict} |")
