"""docs/guide: every shell block of every page is run in a fresh folder, and shows what it says.

How a page is read is told in guide.py. A page waits most of its time (for gates, for watches), so
all that were chosen are followed side by side.
"""
import concurrent.futures
import re
import subprocess

import pytest

import guide
from project import BELAY, DONE, told

PAGES = sorted(path.name for path in guide.GUIDE.glob("*.md"))
AT_A_TIME = 6


def followed(folder, name):
    newcomer = guide.Newcomer(folder, BELAY)
    try:
        newcomer.follow(name)
    finally:
        newcomer.end()


@pytest.fixture(scope="module")
def pages(request, tmp_path_factory):
    """What became of each page that was chosen: a future."""
    chosen = [item.callspec.params["name"] for item in request.session.items
              if item.name.startswith("test_a_page_holds")]
    folder = tmp_path_factory.mktemp("guides")
    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as people:
        yield {name: people.submit(followed, folder / name.removesuffix(".md"), name)
               for name in chosen}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_holds_what_it_says(pages, name):
    pages[name].result()


def test_the_index_names_every_page():
    index = (guide.GUIDE / "README.md").read_text()
    assert {name for name in PAGES if f"]({name})" not in index} == {"README.md"}


def test_every_link_leads_somewhere():
    for name in PAGES:
        for target in re.findall(r"\]\(([^)#]+)\)", (guide.GUIDE / name).read_text()):
            assert "://" in target or (guide.GUIDE / target).exists(), f"{name}: {target}"


BASE = """\
stack: shop
services:
  shop:
    release: { directory: "./dist/{to}" }
    run: [./shop.py]
    ready: { process: true }
"""


@pytest.mark.parametrize("name", [name for name in PAGES
                                  if any(block.language == "yaml" for block in guide.read(name).blocks)])
def test_what_a_page_says_of_belay_yaml_is_taken(tmp_path, name):
    """Each block of YAML is a belay.yaml, or a part of the one before it."""
    base = BASE
    for block in guide.read(name).blocks:
        if block.language != "yaml":
            continue
        text = base + block.text
        if "services:" in block.text:
            base = text = ("" if "stack:" in block.text else "stack: shop\n") + block.text
        (tmp_path / "belay.yaml").write_text(text)
        ended = subprocess.run([BELAY, "config"], cwd=tmp_path, capture_output=True, text=True,
                               check=False)
        assert ended.returncode == DONE, f"{name}:{block.line}\n{told(ended)}"


# --- that it would notice

LIES = {
    "another output": "```console\n$ echo one\ntwo\n```\n",
    "more output": "```console\n$ printf 'one\\ntwo\\n'\none\n```\n",
    "another status": "```console\n$ false\n```\n",
    "a status that is not": "```console\n$ true\n(exit status 3)\n```\n",
    "a failed script": "```sh\nfalse\ntrue\n```\n",
    "an unnamed block": "```\necho one\n```\n",
    "an indented block": "text\n\n    echo one\n",
    "an excuse without a test": "<!-- not run: no time; see tests/e2e/none.py -->\n```sh\nfalse\n```\n",
    "an excuse with an unknown test":
        "<!-- not run: no time; see tests/e2e/test_guides.py::test_none -->\n```sh\nfalse\n```\n",
    "an excuse that stands elsewhere":
        "<!-- not run: no time; see tests/e2e/test_guides.py -->\ntext\n```sh\nfalse\n```\n",
}


@pytest.mark.parametrize("what", LIES)
def test_a_page_that_lies_is_refused(tmp_path, monkeypatch, what):
    monkeypatch.setattr(guide, "GUIDE", tmp_path)
    (tmp_path / "page.md").write_text(LIES[what])
    with pytest.raises(guide.Wrong):
        followed(tmp_path / "home", "page.md")


def test_a_page_that_is_true_is_taken(tmp_path, monkeypatch):
    monkeypatch.setattr(guide, "GUIDE", tmp_path)
    (tmp_path / "page.md").write_text(
        "```sh\nmkdir here && cd here\nexport WORD=kept\n```\n"
        "```console\n$ basename $PWD; echo $WORD \\\n    more\nhere\n...pt more\n"
        "$ seq 9; exit 3\n1\n...\n9\n(exit status 3)\n```\n"
        "<!-- not run: elsewhere; see tests/e2e/test_guides.py::test_a_page_holds_what_it_says -->\n"
        "```sh\nfalse\n```\n")
    followed(tmp_path / "home", "page.md")
