#!/usr/bin/python3
"""A small real service with bad days: what the end-to-end tests upgrade.

Runs in its release folder, where release.json says {"version": ..., "mode": ..., "seconds": ...};
arguments: --data FOLDER --db FILE --conf FILE (its port is in the last). POST /write {"id": ...}
is acknowledged after the id is synced in FOLDER/writes.jsonl *and* committed in the database;
GET /writes reads both back; GET /health tells the version and the number of writes; /ops and
/metrics hold numbers ("queue", and "errors" for each look, in release.json) as JSON and as metrics.
"""
import argparse
import http.server
import itertools
import json
import os
import pathlib
import signal
import sqlite3
import sys
import threading
import time

release = json.loads(pathlib.Path("release.json").read_text())
MODE, SECONDS = release.get("mode", "good"), release.get("seconds", 0)

parser = argparse.ArgumentParser()
parser.add_argument("--data", type=pathlib.Path, required=True)
parser.add_argument("--db", type=pathlib.Path, required=True)
parser.add_argument("--conf", type=pathlib.Path, required=True)
options = parser.parse_args()
conf = json.loads(options.conf.read_text())
writes_path = options.data / "writes.jsonl"
one_at_a_time = threading.Lock()
begun, started = time.monotonic(), time.time()
served = {"200": 0, "503": 0}
answers = itertools.count(1)  # mode fails_some: every SECONDS-th fails


def open_database():
    database = sqlite3.connect(options.db, check_same_thread=False)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE IF NOT EXISTS writes (id TEXT NOT NULL)")
    database.commit()
    return database


def damage(database):
    """What a bad migration does: half of the file is gone, and the oldest rows, and a new column."""
    lines = writes_path.read_text().splitlines(keepends=True)
    writes_path.write_text("".join(lines[len(lines) // 2:]))
    (options.data / "layout.json").write_text(json.dumps({"layout": 2}))
    database.execute("DELETE FROM writes WHERE rowid % 2 = 0")
    database.execute("ALTER TABLE writes ADD COLUMN extra TEXT")
    database.commit()


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if MODE == "hang":
            time.sleep(3600)
        with one_at_a_time:
            if self.path == "/writes":
                lines = writes_path.read_text().splitlines() if writes_path.exists() else []
                rows = database.execute("SELECT id FROM writes").fetchall()
                self.answer(200, {"file": [json.loads(line)["id"] for line in lines],
                                  "database": [row[0] for row in rows]})
            elif self.path == "/health":
                self.health()
            elif self.path == "/ops":
                self.answer(200, {"status": "ok", "pendingOutboxEvents": release.get("queue", 3),
                                  "backup": {"last_success": time.strftime(
                                      "%Y-%m-%dT%H:%M:%S.25Z", time.gmtime(started - 3600))}})
            elif self.path == "/metrics":
                self.metrics()
            else:
                self.answer(404, {})

    def health(self):
        if MODE == "slow_answers":
            time.sleep(SECONDS)
        count = database.execute("SELECT count(*) FROM writes").fetchone()[0]
        well = {"status": "ok", "version": release["version"], "writes": count}
        if MODE == "lying":
            self.answer(200, well | {"status": "degraded"})
        elif MODE == "flapping" and int((time.monotonic() - begun) / SECONDS) % 2:
            self.answer(503, {"status": "down"})
        elif MODE == "sick_after" and time.monotonic() - begun > SECONDS:
            self.answer(503, {"status": "down"})
        elif MODE == "fails_some" and next(answers) % SECONDS == 0:
            self.answer(500, {"status": "error"})
        elif MODE == "redirect":
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self.answer(200, well)

    def metrics(self):
        served["200"] += 20
        served["503"] += release.get("errors", 0)
        count = database.execute("SELECT count(*) FROM writes").fetchone()[0]
        requests = "".join(f'shop_requests_total{{status="{status}"}} {number}\n'
                           for status, number in served.items() if number)
        body = (f"# TYPE shop_requests_total counter\n{requests}"
                "# TYPE shop_queue gauge\n"
                f'shop_queue{{queue="mail"}} {release.get("queue", 3)}\nshop_queue{{queue="sms"}} 0\n'
                f"# TYPE shop_writes gauge\nshop_writes {count}\n"
                f"process_start_time_seconds {started}\n").encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        if MODE == "hang":
            time.sleep(3600)
        identity = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["id"]
        with one_at_a_time:
            with open(writes_path, "a", encoding="utf-8") as file:
                file.write(json.dumps({"id": identity}) + "\n")
                file.flush()
                os.fsync(file.fileno())
            database.execute("INSERT INTO writes (id) VALUES (?)", (identity,))
            database.commit()
        self.answer(200, {"id": identity})

    def log_message(self, *_):
        pass


print(f"service {release['version']} ({MODE}) begins", flush=True)
if MODE == "daemonises":  # as daemon(7) tells: whoever started it sees it end
    if os.fork():
        sys.exit(0)
    os.setsid()
    if os.fork():
        sys.exit(0)
if MODE == "exits":
    sys.exit("service: cannot read its licence")
if MODE == "ignores_term":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if MODE == "never_ready":
    while True:
        signal.pause()
if MODE == "slow":
    time.sleep(SECONDS)
if MODE == "crashes_after":
    killer = threading.Timer(SECONDS, lambda: os._exit(17))
    killer.daemon = True
    killer.start()

database = open_database()
if MODE == "damages":
    damage(database)
server = http.server.ThreadingHTTPServer(("127.0.0.1", conf["port"]), Handler)
server.daemon_threads = True
print(f"service {release['version']} ({MODE}) listens", flush=True)
server.serve_forever()
