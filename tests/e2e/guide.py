"""Reads a page of docs/guide and runs its shell blocks as a newcomer would type them.

A block is fenced and named. ```sh is a script: it must end with 0. ```console has lines "$ command",
each followed by exactly what it prints, where "..." stands for what is left out (alone on a line: any
lines; in a line: any text) and "(exit status N)" at the end for a status that is not 0. Directives
are HTML comments:

    <!-- after: PAGE -->              the page goes on where PAGE ended
    <!-- with: PATH -->               the folder in which it begins holds this part of the clone
    <!-- not run: WHY; see TEST -->   the next block is tried elsewhere: a file, or file::test
"""
import contextlib
import dataclasses
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs/guide"
OTHER = {"yaml", "ini", "json", "text", "python"}  # languages that nobody types at a prompt
DIRECTIVE = re.compile(r"<!-- (after|with|not run): (.*) -->")


class Wrong(AssertionError):
    """The page does not hold what it says, or says something that is not tried."""


@dataclasses.dataclass
class Block:
    line: int
    language: str
    text: str
    not_run: str = ""


@dataclasses.dataclass
class Page:
    name: str
    after: str = ""
    begins_with: list = dataclasses.field(default_factory=list)
    blocks: list = dataclasses.field(default_factory=list)


def read(name):
    page, block, excuse = Page(name), None, ""
    before = ""
    for number, line in enumerate((GUIDE / name).read_text().splitlines(), 1):
        if line.startswith("```"):
            if block:
                page.blocks.append(block)
                block = None
            else:
                block, excuse = Block(number, line[3:].strip(), "", excuse), ""
        elif block:
            block.text += line + "\n"
        elif found := DIRECTIVE.fullmatch(line):
            if found[1] == "after":
                page.after = found[2]
            elif found[1] == "with":
                page.begins_with.append(found[2])
            else:
                excuse = found[2]
        elif line.startswith("    ") and not before.strip():
            raise Wrong(f"{name}:{number}: an indented block: fence it, and name its language")
        elif line.strip() and excuse:
            raise Wrong(f"{name}:{number}: 'not run' stands right before its block")
        before = line
    if block:
        raise Wrong(f"{name}:{block.line}: the block has no end")
    for one in page.blocks:
        judge(page, one)
    return page


def judge(page, block):
    """A block is run, or it is no shell block, or it says which test tries it."""
    where = f"{page.name}:{block.line}"
    if block.not_run:
        path, _, test = block.not_run.rpartition("see ")[2].partition("::")
        if not (ROOT / path).is_file() or (test and f"def {test}(" not in (ROOT / path).read_text()):
            raise Wrong(f"{where}: there is no test '{path}::{test}'")
    elif block.language not in OTHER | {"sh", "console"}:
        raise Wrong(f"{where}: a block of '{block.language}' is neither run nor known")


def commands(text):
    """[(command, what it prints)] of a console block; a command ends with the next "$ "."""
    found = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append([line[2:], ""])
        elif found and found[-1][1] == "" and found[-1][0].endswith("\\"):
            found[-1][0] += "\n" + line
        elif found:
            found[-1][1] += line + "\n"
        else:
            raise Wrong(f"a console block begins with '$ ', not with '{line}'")
    return found


def pattern_of(shown):
    """What is shown as a regular expression; and the exit status."""
    status = 0
    lines = shown.splitlines()
    if lines and (last := re.fullmatch(r"\(exit status (\d+)\)", lines[-1])):
        status = int(last[1])
        lines.pop()
    words = ""
    for line in lines:
        words += r"(?:.*\n)*?" if line.strip() == "..." else \
            ".*?".join(re.escape(part) for part in line.split("...")) + "\n"
    return words, status


class Newcomer:
    """A person in a folder of their own, who types what a page says; see also end()."""

    def __init__(self, folder, belay):
        self.home = folder
        self.home.mkdir(parents=True)
        self.state = folder / ".typed"
        self.state.mkdir()
        (self.state / "belay").symlink_to(belay)
        (self.state / "cwd").write_text(str(folder))
        (self.state / "env").write_text("")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = str(probe.getsockname()[1])
        self.env = {"PATH": f"{self.home}/.local/bin:{self.state}:/usr/sbin:/usr/bin:/sbin:/bin",
                    "HOME": str(folder), "LANG": "C.UTF-8", "USER": "newcomer"}

    def follow(self, name):
        page = read(name)
        if page.after:
            self.follow(page.after)
        for path in page.begins_with:
            (self.home / path).parent.mkdir(parents=True, exist_ok=True)
            (self.home / path).symlink_to(ROOT / path)
        for block in page.blocks:
            if block.not_run or block.language in OTHER:
                continue
            where = f"{name}:{block.line}"
            if block.language == "sh":
                self.try_one(where, "set -eu\n" + block.text, None)
            else:
                for command, shown in commands(block.text):
                    self.try_one(where, command, shown)

    def try_one(self, where, command, shown):
        command = command.replace("8080", self.port)  # no fixed ports
        wanted, wanted_status = pattern_of((shown or "").replace("8080", self.port))
        status, printed = self.type(command)
        same = shown is None or re.fullmatch(wanted, printed)
        if status != wanted_status or not same:
            raise Wrong(f"{where}: $ {command}\nexit status {status}, wanted {wanted_status}\n"
                        f"--- printed\n{printed}--- wanted\n{shown or ''}---")

    def type(self, command):
        """(exit status, output): run in the folder and with the variables that the last left."""
        state = self.state
        script = (f'cd "$(cat {state}/cwd)"\n. {state}/env\n'
                  f"trap 'pwd >{state}/cwd; export -p >{state}/env' EXIT\n{command}\n")
        with open(state / "printed", "w+", encoding="utf-8") as printed:
            running = subprocess.Popen(["bash", "-c", script], env=self.env, cwd=self.home,
                                       stdin=subprocess.DEVNULL, stdout=printed, stderr=printed,
                                       start_new_session=True)
            try:
                status = running.wait(timeout=120)
            except subprocess.TimeoutExpired:
                os.killpg(running.pid, signal.SIGKILL)
                running.wait()
                raise Wrong(f"it does not end: {command}") from None
            printed.seek(0)
            return status, printed.read()

    def processes(self):
        """What was started here works here: in this folder, or in one of a release below it."""
        found = []
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                folder = os.readlink(entry / "cwd").removesuffix(" (deleted)")
                if pathlib.Path(folder).is_relative_to(self.home) and \
                        (entry / "stat").read_text().rpartition(")")[2].split()[0] != "Z":
                    found.append(int(entry.name))
        return found

    def end(self):
        deadline = time.monotonic() + 10
        while (left := self.processes()) and time.monotonic() < deadline:
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)
        assert not left, f"processes {left} do not end"
