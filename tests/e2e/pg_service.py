#!/usr/bin/python3
"""A small service with a PostgreSQL database: what test_postgres.py upgrades.

Runs in its release folder, where release.json says {"version": ..., "mode": ...}; arguments: --port
PORT, and behind -- the psql command that reaches its database. POST /write {"id": ...} is
acknowledged after the row was committed; GET /writes reads all back; GET /health tells the version.
Modes: good; damage (at its start it deletes every second row and changes a table, then is ill).
"""
import argparse
import http.server
import json
import pathlib
import subprocess
import sys

release = json.loads(pathlib.Path("release.json").read_text())
parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, required=True)
parser.add_argument("psql", nargs="+")
options = parser.parse_args()


def sql(script):
    ran = subprocess.run([*options.psql, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"], input=script, text=True,
                         capture_output=True, timeout=60, check=False)
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
            ill = release["mode"] == "damage"
            return self.answer(503 if ill else 200, {"version": release["version"]})
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


if release["mode"] == "damage":
    sql("DELETE FROM writes WHERE nr % 2 = 0; ALTER TABLE writes ADD COLUMN IF NOT EXISTS extra text")
server = http.server.ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
sys.stdout.flush()
server.serve_forever()
