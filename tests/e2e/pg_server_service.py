#!/usr/bin/python3
"""A service that has its own PostgreSQL server, as one that is installed with it: what
test_postgres_physical.py upgrades.

Runs in its release folder, where release.json says {"version": ..., "mode": ...}; arguments: --port
PORT --data FOLDER --tools FOLDER --socket FOLDER --user UID. POST /write {"id": ...} is
acknowledged after the row was committed; GET /writes reads all back; GET /health tells the version.
Asked to end it shuts its server down first. Modes: good; damage (it deletes every second row, and
dies with its server); kill (asked to end it kills its
server).
"""
import argparse
import http.server
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

release = json.loads(pathlib.Path("release.json").read_text())
parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, required=True)
for name in ("data", "tools", "socket"):
    parser.add_argument("--" + name, required=True)
parser.add_argument("--user", type=int, required=True)
options = parser.parse_args()
other = {} if os.geteuid() == options.user else {"user": options.user, "group": options.user, "extra_groups": []}


def tool(name, *words, **more):
    return subprocess.run([f"{options.tools}/{name}", *words], text=True, capture_output=True, timeout=120,
                          check=False, **other, **more)


def sql(script):
    ran = tool("psql", "-h", options.socket, "-U", "postgres", "-d", "shop", "-X", "-q", "-A", "-t", "-v",
               "ON_ERROR_STOP=1", input=script)
    if ran.returncode:
        raise RuntimeError(ran.stderr)
    return ran.stdout.split()


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/health":
            return self.answer(200, {"version": release["version"]})
        try:
            return self.answer(200, sql("SELECT id FROM writes"))
        except RuntimeError as error:
            return self.answer(503, str(error))

    def do_POST(self):
        text = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["id"]
        try:
            sql(f"INSERT INTO writes(id) VALUES ('{text}')")
            self.answer(200, "kept")
        except RuntimeError as error:
            self.answer(503, str(error))

    def log_message(self, *_):
        pass


def end(*_):
    threading.Thread(target=web.shutdown).start()


web = http.server.ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
signal.signal(signal.SIGTERM, end)
with open(options.socket + "/log", "ab") as log:
    server = subprocess.Popen([f"{options.tools}/postgres", "-D", options.data, "-c", "fsync=off", "-c", "listen_addresses=",
                               "-c", f"unix_socket_directories={options.socket}"], cwd=options.socket, stdout=log,
                              stderr=log, **other)
while tool("pg_isready", "-q", "-h", options.socket).returncode:
    if server.poll() is not None:
        sys.exit("the server does not start")
    time.sleep(0.05)
if release["mode"] == "damage":
    sql("DELETE FROM writes WHERE nr % 2 = 0")
else:
    web.serve_forever()
server.send_signal(signal.SIGINT if release["mode"] == "good" else signal.SIGKILL)
server.wait()
