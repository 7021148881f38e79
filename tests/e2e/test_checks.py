"""The checks before an upgrade: what they find, that they say what to do, and how they are answered."""
import base64
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import tarfile
import time

import pytest

from project import BLOCKED, DONE, ROLLED_BACK, USAGE, told, wait_until
from test_kill import kill_at


def needs_root():
    if os.geteuid() != 0:
        pytest.skip("needs root")


def checks(ended, name):
    """What a plan in JSON says of one check: [(level, text)]."""
    return [(one["level"], one["text"]) for one in json.loads(ended.stdout)["checks"]
            if one["check"] == name]


def planned(project, to="2.0", *arguments, **more):
    return project.belay("--json", "plan", "shop", "--to", to, *arguments, **more)


def found(project, name, to="2.0", *arguments, **more):
    return checks(planned(project, to, *arguments, **more), name)


def preflight(project, text):
    project.write_yaml(extra="preflight:\n" + "".join(f"  {line}\n" for line in text.splitlines()))


def text_of(project, name, level, to="2.0", **more):
    """The one finding of this level."""
    texts = [text for each, text in found(project, name, to, **more) if each == level]
    assert len(texts) == 1, found(project, name, to, **more)
    return texts[0]


# --- all of them

def test_every_check_is_told_by_check_plan_and_json(project):
    project.release("2.0")
    ended = project.belay("check")
    assert ended.returncode == DONE, told(ended)
    for name in ("disk", "memory", "open-files", "placeholders", "claims", "other-hands"):
        assert f"ok         {name}: " in ended.stdout, told(ended)
    ended = project.belay("plan", "--to", "2.0")
    assert ended.returncode == DONE, told(ended)
    assert "checked    disk, memory, open-files" in ended.stdout, told(ended)
    ended = planned(project)
    assert {"disk", "memory", "clock"} <= {one["check"] for one in json.loads(ended.stdout)["checks"]}


def test_a_level_makes_a_blocker_a_warning_or_nothing(project):
    project.release("2.0")
    required = "required: [NEEDED_BY_HAND]\n"
    preflight(project, required)
    ended = project.belay("upgrade", "--to", "2.0", "--yes")
    assert ended.returncode == BLOCKED, told(ended)
    assert "environment: NEEDED_BY_HAND is required" in ended.stderr, told(ended)
    assert project.version() == "1.0"
    preflight(project, required + "levels: { environment: warn }\n")
    assert found(project, "environment")[0][0] == "warning"
    preflight(project, required + "levels: { environment: off }\n")
    assert not found(project, "environment")
    preflight(project, "levels: { disk: off }\n")
    ended = planned(project)
    assert ended.returncode == USAGE, told(ended)
    assert "'preflight.levels.disk' must be one of block, warn" in ended.stderr, told(ended)


# --- the machine

def test_a_disk_is_judged_by_what_this_upgrade_needs(make_project, small_disk):
    needs_root()
    project = make_project(folder=small_disk(24))
    project.release("1.0")
    preflight(project, "disk_margin: 1MiB\n")
    project.upgrade("1.0")
    project.release("2.0")
    assert {level for level, _ in found(project, "disk")} == {"ok"}
    preflight(project, "disk_margin: 23MiB\n")
    assert "the margin is 23.0 MiB: free some more" in text_of(project, "disk", "warning")
    (project.folder / "data/big").write_bytes(os.urandom(7 << 20))
    (project.folder / "dist/2.0/big").write_bytes(os.urandom(5 << 20))
    text = text_of(project, "disk", "blocker")  # the copy would fit, the release too, not both
    for part in ("the copy of store 'data' 7.0 MiB", "the release of 'shop' 5.0 MiB", "records"):
        assert part in text, text
    ended = project.belay("upgrade", "--to", "2.0", "--yes")
    assert ended.returncode == BLOCKED, told(ended)
    assert project.version() == "1.0"
    (project.folder / "dist/2.0/big").unlink()
    project.upgrade("2.0")


def test_each_file_system_is_judged_alone(make_project, small_disk):
    needs_root()
    project = make_project()
    disk = small_disk(8)
    shutil.move(project.folder / "data", disk / "data")
    (project.folder / "data").symlink_to(disk / "data")
    (disk / "data/big").write_bytes(os.urandom(5 << 20))
    project.release("1.0")
    assert str(disk) in text_of(project, "disk", "blocker", to="1.0")


def test_an_archive_is_measured_unpacked(make_project):
    project = make_project(service_extra="")
    yaml = project.folder / "belay.yaml"
    yaml.write_text(yaml.read_text().replace('directory: "./dist/{to}"',
                                             'archive: "./dist/{to}.tgz", checksums: ./dist/sums'))
    folder = project.release("1.0")
    (folder / "zeros").write_bytes(b"\0" * (20 << 20))  # packs to nothing
    (folder / ".env.example").write_text("NEW_IN_ARCHIVE=\n")
    with tarfile.open(project.folder / "dist/1.0.tgz", "w:gz") as made:
        made.add(folder, arcname="shop-1.0")
    sums = subprocess.run(["sha256sum", "1.0.tgz"], cwd=project.folder / "dist", check=True,
                          capture_output=True, text=True)
    (project.folder / "dist/sums").write_text(sums.stdout)
    assert any("the release of 'shop' 20.0 MiB" in text for _, text in found(project, "disk", "1.0"))
    assert "newly needs NEW_IN_ARCHIVE" in text_of(project, "environment", "blocker", "1.0")


def test_a_lower_limit_of_open_files_is_told(project):
    project.release("2.0")
    ended = subprocess.run(["prlimit", "--nofile=64:1024", str(os.environ.get(
        "BELAY_BIN", pathlib.Path(__file__).resolve().parents[2] / "build/release/apps/belay/belay")),
        "--json", "plan", "--to", "2.0"], cwd=project.folder, capture_output=True, text=True,
        check=False)
    assert any(level == "warning" and "ulimit -n" in text
               for level, text in checks(ended, "open-files")), told(ended)


def test_a_clock_behind_the_newest_record_blocks(project):
    project.release("2.0")
    for path in (project.folder / ".belay/generations").glob("*.json"):
        path.write_text(path.read_text().replace(time.strftime('"at": "%Y-'), '"at": "2099-'))
    assert "before the newest record" in text_of(project, "clock", "blocker")


# --- variables, secrets, licenses

def test_variables_between_two_releases(project):
    project.release("2.0")
    (project.folder / ".env").write_text("SET_ALREADY=1\nSECRET_TOKEN=v4lue-of-secret\n")
    (project.folder / "dist/2.0/.env.example").write_text(
        "SET_ALREADY=\nBRAND_NEW=\nWITH_DEFAULT=blue\n")
    (project.folder / "dist/2.0/docker-compose.yml").write_text(
        'services: { a: { image: "x:${TAG:?needed}", command: "${OPTIONAL:-1}" } }\n')
    preflight(project, "env_files: [.env]\n")
    assert "newly needs BRAND_NEW, TAG: set it" in text_of(project, "environment", "blocker") or \
        "newly needs TAG, BRAND_NEW: set it" in text_of(project, "environment", "blocker")
    assert "WITH_DEFAULT" in text_of(project, "environment", "warning")
    (project.folder / ".env").write_text("SET_ALREADY=1\nBRAND_NEW=1\nTAG=1\nWITH_DEFAULT=1\n"
                                         "OPTIONAL=1\n")
    assert {level for level, _ in found(project, "environment")} == {"ok"}
    project.upgrade("2.0")
    project.release("3.0")
    (project.folder / "dist/3.0/.env.example").write_text("SET_ALREADY=\n")
    assert "no longer knows" in text_of(project, "environment", "warning", "3.0")


def test_a_placeholder_is_named_and_no_secret_is_printed(project):
    project.release("2.0")
    (project.folder / ".env").write_text(
        "DB_PASSWORD=CHANGE_ME\nURL=postgres://u:changeme-x7q@h/d\nAPI_KEY=r34l-s3cret\nMODE=TODO\n")
    preflight(project, "env_files: [.env]\n")
    text = text_of(project, "placeholders", "blocker")
    assert text.startswith("DB_PASSWORD, URL in "), text
    assert "MODE in" in text_of(project, "placeholders", "warning")
    for ended in (project.belay("check"), planned(project)):
        for secret in ("r34l", "x7q", "CHANGE_ME"):
            assert secret not in ended.stdout + ended.stderr, told(ended)


def jwt(**claims):
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256"}, claims)] + [b"signature"]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def test_a_license_must_outlive_the_upgrade(project):
    project.release("2.0")
    path = project.folder / "license.jwt"
    preflight(project, "licenses: [{ name: shop, token: \"file:./license.jwt\", claims: [license_id] }]\n")

    def put(text):
        path.write_text(text)
        path.chmod(0o600)

    day = 86400
    put(jwt(license_id="l", exp=time.time() + 40 * day))
    assert "is valid until" in text_of(project, "license", "ok")
    put(jwt(license_id="l", exp=time.time() + 20 * day))
    assert "renew it soon" in text_of(project, "license", "warning")
    put(jwt(license_id="l", exp=time.time() + day / 2))
    assert "within the margin" in text_of(project, "license", "blocker")
    put(jwt(license_id="l", exp=time.time() - day))
    assert "expired on" in text_of(project, "license", "blocker")
    put(jwt(exp=time.time() + 40 * day))
    assert "has no claim license_id" in text_of(project, "license", "blocker")
    put("not-a-token-at-all")
    text = text_of(project, "license", "blocker")
    assert "not a well-formed JWT" in text and "not-a-token" not in text, text
    path.unlink()
    assert "cannot be read" in text_of(project, "license", "blocker")


# --- places and other hands

def git(folder, *arguments):
    subprocess.run(["git", "-c", "core.fsmonitor=false", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", folder,
                    *arguments], check=True, capture_output=True)


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
def test_a_release_from_a_dirty_checkout_is_refused(project):
    folder = project.release("2.0")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "first")
    # What a checkout's own configuration names must never be run.
    hook = project.folder / "hook"
    hook.write_text(f"#!/bin/sh\ntouch '{project.folder}/ran'\n")
    hook.chmod(0o755)
    git(folder, "config", "core.fsmonitor", str(hook))
    assert "is as committed" in text_of(project, "git", "ok")
    (folder / "service.py").write_text((folder / "service.py").read_text() + "\n# hot fix\n")
    assert "in no commit: service.py" in text_of(project, "git", "blocker")
    git(folder, "checkout", "--", ".")
    (folder / "extra").write_text("x")
    assert "in no commit: extra" in text_of(project, "git", "blocker")
    assert not (project.folder / "ran").exists()


def test_backups_inside_a_store_are_found(project):
    project.release("2.0")
    (project.folder / "data/backups").mkdir()
    (project.folder / "data/backups/km-backup-1.tgz").write_text("x")
    assert "seems to hold backups of its own" in text_of(project, "backups", "warning")
    preflight(project, "backups: [./data/backups]\n")
    assert any(level == "blocker" and "each copy would hold all earlier ones" in text
               for level, text in found(project, "backups"))
    preflight(project, "backups: [./none]\n")
    assert any("does not exist" in text for _, text in found(project, "backups"))


def test_two_stacks_must_not_claim_one_store(project):
    project.release("2.0")
    other = project.folder / "belay.production.yaml"
    other.write_text("stack: production\nstate: ./.other\nstores: { d: { directory: ./data } }\n")
    assert "each would bring back over the other" in text_of(project, "claims", "blocker")
    other.unlink()
    for name in ("docker-compose.yml", "docker-compose.production.yml"):
        (project.folder / name).write_text(
            "services: { db: { image: x, volumes: ['./data:/d', 'pg:/v'] } }\n")
    texts = [text for _, text in found(project, "claims")]
    assert any("both claim" in text and "volume pg" in text for text in texts), texts
    assert any("which is store 'data'" in text for text in texts), texts


@contextlib.contextmanager
def own_cron(project):
    """A mount namespace in which /etc/cron.d is a folder of the project; for commands run in it."""
    needs_root()
    cron = project.folder / "cron.d"
    cron.mkdir()
    holder = subprocess.Popen(["unshare", "-m", "--propagation", "private", "sh", "-c",
                               'mount --bind "$0" /etc/cron.d && echo up && read -r _', str(cron)],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    if holder.stdout.readline() != "up\n":
        holder.wait(10)
        pytest.skip("cannot make a mount namespace here")
    try:
        yield cron, ["nsenter", "-m", "-t", str(holder.pid), f"--wd={project.folder}"]
    finally:
        holder.communicate("\n", timeout=10)


def test_a_cron_watchdog_blocks_until_it_is_held(project, monkeypatch):
    import project as module  # the binary is called through nsenter
    project.release("2.0")
    with own_cron(project) as (cron, inside):
        def belay(*arguments):
            return subprocess.run([*inside, module.BELAY, *arguments], cwd=project.folder,
                                  capture_output=True, text=True, check=False, timeout=60)

        script = project.folder / "watchdog.sh"
        script.write_text(f"#!/bin/sh\ncd {project.folder}\ndocker compose up -d\n")
        (cron / "watchdog").write_text(f"*/2 * * * * root {script}\n")
        project.expect()
        ended = belay("upgrade", "shop", "--to", "2.0", "--yes")
        assert ended.returncode == BLOCKED, told(ended)
        assert "cron line 1 of '/etc/cron.d/watchdog'" in ended.stderr, told(ended)
        assert "preflight.hold" in ended.stderr, told(ended)
        seen = project.folder / "seen"
        hook = project.folder / "look"
        hook.write_text(f"#!/bin/sh\nls /etc/cron.d > {seen}\n")
        hook.chmod(0o755)
        preflight(project, "hold: [/etc/cron.d/watchdog]\n")
        yaml = project.folder / "belay.yaml"
        yaml.write_text(yaml.read_text() + "hooks: { post_secure: [{ run: [./look] }] }\n")
        ended = belay("upgrade", "shop", "--to", "2.0", "--yes")
        assert ended.returncode == DONE, told(ended)
        assert seen.read_text() == "watchdog.belay-held\n"
        assert os.listdir(cron) == ["watchdog"]
        assert project.version() == "2.0"


def test_a_held_file_is_let_go_after_a_crash(make_project):
    """The folder of a held file is called like cron's; that is enough to be held."""
    project = make_project()
    cron = project.folder / "cron.d"
    cron.mkdir()
    (cron / "watchdog").write_text("# nothing\n")
    preflight(project, f"hold: [{cron}/watchdog]\n")
    project.release("1.0")
    project.upgrade("1.0")
    project.write()
    project.release("2.0")
    mark = project.folder / "paused"
    held = project.begin("upgrade", "shop", "--to", "2.0", "--yes", "--until", "secure")
    held.communicate(timeout=60)
    assert os.listdir(cron) == ["watchdog.belay-held"]
    assert kill_at(project, "2:before", "resume") or not mark.exists()
    assert os.listdir(cron) == ["watchdog.belay-held"]
    ended = project.belay("abort")
    assert ended.returncode == ROLLED_BACK, told(ended)
    assert os.listdir(cron) == ["watchdog"]
    assert project.version() == "1.0"
    assert not project.lost()


def test_a_held_cron_line_comes_back_alone_after_a_crash(make_project):
    """Whatever else is written into the crontab meanwhile stays."""
    project = make_project()
    crontab = project.folder / "spool/root"
    crontab.parent.mkdir()
    line = "*/2 * * * * /opt/watchdog.sh"
    crontab.write_text(f"# mine\n{line}\n@daily tar /home\n")
    crontab.chmod(0o640)
    preflight(project, f"hold_lines: [{{ crontab: {crontab}, with: /opt/watchdog.sh }}]\n")
    project.release("1.0")
    project.upgrade("1.0")
    assert crontab.read_text() == f"# mine\n{line}\n@daily tar /home\n"
    project.write()
    project.release("2.0")
    ended = project.belay("upgrade", "shop", "--to", "2.0", "--yes", "--until", "secure")
    held = crontab.read_text().splitlines()
    assert held[1].startswith("# held by belay (shop, o-") and held[1].endswith(f"): {line}"), held
    assert crontab.stat().st_mode & 0o777 == 0o640
    kept = list((project.folder / ".belay/run").glob("held-o-*"))
    assert [each.read_text() for each in kept] == [f"# mine\n{line}\n@daily tar /home\n"], told(ended)
    crontab.write_text("# theirs\n" + crontab.read_text().replace("@daily", "@weekly"))
    mark = project.folder / "paused"
    assert kill_at(project, "2:before", "resume") or not mark.exists()
    assert line not in crontab.read_text().splitlines()
    ended = project.belay("abort")
    assert ended.returncode == ROLLED_BACK, told(ended)
    assert crontab.read_text() == f"# theirs\n# mine\n{line}\n@weekly tar /home\n"
    assert not list((project.folder / ".belay/run").glob("held-o-*"))
    assert project.version() == "1.0"
    assert not project.lost()


# --- evidence

def test_release_notes_are_acknowledged_by_the_size_of_the_step(project):
    for label in ("1.0.1", "1.1", "2.0"):
        project.release(label)
    preflight(project, "levels: { release-notes: block }\n")
    assert found(project, "release-notes", "1.0.1")[0][0] == "ok"
    assert found(project, "release-notes", "1.1")[0][0] == "warning"
    assert found(project, "release-notes", "2.0")[0][0] == "blocker"
    ended = project.belay("upgrade", "shop", "--to", "2.0", "--yes")
    assert ended.returncode == BLOCKED, told(ended)
    assert "--ack release-notes" in ended.stderr, told(ended)
    project.upgrade("2.0", "--ack", "release-notes")
    report = project.belay("report").stdout
    assert "given: release-notes = acknowledged" in report, report


def test_evidence_is_asked_for_and_recorded(project):
    for label in ("1.0.1", "2.0"):
        project.release(label)
    preflight(project, """\
evidence:
  - { name: ci, wanted: "{to}" }
  - { name: owner, from: major }
  - { name: drill, file: ./drill.txt, max_age: 30d }
""")
    texts = [text for level, text in found(project, "evidence", "1.0.1") if level == "blocker"]
    assert len(texts) == 2 and "give it with --evidence ci=VALUE" in texts[0], texts
    (project.folder / "drill.txt").write_text(time.strftime("%Y-%m-%d restored in 12 minutes\n"))
    given = ("--evidence", "ci=https://ci.example/2.0 green")
    ended = planned(project, "2.0", *given)
    assert [text for level, text in checks(ended, "evidence") if level == "blocker"] == [
        "'owner' is missing: give it with --evidence owner=VALUE"], told(ended)
    ended = project.belay("plan", "--to", "2.0", *given, "--evidence", "owner=Ada", "-o", "plan.json")
    assert ended.returncode == DONE, told(ended)
    ended = project.belay("upgrade", "--plan", "plan.json", "--evidence", "owner=Bob")
    assert ended.returncode == USAGE, told(ended)
    project.expect()
    ended = project.belay("upgrade", "--plan", "plan.json")
    assert ended.returncode == DONE, told(ended)
    report = json.loads(project.belay("--json", "report").stdout)
    assert {"name": "owner", "value": "Ada"} in report["given"], report["given"]
    assert "evidence: 'drill' is" in project.belay("report").stdout
    (project.folder / "drill.txt").write_text("2020-01-01 long ago\n")
    project.release("2.0.1")
    assert any("older than" in text for _, text in found(project, "evidence", "2.0.1", *given))


def test_outside_of_the_window_only_an_acknowledged_upgrade_begins(project):
    project.release("2.0")
    hour = time.gmtime().tm_hour
    window = f'windows: [{{ from: "{(hour + 2) % 24:02}:00", to: "{(hour + 3) % 24:02}:00" }}]\n'
    preflight(project, window)
    ended = project.belay("upgrade", "shop", "--to", "2.0", "--yes")
    assert ended.returncode == BLOCKED, told(ended)
    assert "outside of the window" in ended.stderr, told(ended)
    project.upgrade("2.0", "--ack", "window")
    preflight(project, 'windows: [{ from: "22:00", to: "25:00" }]\n')
    ended = planned(project)
    assert ended.returncode == USAGE and "no time of the day" in ended.stderr, told(ended)


def test_bad_options_are_refused(project):
    project.release("2.0")
    ended = planned(project, "2.0", "--evidence", "ci")
    assert ended.returncode == USAGE and "NAME=VALUE" in ended.stderr, told(ended)
    preflight(project, "hold: [/etc/passwd]\n")
    ended = planned(project)
    assert ended.returncode == USAGE and "cannot be held" in ended.stderr, told(ended)
    wait_until("the service still answers", project.answers)
