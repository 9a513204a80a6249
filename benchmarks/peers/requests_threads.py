"""Requests in threads, as a person writes it in an afternoon: a pool, a session a thread, BeautifulSoup."""

# mypy: disable-error-code="misc"

import argparse
import json
import threading
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from urllib.parse import urldefrag, urljoin, urlsplit
from urllib.robotparser import RobotFileParser

import requests
from bs4 import BeautifulSoup

THREADS = 16
_own = threading.local()

Page = tuple[str, str, set[str]]


def visit(url: str) -> Page:
    """Returns the URL, the title and the links of a page."""
    if not hasattr(_own, "session"):
        _own.session = requests.Session()
    answer = _own.session.get(url, timeout=30)
    soup = BeautifulSoup(answer.content, "lxml")
    title = soup.title.get_text() if soup.title else ""
    return url, title, {urldefrag(urljoin(url, str(a["href"]))).url for a in soup.find_all("a", href=True)}


class Robots:
    """The robots.txt of each host, asked for once."""

    def __init__(self) -> None:
        self._known: dict[str, RobotFileParser] = {}

    def allow(self, url: str) -> bool:
        root = urljoin(url, "/")
        if root not in self._known:
            self._known[root] = RobotFileParser(root + "robots.txt")
            self._known[root].read()
        return self._known[root].can_fetch("requests", url)


def crawl(start: str, output: str, all_hosts: bool) -> None:
    host, seen, robots = urlsplit(start).netloc, {start}, Robots()
    with ThreadPoolExecutor(THREADS) as pool, open(output, "w") as lines:
        under_way: set[Future[Page]] = {pool.submit(visit, start)}
        while under_way:
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for page in done:
                url, title, links = page.result()
                lines.write(json.dumps({"url": url, "title": title}) + "\n")
                for link in links - seen:
                    if (all_hosts or urlsplit(link).netloc == host) and robots.allow(link):
                        under_way.add(pool.submit(visit, link))
                seen |= links


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("output")
    parser.add_argument("--all-hosts", action="store_true")
    given = parser.parse_args()
    crawl(given.url, given.output, given.all_hosts)


if __name__ == "__main__":
    main()
