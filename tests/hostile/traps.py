"""Traps: sites without end. Each must be left after a bounded number of pages."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from tests.hostile.answers import answers, page
from tests.hostile.behaviour import FETCHED, Behaviour, Family, hostile
from tests.hostile.line import Asked

MOST_PAGES = 1600
"""Of one trap that is visited before it is left; the rest is parked."""
ENOUGH = 2500
"""Pages after which a trap gives no new links, so that a crawl that falls for it ends all the same."""


def _trap(name: str, lead: Callable[[str], list[str]], says: Callable[[str], str], most: int = MOST_PAGES) -> Behaviour:
    """Each path leads to others, by `lead`, beside what it `says`."""

    def answer(asked: Asked) -> bytes:
        words = says(asked.path)
        nexts = lead(asked.path) if asked.total < ENOUGH else []
        return page(f"<title>{name}</title><p>{words}" + "".join(f"<p><a href='{n}'>on</a>" for n in nexts))

    return hostile(name, answers(answer), FETCHED, most_records=most, is_quick=False)


def _number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest(), "big")


def _days(path: str) -> list[str]:
    day = int(path.rpartition("/")[2] or 0)
    return [f"/calendar/{2026 + (day + n) // 365}/{(day + n) % 365}/{day + n}" for n in (1, 2, 31)]


def _sessions(path: str) -> list[str]:
    return [f"/page{i}?token={_number(path + str(i)):x}" for i in range(3)]


def _sessions_in_paths(path: str) -> list[str]:
    return [f"/s-{_number(path + str(i)):x}/page{i}" for i in range(3)]


def _deeper(path: str) -> list[str]:
    return [f"{path.rstrip('/')}/{_number(path) % 97}"]


def _facets(path: str) -> list[str]:
    chosen = [part for part in path.partition("?")[2].split("&") if part]
    names = ("colour", "size", "brand", "price", "sort", "page", "stock", "year")
    return [f"/shop?{'&'.join([*chosen, f'{name}={_number(path) % 50}'])}" for name in names][:3]


def _sibling(path: str) -> list[str]:
    return [f"/x{_number(path + str(i)):x}" for i in range(3)]


def _repeating(path: str) -> list[str]:
    return [f"{path.rstrip('/')}/{word}" for word in ("about", "news", "about")]


def _next_number(path: str) -> list[str]:
    return [f"/list?page={int(path.rpartition('=')[2] or 0) + 1}" if "=" in path else "/list?page=1"]


def _moving_end(path: str) -> str:
    at = int(path.rpartition("=")[2]) if "=" in path else 0
    return f"Page {at} of {at + 1} <img src=/logo.png><img src=/pixel.gif?r={_number(path)}>"


def _days_ahead(path: str) -> list[str]:
    day = int(path.rpartition("/")[2] or 0) if path != "/" else 0
    return [f"/agenda/{2030 + (day + n) // 365}/{(day + n) % 12 + 1}/{day + n}" for n in (1, 2, 31)]


def _picture_of_day(path: str) -> str:
    numbers = path.split("/")[2:] or ["2030", "1", "1"]
    return f"Monday: nothing yet. <img src=/img/{'-'.join(numbers)}.png>"


def _echoing(path: str) -> list[str]:
    """A link relative to itself: /about/news/about/news/about/news/..."""
    return [f"{path.rstrip('/')}/{word}" for word in ("about/news", "about/news/about/news")]


def _always(words: str) -> Callable[[str], str]:
    return lambda path: words


def _day(path: str) -> str:
    return f"Events on day {path.rpartition('/')[2] or 0}: nothing is planned yet. Next day, next week, next month."


def _other_words(path: str) -> str:
    """Forty words that no other page has."""
    return " ".join(f"w{_number(path + str(i)):x}" for i in range(40))


FAMILY = Family(
    "traps",
    (
        _trap("a calendar without end", _days, _day),
        _trap("a session id in each query", _sessions, _always("the same few pages")),
        _trap("a session id in each path", _sessions_in_paths, _always("the same few pages again")),
        _trap("a calendar without end, a picture for each date", _days_ahead, _picture_of_day),
        _trap("a pager whose end moves away", _next_number, _moving_end),
        _trap("ever deeper", _deeper, _other_words),
        # Three words in any order are no group that follows itself; honest paths look like that, too.
        _trap("paths of a few words over and over", _repeating, _other_words, most=3 * ENOUGH),
        _trap("paths that repeat", _echoing, _other_words),
        _trap("a faceted search", _facets, _always("no results")),
        _trap("a site that answers anything alike", _sibling, _always("welcome")),
        # Nobody can tell it from an honest site by its first thousands of pages; limit_per_site is for those.
        _trap("a site that answers anything, never alike", _sibling, _other_words, most=3 * ENOUGH),
    ),
)
