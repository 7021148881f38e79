"""Real servers that a repository may be behind, on free ports of this machine, stopped by whoever started them."""
import concurrent.futures
import os
import pathlib
import shutil
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILT = [ROOT / "build" / preset / "tests/remote_conformance" for preset in ("clang", "dev", "release")]
CONFORMANCE = os.environ.get("BELAY_CONFORMANCE") or next((path for path in BUILT if path.exists()), BUILT[0])


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(condition, what, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} is not up"
        time.sleep(0.05)


def is_listening(port):
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0


def stop(process):
    process.kill()
    process.wait()


class Rest:
    """rclone, which speaks restic's REST protocol, over a folder."""

    @staticmethod
    def is_there():
        return shutil.which("rclone") is not None

    def __init__(self, folder, remote=None, words=(), env=None):
        self.folder, self.words, self.env = folder, words, env
        self.data = folder / "data"
        self.data.mkdir(parents=True, exist_ok=True)
        self.remote = remote or self.data
        self.port = free_port()
        self.start()

    def start(self):
        self.log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen(
            [shutil.which("rclone"), "serve", "restic", "--addr", f"127.0.0.1:{self.port}", "--user", "shop",
             "--pass", "secret/1", "--config", self.folder / "none", *self.words, self.remote],
            stdout=self.log, stderr=self.log, env=self.env)
        wait_for(lambda: is_listening(self.port) or self.process.poll() is not None, "rclone")
        assert self.process.poll() is None, (self.folder / "log").read_text()

    def location(self, path="", user="shop:secret%2F1@"):
        return f"rest:http://{user}127.0.0.1:{self.port}/{path}"

    def stop(self):
        stop(self.process)
        self.log.close()


class Sftp:
    """sshd with keys of its own, which lets in whoever runs the tests."""
    PROGRAM = "/usr/sbin/sshd"

    @classmethod
    def is_there(cls):
        return os.path.exists(cls.PROGRAM) and os.geteuid() == 0 and shutil.which("ssh") is not None

    def __init__(self, folder, *lines):
        self.folder, self.lines = folder, lines
        folder.mkdir(parents=True, exist_ok=True)
        pathlib.Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        self.port = free_port()
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
        (folder / "authorized").write_text((folder / "user.pub").read_text())
        kind, key, *_ = (folder / "host.pub").read_text().split()
        (folder / "known").write_text(f"[127.0.0.1]:{self.port} {kind} {key}\n")
        (folder / "config").write_text("\n".join([
            f"Port {self.port}", "ListenAddress 127.0.0.1", f"HostKey {folder}/host", "UsePAM no", "StrictModes no",
            f"AuthorizedKeysFile {folder}/authorized", f"PidFile {folder}/pid", "PermitRootLogin yes",
            "PasswordAuthentication no", "Subsystem sftp internal-sftp", *self.lines, ""]))
        self.start()

    def start(self):
        self.process = subprocess.Popen([self.PROGRAM, "-D", "-E", self.folder / "log", "-f", self.folder / "config"])
        wait_for(lambda: is_listening(self.port) or self.process.poll() is not None, "sshd")
        assert self.process.poll() is None, (self.folder / "log").read_text()

    def location(self, path):
        return f"sftp://root@127.0.0.1:{self.port}/{path}"

    def arguments(self, known="known", key="user"):
        return (f"-F /dev/null -i {self.folder / key} -o IdentitiesOnly=yes "
                f"-o UserKnownHostsFile={self.folder / known} -o GlobalKnownHostsFile=/dev/null")

    def belay_words(self, **files):
        return ("-o", f"sftp.args={self.arguments(**files)}")

    def restic_words(self):
        return ("-o", f"sftp.command=ssh {self.arguments()} -p {self.port} root@127.0.0.1 -s sftp")

    def stop(self):
        stop(self.process)


PIPELINE = ("catch_errors proxy-logging cache listing_formats bulk tempurl s3api tempauth copy slo dlo "
            "versioned_writes symlink proxy-logging proxy-server")
FILTERS = {"cache": "memcache_servers = 127.0.0.1:1", "s3api": "s3_acl = false\nlocation = us-east-1",
           "tempauth": "user_ops_backup = secretkey .admin", "slo": "min_segment_size = 1",
           "versioned_writes": "allow_versioned_writes = true"}


class S3:
    """OpenStack Swift with its S3 interface, in one folder: it checks signatures as Amazon does."""
    PARTS = ("account", "container", "object", "proxy")

    @classmethod
    def is_there(cls):
        return all(map(shutil.which, ["rclone", *(f"swift-{part}-server" for part in cls.PARTS)]))

    def __init__(self, folder):
        self.folder, self.processes = folder, []
        self.config = folder / "config"
        for path in (self.config, folder / "devices/disk", folder / "cache"):
            path.mkdir(parents=True)
        self.ports = {part: free_port() for part in self.PARTS}
        (self.config / "swift.conf").write_text(
            "[swift-hash]\nswift_hash_path_suffix = s\nswift_hash_path_prefix = p\n"
            "[storage-policy:0]\nname = p0\ndefault = yes\n")
        with concurrent.futures.ThreadPoolExecutor(3) as side_by_side:
            list(side_by_side.map(self.make_ring, self.PARTS[:3]))
        for part in self.PARTS[:3]:
            self.configure(part, f"{part}-server", f"[app:{part}-server]\nuse = egg:swift#{part}\n")
        self.configure("proxy", PIPELINE, "[app:proxy-server]\nuse = egg:swift#proxy\naccount_autocreate = true\n" + "".join(
            f"[filter:{name}]\nuse = egg:swift#{'memcache' if name == 'cache' else name.replace('-', '_')}\n"
            f"{FILTERS.get(name, '')}\n" for name in sorted(set(PIPELINE.split()) - {"proxy-server"})))
        self.log = open(folder / "log", "ab")
        for part in self.PARTS:
            self.processes.append(subprocess.Popen(
                [shutil.which(f"swift-{part}-server"), self.config / f"{part}.conf"], cwd=self.config,
                stdout=self.log, stderr=self.log, start_new_session=True))
        wait_for(lambda: all(map(is_listening, self.ports.values())), "swift")
        self.make_bucket("shop")

    def make_ring(self, part):
        for words in (["create", "4", "1", "0"], ["add", f"r1z1-127.0.0.1:{self.ports[part]}/disk", "1"], ["rebalance"]):
            subprocess.run(["swift-ring-builder", f"{part}.builder", *words], cwd=self.config, check=True,
                           stdout=subprocess.DEVNULL)

    def make_bucket(self, name):
        subprocess.run(["rclone", "mkdir", "--config", self.folder / "none", "--s3-provider", "Other", "--s3-endpoint",
                        self.endpoint(), "--s3-access-key-id", "ops:backup",
                        "--s3-secret-access-key", "secretkey", f":s3:{name}"], check=True, capture_output=True,
                       env={each: value for each, value in os.environ.items() if not each.startswith("AWS_")})

    def configure(self, part, pipeline, rest):
        user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
        (self.config / f"{part}.conf").write_text(
            f"[DEFAULT]\nswift_dir = {self.config}\ndevices = {self.folder}/devices\nmount_check = false\n"
            f"bind_ip = 127.0.0.1\nbind_port = {self.ports[part]}\nworkers = 0\nuser = {user}\n"
            "fallocate_reserve = 0\ndisable_fallocate = true\nallow_account_management = true\n"
            f"recon_cache_path = {self.folder}/cache\n[pipeline:main]\npipeline = {pipeline}\n{rest}")

    def endpoint(self):
        return f"http://127.0.0.1:{self.ports['proxy']}"

    def location(self, path, bucket="shop"):
        return f"s3:{self.endpoint()}/{bucket}/{path}"

    ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "ops:backup", "AWS_SECRET_ACCESS_KEY": "secretkey"}

    def stop(self):
        for process in self.processes:
            stop(process)
        self.log.close()
