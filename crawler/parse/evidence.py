"""Collects the traits that distinguish a page from pages made alike: figures, pictures, end of its series, date.

It judges nothing: `traps` does this, because it sees all pages of a pattern.
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
"""Pictures, recordings and documents that are reported for a page. If it has more, those with the lowest hashes."""
MOST_LOOKED_AT = 512
"""Pictures, recordings and documents that are read from a page."""
REAL_DATA = 2000
"""Characters of a `data:` URL that holds a real picture. Icons have fewer."""
LONGEST = 18
"""Digits of a figure."""
FEW = 24
"""Up to this many figures of a page are compared with its URL. A page with more is a table."""
STEPS = frozenset(
    (10, 12, 15, 16, 18, 20, 24, 25, 30, 32, 36, 40, 48, 50, 60, 64, 72, 80, 90, 96, 100, 120, 200, 250, 500, 1000)
)
"""Numbers of items on one page of a listing: `Items 321-340` on page 17 follows from the 17."""
MOST_NUMBERS = 512
SAMPLE = 3 << 12
"""Bytes at the start of a text that are checked. Its last EDGE bytes are checked too."""
BESIDE = 50
"""A page names pages before and after it, so numbers within this distance of its own are no figures."""
YEARS = range(1500, 3000)
SHORTEST_DATE = 4
"""Digits of a year alone."""
_ZERO = ord("0")

NO_END = (0, 0)
MOST_PLACES = 2
"""The last numbers of a URL, which may be its place in a series."""
MOST_LOOKS = 4
"""Places in a text where we check whether `of 300` follows a `17`."""
EDGE = 1 << 11
"""Bytes at the start and at the end of a text, where a page names its place and the end."""
MOST_DIGITS = 6
"""Digits of the end of a series."""
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
"""A number with one of these characters before it is only part of a number."""
_DATED = re.compile(r"(?<![0-9])([12][0-9]{3})[/_.-]?(1[0-2]|0?[1-9])(?:[/_.-]?(3[01]|[12][0-9]|0?[1-9]))?(?![0-9])")
_DATED_LAST = re.compile(r"(?<![0-9])(?:3[01]|[12][0-9]|0?[1-9])[/_.-](1[0-2]|0?[1-9])[/_.-]([12][0-9]{3})(?![0-9])")
_YEAR = re.compile(r"(?<![0-9])[12][0-9]{3}(?![0-9])")
_DATE = re.compile(
    rb"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])?(?:[0-3][0-9])?|[0-3]?[0-9](?:0?[1-9]|1[0-2])(?:19|20)[0-9]{2}"
)
"""Matches a date of digits only: a year with or without month and day, or day, month and year."""
_MONTH_OF_DAYS = "".join(map(str, range(1, 29))).encode()
_WEEKDAYS = re.compile(
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|(?:mon|diens|donners|frei|sams|sonn)tag|mittwoch"
    r"|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|lunes|martes|mi[eé]rcoles|jueves|viernes|s[aá]bado|domingo"
    r"|luned[iì]|marted[iì]|mercoled[iì]|gioved[iì]|venerd[iì]|domenica|(?:maan|dins|woens|donder|vrij|zater|zon)dag"
)


class Evidence(NamedTuple):
    """The fields of a Page that distinguish it from pages made alike."""

    numbers: int
    media: bytes
    end: tuple[int, int]
    is_ahead: bool


class Shown(NamedTuple):
    """The parts of a page that a person sees, as a reader found them."""

    title: str
    text: bytes
    """Text in UTF-8. Numbers of neighbouring elements are separated, as far as that is cheap."""
    media: Sequence[str]
    """Pictures, recordings, embedded documents and downloads, as written."""
    links: Sequence[str]
    """Absolute URLs."""


def evidence(shown: Shown, url: str) -> Evidence:
    """Returns the evidence that a page offers."""
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
        return Evidence(sketch, _pack(hashes.values()), end, False)
    known = {*own, *range(32), year, month}
    marked = [value | 1 if _is_dated(src, known) else value for src, value in hashes.items()]
    return Evidence(sketch, _pack(marked), NO_END, bool(hashes) and _is_ahead(year, month))


# -- figures ---------------------------------------------------------------------------------------------------------


def numbers(text: bytes, url: str) -> int:
    """Returns sixteen times four bits: for each of sixteen buckets, the lowest hash of the figures that fall into it.

    Two texts that differ in one figure differ in at most two buckets, however many figures they have. Dates, times,
    years and numbers that follow from those of the page's own URL are no figures. Without figures the result is 0.
    """
    return _sketch(_figures(_numbers_in(text), [int(own) for own in _WHOLE.findall(url, url.index("/", 8))]))


def _numbers_in(text: bytes) -> set[bytes]:
    """Returns the digits of each number. Dots and commas are removed, so 19.99 and 1,999 are one number each."""
    plain = text.replace(b".", b"").replace(b",", b"").translate(_DIGITS_APART)  # faster than to translate them away
    return set(plain.split(None, MOST_NUMBERS)[:MOST_NUMBERS])


def _figures(found: Iterable[bytes], own: Sequence[int]) -> list[bytes]:
    """Returns the numbers that may be an amount, a measure or an id."""
    figures = [number for number in found if 2 < len(number) <= LONGEST and number[0] != _ZERO]
    figures = [number for number in figures if len(number) < SHORTEST_DATE or not _DATE.fullmatch(number)]
    return figures if len(figures) > FEW else [number for number in figures if not _follows_any(int(number), own)]


def _follows_any(number: int, own: Sequence[int]) -> bool:
    for given in own:  # noqa: SIM110 - nothing that follows is far below it; `any` costs as much as the test
        if number >= given - BESIDE - 1 and _follows(number, given):
            return True
    return False


def _follows(number: int, given: int) -> bool:
    """Whether a number follows from one of the URL: the same, a near one, or the items of a page with that number."""
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
    """Returns an even hash for each name as written."""
    if not media:
        return {}
    ids = _ids(url)
    found: dict[str, int] = {}
    for src in media[:MOST_LOOKED_AT]:
        if ids and (there := [one for one in ids if one in src]):
            value = _hash(_remove_ids(src, there))
        else:
            value = _hash(src) if len(src) < MOST_LOOKED_AT else _hash_of_data(src)
        if value:
            found[src] = value
    return found


def _ids(url: str) -> list[str]:
    """Returns parts of the URL's folders and query that may be session ids."""
    path, _, query = url[url.index("/", 8) :].partition("?")
    parts = [*path.split("/")[1:-1], *[pair.rpartition("=")[2] for pair in query.split("&")]]
    return [part for part in parts if len(part) >= 6 and _ID.fullmatch(part)]


def _remove_ids(src: str, ids: Iterable[str]) -> str:
    """Removes session ids from the folders of a name. In the name of the file they are kept: it is another file."""
    folder, mark, name = src.partition("?")[0].rpartition("/")
    for one in ids:
        folder = folder.replace(one, "")
    return folder + mark + name


@lru_cache(1 << 12)
def _hash(src: str) -> int:
    """Returns a hash of the path without query and fragment; 0 for names without meaning, such as tracking pixels."""
    path = src.partition("#")[0].partition("?")[0].partition(";")[0].strip()
    if path[:5].lower() in ("data:", "about", "javas", "blob:") or not path.strip("/."):
        return 0
    return 0 if _NOISE.search(path.lower()) else xxh3_64_intdigest(path.encode("utf-8", "replace")) & 0xFFFFFFFE


def _hash_of_data(src: str) -> int:
    if src[:5].lower() != "data:":
        return xxh3_64_intdigest(src.partition("?")[0].encode("utf-8", "replace")) & 0xFFFFFFFE
    return xxh3_64_intdigest(src.encode("utf-8", "replace")) & 0xFFFFFFFE if len(src) >= REAL_DATA else 0


def _pack(hashes: Iterable[int]) -> bytes:
    return array("I", sorted(set(hashes))[:MOST_MEDIA]).tobytes()


# -- ends ------------------------------------------------------------------------------------------------------------


def _end(
    links: Sequence[str], text: bytes, found: set[bytes], url: str, places: Sequence[re.Match[str]]
) -> tuple[int, int]:
    """Returns the last number of the page's series, from its words or a link to the last page, and the series."""
    edges = text if len(text) <= 2 * EDGE else b"%b %b" % (text[:EDGE], text[-EDGE:])
    for place in reversed(places[-MOST_PLACES:]):
        own = int(place[0])
        for number in (own, own + 1):
            digits = b"%d" % number
            if digits in found and (end := _find_stated_end(edges, digits)) >= number:
                return end, _series(url, place)
    if end := _find_linked_end(links, url, places[-1]):
        return end, _series(url, places[-1])
    return NO_END


def _find_stated_end(text: bytes, digits: bytes) -> int:
    """Returns the 300 of `17 of 300` and `17/300`; 0 if the text does not say."""
    end = 0
    for _ in range(MOST_LOOKS):
        start = text.find(digits, end)
        if start < 0:
            break
        end = start + len(digits)
        if text[start - 1 : start] not in _INSIDE and (said := _OF.match(text, end)):
            return int(said[1])
    return 0


def _find_linked_end(links: Sequence[str], url: str, place: re.Match[str]) -> int:
    """Returns the highest number in links that equal the URL but for it, unless it is just the next; else 0."""
    before, after = url[: place.start()], url[place.end() :]
    alike = [link for link in links if link.startswith(before)] if before in "\n".join(links) else []
    texts = [link[len(before) : -len(after) or None] for link in alike if link.endswith(after)]
    highest = max([int(text) for text in texts if len(text) <= MOST_DIGITS and text.isdigit()], default=0)
    return highest if highest > int(place[0]) + 1 else 0


def _series(url: str, place: re.Match[str]) -> int:
    return xxh3_64_intdigest(f"{url[: place.start()]}#{url[place.end() :]}".encode())


# -- dates -----------------------------------------------------------------------------------------------------------


def _date_of(url: str) -> tuple[int, int] | None:
    """Returns year and month if numbers of the URL form a date."""
    start = url.index("/", 8)
    if found := _DATED.search(url, start):
        return int(found[1]), int(found[2])
    if found := _DATED_LAST.search(url, start):
        return int(found[2]), int(found[1])
    return None


def _dated_text(shown: Shown, found: Iterable[bytes]) -> tuple[int, int]:
    """Returns the year of a page that looks like a calendar (it has 1 to 28 in order, or weekdays), and month 0."""
    title = shown.title.lower()
    if not _WEEKDAYS.search(title) and _MONTH_OF_DAYS not in shown.text.translate(None, _NO_DIGITS):
        return 0, 0
    written = _YEAR.findall(title) or [number for number in found if len(number) == 4]
    return max([year for year in map(int, written) if year in YEARS], default=0), 0


def _is_ahead(year: int, month: int) -> bool:
    """Whether a date is more than a year ahead."""
    now = time.gmtime()
    return (year, month) > (now.tm_year + 1, now.tm_mon)


def _is_dated(src: str, known: set[int]) -> bool:
    """Whether a name has only days, years and numbers of the page's URL: such a picture exists for every date."""
    found = _ANY.findall(src.partition("?")[0])
    return bool(found) and all(_is_known(number, known) for number in found)


def _is_known(number: str, known: set[int]) -> bool:
    if len(number) > LONGEST:  # numbers of the URL have at most twelve digits, and Python refuses very long ones
        return False
    if int(number) in known:
        return True
    if len(number) not in (4, 6, 8) or int(number[:4]) not in range(1000, 3000):
        return False
    return all(int(number[at : at + 2]) < 32 for at in range(4, len(number), 2))
