"""The HTTP API of `belay serve`: by hand over its socket, by linters, and by a client of npm."""
import http.client
import json
import pathlib
import socket
import subprocess

import pytest

from node_packages import ROOT, node
from project import BELAY, DONE, told, wait_until
from test_serve import serving
from test_stack_repository import REPOSITORY, secret


class Connection(http.client.HTTPConnection):
    def __init__(self, path, seconds=120):
        super().__init__("belay", timeout=seconds)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Api:
    def __init__(self, path):
        self.path = path

    def ask(self, method, path, body=None, **headers):
        """(status, headers, JSON)"""
        connection = Connection(self.path)
        try:
            data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
            kind = {"Content-Type": "application/json"} if data is not None else {}
            connection.request(method, path, data, kind | headers)
            answer = connection.getresponse()
            page = json.loads(answer.read())
            if answer.status >= 400:
                assert answer.headers["Content-Type"] == "application/problem+json"
                assert page["status"] == answer.status and page["title"] and page["detail"], page
            return answer.status, answer.headers, page
        finally:
            connection.close()

    def get(self, path, **headers):
        status, _, page = self.ask("GET", "/v1" + path, **headers)
        assert status == 200, page
        return page

    def events(self, path, last=None):
        """[(id, event, data)] until the stream ends."""
        connection = Connection(self.path)
        try:
            connection.request("GET", "/v1" + path, headers={"Last-Event-ID": last} if last else {})
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            assert answer.headers["Content-Type"] == "text/event-stream"
            found = []
            for block in answer.read().decode().split("\n\n"):
                if block and not block.startswith(":"):
                    lines = dict(line.split(": ", 1) for line in block.splitlines())
                    found.append((lines["id"], lines["event"], json.loads(lines["data"])))
            return found
        finally:
            connection.close()

    def carry_out(self, **plan):
        status, headers, made = self.ask("POST", "/v1/stacks/shop/plans", plan)
        assert status == 201, made
        assert self.ask("GET", headers["Location"])[2]["state"] == "planned"
        return self.ask("POST", "/v1/stacks/shop/operations",
                        {"kind": "apply", "plan": made["id"], "digest": made["digest"]})


@pytest.fixture
def shop(project):
    project.release("2.0")
    secret(project.folder / "password", "first")
    project.write_yaml(extra=REPOSITORY.replace("./", f"{project.folder}/"))
    assert project.belay("repo", "init").returncode == DONE
    return project


@pytest.fixture
def api(shop):
    with serving(shop) as served:
        wait_until("it is ready", lambda: served.get("/health/ready")[0] == 200)
        yield Api(served.socket)


def ended(api, identity):
    path = f"/stacks/shop/operations/{identity}"
    wait_until("it has ended", lambda: api.get(path)["state"] == "ended", seconds=120)
    return api.get(path)


def test_a_plan_is_carried_out_followed_and_taken_back(api, shop):
    shop.expect()
    status, headers, begun = api.carry_out(kind="upgrade", to="2.0")
    assert status == 202 and begun["kind"] == "upgrade", begun
    place = headers["Location"].removeprefix("/v1")
    events = api.events(place + "/events")
    assert events[-1][1] == "end" and events[-1][2]["outcome"] == "committed", events[-1]
    steps = [data["step"] for _, name, data in events if name == "step_begun"]
    assert steps[0] == "check" and "switch" in steps
    assert shop.version() == "2.0"
    middle = len(events) // 2  # who lost the connection there goes on behind it
    assert api.events(place + "/events", last=events[middle][0]) == events[middle + 1:]
    plan = api.get(f"/stacks/shop/plans/{begun['id']}")
    assert plan["state"] == "ended" and plan["plan"]["to"] == "2.0"
    # Again: the same operation.
    status, _, again = api.ask("POST", "/v1/stacks/shop/operations",
                               {"kind": "apply", "plan": plan["id"], "digest": plan["digest"]})
    assert status == 202 and again["outcome"] == "committed"
    status, _, begun = api.carry_out(kind="rollback")
    assert status == 202, begun
    assert ended(api, begun["id"])["state"] == "ended" and shop.version() == "1.0"
    reports = api.get("/stacks/shop/reports")["items"]
    assert [each["operation"] for each in reports][1:] == [plan["id"], begun["id"]]
    assert api.get(f"/stacks/shop/reports/{plan['id']}")["outcome"] == "committed"
    assert api.get("/stacks/shop")["label"] == "1.0"
    assert not shop.lost()


@pytest.mark.parametrize("kind,outcome,version", [("commit", "committed", "2.0"), ("abort", "rolled_back", "1.0")])
def test_what_is_in_progress_is_ended(api, shop, kind, outcome, version):
    operations = "/v1/stacks/shop/operations"
    status, _, none = api.ask("POST", operations, {"kind": kind})
    assert status == 202 and ended(api, none["id"])["outcome"] == "nothing_in_progress"
    shop.write_yaml(watch="2h", watch_every="1h")
    status, _, upgrade = api.carry_out(kind="upgrade", to="2.0")
    assert status == 202, upgrade
    path = f"/stacks/shop/operations/{upgrade['id']}"
    wait_until("it watches", lambda: api.get(path)["step"] == "watch", seconds=120)
    status, _, asked = api.ask("POST", operations, {"kind": kind})
    told_so = ended(api, asked["id"])
    assert told_so["outcome"] == "done" and told_so["result"]["event"] == "asked", told_so
    assert ended(api, upgrade["id"])["outcome"] == outcome and shop.version() == version


def test_backups_keys_pages_and_the_summary(api, shop):
    key = {"Idempotency-Key": "nightly-1"}
    status, _, first = api.ask("POST", "/v1/stacks/shop/operations", {"kind": "backup"}, **key)
    assert status == 202
    assert api.ask("POST", "/v1/stacks/shop/operations", {"kind": "backup"}, **key)[2]["id"] == first["id"]
    assert api.ask("POST", "/v1/stacks/shop/operations", {"kind": "verify", "point": "p-1"},
                   **key)[0] == 409
    point = ended(api, first["id"])["result"]["point"]
    status, _, second = api.ask("POST", "/v1/stacks/shop/operations", {"kind": "verify"})
    assert status == 202 and ended(api, second["id"])["outcome"] == "done"
    listed = api.get("/stacks/shop/operations")["items"]
    assert [each["id"] for each in listed] == [second["id"], first["id"]]
    page = api.get("/stacks/shop/operations?limit=1")
    assert [each["id"] for each in page["items"]] == [second["id"]]
    rest = api.get(f"/stacks/shop/operations?limit=1&cursor={page['next_cursor']}")
    assert [each["id"] for each in rest["items"]] == [first["id"]] and rest["next_cursor"] is None
    assert point in [each["id"] for each in api.get("/stacks/shop/points")["items"]]
    told_at = "/admin/ops/summary"
    summary = api.get(told_at)["items"][0]
    assert summary["last_backup"]["point"] == point and summary["operation"] is None
    assert summary["restore_points"] == len([each for each in api.get("/stacks/shop/points")["items"]
                                             if not each["abandoned"] and "local" in each["places"]])
    assert summary["next_backup"] is None and summary["checks"]["operation"] == "ok"
    assert api.get("/stacks")["items"][0]["stack"] == "shop"
    assert api.get("/stacks/shop/schedule")["routines"] is not None


def operation(api, **body):
    status, _, begun = api.ask("POST", "/v1/stacks/shop/operations", body)
    assert status == 202, begun
    return ended(api, begun["id"])


def test_restore_points_are_tried_and_copied(api, shop, make_project):
    for wrong in ({"kind": "restore"}, {"kind": "restore", "point": "latest"}, {"kind": "drill", "point": "../x"},
                  {"kind": "backup", "point": "p-1"}, {"kind": "forget", "point": "p-1"},
                  {"kind": "drill", "store": "data"}, {"kind": "restore", "point": "p-1", "store": "--x"},
                  {"kind": "restore", "point": "p-1", "store": "../data"},
                  {"kind": "restore", "point": "p-1", "into": "/srv"}):
        assert api.ask("POST", "/v1/stacks/shop/operations", wrong)[0] == 400, wrong
    live = (shop.folder / "data/layout.json").read_bytes()
    point = operation(api, kind="backup")["result"]["point"]
    drilled = operation(api, kind="drill", point=point)
    assert drilled["outcome"] == "done" and drilled["result"]["whole"], drilled
    assert operation(api, kind="drill")["result"]["point"] == point
    (shop.folder / "data/layout.json").write_bytes(live + b" ")
    copy = operation(api, kind="restore", point=point)
    target = pathlib.Path(copy["result"]["target"])
    assert copy["outcome"] == "done" and target == shop.folder / ".belay/restored" / point, copy
    assert [path.read_bytes() for path in target.rglob("layout.json")] == [live]
    assert (shop.folder / "data/layout.json").read_bytes() == live + b" "
    again = operation(api, kind="restore", point=point)  # what is there is never written over
    assert again["outcome"] == "blocked" and "is not empty" in again["detail"], again
    store = operation(api, kind="restore", point=point, store="data")
    assert store["result"]["target"] == f"{target}-data"
    assert (target.parent / f"{point}-data/layout.json").read_bytes() == live
    assert "there is no store" in operation(api, kind="restore", point=point, store="none")["detail"]
    # What others have in the same repository is theirs.
    other = make_project("other", extra=REPOSITORY.replace("./", f"{shop.folder}/"))
    yaml = other.folder / "belay.yaml"
    yaml.write_text(yaml.read_text().replace("stack: shop", "stack: other"))
    done = other.belay("--json", "backup")
    assert done.returncode == DONE, told(done)
    theirs = json.loads(done.stdout.splitlines()[-1])["point"]
    for kind in ("restore", "drill"):
        refused = operation(api, kind=kind, point=theirs)
        assert refused["outcome"] == "failed" and "is of stack 'other'" in refused["detail"], refused
    assert sorted(path.name for path in target.parent.iterdir()) == [point, f"{point}-data"]


def test_restore_points_are_let_go_as_by_hand(api, shop):
    points = [operation(api, kind="backup")["result"]["point"] for _ in range(3)]
    refused = operation(api, kind="forget")
    assert refused["outcome"] == "failed" and "which restore points stay" in refused["detail"], refused
    shop.write_yaml(extra=shop.yaml["extra"] + 'backup: { schedule: "0 0 29 2 *", keep: { last: 2 } }\n')
    would = shop.belay("--json", "forget", "--stack", "--dry-run")
    assert would.returncode == DONE, told(would)
    by_hand = json.loads(would.stdout.splitlines()[-1])
    done = operation(api, kind="forget")
    assert done["outcome"] == "done" and done["result"]["kept"] == by_hand["kept"], done
    assert done["result"]["gone"] == by_hand["gone"] == points[:1], done
    assert operation(api, kind="verify", point=points[1])["outcome"] == "done"
    assert operation(api, kind="verify", point=points[0])["outcome"] == "failed"


def test_what_is_wrong_is_told_as_problem_details(api, shop):
    long = "x" * 2000
    operations, plans = "/v1/stacks/shop/operations", "/v1/stacks/shop/plans"
    for method, path, body, status in [
            ("GET", "/v1/nothing", None, 404), ("GET", "/v1/stacks/shoe", None, 404),
            ("DELETE", "/v1/stacks", None, 405), ("POST", "/v1/stacks", {}, 405),
            ("GET", "/v1/stacks?limit=0", None, 400), ("GET", "/v1/stacks?limit=-1", None, 400),
            ("GET", "/v1/stacks?limit=201", None, 400), ("GET", "/v1/stacks?x=1", None, 400),
            ("GET", "/v1/stacks?cursor=gone", None, 400),
            ("GET", "/v1/stacks/shop/operations/..%2f..%2fx", None, 404),
            ("GET", "/v1/stacks/shop/operations/o-1", None, 404),
            ("GET", "/v1/stacks/shop/operations/o-1/events", None, 404),
            ("GET", "/v1/stacks/shop/plans/--help", None, 404),
            ("GET", "/v1/stacks/shop/reports/--help", None, 404),
            ("POST", operations, None, 400), ("POST", operations, b"{", 400),
            ("POST", operations, b"[" * 60_000, 400), ("POST", operations, b"x" * 70_000, 413),
            ("POST", operations, {"kind": "burn"}, 400), ("POST", operations, {"kind": 7}, 400),
            ("POST", operations, {"kind": "backup", "x": "y"}, 400),
            ("POST", operations, {"kind": "apply"}, 400),
            ("POST", operations, {"kind": "apply", "plan": "../x", "digest": "0"}, 404),
            ("POST", operations, {"kind": "verify", "point": "--help"}, 404),
            ("POST", plans, {"kind": "upgrade"}, 400), ("POST", plans, {"kind": "rollback", "level": "x"}, 400),
            ("POST", plans, {"kind": "upgrade", "to": long}, 400)]:
        got = api.ask(method, path, body)
        assert got[0] == status, (method, path, body, got[2])
    assert api.ask("POST", operations, b"kind=backup", **{"Content-Type": "text/plain"})[0] == 415
    assert api.ask("GET", "/v1/stacks", **{"Idempotency-Key": long})[0] == 400
    status, _, made = api.ask("POST", plans, {"kind": "upgrade", "to": "2.0"})
    assert status == 201
    assert api.ask("GET", f"{operations}/{made['id']}/events")[0] == 409
    (shop.folder / "shop.conf").write_text((shop.folder / "shop.conf").read_text() + " ")
    status, _, refused = api.ask("POST", operations, {"kind": "apply", "plan": made["id"],
                                                      "digest": made["digest"]})
    assert status == 409 and "no longer true" in refused["detail"], refused
    assert shop.version() == "1.0"
    assert api.get("/stacks/shop")["label"] == "1.0"


def test_many_streams_are_bounded(shop):
    gate = shop.folder / "smoke.py"
    gate.write_text(f'#!/bin/sh\ntouch "{shop.folder}/waits"\n'
                    f'while [ ! -e "{shop.folder}/go" ]; do sleep 0.05; done\n')
    with serving(shop) as served:
        wait_until("it is ready", lambda: served.get("/health/ready")[0] == 200)
        api = Api(served.socket)
        begun = api.carry_out(kind="upgrade", to="2.0")[2]
        wait_until("it is in the middle", (shop.folder / "waits").exists, seconds=60)
        streams, refused = [], 0
        for _ in range(80):
            stream = Connection(served.socket)
            streams.append(stream)
            stream.request("GET", f"/v1/stacks/shop/operations/{begun['id']}/events")
            answer = stream.getresponse()
            refused += answer.status == 503
            if answer.status == 200:
                assert answer.readline().startswith(b"id: ")
        assert refused == 80 - 64
        assert served.get("/health/live")[0] == 200
        for stream in streams[:70]:
            stream.close()
        # It ends while streams wait, and at once; the operation goes on.
        assert served.end() == DONE
        for stream in streams:
            stream.close()
    (shop.folder / "go").touch()
    with serving(shop) as served:
        wait_until("it is ready", lambda: served.get("/health/ready")[0] == 200)
        assert ended(Api(served.socket), begun["id"])["outcome"] == "committed"
    assert shop.version() == "2.0"


def test_the_reference_page_is_current():
    printed = subprocess.run([BELAY, "manual", "--format", "api"], capture_output=True, text=True,
                             check=True).stdout
    assert (ROOT / "docs/reference/api.md").read_text() == printed, \
        "write it with: belay manual --format api > docs/reference/api.md"


def test_a_public_linter_has_nothing_to_say(tmp_path):
    """The linter of Redocly, with its recommended rules."""
    document = tmp_path / "openapi.json"
    document.write_bytes(subprocess.run([BELAY, "manual", "--format", "openapi"],
                                        capture_output=True, check=True).stdout)
    linted = node("redocly", ROOT / "tests/e2e/openapi_lint.cjs", document)
    assert linted.returncode == 0 and json.loads(linted.stdout) == [], told(linted)
    text = json.loads(document.read_text())
    del text["paths"]["/v1/stacks/{stack}"]["get"]["parameters"]
    document.write_text(json.dumps(text))
    linted = node("redocly", ROOT / "tests/e2e/openapi_lint.cjs", document)
    assert any("stack" in each for each in json.loads(linted.stdout)), told(linted)


def test_a_client_made_from_the_document(api, shop):
    """openapi-client-axios has one function for each operationId of GET /v1/openapi.json."""
    shop.expect()
    done = node("openapi", ROOT / "tests/e2e/openapi_client.mjs", api.path)
    assert done.returncode == 0, told(done)
    assert json.loads(done.stdout.splitlines()[-1]) == {"label": "2.0", "outcome": "committed"}
