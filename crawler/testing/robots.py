"""Offers robots.txt for sites: rules, and the ways in which the file itself may behave (RFC 9309)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from crawler.testing import behaviours, pages
from crawler.testing.pages import Asked, Page
from crawler.testing.wire import Answer

PATH = "/robots.txt"
MOVED_PATH = "/robots-moved.txt"


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules for all robots. Paths are plain prefixes; the longest match wins, and allow wins a tie."""

    disallow: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    crawl_delay_s: float | None = None
    sitemaps: tuple[str, ...] = ()

    def allows(self, target: str) -> bool:
        """Whether a robot may fetch this path and query."""
        return _longest(self.allow, target) >= _longest(self.disallow, target)

    def text(self, place: Callable[[str], str] = str) -> str:
        """Returns these rules as robots.txt."""
        lines = ["User-agent: *"]
        lines += [f"Disallow: {path}" for path in self.disallow or ("",)]
        lines += [f"Allow: {path}" for path in self.allow]
        lines += [f"Crawl-delay: {self.crawl_delay_s:g}"] if self.crawl_delay_s is not None else []
        lines += [f"Sitemap: {place(url)}" for url in self.sitemaps]
        return "\n".join([*lines, ""])


@dataclass(frozen=True, slots=True)
class Robots:
    """The rules that hold for a site, and the pages that serve them or fail to."""

    rules: Rules = Rules()
    pages: Mapping[str, Page] = field(default_factory=dict)


def missing() -> Robots:
    """Returns a 404 for robots.txt: everything may be crawled."""
    return Robots()


def allow_all() -> Robots:
    """Returns a robots.txt that forbids nothing."""
    return stating(Rules())


def disallowing(*paths: str, allow: tuple[str, ...] = (), crawl_delay_s: float | None = None) -> Robots:
    """Returns a robots.txt that forbids these path prefixes."""
    return stating(Rules(paths, allow, crawl_delay_s))


def delaying(crawl_delay_s: float) -> Robots:
    """Returns a robots.txt that forbids nothing and asks for a Crawl-delay."""
    return stating(Rules(crawl_delay_s=crawl_delay_s))


def stating(rules: Rules) -> Robots:
    """Returns a robots.txt with these rules."""
    return Robots(rules, {PATH: _serve_rules(rules)})


def broken(status: int = 503) -> Robots:
    """Returns a server error for robots.txt: nothing may be crawled (RFC 9309, 2.3.1.4)."""
    return Robots(Rules(disallow=("/",)), {PATH: pages.error(status)})


def recovering(rules: Rules, times: int, status: int = 503) -> Robots:
    """Returns a robots.txt that is a server error for the first `times` requests, and then has these rules."""
    return Robots(rules, {PATH: behaviours.failing(_serve_rules(rules), times=times, by=pages.error(status))})


def slow(rules: Rules, before_s: float) -> Robots:
    """Returns a robots.txt with these rules, sent after `before_s` seconds."""
    return Robots(rules, {PATH: behaviours.slow(_serve_rules(rules), before_s)})


def huge(rules: Rules, size_bytes: int = 2 * 1024 * 1024) -> Robots:
    """Returns a robots.txt with these rules, then comments beyond the size that a robot must read (500 KiB)."""
    return Robots(rules, {PATH: _serve_rules(rules, tail="# nothing to see here\n" * (size_bytes // 22))})


def moved(rules: Rules, hops: int = 1) -> Robots:
    """Returns a robots.txt with these rules behind `hops` redirects. A robot must follow at least five."""
    chain = {PATH: pages.redirect(f"{MOVED_PATH}?hop=1")}
    chain |= {f"{MOVED_PATH}?hop={hop}": pages.redirect(f"{MOVED_PATH}?hop={hop + 1}") for hop in range(1, hops)}
    return Robots(rules, {**chain, f"{MOVED_PATH}?hop={hops}": _serve_rules(rules)})


def worded(text: str | bytes, rules: Rules) -> Robots:
    """Returns a robots.txt of exactly this text. `rules` states its meaning for the crawler under test."""
    return Robots(rules, {PATH: pages.plain(text)})


def _serve_rules(rules: Rules, tail: str = "") -> Page:
    headers = (("Content-Type", "text/plain; charset=utf-8"),)

    def answer(asked: Asked) -> Answer:
        return Answer(200, headers, (rules.text(asked.place) + tail).encode())

    return Page(answer)


def _longest(prefixes: tuple[str, ...], target: str) -> int:
    return max((len(prefix) for prefix in prefixes if target.startswith(prefix)), default=0)
