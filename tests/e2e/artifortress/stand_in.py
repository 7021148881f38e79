#!/usr/bin/python3
"""A STAND-IN for the API and the worker of Artifortress, whose .NET cannot be had here.

It speaks as they do: health, whoami, repos, ops summary and reconcile with their fields, over their tables in a real PostgreSQL,
bytes in a folder instead of a bucket. Tokens are looked up in the database, each reading of the summary writes a line
of the audit log, the worker claims with SKIP LOCKED. One request, POST /v1/repos/main/publish, does what a client
needs five for; GET of the same with ?name= reads row and bytes back.

Which of the two it is, its file name says: Artifortress.Api or Artifortress.Worker. release.json beside it: {"breaks":
WORD, "database": another one}. WORD: not_ready, degraded, exits, floods (the API); dies, fails_jobs, redelivers (the worker).
"""
import ctypes
import hashlib
import http.server
import json
import os
import pathlib
import sys
import threading
import time
import urllib.parse

libpq = ctypes.CDLL("libpq.so.5")
for name in ("PQconnectdb", "PQexecParams"):
    getattr(libpq, name).restype = ctypes.c_void_p
for name in ("PQerrorMessage", "PQgetvalue"):
    getattr(libpq, name).restype = ctypes.c_char_p

release = json.loads((pathlib.Path(__file__).parent / "release.json").read_text())
BREAKS = release.get("breaks", "")
TENANT = "(SELECT tenant_id FROM tenants WHERE slug = 'main')"


class Database:
    """One session, opened again when it was ended; a connection string as Npgsql takes it."""

    def __init__(self):
        said = dict(part.split("=", 1) for part in os.environ["ConnectionStrings__Postgres"].split(";") if part)
        names = {"Host": "host", "Port": "port", "Database": "dbname", "Username": "user", "Password": "password"}
        said["Database"] = release.get("database", said["Database"])
        self.conninfo = " ".join(f"{names[key]}='{value}'" for key, value in said.items()).encode()
        self.lock, self.session = threading.Lock(), None

    def ask(self, statement, *values):
        """Rows of texts."""
        with self.lock:
            if not self.session or libpq.PQstatus(ctypes.c_void_p(self.session)) != 0:
                if self.session:
                    libpq.PQfinish(ctypes.c_void_p(self.session))
                self.session = libpq.PQconnectdb(self.conninfo)
            session = ctypes.c_void_p(self.session)
            given = (ctypes.c_char_p * max(1, len(values)))(*[str(value).encode() for value in values])
            result = ctypes.c_void_p(libpq.PQexecParams(session, statement.encode(), len(values), None, given, None, None, 0))
            try:
                if libpq.PQresultStatus(result) not in (1, 2):
                    raise OSError(libpq.PQerrorMessage(session).decode().strip())
                return [[libpq.PQgetvalue(result, row, column).decode() for column in range(libpq.PQnfields(result))]
                        for row in range(libpq.PQntuples(result))]
            finally:
                libpq.PQclear(result)


database = Database()
was_read = threading.Event()  # the summary: a release that degrades does so after its smoke tests
objects = pathlib.Path(os.environ["ObjectStorage__Endpoint"].removeprefix("folder://"), os.environ["ObjectStorage__Bucket"])


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def ready():
    try:
        database.ask("SELECT 1")
        healthy, detail = True, "ok"
    except OSError as error:
        healthy, detail = False, str(error)
    dependencies = [{"name": "postgres", "healthy": healthy, "detail": detail},
                    {"name": "object_storage", "healthy": objects.is_dir(), "detail": ""}]
    status = "not_ready" if BREAKS == "not_ready" else "degraded" if BREAKS == "degraded" and was_read.is_set() else "ready"
    if not all(each["healthy"] for each in dependencies):
        status = "not_ready"
    return (503 if status == "not_ready" else 200), {"status": status, "checkedAtUtc": now(), "dependencies": dependencies}


SUMMARY = f"""
SELECT count(*) FILTER (WHERE delivered_at IS NULL), count(*) FILTER (WHERE delivered_at IS NULL AND available_at <= now()),
  coalesce(max(extract(epoch FROM now() - occurred_at)) FILTER (WHERE delivered_at IS NULL), 0)::bigint,
  (SELECT count(*) FROM search_index_jobs WHERE status = 'failed' AND tenant_id = {TENANT}),
  (SELECT count(*) FROM search_index_jobs WHERE status IN ('pending', 'processing') AND tenant_id = {TENANT}),
  (SELECT count(*) FROM gc_runs WHERE completed_at IS NULL AND tenant_id = {TENANT}),
  (SELECT count(*) FROM audit_log WHERE action = 'policy.timeout' AND occurred_at > now() - interval '24 hours')
FROM outbox_events WHERE tenant_id = {TENANT}"""
FIELDS = ["pendingOutboxEvents", "availableOutboxEvents", "oldestPendingOutboxAgeSeconds", "failedSearchJobs",
          "pendingSearchJobs", "incompleteGcRuns", "recentPolicyTimeouts24h"]
RECONCILE = """
SELECT (SELECT count(*) FROM artifact_entries LEFT JOIN blobs ON digest = blob_digest WHERE digest IS NULL),
  (SELECT count(*) FROM manifests LEFT JOIN blobs ON digest = manifest_blob_digest
   WHERE digest IS NULL AND manifest_blob_digest IS NOT NULL),
  (SELECT count(*) FROM blobs WHERE NOT EXISTS (SELECT FROM artifact_entries WHERE blob_digest = digest))"""
AUDIT = "INSERT INTO audit_log (tenant_id, actor_subject, action, resource_type, resource_id) " \
        f"SELECT {TENANT}, 'ops', $1, 'ops', 'ops'"


def admin(path):
    if path == "/v1/admin/ops/summary":
        numbers = [int(each) for each in database.ask(SUMMARY)[0]]
        database.ask(AUDIT, "ops.summary.read")
        was_read.set()
        return 200, {"checkedAtUtc": now()} | dict(zip(FIELDS, numbers))
    if path == "/v1/admin/reconcile/blobs":
        numbers = [int(each) for each in database.ask(RECONCILE)[0]]
        return 200, dict(zip(["missingArtifactBlobRefs", "missingManifestBlobRefs", "orphanBlobCount"], numbers))
    if path == "/v1/auth/whoami":
        return 200, {"subject": "ops", "scopes": ["repo:*:admin"], "authSource": "pat"}
    if path == "/v1/repos":
        return 200, [{"repoKey": key} for key, in database.ask("SELECT repo_key FROM repos ORDER BY 1")]
    return 404, {}


PUBLISH = f"""
WITH blob AS (INSERT INTO blobs (digest, length_bytes, storage_key) VALUES ($2, $3, $4) RETURNING digest),
package AS (INSERT INTO packages (tenant_id, repo_id, package_type, name)
  SELECT tenant_id, repo_id, 'nuget', $1 FROM repos WHERE repo_key = 'main' RETURNING *),
published AS (INSERT INTO package_versions (tenant_id, repo_id, package_id, version, state, published_at)
  SELECT tenant_id, repo_id, package_id, '1.0.0', 'published', now() FROM package RETURNING *),
entry AS (INSERT INTO artifact_entries (version_id, relative_path, blob_digest, size_bytes)
  SELECT version_id, $1, digest, $3::bigint FROM published, blob)
INSERT INTO outbox_events (tenant_id, aggregate_type, aggregate_id, event_type, payload)
  SELECT tenant_id, 'package_version', version_id::text, 'version.published', '{{}}' FROM published"""


def publish(name):
    """Bytes first, then their rows in one statement: acknowledged when both are kept."""
    data = f"bytes of {name}\n".encode()
    digest = hashlib.sha256(data).hexdigest()
    key = f"staging/main/{digest}"
    (objects / key).parent.mkdir(parents=True, exist_ok=True)
    (objects / key).write_bytes(data)
    database.ask(PUBLISH, name, digest, len(data), key)
    return 200, {"name": name}


def read_back(name):
    rows = database.ask("SELECT storage_key FROM packages JOIN package_versions USING (package_id) JOIN artifact_entries "
                        "USING (version_id) JOIN blobs ON digest = blob_digest WHERE packages.name = $1", name)
    if not rows or not (objects / rows[0][0]).exists():
        return 404, {"name": name, "rows": len(rows)}
    return 200, {"name": name, "bytes": (objects / rows[0][0]).read_text()}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        self.answer(lambda: self.get(url.path, query))

    def get(self, path, query):
        if path == "/health/live":
            return 200, {"status": "ok"}
        if path == "/health/ready":
            return ready()
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if not database.ask("SELECT 1 FROM personal_access_tokens WHERE token_hash = $1 AND revoked_at IS NULL "
                            "AND expires_at > now()", hashlib.sha256(token.encode()).hexdigest()):
            return 401, {"error": "unauthorized"}
        return read_back(query["name"]) if path == "/v1/repos/main/publish" else admin(path)

    def do_POST(self):
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(lambda: publish(said["name"]))

    def answer(self, make):
        try:
            status, body = make()
        except OSError as error:
            status, body = 500, {"error": "internal_error", "detail": str(error)}
            print(f"fail: {error}", flush=True)
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def api():
    if BREAKS == "exits":
        sys.exit("Unhandled exception. System.IO.FileNotFoundException: Could not load file or assembly 'Npgsql'")
    if BREAKS == "floods":
        database.ask(f"INSERT INTO outbox_events (tenant_id, aggregate_type, aggregate_id, event_type, payload) "
                     f"SELECT {TENANT}, 'tenant', n::text, 'tenant.changed', '{{}}' FROM generate_series(1, 250) n")
    port = int(urllib.parse.urlparse(sys.argv[sys.argv.index("--urls") + 1]).port)
    http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


CLAIM = """
WITH picked AS (SELECT event_id, tenant_id, aggregate_id FROM outbox_events WHERE delivered_at IS NULL
  AND event_type = 'version.published' AND available_at <= now() ORDER BY occurred_at LIMIT 100 FOR UPDATE SKIP LOCKED),
jobs AS (INSERT INTO search_index_jobs (tenant_id, version_id, status)
  SELECT tenant_id, aggregate_id::uuid, 'pending' FROM picked
  ON CONFLICT (tenant_id, version_id) DO UPDATE SET status = 'pending')
UPDATE outbox_events SET delivered_at = now(), delivery_attempts = delivery_attempts + 1
  FROM picked WHERE outbox_events.event_id = picked.event_id"""
INDEX = """
WITH picked AS (SELECT job_id, tenant_id, version_id FROM search_index_jobs WHERE status = 'pending' LIMIT 100
  FOR UPDATE SKIP LOCKED),
document AS (INSERT INTO search_documents (tenant_id, version_id, search_text)
  SELECT tenant_id, version_id, name FROM picked JOIN package_versions USING (tenant_id, version_id)
  JOIN packages USING (tenant_id, package_id) ON CONFLICT DO NOTHING)
UPDATE search_index_jobs SET status = 'completed', attempts = attempts + 1 FROM picked
  WHERE search_index_jobs.job_id = picked.job_id RETURNING 1"""


def worker():
    if BREAKS == "fails_jobs":
        database.ask("UPDATE search_index_jobs SET status = 'failed', last_error = 'no such column', attempts = 5")
    if BREAKS == "redelivers":
        database.ask("UPDATE outbox_events SET delivered_at = NULL, event_type = 'version.published.v2' "
                     "WHERE event_id IN (SELECT event_id FROM outbox_events ORDER BY occurred_at LIMIT 10)")
    while True:
        try:
            database.ask(CLAIM)
            if database.ask(INDEX) and BREAKS == "dies":
                sys.exit("Unhandled exception. System.InvalidCastException: Unable to cast object")
        except OSError as error:
            print(f"fail: {error}", flush=True)
        time.sleep(float(os.environ.get("Worker__PollSeconds", "5")))


if __name__ == "__main__":
    worker() if pathlib.Path(__file__).name.endswith(".Worker") else api()
