"""Every route is asked with every hostile value we know: it says what is wrong with it, and the log stays quiet."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import logging
import re
from collections.abc import Iterator
from random import Random

import anyio
import pytest

from crawler.daemon.http import admission
from crawler.daemon.http.app import operations
from crawler.daemon.http.operations import Operation
from crawler.daemon.http.problem_kinds import problems_of

from ..conftest import submit
from .conftest import TOKEN, Api
from .hostile_values import BODIES, CURSORS, FIELDS, HEADS, JSON_VALUES, NO_HTTP, NUMBERS, TEXTS, TOKENS, TYPES

WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
FEW = 6
"""Values that each route gets of those that are looked at before it: another choice each, all of them in all."""


@pytest.mark.long
@pytest.mark.slow
async def test_no_route_answers_a_hostile_value_with_a_fault_of_its_own(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    wrong, n, chance = [], 0, Random(20261130)
    for operation in operations():
        job = await submit(api.jobs, ["http://127.0.0.1:9/"], is_paused=True)
        folder = api.jobs.folder(job.id)
        folder.mkdir(exist_ok=True)
        (folder / "pages.jsonl").write_bytes(b'{"url": "http://127.0.0.1:9/"}\n')
        for request in _requests(operation, job.id, chance):
            n += 1
            caplog.clear()
            status, head = await _asked(api, request)
            told = [record for record in caplog.records if record.levelno >= logging.WARNING or record.exc_info]
            if not 200 <= status < 500 or len(told) > 1 or any(record.exc_info for record in told):
                wrong.append((operation.name, request[:160], status, [record.getMessage()[:300] for record in told]))
            elif b"\r\nserver: crawld\r\n" not in head.lower():
                wrong.append((operation.name, request[:160], status, ["Server"]))
            elif not _is_described(operation, status, head):
                wrong.append((operation.name, request[:160], status, [head[-300:].decode()]))
    assert not wrong, "\n".join(map(str, wrong))
    assert n > 1500


def _is_described(operation: Operation, status: int, head: bytes) -> bool:
    """Whether openapi.json says that the operation may answer this."""
    if b"application/problem+json" not in head:
        return status in operation.answers
    slug = json.loads(head.rpartition(b"\r\n\r\n")[2].rstrip(b",") + b"}")["type"].rpartition(":")[2]
    is_elsewhere = slug in ("method", "not-found")  # no operation is at this path
    return is_elsewhere or slug in [kind.slug for kind in problems_of(operation).get(status, ())]


def _requests(operation: Operation, job: str, chance: Random) -> Iterator[bytes]:
    """Hostile in one place, right in all others."""
    is_safe = operation.method != "DELETE"
    job = job if is_safe else "j-none"  # else the others had nothing to ask for
    right = {"id": job, "name": "t", "file": "pages.jsonl"}
    path = _filled(operation.path, right)
    valid = b"{}" if operation.method in WITH_BODY else None
    for head in chance.sample(HEADS, FEW):
        yield _request(operation, path, host=head, body=valid)
    for token in chance.sample(TOKENS, FEW):
        yield _request(operation, path, token=token, body=valid)
    for name in re.findall(r"\{(\w+)", operation.path):
        for text in TEXTS:
            yield _request(operation, _filled(operation.path, right | {name: text}), body=valid)
    if not is_safe:
        return
    for field in chance.sample(FIELDS, FEW):
        yield _request(operation, path, fields=field, body=valid)
    for query in _queries(operation, chance):
        yield _request(operation, f"{path}?{query}", body=valid)
    if operation.body or operation.takes_lines:
        yield from _bodies(operation, path, chance)


def _queries(operation: Operation, chance: Random) -> Iterator[str]:
    names = set(operation.query.model_fields) if operation.query else set()
    for name in sorted(names or {"x"}):
        yield from (f"{name}={text}" for text in ((*TEXTS, *NUMBERS) if names else chance.sample(TEXTS, FEW)))
        yield f"{name}=1&{name}=2"
    for cursor in CURSORS if "cursor" in names else ():
        yield f"cursor={base64.urlsafe_b64encode(json.dumps(cursor).encode()).decode().rstrip('=')}"
    yield "%ff=%ff&&&=&%00"


def _filled(path: str, values: dict[str, str]) -> str:
    for name, text in values.items():
        path = re.sub(rf"\{{{name}[^}}]*\}}", text.replace("\\", r"\\"), path)
    return path


def _bodies(operation: Operation, path: str, chance: Random) -> Iterator[bytes]:
    for body in chance.sample(BODIES, FEW):
        yield _request(operation, path, body=body)
        yield _request(operation, path, body=body, media_type=b"text/uri-list")
        yield _request(operation, path, body=body, fields=b"Content-Encoding: gzip")
    yield _request(operation, path, body=gzip.compress(b" " * (8 << 20)), fields=b"Content-Encoding: gzip")
    for media_type in TYPES:
        yield _request(operation, path, body=b"{}", media_type=media_type)
    for name in operation.body.model_fields if operation.body else ():
        for value in JSON_VALUES if name == "settings" else chance.sample(JSON_VALUES, FEW):
            given = _required(operation) | {name: "?"}
            yield _request(operation, path, body=json.dumps(given).replace('"?"', value).encode())


def _required(operation: Operation) -> dict[str, object]:
    """What makes a body whole, so that the hostile field is looked at."""
    known = {
        "seeds": ["http://127.0.0.1:9/"],
        "cron": "0 6 * * *",
        "site": "http://127.0.0.1:9",
        "url": "http://10.0.0.1/",
        "settings": {},
        "is_paused": True,
    }
    fields = operation.body.model_fields if operation.body else {}
    return {name: value for name, value in known.items() if name in fields}


def _request(
    operation: Operation,
    target: str,
    *,
    host: bytes = b"Host: localhost",
    token: bytes = f"Bearer {TOKEN}".encode(),
    fields: bytes = b"X: y",
    body: bytes | None = None,
    media_type: bytes = b"application/json",
) -> bytes:
    length = b"" if body is None else b"Content-Type: %s\r\nContent-Length: %d\r\n" % (media_type, len(body))
    line = f"{operation.method} {target} HTTP/1.1\r\n".encode()
    return line + b"%s\r\nAuthorization: %s\r\n%s\r\n%s\r\n%s" % (host, token, fields, length, body or b"")


async def _asked(api: Api, request: bytes) -> tuple[int, bytes]:
    """Status and head of the answer; what follows the head is not waited for, but for the type of a problem."""
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    try:
        with anyio.fail_after(60):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            while head.startswith(b"HTTP/1.1 100 "):
                head = await reader.readuntil(b"\r\n\r\n")
        if b"application/problem+json" in head:
            head += await reader.readuntil(b",")
        return int(head.split()[1]), head
    except (asyncio.IncompleteReadError, ConnectionError):
        return 0, b""
    finally:
        writer.close()


async def test_no_path_of_an_asset_reaches_the_file_system(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    rubbish = (
        "a" * 5000,
        "%00",
        "%ff",
        "%ed%a0%80",
        "../../tokens.py",
        "%2e%2e/tokens.py",
        "vendor",
        "",
        "/etc/passwd",
    )
    for name in rubbish:
        status, _ = await _asked(api, b"GET /assets/%s HTTP/1.1\r\nHost: localhost\r\n\r\n" % name.encode())
        assert status == 404, name
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize(("name", "status"), [("Host", 400), ("Origin", 400)])
async def test_a_host_and_an_origin_that_are_none_are_told_so(api: Api, name: str, status: int) -> None:
    fields = {"Host": "localhost", name: "http://[" if name == "Origin" else "["}
    head = "".join(f"{field}: {value}\r\n" for field, value in fields.items())
    assert (await _asked(api, f"GET /healthz HTTP/1.1\r\n{head}\r\n".encode()))[0] == status


def _of_the_api(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.name.startswith(("aiohttp", "crawler.daemon.http"))]


async def test_what_is_no_http_is_counted_and_told_in_one_line(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "crawler.daemon.http")
    levels = []
    for what, request in NO_HTTP.items():
        caplog.clear()
        status, head = await _asked(api, request)
        assert status == 400, what
        assert b"\r\nServer: crawld\r\n" in head
        async with asyncio.timeout(60):
            while not (records := _of_the_api(caplog)):  # the answer may come before the line
                await asyncio.sleep(0.01)
        [told] = records
        assert told.exc_info is None, what
        assert told.getMessage().startswith("no HTTP from 127.0.0.1: "), what
        assert told.getMessage().isprintable(), what
        assert len(told.getMessage()) < 400
        levels.append(told.levelno)
    assert levels == [logging.INFO, *([logging.DEBUG] * (len(NO_HTTP) - 1))], "one line a minute, whoever floods us"
    assert b"crawld_malformed_requests_total %d.0\n" % len(NO_HTTP) in await api.get("/metrics")


async def test_the_next_line_about_what_is_no_http_says_how_much_there_was(
    api: Api, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "crawler.daemon.http")
    for seconds in (60, 60, 60, 0):
        monkeypatch.setattr(admission, "TOLD_S", seconds)
        await _asked(api, NO_HTTP["a NUL"])
    first, last = [record.getMessage() for record in caplog.records]
    assert last == f"{first} (2 more since the last line)"


@pytest.mark.parametrize("token", [TOKEN, "wrong"])
async def test_a_client_that_leaves_in_the_middle_of_its_body_is_no_bug(
    api: Api, caplog: pytest.LogCaptureFixture, token: str
) -> None:
    caplog.set_level(logging.INFO)
    head = f"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
    for more in (
        "Content-Type: application/json\r\nContent-Length: 20\r\n\r\n{",
        "Content-Type: text/uri-list\r\nContent-Length: 20\r\n\r\nhttp",
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
    ):
        for is_abrupt in (False, True):
            _, writer = await asyncio.open_connection("127.0.0.1", api.port)
            writer.write(f"{head}{more}".encode())
            await writer.drain()
            await api.get("/healthz")  # by now it was read
            if is_abrupt:
                writer.transport.abort()
            else:
                writer.close()
    while b"crawld_connections 1.0\n" not in await api.get("/metrics"):
        await asyncio.sleep(0.01)
    assert [record for record in caplog.records if record.levelno > logging.INFO or record.exc_info] == []
    assert api.jobs.list() == []


ODD = {
    "CONNECT": (b"CONNECT evil.test:443 HTTP/1.1\r\nHost: localhost\r\n\r\n", {401, 404, 405}),
    "TRACE": (b"TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n", {401, 405}),
    "a foreign target": (b"GET http://evil.test/v1/jobs HTTP/1.1\r\nHost: localhost\r\n\r\n", {401}),
    "a foreign host": (b"GET http://localhost/healthz HTTP/1.1\r\nHost: evil.test\r\n\r\n", {421}),
    "OPTIONS": (b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", {401, 404, 405}),
    "HTTP/0.9": (b"GET /\r\n\r\n", {400, 421}),
    "an upgrade": (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", {200}),
    "an expectation": (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nExpect: a pony\r\n\r\n", {417}),
}  # fmt: skip


@pytest.mark.parametrize("what", ODD)
async def test_what_is_odd_and_http_gets_an_answer_of_ours(
    api: Api, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    asked, statuses = ODD[what]
    status, head = await _asked(api, asked)
    assert status in statuses
    assert b"\r\nServer: crawld\r\n" in head
    assert b"aiohttp" not in head
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_extensions_of_chunks_are_bounded(api: Api) -> None:
    head = f"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n".encode()
    chunked = head + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    for body, status in ((b"2;" + b"x" * 50 + b"=1\r\n{}\r\n0\r\n\r\n", 422), (b"zz\r\n", 400), (b"-1\r\n", 400)):
        assert (await _asked(api, chunked + body))[0] == status, body[:20]
