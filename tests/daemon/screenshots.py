"""Takes the pictures of the dashboard in docs/ anew: `make screenshots`, with a chromium at hand."""

from __future__ import annotations

import tempfile
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from crawler.daemon import DaemonConfig, Jobs, State, open_jobs
from crawler.settings.loading import amend
from crawler.testing import Site, Web, error, html, open_web, slow

from .browser import open_dashboard
from .conftest import BASE, submit, until

DOCS = Path(__file__).parent.parent.parent / "docs"
BUSY = {"delay_s": 0.02, "per_site": 4}
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


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        opened: Any = partial(_open_daemon, Path(folder) / "data")
        size = {"viewport": {"width": 1180, "height": 700}, "color_scheme": "light"}
        async with open_web(web()) as served, open_dashboard(opened, **size) as dashboard:
            shop, press, museum, weather = served.seeds
            jobs, page = dashboard.jobs, dashboard.page
            done = await submit(jobs, [museum], name="museum, every month")
            await until(jobs, done.id, State.COMPLETED)
            await submit(jobs, [weather], name="weather", settings=BUSY, priority=-2)
            await submit(jobs, [museum], name="museum again", is_paused=True)
            await submit(jobs, [press], name="press", settings=BUSY)
            job = await submit(jobs, [shop], name="shop", settings=BUSY, labels={"team": "prices"})
            await dashboard.show(f"job/{job.id}")
            await anyio.sleep(SECONDS)
            await page.screenshot(path=DOCS / "dashboard-job.png")
            await dashboard.show()
            await page.get_by_role("row", name="shop").wait_for()
            await anyio.sleep(1)
            await page.screenshot(path=DOCS / "dashboard-jobs.png", clip={"x": 0, "y": 0, "width": 1180, "height": 420})


def _open_daemon(data: Path) -> AbstractAsyncContextManager[Jobs]:
    return open_jobs(DaemonConfig(grace_s=1), data, amend(BASE, {"retry_delay_s": 5.0}))


if __name__ == "__main__":
    anyio.run(main)
