"""ReplayWeb.page's own player, served on loopback and driven in Chromium, opens a WACZ and shows a page of it."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Error, Frame, Page, sync_playwright

from tests.daemon.browser import ARGUMENTS, CHROMIUM

WAITS_S = 240
_PAGE = """<!doctype html><html><head><script src="/ui.js"></script></head><body style="height: 700px; margin: 0">
<replay-web-page source="/site.wacz" replayBase="/replay/" url="{url}" style="height: 700px"></replay-web-page>
</body></html>"""
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def play(player: Path, package: Path, url: str, folder: Path) -> tuple[str, list[str]]:
    """Opens the package at a URL; returns what was seen, and what is wrong with it. Leaves a picture in the folder."""
    files = {
        "/": ("text/html", _PAGE.format(url=url).encode()),
        "/ui.js": ("text/javascript", (player / "ui.js").read_bytes()),
        "/replay/sw.js": ("text/javascript", (player / "sw.js").read_bytes()),
        "/site.wacz": ("application/wacz", package.read_bytes()),
    }
    with _serve(files) as origin, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            page = browser.new_page()
            page.goto(origin)
            frame = _wait_for(page, url)
            page.screenshot(path=str(folder / "player.png"))
            return (f"{url} is shown", []) if frame else ("", [f"{url} is not shown: {_describe(page)}"])
        finally:
            browser.close()


def _wait_for(page: Page, url: str) -> Frame | None:
    """Returns the frame that shows the URL, with its script run and its picture loaded."""
    until = time.monotonic() + WAITS_S
    while time.monotonic() < until:
        for frame in page.frames:
            if "mp_/" in frame.url and frame.url.endswith(url) and _is_shown(frame):
                return frame
        page.wait_for_timeout(200)
    return None


def _is_shown(frame: Frame) -> bool:
    try:
        return frame.title() == "Styled!" and bool(
            frame.evaluate("document.querySelector('h1').innerText === 'Styled' && "
                           "getComputedStyle(document.body).color === 'rgb(17, 34, 51)'")
        )  # fmt: skip
    except Error:
        return False  # it is loading


def _describe(page: Page) -> str:
    return "; ".join(f"{frame.url} {frame.title()!r}" for frame in page.frames)


@contextmanager
def _serve(files: dict[str, tuple[str, bytes]]) -> Iterator[str]:
    """Serves files on loopback, parts of them too."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(is_head=True)

        def do_GET(self) -> None:
            self._answer(is_head=False)

        def _answer(self, *, is_head: bool) -> None:
            kind, data = files.get(self.path.partition("?")[0], ("", b""))
            asked = _RANGE.fullmatch(self.headers.get("Range", ""))
            self.send_response(404 if not kind else 206 if asked else 200)
            if asked:
                begin = int(asked[1]) if asked[1] else max(0, len(data) - int(asked[2]))
                end = min(len(data), int(asked[2]) + 1) if asked[1] and asked[2] else len(data)
                self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{len(data)}")
                data = data[begin:end]
            self.send_header("Content-Type", kind or "text/plain")
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if not is_head:
                self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
