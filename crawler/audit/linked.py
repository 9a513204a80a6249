"""Reads all records once more, for their links: which lead to what is bad, which to no place, whom nobody links to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TypeAlias
from urllib.parse import unquote
from zlib import crc32

from ..records import Record
from . import facts
from .pages import Seen
from .store import Store

SIEVE_BITS = 22
"""The sieve has four million places of one byte: a hundred thousand URLs leave 98 of 100 links without a question."""
ASKED = 4096
"""Answers of the store that are kept."""
RESOURCES = frozenset({"images", "media", "styles", "scripts"})
WHOLE_PAGE = frozenset({"", "top"})
"""Fragments that every page has."""
_PLAIN = 3
"""Parts of a link without a fragment."""
Watch: TypeAlias = Callable[[Record], None]
_MASK = (1 << SIEVE_BITS) - 1


def read(records: Iterable[Record], store: Store, seen: Seen, watch: Watch | None = None) -> None:
    """Adds the links to what is bad and to missing places; strikes from `lone` what is linked to.

    `watch` gets each record that counts.
    """
    reader = _Reader(store)
    reader.fill()
    for number, record in enumerate(records):
        if seen.counts(number):
            reader.add(record)
            if watch:
                watch(record)
    reader.finish()


class _Reader:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._sieve = bytearray(1 << SIEVE_BITS)
        self._knows_links = False
        self._linked = set[str]()
        self._ask = lru_cache(maxsize=ASKED)(self._look_up)
        self._names = lru_cache(maxsize=64)(self._look_up_names)

    def fill(self) -> None:
        """Notes all URLs that a link may be asked about."""
        sieve = self._sieve
        for (url,) in self._store.run("select url from bad union all select url from lone"):
            sieve[hash(url) & _MASK] = 1

    def add(self, record: Record) -> None:
        """Adds what the links of one record show. Most links need no more than a look at the sieve."""
        sieve, page = self._sieve, str(record.get("url"))
        found = facts.links(record)
        self._knows_links = self._knows_links or bool(found)
        try:
            asked = [one for one in found if sieve[hash(one[0]) & _MASK] or len(one) > _PLAIN]
        except (TypeError, IndexError):  # somebody changed the file
            asked = [one for one in found if isinstance(one, list) and one and isinstance(one[0], str)]
        for one in asked:
            self._look_at(facts.link(one), page)

    def finish(self) -> None:
        """Strikes what is linked to. Where no links are known, nothing is an orphan."""
        self._store.flush()
        self._strike()
        if not self._knows_links:
            self._store.run("delete from lone")

    def _look_at(self, link: facts.Link, page: str) -> None:
        if self._sieve[hash(link.url) & _MASK]:
            self._note(link, page)
        if link.fragment:
            self._check_fragment(link, page)

    def _note(self, link: facts.Link, page: str) -> None:
        code, detail, is_lone = self._ask(link.url)
        if is_lone and link.url != page:
            self._linked.add(link.url)
            if len(self._linked) >= ASKED:
                self._strike()
        if code:
            is_resource = code == "broken-link" and link.kind in RESOURCES
            self._store.add("broken-resource" if is_resource else code, link.url, detail, page, link.text)

    def _look_up(self, url: str) -> tuple[str, str, bool]:
        bad = self._store.run("select code, detail from bad where url = ?", url).fetchone() or ("", "")
        lone = self._store.run("select 1 from lone where url = ?", url).fetchone()
        return bad[0], bad[1], lone is not None

    def _strike(self) -> None:
        self._store.db.executemany("delete from lone where url = ?", [(url,) for url in self._linked])
        self._linked.clear()

    def _check_fragment(self, link: facts.Link, page: str) -> None:
        fragment = link.fragment
        if fragment.lower() in WHOLE_PAGE or fragment.startswith((":~:", "!", "/")):
            return
        names = self._names(link.url)
        if names is not None and not names.intersection((mark(fragment), mark(unquote(fragment)))):
            self._store.add("missing-fragment", f"{link.url}#{fragment}", "", page, link.text)

    def _look_up_names(self, url: str) -> frozenset[int] | None:
        """Returns the places that a page has; None: they are not known."""
        found = self._store.run("select names from page where url = ? and is_page", url).fetchone()
        if found is None or found[0] is None:
            return None
        packed = found[0]
        return frozenset(int.from_bytes(packed[at : at + 4], "little") for at in range(0, len(packed), 4))


def mark(name: str) -> int:
    """Returns the 32 bits that stand for the name of a place in a page."""
    return crc32(name.encode("utf-8", "replace"))
