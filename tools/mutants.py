#!/usr/bin/env python3
"""Break the engine and the repository on purpose, one line at a time; the simulator must notice every time.

The broken file is compiled, with those that the release build compiles as one with it, and
linked before the rest of that build; then every single fault is played (`belay_sim --singles`),
or, for a file of src/repo, some histories of repositories (`belay_sim --repo --quick`).
A mutant that survives is a checker that does not look, and fails the run."""
import concurrent.futures
import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

root = pathlib.Path(__file__).resolve().parent.parent
build = root / "build" / "release"
LIBRARIES = ("engine", "judge", "state", "journal", "drivers_directory", "drivers_sqlite", "drivers_process", "releases",
             "drivers_probe", "migrations", "domain", "sim", "repo", "repo_backend", "repo_format", "base")
MUTANTS = [  # name, file below src, from, to
    # "A failed smoke test is passed over" is not among them: the checks of the watch find it too.
    ("a point does not say what it gave up", "engine/steps_back.cpp",
     "    TRY(give_up(context, snapshot.store));\n", ""),
    ("what is abandoned is never read", "engine/steps_back.cpp", "  TRY(adopt_abandoned(context, out));\n", ""),
    ("a trigger that fired is passed over", "engine/table.cpp",
     "S::commit,            S::hold,          1},", "S::commit,            S::commit,        1},"),
    ("a copy that failed is passed over", "engine/table.cpp",
     "S::expand,            S::hold,          1},", "S::expand,            S::expand,        1},"),
    ("the way back forgets the data", "engine/table.cpp",
     "S::restore_data,      S::stay,          3},", "S::restore_config,    S::stay,          3},"),
    ("the way back forgets the config", "engine/table.cpp",
     "S::restore_config,    S::stay,          3},", "S::restore_release,   S::stay,          3},"),
    ("the way back forgets the release", "engine/table.cpp",
     "S::restore_release,   S::stay,          3},", "S::start_again,       S::stay,          3},"),
    ("the services are not stopped", "engine/table.cpp",
     "S::secure,            S::hold,          1},\n    Row{S::secure,            \"secure\",            S::expand",
     "S::expand,            S::hold,          1},\n    Row{S::secure,            \"secure\",            S::expand"),
    ("the way back does not stop the services", "engine/steps_back.cpp",
     "  TRY(stop_all(context, out));\n  TRY(let_in_all", "  TRY(let_in_all"),
    ("only one store goes back", "engine/level.cpp",
     "    if (answer.level == Level::full ||", "    if (answer.stores.empty() && (answer.level == Level::full ||"),
    ("the generation is never made current", "engine/steps_forward.cpp",
     "  TRY(context.folder.set_current_generation(generation.number));", ""),
    ("a rollback does not settle", "engine/steps_back.cpp",
     "  TRY(context.folder.set_current_generation(number));", ""),
    ("a restarted machine is not noticed", "engine/machine.cpp",
     "const bool may_be_rebooted = boot != context_.last_boot;", "const bool may_be_rebooted = false;"),
    ("the mark 'in progress' is written first", "state/folder.cpp",
     "  return world_.files.replace_all({{folder + \"/plan.json\", to_json(plan)},",
     "  TRY(world_.files.replace(path_ + \"/in-progress\", plan.operation + \"\\n\"));\n"
     "  return world_.files.replace_all({{folder + \"/plan.json\", to_json(plan)},"),
    ("a swap does not look whether it happened", "drivers/directory/swap.cpp",
     "    if (live.device == here.device && live.inode == sidecar.incoming.inode)\n"
     "      return take_out();", ""),
    ("the swap's record is written after it", "drivers/directory/swap.cpp",
     "    TRY(files_.replace(sidecar_, text_of(sidecar)));\n    return sidecar;", "    return sidecar;"),
    ("a moved layout is passed over", "engine/level.cpp",
     "return evidence.movement == Movement::layout || ", "return "),
    ("a moved ledger is passed over", "engine/level.cpp",
     " || !evidence.ledger_moved.empty();", ";"),
    ("a migration is believed without being run", "drivers/sqlite/migrations.cpp",
     "  return world_.sqlite.change(path, statements, timeout);", "  return ok();"),
    ("a torn record stays in the journal", "journal/journal.cpp",
     "  if (repair && at < text.size())\n", "  if (false)\n"),
    ("a write-ahead log stays when its database goes", "drivers/sqlite/swap.cpp",
     "    TRY(make_one_file());\n", ""),
    ("TERM is believed", "drivers/process/runtime.cpp",
     "      return kill_all(service);\n    const", "      return ok();\n    const"),
    ("the mark goes before the last record", "engine/machine.cpp",
     "      return context_.write({out, end});",
     "      TRY(context_.folder.end_operation(context_.plan.operation));\n"
     "      return context_.write({out, end});"),
    ("an index file is written before its packs", "repo/saver.cpp",
     "  TRY(repository_.backend().save({FileKind::pack, pack.id}, pack.bytes));",
     "  TRY(repository_.save(FileKind::index, format::index_to_json({{pack.id, pack.blobs}})));\n"
     "  TRY(repository_.backend().save({FileKind::pack, pack.id}, pack.bytes));"),
    ("packs go before the new index is there", "repo/prune.cpp",
     "    TRY(write_index());\n    TRY(remove());", "    TRY(remove());\n    TRY(write_index());"),
    ("nobody looks again after taking a lock", "repo/lock.cpp",
     "  if (auto alone = lock->check_others(); !alone) {", "  if (auto alone = ok(); !alone) {"),
    ("a restore in place believes the times", "repo/restore_live.cpp",
     "  return options_.in_place->is_time_trusted && live", "  return live"),
]


def words_of(file):
    """What the simulator plays for a sabotage of this file."""
    return ["--repo", "--quick", "--stop"] if file.startswith("repo/") else ["--singles", "--stop"]


def compile_command(path):
    """How the release preset compiles this file, and the text of what it compiles."""
    include = f'#include "{path}"'
    for entry in json.loads((build / "compile_commands.json").read_text()):
        unit = pathlib.Path(entry["file"])
        if unit.suffix == ".cxx" and unit.exists() and include in unit.read_text().splitlines():
            return shlex.split(entry["command"]), unit.read_text()
    raise SystemExit(f"'{path}' is not in {build}/compile_commands.json: build the release preset")


def try_mutant(mutant):
    """What is compiled with the broken file, linked before the libraries, stands in for the good one."""
    name, file, old, new = mutant
    source = root / "src" / file
    text = source.read_text()
    if text.count(old) != 1:
        return name, None, f"it no longer applies to {file}: update it"
    text = text.replace(old, new)
    if name == "only one store goes back":  # closes the parenthesis that it opened
        text = text.replace("evidence.movement != Movement::none))",
                            "evidence.movement != Movement::none)))")
    with tempfile.TemporaryDirectory() as folder:
        broken = pathlib.Path(folder) / source.name
        broken.write_text(text)
        words, unit = compile_command(source)
        together = pathlib.Path(folder) / "unit.cxx"
        together.write_text(unit.replace(f'"{source}"', f'"{broken}"'))
        words[words.index("-o") + 1] = f"{folder}/broken.o"
        words[words.index("-c") + 1] = str(together)
        words = [word for word in words if word not in ("-Werror", "-g")] + ["-O1", "-w"]
        for flag in ("-MF", "-MT"):
            if flag in words:
                words[words.index(flag) + 1] = f"{folder}/depends"
        libraries = [str(build / f"src/lib{lib}.a") for lib in LIBRARIES]
        link = ["c++", "-o", f"{folder}/belay_sim", f"{folder}/broken.o",
                *map(str, sorted(build.glob("tests/CMakeFiles/belay_sim.dir/Unity/*.o"))),
                "-Wl,--start-group", *libraries, "-Wl,--end-group", "-lre2", "-lcrypto", "-larchive", "-lzstd", "-lpthread"]
        for command in (words, link):
            run = subprocess.run(command, cwd=build, capture_output=True, text=True, check=False)
            if run.returncode:
                return name, None, "it does not build:\n" + (run.stdout + run.stderr)[-1500:]
        try:
            run = subprocess.run([f"{folder}/belay_sim", *words_of(file)],
                                 capture_output=True, text=True, timeout=120, check=False)
        except subprocess.TimeoutExpired:
            return name, True, "it does not end"
        lines = (run.stdout + run.stderr).strip().splitlines() or ["(no output)"]
        # A program that only prints its usage has caught nothing.
        return name, run.returncode != 0 and lines[0].startswith(("BROKEN", "bug:")), lines[0][:100]


if "--check" in sys.argv:  # a second's work: does each sabotage still find its line?
    stale = [f"{name}: no longer applies to {file}" for name, file, old, new in MUTANTS
             if (root / "src" / file).read_text().count(old) != 1]
    sys.exit("\n".join(stale) or 0)

for words in map(words_of, ("engine/", "repo/")):
    control = subprocess.run([build / "tests/belay_sim", *words], capture_output=True, text=True, check=False)
    print(f"control  nothing is broken: {control.stdout.strip()[:100]}", flush=True)
    if control.returncode:
        raise SystemExit("it is broken without any help: mutants prove nothing")
failures = 0
with concurrent.futures.ThreadPoolExecutor(max(1, os.cpu_count() or 1)) as pool:
    for mutant_name, caught, said in pool.map(try_mutant, MUTANTS):
        failures += caught is not True
        word = {True: "caught  ", False: "SURVIVED", None: "BROKEN  "}[caught]
        print(f"{word} {mutant_name}: {said}", flush=True)
print(f"{len(MUTANTS) - failures} of {len(MUTANTS)} mutants were caught")
sys.exit(bool(failures))
