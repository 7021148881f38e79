"""Who is told of an operation: a command, a webhook, a mail; and nobody who hangs holds it up."""
import email
import http.server
import json
import socket
import threading
import time

import pytest
from aiosmtpd.controller import Controller

from project import BLOCKED, ROLLED_BACK, told

SECRET = "tok-3f9a-very-secret"


class Webhook:
    """A real HTTP server that answers each POST with the next of `statuses` (then with 204)."""

    def __init__(self, statuses=()):
        self.got, self.statuses = [], list(statuses)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append((self.headers.get("Authorization"), json.loads(body)))
                self.send_response(outer.statuses.pop(0) if outer.statuses else 204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook/path-is-a-secret"
        self.thread = threading.Thread(target=self.server.serve_forever)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Mailbox:
    def __init__(self):
        self.mails = []

    async def handle_DATA(self, _server, _session, envelope):
        self.mails.append((envelope.rcpt_tos, email.message_from_bytes(envelope.content)))
        return "250 taken"


@pytest.fixture
def mail_server():
    box = Mailbox()
    with socket.socket() as probe:  # aiosmtpd wants to be told a port
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, port
    controller.stop()


def project_with(make_project, notify):
    project = make_project(extra=f"notify:\n{notify}")
    secret = project.folder / "token"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    project.release("1.0")
    return project


def test_a_webhook_is_told_of_the_start_and_of_the_end(make_project):
    with Webhook() as hook:
        project = project_with(make_project, f"  - {{ webhook: '{hook.url}', bearer: file:token }}\n")
        project.upgrade("1.0")
        project.release("2.0", "lying")
        project.upgrade("2.0", status=ROLLED_BACK)
        assert [(body["event"], body["to"]) for _, body in hook.got] == [
            ("start", "1.0"), ("success", "1.0"), ("start", "2.0"), ("rolled_back", "2.0")]
        assert {authorization for authorization, _ in hook.got} == {f"Bearer {SECRET}"}
        assert hook.got[-1][1]["stack"] == "shop" and hook.got[-1][1]["why"]


def test_only_what_is_asked_for_is_told_and_a_refusal_is_tried_again(make_project):
    with Webhook(statuses=[503, 503]) as hook:
        project = project_with(make_project, f"  - {{ webhook: '{hook.url}', on: [success] }}\n")
        ended = project.upgrade("1.0")
        assert [body["event"] for _, body in hook.got] == ["success"] * 3
        assert "could not be told" not in ended.stderr + ended.stdout


def test_one_who_hangs_is_a_warning_and_holds_nothing_up(make_project):
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/hook/{SECRET}"
        project = project_with(make_project, f"  - {{ webhook: '{url}', timeout: 200ms }}\n")
        begun = time.monotonic()
        ended = project.upgrade("1.0")
        assert time.monotonic() - begun < 30
        said = ended.stderr + ended.stdout
        assert "could not be told of 'success'" in said, told(ended)
        assert SECRET not in said, "the path of a webhook is often the secret itself"
        assert project.version() == "1.0"


def test_a_mail_is_sent(make_project, mail_server):
    box, port = mail_server
    project = project_with(make_project, f"  - {{ smtp: 'smtp://127.0.0.1:{port}', "
                                         "from: belay@example.org, to: [me@example.org], "
                                         "on: [rolled_back, needs_operator] }\n")
    project.upgrade("1.0")
    project.release("2.0", "lying")
    project.upgrade("2.0", status=ROLLED_BACK)
    [(receivers, mail)] = box.mails
    assert receivers == ["me@example.org"]
    assert mail["Subject"] == "belay: shop: rolled_back"
    body = mail.get_payload(decode=True).decode()
    assert "the upgrade to 2.0 went back" in body and "belay report o-" in body


def test_a_command_is_told(make_project):
    project = project_with(make_project, "  - { run: [./tell.sh] }\n")
    tell = project.folder / "tell.sh"
    tell.write_text('#!/bin/sh\necho "$BELAY_EVENT $BELAY_TO" >> told\n')
    tell.chmod(0o755)
    project.upgrade("1.0")
    (project.folder / "data").rename(project.folder / "away")
    project.release("2.0")
    assert project.belay("upgrade", "shop", "--to", "2.0", "--yes").returncode == BLOCKED
    (project.folder / "away").rename(project.folder / "data")
    assert (project.folder / "told").read_text().splitlines() == ["start 1.0", "success 1.0"]


@pytest.mark.parametrize("line,says", [
    ("{ run: [./x], on: [succesz] }", "Did you mean 'success'?"),
    ("{ smtp: 'http://x', from: a@b, to: [c@d] }", "is not a mail server"),
    ("{ smtp: 'smtp://x', from: a@b, to: [nobody] }", "is not a mail address"),
    ("{ webhook: 'http://x/', run: [./x] }", "webhook"),
])
def test_what_is_wrong_is_named_with_its_place(make_project, line, says):
    project = project_with(make_project, f"  - {line}\n")
    ended = project.belay("config")
    assert ended.returncode == 2
    assert says in ended.stderr and "belay.yaml:" in ended.stderr, told(ended)
