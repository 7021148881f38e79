"""Agents at `/mcp` of `belay serve`: by hand, and by the official client of npm."""
import concurrent.futures
import contextlib
import http.client
import itertools
import json
import time

import pytest

from node_packages import ROOT, node
from project import told, wait_until
from test_access import Door, audit, token
from test_mcp import CHANGING, LOOKING, WRONG
from test_serve import serving

PLANNING = {"plan_upgrade", "plan_rollback"}
HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "0"}}
BOTH = "application/json, text/event-stream"


class Remote:
    """A client of /mcp that can also speak wrongly."""

    def __init__(self, address, secret, initialize=True):
        self.address, self.secret, self.ids = address, secret, itertools.count(1)
        self.session = None
        if initialize:
            answer = self.post({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": HELLO})
            assert answer.status == 200, answer.read()
            self.session = answer.headers["Mcp-Session-Id"]
            self.hello = json.loads(answer.read())["result"]
            done = self.post({"jsonrpc": "2.0", "method": "notifications/initialized"})
            assert (done.status, done.read()) == (202, b"")

    def request(self, method, body=None, **headers):
        connection = http.client.HTTPConnection(self.address, timeout=60)
        known = {"Authorization": "Bearer " + self.secret, "Accept": BOTH}
        if body is not None:
            known["Content-Type"] = "application/json"
        if self.session:
            known |= {"Mcp-Session-Id": self.session, "MCP-Protocol-Version": "2025-11-25"}
        known |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, "/mcp", body,
                           {name: value for name, value in known.items() if value is not None})
        return connection.getresponse()

    def post(self, message, **headers):
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        return self.request("POST", body, **headers)

    def send(self, method, **params):
        """A request whose answer is not read yet: its id, and the answer."""
        identity = next(self.ids)
        return identity, self.post({"jsonrpc": "2.0", "id": identity, "method": method, "params": params})

    def ask(self, method, **params):
        identity, answer = self.send(method, **params)
        assert answer.status == 200, answer.read()
        message = message_in(answer)
        assert message["id"] == identity
        return message

    def call(self, name, **arguments):
        result = self.ask("tools/call", name=name, arguments=arguments)["result"]
        assert not result["isError"], result
        return result["structuredContent"]

    def fails(self, name, **arguments):
        result = self.ask("tools/call", name=name, arguments=arguments)["result"]
        assert result["isError"], result
        return result["content"][0]["text"]

    def tools(self):
        return {tool["name"] for tool in self.ask("tools/list")["result"]["tools"]}


def message_in(answer):
    """The one message of an answer, as JSON or as a stream."""
    text = answer.read().decode()
    if answer.headers["Content-Type"] == "text/event-stream":
        data = [line for line in text.splitlines() if line.startswith("data: ")]
        assert len(data) == 1, text
        text = data[0].removeprefix("data: ")
    return json.loads(text)


@pytest.fixture
def shop(project):
    project.release("2.0")
    return project


@contextlib.contextmanager
def served_shop(shop):
    with serving(shop, "--access", str(shop.folder / "access")) as it:
        wait_until("it is ready", lambda: it.get("/health/ready")[0] == 200)
        yield it


@pytest.fixture
def served(shop):
    with served_shop(shop) as it:
        yield it


def remote(served, shop, name, role, *more):
    return Remote(served.address, token(shop, "create", name, "--role", role, *more))


def in_the_middle(shop, hand):
    """An upgrade that goes on when there is a file `go`; and what waits for its end."""
    gate = shop.folder / "smoke.py"
    gate.write_text(f'#!/bin/sh\ntouch "{shop.folder}/waits"\n'
                    f'while [ ! -e "{shop.folder}/go" ]; do sleep 0.05; done\n')
    plan = hand.call("plan_upgrade", stack="shop", to="2.0")
    hand.call("apply_plan", stack="shop", plan=plan["id"], digest=plan["digest"])
    wait_until("it is in the middle", (shop.folder / "waits").exists, seconds=60)
    return {"name": "read_operation",
            "arguments": {"stack": "shop", "operation": plan["id"], "wait_seconds": 300}}


def test_the_official_client_of_typescript_over_http(served, shop):
    shop.expect()
    secret = token(shop, "create", "agent", "--role", "operator")
    ended = node("mcp", ROOT / "tests/e2e/mcp_sdk.mjs", f"http://{served.address}/mcp", secret)
    assert ended.returncode == 0, told(ended)
    told_by_it = json.loads(ended.stdout.splitlines()[-1])
    assert told_by_it == {"version": "2.0", "outcome": "committed", "tools": len(LOOKING | CHANGING)}
    assert shop.version() == "2.0"
    lines = [json.loads(line) for line in audit(shop, "--json").splitlines()][2:]
    assert [(each["event"], each["what"], each["who"]) for each in lines] == [
        (event, what, "token agent") for what in ("plan_upgrade", "apply_plan") for event in ("begin", "end")]
    assert lines[0]["arguments"] == ["stack=shop", "to=2.0"] and lines[0]["over"] == "mcp from 127.0.0.1"
    assert lines[1]["status"] == lines[3]["status"] == 200


def test_a_token_may_what_its_role_and_its_stacks_say(served, shop):
    eye = remote(served, shop, "eye", "viewer")
    assert eye.tools() == LOOKING - PLANNING and "viewer" in eye.hello["instructions"]
    assert eye.call("list_stacks")["stacks"][0]["stack"] == "shop"
    assert eye.call("stack_status", stack="shop")["label"] == "1.0"
    for name, more in (("plan_upgrade", {"to": "2.0"}), ("back_up", {}), ("abort", {}),
                       ("apply_plan", {"plan": "o-1", "digest": "0"})):
        assert "it is for a viewer" in eye.fails(name, stack="shop", **more)
    hand = remote(served, shop, "hand", "operator", "--stack", "shop")
    assert hand.tools() == LOOKING | CHANGING and "viewer" not in hand.hello["instructions"]
    assert "there is no operation or plan" in hand.fails("apply_plan", stack="shop", plan="o-1", digest="0")
    other = remote(served, shop, "other", "operator", "--stack", "blog")
    assert other.call("list_stacks")["stacks"] == []
    assert "there is no stack 'shop'" in other.fails("back_up", stack="shop")
    assert len(other.ask("resources/list")["result"]["resources"]) == 1
    assert other.ask("resources/read", uri="belay://stacks/shop/status")["error"]["code"] == -32002
    assert json.loads(eye.ask("resources/read", uri="belay://stacks/shop/status")
                      ["result"]["contents"][0]["text"])["label"] == "1.0"
    ends = [(each["what"], each["status"]) for each in map(json.loads, audit(shop, "--json").splitlines())
            if each["event"] == "end" and each["over"] == "mcp from 127.0.0.1"]
    assert ends == [("apply_plan", 404), ("back_up", 404)]
    (shop.folder / "access/audit").unlink()
    (shop.folder / "access/audit").mkdir()
    assert "the audit log cannot be written" in hand.fails("back_up", stack="shop")
    assert eye.call("list_operations", stack="shop")


def test_a_session_is_of_its_token_and_ends(served, shop):
    one = remote(served, shop, "one", "viewer")
    assert len(one.session) == 64
    assert one.ask("initialize", **HELLO)["error"]["code"] == -32600
    two = remote(served, shop, "two", "admin")
    two.session, own = one.session, two.session
    assert two.send("ping")[1].status == two.request("DELETE").status == 404  # an id lets nobody in
    two.session = own
    assert one.ask("ping")["result"] == {}
    assert one.request("DELETE").status == 204
    assert one.send("ping")[1].status == one.request("DELETE").status == 404
    one.session = None
    assert one.send("ping")[1].status == 400
    refused = one.post({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}})
    assert "Mcp-Session-Id" not in refused.headers and message_in(refused)["error"]["code"] == -32602
    served.end()
    with served_shop(shop) as again:
        two.address = again.address
        assert two.send("ping")[1].status == 404
        assert Remote(again.address, two.secret).ask("ping")["result"] == {}


def test_what_the_transport_does_not_take_is_refused(served, shop):
    it = remote(served, shop, "eye", "viewer")
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    for method in ("GET", "PUT", "OPTIONS", "HEAD"):
        answer = it.request(method)
        assert answer.status == 405 and answer.headers["Allow"] == "POST, DELETE"
    for headers, status in (
            ({"Origin": "http://evil.example"}, 403), ({"Origin": "null"}, 403),
            ({"Origin": "http://localhost.evil.example:8970"}, 403), ({"Origin": "http://localhost:6274"}, 200),
            ({"MCP_Protocol_Version": "2026-07-28"}, 400), ({"MCP_Protocol_Version": "x"}, 400),
            ({"MCP_Protocol_Version": "2025-06-18"}, 200), ({"MCP_Protocol_Version": None}, 200),
            ({"Content_Type": "text/plain"}, 415), ({"Accept": "text/html"}, 406), ({"Accept": None}, 200),
            ({"Accept": "*/*"}, 200), ({"Accept": "text/event-stream"}, 200), ({"Authorization": None}, 401),
            ({"Authorization": "Bearer belay_" + "0" * 64}, 401)):
        answer = it.post(ping, **headers)
        assert answer.status == status, (headers, answer.read())
        if status == 200:
            assert message_in(answer) == {"jsonrpc": "2.0", "id": 1, "result": {}}
        else:
            assert answer.headers["Content-Type"] == "application/problem+json"
    evil = Remote(served.address, "none", initialize=False)  # before its token is looked at
    assert evil.post(ping, Origin="http://evil.example").status == 403
    for line, code, identity in WRONG:
        answer = it.post(line)
        if len(line) > 64 << 10:
            assert answer.status == 413
            continue
        message = message_in(answer)
        assert (message["error"]["code"], message["id"]) == (code, identity), (line, message)
        is_no_message = code in (-32700, -32600) or b'"params":[' in line
        assert answer.status == (400 if is_no_message else 200), line
    for line in (b'{"jsonrpc":"2.0","method":"nobody/knows"}', b'{"jsonrpc":"2.0","id":9,"result":{}}',
                 b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":77}}'):
        assert it.post(line).status == 202
    assert it.ask("ping")["result"] == {}


def test_who_fails_too_often_is_held_back(served, shop):
    good = remote(served, shop, "eye", "viewer")
    bad = Remote(served.address, "belay_" + "0" * 64, initialize=False)
    seen = [bad.send("ping")[1].status for _ in range(11)]
    assert seen == [401] * 10 + [429]
    assert good.ask("ping")["result"] == {}


def test_what_is_cancelled_or_whose_token_goes_is_not_waited_for(served, shop):
    hand = remote(served, shop, "hand", "operator")
    wish = in_the_middle(shop, hand)
    body = {"jsonrpc": "2.0", "id": "a", "method": "tools/call", "params": wish}
    cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "a"}}
    answer = hand.post(body)  # its head comes at once
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert "still under way" in message_in(hand.post(body))["error"]["message"]
    assert hand.post(cancel).status == 202
    assert b"data:" not in answer.read()
    with concurrent.futures.ThreadPoolExecutor(1) as other:  # without a stream the head is late, too
        late = other.submit(lambda: message_in(hand.post(body, Accept="application/json")))
        wait_until("it is under way", lambda: hand.post(cancel).status == 202 and late.done())
        assert "cancelled" in late.result()["error"]["message"]
    answer = hand.post(body)
    token(shop, "revoke", "hand")
    assert b"data:" not in answer.read()  # but the operation goes on
    eye = remote(served, shop, "eye", "viewer")
    assert eye.call("read_operation", **wish["arguments"] | {"wait_seconds": 0})["state"] == "running"
    (shop.folder / "go").touch()
    assert eye.call("read_operation", **wish["arguments"])["outcome"] == "committed"


def test_many_that_wait_are_bounded_and_hurt_nobody(served, shop):
    hand = remote(served, shop, "hand", "operator")
    wish = in_the_middle(shop, hand)
    waiting = [hand.send("tools/call", **wish)[1] for _ in range(32)]
    assert all(answer.status == 200 for answer in waiting)
    assert hand.ask("tools/call", **wish)["error"]["code"] == -32000
    again = Remote(served.address, hand.secret)
    waiting += [again.send("tools/call", **wish)[1] for _ in range(32)]
    third = Remote(served.address, hand.secret)
    assert third.send("tools/call", **wish)[1].status == 503
    began = time.monotonic()
    assert served.get("/health/live")[0] == 200 and third.ask("ping")["result"] == {}
    assert Door(served.address, hand.secret).status("/v1/stacks") == 200
    assert time.monotonic() - began < 20
    (shop.folder / "go").touch()
    for answer in waiting:
        message = message_in(answer)
        assert message["result"]["structuredContent"]["outcome"] == "committed", message
    assert shop.version() == "2.0"
