"""What holds of every repository that is elsewhere, whatever it is reached by."""
import os
import subprocess

from servers import CONFORMANCE
from tree import describe, make_torture_tree


def make_tree(folder):
    make_torture_tree(folder / "tree")
    (folder / "tree/link that is no text").unlink()  # restic 0.14 writes it otherwise


def conforms(location, option=None, env=None):
    env = {**(env or os.environ), "BELAY_TEST_REPOSITORY": str(location)}
    if option:
        env["BELAY_TEST_OPTION"] = option
    done = subprocess.run([CONFORMANCE], capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def both_programs_read_what_the_other_wrote(place):
    tree = place.folder / "tree"
    place.belay("repo", "init")
    place.belay("backup", "--path", tree)
    place.restic("check", "--read-data")
    place.restic("restore", "latest", "--target", place.folder / "theirs")
    assert describe(str(place.folder / "theirs") + str(tree)) == describe(tree)
    (tree / "new").write_bytes(bytes(range(256)) * 4000)
    place.restic("backup", tree)
    assert "no errors" in place.belay("repo", "check", "--read-data")
    place.belay("restore", f"latest:{tree}", "--target", place.folder / "ours")
    assert describe(place.folder / "ours") == describe(tree)
    place.belay("forget", "--keep-last", "1", "--prune")
    place.restic("check", "--read-data")
