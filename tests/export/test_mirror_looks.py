"""An offline copy looks in Chromium as the live site does, and asks nobody for anything."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser

import crawler
from crawler.testing import Page, Site, Web, compressed, open_web, plain, redirect, written
from tests.archive_check.looks import SIZE, make_png
from tests.daemon.browser import launch, needs_chromium

_FONTS = shutil.which("fc-match")
SHOWN = """<!DOCTYPE html><html><head><base href="/deep/"><title>Shown</title><meta charset="utf-8">
<noscript><img src="never.png"></noscript><link rel="stylesheet" href="../style.css?v=3"><style>
@import "/imported.css"; h2 { background: url(../violet.png) }</style></head>
<body style="background: url('back.png') repeat-x"><h1>Styled caf\xe9 \u65e5</h1><h2>Inner</h2>
<img src="/missing.png" srcset="/blue.png 1x, /amber.png 2x"><picture><source srcset="/violet.png"><img src="/blue.png">
</picture><p class="font">In a font of its own</p><div class="set"></div><iframe src="/frame" width="200" height="60">
</iframe><svg width="40" height="40"><image href="/green.png" width="30" height="30"/></svg>
<p id="said">no script</p><a href="/moved">on</a><script src="/app.js"></script></body></html>"""
STYLE = """@font-face { font-family: Odd; src: url("/odd.ttf") } h1 { color: #306090; border-bottom: 3px solid }
.font { font: 24px Odd } .set { height: 40px; background-image: image-set("/blue.png" 1x, "/pink.png" 2x) }"""
COLOURS = {
    "blue": (20, 40, 200), "green": (20, 160, 60), "violet": (150, 40, 160), "amber": (220, 160, 0),
    "pink": (240, 90, 160),
}  # fmt: skip
"""Pictures. Those for dense screens stand nowhere else: Chromium takes what it has loaded already."""


def _font() -> bytes:
    assert _FONTS
    named = subprocess.run([_FONTS, "-f", "%{file}", "monospace"], capture_output=True, check=True, text=True)
    return Path(named.stdout).read_bytes()


def _web() -> Web:
    pages: dict[str, Page] = {
        "/": written(SHOWN, "Shown"), "/style.css?v=3": compressed(plain(STYLE, "text/css"), "gzip"),
        "/imported.css": plain("h2 { padding: 9px; font-style: italic }", "text/css"),
        "/odd.ttf": plain(_font(), "font/ttf"), "/deep/back.png": plain(make_png(230, 220, 120), "image/png"),
        "/frame": written("<title>Frame</title><body style='background: url(/blue.png)'>framed", "Frame"),
        "/app.js": plain("document.getElementById('said').textContent = 'script ran'", "text/javascript"),
        "/moved": redirect("/other"), "/other": written("<title>Other</title><h1>Other</h1>", "Other"),
    }  # fmt: skip
    pages |= {f"/{name}.png": plain(make_png(*colour), "image/png") for name, colour in COLOURS.items()}
    return Web([Site("a.test", pages)])


async def _picture(browser: Browser, url: str, scale: float) -> tuple[bytes, list[str], str]:
    """Returns the picture of a page, what it asked for, and where its last link leads."""
    asked = list[str]()
    context = await browser.new_context(viewport=SIZE, device_scale_factor=scale)  # type: ignore[arg-type]
    page = await context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(url, wait_until="networkidle")
    assert await page.inner_text("#said") == "script ran"
    assert await page.evaluate(
        "document.fonts.check('24px Odd') && [...document.fonts].every(f => f.status == 'loaded')"
    )
    picture = await page.screenshot()
    await page.click("a")
    await page.wait_for_load_state()
    heading = await page.inner_text("h1")
    await context.close()
    return picture, asked, heading


@needs_chromium
@pytest.mark.slow
@pytest.mark.skipif(_FONTS is None, reason="there is no fc-match to find a font with")
async def test_a_copy_looks_as_the_site_does(tmp_path: Path) -> None:
    async with open_web(_web()) as served, launch() as browser:
        said: dict[str, Any] = {"preset": "archive", "delay_s": 0.0, "executor": "inline"}
        async with crawler.open_crawl(folder=tmp_path / "a.crawl", allow_networks=["127.0.0.0/8"], **said) as opened:
            await opened.run(served.seeds)
        folder = crawler.read_folder(tmp_path / "a.crawl", crawler.Config())
        crawler.export_folder(folder, "mirror", tmp_path / "copy")
        live = [await _picture(browser, served.seeds[0], scale) for scale in (1, 2)]
    async with launch() as browser:  # the site is gone
        entry = (tmp_path / "copy" / "index.html").as_uri()
        copied = [await _picture(browser, entry, scale) for scale in (1, 2)]
    for before, (picture, asked, heading) in zip(live, copied, strict=True):
        assert picture == before[0]
        assert [url for url in asked if not url.startswith("file:") and not url.endswith("/missing.png")] == []
        assert heading == before[2] == "Other"
    assert live[0][0] != live[1][0]
