"""Crawls of requests that are more than a URL, against a server that tells what it was asked for."""

from __future__ import annotations

import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import anyio
import orjson
import pytest

import crawler
from crawler import Disposition, Outcome, Reason, Request
from crawler.sinks.record import EXTRA
from tests.echo import Echo, open_echo
from tests.list_sink import ListSink

QUICK: dict[str, Any] = {
    "delay_s": 0.0, "allow_networks": ["127.0.0.0/8"], "executor": "inline", "max_depth": 0, "retry_delay_s": 0.01,
}  # fmt: skip


async def crawl(*seeds: Any, **settings: Any) -> list[Outcome]:
    sink = ListSink()
    await crawler.crawl(seeds, sinks=[sink], **(QUICK | settings))
    return sink.got


def told(echo: Echo) -> list[tuple[str, str, bytes]]:
    return [(method, path, body) for method, path, _, body in echo.asked]


async def test_requests_to_one_url_are_visits_of_their_own() -> None:
    async with open_echo() as echo:
        form = f"{echo.url}/form"
        asked = [Request(form, method="post", body=f"n={n % 3}".encode(), data={"n": n}) for n in range(6)]
        got = await crawl(form, *asked, f"{echo.url}/form#top")
    assert sorted(told(echo)) == [("GET", "/form", b""), *(("POST", "/form", f"n={n}".encode()) for n in range(3))]
    assert Counter((one.request.data or {}).get("n") for one in got) == Counter(
        [None, 0, 1, 2]
    )  # the first of equal ones
    assert {one.disposition for one in got} == {Disposition.FETCHED}


@pytest.mark.parametrize(
    ("status", "method", "arrives"),
    [
        (301, "POST", "GET"), (302, "POST", "GET"), (303, "POST", "GET"), (307, "POST", "POST"), (308, "POST", "POST"),
        (302, "PUT", "PUT"), (303, "PUT", "GET"), (303, "HEAD", "HEAD"), (302, "GET", "GET"),
    ],
)  # fmt: skip
async def test_a_redirect_keeps_what_the_standards_say(status: int, method: str, arrives: str) -> None:
    body = b"" if method == "HEAD" else b"a=1"
    fields = {"Content-Type": "text/x", "X-Key": "k", "Authorization": "secret"}
    async with open_echo() as echo:
        seed = Request(
            f"{echo.url}/{status}//end", method=method, body=body, headers=fields, label="form", data={"n": 1}
        )
        got = await crawl(seed)
    method_at_end, path, headers, body_at_end = echo.asked[-1]
    assert (len(echo.asked), method_at_end, path) == (2, arrives, "/end")
    assert body_at_end == (body if arrives == method else b"")
    assert (headers.get("Content-Type") == "text/x") is (arrives == method)
    assert (headers["X-Key"], headers["Authorization"]) == ("k", "secret")
    assert [(one.disposition, one.request.label, one.request.data) for one in got] == [
        (Disposition.REDIRECTED, "form", {"n": 1}), (Disposition.FETCHED, "form", {"n": 1}),
    ]  # fmt: skip


async def test_another_site_gets_no_credentials() -> None:
    async with open_echo() as echo, open_echo() as other:
        fields = {"authorization": "secret", "Cookie": "a=1", "X-Key": "k"}
        await crawl(Request(f"{echo.url}/307/{other.url}/end", method="POST", headers=fields), reach="any")
    [(method, _, headers, _)] = other.asked
    assert method == "POST"
    assert headers["X-Key"] == "k"
    assert not {"authorization", "cookie"} & {name.lower() for name in headers}


async def test_a_form_that_redirects_to_its_own_page_is_no_circle() -> None:
    async with open_echo() as echo:
        got = await crawl(Request(f"{echo.url}/login/303", method="POST", body=b"a=1"))
        [circle] = await crawl(Request(f"{echo.url}/login/307", method="POST", body=b"a=1"))
    assert [one.disposition for one in got] == [Disposition.REDIRECTED, Disposition.FETCHED]
    assert (circle.disposition, circle.reason) == (Disposition.FAILED, Reason.TOO_MANY_REDIRECTS)
    assert [method for method, *_ in echo.asked] == ["POST", "GET", "POST"]


async def test_a_form_is_tried_again_only_where_it_was_surely_not_heeded() -> None:
    async with open_echo() as echo:
        seeds = [Request(f"{echo.url}/{status}/x", method="POST") for status in (429, 500, 503, 504)]
        got = await crawl(*seeds, Request(f"{echo.url}/500/y", method="PUT"), f"{echo.url}/500/z", per_site=8)
    tries = Counter((method, path) for method, path, *_ in echo.asked)
    assert tries == {
        ("POST", "/429/x"): 2, ("POST", "/500/x"): 1, ("POST", "/503/x"): 2, ("POST", "/504/x"): 1,
        ("PUT", "/500/y"): 2, ("GET", "/500/z"): 2,
    }  # fmt: skip
    failed = {one.url.path for one in got if one.disposition is Disposition.FAILED}
    assert failed == {"/500/x", "/504/x"}


async def test_equal_answers_to_forms_are_no_duplicates_and_no_trap() -> None:
    async with open_echo() as echo:
        forms = [Request(f"{echo.url}/same/{n // 2}", method="POST", body=str(n).encode()) for n in range(60)]
        got = await crawl(*forms, f"{echo.url}/same/a", f"{echo.url}/same/b", per_site=8)
    found = Counter((one.request.method, one.disposition) for one in got)
    assert found == {
        ("POST", Disposition.FETCHED): 60, ("GET", Disposition.FETCHED): 1, ("GET", Disposition.DUPLICATE): 1,
    }  # fmt: skip


async def test_robots_txt_holds_for_every_method() -> None:
    async with open_echo("User-agent: *\nDisallow: /form") as echo:
        [got] = await crawl(Request(f"{echo.url}/form", method="POST", body=b"a=1"))
    assert (got.disposition, got.reason) == (Disposition.EXCLUDED, Reason.ROBOTS)
    assert echo.asked == []


async def test_records_tell_what_a_program_noted_and_no_secret(tmp_path: Path) -> None:
    async with open_echo() as echo:
        form = Request(
            f"{echo.url}/form", method="POST", body=b"password=hush", headers={"X": "hush"}, data={"n": {"m": None}}
        )
        page = Request(f"{echo.url}/page", label="list", data={})
        await crawler.crawl([form, page, f"{echo.url}/plain"], folder=tmp_path / "crawl", **QUICK)
    text = (tmp_path / "crawl" / "pages.jsonl").read_text()
    records = {record["url"][len(echo.url) :]: record for record in map(orjson.loads, text.splitlines())}
    extra = {path: {name: record[name] for name in EXTRA if name in record} for path, record in records.items()}
    assert len(extra["/form"].pop("request_id")) == 16
    assert extra == {
        "/form": {"method": "POST", "request_data": {"n": {"m": None}}},
        "/page": {"label": "list", "request_data": {}},
        "/plain": {},
    }
    assert "hush" not in text


@pytest.mark.parametrize("number", range(3))
async def test_what_is_no_request_is_refused_at_the_door(number: int) -> None:
    mine = type("Mine", (Request,), {})("https://example.org/")
    data: Any = [1]
    with pytest.raises(crawler.UrlError):
        await crawl([object(), mine, Request("https://example.org/", data=data)][number])


async def test_add_fetches_known_urls_anew_where_it_is_asked_to() -> None:
    sink = ListSink()
    async with open_echo() as echo, crawler.open_crawl(sinks=[sink], **QUICK) as opened:
        page, gone = f"{echo.url}/page", f"{echo.url}/404/x"
        assert await opened.add([page, gone]) == 2
        await opened.run()
        assert await opened.add([page, gone], again=False) == 0
        assert await opened.add([page, gone]) == 1  # what failed
        await opened.run()
        assert await opened.add([page, Request(gone, label="b"), f"{echo.url}/new"], again=True) == 3
        await opened.run()
    visits = [(one.url.path, one.request.visit, one.request.label) for one in sink.got]
    assert visits[:2] == [("/page", 1, ""), ("/404/x", 1, "")]
    assert visits[2:3] == [("/404/x", 2, "")]
    assert sorted(visits[3:]) == [("/404/x", 3, "b"), ("/new", 1, ""), ("/page", 2, "")]
    assert {one.disposition for one in sink.got if one.url.path == "/page"} == {Disposition.FETCHED}


VICTIM = """
import asyncio, sys
import crawler

url, folder = sys.argv[1:]
seeds = [crawler.Request(f"{url}/form", method="POST", body=f"n={n}".encode(), data={"n": n}) for n in range(80)]
seeds += [crawler.Request(f"{url}/page/{n}", label="page", data={"n": n}) for n in range(80)]
settings = dict(delay_s=0.0, allow_networks=["127.0.0.0/8"], executor="inline", per_site=3, max_depth=0)
asyncio.run(crawler.crawl(seeds, folder=folder, **settings))
"""


@pytest.mark.slow
async def test_killed_again_and_again_each_request_has_one_record(tmp_path: Path) -> None:
    (tmp_path / "victim.py").write_text(VICTIM)
    async with open_echo() as echo:
        for moment in (20, 50, 90, None):
            process = await anyio.open_process(
                [sys.executable, "victim.py", echo.url, "crawl"], cwd=tmp_path, stdout=None, stderr=None
            )
            with anyio.fail_after(60):
                while process.returncode is None and (moment is None or len(echo.asked) < moment):
                    await anyio.sleep(0.005)
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
            await process.wait()
        assert process.returncode == 0
        lines = (tmp_path / "crawl" / "pages.jsonl").read_bytes().splitlines()
    found = Counter((record.get("method"), record["request_data"]["n"]) for record in map(orjson.loads, lines))
    assert found == {(method, n): 1 for method in ("POST", None) for n in range(80)}
    assert set(echo.bodies()) == {b"", *(f"n={n}".encode() for n in range(80))}
