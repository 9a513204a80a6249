"""Links, titles and encodings of saved pages, held against what Chromium makes of the same bytes.

Run by hand, not by the suite, for it needs a Chromium and a few hundred pages that somebody else wrote:

    python tests/conformance/links_against_chromium.py FOLDER... [--each 40] [--chromium chromium]

Each FOLDER holds saved pages, at any depth; `--each` takes that many of each folder, spread evenly. Good folders are
what documentation packages ship under usr/share/doc. The pages are served on loopback, without a charset in the header.
Chromium loads them with scripts off and everything but the page itself refused, and is then asked, over its DevTools
protocol, for the resolved URLs of its DOM. Prints what either side has and the other has not. Exits with 1 if a link
was missed.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson
from aiohttp import web

from crawler import urls
from crawler.errors import UrlError
from crawler.parse import Document, ParseJob, parse
from tests.defaults import make_job, make_scope

FOLLOW = frozenset(
    {"anchors", "frames", "pagination", "canonical", "alternates", "feeds", "styles", "scripts", "forms"}
)
"""Those whose URLs a DOM hands out resolved; images have `srcset`, which it does not."""
TYPES = {".html": "text/html", ".htm": "text/html", ".xhtml": "application/xhtml+xml"}
LOAD_S = 20.0
IN_DOM = """(() => {
  const found = [], roots = [document];
  const known = ["next", "prev", "previous", "canonical", "alternate", "amphtml", "stylesheet", "modulepreload"];
  for (const root of roots) {
    for (const e of root.querySelectorAll("*")) {
      if (e.shadowRoot) roots.push(e.shadowRoot);
      const name = e.localName, isHtml = e.namespaceURI === "http://www.w3.org/1999/xhtml";
      if (!isHtml) {
        if (name === "a" && e.href && e.href.baseVal !== undefined && e.namespaceURI.endsWith("svg")
            && (e.hasAttribute("href") || e.hasAttribute("xlink:href"))) {
          const html = document.createElementNS("http://www.w3.org/1999/xhtml", "a");
          html.setAttribute("href", e.href.baseVal);
          found.push(html.href);
        }
        continue;
      }
      if ((name === "a" || name === "area") && e.hasAttribute("href")) found.push(e.href);
      if ((name === "frame" || name === "iframe" || name === "script") && e.getAttribute("src")) found.push(e.src);
      if (name === "link" && e.getAttribute("href")
          && (e.getAttribute("rel") || "").toLowerCase().split(/\\s+/).some(r => known.includes(r))) found.push(e.href);
      if (name === "form" && e.getAttribute("action") && e.method === "get") found.push(e.action);
    }
  }
  return JSON.stringify({found, charset: document.characterSet, title: document.title});
})()"""


@dataclass(slots=True)
class Score:
    """What was compared, and what differed."""

    pages: int = 0
    links: int = 0
    missed: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    charsets: Counter[tuple[str, str]] = field(default_factory=Counter)
    titles: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    """Pages that the browser did not load."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--each", type=int, default=40)
    parser.add_argument("--chromium", default="chromium")
    asked = parser.parse_args()
    pages = [page for folder in asked.folders for page in _sample(folder, asked.each)]
    score = asyncio.run(_compare(pages, asked.chromium))
    return _report(score)


def _sample(folder: Path, number: int) -> list[Path]:
    pages = sorted(path for path in folder.rglob("*") if path.suffix.lower() in TYPES and path.is_file())
    return pages[:: max(1, len(pages) // number)][:number]


async def _compare(pages: list[Path], chromium: str) -> Score:
    score = Score()
    async with _served() as origin, _browser(chromium) as tab:
        for number, page in enumerate(pages):
            url = f"{origin}{quote(str(page.resolve()))}"
            try:
                seen = await asyncio.wait_for(tab.look(url), LOAD_S)
            except (TimeoutError, LookupError) as error:
                score.unseen.append(f"{page}: {error!r}")
                continue
            _judge(score, page, url, seen)
            if number % 100 == 99:
                print(f"{number + 1} of {len(pages)} pages", file=sys.stderr)
    return score


def _judge(score: Score, page: Path, url: str, seen: dict[str, Any]) -> None:
    job = make_job(b"key", os.urandom(8), make_scope(), follow=FOLLOW, wants_links=True)
    document = Document(urls.parse(url), page.read_bytes(), TYPES[page.suffix.lower()])
    read, charset = parse(document, job), seen["charset"].lower()
    if read.charset != charset:  # links are compared all the same: as if somebody had named the encoding
        score.charsets[read.charset, charset] += 1
        read = parse(replace(document, content_type=f"{document.content_type};charset={charset}"), job)
    ours, theirs = set(orjson.loads(read.links_json)), _canonical(seen["found"], job)
    score.pages += 1
    score.links += len(theirs)
    score.missed += [f"{page}: {link}" for link in sorted(theirs - ours)]
    score.added += [f"{page}: {link}" for link in sorted(ours - theirs)]
    if read.title != " ".join(seen["title"].split())[:1024]:
        score.titles.append(f"{page}: {read.title!r}, not {seen['title']!r}")


def _canonical(hrefs: Iterable[str], job: ParseJob) -> set[str]:
    found = set()
    for href in hrefs:
        with suppress(UrlError):
            found.add(urls.parse(href, policy=job.policy).text)
    return found


def _report(score: Score) -> int:
    for name, lines in (("missed", score.missed), ("added", score.added), ("titles", score.titles)):
        for line in lines[:20]:
            print(f"{name}: {line}")
    for (ours, theirs), count in score.charsets.most_common():
        print(f"charset: {ours} and not {theirs}, on {count} pages")
    print(f"not loaded: {score.unseen[:5]}" if score.unseen else "all pages loaded")
    print(
        f"{score.pages} pages, {score.links} links in Chromium's DOM: {len(score.missed)} missed, {len(score.added)} "
        f"added; {score.charsets.total()} charsets and {len(score.titles)} titles differ"
    )
    return 1 if score.missed or not score.pages else 0


@asynccontextmanager
async def _served() -> AsyncIterator[str]:
    """Every file of this machine, to this machine alone, for as long as the comparison lasts."""

    async def answer(request: web.Request) -> web.Response:
        path = Path(request.path)
        if path.suffix.lower() not in TYPES:
            raise web.HTTPNotFound
        return web.Response(body=path.read_bytes(), headers={"Content-Type": TYPES[path.suffix.lower()]})

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class Tab:
    """One page of a browser, driven over the DevTools protocol."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._loaded = asyncio.Event()
        self._url = ""

    async def listen(self) -> None:
        async for message in self._socket:
            told = orjson.loads(message.data)
            if waiting := self._answers.pop(told.get("id", 0), None):
                waiting.set_result(told)
            elif told.get("method") == "Page.domContentEventFired":
                self._loaded.set()
            elif told.get("method") == "Fetch.requestPaused":
                await self._admit(told["params"])

    async def ask(self, method: str, **params: object) -> dict[str, Any]:
        number = next(self._numbers)
        waiting = self._answers[number] = asyncio.get_running_loop().create_future()
        await self._send(number, method, params)
        told = await waiting
        if "error" in told:
            raise LookupError(f"{method}: {told['error']}")
        result: dict[str, Any] = told["result"]
        return result

    async def look(self, url: str) -> dict[str, Any]:
        """What the DOM of that page holds. Raises LookupError."""
        self._url = url
        self._loaded.clear()
        told = await self.ask("Page.navigate", url=url)
        if "errorText" in told:
            raise LookupError(told["errorText"])
        await self._loaded.wait()
        self._url = ""
        told = await self.ask("Runtime.evaluate", expression=IN_DOM)
        if "value" not in told["result"]:
            raise LookupError(str(told))
        seen: dict[str, Any] = orjson.loads(told["result"]["value"])
        return seen

    async def _admit(self, request: dict[str, Any]) -> None:
        """The page itself, once; nothing that it asks for, and nowhere it wants to go."""
        if request["request"]["url"] == self._url:
            self._url = ""
            await self._send(next(self._numbers), "Fetch.continueRequest", {"requestId": request["requestId"]})
        else:
            params = {"requestId": request["requestId"], "responseCode": 204}
            await self._send(next(self._numbers), "Fetch.fulfillRequest", params)

    async def _send(self, number: int, method: str, params: dict[str, Any]) -> None:
        await self._socket.send_str(orjson.dumps({"id": number, "method": method, "params": params}).decode())


@asynccontextmanager
async def _browser(chromium: str) -> AsyncIterator[Tab]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        process = await asyncio.create_subprocess_exec(
            chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage",
            "--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank",
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            port = await asyncio.wait_for(_port(Path(folder) / "DevToolsActivePort"), 60)
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                    tabs = [tab for tab in await answer.json() if tab["type"] == "page"]
                async with session.ws_connect(tabs[0]["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                    tab = Tab(socket)
                    listening = asyncio.create_task(tab.listen())
                    await tab.ask("Page.enable")
                    await tab.ask("Emulation.setScriptExecutionDisabled", value=True)
                    await tab.ask("Fetch.enable", patterns=[{"urlPattern": "*"}])
                    yield tab
                    listening.cancel()
        finally:
            process.terminate()
            await process.wait()


async def _port(file: Path) -> int:
    """Chromium writes it there once it listens."""
    while not file.exists() or not file.read_text():
        await asyncio.sleep(0.1)
    return int(file.read_text().split()[0])


if __name__ == "__main__":
    raise SystemExit(main())
