"""A small client of an editor's side of YAML: yaml-language-server, spoken to over LSP.

What an editor shows is what `Editor.judge` returns. The server is installed from npm once, into
build/editor of this clone.
"""
import itertools
import json
import os
import pathlib
import shutil
import subprocess
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
VERSION = "1.15.0"
HOME = ROOT / "build/editor"
SERVER = HOME / VERSION / "node_modules/yaml-language-server/bin/yaml-language-server"
SECONDS = 60  # far more than any answer takes


def install():
    """Install the server, once; renamed into place when it is whole."""
    if SERVER.exists():
        return
    fresh = HOME / f"{VERSION}.new.{os.getpid()}"
    fresh.mkdir(parents=True)
    try:
        done = subprocess.run(
            ["npm", "install", "--prefix", fresh, "--ignore-scripts", "--no-audit", "--no-fund",
             "--no-update-notifier", "--loglevel=error", f"yaml-language-server@{VERSION}"],
            cwd=fresh, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode != 0:
            raise OSError(f"npm could not install yaml-language-server:\n{done.stderr[-2000:]}")
        fresh.rename(HOME / VERSION)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


class Editor:
    """An open editor in whose settings the schema belongs to every YAML file."""

    def __init__(self, schema):
        self.ids = itertools.count(1)
        self.schema = pathlib.Path(schema).as_uri()
        self.process = subprocess.Popen(["node", SERVER, "--stdio"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        # A server that hangs must end the test, not hang it.
        self.watchdog = threading.Timer(SECONDS, self.process.kill)
        self.watchdog.start()
        self.request("initialize", {"processId": None, "rootUri": None, "capabilities": {
            "workspace": {"configuration": True}, "textDocument": {"publishDiagnostics": {}}}})
        self.send("initialized", {})

    def close(self):
        self.watchdog.cancel()
        self.process.kill()
        self.process.communicate()

    def judge(self, text):
        """What is shown for a file with this text: [(line from 1, message)], in order."""
        uri = f"file:///belay-{next(self.ids)}.yaml"
        self.send("textDocument/didOpen", {"textDocument": {
            "uri": uri, "languageId": "yaml", "version": 1, "text": text}})
        while True:
            message = self.receive()
            if (message.get("method") == "textDocument/publishDiagnostics"
                    and message["params"]["uri"] == uri):
                return sorted((one["range"]["start"]["line"] + 1, one["message"])
                              for one in message["params"]["diagnostics"])

    def words(self, text, line, column):
        """What completion offers at a place, counted from 1."""
        uri = f"file:///belay-{next(self.ids)}.yaml"
        self.send("textDocument/didOpen", {"textDocument": {
            "uri": uri, "languageId": "yaml", "version": 1, "text": text}})
        found = self.request("textDocument/completion", {
            "textDocument": {"uri": uri}, "position": {"line": line - 1, "character": column - 1}})
        return {one["label"] for one in found["items"]}

    # --- the protocol

    def request(self, method, params):
        identity = next(self.ids)
        self.send(method, params, identity)
        while True:
            message = self.receive()
            if message.get("id") == identity and "method" not in message:
                assert "error" not in message, message
                return message["result"]

    def send(self, method, params, identity=None):
        self.write({"method": method, "params": params} | ({"id": identity} if identity else {}))

    def write(self, message):
        body = json.dumps({"jsonrpc": "2.0"} | message).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def receive(self):
        length = None
        while (line := self.process.stdout.readline()) != b"\r\n":
            assert line, "the language server ended"
            name, _, value = line.decode().partition(":")
            if name.lower() == "content-length":
                length = int(value)
        message = json.loads(self.process.stdout.read(length))
        if "method" in message and "id" in message:  # the server asks the editor
            self.write({"id": message["id"], "result": self.settings(message)})
        return message

    def settings(self, message):
        """Nothing is fetched: the schema store on the network is off."""
        if message["method"] != "workspace/configuration":
            return None
        ours = {"schemas": {self.schema: "*.yaml"}, "validate": True, "completion": True,
                "schemaStore": {"enable": False}, "kubernetesCRDStore": {"enable": False}}
        return [ours if item.get("section") == "yaml" else {}
                for item in message["params"]["items"]]
