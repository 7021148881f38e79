#!/usr/bin/env python3
"""Every benchmark, then one table of what was wanted and what was measured."""
import argparse, os, sys

import store_bench
from measure import KIB, MIB, print_targets


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True, help="the folder of the release build")
    parser.add_argument("--quick", action="store_true", help="20,000 small files, 400 MB in large ones")
    parser.add_argument("--only", choices=["small", "large", "engine"])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", help="on the disk to measure; default: the temporary folder")
    parser.add_argument("--no-tar", action="store_true", help="leave out tar -czf, the slowest by far")
    parser.add_argument("--strict", action="store_true", help="exit status 1 when a target is missed")
    arguments = parser.parse_args()
    arguments.program = f"{arguments.build}/tests/store_bench"
    os.environ["BELAY_BIN"] = os.path.abspath(f"{arguments.build}/apps/belay/belay")
    import engine_bench  # reads BELAY_BIN

    targets = []
    if arguments.only in (None, "small"):
        targets += store_bench.Bench(20_000 if arguments.quick else 100_000, 4 * KIB, arguments).run()
    if arguments.only in (None, "large"):
        targets += store_bench.Bench(10 if arguments.quick else 100, 40 * MIB, arguments).run()
    if arguments.only in (None, "engine"):
        targets += engine_bench.run(arguments.runs, arguments.folder)
    print_targets(targets)
    return int(arguments.strict and not all(each.is_met() for each in targets))


if __name__ == "__main__":
    sys.exit(main())
