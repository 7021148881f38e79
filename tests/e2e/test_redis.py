"""Store `redis`, with a real redis-server that belay itself runs."""
import os
import re
import socket
import subprocess

import pytest

from project import BELAY, BLOCKED, DONE, ROLLED_BACK, told

YAML = """\
stack: queue
services:
  redis:
    release: {{ directory: "./dist/{{to}}" }}
    run: [./serve, "{{project}}", "{port}"]
    ready: {{ tcp: "127.0.0.1:{port}", within: 30s, every: 50ms, consecutive: 2 }}
stores:
  jobs: {{ redis: {{ data: ./data, port: {port}, password: "file:./secret" }} }}
upgrade: {{ watch: 300ms, watch_every: 50ms }}
repository: {{ path: ./backup, password: "file:./secret" }}
"""
SERVE = """\
#!/bin/sh
exec redis-server --dir "$1/data" --port "$2" --bind 127.0.0.1 --requirepass s3cret --appendonly yes --set-proc-title no
"""
BAD = """\
#!/bin/sh
redis-server --dir "$1/data" --port "$2" --bind 127.0.0.1 --requirepass s3cret --appendonly yes --set-proc-title no &
until REDISCLI_AUTH=s3cret redis-cli -p "$2" flushall | grep -q OK; do sleep 0.05; done
kill $!
wait
exit 3
"""


class Queue:
    def __init__(self, folder):
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        (folder / "belay.yaml").write_text(YAML.format(port=self.port))
        (folder / "secret").write_text("s3cret")
        (folder / "secret").chmod(0o600)
        (folder / "data").mkdir()
        for label, text in {"1": SERVE, "2": SERVE + "# newer\n", "bad": BAD}.items():
            (folder / "dist" / label).mkdir(parents=True)
            (folder / "dist" / label / "serve").write_text(text)
            (folder / "dist" / label / "serve").chmod(0o755)

    def belay(self, *arguments, status=DONE):
        ended = subprocess.run([BELAY, *arguments], cwd=self.folder, capture_output=True, text=True, check=False,
                               timeout=300, stdin=subprocess.DEVNULL)
        assert ended.returncode == status, told(ended)
        return ended

    def redis(self, *words):
        ended = subprocess.run(["redis-cli", "-p", str(self.port), *words], capture_output=True, text=True,
                               check=True, env=os.environ | {"REDISCLI_AUTH": "s3cret"})
        return ended.stdout.strip()

    def end(self):
        subprocess.run(["redis-cli", "-p", str(self.port), "shutdown", "nosave"], capture_output=True, check=False,
                       env=os.environ | {"REDISCLI_AUTH": "s3cret"})


@pytest.fixture
def queue(tmp_path):
    made = Queue(tmp_path)
    try:
        made.belay("upgrade", "--to", "1", "--yes")
        for number in range(5):
            made.redis("rpush", "jobs", f"job {number}")
        made.redis("-n", "2", "set", "one", "1")
        yield made
    finally:
        made.end()


def test_an_upgrade_keeps_the_queue_and_a_bad_one_brings_it_back(queue):
    queue.belay("upgrade", "--to", "2", "--yes")
    assert queue.redis("llen", "jobs") == "5"
    ended = queue.belay("upgrade", "--to", "bad", "--yes", status=ROLLED_BACK)
    assert "keys then: db0 1, db2 1" in ended.stdout, told(ended)
    assert queue.redis("llen", "jobs") == "5" and queue.redis("-n", "2", "get", "one") == "1"


def test_a_backup_is_loaded_once_and_restored_beside(queue):
    queue.belay("repo", "init")
    ended = queue.belay("backup")
    point = re.search(r"restore point (p-\S+)", ended.stdout)[1]
    queue.belay("restore", "queue", point, "--into", str(queue.folder / "then"))
    assert list((queue.folder / "then/stores/jobs").rglob("*.manifest"))
    ended = queue.belay("drill")
    assert "store 'jobs' came back" in ended.stdout, told(ended)


def test_a_wrong_password_is_told_before_anything_is_touched(queue):
    (queue.folder / "secret").write_text("another")
    ended = queue.belay("upgrade", "--to", "2", "--yes", status=BLOCKED)
    assert "WRONGPASS" in ended.stdout + ended.stderr and "another" not in ended.stdout + ended.stderr
    assert queue.redis("llen", "jobs") == "5"
