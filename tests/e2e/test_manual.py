"""Manual page, completions and schema: made from the tables, tried with the real programs."""
import pathlib
import shutil
import subprocess

import pytest

from project import BELAY

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(*argv, **more):
    return subprocess.run(argv, capture_output=True, text=True, check=False, **more)


def printed(*arguments):
    done = run(BELAY, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def commands():
    """The words of every command, as --help lists them."""
    lines = printed("--help").split("Subcommands:")[1].split("Exit status")[0].splitlines()
    return {line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "}


def test_the_manual_page_is_good_roff_and_names_every_command():
    page = printed("manual")
    shown = run("groff", "-man", "-Tutf8", "-ww", input=page)
    assert shown.returncode == 0 and shown.stderr == ""
    for command in commands():
        assert f"belay {command}" in shown.stdout.replace("‐", "-"), command


def test_the_page_of_commands_is_current():
    assert (ROOT / "docs/reference/commands.md").read_text() == printed("manual", "--format", "markdown"), \
        "write it with: belay manual --format markdown > docs/reference/commands.md"


def bash(*words):
    script = printed("completion", "bash") + """
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _belay; printf '%s\\n' "${COMPREPLY[@]}" """
    done = run("bash", "-euc", script, "bash", *words)
    assert done.stderr == ""
    return set(done.stdout.split())


def test_bash_completes_commands_flags_values_and_files(tmp_path, monkeypatch):
    assert bash("belay", "up") == {"upgrade"}
    assert commands() <= bash("belay", "")
    assert bash("belay", "upgrade", "--no") == {"--no-auto-rollback"}
    assert bash("belay", "report", "--format", "") == {"text", "markdown", "json"}
    assert bash("belay", "rollback", "shop", "--level", "d") == {"data"}
    assert bash("belay", "abandoned", "s") == {"show"}
    assert bash("belay", "--json", "completion", "") >= {"bash", "zsh", "fish"}
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.yaml").touch()
    assert bash("belay", "--config", "ot") == {"other.yaml"}
    assert bash("belay", "upgrade", "--config", "ot") == {"other.yaml"}


def test_zsh_completes(tmp_path):
    if not shutil.which("zsh"):
        pytest.skip("needs zsh")
    (tmp_path / "_belay").write_text(printed("completion", "zsh"))
    script = """
        autoload -Uz compinit; compinit -u -d $PWD/dump; source ./_belay
        compadd() { shift; print -l -- "$@" }
        words=("${(@s: :)1}"); CURRENT=$#words; _belay"""
    for typed, wanted in (("belay ", "upgrade"), ("belay report --format ", "markdown"),
                          ("belay abandoned ", "export")):
        done = run("zsh", "-fc", script, "zsh", typed, cwd=tmp_path)
        assert wanted in done.stdout.split(), done.stdout + done.stderr


def test_fish_completes():
    if not shutil.which("fish"):
        pytest.skip("needs fish")
    script = printed("completion", "fish")
    for typed, wanted in (("belay upg", "upgrade"), ("belay report --format ma", "--format"),
                          ("belay abandoned ex", "export"), ("belay upgrade --no-a", "--no-auto-rollback")):
        done = run("fish", "--no-config", "-c", f"{script}\ncomplete -C '{typed}'")
        assert done.stderr == ""
        assert any(line.startswith(wanted) or "markdown" in line for line in done.stdout.splitlines()), \
            (typed, done.stdout)
