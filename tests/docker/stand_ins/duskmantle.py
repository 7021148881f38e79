#!/usr/bin/python3
"""A STAND-IN for the Duskmantle knowledge gateway, its Neo4j and its Qdrant, which cannot be had here.

It answers the paths, statuses, JSON and metrics of the real gateway (its three-service compose stack), keeps an
SQLite ledger of ingests and JSON reports where the real one has them, and has its two commands. What it is not: it
searches nothing, and its parts talk HTTP to each other where the real ones talk Bolt and Qdrant's API.

    stand_in.py gateway | neo4j | qdrant       by the image's ROLE, what the image runs
    stand_in.py gateway-graph migrate [--dry-run]
    stand_in.py gateway-ingest rebuild [--profile NAME]
    stand_in.py cypher-shell ...                for Neo4j's health check

STAND_IN_BREAKS of an image makes a release bad: not-ready, migrate, ingest, scheduled-ingest, loses.
"""
import base64
import fcntl
import hashlib
import http.server
import json
import os
import pathlib
import signal
import sqlite3
import sys
import threading
import time
import urllib.error
import urllib.request

BREAKS = os.environ.get("STAND_IN_BREAKS", "")
MIGRATIONS = os.environ.get("STAND_IN_MIGRATIONS", "001_constraints").split()
VECTOR = int(os.environ.get("STAND_IN_VECTOR", "1024"))
STATE = pathlib.Path(os.environ.get("KM_STATE_PATH", "/opt/knowledge/var"))
REPO = pathlib.Path(os.environ.get("KM_CONTENT_ROOT", "/workspace/repo"))
COLLECTION = "km_knowledge_v1"
GRAPH = "http://neo4j:7687"
VECTORS = "http://qdrant:6333"


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def keep(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".new")
    with open(beside, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


def call(url, method="GET", body=None):
    headers = {"Authorization": "Basic " + base64.b64encode(
        f"neo4j:{os.environ.get('KM_NEO4J_PASSWORD', '')}".encode()).decode()}
    request = urllib.request.Request(url, method=method, headers=headers,
                                     data=None if body is None else json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=5) as reply:
        return json.load(reply)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def log_message(self, *_):
        pass

    def answer(self, status, body, kind="application/json"):
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def body(self):
        return json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"null")


def serve(port, handler):
    server = http.server.ThreadingHTTPServer(("0.0.0.0", port), handler)
    server.daemon_threads = True
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()


# --- Neo4j: a store of two files that must agree, as its store and its transaction log must.

def graph_files():
    return pathlib.Path("/data/graph.json"), pathlib.Path("/data/transactions/neostore.log")


def neo4j():
    store, log = graph_files()
    lock = threading.Lock()
    graph = json.loads(store.read_text()) if store.exists() else {"nodes": [], "migrations": [], "writes": 0}
    logged = len(log.read_text().split()) if log.exists() else 0
    if graph["writes"] != logged:
        sys.exit(f"neo4j: the store is inconsistent: {graph['writes']} writes in it, {logged} in the log")

    class Neo4j(Handler):
        def is_known(self):
            sent = self.headers.get("Authorization", "").removeprefix("Basic ")
            return base64.b64decode(sent).decode() == os.environ["NEO4J_AUTH"].replace("/", ":", 1)

        def do_GET(self):
            self.answer(200, graph) if self.is_known() else self.answer(401, {"error": "unauthorized"})

        def do_POST(self):
            if not self.is_known():
                return self.answer(401, {"error": "unauthorized"})
            body = self.body()
            with lock:
                graph["writes"] += 1
                for key, values in body.get("add", {}).items():
                    graph[key] = sorted(set(graph.get(key, [])) | set(values))
                for key, values in body.get("set", {}).items():
                    graph[key] = values
                log.parent.mkdir(parents=True, exist_ok=True)
                with open(log, "a", encoding="utf-8") as file:
                    file.write("tx\n")
                    file.flush()
                    os.fsync(file.fileno())
                keep(store, json.dumps(graph))
            return self.answer(200, {"ok": True})

    serve(7687, Neo4j)


def cypher_shell():
    user, password = (sys.argv[sys.argv.index(flag) + 1] for flag in ("-u", "-p"))
    sent = base64.b64encode(f"{user}:{password}".encode()).decode()
    request = urllib.request.Request("http://127.0.0.1:7687", headers={"Authorization": "Basic " + sent})
    urllib.request.urlopen(request, timeout=4).read()


# --- Qdrant

def qdrant():
    root = pathlib.Path("/qdrant/storage/collections")

    class Qdrant(Handler):
        def do_GET(self):
            if self.path == "/healthz":
                return self.answer(200, "healthz check passed", "text/plain")
            place = root / self.path.split("/")[-1]
            if not (place / "config.json").exists():
                return self.answer(404, {"status": {"error": "Not found: Collection"}})
            size = json.loads((place / "config.json").read_text())["size"]
            points = json.loads((place / "points.json").read_text())
            return self.answer(200, {"status": "ok", "result": {
                "points_count": len(points), "config": {"params": {"vectors": {"size": size}}}}})

        def do_PUT(self):
            body, place = self.body(), root / self.path.split("/")[2]
            if self.path.endswith("/points"):
                points = json.loads((place / "points.json").read_text())
                keep(place / "points.json", json.dumps(points | body))
            else:
                keep(place / "config.json", json.dumps({"size": body["vectors"]["size"]}))
                keep(place / "points.json", "{}")
            self.answer(200, {"status": "ok", "result": True})

    serve(6333, Qdrant)


# --- the gateway's commands

def audit():
    (STATE / "audit").mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(STATE / "audit/audit.db", timeout=10)
    database.execute("CREATE TABLE IF NOT EXISTS ingestion_runs (run_id TEXT PRIMARY KEY, profile TEXT, started_at REAL, "
                     "duration_seconds REAL, artifact_count INTEGER, chunk_count INTEGER, repo_head TEXT, "
                     "success INTEGER)")
    return database


def ledger(profile, begun, artifacts, chunks, success):
    database = audit()
    with database:
        database.execute("INSERT INTO ingestion_runs VALUES (?,?,?,?,?,?,?,?)",
                         (os.urandom(8).hex(), profile, begun, time.time() - begun, artifacts, chunks, "0" * 40,
                          int(success)))
    database.close()


def migrate():
    done = call(GRAPH)["migrations"]
    pending = [each for each in MIGRATIONS if each not in done]
    for each in pending:
        print(each)
    if not pending:
        print("No pending migrations.")
    if "--dry-run" in sys.argv:
        return
    for each in pending:
        # One by one and in no transaction, the ledger last: as the real runner does it.
        call(GRAPH, "POST", {"add": {"nodes": [f"constraint of {each}"]}})
        if BREAKS == "migrate":
            sys.exit(f"Neo.ClientError.Schema.ConstraintCreationFailed: {each}: nodes are in the way")
        call(GRAPH, "POST", {"add": {"migrations": [each]}})


def files_of_repo():
    return {str(path.relative_to(REPO)): path.read_text() for path in sorted(REPO.rglob("*.md"))}


def collection():
    """The vectors' place. Of another size it is made anew, and what was in it is gone: so the real one does."""
    try:
        known = call(f"{VECTORS}/collections/{COLLECTION}")["result"]["config"]["params"]["vectors"]["size"]
    except urllib.error.HTTPError:
        known = None
    if known != VECTOR:
        if known:
            print(f"WARNING vector size is {known}, wanted {VECTOR}: existing embeddings will be deleted")
        call(f"{VECTORS}/collections/{COLLECTION}", "PUT", {"vectors": {"size": VECTOR}})


def ingest(profile, fails):
    (STATE / "scheduler").mkdir(parents=True, exist_ok=True)
    with open(STATE / "scheduler/ingest.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ingest_alone(profile, fails)


def ingest_alone(profile, fails):
    begun, files = time.time(), files_of_repo()
    if fails:
        ledger(profile, begun, 0, 0, False)
        raise RuntimeError("ingest failed: embedder answered nothing")
    if BREAKS == "loses":
        files = dict(list(files.items())[:1])
    collection()
    chunks = {hashlib.sha256(f"{name}:{n}".encode()).hexdigest(): line for name, text in files.items()
              for n, line in enumerate(text.splitlines())}
    call(f"{VECTORS}/collections/{COLLECTION}/points", "PUT", chunks)
    call(GRAPH, "POST", {"set": {"nodes": sorted(files)}})
    summary = {"artifact_total": len(files), "chunk_count": len(chunks)}
    keep(STATE / "reports/coverage_report.json",
         json.dumps({"generated_at": time.time(), "summary": summary, "missing_artifacts": [], "removed_artifacts": []}))
    ledger(profile, begun, len(files), len(chunks), True)
    print(f"ingested {len(files)} artifacts, {len(chunks)} chunks")


# --- the gateway

class Gateway(Handler):
    last_status = {}  # of ingests in this process, by profile

    def dependencies(self):
        found = {}
        for name, url in (("graph", GRAPH), ("qdrant", f"{VECTORS}/healthz")):
            found[name] = {"status": "ok", "revision": None, "error": None}
            try:
                with urllib.request.urlopen(urllib.request.Request(url, headers={
                        "Authorization": "Basic " + base64.b64encode(
                            f"neo4j:{os.environ['KM_NEO4J_PASSWORD']}".encode()).decode()}), timeout=2) as reply:
                    reply.read()
            except OSError as error:
                found[name] |= {"status": "degraded", "error": str(error)}
        if BREAKS == "not-ready":
            found["graph"] |= {"status": "degraded", "error": "Database 'neo4j' does not exist"}
        return found

    def healthz(self):
        checks = self.dependencies()
        report = STATE / "reports/coverage_report.json"
        if report.exists():
            made = json.loads(report.read_text())
            age = time.time() - made["generated_at"]
            checks["coverage"] = {"status": "stale" if age > 86400 else "ok", "age_seconds": age,
                                  "generated_at": made["generated_at"], "missing_artifacts": 0,
                                  "artifact_total": made["summary"]["artifact_total"], "path": str(report)}
        else:
            checks["coverage"] = {"status": "missing", "path": str(report)}
        ledger_file = STATE / "audit/audit.db"
        checks["audit"] = {"status": "ok", "size_bytes": ledger_file.stat().st_size} \
            if ledger_file.exists() else {"status": "missing"}
        checks["scheduler"] = {"enabled": interval() > 0, "interval_minutes": interval(),
                               "status": "running" if interval() else "disabled"}
        checks["backup"] = {"status": "disabled"}
        bad = {"missing", "stale", "error", "stopped", "invalid", "degraded"}
        status = "degraded" if any(each["status"] in bad for each in checks.values()) else "ok"
        self.answer(200, {"status": status, "checks": checks, "timestamp": now()})

    def scope(self):
        sent = self.headers.get("Authorization", "").removeprefix("Bearer ")
        scopes = {os.environ["KM_ADMIN_TOKEN"]: "maintainer", os.environ["KM_READER_TOKEN"]: "reader"}
        return scopes.get(sent)

    def api(self):
        if not (scope := self.scope()):
            return self.answer(401, {"detail": "Missing or invalid token"})
        if scope != "maintainer" and not self.path.endswith("/search"):
            return self.answer(403, {"detail": "Insufficient scope"})
        path = self.path.partition("?")[0].removeprefix("/api/v1")
        if path == "/coverage":
            report = STATE / "reports/coverage_report.json"
            return self.answer(200, report.read_text()) if report.exists() else \
                self.answer(404, {"detail": "Coverage report not found"})
        if path == "/audit/history":
            database = audit()
            database.row_factory = sqlite3.Row
            rows = [dict(row) | {"success": bool(row["success"])} for row in database.execute(
                "SELECT * FROM ingestion_runs ORDER BY started_at DESC LIMIT 10")]
            database.close()
            return self.answer(200, rows)
        return self.answer(404, {"detail": "Not Found"})

    def do_POST(self):
        if self.path != "/api/v1/search" or not self.scope():
            return self.answer(404 if self.scope() else 401, {"detail": "Not Found"})
        words = self.body()["query"]
        points = json.loads(pathlib.Path(STATE / "reports/coverage_report.json").read_text())["summary"]
        found = [name for name, text in files_of_repo().items() if words in text]
        return self.answer(200, {"query": words, "results": [{"chunk": {"artifact_path": name}} for name in found]
                                 if points["chunk_count"] else []})

    def do_GET(self):
        if self.path == "/healthz":
            return self.healthz()
        if self.path == "/readyz":
            found = self.dependencies()
            if all(each["status"] == "ok" for each in found.values()):
                return self.answer(200, {"status": "ready"})
            return self.answer(503, {"status": "degraded", "dependencies": found})
        if self.path == "/metrics":
            lines = ["# TYPE km_graph_migration_last_status gauge", "km_graph_migration_last_status -1.0"]
            if self.last_status:
                lines.append("# TYPE km_ingest_last_run_status gauge")
            lines += [f'km_ingest_last_run_status{{profile="{profile}"}} {status}.0'
                      for profile, status in self.last_status.items()]
            return self.answer(200, "\n".join(lines) + "\n", "text/plain; version=0.0.4")
        return self.api() if self.path.startswith("/api/v1/") else self.answer(404, {"detail": "Not Found"})


def interval():
    return float(os.environ.get("KM_SCHEDULER_INTERVAL_MINUTES", "0"))


def scheduled():
    while True:
        time.sleep(interval() * 60)
        try:
            ingest("scheduled", BREAKS == "scheduled-ingest")
            Gateway.last_status["scheduled"] = 1
        except (RuntimeError, OSError) as error:
            print(error, flush=True)
            Gateway.last_status["scheduled"] = 0


def gateway():
    print(json.dumps({"event": "startup_config", "version": "1.1.0"}), flush=True)
    audit().close()
    if interval():
        threading.Thread(target=scheduled, daemon=True).start()
    serve(8000, Gateway)


def main():
    command = sys.argv[1] if len(sys.argv) > 1 else os.environ["ROLE"]
    if command == "gateway-graph":
        migrate()
    elif command == "gateway-ingest":
        profile = sys.argv[sys.argv.index("--profile") + 1] if "--profile" in sys.argv else "production"
        ingest(profile, BREAKS == "ingest")
    else:
        {"gateway": gateway, "neo4j": neo4j, "qdrant": qdrant, "cypher-shell": cypher_shell}[command]()


if __name__ == "__main__":
    main()
