"""Scrapy as its tutorial writes it (`idiomatic`) and as experts do (`tuned`): every link followed, JSONL kept."""

# mypy: disable-error-code="misc"

import argparse
import tempfile
from collections.abc import Iterator
from urllib.parse import urldefrag, urljoin, urlsplit

import scrapy
from scrapy.crawler import CrawlerProcess
from scrapy.http import Response

from benchmarks.peers import SCRAPY

Settings = dict[str, object]

COMMON: Settings = {
    "ROBOTSTXT_OBEY": True,
    "DOWNLOAD_DELAY": 0,
    "AUTOTHROTTLE_ENABLED": False,
    "TELNETCONSOLE_ENABLED": False,
    "LOG_LEVEL": "WARNING",
    "CONCURRENT_REQUESTS": 64,
    "CONCURRENT_REQUESTS_PER_DOMAIN": 64,
}
CAUTIOUS: Settings = {"CONCURRENT_REQUESTS": 16, "CONCURRENT_REQUESTS_PER_DOMAIN": 8}  # Scrapy's own defaults
TUNED: Settings = {
    "ASYNCIO_EVENT_LOOP": "uvloop.Loop",
    "COOKIES_ENABLED": False,
    "SPIDER_MIDDLEWARES": {"scrapy.spidermiddlewares.urllength.UrlLengthMiddleware": None},
    "DOWNLOADER_MIDDLEWARES": {"scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None},
}


class Idiomatic(scrapy.Spider):
    """Every link of every page is followed; the dupefilter of the scheduler decides what is new."""

    name = "idiomatic"

    def __init__(self, url: str, all_hosts: bool) -> None:
        super().__init__()
        self.start_urls = [url]
        if not all_hosts:
            self.allowed_domains = [urlsplit(url).hostname]

    def parse(self, response: Response) -> Iterator[object]:
        hrefs = response.css("a::attr(href)").getall()
        yield _record(response, len(hrefs))
        for href in hrefs:
            yield response.follow(href, callback=self.parse)


class Tuned(scrapy.Spider):
    """Only addresses not seen before become requests at all, and those skip the dupefilter's fingerprints."""

    name = "tuned"

    def __init__(self, url: str, all_hosts: bool) -> None:
        super().__init__()
        self.start_urls = [url]
        self._host = "" if all_hosts else urlsplit(url).netloc
        self._seen = {url}

    def parse(self, response: Response) -> Iterator[object]:
        hrefs = response.selector.root.xpath("//a/@href")  # lxml without parsel's selector for each match
        yield _record(response, len(hrefs))
        for href in set(hrefs):
            url = urldefrag(urljoin(response.url, href)).url
            if url not in self._seen and self._host in {"", urlsplit(url).netloc}:
                self._seen.add(url)
                yield scrapy.Request(url, dont_filter=True)


def _record(response: Response, n_links: int) -> dict[str, object]:
    return {
        "url": response.url,
        "status": response.status,
        "title": response.css("title::text").get(),
        "length": len(response.body),
        "depth": response.meta.get("depth", 0),
        "n_links": n_links,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("variant", choices=SCRAPY)
    parser.add_argument("url")
    parser.add_argument("output")
    parser.add_argument("--all-hosts", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as job:
        chosen: dict[str, Settings] = {"cautious": CAUTIOUS, "tuned": TUNED, "durable": {"JOBDIR": job}}
        process = CrawlerProcess(
            {**COMMON, **chosen.get(given.variant, {}), "FEEDS": {given.output: {"format": "jsonlines"}}}
        )
        process.crawl(Tuned if given.variant == "tuned" else Idiomatic, url=given.url, all_hosts=given.all_hosts)
        process.start()


if __name__ == "__main__":
    main()
