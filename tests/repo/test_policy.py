"""What forget keeps is what restic keeps, by the same words; a prune that is bounded leaves the rest for the next."""
import os
import random

import pytest

TIMES = ["2025-01-31 12:00:00", "2025-03-01 11:00:00", "2025-03-01 12:00:00", "2025-03-30 09:00:00",
         "2025-03-31 10:00:00", "2025-03-31 11:30:00", "2025-03-31 12:00:00"]
POLICIES = [
    ("-l", "2"), ("-H", "2"), ("-d", "2", "-w", "1"), ("-y", "1", "--keep-tag", "odd"),
    ("--keep-within", "1m"), ("--keep-within", "2m1d"), ("--keep-within", "1m30d1h"),
    ("--keep-within-hourly", "1d"), ("--keep-within-daily", "2m"), ("--keep-within-weekly", "1y", "-l", "1"),
    ("--keep-within-monthly", "1y"), ("--keep-within-yearly", "5y"),
    ("-l", "1", "--group-by", "tags"), ("-l", "1", "--group-by", ""), ("-l", "1", "--group-by", "host,paths,tags"),
    ("-l", "1", "--tag", "odd,sub"), ("-l", "1", "--host", "other"),
]


def test_forget_decides_as_restic_does(lone):
    tree = lone.folder / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "file").write_text("one")
    lone.belay("repo", "init")
    for number, time in enumerate(TIMES):
        tags = ["--tag", "odd"] * (number % 2) + ["--tag", "sub"] * (number % 3 == 1)
        host = "other" if number == 3 else "this"
        lone.restic("backup", tree / "sub" if number == 4 else tree, "--time", time, "--host", host, *tags)
    for policy in POLICIES:
        theirs = [group for line in lone.restic_json("forget", "--dry-run", *policy) for group in line]
        kept = {one["short_id"] for group in theirs for one in group["keep"]}
        gone = {one["short_id"] for group in theirs for one in group["remove"] or []}
        said = lone.belay_json("forget", "--dry-run", *policy)
        ours = {event: {one["id"][:8] for one in said if one["event"] == event} for event in ("kept", "to_forget")}
        assert (ours["kept"], ours["to_forget"]) == (kept, gone), policy
    listed = lone.belay_json("snapshots", "--tag", "odd", "--host", "this")
    assert len(listed) == 2, listed
    assert lone.belay_json("ls", "latest", "--path", tree / "sub")[-1]["path"] == str(tree / "sub")
    lone.belay("ls", "latest", "--tag", "none", status=1)
    lone.belay("forget", "--keep-within", "5min", status=2)


@pytest.fixture
def wasteful(lone):
    """Two snapshots of which the second needs a part of each pack of the first."""
    source = random.Random(4)
    tree = lone.folder / "tree"
    tree.mkdir()
    for number in range(60):
        (tree / f"{number:02}").write_bytes(source.randbytes(1_000_000))
    lone.belay("repo", "init")
    lone.belay("backup", "--path", tree)
    for number in range(0, 60, 2):
        (tree / f"{number:02}").unlink()
    lone.belay("backup", "--path", tree)
    return lone


def test_a_bounded_prune_leaves_the_rest_for_the_next(wasteful):
    wasteful.belay("forget", "-l", "1")
    full = wasteful.belay_json("prune", "--max-unused", "0", "--dry-run")[-1]
    assert full["packs_repacked"] >= 3 and not full["is_cut_short"], full
    free = wasteful.belay_json("prune", "--max-unused", "unlimited")[-1]
    assert free["packs_repacked"] == 0 and free["bytes_unused"] > 20_000_000, free
    late = wasteful.belay_json("prune", "--max-unused", "0", "--max-repack-time", "1ms")[-1]
    assert late["packs_repacked"] == 0 and late["is_cut_short"], late
    some = wasteful.belay_json("prune", "--max-unused", "0", "--max-repack-size", "15MiB")[-1]
    assert 0 < some["packs_repacked"] < full["packs_repacked"] and some["is_cut_short"], some
    assert 0 < some["bytes_written"] <= 16 << 20, some
    wasteful.restic("check", "--read-data")
    half = wasteful.belay_json("prune", "--max-unused", "12000000")[-1]  # about half a pack is not needed
    assert 0 < half["bytes_unused"] <= 12_000_000 and not half["is_cut_short"], half
    rest = wasteful.belay_json("prune", "--max-unused", "0%")[-1]
    assert rest["bytes_unused"] == 0 and not rest["is_cut_short"], rest
    wasteful.restic("check", "--read-data")
    wasteful.belay("restore", f"latest:{wasteful.folder}/tree", "--target", wasteful.folder / "back")
    assert sorted(os.listdir(wasteful.folder / "back")) == [f"{number:02}" for number in range(1, 60, 2)]
    parts = [wasteful.belay_json("repo", "check", "--read-data-subset", f"{part}/3")[-1] for part in (1, 2, 3)]
    assert sum(each["packs_read"] for each in parts) == parts[0]["packs"], parts
