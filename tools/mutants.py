#!/usr/bin/env python3
"""Break the engine on purpose, one line at a time; the simulator must notice every time.

Each mutant is built in a tree of its own and plays `belay_sim --quick` (a fault at every effect).
A mutant that survives is a checker that does not look, and fails the run."""
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

root = pathlib.Path(__file__).resolve().parent.parent
MUTANTS = [  # name, file below src, from, to
    ("a failed smoke test is passed over", "engine/table.cpp",
     "S::watch,             S::hold,          1},", "S::watch,             S::watch,         1},"),
    ("a failed gate is passed over", "engine/table.cpp",
     "S::smoke,             S::hold,          1},", "S::smoke,             S::smoke,         1},"),
    ("a trigger that fired is passed over", "engine/table.cpp",
     "S::commit,            S::hold,          1},", "S::commit,            S::commit,        1},"),
    ("a copy that failed is passed over", "engine/table.cpp",
     "S::switch_release,    S::hold,          1},", "S::switch_release,    S::switch_release, 1},"),
    ("the way back forgets the data", "engine/table.cpp",
     "S::restore_data,      S::stay,          3},", "S::restore_config,    S::stay,          3},"),
    ("the way back forgets the config", "engine/table.cpp",
     "S::restore_config,    S::stay,          3},", "S::restore_release,   S::stay,          3},"),
    ("the way back forgets the release", "engine/table.cpp",
     "S::restore_release,   S::stay,          3},", "S::start_again,       S::stay,          3},"),
    ("the services are not stopped", "engine/table.cpp",
     "S::secure,            S::hold,          1},\n    Row{S::secure,            \"secure\",            S::switch_release",
     "S::switch_release,    S::hold,          1},\n    Row{S::secure,            \"secure\",            S::switch_release"),
    ("the way back does not stop the services", "engine/steps_back.cpp",
     "  TRY(stop_all(context, out));\n  const Target target", "  const Target target"),
    ("a moved layout leaves the data", "engine/level.cpp",
     "return evidence.movement == Movement::layout || evidence.movement == Movement::unreadable;",
     "return evidence.movement == Movement::unreadable;"),
    ("only one store goes back", "engine/level.cpp",
     "    if (answer.level == Level::full ||", "    if (answer.stores.empty() && (answer.level == Level::full ||"),
    ("the generation is never made current", "engine/steps_forward.cpp",
     "  TRY(context.folder.set_current_generation(generation.number));", ""),
    ("a rollback does not settle", "engine/steps_back.cpp",
     "  TRY(context.folder.set_current_generation(number));", ""),
    ("an escalation is forgotten", "engine/level.cpp",
     "if (question.at_least > answer.level) {", "if (false) {"),
    ("a restarted machine is not noticed", "engine/machine.cpp",
     "const bool may_be_rebooted = boot != context_.last_boot;", "const bool may_be_rebooted = false;"),
    ("the mark 'in progress' goes before the last record", "engine/machine.cpp",
     "    if (!context_.has_ended) {\n      if (is_abort_",
     "    TRY(context_.folder.end_operation(context_.plan.operation));\n    if (!context_.has_ended) {\n      if (is_abort_"),
    ("the mark 'in progress' is written first", "state/folder.cpp",
     "  TRY(world_.files.replace(folder + \"/plan.json\", to_json(plan)));",
     "  TRY(world_.files.replace(path_ + \"/in-progress\", plan.operation + \"\\n\"));\n"
     "  TRY(world_.files.replace(folder + \"/plan.json\", to_json(plan)));"),
    ("a torn record stays in the journal", "journal/journal.cpp",
     "  if (repair && at < text.size())", "  if (false)"),
    ("a swap does not look whether it happened", "drivers/directory/swap.cpp",
     "    if (live == sidecar.incoming)\n      return take_out();", ""),
    ("the swap's record is written after it", "drivers/directory/swap.cpp",
     "    TRY(files_.replace(sidecar_, text_of(sidecar)));\n    return sidecar;", "    return sidecar;"),
    ("the old WAL stays beside the new database", "drivers/sqlite/store.cpp",
     "    for (const char* companion : companions)\n      TRY(move_aside(place.live + companion, folder));\n"
     "    TRY(world_.files.rename(place.live, out));",
     "    TRY(world_.files.rename(place.live, out));"),
    ("TERM is believed", "drivers/process/runtime.cpp",
     "  return kill_all(service);\n}", "  return ok();\n}"),
]


def try_mutant(mutant):
    name, file, old, new = mutant
    with tempfile.TemporaryDirectory() as folder:
        tree = pathlib.Path(folder)
        for part in ("src", "tests", "cmake", "tools"):
            shutil.copytree(root / part, tree / part)
        shutil.copy(root / "CMakeLists.txt", tree)
        path = tree / "src" / file
        text = path.read_text()
        if text.count(old) != 1:
            return name, None, f"it no longer applies to {file}: update it"
        text = text.replace(old, new)
        if name == "only one store goes back":  # closes the parenthesis that it opened
            text = text.replace("evidence.movement != Movement::none))",
                                "evidence.movement != Movement::none)))")
        path.write_text(text)
        # ccache and a common prefix: what the mutant did not touch is not built again.
        env = os.environ | {"CCACHE_BASEDIR": folder, "CCACHE_NOHASHDIR": "1"}
        run = subprocess.run(
            ["cmake", "-S", folder, "-B", f"{folder}/b", "-G", "Ninja", "-DBUILD_TESTING=ON",
             "-DCMAKE_BUILD_TYPE=Release"], env=env, capture_output=True, text=True, check=False)
        run = run if run.returncode else subprocess.run(
            ["cmake", "--build", f"{folder}/b", "-j1", "--target", "belay_sim"], env=env,
            capture_output=True, text=True, check=False)
        if run.returncode:
            return name, None, "it does not build:\n" + (run.stdout + run.stderr)[-1500:]
        try:
            run = subprocess.run([f"{folder}/b/tests/belay_sim", "--quick", "--stop"],
                                 capture_output=True, text=True, timeout=600, check=False)
        except subprocess.TimeoutExpired:
            return name, True, "it does not end"
        lines = (run.stdout + run.stderr).strip().splitlines() or ["(no output)"]
        return name, run.returncode != 0, lines[0][:100]


failures = 0
with concurrent.futures.ThreadPoolExecutor(max(1, os.cpu_count() or 1)) as pool:
    for mutant_name, caught, said in pool.map(try_mutant, MUTANTS):
        failures += caught is not True
        word = {True: "caught  ", False: "SURVIVED", None: "BROKEN  "}[caught]
        print(f"{word} {mutant_name}: {said}", flush=True)
print(f"{len(MUTANTS) - failures} of {len(MUTANTS)} mutants were caught")
sys.exit(bool(failures))
