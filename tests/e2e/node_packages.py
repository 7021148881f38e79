"""Packages from npm that tests need: exact versions, installed once, into build/node of this clone."""
import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
GROUPS = {
    "mcp": ["@modelcontextprotocol/sdk@1.32.2"],
    "openapi": ["openapi-client-axios@7.9.1", "axios@1.21.1", "js-yaml@4.1.0"],
    "redocly": ["@redocly/openapi-core@1.34.5"],  # the last series that runs on Node 18
}


def install(group):
    """The folder with its node_modules; renamed into place when it is whole."""
    packages = GROUPS[group]
    name = group + "-" + "-".join(each.rsplit("@", 1)[1] for each in packages)
    home = ROOT / "build/node" / name
    if home.exists():
        return home
    fresh = home.with_name(f"{name}.new.{os.getpid()}")
    fresh.mkdir(parents=True)
    try:
        done = subprocess.run(
            ["npm", "install", "--prefix", fresh, "--ignore-scripts", "--no-audit", "--no-fund",
             "--no-update-notifier", "--loglevel=error", *packages],
            cwd=fresh, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode != 0:
            raise OSError(f"npm could not install {packages}:\n{done.stderr[-2000:]}")
        try:
            fresh.rename(home)
        except OSError:
            if not home.exists():  # else another test was faster
                raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return home


def node(group, script, *arguments, timeout=180):
    """Runs a script with the packages of the group in reach."""
    home = install(group)
    placed = home / pathlib.Path(script).name
    shutil.copy(script, placed)  # an import is looked up beside the script
    return subprocess.run(["node", placed, *arguments], cwd=home, capture_output=True, text=True,
                          timeout=timeout, check=False)
