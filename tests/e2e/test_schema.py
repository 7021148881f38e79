"""The JSON Schema in an editor: a real yaml-language-server with docs/reference/belay.schema.json.

A file that belay takes has nothing underlined; a broken one is underlined at the line that belay
itself names.
"""
import re
import shutil
import subprocess

import pytest

from language_server import ROOT, Editor, install
from project import BELAY, DONE, USAGE, told

SCHEMA = ROOT / "docs/reference/belay.schema.json"


@pytest.fixture(scope="module")
def editor():
    if not shutil.which("npm"):
        pytest.skip("needs node and npm")
    install()
    opened = Editor(SCHEMA)
    yield opened
    opened.close()


@pytest.mark.parametrize("path", sorted((ROOT / "docs/examples").glob("*.yaml"))
                         + [ROOT / "demo/belay.yaml"], ids=lambda path: path.stem)
def test_a_valid_file_has_nothing_underlined(editor, path):
    assert editor.judge(path.read_text()) == []


GOOD = """\
stack: shop
services:
  shop:
    release: { directory: "./dist/{to}" }
    run: [./shop, --port, "8080"]
    env: { TOKEN: "file:./token" }
    stop: { signal: TERM, timeout: 20s }
    ready: { http: "http://127.0.0.1:8080/health", json: { status: ok }, within: 30s }
stores:
  data: { directory: ./data, layout: [VERSION] }
  rows: { sqlite: ./shop.db }
checks:
  - { name: backlog, http: "http://127.0.0.1:8080/ops", value: queue }
upgrade:
  smoke: [ { name: writes, run: [./smoke.sh] } ]
  watch: 10m
triggers:
  - { name: high, probe: backlog, above: 200, for: 5m, severity: warning }
notify:
  - { run: [./tell.sh], on: [rolled_back] }
keep: { points: 2 }
"""

# What is mistyped: (from, to, the line).
BROKEN = {
    "a key at the top": ("keep:", "keeping:", 21),
    "a key of a service": ("    stop:", "    stops:", 7),
    "no command": ("    run:", "    runs:", 3),
    "a key in a flow mapping": ("signal: TERM", "signals: TERM", 7),
    "a key twice": ("watch: 10m", "watch: 10m\n  watch: 5m", 17),
    "a time without a unit": ("watch: 10m", "watch: 10", 16),
    "a time with a wrong unit": ("within: 30s", "within: 30parsecs", 8),
    "a name with a capital": ("stack: shop", "stack: Shop", 1),
    "a service's name": ("  shop:\n", "  Shop:\n", 3),
    "a secret in the open": ("notify:\n", "notify:\n  - { webhook: https://chat.example.org/,"
                             " bearer: hunter2 }\n", 20),
    "a store that is two things": ("{ sqlite: ./shop.db }",
                                  "{ sqlite: ./shop.db, directory: ./x }", 11),
    "a store that is nothing": ("{ sqlite: ./shop.db }", "{ layout: [x] }", 11),
    "a list that is a word": ("run: [./smoke.sh]", "run: ./smoke.sh", 15),
    "a number that is a word": ("above: 200", "above: many", 18),
    "a word out of a list": ("severity: warning", "severity: mild", 18),
    "an event that nobody tells": ("on: [rolled_back]", "on: [rolled]", 20),
    "no service": (GOOD[GOOD.index("services:"):GOOD.index("stores:")], "services: {}\n", 2),
    "too few to keep": ("points: 2", "points: 0", 21),
    "not YAML": ("keep: { points: 2 }", "keep: { points: 2", 22),
}


def refused_at(folder, text):
    """The lines at which belay itself refuses the file."""
    (folder / "belay.yaml").write_text(text)
    ended = subprocess.run([BELAY, "config"], cwd=folder, capture_output=True, text=True,
                           check=False)
    assert ended.returncode == USAGE, told(ended)
    return [int(line) for line in re.findall(r"belay\.yaml:(\d+):", ended.stderr)]


def test_what_the_broken_files_are_made_from_is_good(editor):
    assert editor.judge(GOOD) == []


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_is_underlined_where_belay_refuses_it(editor, tmp_path, what):
    old, new, line = BROKEN[what]
    assert GOOD.count(old) == 1
    text = GOOD.replace(old, new)
    assert line in refused_at(tmp_path, text)
    shown = editor.judge(text)
    assert line in [at for at, _ in shown], shown


def test_what_init_writes_has_nothing_underlined(editor, tmp_path):
    (tmp_path / "data").mkdir()
    ended = subprocess.run(
        [BELAY, "init", "--yes", "--answer", "run=./bin/shop --port 8080", "--answer",
         "release=./dist/{to}", "--answer", "ready=http://127.0.0.1:8080/health"],
        cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == DONE, told(ended)
    assert editor.judge((tmp_path / "belay.yaml").read_text()) == []


def test_completion_offers_the_keys_that_are_not_there_yet(editor):
    offered = editor.words(GOOD + "\n", line=22, column=1)
    assert "hooks" in offered and "services" not in offered
