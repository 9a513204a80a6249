"""What a site says to robots: its rules, and the ways in which robots.txt itself may behave (RFC 9309)."""

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
    """Rules for every robot. Paths are plain prefixes; the longest match wins, and allow wins a tie."""

    disallow: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    crawl_delay_s: float | None = None
    sitemaps: tuple[str, ...] = ()

    def allows(self, target: str) -> bool:
        """Whether a robot may ask for this path and query."""
        return _longest(self.allow, target) >= _longest(self.disallow, target)

    def text(self, place: Callable[[str], str] = str) -> str:
        """These rules as robots.txt."""
        lines = ["User-agent: *"]
        lines += [f"Disallow: {path}" for path in self.disallow or ("",)]
        lines += [f"Allow: {path}" for path in self.allow]
        lines += [f"Crawl-delay: {self.crawl_delay_s:g}"] if self.crawl_delay_s is not None else []
        lines += [f"Sitemap: {place(url)}" for url in self.sitemaps]
        return "\n".join([*lines, ""])


@dataclass(frozen=True, slots=True)
class Robots:
    """The rules that hold for a site, and the pages that tell (or fail to tell) them."""

    rules: Rules = Rules()
    pages: Mapping[str, Page] = field(default_factory=dict)


def missing() -> Robots:
    """404: everything may be crawled."""
    return Robots()


def allow_all() -> Robots:
    """A robots.txt that forbids nothing."""
    return stating(Rules())


def disallowing(*paths: str, allow: tuple[str, ...] = (), crawl_delay_s: float | None = None) -> Robots:
    """A robots.txt that forbids these path prefixes."""
    return stating(Rules(paths, allow, crawl_delay_s))


def delaying(crawl_delay_s: float) -> Robots:
    """A robots.txt that forbids nothing and asks for a Crawl-delay."""
    return stating(Rules(crawl_delay_s=crawl_delay_s))


def stating(rules: Rules) -> Robots:
    """A robots.txt that states these rules."""
    return Robots(rules, {PATH: _told(rules)})


def broken(status: int = 503) -> Robots:
    """A server error for robots.txt: nothing may be crawled (RFC 9309, 2.3.1.4)."""
    return Robots(Rules(disallow=("/",)), {PATH: pages.error(status)})


def recovering(rules: Rules, times: int, status: int = 503) -> Robots:
    """A server error the first `times` times, and then these rules."""
    return Robots(rules, {PATH: behaviours.failing(_told(rules), times=times, by=pages.error(status))})


def slow(rules: Rules, before_s: float) -> Robots:
    """These rules, after so many seconds."""
    return Robots(rules, {PATH: behaviours.slow(_told(rules), before_s)})


def huge(rules: Rules, size_bytes: int = 2 * 1024 * 1024) -> Robots:
    """These rules first, and then comments up to a size beyond what a robot must read (500 KiB)."""
    return Robots(rules, {PATH: _told(rules, tail="# nothing to see here\n" * (size_bytes // 22))})


def moved(rules: Rules, hops: int = 1) -> Robots:
    """These rules behind so many redirects (a robot follows at least five)."""
    chain = {PATH: pages.redirect(f"{MOVED_PATH}?hop=1")}
    chain |= {f"{MOVED_PATH}?hop={hop}": pages.redirect(f"{MOVED_PATH}?hop={hop + 1}") for hop in range(1, hops)}
    return Robots(rules, {**chain, f"{MOVED_PATH}?hop={hops}": _told(rules)})


def worded(text: str | bytes, rules: Rules) -> Robots:
    """A robots.txt of exactly this text; `rules` is what it means for the crawler under test."""
    return Robots(rules, {PATH: pages.plain(text)})


def _told(rules: Rules, tail: str = "") -> Page:
    headers = (("Content-Type", "text/plain; charset=utf-8"),)

    def answer(asked: Asked) -> Answer:
        return Answer(200, headers, (rules.text(asked.place) + tail).encode())

    return Page(answer)


def _longest(prefixes: tuple[str, ...], target: str) -> int:
    return max((len(prefix) for prefix in prefixes if target.startswith(prefix)), default=0)
