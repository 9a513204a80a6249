"""Drives crawld with Firecrawl's own Python SDK, sync and async, with webhooks."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from firecrawl import AsyncFirecrawl, Firecrawl  # type: ignore[import-not-found]

FORMATS = ["markdown", "html", "rawHtml", "links"]
TOLD: list[dict[str, Any]] = []


class _Hook(BaseHTTPRequestHandler):
    """Takes webhooks."""

    def do_POST(self) -> None:
        TOLD.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        assert self.headers["X-Firecrawl-Signature"].startswith("sha256=")
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


def scrape(app: Any, site: str) -> None:
    """Fetches single pages."""
    page = app.scrape(f"{site}/moved", formats=FORMATS)
    assert page.markdown.startswith("# Tea"), page
    assert "<nav>" in page.raw_html, page
    assert "<h1>Tea</h1>" in page.html, page
    assert "Menu" not in page.html, page
    assert f"{site}/green" in page.links, page
    assert (page.metadata.title, page.metadata.status_code) == ("Tea", 200), page
    assert page.metadata.url == f"{site}/tea", page
    whole = app.scrape(f"{site}/tea", formats=["markdown"], only_main_content=False)
    assert "Menu" in whole.markdown, whole
    for options in ({"formats": ["summary"]}, {"wait_for": 1000}, {"mobile": True}):
        assert "not supported" in refusal(app, f"{site}/tea", **options), options
    assert "robots" in refusal(app, f"{site}/private/x")


def refusal(app: Any, url: str, **options: Any) -> str:
    """Returns the words of the error that a page gets."""
    try:
        app.scrape(url, **options)
    except Exception as error:  # noqa: BLE001 - the SDK has one class for each status
        return str(error)
    raise AssertionError(f"{url} with {options} should be refused")


def crawl(app: Any, site: str, hook: str) -> int:
    """Crawls the site to its end; returns the number of documents."""
    job = app.crawl(
        f"{site}/", limit=10, sitemap="skip", scrape_options={"formats": FORMATS},
        webhook={"url": hook, "metadata": {"mine": "1"}}, poll_interval=1, timeout=60,
    )  # fmt: skip
    assert job.status == "completed", job
    by_url = {one.metadata.source_url: one for one in job.data}
    assert set(by_url) == {f"{site}{path}" for path in ("/", "/a", "/b", "/tea")}, set(by_url)
    assert by_url[f"{site}/tea"].markdown.startswith("# Tea")
    assert "<nav>" in by_url[f"{site}/tea"].raw_html
    assert by_url[f"{site}/a"].html
    errors = app.get_crawl_errors(job.id)
    assert {one.url for one in errors.errors} == {f"{site}{path}" for path in ("/gone", "/menu", "/green")}, errors
    assert list(errors.robots_blocked) == [f"{site}/private/x"], errors
    for _ in range(200):
        if any(one["type"] == "crawl.completed" for one in TOLD):
            break
        time.sleep(0.1)
    kinds = [one["type"] for one in TOLD if one["id"] == job.id]
    assert kinds == ["crawl.started", *["crawl.page"] * 4, "crawl.completed"], kinds
    assert all(one["metadata"] == {"mine": "1"} for one in TOLD), TOLD
    return len(job.data)


async def use_async(url: str, token: str, site: str) -> None:
    """Uses the async client: a batch, a map, a crawl that is cancelled."""
    app = AsyncFirecrawl(api_key=token, api_url=url)
    batch = await app.batch_scrape([f"{site}/a", f"{site}/b"], formats=["markdown"], poll_interval=1, wait_timeout=60)
    assert sorted(one.metadata.title for one in batch.data) == ["A", "B"], batch
    found = await app.map(f"{site}/", search="tea")
    assert [one.url for one in found.links] == [f"{site}/tea"], found
    begun = await app.start_crawl(f"{site}/", limit=100, delay=30)
    active = await app.active_crawls()
    assert begun.id in [one.id for one in active.crawls], active
    assert await app.cancel_crawl(begun.id)
    status = await app.get_crawl_status(begun.id)
    assert status.status == "cancelled", status


def main() -> None:
    facts = json.loads(sys.argv[1])
    server = HTTPServer(("127.0.0.1", 0), _Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    app = Firecrawl(api_key=facts["token"], api_url=facts["url"])
    scrape(app, facts["site"])
    n = crawl(app, facts["site"], f"http://127.0.0.1:{server.server_port}/")
    asyncio.run(use_async(facts["url"], facts["token"], facts["site"]))
    server.shutdown()
    print(f"{n} documents of a crawl, {len(TOLD)} webhooks, a batch, a map, a cancelled crawl")


if __name__ == "__main__":
    main()
