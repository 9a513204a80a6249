"""Takes views of a page: a picture of it, and its print as PDF."""

from __future__ import annotations

import base64

from .cdp import Connection

MOST_BYTES = 16 << 20
"""The largest file that is kept of a view. It stays in memory until it is written."""
MOST_PIXELS = 16_384
"""The highest picture. Chromium repeats what is above in a higher one."""
MOST_SHEETS = 100
"""Sheets of a print. An endless page would fill the disk."""


async def take(view: str, connection: Connection, session: str) -> bytes:
    """Returns a view as the bytes of its file. Raises CommandFailed, BrowserGone."""
    return await (_print if view == "print" else _picture)(connection, session)


async def _picture(connection: Connection, session: str) -> bytes:
    """Returns the whole page as PNG, from its top."""
    sizes = await connection.call("Page.getLayoutMetrics", session)
    size = sizes["cssContentSize"]
    width, height = min(size["width"], MOST_PIXELS), min(size["height"], MOST_PIXELS)
    said = await connection.call(
        "Page.captureScreenshot", session, format="png", captureBeyondViewport=True, optimizeForSpeed=False,
        clip={"x": 0, "y": 0, "width": max(1, width), "height": max(1, height), "scale": 1},
    )  # fmt: skip
    return base64.b64decode(said["data"])


async def _print(connection: Connection, session: str) -> bytes:
    """Returns the page as PDF, as a printer would get it."""
    said = await connection.call(
        "Page.printToPDF", session, printBackground=True, preferCSSPageSize=True, pageRanges=f"1-{MOST_SHEETS}"
    )
    return base64.b64decode(said["data"])
