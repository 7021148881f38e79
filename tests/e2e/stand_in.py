#!/usr/bin/python3
"""A stand-in, not the real thing: answers with the JSON and the metrics of SOWKNOW.

Runs in its release folder, where release.json says {"set": {name: value},
"goes_bad": bool}: these values replace the good ones, at once or after a GET of /go-bad. After that
each path is answered once more with the good ones: smoke tests end well, the watch begins badly.
Its port is the last number among its arguments. Of metrics, "errors" is the share of requests that are answered with 500.
"""
import http.server
import json
import pathlib
import re
import sys
import threading
import time

release = json.loads(pathlib.Path("release.json").read_text())
port = int(re.findall(r"\d+", " ".join(sys.argv))[-1])
begun = time.monotonic()
is_bad = threading.Event()
last_good = set()

GOOD = {
    "status": "ok", "database": "ok", "redis": "ok", "db_connected": True,
    "celery": "healthy", "storage": True, "errors": 0.01, "queue": 7, "disk": 61.5,
}


def values(path):
    changed = release["set"] if is_bad.is_set() or not release["goes_bad"] else {}
    if release["goes_bad"] and is_bad.is_set() and path not in last_good:
        last_good.add(path)
        changed = {}
    return GOOD | changed


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


served = {"200": 0.0, "500": 0.0}


def sowknow(path):
    it = values(path)
    if path == "/health":
        return 307, "/api/v1/health"
    if path == "/api/v1/health":
        return (503 if it["status"] == "error" else 200), {
            "status": it["status"], "database": it["database"], "redis": it["redis"],
            "vault": "ok", "nats": "ok", "checked_at": now()}
    if path == "/api/v1/health/deep":
        return (200 if it["db_connected"] else 503), {
            "db_connected": it["db_connected"], "last_write": now(), "active_connections": 4,
            "celery_ping": True, "jwt_valid": True}
    if path == "/api/v1/health/celery":
        return (200 if it["celery"] == "healthy" else 503), {
            "status": it["celery"], "workers": 5, "active_tasks": 1, "reserved_tasks": 0}
    if path == "/metrics":
        served["500"] += 100 * it["errors"]
        served["200"] += 100 * (1 - it["errors"])
        requests = "".join(
            f'sowknow_http_requests_total{{method="GET",endpoint="/api",status="{s}"}} {n}\n'
            for s, n in served.items())
        return 200, (
            "# HELP sowknow_http_requests_total Total HTTP requests\n"
            "# TYPE sowknow_http_requests_total counter\n" + requests +
            "# TYPE sowknow_celery_queue_depth gauge\n"
            f'sowknow_celery_queue_depth{{queue_name="celery"}} {it["queue"]}\n'
            'sowknow_celery_queue_depth{queue_name="embed"} 0\n'
            "# TYPE sowknow_disk_usage_percent gauge\n"
            f"sowknow_disk_usage_percent {it['disk']}\n"
            "# TYPE sowknow_uptime_seconds gauge\n"
            f"sowknow_uptime_seconds {time.monotonic() - begun}\n")
    return 404, {}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/go-bad":
            is_bad.set()
            return self.reply(200, {})
        status, body = sowknow(self.path)
        self.reply(status, body)

    def reply(self, status, body):
        self.send_response(status)
        if status == 307:
            self.send_header("Location", body)
            body = ""
        text = body if isinstance(body, str) else json.dumps(body)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True


Server(("127.0.0.1", port), Handler).serve_forever()
