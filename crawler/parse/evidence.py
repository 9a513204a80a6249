"""Reads from a page what tells it from pages made alike: its figures, its pictures, the end that it names, its date.

Judges nothing: `traps` does, which sees all pages of a pattern.
"""

from __future__ import annotations

import re
import string
import time
from array import array
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from xxhash import xxh3_64_intdigest

MOST_MEDIA = 64
"""Pictures, recordings and documents of a page that are told; of more, those with the lowest hashes."""
MOST_LOOKED_AT = 512
"""Of these as a page names them."""
REAL_DATA = 2000
"""Characters of a `data:` URL that holds a picture worth looking at; icons have fewer."""
LONGEST = 18
"""Digits of a figure."""
FEW = 24
"""Figures of a page that are compared with its URL; a page that has more is a table."""
STEPS = frozenset(
    (10, 12, 15, 16, 18, 20, 24, 25, 30, 32, 36, 40, 48, 50, 60, 64, 72, 80, 90, 96, 100, 120, 200, 250, 500, 1000)
)
"""Items that a page of a listing has: `Items 321-340` on page 17 follows from the 17."""
MOST_NUMBERS = 512
SAMPLE = 3 << 12
"""Bytes of a text that are looked at, beside its last."""
BESIDE = 50
"""A page also names pages before and after it: the numbers that far from its own are no figures."""
YEARS = range(1500, 3000)
_ZERO = ord("0")

NO_END = (0, 0)
MOST_PLACES = 2
"""Numbers of a URL that may be the place in a series, from behind."""
MOST_LOOKS = 4
"""Places of a text where `17` may be followed by `of 300`."""
EDGE = 1 << 11
"""Bytes at the start and at the end of a text, where a page says so."""
MOST_DIGITS = 6
"""Of an end."""
_DIGITS = frozenset(string.digits.encode())
_DIGITS_APART = bytes([byte if byte in _DIGITS else 0x20 for byte in range(256)])
_NO_DIGITS = bytes([byte for byte in range(256) if byte not in _DIGITS])
_WHOLE = re.compile(r"(?<![0-9])[0-9]{1,12}(?![0-9A-Za-z])")
_ANY = re.compile(r"[0-9]+")
_ID = re.compile(r"(?=[^0-9]*[0-9])(?:(?=[^A-Za-z]*[A-Za-z])[0-9A-Za-z_-]+|[0-9]{10,})")
_NOISE = re.compile(
    r"captcha|(?:^|[/_.-])(?:pixel|beacon|spacer|blank|transparent|1x1|track(?:er|ing)?|counter|hit)(?=[/_.-]|$)"
)
_OF = re.compile(
    rb"\s*(?:/|of|von|sur|de|di|van|av|af|z|\xd0\xb8\xd0\xb7)\s*([0-9]{1,6})(?![0-9]|[/.-][0-9])", re.IGNORECASE
)
_INSIDE = frozenset({*(b"%d" % digit for digit in range(10)), b"/", b".", b"-"})
"""Beside a number: it is no whole one."""
_DATED = re.compile(r"(?<![0-9])([12][0-9]{3})[/_.-]?(1[0-2]|0?[1-9])(?:[/_.-]?(3[01]|[12][0-9]|0?[1-9]))?(?![0-9])")
_DATED_LAST = re.compile(r"(?<![0-9])(?:3[01]|[12][0-9]|0?[1-9])[/_.-](1[0-2]|0?[1-9])[/_.-]([12][0-9]{3})(?![0-9])")
_YEAR = re.compile(r"(?<![0-9])[12][0-9]{3}(?![0-9])")
_DATE = re.compile(
    rb"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])?(?:[0-3][0-9])?|[0-3]?[0-9](?:0?[1-9]|1[0-2])(?:19|20)[0-9]{2}"
)
"""A year, a month, a day, as digits alone."""
_MONTH_OF_DAYS = "".join(map(str, range(1, 29))).encode()
_WEEKDAYS = re.compile(
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|(?:mon|diens|donners|frei|sams|sonn)tag|mittwoch"
    r"|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|lunes|martes|mi[eé]rcoles|jueves|viernes|s[aá]bado|domingo"
    r"|luned[iì]|marted[iì]|mercoled[iì]|gioved[iì]|venerd[iì]|domenica|(?:maan|dins|woens|donder|vrij|zater|zon)dag"
)


class Evidence(NamedTuple):
    """The fields of a Page that tell it from pages made alike."""

    numbers: int
    media: bytes
    end: tuple[int, int]
    is_ahead: bool


class Shown(NamedTuple):
    """What a page shows, as a reader found it."""

    title: str
    text: bytes
    """In UTF-8; numbers of neighbouring elements stand apart, as far as that is cheap."""
    media: Sequence[str]
    """As written: pictures, recordings, embedded documents, downloads."""
    links: Sequence[str]
    """Absolute."""


def evidence(shown: Shown, url: str) -> Evidence:
    """What there is to say of a page."""
    places = [*_WHOLE.finditer(url, url.index("/", 8))]
    own = [int(place[0]) for place in places]
    text = shown.text if len(shown.text) <= SAMPLE + EDGE else b"%b %b" % (shown.text[:SAMPLE], shown.text[-EDGE:])
    found = _numbers_in(text)
    sketch, hashes, date = _sketch(_figures(found, own)), _hashes(shown.media, url), _date_of(url)
    end = _end(shown.links, text, found, url, places) if places and not date else NO_END
    if not hashes and end == NO_END:
        return Evidence(sketch, b"", end, False)
    year, month = date or _dated_text(shown, found)
    if not year:
        return Evidence(sketch, _packed(hashes.values()), end, False)
    known = {*own, *range(32), year, month}
    marked = [value | 1 if _is_dated(src, known) else value for src, value in hashes.items()]
    return Evidence(sketch, _packed(marked), NO_END, bool(hashes) and _is_ahead(year, month))


# -- figures ---------------------------------------------------------------------------------------------------------


def numbers(text: bytes, url: str) -> int:
    """Sixteen times four bits: the least hash of the figures of a text that fall into each of sixteen buckets.

    Two texts in which one figure differs differ in two buckets at most, however many they have. No figures are dates,
    times, years, and what follows from the numbers of the page's own URL. 0: there are none.
    """
    return _sketch(_figures(_numbers_in(text), [int(own) for own in _WHOLE.findall(url, url.index("/", 8))]))


def _numbers_in(text: bytes) -> set[bytes]:
    """Their digits: those of 19.99 and of 1,999 are one number each."""
    plain = text.replace(b".", b"").replace(b",", b"").translate(_DIGITS_APART)
    return set(plain.split(None, MOST_NUMBERS)[:MOST_NUMBERS])


def _figures(found: Iterable[bytes], own: Sequence[int]) -> list[bytes]:
    """Those that may be an amount, a measure, an id."""
    figures = [
        number for number in found if 2 < len(number) <= LONGEST and number[0] != _ZERO and not _DATE.fullmatch(number)
    ]
    if len(figures) > FEW:
        return figures
    return [number for number in figures if not any(_follows(int(number), given) for given in own)]


def _follows(number: int, given: int) -> bool:
    """Whether a number follows from one of the URL: it, one beside it, the items of a page of that number."""
    for base in (given, given - 1):
        if abs(number - base) <= BESIDE or number - base in STEPS:
            return True
        times = (number + 1) // base if base > 0 else 0
        if times in STEPS and abs(number - base * times) <= 1:
            return True
    return False


def _sketch(figures: Iterable[bytes]) -> int:
    least: dict[int, int] = {}
    for figure in figures:
        mixed = xxh3_64_intdigest(figure)
        at, rank = mixed & 15, mixed >> 4
        least[at] = min(least.get(at, rank), rank)
    return sum([(rank % 15 + 1) << 4 * at for at, rank in least.items()])


# -- pictures and documents ------------------------------------------------------------------------------------------


def _hashes(media: Sequence[str], url: str) -> dict[str, int]:
    """By name as written; even numbers."""
    if not media:
        return {}
    ids = _ids(url)
    found: dict[str, int] = {}
    for src in media[:MOST_LOOKED_AT]:
        if ids and (there := [one for one in ids if one in src]):
            value = _hash(_without(src, there))
        else:
            value = _hash(src) if len(src) < MOST_LOOKED_AT else _hash_of_data(src)
        if value:
            found[src] = value
    return found


def _ids(url: str) -> list[str]:
    """What may be a session's: it stands in a folder of the URL, or in its query."""
    path, _, query = url[url.index("/", 8) :].partition("?")
    parts = [*path.split("/")[1:-1], *[pair.rpartition("=")[2] for pair in query.split("&")]]
    return [part for part in parts if len(part) >= 6 and _ID.fullmatch(part)]


def _without(src: str, ids: Iterable[str]) -> str:
    """A session's id may stand in a folder; a file of that name is another one."""
    folder, mark, name = src.partition("?")[0].rpartition("/")
    for one in ids:
        folder = folder.replace(one, "")
    return folder + mark + name


@lru_cache(1 << 12)
def _hash(src: str) -> int:
    """0 for what tells nothing: a query and a fragment are no part of it, nor are pixels that count visitors."""
    path = src.partition("#")[0].partition("?")[0].partition(";")[0].strip()
    if path[:5].lower() in ("data:", "about", "javas", "blob:") or not path.strip("/."):
        return 0
    return 0 if _NOISE.search(path.lower()) else xxh3_64_intdigest(path.encode("utf-8", "replace")) & 0xFFFFFFFE


def _hash_of_data(src: str) -> int:
    if src[:5].lower() != "data:":
        return xxh3_64_intdigest(src.partition("?")[0].encode("utf-8", "replace")) & 0xFFFFFFFE
    return xxh3_64_intdigest(src.encode("utf-8", "replace")) & 0xFFFFFFFE if len(src) >= REAL_DATA else 0


def _packed(hashes: Iterable[int]) -> bytes:
    return array("I", sorted(set(hashes))[:MOST_MEDIA]).tobytes()


# -- ends ------------------------------------------------------------------------------------------------------------


def _end(
    links: Sequence[str], text: bytes, found: set[bytes], url: str, places: Sequence[re.Match[str]]
) -> tuple[int, int]:
    """Where the series ends that the page is of, as it says in words or by a link to the last; and which series."""
    edges = text if len(text) <= 2 * EDGE else b"%b %b" % (text[:EDGE], text[-EDGE:])
    for place in reversed(places[-MOST_PLACES:]):
        own = int(place[0])
        for number in (own, own + 1):
            digits = b"%d" % number
            if digits in found and (end := _said_end(edges, digits)) >= number:
                return end, _series(url, place)
    if end := _linked_end(links, url, places[-1]):
        return end, _series(url, places[-1])
    return NO_END


def _said_end(text: bytes, digits: bytes) -> int:
    """The 300 of `17 of 300` and `17/300`; 0: nothing is said."""
    end = 0
    for _ in range(MOST_LOOKS):
        start = text.find(digits, end)
        if start < 0:
            break
        end = start + len(digits)
        if text[start - 1 : start] not in _INSIDE and (said := _OF.match(text, end)):
            return int(said[1])
    return 0


def _linked_end(links: Sequence[str], url: str, place: re.Match[str]) -> int:
    """The highest number that a link holds where the URL holds a lower one, if it is not the next; 0: none."""
    before, after = url[: place.start()], url[place.end() :]
    alike = [link for link in links if link.startswith(before)] if before in "\n".join(links) else []
    texts = [link[len(before) : -len(after) or None] for link in alike if link.endswith(after)]
    highest = max([int(text) for text in texts if len(text) <= MOST_DIGITS and text.isdigit()], default=0)
    return highest if highest > int(place[0]) + 1 else 0


def _series(url: str, place: re.Match[str]) -> int:
    return xxh3_64_intdigest(f"{url[: place.start()]}#{url[place.end() :]}".encode())


# -- dates -----------------------------------------------------------------------------------------------------------


def _date_of(url: str) -> tuple[int, int] | None:
    """Year and month, where numbers of the URL form a date."""
    start = url.index("/", 8)
    if found := _DATED.search(url, start):
        return int(found[1]), int(found[2])
    if found := _DATED_LAST.search(url, start):
        return int(found[2]), int(found[1])
    return None


def _dated_text(shown: Shown, found: Iterable[bytes]) -> tuple[int, int]:
    """The year that a page which looks like a calendar is of: it has 1 to 28 in order, or names weekdays. Month 0."""
    title = shown.title.lower()
    if not _WEEKDAYS.search(title) and _MONTH_OF_DAYS not in shown.text.translate(None, _NO_DIGITS):
        return 0, 0
    written = _YEAR.findall(title) or [number for number in found if len(number) == 4]
    return max([year for year in map(int, written) if year in YEARS], default=0), 0


def _is_ahead(year: int, month: int) -> bool:
    """More than a year."""
    now = time.gmtime()
    return (year, month) > (now.tm_year + 1, now.tm_mon)


def _is_dated(src: str, known: set[int]) -> bool:
    """Whether the numbers of a name are days, years, and those of the page's URL: there is one for every date."""
    found = _ANY.findall(src.partition("?")[0])
    return bool(found) and all(_is_known(number, known) for number in found)


def _is_known(number: str, known: set[int]) -> bool:
    if len(number) > LONGEST:  # a number of the URL has twelve digits at most, and Python reads no 5,000
        return False
    if int(number) in known:
        return True
    if len(number) not in (4, 6, 8) or int(number[:4]) not in range(1000, 3000):
        return False
    return all(int(number[at : at + 2]) < 32 for at in range(4, len(number), 2))
