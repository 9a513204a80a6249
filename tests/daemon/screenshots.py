"""Takes the pictures of the dashboard in docs/ anew: `make screenshots`, with a chromium at hand."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal

import anyio
from playwright.async_api import Page, ViewportSize

from crawler.daemon import DaemonConfig, Jobs, State, open_jobs
from crawler.settings.loading import amend
from crawler.testing import Site, Web, error, html, open_web, slow

from .browser import Dashboard, open_dashboard
from .conftest import BASE, submit, until
from .pictures import shrink

DOCS = Path(__file__).parent.parent.parent / "docs"
BUSY = {"delay_s": 0.02, "per_site": 4}
USUAL = {"reach": "host", "delay_s": 1.0, "per_site": 1}
OWN = {"delay_s": 0.15}
"""Slow enough for advice."""
SECONDS = 30
"""Of crawling, until charts have something to show."""


def web() -> Web:
    """Sites of different tempers."""

    def site(name: str, pages: int, seconds: float) -> Site:
        rest = {f"/{n}": slow(html(f"{name} {n}"), seconds * (1 + n % 7 / 3)) for n in range(pages)}
        gone = {f"/gone/{n}": error(404) for n in range(pages // 12)}
        broken = {f"/broken/{n}": error(500) for n in range(pages // 40)}
        every = [*rest, *gone, *broken]
        mixed = [link for n in range(53) for link in every[n::53]]
        return Site(f"{name}.test", {"/": html(name, mixed), **rest, **gone, **broken})

    sites = [site("shop", 4000, 0.03), site("press", 3000, 0.06), site("museum", 60, 0.0), site("weather", 2000, 0.1)]
    return Web(sites, [f"http://{one.host}/" for one in sites])


WIDE: ViewportSize = {"width": 1180, "height": 720}
PHONE: ViewportSize = {"width": 390, "height": 760}
LOOKS: dict[str, tuple[ViewportSize, Literal["light", "dark"]]] = {
    "": (WIDE, "light"),
    "-dark": (WIDE, "dark"),
    "-phone": (PHONE, "light"),
}
"""The ends of the files' names, and how each kind looks."""


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        opened: Any = partial(_open_daemon, Path(folder) / "data")
        async with open_web(web()) as served, open_dashboard(opened, viewport=WIDE) as dashboard:
            shop, press, museum, weather = served.seeds
            jobs = dashboard.jobs
            done = await submit(jobs, [museum], name="museum, every month", settings=BUSY)
            await until(jobs, done.id, State.COMPLETED)
            await submit(jobs, [weather], name="weather", settings=BUSY, priority=-2)
            await submit(jobs, [museum], name="museum again", is_paused=True)
            await submit(jobs, [press], name="press", settings=BUSY)
            job = await submit(jobs, [shop], name="shop", settings=OWN, labels={"team": "prices"})
            await anyio.sleep(SECONDS)
            async with _blank(dashboard) as blank:
                await dashboard.show("jobs")
                await dashboard.page.get_by_label("Select museum again", exact=True).check()
                await dashboard.page.mouse.move(1, 1)  # no row is lit
                await _take(dashboard, blank, "jobs")
                await dashboard.show(f"job/{job.id}")
                await dashboard.page.locator(".chart canvas").first.wait_for()
                await dashboard.page.locator(".advice button").first.wait_for()
                await _take(dashboard, blank, "job")
                await dashboard.show(f"job/{done.id}/report")
                await dashboard.page.get_by_role("region", name="Sites").wait_for()
                await _take(dashboard, blank, "report")
                await dashboard.show("new")
                await dashboard.page.get_by_label("Seeds", exact=True).fill("https://example.org/")
                await dashboard.page.get_by_label("Depth", exact=True).fill("2")
                await _take(dashboard, blank, "form")


async def _take(dashboard: Dashboard, blank: Page, name: str) -> None:
    """Takes a view in every look."""
    for end, (size, scheme) in LOOKS.items():
        await dashboard.page.set_viewport_size(size)
        await dashboard.page.emulate_media(color_scheme=scheme)
        await anyio.sleep(2)  # charts are drawn again, colours fade
        small = await shrink(blank, await dashboard.page.screenshot())
        (DOCS / f"dashboard-{name}{end}.png").write_bytes(small)


@asynccontextmanager
async def _blank(dashboard: Dashboard) -> AsyncIterator[Page]:
    """A page without a policy on data: URLs."""
    page = await dashboard.browser.new_page()
    await page.goto("about:blank")
    yield page
    await page.close()


def _open_daemon(data: Path) -> AbstractAsyncContextManager[Jobs]:
    return open_jobs(DaemonConfig(grace_s=1), data, amend(BASE, USUAL | {"retry_delay_s": 5.0}))


if __name__ == "__main__":
    anyio.run(main)
