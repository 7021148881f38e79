"""Bad input that must end well: a message with the place and a way out, and nothing touched."""
import hashlib
import http.server
import io
import os
import tarfile
import threading

import pytest

from project import BLOCKED, DONE, ROLLED_BACK, UNCHANGED, USAGE, told

REFUSED = (UNCHANGED, USAGE, BLOCKED)


def refused(project, *words, arguments=("upgrade", "shop", "--to", "2.0", "--yes"), env=None):
    ended = project.belay(*arguments, env=env)
    assert ended.returncode in REFUSED, told(ended)
    for word in words:
        assert word in ended.stderr + ended.stdout, f"'{word}' is not said\n{told(ended)}"
    return ended


def edit(project, old, new):
    path = project.folder / "belay.yaml"
    text = path.read_text()
    assert text.count(old) == 1, f"'{old}' is {text.count(old)} times in belay.yaml"
    path.write_text(text.replace(old, new))
    return text[:text.index(old)].count("\n") + 1


def test_an_unknown_key_is_shown_with_its_place_and_the_nearest_known(project):
    line = edit(project, "stores:", "storse:")
    refused(project, f"belay.yaml:{line}:1", "storse", "stores")


def test_a_wrong_type_is_shown_with_its_place(project):
    line = edit(project, "consecutive: 2", "consecutive: often")
    refused(project, f"belay.yaml:{line}:", "often")


def test_a_missing_variable_is_named(project):
    line = edit(project, "./shop.db }", '"./${NOT_SET_ANYWHERE}.db" }')
    refused(project, f"belay.yaml:{line}:", "NOT_SET_ANYWHERE")


@pytest.mark.parametrize("mode,why", [(0o644, "can be read"), (None, "secret")])
def test_a_secret_file_must_be_there_and_ours_alone(project, mode, why):
    secret = project.folder / "secret"
    if mode is not None:
        secret.write_text("hunter2")
        secret.chmod(mode)
    edit(project, f'E2E_MARK: "{project.mark}"',
         f'E2E_MARK: "{project.mark}", PASS: "file:{secret}"')
    project.release("2.0")
    ended = refused(project, why)
    assert "hunter2" not in ended.stdout + ended.stderr
    assert project.version() == "1.0"


def test_a_release_that_does_not_exist(project):
    refused(project, "2.0")
    assert project.version() == "1.0"


def test_a_release_that_is_not_executable(project):
    (project.release("2.0") / "service.py").chmod(0o644)
    refused(project, "service.py")
    assert project.version() == "1.0"


def archive(project, label, entries):
    path = project.folder / "dist" / f"shop-{label}.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name, text, mode in entries:
            entry = tarfile.TarInfo(name)
            data = text.encode()
            entry.size, entry.mode = len(data), mode
            tar.addfile(entry, io.BytesIO(data))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def whole_release(project, label):
    folder = project.release(label)
    return [(name, (folder / name).read_text(), mode)
            for name, mode in (("service.py", 0o755), ("release.json", 0o644))]


def use_archives(project, digests):
    (project.folder / "dist/SHA256SUMS").write_text(
        "".join(f"{digest}  shop-{label}.tar.gz\n" for label, digest in digests.items()))
    edit(project, 'directory: "./dist/{to}"',
         'archive: "./dist/shop-{to}.tar.gz", checksums: ./dist/SHA256SUMS')


def test_an_archive_with_the_right_digest_is_a_release(project):
    digest = archive(project, "2.0", whole_release(project, "2.0"))
    use_archives(project, {"2.0": digest})
    project.upgrade("2.0")
    assert project.version() == "2.0"


def test_an_archive_with_the_wrong_digest_is_not_unpacked(project):
    archive(project, "2.0", whole_release(project, "2.0"))
    use_archives(project, {"2.0": "0" * 64})
    refused(project, "SHA-256", "0" * 64)
    assert project.version() == "1.0"


@pytest.mark.parametrize("name", ["../escaped", "/tmp/belay-e2e-escaped"])
def test_an_archive_that_escapes_its_folder_is_refused(project, name):
    digest = archive(project, "2.0", whole_release(project, "2.0") + [(name, "out", 0o644)])
    use_archives(project, {"2.0": digest})
    refused(project, name)
    assert not list(project.folder.rglob("escaped"))
    assert not os.path.exists("/tmp/belay-e2e-escaped")
    assert project.version() == "1.0"


def test_something_else_that_answers_on_the_port_is_not_our_service(make_project):
    project = make_project(within="1s")
    project.release("1.0", "never_ready")

    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = b'{"status": "ok", "version": "1.0"}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    other = http.server.ThreadingHTTPServer(("127.0.0.1", project.port), Other)
    thread = threading.Thread(target=other.serve_forever)
    thread.start()
    try:
        ended = project.belay("upgrade", "shop", "--to", "1.0", "--yes")
    finally:
        other.shutdown()
        thread.join()
        other.server_close()
    assert ended.returncode not in (DONE, ROLLED_BACK), told(ended)
    assert "port" in ended.stderr + ended.stdout, told(ended)


@pytest.mark.parametrize("arguments", [
    ("upgrade", "shop"), ("upgrade", "nobody", "--to", "2.0", "--yes"), ("nonsense",),
    ("upgrade", "shop", "--to", "2.0", "--bogus"), ("rollback", "shop", "--level", "sideways"),
])
def test_wrong_arguments_are_usage(project, arguments):
    ended = project.belay(*arguments)
    assert ended.returncode == USAGE, told(ended)


def test_no_belay_yaml_is_said(make_project):
    project = make_project()
    (project.folder / "belay.yaml").unlink()
    refused(project, "belay.yaml")
