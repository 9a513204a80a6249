"""What comes through the other doors: fields, cookies, dates, addresses, the daemon's clients, settings, logs."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pydantic
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from crawler.comparison.lines import count_changes, find_similarity
from crawler.comparison.sides import read_row
from crawler.conditions import BadCondition, parse_condition
from crawler.conditions.words import MOST_CHARS
from crawler.daemon import tokens
from crawler.daemon.errors import JobError
from crawler.daemon.http import fields, inputs, models, schedules, wishes
from crawler.daemon.http.problems import Problem
from crawler.daemon.http.safety import _check_host, _check_origin, _shows
from crawler.daemon.jobs import spool
from crawler.daemon.jobs.validation import choose
from crawler.daemon.owners import Rule
from crawler.daemon.runs import records
from crawler.daemon.schedules import schedule
from crawler.errors import ConfigError, FetchError
from crawler.export.passages import count_tokens, cut, plain
from crawler.feed import Cursor
from crawler.fetch import Guard
from crawler.fetch.cookies import Cookies
from crawler.fetch.framing import (
    LOOK_BACK,
    count_lengths,
    find_final_head,
    find_plain_head,
    is_http2,
    join_equal_lengths,
    split_heads,
)
from crawler.fetch.proxy_pool import ProxyPool
from crawler.fetch.resolver import NameAnswer, Resolver
from crawler.folder import naming
from crawler.model import Disposition, Lease, Outcome, Page, Request, Response, Url
from crawler.policy import politeness
from crawler.reach import recorded
from crawler.records import Filter
from crawler.runtime import escaping as harmless
from crawler.runtime import log_format as logbook
from crawler.runtime import signing
from crawler.search.spelling import spell, unspell
from crawler.search.words import MOST_CHARS as WORDS_CHARS
from crawler.search.words import read_words
from crawler.settings import Config, FetchConfig, reading, toml
from crawler.settings import loading as config
from crawler.sinks.field_kinds import RECORD_FIELDS
from crawler.sinks.jsonl import JsonLinesReader
from crawler.sinks.record import Wants, record
from tests.linear.measure import Row, Shape, made, raw, runs

HOSTILE = parse_condition(
    'title matches "(a+)+$" or title contains "ab" or fetched_at > "2026-01-01" or links contains "x"', RECORD_FIELDS
)
FIELD = 1 << 16
PROXIED = FetchConfig(proxy="http://p:1", no_proxy=("a.example", "10.0.0.0/8", "*.b"))
"""Characters of the longest header field that is read."""
TEXT = runs(
    "x", " ", "x ", "\n", "\r\n", "\t", "\0", "1", "1 ", "1,", "1.", ".", "-", "%", "%41", "&", "<", "\\", "'", '"',
    ";", "=", ",", ":", "/", "(", "[",
    "e\u0301", "\u0301\u0316", "\u202e", "\ufeff", "\U000e0001", "ß", "\ufe0f", "\x1b[31m", "=x;", ";=", "a=b; ",
    "Mon, ", "GMT ", "01 ", "Jan ", "http://h/ ",
)  # fmt: skip
URL = Url("https://h.example/a/b")


def tried(read: Callable[[Any], object], *errors: type[Exception]) -> Callable[[Any], object]:
    """The same, where it may refuse what it reads."""

    def attempt(given: Any) -> object:
        try:
            return read(given)
        except errors as error:
            return str(error)

    return attempt


COOKIES = runs(
    "a=b; ", "a=b;", ";", "=", ";=", "; domain=", ";domain", "; domain  ", "; expires=", "; path=/a", "; secure", '"',
    '\\"', '; a="', "; a='",
    " ", ",", "a,", "%", "(", "; Expires=Mon, 01 Jan 2040 00:00:00 GMT", "__Host-", "; max-age=9", "x", "; x", "\t",
    head="a=b; ",
)  # fmt: skip


def _kept(fields: Sequence[str]) -> object:
    async def keep() -> str:
        cookies = Cookies()
        for at in range(0, len(fields), 50):
            cookies.keep(URL, fields[at : at + 50])
        return cookies.of(URL)

    return asyncio.run(keep())


def _resolved(addresses: list[str]) -> object:
    async def ask(host: str) -> NameAnswer:
        return NameAnswer(tuple(addresses), 60)

    async def look() -> object:
        try:
            return await Resolver(Guard(()), ask, timeout_s=10.0).resolve("h.example")
        except FetchError as error:
            return error

    return asyncio.run(look())


def _response(fields: Iterable[tuple[bytes, bytes]], status: int = 503) -> Response:
    return Response(URL, status, tuple(fields))


def _recorded(response: Response) -> object:
    outcome = Outcome(Lease(Request(URL), 1), Disposition.FETCHED, detail="x", response=response, page=Page(b"x" * 32))
    return record(outcome, Wants(True, True, True))


def _described(text: str) -> object:
    page = Page(b"x" * 32, title=text, description=text, text=text, links_json=b"[]", data_json=orjson.dumps(text))
    return record(Outcome(Lease(Request(URL), 1), Disposition.FETCHED, detail=text, page=page), Wants(True, True, True))


def _logged(text: str) -> object:
    line = logging.LogRecord("x", logging.INFO, "x", 1, "%s", (text,), None)
    return logbook.Lines().format(line)


# -- the daemon ------------------------------------------------------------------------------------------------------


def asked(
    body: bytes = b"",
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    size: int = 1 << 16,
) -> web.Request:
    return cast("web.Request", _Asked(body, query or {}, headers or {}, size))


class _Asked:
    """A request as far as our readers look at it."""

    def __init__(self, body: bytes, query: Mapping[str, str], headers: Mapping[str, str], size: int) -> None:
        self.content = self
        self.content_type = "application/json"
        self.query = dict(query)
        self.headers = dict(headers)
        self.path = "/"
        self.match_info = SimpleNamespace(route=SimpleNamespace(name=""))
        self._file = io.BytesIO(body)
        self._size = size

    async def readany(self) -> bytes:
        return self._file.read(self._size)


def _as_body(model: type[pydantic.BaseModel]) -> Callable[[Any], object]:
    return tried(lambda body: asyncio.run(inputs.body(asked(body), model)), Problem)


def _as_query(given: Mapping[str, str]) -> object:
    return inputs.query(asked(query=given), models.PagesQuery)


def _lines(size: int) -> Callable[[Any], object]:
    async def read(body: bytes) -> int:
        count = 0
        async for batch in inputs.lines(asked(body, size=size), 1 << 30):
            count += len(batch)
        return count

    return tried(lambda body: asyncio.run(read(body)), Problem)


def _headed(name: str) -> Callable[[str], object]:
    """What the guard of the daemon's door makes of a field."""

    def read(value: str) -> None:
        request = asked(headers={"Host": "h", name: value})
        _check_host(request, frozenset({"h"}))
        _check_origin(request)
        _shows(request, "t", takes_password=True)

    return tried(read, Problem, ValueError, TypeError)


def _mocked(name: str, value: str) -> web.Request:
    """A request of aiohttp's own, which reads the list of tags."""
    return make_mocked_request("GET", "/", headers={name: value})


TAGS: dict[str, Shape] = runs('"', '"1",', 'W/"', 'W/"1", ', ",", " ", '"1" ')
BODY: dict[str, Shape] = {
    **raw({
        **runs("[", '{"a":', '"', "1", "9", " ", ",", "{", "\\"),
        **runs("x", "\\n", "\\u0041", "\u0301", head='{"name":"', tail='"}'),
        **runs('"a",', '"http://a.example/",', "1,", "[],", head='{"seeds":[', tail='"a"]}'),
        **runs("9", "0", head='{"priority":', tail="}"),
    }),
    "fields that there are not": lambda n: orjson.dumps({f"f{i}": i for i in range(n // 12)}),
    "settings that there are not": lambda n: orjson.dumps({"settings": {f"f{i}": i for i in range(n // 12)}}),
    "labels": lambda n: orjson.dumps({"labels": {f"f{i}": "x" for i in range(n // 12)}}),
    "seeds of the wrong kind": lambda n: orjson.dumps({"seeds": list(range(n // 7))}),
}  # fmt: skip
SETTINGS: dict[str, Shape] = {
    "settings that there are not": lambda n: {f"f{i}": i for i in range(n // 12)},
    "long names": lambda n: {"x" * n: 1, "policy.scope." + "x" * n: 2},
    "settings of a table that there are not": lambda n: {"scope": {f"f{i}": i for i in range(n // 12)}},
    "wrong values": lambda n: {"scope": {"include": [1] * (n // 3)}},
    "fields": lambda n: {"fetch": {"headers": {f"f{i}": "x" for i in range(n // 12)}}},
    "sites": lambda n: {"sites": {f"https://h{i}.example": {} for i in range(n // 30)}},
    "networks": lambda n: {"fetch": {"allow_networks": [f"10.{i >> 8 & 255}.{i & 255}.0/24" for i in range(n // 16)]}},
    "sinks": lambda n: {"sinks": [{"f": i} for i in range(n // 10)]},
    "a long text": lambda n: {"fetch": {"user_agent": "x" * n}},
    "no number": lambda n: {"scope": {"max_depth": "9" * n}},
}
TOML = {
    **runs("a=1\n", "[a]\n", "[[sinks]]\n", "[", "a.", "a = {", '"', "'''", "#\n", "\n", " ", "x", "9", "\\", "a = [",
        "1,", "a='b'\n", '"""'),
    **runs("a.", "[", "{a=", "1,", "'x',", "9", "{},", "\n", head="x = [", tail="]"),
    "many names": lambda n: "".join([f"a{i} = {i}\n" for i in range(n // 10)]),
    "many tables": lambda n: "".join([f"[a{i}]\nb = 1\n" for i in range(n // 12)]),
    "sinks": lambda n: "[[sinks]]\npath = 'x'\n" * (n // 22),
    "tables in tables": lambda n: "".join([f"[scope.a{i}]\n" for i in range(n // 14)]),
    "dotted names": lambda n: "".join([f"policy.scope.a{i}.b = 1\n" for i in range(n // 18)]),
}  # fmt: skip


def _in_file(read: Callable[[Path], object], name: str) -> Callable[[bytes], object]:
    def tried_(data: bytes) -> object:
        with TemporaryDirectory() as there:
            path = Path(there) / name
            path.touch(0o600)
            path.write_bytes(data)
            return read(path)

    return tried(tried_, ConfigError)


_LINE = b'{"v":1,"url":"http://h%d.example/","disposition":"failed","links":["a"]}\n'
RECORDS: dict[str, Shape] = {
    **raw(runs('{"v":1,"url":"http://h.example/","disposition":"failed","reason":"dns"}\n', "\n", "x\n")),
    "a long line": lambda n: b'{"v":1,"url":"http://h.example/","links":["' + b"x" * n + b'"]}\n',
    "many links": lambda n: b'{"v":1,"url":"http://h.example/","links":[' + b'"x",' * (n // 4) + b'"x"]}\n',
    "a line without an end": lambda n: b"x" * n,
    "many sites": lambda n: b"".join([_LINE % i for i in range(n // 70)]),
}  # fmt: skip


def _failed(path: Path) -> object:
    failures = records.Failures()
    failures.update(JsonLinesReader(path))
    return failures.most(10)


SPEC = runs("* ", "1,", "*/1,", "1-", "1-2,", "-", "L", "#", "9", "*", "MON,", "W", " ", "\u0661", "x", "/")
CRON = {
    **SPEC,
    **runs("1,", "9", "1-2,", "*/2,", "-", "L,", "#", tail=" * * * *"),
    **runs("1,", "MON,", "1#2,", "L,", head="* * * * "),
    **runs("1,", "L,", head="* * ", tail=" * *"),
}


def _condition(text: str) -> object:
    try:
        return parse_condition(text, RECORD_FIELDS)
    except BadCondition as error:
        return error


def _read_cursor(text: str) -> None:
    with suppress(ConfigError):
        Cursor.read(text)


def _read_words(text: str) -> None:
    with suppress(ConfigError):
        read_words(text)


ROWS = [
    Row("comparison.lines.count_changes", lambda text: count_changes(text, text[::-1]), {**TEXT, **runs("a\n", "\n ")}),
    Row("comparison.lines.find_similarity", lambda text: find_similarity(text, "f" * 16), TEXT),
    Row("comparison.sides.read_row", lambda text: read_row(b'{"url":' + text + b"}", 0, 0), raw(TEXT)),
    Row("feed.cursor.Cursor.read", _read_cursor, TEXT),
    Row(
        "export.passages.cut",
        lambda text: [*cut(text, 60)],
        {**TEXT, **runs("# a\n", "```\n", "| a\n", "[a](b", "[", "_", "\\", ". ", "*", "手", "1", "- a\n", " ", "(")},
    ),
    Row("export.passages.count_tokens", count_tokens, TEXT),
    Row("export.passages.plain", plain, {**TEXT, **runs("[a](b", "[", "![", "_", "\\", "*", "](", "(")}),
    Row("search.words.read_words", _read_words, {**TEXT, **runs('"', "a ", '-"a', "*", "手")}, most=WORDS_CHARS),
    Row("search.spelling.spell", spell, {**TEXT, **runs("手", "手a", "\x00")}),
    Row("search.spelling.unspell", unspell, {**TEXT, **runs("\u200b")}),
    Row(
        "conditions.parse_condition",
        _condition,
        {
            **TEXT,
            **runs("(", "not ", "a", "a.", '"', "=", "-", "1", "1.", " ", "&", "2026-11-"),
            **runs("1,", "-1 , ", head="status in (", tail="1)"),
            **runs("depth = 1 or ", "depth = 1 and not ", tail="depth = 1"),
            **runs('""', "a", "(a+)+", "a{9}", "|", head='title matches "', tail='"'),
        },
        most=MOST_CHARS,
    ),
    Row(
        "conditions.condition.Condition.wants",
        lambda text: HOSTILE.wants({"title": text, "fetched_at": text, "links": [text]}),
        {**TEXT, **runs("a", "ab", "2026-", "é", tail="!")},
    ),
    Row(
        "policy.politeness.retry_after_s",
        lambda text: politeness.retry_after_s(text, 0.0),
        {**TEXT, **runs("0", " ", "(", "(x)", "+", head="Mon, 01 Jan 2040 00:00:00 ")},
        most=FIELD,
    ),
    Row(
        "policy.politeness.setback",
        lambda given: politeness.setback(given, 0.0),
        made(raw(TEXT), lambda value: _response([(b"Retry-After", value)])),
        most=FIELD,
    ),
    Row(
        "model.Response.header",
        lambda given: (given.header("retry-after"), given.all("link")),
        {"fields": lambda n: _response([(b"x", b"y")] * (n // 10))},
    ),
    Row("fetch.cookies.Cookies.keep", lambda field: _kept([field]), {**COOKIES, **TEXT}, most=FIELD),
    Row(
        "fetch.cookies.Cookies.keep of many",
        _kept,
        {
            "names": lambda n: [f"a{i}=b" for i in range(n)],
            "paths": lambda n: [f"a{i}=b; path=/a{i}" for i in range(n)],
            "domains": lambda n: [f"a=b; domain=h{i}.h.example" for i in range(n)],
        },
        most=1 << 14,
        step=100,
    ),
    Row(
        "fetch.guard.Guard.refuses",
        lambda text: Guard(()).refuses(text),
        {**TEXT, **runs("1.", "0:", ":", "f", "%", "1", "::")},
    ),
    Row(
        "fetch.resolver.Resolver.resolve",
        _resolved,
        made(runs("1.2.3.4\n", "127.0.0.1\n", "x\n", "::1\n", "2001:4860::1\n"), str.splitlines),
        most=FIELD,
    ),
    Row(
        "fetch.proxy_pool.ProxyPool.choose",
        lambda host: ProxyPool(PROXIED).choose("", host),
        {**TEXT, **runs("1.", "a.", ":")},
        most=2083,
    ),
    Row("runtime.escaping.escape_text", harmless.escape_text, TEXT),
    Row(
        "runtime.escaping.unescape_html",
        harmless.unescape_html,
        {**TEXT, **runs("&#9", "&#", "&#x", "&a", "&amp;"), **runs("9", "0", head="&#")},
    ),
    Row(
        "runtime.escaping.unescape_attribute",
        harmless.unescape_attribute,
        {
            **TEXT,
            **runs("&#9", "&#", "&#x", "&a", "&amp;", "&copy=", "&copy"),
            **runs("9", "0", head="&#"),
            **runs("a", head="&"),
        },
    ),
    Row("runtime.escaping.json_line", lambda text: harmless.json_line({"a": text, text: 1}), TEXT),
    Row(
        "runtime.escaping.json_line of halves",
        lambda text: harmless.json_line({"a": text + "\ud800", "b": [text]}),
        TEXT,
    ),
    Row(
        "sinks.record.record",
        _recorded,
        made(raw(TEXT), lambda value: _response([(b"Content-Type", value), (b"ETag", value)], 200)),
    ),
    Row("sinks.record.record of a page", _described, TEXT),
    Row("runtime.log_format.Lines.format", _logged, TEXT),
    Row("daemon.http.inputs.body of a job", _as_body(models.JobIn), BODY, most=inputs.MAX_BODY),
    Row("daemon.http.inputs.body of a schedule", _as_body(schedules.ScheduleIn), BODY, most=inputs.MAX_BODY),
    Row("daemon.http.inputs.body of a change", _as_body(models.JobPatch), BODY, most=inputs.MAX_BODY),
    Row("daemon.http.inputs.body of seeds", _as_body(models.SeedsIn), BODY, most=inputs.MAX_BODY),
    Row("daemon.http.inputs.body of a wish", _as_body(wishes.UnparkIn), BODY, most=inputs.MAX_BODY),
    Row(
        "daemon.http.inputs.query",
        tried(_as_query, Problem),
        made(TEXT, lambda text: {"status": text, "cursor": text, "site": text}),
        most=FIELD,
    ),
    Row(
        "daemon.http.inputs.query of many",
        tried(_as_query, Problem),
        {"names": lambda n: {f"a{i}": "b" for i in range(n // 7)}},
        most=FIELD,
    ),
    Row("daemon.http.inputs.lines", _lines(1 << 16), raw(TEXT)),
    Row("daemon.http.inputs.lines of a trickle", _lines(16), raw(TEXT)),
    Row(
        "daemon.http.inputs.position",
        tried(inputs.position, Problem),
        {**TEXT, **runs("W", "A", "=", "W10", "WzEs")},
        most=FIELD,
    ),
    Row("daemon.http.inputs.cursor", lambda text: inputs.cursor(text, 1), {**runs("x", "é")}),
    Row(
        "daemon.http.safety.guard of hosts",
        _headed("Host"),
        {**TEXT, **runs("a.", "[", ":", "1:")},
        most=FIELD,
    ),
    Row(
        "daemon.http.safety.guard of origins",
        _headed("Origin"),
        {**TEXT, **runs("[", "http://[", head="http://")},
        most=FIELD,
    ),
    Row(
        "daemon.http.safety.guard of tokens",
        _headed("Authorization"),
        {**TEXT, **runs("x", " ", head="Bearer ")},
        most=FIELD,
    ),
    Row(
        "daemon.http.fields.expected",
        tried(lambda text: fields.expected(_mocked("If-Match", text)), Problem),
        {**TEXT, **TAGS},
        most=FIELD,
    ),
    Row(
        "daemon.http.fields.tagged",
        tried(lambda text: fields.tagged(_mocked("If-None-Match", text), b""), ValueError),
        {**TEXT, **TAGS},
        most=FIELD,
    ),
    Row(
        "daemon.schedules.schedule.next_time",
        tried(lambda text: schedule.next_time(text, "UTC", 0.0), JobError),
        CRON,
        most=200,
    ),
    Row(
        "daemon.schedules.schedule.next_time in a zone",
        tried(lambda text: schedule.next_time("* * * * *", text, 0.0), JobError),
        {**TEXT, **runs("../", "/", "A/")},
        most=200,
    ),
    Row(
        "fetch.framing.split_heads",
        lambda data: split_heads(data, 8),
        raw({**TEXT, **runs("\r\n", "a: b\r\n", "HTTP/1.1 103 a\r\n\r\n", "\r\n\r")}),
    ),
    Row(
        "fetch.framing.join_equal_lengths",
        lambda data: join_equal_lengths(data, find_final_head(data)),
        raw({**TEXT, **runs("\r\n", "Content-Length: 5\r\n", "content-length:", "Content-Length: 5, 5", "\n")}),
    ),
    Row("fetch.framing.is_http2", is_http2, raw({**TEXT, **runs("\0\0\0\4\0\0\0\0\0", "\xff")})),
    Row(
        "fetch.framing.find_final_head",
        find_final_head,
        raw(runs("\r\n", "HTTP/1.1 103 a\r\n\r\n", "HTTP/1.1 1", "\n")),
    ),
    Row(
        "fetch.framing.find_plain_head",
        lambda data: find_plain_head(b"HTTP/1.1 200 OK\r\n" + data + b"\r\n\r\n"),
        raw({**TEXT, **runs("Content-Length: 5\r\n", "content-length:", "Content-Length: 5, 5", "\n")}),
    ),
    Row(
        "fetch.framing.count_lengths",
        lambda data: count_lengths(data[:LOOK_BACK], data),
        raw({**TEXT, **runs("\ncontent-length:", "\ncontent-length: 5", "content-length: ,", "\n")}),
    ),
    Row("daemon.jobs.spool.normalise_lines", lambda text: spool.normalise_lines([text, *text.split(" ")]), TEXT),
    Row(
        "sinks.jsonl.reading.JsonLinesReader.read",
        _in_file(
            lambda path: JsonLinesReader(path).read(
                0, 100, Filter(site="h.example", status="4xx", reason="dns"), records.MOST_READ
            ),
            "pages.jsonl",
        ),
        RECORDS,
    ),
    Row(
        "sinks.jsonl.reading.JsonLinesReader.start_of_last",
        _in_file(
            lambda path: JsonLinesReader(path).start_of_last(100, Filter(site="h.example"), records.MOST_LOOKED),
            "pages.jsonl",
        ),
        RECORDS,
    ),
    Row("daemon.runs.records.Failures.update", _in_file(_failed, "pages.jsonl"), RECORDS),
    Row("daemon.tokens.read", _in_file(tokens.read, "token"), raw(TEXT)),
    Row(
        "runtime.signing.signature",
        lambda text: signing.signature(text, text, 1, text.encode()),
        {**runs("A", "=", head="whsec_")},
    ),
    Row(
        "daemon.jobs.validation.choose",
        tried(lambda given: choose(given, Rule(Config())), JobError),
        SETTINGS,
        most=inputs.MAX_BODY,
    ),
    Row(
        "settings.loading.amend",
        tried(lambda given: config.amend(Config(), given), ConfigError),
        SETTINGS,
        most=inputs.MAX_BODY,
    ),
    Row("settings.reading.read", _in_file(reading.read, "crawl.toml"), raw(TOML)),
    Row("settings.loading.load", _in_file(lambda path: config.load(path, environ={}), "crawl.toml"), raw(TOML)),
    Row("settings.toml.text_of", toml.text_of, TEXT),
    Row(
        "folder.naming.default_folder_name",
        lambda text: naming.default_folder_name([text]),
        {**TEXT, **runs("a.", "/", "../", head="http://")},
    ),
    Row(
        "reach.recorded.judge",
        _in_file(
            lambda path: recorded._find_records(JsonLinesReader(path), 0, path.stat().st_size, b"key"), "pages.jsonl"
        ),
        RECORDS,
    ),
]
