"""belay's own share of an upgrade, `belay status`, and how long a service is down while its data goes back.

The project of the end-to-end tests (a small service, a folder, a database) is upgraded by the real
binary. Its own share is the wall time of the whole command without the steps in which the stores,
the service or the gates are what is waited for: the journal tells how long each took.
"""
import json, os, pathlib, statistics, sys, tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

import project as e2e
from measure import MIB, Measure, Target

NOT_OURS = {"baseline", "protect", "quiesce", "secure", "start", "ready", "smoke", "watch"}


def steps_of(folder):
    """Milliseconds of each step of the latest upgrade, from its journal."""
    journal = max(folder.rglob("operations/*/journal"), key=lambda path: path.stat().st_mtime)
    records = [json.loads(line.split(" ", 2)[2]) for line in journal.read_text().splitlines()]
    return {record["step"]: record["ms"] for record in records if record["event"] == "done"}


def upgrade(made, label):
    made.release(label)
    made.expect()
    os.sync()
    measure = Measure([e2e.BELAY, "upgrade", "shop", "--to", label, "--yes"], cwd=made.folder)
    steps = steps_of(made.folder)
    own_ms = measure.durable * 1000 - sum(ms for step, ms in steps.items() if step in NOT_OURS)
    return own_ms, measure, steps


def downtime_of_way_back(made, label, mebibytes):
    """Milliseconds; the data of a good release goes back on request, and its pages are not in memory."""
    for number in range(mebibytes // 100):
        with open(made.folder / f"data/{number}", "wb") as file:
            for _ in range(100):
                file.write(os.urandom(MIB))
    made.release(label)
    made.upgrade(label, timeout=600)
    made.write()
    os.sync()
    pathlib.Path("/proc/sys/vm/drop_caches").write_text("1")
    ended = made.belay("rollback", "--level", "full", "--yes", timeout=600)
    assert ended.returncode == e2e.DONE, e2e.told(ended)
    made.acknowledged.clear()  # they went back too
    return made.json("history")[-1]["downtime_ms"]


def run(runs, where):
    with tempfile.TemporaryDirectory(prefix="belay-bench-", dir=where) as folder:
        made = e2e.Project(pathlib.Path(folder) / "project")
        try:
            upgrade(made, "1")
            made.write()
            own_ms, measure, steps = min((upgrade(made, str(run + 2)) for run in range(runs)),
                                         key=lambda each: each[0])
            statuses = [Measure([e2e.BELAY, "status"], cwd=made.folder) for _ in range(30)]
            small_ms = min(downtime_of_way_back(made, f"small-{run}", 0) for run in range(runs))
            large_ms = min(downtime_of_way_back(made, f"large-{run}", 2000) for run in range(runs))
        finally:
            made.end()
    status = sorted(statuses, key=lambda each: each.durable)
    status_ms = statistics.median(each.durable * 1000 for each in status)
    print(f"\nupgrade of a small service with a folder and a database, best of {runs} runs: "
          f"{measure.durable * 1000:.0f} ms, of which belay's own {own_ms:.0f} ms; "
          f"CPU {measure.user:.3f} + {measure.system:.3f} s; "
          + ", ".join(f"{step} {ms}" for step, ms in steps.items()) + " ms")
    print(f"belay status, 30 times: fastest {status[0].durable * 1000:.0f} ms, median {status_ms:.0f}"
          f" ms; CPU {status[0].user:.3f} + {status[0].system:.3f} s")
    print(f"the service is down for {small_ms} ms while a few kilobytes go back, and for {large_ms} ms while"
          f" 2000 MiB more in 20 files do; gates and smoke test are in both")
    return [Target("belay's own share of an upgrade, ms", own_ms, 200),
            Target("belay's memory in an upgrade, MiB", measure.peak / MIB, 30 * 1000**2 / MIB),
            Target("belay status, median of 30, ms", status_ms, 30),
            Target("downtime of a way back with 2 GB of data / without", large_ms / small_ms, 2)]
