"""What a hostile site says never acts on the terminal, the log or a record of the person who crawls it."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from crawler.runtime.escaping import escape_text

from .conftest import ALLOWED, CRAWL, Crawl

pytestmark = pytest.mark.slow

ACTS = "\x1b]0;pwned\x07\x9b2Jx\u202e\u200b\u2028"
"""Sets a terminal's title, clears its screen, turns the direction of text, hides, ends a line."""
RAW = ACTS.encode()
LATIN = b"\x1b]0;pwned\x07\x9b2J"

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n"
TITLE_IN_HALVES = "<title>a\ud800b</title>".encode("utf-16-le", "surrogatepass")
PAGE = (
    b"<html lang='" + RAW + b"'><title>" + RAW + b" &#x1b;]0;pwned&#7; &#xd800; &#x202e;</title>"
    b"<meta name=description content='" + RAW + b"'><link rel=canonical href='/" + RAW + b"'>"
    b"<a href='/" + RAW + b"'>" + RAW + b"</a>"
    + b"".join(b"<a href=/%s>x</a>" % name for name in b"reason moved field chunk te ce map utf16".split())
)  # fmt: skip
ANSWERS = {
    b"/": HEAD + b'ETag: "\x9b2J"\r\nLast-Modified: \x9b2J\r\nX-Field: \x9b2J\r\n\r\n' + PAGE,
    b"/reason": b"HTTP/1.1 404 " + LATIN + b"\r\nConnection: close\r\n\r\n",
    b"/moved": b"HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: ftp://x/" + b"\x9b2J" + b"\r\n\r\n",
    b"/field": HEAD + b"X-" + LATIN + b": x\r\n\r\n",
    b"/chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + LATIN + b"\r\nabc",
    b"/te": HEAD + b"Transfer-Encoding: \x9b2J\r\n\r\nabc",
    b"/ce": HEAD + b"Content-Encoding: \x9b2J\r\n\r\nabc",
    b"/map": HEAD.replace(b"text/html", b"application/xml") + b"\r\n<urlset><loc>" + RAW + b"</loc><" + RAW,
    b"/utf16": HEAD.replace(b"utf-8", b"utf-16") + b"\r\n\xff\xfe" + TITLE_IN_HALVES,
    b"/robots.txt": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
    b"User-agent: *\r\nDisallow: /forbidden\x1b]0;pwned\x07" + RAW + b"\r\nDisallow: /forbid*" + RAW + b"*\r\n"
    b"Disallow: /forbi\r\nSitemap: http://x/" + RAW + b"\r\n",
}  # fmt: skip


@pytest.fixture
async def hostile() -> AsyncIterator[str]:
    """The address of a site that means harm with every word."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWERS.get(head.split()[1], ANSWERS[b"/reason"]))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def on_a_terminal(folder: Path, *arguments: str) -> str:
    """What a person's terminal receives from the command, standard output and standard error alike."""
    ours, theirs = pty.openpty()
    command = [CRAWL, *arguments]
    async with await anyio.open_process(command, cwd=folder, stdin=None, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = await anyio.to_thread.run_sync(_all_of, ours)
        await process.wait()
    return shown


def _all_of(terminal: int) -> str:
    shown = b""
    try:
        while more := os.read(terminal, 65536):
            shown += more
    except OSError:
        pass  # Linux's way to say that the other end was closed
    os.close(terminal)
    return shown.decode()


def acting(text: str) -> list[str]:
    """What acts on a terminal, but for the end of a line."""
    return [line for line in re.split(r"\r?\n", text) if escape_text(line) != line]


def without_colours(text: str) -> str:
    """The text without the colours of the command itself, which no other test text has."""
    return re.sub(r"\x1b\[(?:3[123]|0)m", "", text)


async def test_a_crawl_shown_live_and_its_files(hostile: str, tmp_path: Path) -> None:
    shown = await on_a_terminal(tmp_path, hostile, "-o", "out", "-vv", "--links", "--text", "--retries", "0", *ALLOWED)
    assert "finished" in shown
    assert "\x1b]" not in shown
    assert not set(shown) & set("\x07\x9b\u202e\u200b\u2028")
    for name in ("pages.jsonl", "crawl.log"):
        assert acting((tmp_path / "out" / name).read_text("utf-8").removesuffix("\n")) == []
    records = [json.loads(line) for line in (tmp_path / "out/pages.jsonl").read_text("utf-8").split("\n")[:-1]]
    assert len(records) == 10
    assert any("\x1b]0;pwned" in (record["title"] or "") for record in records), "the record is whole all the same"
    assert sorted({path.name for path in (tmp_path / "out").iterdir()} - {"bounds.timeline"}) == [
        "crawl.log", "crawl.toml", "frontier.sqlite", "lock", "pages.jsonl", "requests.audit", "robots.kept",
        "settings.history",
    ], "no file is named by the network"  # fmt: skip


@pytest.mark.parametrize(
    "arguments",
    [
        ["{site}/", "-o", "json", "--json", "-q", "--retries", "0", *ALLOWED],
        ["{site}/", "--dry-run", *ALLOWED],
        ["seeds.txt", "--dry-run", "--json", *ALLOWED],
        ["seeds.txt", "--dry-run", *ALLOWED],
        ["seeds.txt", "-o", "list", "-q", "--retries", "0", *ALLOWED],
        ["seeds.txt", "--strict", *ALLOWED],
        ["explain", "{site}/forbidden", "--set", "allow_networks=127.0.0.0/8"],
        ["explain", "{site}/forbidden", "--json", "--set", "allow_networks=127.0.0.0/8"],
        ["explain", f"{{site}}/{ACTS}", "--set", "allow_networks=127.0.0.0/8"],
        ["explain", f"http://{ACTS}/"],
        ["config", "show", "-c", "hostile.toml"],
        ["config", "check", "broken.toml"],
        [f"gone{ACTS}.txt"],
        ["explain", "http://a.example/\udcff", "--json", "--offline"],
        ["example.org", "--dry-run", "--exclude", "\udcff"],
    ],
)
async def test_no_command_lets_it_through(hostile: str, tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "seeds.txt").write_text(f"{hostile}/\n{ACTS} no seed\n{hostile}/{ACTS}\nftp://x/{ACTS}\n", "utf-8")
    (tmp_path / "hostile.toml").write_text('[scope]\ninclude = ["\\u001b]0;pwned\\u0007\\u009b2J\\u202e"]\n')
    (tmp_path / "broken.toml").write_text('[scope]\nreach = "\\u001b]0;pwned\\u0007\\u009b2J\\u202e"\n')
    shown = await on_a_terminal(tmp_path, *(argument.format(site=hostile) for argument in arguments))
    assert acting(without_colours(shown).removesuffix("\r\n")) == []
    assert "Traceback" not in shown
    bad = tmp_path / "list" / "bad-seeds.txt"
    if bad.exists():
        assert acting(bad.read_text("utf-8").removesuffix("\n")) == []


async def test_a_record_by_way_of_a_pipe_is_one_line_of_json(hostile: str, crawl: Crawl) -> None:
    ran = await crawl(f"{hostile}/", "--json", "-q", "--retries", "0", "--text", "--links", *ALLOWED)
    assert [json.loads(line)["v"] for line in ran.out.split("\n")[:-1]] == [1] * 10
