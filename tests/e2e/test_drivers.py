"""Services and stores behind programs of the user's own: the samples of docs/examples/drivers, and
variants of them that break a promise."""
import pathlib
import shutil
import subprocess

import pytest

from project import BELAY, DONE, NOTHING, ROLLED_BACK, Project, told, wait_until
from test_kill import effects_of, kill_at

SAMPLES = pathlib.Path(__file__).resolve().parent.parent.parent / "docs/examples/drivers"


def driver_test(driver, *arguments, timeout="20s"):
    return subprocess.run([BELAY, "driver", "test", "--timeout", timeout, *arguments, driver],
                          text=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=300)


@pytest.mark.parametrize("name", ["runtime.sh", "runtime.py", "store.sh", "store.py"])
def test_a_sample_keeps_every_promise(name, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    ended = driver_test(SAMPLES / name)
    assert ended.returncode == 0, told(ended)
    assert "BROKEN" not in ended.stdout
    assert not list(tmp_path.iterdir())


BROKEN = [
    # what is broken, sample, text in it, text instead, promise that tells
    ("lies about restore", "store.sh", 'mv -nT "$BELAY_KEPT" "$live"\n', 'mv -nT "$out/tree" "$live"; rm -rf "$BELAY_KEPT"; mkdir "$out/tree"\n',
     "restores exactly what was secured"),
    ("restores what is damaged", "store.py", "            self.verify()\n", "",
     "does not restore a copy with another digest"),
    ("restores twice", "store.py", "        if kept.is_dir():  # else", "        if True:  # else",
     "changes nothing when it is asked to restore again"),
    ("is not atomic", "store.sh", '[ -d "$out/tree" ] || mv -T "$live" "$out/tree"\n    mv -nT "$BELAY_KEPT" "$live"\n',
     'rm -rf "$out/tree"; cp -a "$live" "$out/tree"; sleep 0.3; rm -rf "$live"; cp -a "$BELAY_KEPT" "$live"; sleep 0.3; rm -rf "$BELAY_KEPT"\n',
     "ends a restore that was killed in the middle"),
    ("sees nothing move", "store.py", 'movement = "layout"', 'movement = "none"',
     "tells from evidence whether something moved"),
    ("prints garbage", "store.py", "        return {\"kind\": \"store\"", "        print('hello')\n        return {\"kind\": \"store\"",
     "describes itself"),
    ("answers too much", "store.py", '"kept_folder": str(self.kept)', '"kept_folder": "x" * 1048576',
     "inspects its data"),
    ("leaves a field out", "store.py", '"free_bytes": shutil.disk_usage(self.live).free', "",
     "without 'free_bytes'"),
    ("speaks another protocol", "store.py", '"protocol": 1, **answer', '"protocol": 2, **answer',
     "describes itself"),
    ("knows every request", "runtime.py", '        if ask["protocol"] != 1 or ask["request"] not in',
     '        if ask["request"] not in REQUESTS:\n            return print(\'{"protocol": 1}\')\n        if ask["protocol"] != 1 or ask["request"] not in',
     "answers an unknown request with an error"),
    ("does not read the protocol", "runtime.py", "ask[\"protocol\"] != 1 or", "",
     "refuses a request of another protocol"),
    ("starts twice", "runtime.py", "        if self.is_running():\n            if", "        if False:\n            if",
     "does nothing when it is started again"),
    ("does not stop", "runtime.sh", "  if is_running; then\n    read_record\n    kill", "  if false; then\n    read_record\n    kill",
     "stops it, and again"),
    ("leaves its call behind", "runtime.sh", "env -u BELAY_CALL setsid", "setsid",
     "env -u BELAY_CALL"),
    ("leaves half a release", "runtime.sh", 'cp -a "dist/$BELAY_LABEL" "$state/making"\n', 'mkdir "$to"; sleep 0.3; cp -a "dist/$BELAY_LABEL/." "$to"; answer "\\"id\\": $(quoted "$to"), \\"digest\\": \\"$(digest "$to")\\""; exit\n',
     "prepares a release after it was killed in the middle"),
]


@pytest.mark.parametrize("name,text,instead,promise", [each[1:] for each in BROKEN],
                         ids=[each[0].replace(" ", "-") for each in BROKEN])
def test_a_driver_that_breaks_a_promise_is_found(name, text, instead, promise, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    sample = (SAMPLES / name).read_text()
    assert sample.count(text) == 1, "the sample has changed: correct the sabotage"
    mine = tmp_path / name
    mine.write_text(sample.replace(text, instead))
    mine.chmod(0o755)
    # What a call leaves behind is waited for at every request that follows.
    ended = driver_test(mine, timeout="3s" if "BELAY_CALL" in promise else "20s")
    assert ended.returncode == 1, told(ended)
    broken = [line for line in ended.stdout.splitlines() if line.startswith("BROKEN")]
    assert any(promise in line for line in broken), told(ended)


def test_a_driver_that_hangs_ends_the_trial(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    mine = tmp_path / "mine"
    mine.write_text('#!/bin/sh\n[ "$BELAY_REQUEST" != inspect ] || sleep 3600\n'
                    f'exec {SAMPLES}/store.sh "$@"\n')
    mine.chmod(0o755)
    ended = driver_test(mine, timeout="1s")
    assert ended.returncode == 1, told(ended)
    lines = ended.stdout.splitlines()
    assert lines[-2].startswith("BROKEN  inspects its data") and "did not end within" in lines[-2]


def test_a_trial_in_a_folder_of_ones_own(tmp_path, monkeypatch):
    """What is no folder of files is changed and looked at by programs that are named."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    own = tmp_path / "own"
    (own / "elsewhere").mkdir(parents=True)
    for name, text in {"change": "date +%s%N >> elsewhere/rows", "look": "cat elsewhere/*",
                       "mine": f'exec {SAMPLES}/store.sh ./elsewhere "$@"'}.items():
        (own / name).write_text(f"#!/bin/sh\n{text}\n")
        (own / name).chmod(0o755)
    ended = driver_test(own / "mine", "--store", "--in", str(own), "--change", str(own / "change"),
                        "--look", str(own / "look"))
    assert ended.returncode == 0, told(ended)
    other = driver_test(own / "mine", "--runtime")
    assert other.returncode == 1 and "it is a driver for a store" in other.stdout, told(other)


# --- a whole stack behind the samples

YAML = """\
stack: shop
services:
  shop:
    driver: [./drivers/{runtime}, ./service.py, --data, "{{project}}/data", --db, "{{project}}/shop.db", --conf, "{{project}}/shop.conf"]
    env: {{ E2E_MARK: "{mark}", STOP_SECONDS: 3 }}
    timeout: 30s
    ready:
      http: http://127.0.0.1:{port}/health
      json: {{ status: ok }}
      timeout: 1s
      within: {within}
      every: 50ms
      consecutive: 2
stores:
  data: {{ driver: [./drivers/{store}, ./data], env: {{ LAYOUT: layout.json }} }}
  db: {{ sqlite: ./shop.db }}
config_files: [shop.conf]
upgrade:
  smoke: [{{ name: writes, run: [./smoke.py] }}]
  watch: {watch}
  watch_every: 50ms
keep: {{ points: 3, abandoned: 9, releases: 9 }}
"""


class Driven(Project):
    def __init__(self, folder, runtime="runtime.sh", store="store.sh", **options):
        self.drivers = {"runtime": runtime, "store": store}
        super().__init__(folder, **options)
        shutil.copytree(SAMPLES, self.folder / "drivers")

    def write_yaml(self, **changes):
        self.yaml |= changes
        (self.folder / "belay.yaml").write_text(
            YAML.format(port=self.port, **self.drivers, **self.yaml))


@pytest.fixture
def make_driven(tmp_path):
    made = []

    def make(name="project", mode=None, **options):
        made.append(Driven(tmp_path / name, within="5s", **options))
        made[-1].release("1.0")
        made[-1].upgrade("1.0")
        made[-1].write(3)
        if mode:
            made[-1].release("2.0", mode)
        return made[-1]

    yield make
    for project in made:
        project.end()


@pytest.mark.parametrize("ending", ["sh", "py"])
def test_a_stack_behind_the_samples_goes_forward_and_back(make_driven, ending):
    project = make_driven(runtime=f"runtime.{ending}", store=f"store.{ending}", mode="good")
    first = "\n".join(project.acknowledged)
    assert project.json("status")[0]["services"][0]["running"]
    project.upgrade("2.0")
    assert project.version() == "2.0"
    project.write(2)
    project.yaml["within"] = "2s"
    project.write_yaml()
    project.release("3.0", "damages")
    project.upgrade("3.0", status=ROLLED_BACK)
    assert project.version() == "2.0"
    assert not project.lost()
    (project.folder / "expected").write_text(first) # the person knows what goes: it is kept
    ended = project.belay("rollback", "shop", "--level", "full", "--yes")
    assert ended.returncode == DONE, told(ended)
    assert project.version() == "1.0"
    assert not project.lost() # what release 2.0 wrote is in the abandoned set
    assert len(project.processes()) == 1


@pytest.mark.parametrize("mode", ["good", "damages"])
def test_killed_at_an_effect_a_driven_stack_ends_old_or_new(make_driven, mode):
    arguments = ("upgrade", "shop", "--to", "2.0", "--yes")
    count = len(effects_of(make_driven("count", mode), *arguments))
    for place in sorted({1 + count * n // 7 for n in range(7)}):
        project = make_driven(f"at-{place}", mode)
        assert kill_at(project, f"{place}:after", *arguments)
        ended = project.belay("resume")
        assert ended.returncode in (DONE, ROLLED_BACK, NOTHING), told(ended)
        wait_until("the service answers", project.answers)
        assert project.version() in ("1.0", "2.0")
        assert not project.lost(), told(ended)
        assert len(project.processes()) == 1
        assert project.belay("resume").returncode == NOTHING
        project.end()


def test_belay_is_killed_while_a_driver_is_at_work(make_driven):
    """Its call goes on alone; resume waits for its end before it makes the next one."""
    project = make_driven(mode="good")
    sample = project.folder / "drivers/store.sh"
    text = sample.read_text()
    slow = text.replace('copied=$(digest', 'touch "$BELAY_PROJECT/working"; sleep 2; touch "$BELAY_PROJECT/ended"\n  copied=$(digest')
    assert slow != text
    sample.write_text(slow)
    project.expect()
    running = project.begin("upgrade", "shop", "--to", "2.0", "--yes")
    try:
        wait_until("the driver is at work", (project.folder / "working").exists)
    finally:
        running.kill()
        running.communicate(timeout=20)
    assert not (project.folder / "ended").exists()
    sample.write_text(text.replace("secure)\n", 'secure)\n  [ -e "$BELAY_PROJECT/ended" ] || fail 1 "two at once"\n'))
    ended = project.belay("resume")
    assert ended.returncode == DONE, told(ended)
    assert project.version() == "2.0"
    assert not project.lost()


def test_a_secret_reaches_a_driver_but_no_argv_and_no_record(make_driven):
    project = make_driven(mode="good")
    secret = project.folder / "secret"
    secret.write_text("hunter2-of-the-driver\n")
    secret.chmod(0o600)
    mine = project.folder / "drivers/store.sh"
    mine.write_text(mine.read_text().replace(
        "set -eu\n", 'set -eu\necho "$TOKEN" >"$BELAY_PROJECT/got"\necho "$*" >>"$BELAY_PROJECT/words"\n', 1))
    yaml = project.folder / "belay.yaml"
    yaml.write_text(yaml.read_text().replace("LAYOUT: layout.json", 'LAYOUT: layout.json, TOKEN: "file:./secret"'))
    ended = project.upgrade("2.0")
    assert (project.folder / "got").read_text() == "hunter2-of-the-driver\n"
    assert "hunter2" not in (project.folder / "words").read_text() + ended.stdout + ended.stderr
    for path in (project.folder / ".belay").rglob("*"):
        assert not path.is_file() or b"hunter2" not in path.read_bytes(), path
