"""`belay mcp` by the real program: raw JSON-RPC, what it refuses, and what outlives it."""
import contextlib
import json
import os
import time

import pytest

from mcp_client import Agent
from node_packages import ROOT, node
from project import BELAY, DONE, UNCHANGED, USAGE, told, wait_until
from test_stack_repository import REPOSITORY, secret

LOOKING = {"list_stacks", "stack_status", "list_points", "list_operations", "read_report",
           "read_schedule", "read_operation", "plan_upgrade", "plan_rollback"}
CHANGING = {"abort", "apply_plan", "back_up", "commit", "verify"}


@contextlib.contextmanager
def agent(project, *arguments, **more):
    started = Agent(project.folder, *arguments, **more)
    try:
        yield started
    finally:
        started.end()


@pytest.fixture
def shop(project):
    project.release("2.0")
    return project


@pytest.fixture(scope="module")
def quiet(tmp_path_factory):
    """A stack of which nothing was ever started: enough for who only talks."""
    folder = tmp_path_factory.mktemp("quiet")
    (folder / "data").mkdir()
    (folder / "belay.yaml").write_text(
        'stack: quiet\nservices:\n  quiet:\n    release: { directory: "./dist/{to}" }\n'
        "    run: [./quiet]\nstores:\n  data: { directory: ./data }\n")
    return folder


@pytest.fixture
def talk(quiet):
    started = Agent(quiet)
    yield started
    assert started.end() == DONE


# --- what it does

def test_an_agent_plans_applies_follows_and_goes_back(shop):
    with agent(shop, "--allow", "operate") as it:
        assert it.call("list_stacks")["stacks"][0]["stack"] == "shop"
        assert it.call("stack_status", stack="shop")["label"] == "1.0"
        plan = it.call("plan_upgrade", stack="shop", to="2.0")
        assert plan["plan"]["to"] == "2.0" and not plan["is_blocked"]
        assert shop.version() == "1.0"
        shop.expect()
        begun = it.call("apply_plan", stack="shop", plan=plan["id"], digest=plan["digest"])
        assert begun["id"] == plan["id"] and begun["state"] in ("running", "ended")
        ended = it.follow("shop", plan["id"])
        assert ended["outcome"] == "committed" and ended["exit_status"] == DONE, ended
        assert any(event.get("step") == "switch" for event in ended["events"])
        assert shop.version() == "2.0"
        # The same plan again is the same operation, not another one.
        again = it.call("apply_plan", stack="shop", plan=plan["id"], digest=plan["digest"])
        assert again["outcome"] == "committed"
        assert len(it.call("list_operations", stack="shop")["operations"]) == 2
        report = it.call("read_report", stack="shop", operation=plan["id"])
        assert report["outcome"] == "committed"
        address = f"belay://stacks/shop/reports/{plan['id']}"
        known = [each["uri"] for each in it.ask("resources/list")["result"]["resources"]]
        assert address in known and "belay://stacks/shop/status" in known
        page = it.ask("resources/read", uri=address)["result"]["contents"][0]
        assert json.loads(page["text"]) == report and page["uri"] == address
        back = it.call("plan_rollback", stack="shop")
        assert back["kind"] == "rollback" and back["plan"]["levels"]
        it.call("apply_plan", stack="shop", plan=back["id"], digest=back["digest"])
        assert it.follow("shop", back["id"])["state"] == "ended"
        assert shop.version() == "1.0"
    assert not shop.lost()


def test_a_plan_that_is_no_longer_true_is_refused(shop):
    with agent(shop, "--allow", "operate") as it:
        plan = it.call("plan_upgrade", stack="shop", to="2.0")
        words = it.fails("apply_plan", stack="shop", plan=plan["id"], digest="0" * 64)
        assert "digest" in words
        (shop.folder / "shop.conf").write_text((shop.folder / "shop.conf").read_text() + " ")
        words = it.fails("apply_plan", stack="shop", plan=plan["id"], digest=plan["digest"])
        assert "no longer true" in words, words
        assert it.follow("shop", plan["id"])["outcome"] == "blocked"
        plan = it.call("plan_upgrade", stack="shop", to="2.0")
        record = shop.folder / f".belay/errands/{plan['id']}/errand.json"
        told_at = json.loads(record.read_text())
        record.write_text(json.dumps(told_at | {"expires": "2026-01-01T00:00:00.000Z"}))
        assert "expired" in it.fails("apply_plan", stack="shop", plan=plan["id"],
                                     digest=plan["digest"])
        assert it.follow("shop", plan["id"])["state"] == "expired"
        blocked = it.call("plan_upgrade", stack="shop", to="no-such")
        assert blocked["is_blocked"] and blocked["plan"]["blockers"]
        assert "blocked" in it.fails("apply_plan", stack="shop", plan=blocked["id"],
                                     digest=blocked["digest"])
        for name in ("../../x", "o-1", "", "."):
            it.fails("apply_plan", stack="shop", plan=name, digest="0")
    assert shop.version() == "1.0"
    assert not shop.lost()


def test_a_hundred_are_kept(shop):
    kept = shop.folder / ".belay/errands"
    with agent(shop) as it:
        first = it.call("plan_upgrade", stack="shop", to="2.0")["id"]
        for number in range(120):
            (kept / f"o-{number}").mkdir()
            told_at = json.loads((kept / first / "errand.json").read_text())
            (kept / f"o-{number}/errand.json").write_text(json.dumps(
                told_at | {"id": f"o-{number}", "at": "2026-01-01T00:00:00.000Z"}))
        newest = it.call("plan_upgrade", stack="shop", to="2.0")["id"]
    names = {each.name for each in kept.glob("o-*")}
    assert len(names) == 100 and {first, newest} <= names


def test_it_only_looks_unless_it_was_allowed_more(shop):
    with agent(shop) as it:
        names = {tool["name"] for tool in it.ask("tools/list")["result"]["tools"]}
        assert names == LOOKING
        plan = it.call("plan_upgrade", stack="shop", to="2.0")
        for name, more in (("apply_plan", {"plan": plan["id"], "digest": plan["digest"]}),
                           ("back_up", {}), ("verify", {}), ("commit", {}), ("abort", {})):
            assert "look only" in it.fails(name, stack="shop", **more)
    with agent(shop, "--allow", "operate") as it:
        tools = {tool["name"]: tool for tool in it.ask("tools/list")["result"]["tools"]}
    assert set(tools) == LOOKING | CHANGING
    for name, tool in tools.items():
        hints = tool["annotations"]
        assert hints["readOnlyHint"] == (name in LOOKING)
        assert hints["destructiveHint"] == (name in {"abort", "apply_plan"})
        assert tool["inputSchema"]["type"] == tool["outputSchema"]["type"] == "object"
    assert shop.version() == "1.0"


def test_what_is_in_progress_is_ended(shop):
    shop.write_yaml(watch="2h", watch_every="1h")
    with agent(shop, "--allow", "operate") as it:
        none = it.follow("shop", it.call("commit", stack="shop")["id"])
        assert none["outcome"] == "nothing_in_progress", none
        plan = it.call("plan_upgrade", stack="shop", to="2.0")
        upgrade = it.call("apply_plan", stack="shop", plan=plan["id"], digest=plan["digest"])["id"]
        wait_until("it watches", lambda: it.call("read_operation", stack="shop", operation=upgrade)["step"] == "watch", 120)
        asked = it.follow("shop", it.call("abort", stack="shop")["id"])
        assert asked["outcome"] == "done" and asked["result"]["wish"] == "go back", asked
        assert it.follow("shop", upgrade)["outcome"] == "rolled_back"
    assert shop.version() == "1.0"


def test_a_backup_is_taken_and_read(shop):
    secret(shop.folder / "password", "first")
    shop.write_yaml(extra=REPOSITORY.replace("./", f"{shop.folder}/"))
    assert shop.belay("repo", "init").returncode == DONE
    with agent(shop, "--allow", "operate") as it:
        begun = it.call("back_up", stack="shop")
        done = it.follow("shop", begun["id"])
        assert done["outcome"] == "done", done
        point = done["result"]["point"]
        assert point in [each["id"] for each in it.call("list_points", stack="shop")["points"]]
        done = it.follow("shop", it.call("verify", stack="shop")["id"])
        assert done["outcome"] == "done" and done["result"]["event"] == "verified", done


def test_an_operation_outlives_the_client_and_the_next_one_finds_it(shop):
    gate = shop.folder / "smoke.py"
    good = gate.read_text()
    gate.write_text(f'#!/bin/sh\ntouch "{shop.folder}/waits"\n'
                    f'while [ ! -e "{shop.folder}/go" ]; do sleep 0.05; done\n')
    it = Agent(shop.folder, "--allow", "operate")
    try:
        plan = it.call("plan_upgrade", stack="shop", to="2.0")
        it.call("apply_plan", stack="shop", plan=plan["id"], digest=plan["digest"])
        wait_until("it is in the middle", (shop.folder / "waits").exists, seconds=60)
        it.send("tools/call", name="read_operation",
                arguments={"stack": "shop", "operation": plan["id"], "wait_seconds": 300})
    finally:
        assert it.end() == DONE  # the other side of its input went while it waited
    with agent(shop) as other:
        seen = other.call("read_operation", stack="shop", operation=plan["id"])
        assert seen["state"] == "running", seen
        assert "in_progress" in other.call("stack_status", stack="shop")
        (shop.folder / "go").touch()
        assert other.follow("shop", plan["id"])["outcome"] == "committed"
    gate.write_text(good)
    assert shop.version() == "2.0"


def test_what_is_cancelled_is_not_answered_and_leaves_nothing(shop):
    slow = shop.folder / "slow.py"
    slow.write_text(f"#!/bin/sh\ntouch '{shop.folder}/asked'\nexec sleep 60\n")
    slow.chmod(0o755)
    with agent(shop) as it:
        (shop.folder / "belay.yaml").write_text(
            (shop.folder / "belay.yaml").read_text() +
            "checks:\n  - { name: slow, run: [./slow.py], timeout: 60s }\n")
        asked = it.send("tools/call", name="plan_upgrade",
                        arguments={"stack": "shop", "to": "2.0"})
        calls = shop.folder / ".belay/errands/calls"
        wait_until("it is asked", lambda: calls.exists() and list(calls.iterdir()))
        it.say({"jsonrpc": "2.0", "method": "notifications/cancelled",
                "params": {"requestId": asked, "reason": "test"}})
        assert it.ask("ping")["result"] == {}
        wait_until("nothing of it is left", lambda: not list(calls.iterdir()))
        assert not it.others


# --- how it is spoken to

def test_versions_are_negotiated(quiet):
    for wanted, given in (("2025-11-25", "2025-11-25"), ("2025-06-18", "2025-06-18"),
                          ("1999-01-01", "2025-11-25")):
        it = Agent(quiet, version=wanted)
        assert it.hello["protocolVersion"] == given
        assert it.hello["serverInfo"]["name"] == "belay"
        assert set(it.hello["capabilities"]) == {"tools", "resources"}
        assert it.ask("initialize", protocolVersion=given)["error"]["code"] == -32600
        assert it.end() == DONE


def test_nothing_but_a_ping_comes_before_initialize(quiet):
    it = Agent(quiet, initialize=False)
    assert it.ask("ping")["result"] == {}
    assert it.ask("tools/list")["error"]["code"] == -32600
    assert it.ask("initialize")["error"]["code"] == -32602
    assert it.end() == DONE


WRONG = [
    (b"{", -32700, None),
    (b"\xff\xfe\x00", -32700, None),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping"} x', -32700, None),
    (b"[" * 100_000, -32600, None),
    (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600, None),
    (b"7", -32600, None),
    (b'"ping"', -32600, None),
    (b"{}", -32600, None),
    (b'{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600, 1),
    (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600, None),
    (b'{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600, None),
    (b'{"jsonrpc":"2.0","id":"a","method":7}', -32600, "a"),
    (b'{"jsonrpc":"2.0","id":"a","method":"ping","params":[1]}', -32602, "a"),
    (b'{"jsonrpc":"2.0","id":"a","method":"tools/burn"}', -32601, "a"),
    (b'{"jsonrpc":"2.0","id":3,"method":"tools/call"}', -32602, 3),
    (b'{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"burn"}}', -32602, 3),
    (b'{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"list_stacks",'
     b'"arguments":[]}}', -32602, 3),
    (b'{"jsonrpc":"2.0","id":3,"method":"tools/list","params":{"cursor":"x"}}', -32602, 3),
    (b'{"jsonrpc":"2.0","id":3,"method":"resources/list","params":{"cursor":"-1"}}', -32602, 3),
    (b'{"jsonrpc":"2.0","id":3,"method":"resources/read"}', -32602, 3),
    (b'{"jsonrpc":"2.0","id":3,"method":"resources/read","params":{"uri":"file:///etc/passwd"}}',
     -32002, 3),
    (b'{"jsonrpc":"2.0","id":3,"method":"resources/read","params":'
     b'{"uri":"belay://stacks/quiet/reports/../../x"}}', -32002, 3),
    (b'{"jsonrpc":"2.0","id":4,"method":"ping","x":"' + b"y" * (2 << 20) + b'"}', -32600, None),
]


def test_what_is_wrong_is_answered_and_hurts_nobody(talk):
    for line, code, identity in WRONG:
        talk.raw(line + b"\n")
        answer = talk.hear()
        assert (answer["error"]["code"], answer["id"]) == (code, identity), (line[:80], answer)
    for line in (b"", b"   ", b"\r", b'{"jsonrpc":"2.0","method":"nobody/knows"}',
                 b'{"jsonrpc":"2.0","id":9,"result":{}}', b'{"jsonrpc":"2.0","id":9,"error":{}}',
                 b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":77}}'):
        talk.raw(line + b"\n")
    assert talk.ask("ping")["result"] == {} and not talk.others
    talk.raw(b'{"jsonrpc":"2.0","id":"half","meth')  # and the end in the middle of a line


@pytest.mark.parametrize("name, arguments, words", [
    ("stack_status", {}, "'stack' is missing"),
    ("stack_status", {"stack": 7}, "must be a text"),
    ("stack_status", {"stack": "quiet", "x": 1}, "no argument 'x'"),
    ("stack_status", {"stack": "quit"}, "Do you mean 'quiet'"),
    ("stack_status", {"stack": "q" * 5000}, "too long"),
    ("plan_rollback", {"stack": "quiet", "level": "most"}, "must be one of"),
    ("read_operation", {"stack": "quiet", "operation": "../x"}, "there is no operation"),
    ("read_report", {"stack": "quiet", "operation": "--help"}, "no id"),
    ("read_report", {"stack": "quiet", "operation": "a/b"}, "no id"),
    ("read_report", {"stack": "quiet"}, "no operation yet"),
])
def test_an_agent_is_told_what_is_wrong_with_its_call(talk, name, arguments, words):
    assert words in talk.fails(name, **arguments)


def test_many_requests_at_once_are_answered_or_refused(talk):
    asked = [talk.send("tools/call", name="stack_status", arguments={"stack": "quiet"})
             for _ in range(40)]
    answers = [talk.answer_to(each) for each in asked]
    refused = [each for each in answers if "error" in each]
    assert all(each["error"]["code"] == -32000 for each in refused)
    assert len(answers) - len(refused) >= 32
    assert talk.ask("ping")["result"] == {}


def test_a_stack_that_cannot_be_read_is_told(quiet, tmp_path):
    os.symlink(quiet / "belay.yaml", tmp_path / "quiet.yaml")
    (tmp_path / "broken.yaml").write_text("stack: [\n")
    it = Agent(tmp_path, str(tmp_path))
    stacks = {each["config"].rsplit("/", 1)[1]: each for each in it.call("list_stacks")["stacks"]}
    assert stacks["broken.yaml"]["problem"] and stacks["belay.yaml"]["problem"] is None
    assert it.end() == DONE
    for arguments in (["no-such.yaml"], ["--allow", "everything"]):
        it = Agent(tmp_path, *arguments, initialize=False)
        status = it.process.wait(60)
        assert status in (UNCHANGED, USAGE) and it.process.stdout.read() == b""
        it.end()


def test_the_official_client_of_typescript(shop):
    """@modelcontextprotocol/sdk validates what tools answer against the schemas that they tell."""
    shop.expect()
    ended = node("mcp", ROOT / "tests/e2e/mcp_sdk.mjs", BELAY, shop.folder)
    assert ended.returncode == 0, told(ended)
    told_by_it = json.loads(ended.stdout.splitlines()[-1])
    assert told_by_it["version"] == "2.0" and told_by_it["outcome"] == "committed", told_by_it
    assert told_by_it["tools"] == len(LOOKING | CHANGING)
    assert shop.version() == "2.0"
