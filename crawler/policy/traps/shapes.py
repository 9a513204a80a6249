"""Finds the pattern of a URL: its site, its path without the parts that vary, and the names of its parameters.

    https://example.org/calendar/2026-11?view=day    ->    https://example.org/calendar/#-#?view

Numbers become `#`, ids and long names `~`. A place with many different words becomes `*`. Many sites of one registered
domain become `*.`, and many different sets of parameters become `?*`. So an endless site has few patterns.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ... import urls

MOST_WORDS = 16
"""Most different words at one place of a path; a menu has fewer, a list of items more."""
MOST_HOSTS = 8
"""Most hosts of a registered domain that are kept apart."""
MOST_QUERIES = 4
"""Most sets of parameters' names below one path that are kept apart."""
MOST_SEGMENTS = 8
"""Most segments of a path; deeper ones do not count."""
MOST_PARAMETERS = 32
"""Most parameters of a query; later ones do not count."""
MOST_NUMBERS = 3
"""Most numbers in a word, as in a date; a word with more is an id."""
LONG = 24
"""In characters; a longer word is no category."""
MOST_PLACES = 50_000
"""Most places whose words are remembered. Beyond, all are forgotten and learnt anew."""

MOST_RECENT, MOST_CHARACTERS = 1 << 11, 300
"""Most URLs whose patterns are at hand, and characters of each: pages under way, and the pages that named them."""

_ESCAPED = re.compile("%[0-9A-F]{2}")
_NUMBER = re.compile(r"[0-9]+")
_ID = re.compile(r"(?=[^0-9]*[0-9])(?:[0-9a-fA-F-]{8,}|(?=[^A-Za-z]*[A-Za-z])[0-9A-Za-z_.~%-]{16,})")
_ONLY_NUMBERS = re.compile(r"[#~._:-]*")
_VARIED = frozenset("#~*")


class Shapes:
    """Learns which places of URLs vary; knowledge from one URL holds for the next."""

    def __init__(self) -> None:
        self._words: dict[str, set[str] | None] = {}
        """Place -> the words met there; None: the place varies."""
        self._changes = 0
        self._learnt: dict[str, str] = {}
        self._told: dict[str, str] = {}
        """The patterns of recent URLs since a word was learnt: with all their words learnt, and without."""
        self._is_apart = False
        """Whether the latest URL has a word that was not learnt."""

    def pattern(self, text: str, *, learns: bool = True) -> str:
        """Returns the pattern of a canonical URL.

        Unless it `learns`, a word not met before is kept apart from all others.
        """
        known = self._learnt.get(text) or (None if learns else self._told.get(text))
        if known is not None:
            return known
        changes, self._is_apart = self._changes, False
        shape = self._make(text, learns)
        if changes == self._changes and len(text) <= MOST_CHARACTERS:  # else it may be another one the next time
            recent = self._told if self._is_apart else self._learnt
            if len(recent) >= MOST_RECENT:
                recent.clear()
            recent[text] = shape
        return shape

    def _make(self, text: str, learns: bool) -> str:
        start = text.index("/", 8)
        path, mark, query = text[start + 1 :].partition("?")
        shape, last = self._site(text[:start], learns), ""
        words = self._words
        for segment in path.split("/", MOST_SEGMENTS)[:MOST_SEGMENTS]:
            place, word = f"{shape}/", _abstract(segment)
            if word not in (words.get(place) or ()):  # else the usual case
                word = self._word(place, word, MOST_WORDS, learns)
            if word in _VARIED and word == last:  # /1/2/3 and /1/2/3/4 are alike
                shape = shape if shape.endswith("+") else f"{shape}+"
            else:
                shape = f"{shape}/{word}"
            last = word
        if path.count("/") >= MOST_SEGMENTS:
            shape += "/..."
        if mark:
            pairs = query.split("&", MOST_PARAMETERS)[:MOST_PARAMETERS]
            names = "&".join(sorted({_NUMBER.sub("#", pair.partition("=")[0]) for pair in pairs}))
            shape = f"{shape}?{self._word(f'{shape}?', names, MOST_QUERIES, learns)}"
        return shape

    def relearn(self, pattern: str) -> None:
        """Learns the words of a pattern that was made before."""
        start = pattern.index("/", 8)
        shape = pattern[:start]
        self._meet(_hosts_of(shape.replace("*.", "", 1)), "*" if "//*." in shape else shape, MOST_HOSTS)
        path, mark, names = pattern[start + 1 :].partition("?")
        for word in path.split("/"):
            self._meet(f"{shape}/", word.rstrip("+"), MOST_WORDS)
            shape = f"{shape}/{word}"
        if mark:
            self._meet(f"{shape}?", names, MOST_QUERIES)

    def _site(self, site: str, learns: bool) -> str:
        hosts = _hosts_of(site)
        return hosts if self._word(hosts, site, MOST_HOSTS, learns) == "*" else site

    def _word(self, place: str, word: str, most: int, learns: bool) -> str:
        """Returns the word itself, or `*` where the place varies."""
        known = self._words.get(place, _NOTHING)
        if known is None:
            return word if _ONLY_NUMBERS.fullmatch(word) else "*"
        if word in known or _ONLY_NUMBERS.fullmatch(word):
            return word
        if not learns:
            self._is_apart = True
            return word
        if len(known) >= most:
            self._words[place] = None
            self._forget_recent()
            return "*"
        self._meet(place, word, most)
        return word

    def _meet(self, place: str, word: str, most: int) -> None:
        self._forget_recent()
        if len(self._words) >= MOST_PLACES:
            self._words.clear()
        if word == "*":
            self._words[place] = None
        elif not _ONLY_NUMBERS.fullmatch(word):
            known = self._words.setdefault(place, set())
            if known is not None and len(known) < most:
                known.add(word)

    def _forget_recent(self) -> None:
        self._changes += 1
        self._learnt.clear()
        self._told.clear()


_NOTHING: frozenset[str] = frozenset()


@lru_cache(1 << 14)
def _abstract(segment: str) -> str:
    """Returns a segment with its numbers as `#`; an id or a long name as `~`."""
    shape = _NUMBER.sub("#", _ESCAPED.sub("%", segment))
    if len(segment) > LONG or _ID.fullmatch(segment) or shape.count("#") > MOST_NUMBERS:
        return "#" if segment.isdigit() else "~"
    return shape


@lru_cache(1 << 14)
def _hosts_of(site: str) -> str:
    """Returns the name of all hosts of the site's registered domain."""
    scheme, _, authority = site.partition("//")
    return f"{scheme}//*.{urls.registered_domain_of_host(urls.bare_host(authority))}"
