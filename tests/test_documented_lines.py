"""What the tutorial and the how-tos show is run line by line, against webs on loopback, and compared with it."""

from __future__ import annotations

import gzip
import re
import shlex
import shutil
import socket
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import anyio
import pytest
import typer

from crawler.cli.app import app
from crawler.testing import Page, Served, Site, Web, cacheable, error, html, open_web, plain, redirect
from tests.consoles import ROOT, Line, find_faults, place, read_lines

HOWTOS = sorted(path.name for path in ROOT.glob("docs/howto-*.md"))
DOCUMENTS = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]
NEEDED = ("bash", "jq", "awk")
SETTINGS = {"CRAWL_FETCH__ALLOW_NETWORKS": '["127.0.0.0/8"]', "CRAWL_OFFLOAD__EXECUTOR": "inline"}
needs_tools = pytest.mark.skipif(not all(map(shutil.which, NEEDED)), reason=f"its lines use {', '.join(NEEDED)}")


@pytest.mark.long
@pytest.mark.slow
@needs_tools
def test_the_tutorial_shows_what_happens(tmp_path: Path) -> None:
    lines = lines_of("tutorial.md", tmp_path, port := {"8471": str(free_port())})
    assert len(lines) > 15
    assert not (faults := find_faults(lines, tmp_path, port, daemon())), "\n\n".join(faults)


@pytest.mark.long
@pytest.mark.slow
@needs_tools
@pytest.mark.parametrize("document", HOWTOS)
async def test_a_how_to_shows_what_happens(document: str, tmp_path: Path) -> None:
    async with open_web(small_web()) as served:
        places = {"https://example.org": home(served, "example"), "https://example.net": home(served, "other")}
        lines = lines_of(document, tmp_path, places)
        assert any(not line.why_not_run for line in lines)
        faults = await anyio.to_thread.run_sync(find_faults, lines, tmp_path, places, SETTINGS | daemon())
    assert not faults, "\n\n".join(faults)


@pytest.mark.long
@pytest.mark.slow
@needs_tools
async def test_the_first_lines_of_the_readme_do_what_they_say(tmp_path: Path) -> None:
    found = [line for line in read_lines(ROOT / "README.md") if not line.why_not_run]
    lines = [line for line in found if find_spec("duckdb") or not line.needs_duckdb]
    async with open_web(small_web()) as served:
        site = home(served, "example")
        places = {
            "https://example.org": site,
            "example.org.crawl": f"{site.partition('//')[2].replace(':', '-')}.crawl",
        }
        (tmp_path / "urls.txt").write_text(f"{site}/\n")
        (tmp_path / "urls.gz").write_bytes(gzip.compress(f"{site}/\n".encode()))
        fast = {"CRAWL_DELAY_S": "0.1"}
        faults = await anyio.to_thread.run_sync(find_faults, lines, tmp_path, places, SETTINGS | fast)
    assert len(lines) > 10
    assert not faults, "\n\n".join(faults)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_every_option_in_a_console_line_is_one_of_the_command(document: Path) -> None:
    unknown = [
        f"crawl {shlex.join(words)}"
        for line in read_lines(document)
        for words in crawl_commands(line.words)
        if unknown_options(words)
    ]
    assert unknown == []


@pytest.mark.skipif(not shutil.which("bash"), reason="its lines are run by bash")
def test_a_line_that_prints_or_ends_otherwise_is_told(tmp_path: Path) -> None:
    document = tmp_path / "document.md"
    document.write_text(
        "```console\n"
        "$ echo 'finished: 3 pages in 16 s (18.4/s)\n"
        "fetched 3'                         # with its comment\n"
        "finished: 3 pages in 0.2 s (1.0/s)\n"
        "  fetched 3\n"
        "$ echo 3 pages\n"
        "4 pages\n"
        "$ seq 9\n"
        "1 2\n...\n8 9\n"
        "```\n\n<!-- exits with 3 -->\n<!-- counts vary -->\n```console\n"
        "$ echo 1,204 of 5\n"
        "7 of 9\n"
        "$ (exit 3)\n"
        "```\n\n```console\n$ (exit 4)\n```\n\n<!-- not run: no reason -->\n```console\n$ exit 5\n```\n"
    )
    faults = find_faults(read_lines(document), tmp_path, {}, {})
    assert [fault.splitlines()[:2] for fault in faults] == [
        ["$ echo 3 pages", "printed, not as the document says:"],
        ["$ (exit 4)", "ended with 4:"],
    ]


def test_an_option_that_the_command_does_not_have_is_found() -> None:
    assert [
        unknown_options(words) for words in crawl_commands("zcat x | crawl - --dept 2 && crawl jobs add x --nam y")
    ] == [
        {"--dept"},
        {"--nam"},
    ]


def unknown_options(words: list[str]) -> set[str]:
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands"):
        is_root = "explain" in command.commands
        command = command.commands.get(words[0] if words else "run") or command.commands["run" if is_root else "list"]
        words = words[1:] if words and words[0] == command.name else words
    known = {name for param in command.params for name in (*param.opts, *param.secondary_opts)} | {
        "--help",
        "--version",
    }
    return {word.partition("=")[0] for word in words if word.startswith("--") and word != "--"} - known


def crawl_commands(text: str) -> list[list[str]]:
    """The arguments of each `crawl` in a line of shell."""
    words = shlex.shlex(text.replace("\\\n", " "), posix=True, punctuation_chars="|&;()<>")
    words.whitespace_split = True
    commands: list[list[str]] = [[]]
    for word in words:
        if set(word) <= set("|&;()<>"):
            commands.append([])
        else:
            commands[-1].append(word)
    return [command[1:] for command in commands if command[:1] == ["crawl"]]


def lines_of(document: str, folder: Path, places: dict[str, str]) -> list[Line]:
    """The lines of a document; its programs that are saved are in the folder."""
    text = (ROOT / "docs" / document).read_text("utf-8")
    for name, program in re.findall(r"<!-- saved as (\S+) -->\n```python\n(.*?)```", text, re.DOTALL):
        (folder / name).write_text(place(program, places))
    return [line for line in read_lines(ROOT / "docs" / document) if find_spec("duckdb") or not line.needs_duckdb]


def small_web() -> Web:
    """A site with whatever the how-tos look for, and another one that it links to."""
    words = " ".join(f"word{number}" for number in range(3000))
    pages = {
        "/": html("Example", ["/docs/", "/news", "/home", "/notes.txt", "//other.test/", "//other.test/gone"]),
        "/docs/": cacheable(html("Guide", ["missing", "old-name", "guide", "/"], text=[words])),
        "/docs/guide": html("Guide", ["/"], text=[words + " again"]),
        "/news": Page(lambda asked: news(asked.visit).answer(asked), links=("/docs/missing",), fixed=False),
        "/home": redirect("/", 301),
        "/notes.txt": plain("Not every page is HTML.\n"),
    }
    other = {"/": html("Other"), "/gone": error(410)}
    return Web([Site("example.test", pages), Site("other.test", other)], ["http://example.test/"])


def news(edition: int) -> Page:
    return html(f"News, edition {edition}", ["/docs/missing"])


def home(served: Served, host: str) -> str:
    return served.url(f"{host}.test", "/").removesuffix("/")


def daemon() -> dict[str, str]:
    return {"CRAWL_DAEMON__PORT": str(free_port())}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
