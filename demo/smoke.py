#!/usr/bin/python3
"""Smoke test: place an order and read every order back. Run by belay: smoke.py --url URL

Beside belay.yaml, `expected` lists the ids that the operation must not lose (those that were live
when it began) and `acknowledged` is the client's record, to which this order is added.
"""
import json
import pathlib
import sys
import time
import urllib.error
import urllib.request

from client import order, remember


def main():
    url = sys.argv[sys.argv.index("--url") + 1]
    stack = pathlib.Path.cwd()  # belay runs it in the folder of belay.yaml
    identity = f"smoke-{time.time_ns()}"
    remember(str(stack / "acknowledged"), order(url, identity, "smoke"), identity)

    try:
        with urllib.request.urlopen(url + "/orders", timeout=10) as reply:
            orders = json.load(reply)
    except urllib.error.HTTPError as error:
        sys.exit(f"the orders cannot be read back: GET /orders answers {error.code}")
    found = {one.get("id") for one in orders}
    expected = set((stack / "expected").read_text().split())
    lost = sorted(expected - found)
    if lost:
        sys.exit(f"{len(lost)} of {len(expected)} acknowledged orders are lost, the first is {lost[0]}")
    if identity not in found:
        sys.exit(f"the order {identity} was acknowledged and is not in the list")
    print(f"{len(orders)} orders read back, with all {len(expected)} from before")


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"smoke: {error}")
