"""The programs in the documents about hooks, fetchers and logins are run, against sites on loopback."""

from __future__ import annotations

import re
import runpy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pycares
import pytest
from aiohttp import web

import crawler
from crawler import Request, Response, Url
from crawler.testing import Web, link_graph, open_web

ROOT = Path(__file__).parent.parent
LOOPBACK = 'max_depth=2, delay_s=0.0, allow_networks=["127.0.0.0/8"], executor="inline"'
DOCUMENTS = ("hooks", "own-fetcher", "login")
SHOWN = [
    pytest.param(code, id=f"{name}-{number}")
    for name in DOCUMENTS
    for number, code in enumerate(re.findall(r"```python\n(.*?)```", (ROOT / f"docs/{name}.md").read_text(), re.S))
]


@pytest.fixture(scope="session", autouse=True)
def closing_thread() -> None:
    """pycares closes all its channels on one daemon thread a process, begun with the first: not the story's own."""
    pycares.Channel().close()


def shown(word: str) -> list[Any]:
    return [one for one in SHOWN if word in str(one.values[0])]


def load(code: str, site: str, folder: Path) -> dict[str, Any]:
    """Runs the text of a program, not its `main`, with a site on loopback in place of the one it is meant for."""
    path = folder / "program.py"
    path.write_text(code.replace("https://example.org/", site).replace("max_depth=2", LOOPBACK))
    return runpy.run_path(str(path))


def small_web() -> Web:
    return link_graph(seed=1, sites=1, pages_per_site=12, links_per_page=5)


def test_every_program_is_run_somewhere() -> None:
    words = ("def before_request", "class Cache", "class Theirs", "InBrowser", "log_in")
    run = [one for word in words for one in shown(word)]
    assert [one.id for one in run] == [one.id for one in SHOWN]


@pytest.mark.parametrize("code", shown("def before_request"))
async def test_the_hooks_of_the_document(code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with open_web(small_web()) as served:
        program = load(code, served.seeds[0], tmp_path)
        with anyio.fail_after(30):
            await program["main"]()
        assert len(served.counts(robots=False)) > 5
    skipped = await program["before_request"](Request(Url("http://a.test/x.zip")))
    assert skipped == crawler.Skip("archives are not for us")
    changed = await program["before_request"](Request(Url("http://a.test/x")))
    assert changed.headers == (("X-Trace", "42"),)
    warming = Response.decoded("http://a.test/x", 200, {"X-Cache": "warming"})
    assert (await program["after_response"](warming)).after_s == 20


@pytest.mark.parametrize("code", shown("class Cache"))
async def test_the_cache_of_the_document(code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with open_web(small_web()) as served:
        with anyio.fail_after(30):
            await load(code, served.seeds[0], tmp_path)["main"]()
        assert set(served.counts().values()) == {1}
    first, second = capsys.readouterr().out.splitlines()
    assert first == second


@pytest.mark.parametrize("code", shown("class Theirs"))
async def test_the_other_client_of_the_document(code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with open_web(small_web()) as served:
        with anyio.fail_after(30):
            await load(code, served.seeds[0], tmp_path)["main"]()
        assert {hit.headers["user-agent"].partition("/")[0] for hit in served.hits} == {"Python"}
        assert len(served.counts(robots=False)) > 5


@pytest.mark.parametrize("code", shown("InBrowser"))
async def test_the_browser_of_the_document(code: str) -> None:
    class Page:
        is_closed = False
        status = 200

        async def goto(self, url: str) -> Page:
            assert url == "http://a.test/app/x"
            return self

        async def all_headers(self) -> dict[str, str]:
            return {"content-type": "text/html; charset=latin-1", "content-encoding": "br", "set-cookie": "a=1\nb=2"}

        async def content(self) -> str:
            return "<title>größer</title>"

        async def close(self) -> None:
            self.is_closed = True

    class Browser:
        page = Page()

        async def new_page(self) -> Page:
            return self.page

    class Inner:
        async def fetch(self, request: Request) -> Response:
            return Response(request.url, 204, ())

    program: dict[str, Any] = {"Response": Response}
    exec(code, program)
    fetcher = program["SomeInBrowser"](Inner(), Browser())
    assert (await fetcher.fetch(Request(Url("http://a.test/y")))).status == 204
    rendered = await fetcher.fetch(Request(Url("http://a.test/app/x")))
    assert (rendered.text, rendered.all("set-cookie")) == ("<title>größer</title>", ("a=1", "b=2"))
    assert rendered.header("content-encoding") == ""
    assert Browser.page.is_closed


# -- login -------------------------------------------------------------------------------------------------------------


class Members:
    """A site with a form, whose session ends after some pages."""

    def __init__(self, most_pages: int) -> None:
        self.most_pages = most_pages
        self.logins = 0
        self.sessions: dict[str, int] = {}
        self.seen: list[str] = []

    def form(self) -> web.Response:
        text = f'<form method=post><input type=hidden name="token" value="t{self.logins}"><input name=user></form>'
        return web.Response(text=text, content_type="text/html")

    async def log_in(self, request: web.BaseRequest) -> web.Response:
        fields = await request.post()
        if dict(fields) != {"user": "me", "password": "secret", "token": f"t{self.logins}"}:
            return web.Response(status=403, text="wrong")
        self.logins += 1
        self.sessions[f"s{self.logins}"] = 0
        return web.Response(status=303, headers={"Location": "/members", "Set-Cookie": f"session=s{self.logins}"})

    def show(self, request: web.BaseRequest) -> web.Response:
        session = request.cookies.get("session", "")
        if self.sessions.get(session, self.most_pages) >= self.most_pages:
            return web.Response(status=302, headers={"Location": "/login"})
        self.sessions[session] += 1
        self.seen.append(request.path)
        links = "".join(f'<a href="/members/{n}">{n}</a>' for n in range(8))
        return web.Response(text=f"<title>{request.path}</title>{links}", content_type="text/html")

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        match request.method, request.path:
            case "GET", "/login":
                return self.form()
            case "POST", "/login":
                return await self.log_in(request)
            case "GET", path if path.startswith("/members"):
                return self.show(request)
        return web.Response(status=404)


@asynccontextmanager
async def open_members(most_pages: int) -> AsyncIterator[tuple[Members, str]]:
    members = Members(most_pages)
    runner = web.ServerRunner(web.Server(members.answer))
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        yield members, f"http://127.0.0.1:{port}/"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("code", shown("log_in"))
async def test_the_login_of_the_document_finds_all_that_is_behind_it(
    code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with open_members(most_pages=100) as (members, site):
        with anyio.fail_after(30):
            await load(code, site, tmp_path)["main"]()
    assert sorted(members.seen) == ["/members", *(f"/members/{n}" for n in range(8))]
    assert (members.logins, capsys.readouterr().out) == (1, "9 pages behind the login\n")


@pytest.mark.parametrize("code", shown("log_in"))
async def test_the_login_of_the_document_is_made_again_when_its_session_ends(
    code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with open_members(most_pages=4) as (members, site):
        with anyio.fail_after(30):
            await load(code, site, tmp_path)["main"]()
    assert sorted(members.seen) == ["/members", *(f"/members/{n}" for n in range(8))]
    assert (members.logins, capsys.readouterr().out) == (3, "9 pages behind the login\n")


@pytest.mark.parametrize("code", shown("log_in"))
async def test_the_login_of_the_document_says_when_it_is_refused(code: str, tmp_path: Path) -> None:
    async with open_members(most_pages=4) as (_, site):
        program = load(code.replace('"secret"', '"wrong"'), site, tmp_path)
        with anyio.fail_after(30), pytest.raises(RuntimeError, match="the login was refused: HTTP 403"):
            await program["main"]()
