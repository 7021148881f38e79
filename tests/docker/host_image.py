"""Images made from programs of this machine with the libraries that they load: no registry, no network."""
import io
import os
import pathlib
import re
import subprocess
import sys
import sysconfig
import tarfile

BUSYBOX = "/bin/busybox"
PYTHON_WITHOUT = {"test", "tests", "idlelib", "tkinter", "lib2to3", "ensurepip", "distutils", "pydoc_data",
                  "turtledemo", "dist-packages", "site-packages"}


def libraries_of(path):
    said = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
    return re.findall(r"(?:=> |^\s*)(/\S+) \(0x", said, re.MULTILINE)


class HostImage:
    """A tar of a root file system, which `docker import` takes."""
    def __init__(self):
        self.bytes = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.bytes, mode="w")  # pylint: disable=consider-using-with
        self.names = set()

    def add(self, source, name=None):
        """A file, not the link that leads to it."""
        name = (name or str(source)).lstrip("/")
        if name not in self.names:
            self.names.add(name)
            self.tar.add(os.path.realpath(source), name, recursive=False)

    def program(self, path, name=None):
        self.add(path, name)
        for library in libraries_of(path):
            self.add(library)

    def busybox(self, *tools):
        self.program(BUSYBOX, "bin/busybox")
        for tool in tools:
            self.link(f"bin/{tool}", "busybox")

    def link(self, name, to):
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = tarfile.SYMTYPE, to
        self.tar.addfile(entry)

    def text(self, name, content, mode=0o755):
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(content.encode()), mode
        self.tar.addfile(entry, io.BytesIO(content.encode()))

    def folder(self, name, mode=0o1777, owner=0):
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode = tarfile.DIRTYPE, mode
        entry.uid = entry.gid = owner
        self.tar.addfile(entry)

    def tree(self, root, without=()):
        """Files below `root`, but for folders of these names. Shared objects bring their libraries."""
        for folder, folders, files in os.walk(root):
            folders[:] = sorted(name for name in set(folders) - set(without) if not name.startswith("config-"))
            for name in sorted(files):
                path = pathlib.Path(folder) / name
                (self.program if path.suffix == ".so" else self.add)(path)

    def python(self):
        """The Python that runs this, as /usr/bin/python3."""
        self.program(sys.executable, "usr/bin/python3")
        self.tree(sysconfig.get_path("stdlib"), PYTHON_WITHOUT)

    def load(self, engine, name, *changes):
        self.tar.close()
        options = [word for change in changes for word in ("--change", change)]
        engine.docker("import", *options, "-", name, input=self.bytes.getvalue())


def derived(engine, name, base, *lines):
    """`FROM base` and more lines of a Dockerfile that need no files."""
    text = "\n".join([f"FROM {base}", *lines, ""])
    engine.docker("build", "-q", "-t", name, "-", input=text.encode(),
                  env=os.environ | {"DOCKER_BUILDKIT": "0"})
