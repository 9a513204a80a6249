"""Makes a crawl folder, or a daemon's data folder, in the layout of the code that it is run with.

`PYTHONSAFEPATH=1 PYTHONPATH=OLD_TREE python tests/layouts/make.py crawl NAME` runs the code of another tree; `daemon`
stands for a daemon's data. It writes `tests/layouts/NAME.tar.xz` of this tree, and uses only what every version offers.
"""

from __future__ import annotations

import asyncio
import sys
import tarfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import crawler

HERE = Path(__file__).parent
SITE = "http://alpha.test"


class Canned:
    """A site without a network: a home page, and ten below it: two have one text, one is missing, one is down."""

    async def fetch(self, request: crawler.Request) -> crawler.Response:
        path = request.url.path
        headers = ((b"content-type", b"text/html"), (b"etag", b'"one"'))
        if path == "/robots.txt":
            return crawler.Response(request.url, 404, headers, b"")
        if path == "/1/missing":
            return crawler.Response(request.url, 404, headers, b"<title>Missing</title>")
        if path == "/2/down":
            raise crawler.FetchError(crawler.Reason.CONNECT, "nobody listens", transient=True)
        if path == "/":
            links = "".join(f"<a href=/{n}/{word}>{n}</a>" for n, word in enumerate(WORDS))
            return crawler.Response(request.url, 200, headers, f"<title>Home</title>{links}".encode())
        text = "<title>Twin</title>the same" if "twin" in path else f"<title>{path}</title>text of {path}"
        return crawler.Response(request.url, 200, headers, f"{text}<a href={path}/below>below</a>".encode())


WORDS = ["zero", "missing", "down", "twin", "other-twin", "five", "six", "seven", "eight", "nine"]
SETTINGS: dict[str, Any] = {
    "delay_s": 0.0,
    "retry_delay_s": 60.0,
    "executor": "inline",
    "max_depth": 2,
    "reach": "host",
}


async def make_crawl(folder: Path) -> None:
    """Makes a crawl that was stopped in the middle: pages, a duplicate, a missing one, a retry, and a queue."""
    async with crawler.open_crawl(folder=folder, fetcher=Canned(), limit=8, **SETTINGS) as crawl:
        await crawl.run([f"{SITE}/"])


async def make_daemon(folder: Path) -> None:
    """Makes a daemon with a paused job, a cancelled one, a template and a schedule."""
    from crawler.daemon import DaemonConfig, JobSpec, Template, open_jobs
    from crawler.daemon.schedules.schedule import Schedule

    async def seeds() -> AsyncIterator[Sequence[str]]:
        yield [f"{SITE}/"]

    base = crawler.Config.model_validate({"offload": {"executor": "inline"}})
    async with open_jobs(DaemonConfig(), folder, base) as jobs:
        await jobs.submit(
            JobSpec(name="paused", is_paused=True, settings={"max_depth": 2}, labels={"team": "a"}), seeds()
        )
        job, _ = await jobs.submit(JobSpec(name="cancelled", is_paused=True), seeds())
        await jobs.cancel(job.id)
        await jobs.put_template(Template("shallow", {"max_depth": 1}))
        await jobs.schedules.add(Schedule("", "5 4 1 1 *", (f"{SITE}/",), name="yearly"))
        await jobs.note(None, {"text": "a note"})


def main() -> None:
    kind, name = sys.argv[1:]
    with TemporaryDirectory() as made:
        folder = Path(made) / name
        asyncio.run({"crawl": make_crawl, "daemon": make_daemon}[kind](folder))
        with tarfile.open(HERE / f"{name}.tar.xz", "w:xz") as packed:
            packed.add(folder, name)


if __name__ == "__main__":
    main()
