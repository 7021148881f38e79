"""What belay calls durable is synced: strace watches a real upgrade and its way back.

Whatever appears under its final name was synced before it got the name, and the folder that holds
the name, or a new folder's, is synced before the journal says so, and before a file gets its name
that says that something is whole. A power cut cannot be made here; this order of
system calls is what survives one.
"""
import os
import re
import shutil
import subprocess

from project import BELAY, DONE, ROLLED_BACK

MARKS = {"in-progress", "current", "manifest.json"}  # what must come after everything before it
CALLS = "openat,mkdir,mkdirat,write,pwrite64,fsync,fdatasync,syncfs,rename,renameat,renameat2,close"
LINE = re.compile(r"^\d+ +(\w+)\((.*)\) += (-?\d+)")
HANDLE = re.compile(r"^\d+<([^>]*)>")
NAME = re.compile(r'(?:AT_FDCWD(?:<([^>]*)>)?|\d+<([^>]*)>), "([^"]*)"')


def calls_of(path):
    """(call, arguments) of the calls that succeeded, in order; interrupted ones are put together."""
    begun = {}
    for line in path.read_text(errors="replace").splitlines():
        pid = line.split(" ", 1)[0]
        if line.endswith("<unfinished ...>"):
            begun[pid] = line[:-len("<unfinished ...>")].rstrip()
            continue
        if "resumed>" in line and pid in begun:
            line = begun.pop(pid) + line.split("resumed>", 1)[1]
        if (found := LINE.match(line)) and int(found[3]) >= 0:
            yield found[1], found[2]


def names_in(arguments):
    return [os.path.normpath(os.path.join(a or b or "", name))
            for a, b, name in NAME.findall(arguments)] or \
           [os.path.normpath(name) for name in re.findall(r'"([^"]*)"', arguments)]


def unsynced(path, state):
    """Complaints about the order of calls under the folder `state`."""
    written, waiting, wrong, renames, records = {}, {}, [], 0, 0
    for call, arguments in calls_of(path):
        handle = HANDLE.match(arguments)
        name = handle[1] if handle else ""
        if call in ("write", "pwrite64") and name.startswith(state):
            if name.endswith("/journal"):
                records += 1
                wrong += [f"the journal goes on, '{folder}' is not synced after {what}"
                          for folder, what in waiting.items()]
                waiting.clear()
            written[name] = True
        elif call in ("fsync", "fdatasync"):
            written.pop(name, None)
            waiting.pop(name, None)
        elif call == "syncfs":
            written.clear()
            waiting.clear()
        elif call.startswith("mkdir"):
            for made in names_in(arguments):
                if made.startswith(state + "/.belay/"):
                    waiting[os.path.dirname(made)] = f"{call} of '{os.path.basename(made)}'"
        elif call.startswith("rename"):
            names = names_in(arguments)
            if len(names) != 2 or not names[1].startswith(state):
                continue
            renames += 1
            if names[0] in written:
                wrong.append(f"'{names[0]}' gets its name before it is synced")
            if os.path.basename(names[1]) in MARKS:
                wrong += [f"'{names[1]}' gets its name, '{folder}' is not synced after {what}"
                          for folder, what in waiting.items()]
            waiting[os.path.dirname(names[1])] = f"{call} to '{os.path.basename(names[1])}'"
    return wrong, renames, records


def traced(project, label):
    """Trace belay and its threads; what it starts (`-b execve`) is let go."""
    log = project.folder.parent / f"trace-{label}"
    project.expect()
    ended = subprocess.run(
        ["strace", "-f", "-b", "execve", "-y", "-s", "0", "-e", f"trace={CALLS}", "-o", log,
         BELAY, "upgrade", "shop", "--to", label, "--yes"],
        cwd=project.folder, capture_output=True, text=True, timeout=120, check=False)
    return ended, log


def test_names_and_journal_are_synced_in_order(project):
    assert shutil.which("strace"), "scripts/setup test installs strace"
    project.release("2.0")
    project.release("3.0", "damages")
    for label, status in (("2.0", DONE), ("3.0", ROLLED_BACK)):
        ended, log = traced(project, label)
        assert ended.returncode == status, ended.stdout + ended.stderr
        wrong, renames, records = unsynced(log, str(project.folder))
        assert renames > 3 and records > 10, f"{renames} renames, {records} records: a blind test"
        assert not wrong, "\n".join(wrong[:20])
