#!/usr/bin/env python3
"""Rules of the house that neither the compiler nor clang-tidy can see. Runs as a test."""
import pathlib, re, sys

root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
src = root / "src"
errors = []

# 1. Layers: a module includes only the modules named in its USES (tests: TEST_USES too).
uses, tests_use = {}, {}
lists = re.sub(r"#.*", "", (src / "CMakeLists.txt").read_text())
for line in re.sub(r"\n[ \t]+", " ", lists).splitlines():
    if m := re.match(r"house_module\(([\w/]+)(.*)\)", line):
        words = m[2].split()
        section, name = None, m[1]
        uses[name], tests_use[name] = {name}, {name}
        for word in words:
            if word in ("USES", "LINKS", "TEST_USES"): section = word
            elif section == "USES": uses[name].add(word); tests_use[name].add(word)
            elif section == "TEST_USES": tests_use[name].add(word)

# 2. Side effects: only src/os may reach the operating system.
banned = {
    r"\bsystem_clock::now|\bsteady_clock::now|\bthis_thread::sleep_": "the Clock port",
    r"\bstd::filesystem::(create|remove|rename|copy|resize)|\bstd::[oi]?fstream\b": "the Files port",
    r"\b(fork|execv\w*|popen|system|posix_spawn)\s*\(": "the Processes port",
    r"\bgetenv\s*\(|\bstd::random_device\b|\brand\s*\(\)": "the composition root",
    r"\bcatch\s*\(\.\.\.\)": "catching the exception you mean",
    r"\busing namespace\b": "qualified names",
    r"\bFIXME\b": "fixing it before the merge",
}
allowed = {"os"}

for path in sorted(src.rglob("*.[ch]pp")):
    module, text = path.parent.relative_to(src).as_posix(), path.read_text()
    where = path.relative_to(root)
    lines = text.splitlines()
    limit = 1000 if path.stem.endswith("_test") else 500
    if len(lines) > limit: errors.append(f"{where}: {len(lines)} lines, the limit is {limit}")
    if path.suffix == ".hpp" and not re.match(r"#pragma once\n// [A-Z]\w*", text):
        errors.append(f"{where}:1: a header opens with '#pragma once' and '// Name: what it is'")
    own = re.match(r"(?://[^\n]*\n|\n)*#include \"(\S+)\"", text)
    twin = path.with_suffix(".hpp")
    if path.suffix == ".cpp" and twin.exists() and (not own or own[1] != f"{module}/{twin.name}"):
        errors.append(f"{where}: include {module}/{twin.name} first, it proves it self-contained")
    may = (tests_use if path.stem.endswith("_test") else uses).get(module, set())
    for number, line in enumerate(lines, 1):
        if len(line) > 100: errors.append(f"{where}:{number}: longer than 100 columns")
        if m := re.match(r'#include "([\w/]+)/\w+\.hpp"', line):
            if m[1] not in may: errors.append(f"{where}:{number}: {module} may not use {m[1]}")
        if module not in allowed:
            code = line.split("//")[0]
            for pattern, instead in banned.items():
                if re.search(pattern, code): errors.append(f"{where}:{number}: use {instead}")

for path in root.glob("docs/**/*.md"):
    heads = [l for l in re.sub(r"```.*?```", "", path.read_text(), flags=re.S).splitlines() if l.startswith("# ")]
    if len(heads) != 1: errors.append(f"{path.relative_to(root)}: one '# ' title, not {len(heads)}")

print("\n".join(errors) or "tidy")
sys.exit(bool(errors))
