"""Crawlee as its guide writes it: a `ParselCrawler` that enqueues all links and pushes a record of each page."""

# mypy: disable-error-code="misc,untyped-decorator"

import argparse
import asyncio
import logging
from datetime import timedelta

from crawlee import ConcurrencySettings
from crawlee.crawlers import ParselCrawler, ParselCrawlingContext
from crawlee.storage_clients import MemoryStorageClient

AT_ONCE = 64


async def crawl(url: str, output: str, strategy: str) -> None:
    """Keeps its queue in memory, which is faster than Crawlee's default, a file for each request and each record."""
    crawler = ParselCrawler(
        storage_client=MemoryStorageClient(),
        respect_robots_txt_file=True,
        concurrency_settings=ConcurrencySettings(
            min_concurrency=AT_ONCE, max_concurrency=AT_ONCE, desired_concurrency=AT_ONCE
        ),
        request_handler_timeout=timedelta(minutes=5),
        configure_logging=False,
    )

    @crawler.router.default_handler
    async def handle(context: ParselCrawlingContext) -> None:
        title = context.selector.css("title::text").get()
        await context.push_data({"url": context.request.url, "title": title})
        await context.enqueue_links(strategy=strategy)

    await crawler.run([url])
    await crawler.export_data(output)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("output", help="a file whose name ends with .json")
    parser.add_argument("--all-hosts", action="store_true")
    given = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    asyncio.run(crawl(given.url, given.output, "all" if given.all_hosts else "same-origin"))


if __name__ == "__main__":
    main()
