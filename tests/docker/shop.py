"""A shop in a container, with a belay.yaml beside it. See conftest.py."""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import urllib.request

from project import BELAY, DONE, told

TEMPLATE = """\
stack: shop
docker_socket: {socket}
{top}services:
  web:
    {kind}
    image: "shop/web:{{to}}"
    stop: {{ timeout: {stop} }}
{service}    ready:
{ready}      within: {within}
      every: 100ms
      consecutive: 2
stores:
  data: {store}
{extra}upgrade:
  smoke:
    - {{ name: writes, run: ["/bin/sh", "-c", "test $$(wc -l <{data}/writes) -ge $$(cat expected)"] }}
  watch: {watch}
  watch_every: 100ms
keep: {{ points: 3, abandoned: 9, releases: 3 }}
"""
HTTP = """\
      http: http://127.0.0.1:{port}/cgi-bin/health
      json: {{ status: ok }}
      timeout: 2s
"""


COMPOSE = """\
version: "3.7"
x-common: &common
  stop_signal: SIGKILL
  image: "shop/web:${{TAG:?say which}}"
services:
  web:
    <<: *common
    restart: unless-stopped
    ports: ["127.0.0.1:{port}:80"]
    volumes: ["data:/data"]
    environment: {{ GREETING: "${{GREETING:-hello}} 5$$" }}
    depends_on: [helper]
{web}  helper:
    <<: *common
    image: shop/web:3
{more}volumes:
  data: {{}}
"""


class Shop:
    def __init__(self, engine, folder, name, **yaml):
        self.engine, self.folder, self.name = engine, folder, name
        self.data = folder / "data"
        self.data.mkdir(parents=True)
        (self.data / "writes").write_text("")
        (self.data / "layout.json").write_text('{"layout":1}\n')
        (folder / "expected").write_text("0")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.count = 0
        self.yaml = {"socket": engine.socket, "top": "", "kind": f"container: {name}", "stop": "5s", "service": "",
                     "ready": HTTP.format(port=self.port), "within": "20s", "extra": "",
                     "watch": "300ms", "store": "{ directory: ./data, layout: [layout.json] }",
                     "data": self.data}
        self.write_yaml(**yaml)

    def write_yaml(self, **changes):
        self.yaml |= changes
        (self.folder / "belay.yaml").write_text(TEMPLATE.format(**self.yaml))

    def run(self, *options, image="shop/web:1", publish=True, data=None, signal="KILL"):
        """As its owner has started it, before belay. It heeds no other signal."""
        port = ["-p", f"127.0.0.1:{self.port}:80"] if publish else []
        self.engine.docker("run", "-d", "--name", self.name, "--stop-signal", signal, *port, "-v",
                           f"{data or self.data}:/data", *options, image)

    # --- belay

    def begin(self, *arguments, env=None):
        return subprocess.Popen([BELAY, *arguments], cwd=self.folder, text=True,
                                env=os.environ | (env or {}), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def belay(self, *arguments, env=None, timeout=600):
        process = self.begin(*arguments, env=env)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"belay {arguments} took over {timeout} s\n{out}\n{err}") from None
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def upgrade(self, to, *arguments, status=DONE, **more):
        (self.folder / "expected").write_text(str(self.count))
        ended = self.belay("upgrade", "shop", "--to", to, "--yes", *arguments, **more)
        assert ended.returncode == status, told(ended)
        return ended

    # --- the shop

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as reply:
            return reply.read().decode()

    def health(self):
        return json.loads(self.get("/cgi-bin/health"))

    def version(self):
        return self.health()["version"]

    def answers(self):
        try:
            self.health()
            return True
        except (OSError, ValueError):
            return False

    def write(self, times=3):
        for _ in range(times):
            self.count += 1
            assert self.get(f"/cgi-bin/write?w-{self.count}") == f"w-{self.count}"

    def live(self):
        return self.engine.inspect(self.name)


class ComposeShop(Shop):
    """The same as a compose project `store`, in two services; only `web` is upgraded."""
    def __init__(self, engine, folder, **yaml):
        super().__init__(engine, folder, "store_web_1", top="compose: { files: [docker-compose.yml], "
                         "project: store }\n", kind="compose: web", extra="config_files: "
                         "[docker-compose.yml, .env]\n", store="{ volume: store_data, layout: "
                         "[layout.json] }")
        engine.docker("volume", "create", "store_data")
        place = pathlib.Path(engine.inspect_volume("store_data")["Mountpoint"])
        for path in self.data.iterdir():
            shutil.move(path, place / path.name)
        self.data = place
        self.write_yaml(data=place, **yaml)
        (folder / ".env").write_text("TAG=1\n")
        self.write_compose()

    def write_compose(self, web="", more="", name="docker-compose.yml"):
        (self.folder / name).write_text(COMPOSE.format(port=self.port, web=web, more=more))

    def compose(self, *argv, **more):
        return self.engine.compose(self.folder, "-p", "store", *argv, **more)

    def up(self):
        self.compose("up", "-d")
