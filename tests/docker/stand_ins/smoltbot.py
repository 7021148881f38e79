#!/usr/bin/python3
"""A STAND-IN for the smoltbot self-hosted gateway, whose packages cannot be had here.

It answers /health, /health/live, /health/startup, /health/ready and /metrics as the real one was seen to, with
its license token, its scheduler role without a port, and its way to end. It proxies nothing: a request to
/v1/messages is counted in Redis and answered. PostgreSQL and Redis beside it are real.

STAND_IN_BREAKS of an image makes a release bad: exits, errors.
"""
import base64
import http.server
import json
import os
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request

BREAKS = os.environ.get("STAND_IN_BREAKS", "")
ROLE = os.environ["SMOLTBOT_ROLE"]
requests = {}


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def redis(*words):
    host, port = os.environ["REDIS_URL"].removeprefix("redis://").split(":")
    text = f"*{len(words)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
    with socket.create_connection((host, int(port)), timeout=3) as connection:
        connection.sendall(text.encode())
        return connection.makefile().readline().strip()


def timed(check):
    begun = time.monotonic()
    try:
        check()
        good = True
    except OSError:
        good = False
    return {"ok": good, "latencyMs": round((time.monotonic() - begun) * 1000)}


def supabase():
    request = urllib.request.Request(os.environ["SUPABASE_URL"] + "/rest/v1/", method="HEAD")
    try:
        urllib.request.urlopen(request, timeout=3).close()
    except urllib.error.HTTPError as error:
        if error.code >= 500:
            raise


def license_check():
    token = os.environ.get("MNEMOM_LICENSE_JWT", "")
    if not token:
        return {"ok": True}
    parts = token.split(".")
    if len(parts) != 3:
        return {"ok": False}
    claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    if claims.get("exp", 0) < time.time():
        return {"ok": False, "warning": "license_expired"}
    return {"ok": "license_id" in claims}


class Gateway(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, status, body, provider="unknown"):
        key = (provider, status)
        requests[key] = requests.get(key, 0) + 1
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def do_HEAD(self):
        self.answer(404, {"error": "not found"})

    def do_GET(self):
        if self.path in ("/health/live", "/health/startup"):
            return self.answer(200, {"status": "ok", "timestamp": now()})
        if self.path == "/health":
            return self.answer(200, {"status": "ok", "version": os.environ.get("GATEWAY_VERSION", "1.0.0-selfhosted"),
                                     "timestamp": now(), "aip_enabled": True})
        if self.path == "/health/ready":
            checks = {"redis": timed(lambda: redis("PING")), "supabase": timed(supabase), "license": license_check()}
            good = all(each["ok"] for each in checks.values())
            return self.answer(200 if good else 503,
                               {"status": "ok" if good else "degraded", "checks": checks, "timestamp": now()})
        if self.path == "/metrics":
            lines = [f'gateway_requests_total{{provider="{provider}",status="{status}"}} {count}'
                     for (provider, status), count in dict(requests).items()]
            return self.answer(200, "# TYPE gateway_requests_total counter\n" + "\n".join(lines) + "\n")
        return self.answer(404, {"error": "not found"})

    def do_POST(self):
        if not license_check()["ok"]:
            return self.answer(403, {"type": "license_error"}, "anthropic")
        if BREAKS == "errors":
            return self.answer(502, {"error": "upstream"}, "anthropic")
        return self.answer(200, {"id": redis("INCR", "messages").lstrip(":")}, "anthropic")


def main():
    if BREAKS == "exits":
        sys.exit("Error [ERR_MODULE_NOT_FOUND]: Cannot find module '/gateway/src/index.js'")
    if ROLE == "scheduler":
        if not os.environ.get("SUPABASE_JWT_SECRET"):
            sys.exit("SUPABASE_JWT_SECRET is required")
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        signal.sigwait({signal.SIGTERM})
        return
    server = http.server.ThreadingHTTPServer(("0.0.0.0", 8787), Gateway)
    server.daemon_threads = True
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()


if __name__ == "__main__":
    main()
