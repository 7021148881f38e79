"""Who may ask `belay serve` over TCP: tokens, roles, and what is refused; by the real program."""
import fcntl
import http.client
import json
import stat
import subprocess
import threading
import time

import pytest

from project import BELAY, BLOCKED, DONE, UNCHANGED, USAGE, told, wait_until
from test_serve import serving


class Door:
    """The API over TCP, with or without a token."""

    def __init__(self, address, secret=None):
        self.address, self.secret = address, secret

    def connect(self):
        return http.client.HTTPConnection(self.address, timeout=60)

    def ask(self, method, path, body=None, **headers):
        """(status, headers, JSON)"""
        connection = self.connect()
        try:
            if self.secret is not None:
                headers.setdefault("Authorization", "Bearer " + self.secret)
            if body is not None:
                headers["Content-Type"] = "application/json"
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            page = json.loads(answer.read())
            if answer.status >= 400:
                assert answer.headers["Content-Type"] == "application/problem+json"
                assert page["status"] == answer.status and page["detail"], page
            return answer.status, answer.headers, page
        finally:
            connection.close()

    def status(self, path, method="GET", body=None):
        return self.ask(method, path, body)[0]


def token(project, *arguments, access="access", status=DONE):
    done = project.belay("token", *arguments, "--access", str(project.folder / access))
    assert done.returncode == status, told(done)
    return done.stdout.strip() if status == DONE else done.stderr


def audit(project, *arguments, status=DONE):
    done = project.belay("audit", *arguments, "--access", str(project.folder / "access"))
    assert done.returncode == status, told(done)
    return done.stdout if status == DONE else done.stderr


@pytest.fixture
def shop(project):
    project.release("2.0")
    return project


@pytest.fixture
def served(shop):
    with serving(shop, "--access", str(shop.folder / "access")) as it:
        wait_until("it is ready", lambda: it.get("/health/ready")[0] == 200)
        yield it


def test_who_has_no_token_learns_nothing(served):
    door = Door(served.address)
    for path in ("/v1/stacks", "/v1/stacks/shop", "/v1/nothing", "/v1/openapi.json"):
        status, headers, _ = door.ask("GET", path)
        assert status == 401 and headers["WWW-Authenticate"] == 'Bearer realm="belay"', path
    assert served.get("/health/live")[0] == served.get("/metrics")[0] == 200
    for wrong in ("", "x", "Basic YTpi", "Bearer", "Bearer " + "x" * 5000, "Bearer belay_" + "0" * 64):
        status, headers, _ = door.ask("GET", "/v1/stacks", Authorization=wrong)
        assert status == 401 and 'error="invalid_token"' in headers["WWW-Authenticate"], wrong


def test_a_role_may_what_it_may_and_is_for_its_stacks(served, shop):
    folder = shop.folder / "access"
    viewer = Door(served.address, token(shop, "create", "eye", "--role", "viewer"))
    hand = Door(served.address, token(shop, "create", "hand", "--role", "operator", "--stack", "shop"))
    other = Door(served.address, token(shop, "create", "other", "--role", "admin", "--stack", "blog",
                                       "--stack", "wiki"))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "tokens.json").stat().st_mode) == 0o600
    kept = (folder / "tokens.json").read_text()
    for door in (viewer, hand, other):
        assert door.secret not in kept and door.secret[6:] not in kept
    plan = {"kind": "upgrade", "to": "2.0"}
    assert viewer.ask("GET", "/v1/stacks")[2]["items"][0]["stack"] == "shop"
    assert viewer.status("/v1/stacks/shop") == 200
    status, headers, _ = viewer.ask("POST", "/v1/stacks/shop/plans", plan)
    assert status == 403 and 'scope="operator"' in headers["WWW-Authenticate"]
    assert viewer.status("/v1/stacks/shop/operations", "POST", {"kind": "backup"}) == 403
    shop.expect()
    status, _, made = hand.ask("POST", "/v1/stacks/shop/plans", plan)
    assert status == 201, made
    status, headers, begun = hand.ask("POST", "/v1/stacks/shop/operations", {
        "kind": "apply", "plan": made["id"], "digest": made["digest"]})
    assert status == 202, begun
    wait_until("it has ended", lambda: viewer.ask("GET", headers["Location"])[2]["state"] == "ended", 120)
    assert shop.version() == "2.0"
    # Another stack's token sees none of this, and cannot tell what there is.
    assert other.ask("GET", "/v1/stacks")[2]["items"] == []
    assert other.ask("GET", "/v1/admin/ops/summary")[2]["items"] == []
    for path in ("/v1/stacks/shop", "/v1/stacks/none", "/v1/stacks/shop/operations"):
        assert other.status(path) == 403, path
    assert hand.status("/v1/stacks/none") == 403 and viewer.status("/v1/stacks/none") == 404


def test_what_is_revoked_or_expired_is_refused_at_once(served, shop):
    door = Door(served.address, token(shop, "create", "ci", "--role", "viewer"))
    brief = Door(served.address, token(shop, "create", "brief", "--role", "viewer", "--expires", "1ms"))
    assert door.status("/v1/stacks") == 200 and brief.status("/v1/stacks") == 401
    listed = token(shop, "list").splitlines()
    assert listed[0].startswith("brief: viewer of every stack; expired at ")
    assert listed[1].startswith("ci: viewer of every stack; expires at ")
    token(shop, "revoke", "ci")
    assert door.status("/v1/stacks") == 401
    assert "there is no token 'ci'" in token(shop, "revoke", "ci", status=UNCHANGED)
    assert len(token(shop, "list").splitlines()) == 1
    # The name is free again; the old secret is not.
    again = Door(served.address, token(shop, "create", "ci", "--role", "viewer", "--expires", "never"))
    assert again.status("/v1/stacks") == 200 and door.status("/v1/stacks") == 401
    assert "there is a token 'ci'" in token(shop, "create", "ci", "--role", "admin", status=BLOCKED)


def test_a_stream_ends_with_its_token(served, shop):
    gate = shop.folder / "smoke.py"
    gate.write_text(f'#!/bin/sh\ntouch "{shop.folder}/waits"\n'
                    f'while [ ! -e "{shop.folder}/go" ]; do sleep 0.05; done\n')
    door = Door(served.address, token(shop, "create", "ci", "--role", "operator"))
    made = door.ask("POST", "/v1/stacks/shop/plans", {"kind": "upgrade", "to": "2.0"})[2]
    begun = door.ask("POST", "/v1/stacks/shop/operations",
                     {"kind": "apply", "plan": made["id"], "digest": made["digest"]})[2]
    wait_until("it is in the middle", (shop.folder / "waits").exists, seconds=60)
    connection = door.connect()
    connection.request("GET", f"/v1/stacks/shop/operations/{begun['id']}/events",
                       headers={"Authorization": "Bearer " + door.secret})
    answer = connection.getresponse()
    assert answer.status == 200
    token(shop, "revoke", "ci")
    assert b"event: end\n" not in answer.read()  # it ends, though the operation goes on
    connection.close()
    (shop.folder / "go").touch()
    again = Door(served.address, token(shop, "create", "ci", "--role", "viewer"))
    path = f"/v1/stacks/shop/operations/{begun['id']}"
    wait_until("it has ended", lambda: again.ask("GET", path)[2]["outcome"] == "committed", seconds=120)


def test_who_fails_too_often_is_held_back_and_nobody_else(served, shop):
    good = Door(served.address, token(shop, "create", "ci", "--role", "viewer"))
    bad = Door(served.address, "belay_" + "0" * 64)
    seen = [bad.status("/v1/stacks") for _ in range(10)]
    assert seen == [401] * 10
    status, headers, _ = bad.ask("GET", "/v1/stacks")
    assert status == 429 and 1 <= int(headers["Retry-After"]) <= 6
    assert good.status("/v1/stacks") == 200
    assert served.get("/health/live")[0] == 200
    assert sum("refused a request from 127.0.0.1" in line for line in served.lines) == 10
    assert "belay_000" not in "\n".join(served.lines)


def test_tokens_made_at_once_all_stay(shop):
    def make(number):
        token(shop, "create", f"t{number}", "--role", "viewer")

    threads = [threading.Thread(target=make, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(token(shop, "list").splitlines()) == 6
    assert audit(shop, "--verify").startswith("12 records follow")  # nor did they write over one another
    lines = shop.belay("--json", "token", "list", "--access", str(shop.folder / "access")).stdout
    assert {json.loads(line)["name"] for line in lines.splitlines()} == {f"t{n}" for n in range(6)}
    assert "belay_" not in lines


def test_a_file_of_tokens_that_is_harmed_lets_nobody_in(served, shop):
    door = Door(served.address, token(shop, "create", "ci", "--role", "viewer"))
    path = shop.folder / "access/tokens.json"
    whole = path.read_text()
    for harmed, words in ((whole[:-20], "not whole"), (whole.replace('"format": 1', '"format": 9'), "newer")):
        path.write_text(harmed)
        status, _, page = door.ask("GET", "/v1/stacks")
        assert status == 503 and words in page["detail"], page
        assert words in token(shop, "create", "x", "--role", "viewer",
                              status=4 if "whole" in words else UNCHANGED)
        assert path.read_text() == harmed
    path.write_text(whole)
    assert door.status("/v1/stacks") == 200


@pytest.mark.parametrize("arguments, words", [
    (["create", "a b", "--role", "viewer"], "'a b' is no name of a token"),
    (["create", "a"], "--role"), (["create", "a", "--role", "owner"], "owner"),
    (["create", "a", "--role", "viewer", "--stack", "No"], "'No' is no name of a stack"),
    (["create", "a", "--role", "viewer", "--expires", "soon"], "soon"),
    (["create", "a", "--role", "viewer", "--expires", "0"], "longer than nothing"),
    ([], "subcommand"),
])
def test_what_is_typed_wrong_is_told(shop, arguments, words):
    done = shop.belay("token", *arguments, *(["--access", "access"] if arguments else []))
    assert done.returncode == USAGE and words in done.stderr, told(done)
    assert not (shop.folder / "access").exists()


def test_killed_while_a_token_is_made_there_is_the_old_or_the_new(shop, tmp_path):
    token(shop, "create", "first", "--role", "viewer")
    path = shop.folder / "access/tokens.json"
    before = path.read_text()
    log = tmp_path / "effects"
    token_arguments = ["token", "create", "second", "--role", "viewer", "--access", str(path.parent)]
    shop.belay(*token_arguments, env={"BELAY_EFFECTS_LOG": str(log)})
    count = len(log.read_text().splitlines())
    assert count >= 2
    for number in range(1, count + 1):
        for when in ("before", "after"):
            path.write_text(before)
            mark = tmp_path / f"{number}-{when}"
            running = shop.begin(*token_arguments, env={"BELAY_PAUSE_AT": f"{number}:{when}",
                                                        "BELAY_PAUSE_FILE": str(mark)})
            wait_until("it pauses", mark.exists)
            running.kill()
            running.communicate(timeout=20)
            names = [each["name"] for each in json.loads(path.read_text())["tokens"]]
            assert names in (["first"], ["first", "second"])
            assert "follow" in audit(shop, "--verify")  # a death breaks no chain
            token(shop, "revoke", "first")  # the lock died with it


def test_who_did_what_is_written_down_before_it_begins(served, shop):
    hand = Door(served.address, token(shop, "create", "hand", "--role", "operator"))
    made = hand.ask("POST", "/v1/stacks/shop/plans", {"kind": "upgrade", "to": "2.0"})[2]
    shop.expect()
    assert hand.ask("POST", "/v1/stacks/shop/operations",
                    {"kind": "apply", "plan": made["id"], "digest": "0" * 64})[0] == 409
    assert hand.status("/v1/stacks/shop") == 200
    assert hand.status("/v1/stacks/shop/operations", "POST", {"kind": "nonsense"}) == 400
    token(shop, "revoke", "hand")
    assert hand.status("/v1/stacks/shop/operations", "POST", {"kind": "backup"}) == 401
    lines = [json.loads(line) for line in audit(shop, "--json").splitlines()]
    assert [(each["event"], each["what"]) for each in lines] == [
        (event, what) for what in ("token create", "createPlan", "createOperation", "token revoke")
        for event in ("begin", "end")]
    begun, ended = lines[4:6]
    assert begun["who"] == "token hand" and begun["over"] == "http from 127.0.0.1"
    assert begun["arguments"] == ["stack=shop", "digest=" + "0" * 64, "kind=apply", "plan=" + made["id"]]
    assert ended["of"] == begun["number"] and ended["status"] == 409
    path = shop.folder / "access/audit"
    text = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert hand.secret not in text and hand.secret[6:] not in text
    assert audit(shop, "--since", "1h").count("\n") == 8
    assert audit(shop, "--since", "2099-01-01T00:00:00.000Z") == ""
    assert "is no time" in audit(shop, "--since", "soon", status=USAGE)
    elsewhere = shop.belay("audit", "--access", str(shop.folder / "none"))
    assert elsewhere.returncode == DONE and "nothing is written down in" in elsewhere.stderr
    assert not (shop.folder / "none").exists()


def test_what_was_changed_in_the_log_is_found(served, shop):
    for name in ("a", "b"):
        token(shop, "create", name, "--role", "viewer")
    said = audit(shop, "--verify")
    head = said.splitlines()[1].removeprefix("head ")
    assert said.startswith("4 records follow") and audit(shop, "--verify", "--head", head) == said
    path = shop.folder / "access/audit"
    whole = path.read_text()
    lines = whole.splitlines(keepends=True)
    path.write_text(whole.replace("name=a", "name=c"))
    assert "broken at record 1" in audit(shop, "--verify", status=4)
    assert "broken at record 1" in audit(shop, status=4)
    path.write_text("".join(lines[:2] + lines[3:]))
    assert "broken at record 3" in audit(shop, "--verify", status=4)
    path.write_text("".join(lines[:3]))
    assert audit(shop, "--verify").startswith("3 records follow")  # a chain cannot tell
    assert "ends at record 3" in audit(shop, "--verify", "--head", head, status=4)
    path.write_text(whole + whole[:70])
    assert "was not written whole" in audit(shop, "--verify", "--head", head)
    token(shop, "revoke", "a")
    assert audit(shop, "--verify").startswith("6 records follow")
    assert "is no head" in audit(shop, "--verify", "--head", "4", status=USAGE)


def test_what_cannot_be_written_down_is_not_begun(served, shop):
    hand = Door(served.address, token(shop, "create", "hand", "--role", "operator"))
    lost = token(shop, "create", "root", "--role", "admin")
    token(shop, "create", "other", "--role", "viewer")
    path = shop.folder / "access/audit"
    path.unlink()
    path.mkdir()
    status, _, page = hand.ask("POST", "/v1/stacks/shop/operations", {"kind": "backup"})
    assert status == 503 and "the audit log cannot be written" in page["detail"], page
    assert hand.ask("GET", "/v1/stacks/shop/operations")[2]["items"] == []
    root = Door(served.address, lost)
    assert root.status("/v1/admin/tokens", "POST", {"name": "x", "role": "viewer"}) == 503
    assert root.status("/v1/admin/tokens/other", "DELETE") == 200  # a lost token is dead all the same
    assert "is revoked" in token(shop, "revoke", "hand")
    assert hand.status("/v1/stacks") == 401


def test_who_holds_the_log_hurts_nobody_else(served, shop):
    hand = Door(served.address, token(shop, "create", "hand", "--role", "operator"))
    with open(shop.folder / "access/audit.lock", "a", encoding="utf-8") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        began = time.monotonic()
        status, _, page = hand.ask("POST", "/v1/stacks/shop/operations", {"kind": "backup"})
        assert status == 503 and "writing the audit log" in page["detail"], page
        assert time.monotonic() - began < 9  # a second, on a machine that has time
        assert hand.status("/v1/stacks") == 200 and served.get("/health/live")[0] == 200
    assert hand.status("/v1/stacks/shop/operations", "POST",
                       {"kind": "verify", "point": "p-none"}) == 202


ADMIN = ("/v1/admin/tokens", "/v1/admin/tokens/root", "/v1/admin/audit", "/v1/admin/audit/verification")


def test_an_admin_lets_others_in_and_nobody_else_does(served, shop):
    root = Door(served.address, token(shop, "create", "root", "--role", "admin"))
    hand = Door(served.address, token(shop, "create", "hand", "--role", "operator"))
    some = Door(served.address, token(shop, "create", "some", "--role", "admin", "--stack", "shop"))
    wish = {"name": "ci", "role": "viewer", "stacks": ["shop"], "expires": "1h"}
    for path in ADMIN:
        status, headers, _ = hand.ask("GET", path)
        assert status == 403 and 'scope="admin"' in headers["WWW-Authenticate"], path
        assert some.status(path) == 403 and root.status(path) == 200, path
    for door in (hand, some):  # who is for some stacks must not make himself one for all
        assert door.status("/v1/admin/tokens", "POST", wish) == 403
        assert door.status("/v1/admin/tokens/root", "DELETE") == 403
    status, headers, made = root.ask("POST", "/v1/admin/tokens", wish)
    assert status == 201 and made["by"] == "token root" and made["stacks"] == ["shop"], made
    ci = Door(served.address, made.pop("secret"))
    assert ci.status("/v1/stacks/shop") == 200 and ci.status("/v1/stacks/blog") == 403
    assert root.ask("GET", headers["Location"])[2] == made
    assert root.status("/v1/admin/tokens", "POST", wish) == 409
    for wrong in ({"name": "a b"}, {"role": "owner"}, {"role": ""}, {"stacks": "shop"}, {"stacks": [7]},
                  {"stacks": ["No"]}, {"stacks": ["s"] * 101}, {"expires": "soon"}, {"expires": "0"},
                  {"secret": "mine"}):
        assert root.status("/v1/admin/tokens", "POST", wish | {"name": "new"} | wrong) == 400, wrong
    names = [each["name"] for each in root.ask("GET", "/v1/admin/tokens")[2]["items"]]
    assert names == ["ci", "hand", "root", "some"]
    assert root.status("/v1/admin/tokens/ci", "DELETE") == 200
    assert ci.status("/v1/stacks/shop") == 401
    assert root.status("/v1/admin/tokens/ci", "DELETE") == root.status("/v1/admin/tokens/ci") == 404
    text = (shop.folder / "access/audit").read_text() + (shop.folder / "access/tokens.json").read_text()
    assert ci.secret not in text and ci.secret[6:] not in text


def test_an_admin_reads_the_log_page_by_page_and_checks_it(served, shop):
    root = Door(served.address, token(shop, "create", "root", "--role", "admin"))
    for number in range(5):
        root.ask("POST", "/v1/admin/tokens", {"name": f"t{number}", "role": "viewer"})
    seen, cursor = [], ""
    while cursor is not None:
        page = root.ask("GET", "/v1/admin/audit?limit=5" + cursor)[2]
        seen += page["items"]
        cursor = page["next_cursor"] and "&cursor=" + page["next_cursor"]
    assert [each["number"] for each in seen] == list(range(12, 0, -1))
    assert seen[0] | {"at": ""} == {"number": 12, "event": "end", "at": "", "who": "token root", "of": 11,
                                    "over": "http from 127.0.0.1", "what": "createToken", "status": 201}
    assert seen[1]["arguments"] == ["name=t4", "role=viewer"]
    assert [json.loads(line) for line in audit(shop, "--json").splitlines()] == seen[::-1]
    for wrong in ("1", "x", "-1", "99999999999999999999"):
        assert root.status("/v1/admin/audit?cursor=" + wrong) == 400
    whole = root.ask("GET", "/v1/admin/audit/verification")[2]
    assert whole["is_whole"] and whole["records"] == 12
    assert f"head {whole['head']}\n" in audit(shop, "--verify")
    assert root.ask("GET", "/v1/admin/audit/verification?head=" + whole["head"])[2] == whole
    assert root.status("/v1/admin/audit/verification?head=x") == 400
    path = shop.folder / "access/audit"
    path.write_text(path.read_text().replace("name=t3", "name=t9"))
    broken = root.ask("GET", "/v1/admin/audit/verification")[2]
    assert not broken["is_whole"] and "broken at record 9" in broken["problem"]
