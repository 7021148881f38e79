#!/usr/bin/python3
"""Orders until it is stopped: client.py --url URL --log FILE [--rate N] [--seconds N]

Each order that the service acknowledged becomes one line of FILE: `seconds number id`. An order
that was refused, or whose reply was lost, is not in it: nobody was promised anything.
"""
import argparse
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request


def order(url, identity, item, timeout=3):
    """Place one order; returns its number. OSError or ValueError when it was not acknowledged."""
    body = json.dumps({"id": identity, "item": item}).encode()
    request = urllib.request.Request(
        url + "/order", data=body, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=timeout) as reply:
        answer = json.load(reply)
    if answer.get("id") != identity:
        raise ValueError("not the answer to this order")
    return int(answer["n"])


def remember(log, number, identity):
    """One write of one line with O_APPEND: whole, also beside other writers."""
    line = f"{time.time():.3f} {number} {identity}\n"
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--rate", type=float, default=20)
    parser.add_argument("--seconds", type=float, default=600)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

    begun = time.monotonic()
    count = 0
    while (passed := time.monotonic() - begun) < options.seconds:
        due = count / options.rate
        if due > passed:
            time.sleep(due - passed)
        count += 1
        identity = f"client-{os.getpid()}-{count}"
        try:
            remember(options.log, order(options.url, identity, f"item {count % 7}"), identity)
        except (OSError, ValueError, urllib.error.URLError):
            continue  # down for the moment: the next order is a new one


if __name__ == "__main__":
    main()
