"""belay init: from what is really here to a belay.yaml that upgrades it."""
import contextlib
import json
import os
import pty
import signal
import socket
import sqlite3
import subprocess

import pytest

from project import BELAY, BLOCKED, DONE, UNCHANGED, USAGE, Project, told, wait_until

SERVER = """\
import http.server, json, os, sqlite3, sys
database = sqlite3.connect(sys.argv[2], check_same_thread=False)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        rows = database.execute("SELECT count(*) FROM writes").fetchone()[0]
        body = json.dumps({"status": "ok", "version": "VERSION", "rows": rows}).encode()
        self.send_response(200 if self.path == "/health" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
assert os.environ["API_TOKEN"]
http.server.HTTPServer(("127.0.0.1", int(sys.argv[4])), Handler).serve_forever()
"""
START = """\
#!/bin/sh
set -a; . ./.env; set +a
exec python3 dist/1.0/server.py --db shop.db --port "$PORT"
"""


class Place(Project):
    """A folder that belay does not know yet."""

    def __init__(self, folder):  # pylint: disable=super-init-not-called
        self.folder = folder
        self.mark = str(folder)
        folder.mkdir()

    def make_shop(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        for version in ("1.0", "2.0"):
            release = self.folder / "dist" / version
            release.mkdir(parents=True)
            (release / "server.py").write_text(SERVER.replace("VERSION", version))
        (self.folder / ".env").write_text(
            f"PORT={self.port}\nAPI_TOKEN=hunter2-token\nE2E_MARK='{self.mark}'\n")
        (self.folder / ".env").chmod(0o600)
        start = self.folder / "start.sh"
        start.write_text(START)
        start.chmod(0o755)
        with contextlib.closing(sqlite3.connect(self.folder / "shop.db")) as made:
            made.execute("CREATE TABLE writes (id TEXT NOT NULL)")
            made.execute("INSERT INTO writes VALUES ('w-1')")
            made.commit()

    def answers(self):
        with contextlib.suppress(OSError, ValueError):
            return self.get("/health", timeout=1)
        return None

    def yaml(self):
        return (self.folder / "belay.yaml").read_text()


@pytest.fixture
def place(tmp_path):
    made = Place(tmp_path / "shop")
    yield made
    made.end()


@pytest.fixture
def running(place):
    """A shop whose service was started by its script, as a person would."""
    place.make_shop()
    with subprocess.Popen(["./start.sh"], cwd=place.folder, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, start_new_session=True) as service:
        wait_until("the service answers", place.answers)
        place.service = service
        yield place
        service.kill()


def test_a_running_service_is_taken_over_and_upgraded(running):
    ended = running.belay("init")
    assert ended.returncode == DONE, told(ended)
    for word in (f"process {running.service.pid}", "/health answers 200", "shop.db", ".env",
                 "start.sh", "belay upgrade shop --to 1.0"):
        assert word in ended.stdout, told(ended)
    text = running.yaml()
    assert "hunter2" not in text + ended.stdout + ended.stderr
    assert "${PORT}" in text and "{release}/server.py" in text
    shown = running.belay("config")
    assert shown.returncode == DONE, told(shown)

    # What somebody else runs is not taken over behind their back.
    refused = running.belay("check")
    assert refused.returncode == BLOCKED and "already answered" in refused.stdout, told(refused)
    running.service.send_signal(signal.SIGTERM)
    running.service.wait()
    ended = running.belay("check")
    assert ended.returncode == DONE, told(ended)

    (running.folder / "belay.yaml").write_text(text.replace("watch: 1m", "watch: 0s"))
    for version in ("1.0", "2.0"):
        ended = running.belay("upgrade", "shop", "--to", version, "--yes")
        assert ended.returncode == DONE, told(ended)
        assert running.answers() == {"status": "ok", "version": version, "rows": 1}


def test_the_file_is_never_overwritten(running):
    path = running.folder / "belay.yaml"
    path.write_text("mine\n")
    ended = running.belay("init", "--yes")
    assert ended.returncode == UNCHANGED and "already" in ended.stderr, told(ended)
    assert path.read_text() == "mine\n"
    ended = running.belay("init", "--stdout")
    assert ended.returncode == DONE and ended.stdout.startswith("# belay.yaml"), told(ended)
    assert path.read_text() == "mine\n"


def test_json_holds_the_evidence_and_the_text(running):
    [made] = running.json("init")
    assert made["written"] and made["stack"] == "shop" and made["text"] == running.yaml()
    kinds = {each["kind"] for each in made["evidence"]}
    assert {"process", "sqlite", "variables", "releases", "script"} <= kinds
    assert "hunter2" not in json.dumps(made)


def test_an_empty_folder_names_what_must_be_answered(place):
    ended = place.belay("init")
    assert ended.returncode == USAGE, told(ended)
    assert "--answer run=" in ended.stderr and "--answer release=" in ended.stderr, told(ended)
    assert list(place.folder.iterdir()) == []
    ended = place.belay("init", "--answer", "run=./bin/x", "--answer", "release=./dist/{to}",
                        "--stack", "corner")
    assert ended.returncode == DONE, told(ended)
    assert place.belay("config").returncode == DONE
    assert [each.name for each in place.folder.iterdir()] == ["belay.yaml"]


@pytest.mark.parametrize("answer", ["run", "relezse=x", "release=./dist", "stack=No Name"])
def test_a_wrong_answer_writes_nothing(place, answer):
    ended = place.belay("init", "--answer", "run=./bin/x", "--answer", "release=git", "--answer",
                        answer)
    assert ended.returncode == USAGE and "hint: " in ended.stderr, told(ended)
    assert list(place.folder.iterdir()) == []


def test_a_compose_file_becomes_services_and_stores(place):
    (place.folder / "compose.yaml").write_text(
        "services:\n  web: { image: 'shop/web:1.25', ports: ['8080:80'], depends_on: [db] }\n"
        "  db: { image: 'postgres:16', volumes: ['pg:/var/lib/postgresql/data'] }\nvolumes: { pg: {} }\n")
    ended = place.belay("init")
    assert ended.returncode == DONE, told(ended)
    text = place.yaml()
    assert text.index("compose: db") < text.index("compose: web")
    assert 'image: "shop/web:{to}"' in text and '_pg" }' in text
    assert place.belay("config").returncode == DONE
    (place.folder / "belay.yaml").unlink()
    ended = place.belay("init", "--answer", "run=./bin/x", "--answer", "release=./dist/{to}")
    assert ended.returncode == DONE, told(ended)
    assert "shop/web:1.25" in place.yaml() and "postgres:16" in place.yaml()
    assert place.belay("config").returncode == DONE


def test_a_unit_file_tells_the_command_of_another_folder(place):
    place.make_shop()
    (place.folder / "deploy").mkdir()
    (place.folder / "deploy/shop.service").write_text(
        f"[Service]\nWorkingDirectory={place.folder}\nUser=shop\n"
        f"ExecStart=/usr/bin/python3 {place.folder}/dist/1.0/server.py --db shop.db --port 80\n")
    ended = subprocess.run([BELAY, "init", "--dir", place.folder], cwd="/", text=True,
                           stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    assert ended.returncode == DONE, told(ended)
    assert "systemctl disable --now shop.service" in ended.stdout
    text = place.yaml()
    assert "{release}/server.py" in text and "{project}/shop.db" in text
    assert place.belay("config").returncode == DONE


def test_a_git_repository_gives_its_tags_as_releases(place):
    (place.folder / "app.py").write_text(SERVER)
    (place.folder / "start.sh").write_text("#!/bin/sh\nexec python3 app.py\n")
    git = ["git", "-c", "user.name=e2e", "-c", "user.email=e2e@localhost"]
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "one"],
                  ["tag", "v1.0"]):
        subprocess.run(git + words, cwd=place.folder, check=True)
    ended = place.belay("init", "--yes")
    assert ended.returncode == DONE and "--to v1.0" in ended.stdout, told(ended)
    assert place.belay("config").returncode == DONE
    ended = place.belay("plan", "shop", "--to", "v1.0")
    assert ended.returncode == DONE, told(ended)


def test_on_a_terminal_it_asks_only_what_it_cannot_see(place):
    place.make_shop()
    (place.folder / "start.sh").write_text("#!/bin/sh\npython3 x | tee log\n")
    keyboard, terminal = pty.openpty()
    with subprocess.Popen([BELAY, "init"], cwd=place.folder, stdin=terminal, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as belay:
        os.close(terminal)
        os.write(keyboard, b"./server.py --port 80\n\n")
        out, err = belay.communicate(timeout=60)
        os.close(keyboard)
    assert belay.returncode == DONE, f"{out}\n{err}"
    assert "Which command" in out and "known to be ready" in out
    assert "Where does a release come from" not in out and "keep its data" not in out
    assert "./server.py" in place.yaml()
    assert place.belay("config").returncode == DONE
