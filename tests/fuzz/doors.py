"""Targets that read what comes through other doors: the wire, cookies, proxies, the daemon's clients, settings."""

from __future__ import annotations

import asyncio
import json
import logging
import unicodedata
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
from hypothesis import strategies as st

from crawler.daemon.errors import JobError
from crawler.daemon.http import inputs, models, schedules
from crawler.daemon.http.problems import Problem
from crawler.daemon.jobs.validation import choose
from crawler.daemon.owners import Rule
from crawler.daemon.schedules import schedule
from crawler.errors import ConfigError, FetchError
from crawler.fetch import Guard
from crawler.fetch.cookies import MAX_PAIR_BYTES, MAX_SENT_BYTES, Cookies
from crawler.model import Request, Response, Url
from crawler.records import ALL
from crawler.runtime import escaping as harmless
from crawler.runtime import log_format as logbook
from crawler.settings import Config, catalog
from crawler.settings import loading as config
from crawler.settings.toml import to_toml
from crawler.sinks.jsonl import JsonLinesReader
from tests.fetch.conftest import open_loopback
from tests.fetch.test_anything import ANSWERS
from tests.fuzz.target import Target, fed, soup
from tests.linear.doors import asked

TOKENS = (
    "\x1b[31m",
    "\u202e",
    "\ufe0f",
    "\U000e0001",
    "\ud800",
    "\x9b",
    "\n",
    "\0",
    "ü",
    "<",
    '"',
    "\\",
    "\u2028",
    "\u3164",
    " ",
    "a",
)
ACTING = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
"""Categories of characters that act on a terminal, or that nobody sees."""
SITE = Url("https://h.example/a/b")


def _harmless(text: str) -> None:
    shown = harmless.escape_text(text)
    assert not {unicodedata.category(char) for char in shown} & ACTING
    assert harmless.escape_text(shown) == shown
    line = harmless.json_line({"a": text, "b": [text, {"c": text}]})
    assert orjson.loads(line)["a"] == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert harmless.escape_text(line[:-1].decode()) == line[:-1].decode()
    harmless.unescape_html(text)
    told = logbook.Lines().format(logging.LogRecord("x", logging.INFO, "x", 1, "%s", (text,), None))
    assert "\n" not in told and "\x1b" not in told


def _cookies(fields: list[str]) -> None:
    async def keep() -> None:
        cookies = Cookies()
        for url in (SITE, Url("http://www.h.example/"), Url("http://127.0.0.1/")):
            cookies.keep(url, fields)
        sent = cookies.of(SITE)
        assert len(sent) <= MAX_SENT_BYTES and not set(sent) & {"\r", "\n", "\0"}
        assert all(len(pair) <= 4 * MAX_PAIR_BYTES for pair in sent.split("; "))
        assert cookies.of(Url("https://other.example/")) == ""

    asyncio.run(keep())


def _guarded(text: str) -> None:
    said = Guard(()).refuses(text)
    assert said is None or said.isprintable()


def _answered(pieces: list[bytes]) -> None:
    """Through a real connection."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    asyncio.run(_asked(talk, ""))


def _relayed(pieces: list[bytes]) -> None:
    """A SOCKS proxy that says anything."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for piece in pieces:
                await reader.read(1 << 16)
                writer.write(piece)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    asyncio.run(_asked(talk, "socks5://127.0.0.1:{port}"))


async def _asked(talk: Callable[..., Any], proxy: str) -> None:
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        async with open_loopback(timeout_s=1.0, cookies=True, proxy=proxy.format(port=port) or None) as fetcher:
            try:
                response = await fetcher.fetch(Request(Url(f"http://127.0.0.1:{port}/"), etag='"1"'))
            except FetchError as error:
                assert error.detail.isprintable() and len(error.detail) < 300
            else:
                assert isinstance(response, Response)
                response.release()
            assert fetcher.budget.used == 0
    finally:
        server.close()


def _sent(body: bytes) -> None:
    for model in (models.JobIn, models.JobPatch, schedules.ScheduleIn, models.SeedsIn):
        try:
            asyncio.run(inputs.body(asked(body), model))
        except Problem as problem:
            assert 400 <= problem.status < 500
            assert orjson.dumps([problem.detail, *map(list, problem.faults)])


def _queried(given: dict[str, str]) -> None:
    for model in (models.ListQuery, models.PagesQuery, models.UrlQuery, models.SinceQuery, models.EventsQuery):
        try:
            inputs.query(asked(query=given), model)
        except Problem as problem:
            assert problem.status == 422
    for text in given.values():
        try:
            assert inputs.position(inputs.cursor(*inputs.position(text))) == inputs.position(text)
        except Problem as problem:
            assert problem.status == 422


def _scheduled(given: tuple[str, str]) -> None:
    cron, zone = given
    try:
        assert schedule.next_time(cron, zone, 1.7e9) > 1.7e9
    except JobError as error:
        assert str(error).isprintable()


def _chosen(given: dict[str, Any]) -> None:
    try:
        chosen = choose(given, Rule(Config()))
    except JobError as error:
        orjson.dumps(str(error).encode("utf-8", "replace").decode())
        return
    orjson.dumps(chosen)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "crawl.toml"
        amended = config.amend(Config(), chosen)
        path.write_text(to_toml(amended), "utf-8")
        assert config.load(path, environ={}) == amended


def _loaded(data: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "crawl.toml"
        path.write_bytes(data)
        try:
            found = config.load(path, environ={})
        except ConfigError:
            return
        path.write_text(to_toml(found), "utf-8")
        assert config.load(path, environ={}) == found


def _recorded(data: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "pages.jsonl"
        path.write_bytes(data)
        reader = JsonLinesReader(path)
        first = reader.read(0, 5, ALL, len(data))
        assert first.end <= len(data) and all(line.endswith(b"\n") for line in first.lines)
        assert 0 <= reader.start_of_last(3, ALL, len(data)) <= len(data)


_JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
max_leaves=12)  # fmt: skip
_NAMES = st.sampled_from(
    (
        "name",
        "seeds",
        "settings",
        "priority",
        "labels",
        "template",
        "is_paused",
        "webhook",
        "cron",
        "zone",
        "overlap",
        "x",
    )
)
_BODIES = st.dictionaries(_NAMES, _JSON, max_size=6).map(lambda value: json.dumps(value).encode()) | fed(
    (b'{"seeds":["http://h.example/"],"settings":{"scope":{"reach":"host"}},"priority":1}',),
    (b"{", b"}", b"[", b'"', b"9" * 400, b"\\ud800", b"\xff", b"1e999", b"[" * 2000, b"null"),
)
_KEYS = st.sampled_from((*catalog.fields(), "scope", "fetch", "politeness", "sinks", "delay_s", "x.y")) | st.text(
    max_size=9
)
_SETTINGS = st.dictionaries(
    _KEYS,
    _JSON
    | st.dictionaries(
        st.text(max_size=9) | st.sampled_from(("reach", "headers", "include", "delay_s", "sites")), _JSON, max_size=3
    ),
    max_size=4,
)
_COOKIES = fed(
    (
        "a=b; Path=/; Secure; HttpOnly",
        "__Host-a=b; secure; path=/",
        'a="b c"; domain=.example; expires=Mon, 30 Nov 2026 01:18:00 GMT; max-age=9',
    ),
    (
        "=",
        ";",
        ";domain=",
        "h.example",
        "example",
        '"',
        "\\",
        ",",
        " ",
        "\0",
        "\n",
        "ü",
        "__Secure-",
        "; path=",
        "; max-age=",
        "9" * 400,
        "; expires=",
    ),
)
_TOML = fed(
    (b"[scope]\nreach = 'host'\ninclude = ['*a*']\n[politeness]\ndelay_s = 1.5\n[[sinks]]\npath = 'pages.jsonl'\n",),
    (
        b"[",
        b"]",
        b"=",
        b"'",
        b'"',
        b"\n",
        b".",
        b"a",
        b"1979-05-27",
        b"0x1f",
        b"inf",
        b"{",
        b"}",
        b"scope",
        b"\xff",
        b"\0",
        b"[" * 2000,
        b"a." * 100,
        b"9" * 5000,
    ),
)
_SOCKS = st.lists(
    fed(
        (b"\x05\x00", b"\x05\x02\x01\x00", b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50HTTP/1.1 204 N\r\n\r\n"),
        (b"\x05", b"\0", b"\xff", b"\x03", b"HTTP/1.1 200 OK\r\n"),
    ),
    max_size=4,
)

TARGETS = [
    Target("what is told", soup(TOKENS) | st.text(), _harmless),
    Target("cookies", st.lists(_COOKIES, max_size=4), _cookies),
    Target(
        "an address",
        fed(("127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::1", "fe80::1%eth0"), (":", ".", "1", "f", "%", "ffff", "\0")),
        _guarded,
    ),
    Target("an answer on the wire", st.lists(ANSWERS, max_size=4), _answered),
    Target("an answer of a SOCKS proxy", _SOCKS, _relayed),
    Target("a body for the daemon", _BODIES, _sent),
    Target(
        "a query for the daemon",
        st.dictionaries(
            st.sampled_from(("cursor", "limit", "status", "site", "url", "since", "after", "state", "x")),
            st.text(max_size=20) | st.sampled_from(("WzFd", "W10", "-1", "9" * 30)),
            max_size=5,
        ),
        _queried,
    ),
    Target(
        "a line of cron",
        st.tuples(
            fed(
                ("* * * * *", "*/5 0-3 1,15 jan-mar mon#2", "0 0 L * *"),
                ("*", "/", "-", ",", "#", "L", "W", "9", " ", "MON", "٣", "999999999"),
            ),
            st.sampled_from(("UTC", "Europe/Berlin", "../x", "", "\0")) | st.text(max_size=9),
        ),
        _scheduled,
    ),
    Target("settings of a job", _SETTINGS, _chosen),
    Target("a file of settings", _TOML, _loaded),
    Target(
        "a file of records",
        fed(
            (b'{"v":1,"url":"http://h/","disposition":"failed","reason":"dns"}\n' * 3,),
            (b"\n", b"{", b"}", b'"', b"\xff", b"\0"),
        ),
        _recorded,
    ),
]
