"""`belay serve` and who is rude: many, slow, huge, half-open, pipelined, malformed; and TLS."""
import contextlib
import http.client
import os
import pathlib
import resource
import socket
import ssl
import subprocess

import pytest

from project import DONE, USAGE, told, wait_until
from test_access import Door, token
from test_serve import serving

LIVE = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def shop(project):
    return project


@pytest.fixture
def served(shop):
    with serving(shop, "--access", str(shop.folder / "access")) as it:
        wait_until("it is ready", lambda: it.get("/health/ready")[0] == 200)
        yield it


def call(served):
    host, port = served.address.split(":")
    return socket.create_connection((host, int(port)), 30)


def all_of(client):
    """What comes until it is closed."""
    got = b""
    with contextlib.suppress(ConnectionError):
        while piece := client.recv(65536):
            got += piece
    return got


def resident(served):
    """KiB"""
    status = pathlib.Path(f"/proc/{served.process.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


def test_two_thousand_idle_connections_cost_little_and_nothing_stays(served):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 3000:
        pytest.skip("this machine allows too few descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 3000), hard))
    before = resident(served)
    grown = []
    for _ in range(3):
        with contextlib.ExitStack() as stack:
            for number in range(2000):
                client = stack.enter_context(call(served))
                if number % 2:
                    client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: ")
            # Whole answers come while they are held.
            assert served.get("/health/live")[0] == served.get("/metrics")[0] == 200
            grown.append(resident(served) - before)
        wait_until("they are gone", lambda: len(os.listdir(f"/proc/{served.process.pid}/fd")) < 100)
    assert grown[0] < 32 * 1024, grown
    assert max(grown) < grown[0] + 4 * 1024, grown  # again takes nothing more
    assert resident(served) - before < 8 * 1024  # and nothing stays
    assert served.get("/health/live")[0] == 200


def test_more_than_there_is_room_for_keep_nobody_out(served):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 8000:
        pytest.skip("this machine allows too few descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 8000), hard))
    with contextlib.ExitStack() as stack:
        for _ in range(5000):
            stack.enter_context(call(served)).sendall(b"GET /")
        assert served.get("/health/live")[0] == 200


def test_requests_that_come_at_once_are_answered_in_turn(served):
    with call(served) as client:
        client.sendall(LIVE * 50 + LIVE.replace(b"Host: x", b"Host: x\r\nConnection: close"))
        assert all_of(client).count(b"HTTP/1.1 200 OK\r\n") == 51


@pytest.mark.parametrize("sent, statuses", [
    (b"\0" * 100_000, (b"400", b"414", b"431")), (b"GET\r\n\r\n", (b"400",)),
    (b"GET /health/live HTTP/9.9\r\nHost: x\r\n\r\n", (b"505", b"400")),
    (b"GET /health/live HTTP/1.1\r\n" + b"A: b\r\n" * 10_000 + b"\r\n", (b"431", b"413", b"400")),
    (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", (b"414", b"431", b"413")),
    (b"GET /health/live HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100_000, (b"431", b"413")),
    (b"POST /v1/stacks HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", (b"400",)),
    (b"POST /v1/stacks HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n", (b"413", b"400")),
    (b"POST /v1/stacks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n", (b"400",)),
    # Two ways to say where the body ends: what stands between may think otherwise.
    (b"GET /health/live HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", (b"400",)),
    (b"GET /health/live HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n", (b"400",)),
    (b"GET /health/live HTTP/1.1\r\nHost: x\r\nContent-Length: +0\r\n\r\n", (b"400",)),
], ids=range(12))
def test_what_is_malformed_or_huge_is_refused_and_hurts_nobody(served, sent, statuses):
    with call(served) as client:
        with contextlib.suppress(OSError):  # it may have been closed by then
            client.sendall(sent)
        got = all_of(client)
        assert not got or got.split()[1] in statuses, got[:200]
        assert b"200 OK" not in got
    assert served.get("/health/live")[0] == 200


def test_a_body_without_end_is_not_kept(served, shop):
    secret = token(shop, "create", "ci", "--role", "operator")
    before = resident(served)
    with call(served) as client:
        client.sendall(b"POST /v1/stacks/shop/plans HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " +
                       secret.encode() + b"\r\nContent-Type: application/json\r\n"
                       b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(800):
            client.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")  # 50 MiB
        client.sendall(b"0\r\n\r\n")
        assert client.recv(100).split()[1] == b"413"
    assert resident(served) - before < 8 * 1024
    with call(served) as client:  # half-open: it says that more comes, and is gone
        client.sendall(b"POST /v1/stacks/shop/plans HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
        client.shutdown(socket.SHUT_WR)  # its time runs out: see src/os/http_server_test.cpp
        assert served.get("/health/live")[0] == 200


# --- TLS

def certificate(folder, name, days=30):
    """A self-signed one of 127.0.0.1."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                    "-nodes", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt",
                    "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-days", str(days)],
                   check=True, capture_output=True)
    return (folder / f"{name}.crt").read_bytes(), (folder / f"{name}.key").read_bytes()


class SecureDoor(Door):
    def __init__(self, address, trusted, secret=None):
        super().__init__(address, secret)
        self.context = ssl.create_default_context(cadata=trusted.decode())

    def connect(self):
        return http.client.HTTPSConnection(self.address, timeout=60, context=self.context)


def shown(address):
    """The common name of the certificate that is shown."""
    host, port = address.split(":")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((host, int(port)), 30) as plain, context.wrap_socket(plain) as client:
        assert client.version() in ("TLSv1.2", "TLSv1.3")
        text = ssl.DER_cert_to_PEM_cert(client.getpeercert(binary_form=True))
    return subprocess.run(["openssl", "x509", "-noout", "-subject"], input=text, text=True,
                          capture_output=True, check=True).stdout.strip().rpartition(" ")[2]


@contextlib.contextmanager
def serving_tls(shop, listen="https://127.0.0.1:0"):
    pair = certificate(shop.folder, "one")
    with serving(shop, "--access", str(shop.folder / "access"), "--listen", listen,
                 "--tls-certificate", "one.crt", "--tls-key", "one.key") as it:
        wait_until("it shows it", lambda: it.said("valid until"))
        line = next(line for line in it.lines if "https://" in line)
        yield it, "127.0.0.1:" + line.rpartition(":")[2], pair


def test_a_certificate_is_shown_and_the_next_one_without_a_restart(shop):
    with serving_tls(shop) as (served, address, one):
        secret = token(shop, "create", "ci", "--role", "viewer")
        door = SecureDoor(address, one[0], secret)
        assert door.ask("GET", "/v1/stacks")[2]["items"][0]["stack"] == "shop"
        held = door.connect()
        held.connect()  # it goes on with what it was shown
        two = certificate(shop.folder, "two")
        # Half of it first, as whoever renews it may do: that is told, and changes nothing.
        (shop.folder / "one.crt").write_bytes(two[0])
        wait_until("it is told", lambda: served.said("the one before it stays"))
        assert shown(address) == "one"
        (shop.folder / "one.key").write_bytes(two[1])
        wait_until("the new one is shown", lambda: shown(address) == "two")
        assert SecureDoor(address, two[0], secret).status("/v1/stacks") == 200
        held.request("GET", "/v1/stacks", headers={"Authorization": "Bearer " + secret})
        assert held.getresponse().status == 200
        held.close()
        (shop.folder / "one.key").unlink()
        wait_until("it is told", lambda: served.said("the certificate before it stays"))
        assert shown(address) == "two"
        assert secret not in "".join(served.lines) and "PRIVATE" not in "".join(served.lines)


def test_old_protocols_and_rubbish_are_refused(shop):
    with serving_tls(shop) as (served, address, _):
        host, port = address.split(":")
        for option in ("-tls1", "-tls1_1"):
            done = subprocess.run(["openssl", "s_client", option, "-cipher", "ALL:@SECLEVEL=0", "-connect", address],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True)
            assert done.returncode != 0 and "BEGIN CERTIFICATE" not in done.stdout, option
        with contextlib.ExitStack() as stack:
            for number in range(200):
                client = stack.enter_context(socket.create_connection((host, int(port)), 30))
                client.sendall(LIVE if number % 2 else b"\x16\x03\x01\x7f\xff")
            assert shown(address) == "one"
            assert served.get("/health/live")[0] == 200


def test_from_elsewhere_nobody_sees_anything_without_a_token(shop):
    with serving_tls(shop, "https://0.0.0.0:0") as (served, address, one):
        nobody = SecureDoor(address, one[0])
        assert nobody.ask("GET", "/health/live")[0] == 200
        for path in ("/healthz", "/metrics", "/v1/stacks", "/nothing"):
            assert nobody.status(path) == 401, path
        some = SecureDoor(address, one[0], token(shop, "create", "a", "--role", "viewer", "--stack", "shop"))
        assert some.status("/metrics") == 403 and some.status("/v1/stacks") == 200
        everything = SecureDoor(address, one[0], token(shop, "create", "b", "--role", "viewer"))
        assert everything.status("/healthz") == 200
        assert served.get("/metrics")[0] == 200  # on this machine as before


@pytest.mark.parametrize("arguments, words", [
    (["--listen", "https://0.0.0.0:0"], "https needs a certificate"),
    (["--listen", "http://0.0.0.0:0"], "is not of this machine alone"),
    (["--tls-certificate", "one.crt", "--tls-key", "one.key"], "nothing listens that would show"),
    (["--listen", "https://127.0.0.1:0", "--tls-certificate", "one.crt"], "--tls-key"),
    (["--listen", "https://127.0.0.1:0", "--tls-certificate", "one.crt", "--tls-key", "two.key"], "cannot be used together"),
    (["--listen", "https://127.0.0.1:0", "--tls-certificate", "belay.yaml", "--tls-key", "one.key"], "cannot be used"),
    (["--listen", "https://127.0.0.1:0", "--tls-certificate", "none.crt", "--tls-key", "one.key"], "none.crt"),
])
def test_what_cannot_be_served_is_told(shop, arguments, words):
    certificate(shop.folder, "one")
    certificate(shop.folder, "two")
    ended = shop.belay("serve", "--socket", str(shop.folder / "s.sock"), *arguments)
    assert ended.returncode not in (DONE, 134) and words in ended.stderr, told(ended)
    assert ended.returncode == USAGE or "none.crt" in words
