#!/usr/bin/env python3
"""Count what a test run really ran: tally.py RESULTS. Ends with 'N passed, N failed'.

Each GoogleTest program is one entry of ctest; its own XML says how many tests it held. A program
that died without saying so counts as one failure, so that a crash can never look like a pass.
"""
import pathlib
import sys
import xml.etree.ElementTree as xml

results = pathlib.Path(sys.argv[1])
passed = failed = skipped = 0


def count(cases):
    good = bad = left = 0
    for case in cases:
        if case.find("failure") is not None or case.find("error") is not None:
            bad += 1
        elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
            left += 1
        else:
            good += 1
    return good, bad, left


def was_skipped_on_purpose(case):
    """ctest also says "skipped" of a program that it could not find."""
    note = case.find("skipped")
    return note is not None and (note.get("message") or "").startswith(("SKIP_", "Disabled"))


def add(name, good, bad, left):
    global passed, failed, skipped
    passed, failed, skipped = passed + good, failed + bad, skipped + left
    note = f", {left} skipped" if left else ""
    print(f"  {name:<28} {good} passed, {bad} failed{note}")


def parsed(path):
    return xml.parse(path).getroot() if path.exists() and path.stat().st_size else None


cases = []
for name in ("ctest", "ctest-cli"):
    root = parsed(results / f"{name}.xml")
    if root is None:
        add(name, 0, 1, 0)
    else:
        cases += root.iter("testcase")
for case in cases:
    name = case.get("name")
    inner = parsed(results / "gtest" / f"{name.replace('/', '_')}_test.xml")
    good, bad, left = count([case] if inner is None else inner.iter("testcase"))
    if inner is None and left and not was_skipped_on_purpose(case):
        bad, left = 1, 0
    if bad == 0 and case.find("failure") is not None:
        bad = 1
    add(name, good, bad, left)

for name, title in (("e2e", "end to end"), ("systemd", "systemd"), ("docker", "containers")):
    root = parsed(results / f"{name}.xml")
    add(title, *(count(root.iter("testcase")) if root is not None else (0, 1, 0)))
    for why in sorted({note.get("message") or "" for note in root.iter("skipped")} if root is not None else ()):
        print(f"    skipped: {why}")

# What a script says a line each: (file, how a good line begins, how a bad one does).
for name, well, ill in (("fuzz", "ok ", "FAILED"), ("mutants", "caught", "SURVIVED")):
    if (said := results / f"{name}.txt").exists():
        lines = said.read_text().splitlines()
        good = sum(line.startswith(well) for line in lines)
        bad = sum(line.startswith(ill) for line in lines)
        add(name, good, bad if good + bad else 1, 0)

if skipped:
    print(f"{skipped} skipped")
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
