"""belay support: all of an operation in one archive, with secrets planted everywhere and found nowhere."""
import base64
import json
import os
import stat
import tarfile
import urllib.parse

import pytest

from project import BLOCKED, DONE, ROLLED_BACK, UNCHANGED, told

PEM_LINE = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj"
# Where each was planted, and what it is. Each is told by the service in its log too.
PLANTED = {
    "literal in env": "Lit-env-4711-zebra",
    "file: in env": "fil\"e-env/4712 käfer",
    "env: in env": "Env-env-4713-otter",
    "variable in env_file": "Dot-env-4714-lemur",
    "variable in a URL": "url-var-4715-tapir",
    "URL userinfo": "url-user-4716-moose",
    "bearer of a check": "bea-rer-4717-koala",
    "header of a check": "hea-der-4718-panda",
    "token of a webhook": "web-tok-4719-camel",
    "path of a webhook": "web-path-4720-hippo",
    "config file": "conf-4721-sloth",
    "environment of belay": "bel-env-4722-rhino",
}
# Never in any config: only what they look like gives them away.
SPOKEN = {
    "JWT": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZSJ9.sig-4723-whale",
    "URL": "spoken-4724-shark",
    "header": "spoken-4725-eagle",
    "password": "spoken-4726-raven",
    "flag": "spoken-4727-finch",
    "key": PEM_LINE,
}

LOUD = """\
import os, sys
for line in open(os.environ["LOUD_FILE"], encoding="utf-8"):
    print("service says", line.rstrip("\\n"), flush=True)
print('{"password": "%(password)s", "user": "me"}')
print("connect postgres://app:%(URL)s@db/shop then Authorization: Bearer %(header)s")
print("run ./x --token %(flag)s with %(JWT)s")
print("-----BEGIN PRIVATE KEY-----\\n%(key)s\\n-----END PRIVATE KEY-----", flush=True)
""" % SPOKEN

HOOK = """\
#!/usr/bin/python3
import os, pathlib
# What a child of belay is called with: nothing of it may be a secret.
for entry in pathlib.Path("/proc").glob("[0-9]*"):
    try:
        if os.getsid(int(entry.name)) == os.getsid(0) or int(entry.name) == os.getppid():
            with open("argv", "ab") as log:
                log.write((entry / "cmdline").read_bytes() + b"\\n")
    except OSError:
        pass
"""

SERVICE_ENV = """\
    env:
      E2E_MARK: "{mark}"
      LOUD_FILE: "{loud}"
      API_TOKEN: "{literal}"
      FROM_FILE: file:secret-file
      FROM_ENV: env:PLAIN_NAME
      FROM_VARIABLE: "${{DOT_SECRET}}"
      UPSTREAM: "http://up.example.org/?q=${{URL_TOKEN}}"
      DATABASE: "postgres://app:{user}@db/shop"
"""


@pytest.fixture
def planted(make_project):
    project = make_project(extra="""\
env_file: .env
hooks:
  post_secure: [ { run: [./look.py], timeout: 20s } ]
  post_start: [ { run: [./look.py], timeout: 20s } ]
notify:
  - { webhook: "http://127.0.0.1:9/hooks/%s", bearer: file:webhook-token, on: [success] }
""" % PLANTED["path of a webhook"])
    folder = project.folder
    config = folder / "belay.yaml"
    env = SERVICE_ENV.format(mark=project.mark, loud=folder / "loud",
                             literal=PLANTED["literal in env"], user=PLANTED["URL userinfo"])
    text = config.read_text().replace(f'    env: {{ E2E_MARK: "{project.mark}" }}\n', env)
    assert "API_TOKEN" in text
    text = text.replace("upgrade:\n", f"""\
checks:
  - name: ops
    http: http://127.0.0.1:{project.port}/ops
    bearer: file:check-token
    headers: {{ X-Api-Key: "{PLANTED['header of a check']}" }}
upgrade:
""")
    config.write_text(text)
    for name, secret in (("secret-file", "file: in env"), ("webhook-token", "token of a webhook"),
                         ("check-token", "bearer of a check")):
        (folder / name).write_text(PLANTED[secret] + "\n")
        (folder / name).chmod(0o600)
    (folder / ".env").write_text(f"DOT_SECRET={PLANTED['variable in env_file']}\n"
                                 f"URL_TOKEN={PLANTED['variable in a URL']}\n")
    conf = json.loads((folder / "shop.conf").read_text())
    (folder / "shop.conf").write_text(
        json.dumps(conf | {"smtp_password": PLANTED["config file"]}, indent=1))
    (folder / "look.py").write_text(HOOK)
    (folder / "look.py").chmod(0o755)
    (folder / "loud").write_text("nothing yet\n")
    project.env = {"PLAIN_NAME": PLANTED["env: in env"],
                   "BELAY_TEST_PASSWORD": PLANTED["environment of belay"]}
    return project


def release(project, label, mode="good"):
    """A release whose service tells all the secrets in its log."""
    folder = project.release(label, mode)
    text = (folder / "service.py").read_text()
    mark = 'print(f"service {release[\'version\']} ({MODE}) begins", flush=True)\n'
    assert mark in text
    (folder / "service.py").write_text(text.replace(mark, mark + LOUD))


def forms(secret):
    """A secret as it is, and as it looks inside of JSON, of a URL and of a Basic header."""
    yield secret
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield urllib.parse.quote(secret, safe="")
    yield base64.b64encode(secret.encode()).decode().rstrip("=")


def leaks(text, secrets):
    return [where for where, secret in secrets.items() if any(form in text for form in forms(secret))]


def unpacked(path):
    with tarfile.open(path, "r:gz") as archive:
        assert all(member.isfile() and member.mode == 0o600 for member in archive)
        return {member.name: archive.extractfile(member).read().decode() for member in archive}


def support(project, *arguments):
    ended = project.belay("support", *arguments, env=project.env)
    assert ended.returncode == DONE, told(ended)
    return ended


def test_secrets_planted_everywhere_are_nowhere_in_the_bundle(planted):
    release(planted, "1.0")
    planted.upgrade("1.0", env=planted.env)
    (planted.folder / "loud").write_text("\n".join(PLANTED.values()) + "\n", encoding="utf-8")
    release(planted, "2.0", "never_ready")
    config = planted.folder / "belay.yaml"
    config.write_text(config.read_text().replace("within: 5s", "within: 1s"))
    planted.upgrade("2.0", status=ROLLED_BACK, env=planted.env)
    log = (planted.folder / ".belay/log/shop.log").read_text(encoding="utf-8")
    assert set(leaks(log, PLANTED | SPOKEN)) == set(PLANTED | SPOKEN), "the service told them all"

    # Nor in what belay keeps and shows of it, where the ends of that log stand too.
    report = planted.belay("report", env=planted.env)
    kept = [(file.name, file.read_text(encoding="utf-8", errors="replace"))
            for file in (planted.folder / ".belay/operations").rglob("*")
            if file.is_file() and file.name in ("journal", "report.json", "plan.json")]
    assert "service says" in report.stdout, "the report shows the end of the log"
    for name, text in [("report", report.stdout), *kept]:
        assert leaks(text, PLANTED | SPOKEN) == [], name

    ended = support(planted)
    [path] = planted.folder.glob("belay-support-o-*.tar.gz")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    files = unpacked(path)
    for name, text in files.items():
        assert leaks(text, PLANTED | SPOKEN) == [], name
    assert leaks(ended.stdout + ended.stderr, PLANTED | SPOKEN) == []
    names = {name.partition("/")[2] for name in files}
    assert names >= {"README.txt", "report.txt", "report.json", "plan.json", "journal.jsonl",
                     "config.yaml", "status.json", "versions.txt", "system.txt", "logs/shop.log"}
    by_name = {name.partition("/")[2]: text for name, text in files.items()}
    assert "service says" in by_name["logs/shop.log"]
    assert "rolled_back" in by_name["report.txt"]
    assert json.loads(by_name["status.json"])["stack"] == "shop"
    assert json.loads(by_name["plan.json"])["to"] == "2.0"
    assert all(json.loads(line) for line in by_name["journal.jsonl"].splitlines())
    assert "file:" in by_name["config.yaml"] and "env:PLAIN_NAME" in by_name["config.yaml"]


def test_belay_itself_tells_no_secret_that_it_was_given(planted):
    release(planted, "1.0")
    ended = planted.upgrade("1.0", env=planted.env)
    said = ended.stdout + ended.stderr
    for arguments in (("plan", "shop", "--to", "1.0"), ("--json", "plan", "shop", "--to", "1.0"),
                      ("report",), ("--json", "report"), ("history",), ("status",)):
        shown = planted.belay(*arguments, env=planted.env)
        said += shown.stdout + shown.stderr
    [operation] = (planted.folder / ".belay/operations").iterdir()
    said += (operation / "journal").read_text() + (operation / "plan.json").read_text()
    assert leaks(said, PLANTED) == []
    argv = (planted.folder / "argv").read_text()
    assert "look.py" in argv and "upgrade" in argv
    assert leaks(argv, PLANTED) == []


def test_it_never_replaces_a_file(planted):
    release(planted, "1.0")
    planted.upgrade("1.0", env=planted.env)
    support(planted, "--output", "mine.tar.gz")
    before = (planted.folder / "mine.tar.gz").read_bytes()
    again = planted.belay("support", "--output", "mine.tar.gz", env=planted.env)
    assert again.returncode == BLOCKED and "exists" in again.stderr, told(again)
    assert (planted.folder / "mine.tar.gz").read_bytes() == before
    os.symlink("nowhere", planted.folder / "link.tar.gz")
    link = planted.belay("support", "--output", "link.tar.gz", env=planted.env)
    assert link.returncode == BLOCKED, told(link)
    assert not (planted.folder / "nowhere").exists()
    assert not list(planted.folder.glob("*.part-*"))


def test_an_operation_that_is_not_there(project):
    ended = project.belay("support", "o-none")
    assert ended.returncode == UNCHANGED and "belay history" in ended.stderr, told(ended)
    assert not list(project.folder.glob("belay-support-*"))


def test_a_broken_config_and_a_damaged_journal_are_in_it(project):
    (project.folder / "belay.yaml").write_text("stack: [\n")
    [operation] = (project.folder / ".belay/operations").iterdir()
    journal = operation / "journal"
    lines = journal.read_bytes().split(b"\n")
    lines[1] = lines[1][:-3] + b"xxx"
    journal.write_bytes(b"\n".join(lines))
    [made] = project.json("support")
    files = {name.partition("/")[2]: text for name, text in unpacked(made["path"]).items()}
    assert "config-now.yaml" in files["missing.txt"] and "journal.jsonl" in files["missing.txt"]
    assert "xxx" in files["journal-damaged.txt"] and "config.yaml" in files
    assert made["missing"]
