#!/usr/bin/python3
"""A private PostgreSQL server for tests: made, run, and always stopped and removed again.

    postgres_server.py --parent PID --ready FILE [--set name=value]...

Once it takes connections FILE holds lines `name value`: socket (folder), port (of the socket, and of
127.0.0.1, where passwords are asked for), tools (folder of the server's programs), data. Local
connections are trusted; the superuser is `postgres`. It ends at SIGTERM, or when PID is gone.
PostgreSQL refuses to run as root, so that root becomes another user for it.
"""
import argparse
import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time


def tools_folder():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"), key=lambda path: int(path.split("/")[4]))
    if found:
        return os.path.dirname(found[-1])
    server = shutil.which("postgres")
    if not server:
        sys.exit("postgres_server: no PostgreSQL server is installed: run scripts/setup test")
    return os.path.dirname(os.path.realpath(server))


def server_user():
    """Who runs the server; None for ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    sys.exit("postgres_server: neither a user 'postgres' nor 'nobody' is here")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    def __init__(self, options):
        self.options = options
        self.user = server_user()
        self.tools = tools_folder()
        self.folder = tempfile.mkdtemp(prefix="belay-pg-", dir="/tmp")
        self.data = self.folder + "/data"
        self.process = None
        if self.user:
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)

    def spawn(self, argv, **more):
        if self.user:
            more.update(user=self.user.pw_uid, group=self.user.pw_gid, extra_groups=[])
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": self.folder}
        return subprocess.Popen(argv, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, **more)

    def make(self):
        log = open(self.folder + "/initdb.log", "w+", encoding="utf-8")
        made = self.spawn([self.tools + "/initdb", "--no-sync", "--no-instructions", "-A", "trust", "-U", "postgres",
                           "-E", "UTF8", "--locale=C.UTF-8", "-k", self.data], stdout=log, stderr=log)
        if made.wait() != 0:
            log.seek(0)
            sys.exit("postgres_server: initdb failed: " + log.read())
        with open(self.data + "/pg_hba.conf", "w", encoding="utf-8") as rules:
            rules.write("local all all trust\nlocal replication all trust\nhost all all 127.0.0.1/32 scram-sha-256\n")

    def start(self):
        settings = ["fsync=off", "listen_addresses=127.0.0.1", "unix_socket_directories=" + self.folder,
                    "shared_buffers=32MB", "max_connections=60", "max_wal_size=256MB", "logging_collector=off",
                    "max_prepared_transactions=4", *self.options.set]
        for _ in range(5):
            port = free_port()
            argv = [self.tools + "/postgres", "-D", self.data, "-p", str(port)]
            for each in settings:
                argv += ["-c", each]
            log = open(self.folder + "/server.log", "ab")
            self.process = self.spawn(argv, stdout=log, stderr=log)
            while self.process.poll() is None:
                if not parent_lives(self.options.parent):
                    return None
                asked = self.spawn([self.tools + "/pg_isready", "-q", "-h", self.folder, "-p", str(port)])
                if asked.wait() == 0:
                    return port
                time.sleep(0.05)
        with open(self.folder + "/server.log", encoding="utf-8", errors="replace") as text:
            sys.exit("postgres_server: it does not start: " + text.read()[-2000:])

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def parent_lives(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--ready", required=True)
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = Server(options)
    try:
        server.make()
        port = server.start()
        if port is None:
            return
        with open(options.ready + ".part", "w", encoding="utf-8") as ready:
            ready.write(f"socket {server.folder}\nport {port}\ntools {server.tools}\ndata {server.data}\n")
        os.rename(options.ready + ".part", options.ready)
        while parent_lives(options.parent) and server.process.poll() is None:
            time.sleep(0.2)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        server.stop()


if __name__ == "__main__":
    main()
