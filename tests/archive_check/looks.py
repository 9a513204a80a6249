"""Takes pictures of a page as Chromium shows it, live and replayed, to see whether both are the same."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.daemon.browser import ARGUMENTS, CHROMIUM

SIZE = {"width": 900, "height": 700}


def take_picture(url: str, path: Path, scale: float = 1) -> None:
    """Writes a picture of the page at this URL, once its scripts have run and its images are there."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            page = browser.new_page(viewport=SIZE, device_scale_factor=scale)  # type: ignore[arg-type]
            page.goto(url, wait_until="networkidle")
            page.wait_for_function("document.title === 'Styled!'")
            page.screenshot(path=str(path), animations="disabled")
        finally:
            browser.close()


def make_png(red: int, green: int, blue: int, side: int = 24) -> bytes:
    """Returns a picture of one colour."""
    rows = (b"\0" + bytes((red, green, blue)) * side) * side
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = (b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
