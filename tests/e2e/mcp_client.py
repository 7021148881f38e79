"""A client of `belay mcp` that can also speak wrongly: raw lines, one JSON-RPC message each."""
import itertools
import json
import os
import select
import subprocess
import time

from project import BELAY

SECONDS = 60  # far more than any answer takes


class Agent:
    def __init__(self, folder, *arguments, initialize=True, version="2025-11-25"):
        self.ids = itertools.count(1)
        self.process = subprocess.Popen([BELAY, "mcp", *arguments], cwd=folder,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        self.buffer = b""
        self.others = []  # messages that came while another was waited for
        if initialize:
            self.hello = self.ask("initialize", protocolVersion=version, capabilities={},
                                  clientInfo={"name": "test", "version": "0"})["result"]
            self.say({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def raw(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def say(self, message):
        self.raw(json.dumps(message).encode() + b"\n")

    def send(self, method, **params):
        identity = next(self.ids)
        self.say({"jsonrpc": "2.0", "id": identity, "method": method, "params": params})
        return identity

    def hear(self, seconds=SECONDS):
        """The next message. Every line on standard output must be one."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self.buffer:
            left = deadline - time.monotonic()
            assert left > 0 and select.select([self.process.stdout], [], [], left)[0], "no answer"
            got = os.read(self.process.stdout.fileno(), 65536)
            assert got, f"it ended: {self.process.stderr.read()}"
            self.buffer += got
        line, self.buffer = self.buffer.split(b"\n", 1)
        message = json.loads(line)
        assert message["jsonrpc"] == "2.0", message
        return message

    def answer_to(self, identity):
        for message in self.others:
            if message["id"] == identity:
                self.others.remove(message)
                return message
        while (message := self.hear())["id"] != identity:
            self.others.append(message)
        return message

    def ask(self, method, **params):
        return self.answer_to(self.send(method, **params))

    def call(self, name, **arguments):
        """What a tool answers: its structured content."""
        answer = self.ask("tools/call", name=name, arguments=arguments)
        assert "result" in answer, answer
        result = answer["result"]
        assert not result["isError"], result
        assert json.loads(result["content"][0]["text"]) == result["structuredContent"]
        return result["structuredContent"]

    def fails(self, name, **arguments):
        """The words with which a tool says that it could not."""
        result = self.ask("tools/call", name=name, arguments=arguments)["result"]
        assert result["isError"] and "structuredContent" not in result, result
        return result["content"][0]["text"]

    def follow(self, stack, operation):
        return self.call("read_operation", stack=stack, operation=operation, wait_seconds=120)

    def end(self):
        """Ends as a client does: closes its side. Returns the exit status."""
        if not self.process.stdin.closed:
            self.process.stdin.close()
        try:
            status = self.process.wait(SECONDS)
        finally:
            self.process.kill()
            self.process.wait()
        rest = self.buffer + self.process.stdout.read()
        self.process.stdout.close()
        self.process.stderr.close()
        for line in rest.splitlines():
            json.loads(line)
        return status
