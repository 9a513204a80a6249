"""Compares two crawls URL by URL, in memory that does not grow with them."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import orjson

from ..errors import StorageFull
from ..parse.simhash import simhash
from ..runtime.files import is_full
from ..runtime.ownership import NOBODY, Trust
from .archived import ArchiveSide
from .difference import KINDS, Difference, LineChanges, State
from .lines import count_changes, find_similarity
from .sides import ExportSide, Facts, FolderSide, Side, check_place
from .table import BATCH, Row, Table

_CONTENT = frozenset({"fetched", "unchanged", "duplicate", None})
"""Dispositions of a URL that brought content. An export may lack the field."""
_GONE = frozenset({404, 410})
_MAGIC = (b"WARC/", b"PK\3\4", b"\x1f\x8b", b"\x28\xb5\x2f\xfd")
"""The first bytes of WARC files, packed or not, and of a WACZ."""


class Comparison:
    """Two crawls that were compared."""

    def __init__(self, before: Side, after: Side, table: Table) -> None:
        self.before: str = before.name
        """The first crawl, as it was named."""
        self.after: str = after.name
        """The second one."""
        self.counts: Mapping[str, int] = {}
        """How many URLs differ in each way, by `KINDS`."""
        self.urls: tuple[int, int] = (0, 0)
        """How many URLs each crawl has."""
        self._sides = before, after
        self._table = table

    def __iter__(self) -> Iterator[Difference]:
        """Yields the differences by URL, in the order of its bytes; as often as it is asked for."""
        for value, moved_to in self._table.differences():
            found = _load(value)
            yield found._replace(kinds=["moved"], moved_to=moved_to, moved_how="content") if moved_to else found

    def _compare(self) -> None:
        for name, side in zip(("before", "after"), self._sides, strict=True):
            self._table.fill(name, side.rows())
            if side.is_archive:
                self._table.find_bodies(name)
        found = _Found(self._table, self._sides)
        self.urls = found.read()
        self.counts = found.settle()


@contextmanager
def open_comparison(before: Path, after: Path, *, trust: Trust = NOBODY) -> Iterator[Comparison]:
    """Compares two crawls: folders, WARC files, WACZ packages, folders of these, or exports as lines of JSON.

    Blocks: two times a million records take about a minute and a half. A crawl may run in a folder. Raises
    ConfigError, FolderError, FrontierError, ArchiveError, StorageFull where the temporary file does not fit.
    """
    table = Table()
    try:
        comparison = Comparison(_open_side(before, trust), _open_side(after, trust), table)
        comparison._compare()
        yield comparison
    except sqlite3.Error as error:
        if is_full(error):
            raise StorageFull("no space left for temporary files") from error
        raise
    finally:
        table.close()


def _open_side(path: Path, trust: Trust) -> Side:
    """Returns a side of whatever kind the path is. Raises ConfigError, FolderError."""
    check_place(path)
    if (path / "crawl.toml").is_file():
        return FolderSide(path, trust)
    if path.is_dir():
        return ArchiveSide(path)
    with path.open("rb") as file:
        head = file.read(8)
    return ArchiveSide(path) if head.startswith(_MAGIC) else ExportSide(path)


class _Found:
    """Finds the differences: first each URL by itself, then what moved from one URL to another."""

    def __init__(self, table: Table, sides: tuple[Side, Side]) -> None:
        self._table = table
        self._sides = sides
        self._alone: list[tuple[str, str, str | None]] = []
        self._differences: list[tuple[str, str, bytes]] = []
        self._targets: list[str] = []
        self._has_archive = any(side.is_archive for side in sides)
        """Whether the directives of a page are only known where it changed."""

    def read(self) -> tuple[int, int]:
        """Compares all URLs. Returns how many each side has."""
        sizes = Counter[bool]()
        for before, after in _pair(_latest(self._table.rows("before")), _latest(self._table.rows("after"))):
            sizes[False] += before is not None
            sizes[True] += after is not None
            self._look(before, after)
            if len(self._differences) + len(self._alone) > BATCH:
                self._flush()
        self._flush()
        return sizes[False], sizes[True]

    def settle(self) -> Mapping[str, int]:
        """Joins what is gone with what is new where the content is the same. Returns the counts by kind."""
        self._table.join_moved()
        counts = Counter[str]()
        for kinds, n in self._table.count():
            counts.update(dict.fromkeys(kinds.split(), n))
        return {kind: counts[kind] for kind in KINDS}

    def _look(self, before: Row | None, after: Row | None) -> None:
        if before is None and after is not None:
            self._alone.append(("after", after.key, _content(after)))
            self._add(Difference(after.key, ["added"], None, _state(after)))
        elif after is None and before is not None:
            self._alone.append(("before", before.key, _content(before)))
            self._add(Difference(before.key, ["removed"], _state(before), None))
        elif before is not None and after is not None and (found := self._compare(before, after)):
            if after.status in _GONE and _content(before):
                self._alone.append(("before", before.key, _content(before)))
            self._add(found)

    def _add(self, found: Difference) -> None:
        self._differences.append((found.url, " ".join(found.kinds), _dump(found)))

    def _flush(self) -> None:
        self._table.add_alone(self._alone)
        self._table.add_differences(self._differences)
        self._table.add_targets(self._targets)
        self._alone, self._differences, self._targets = [], [], []

    def _compare(self, before: Row, after: Row) -> Difference | None:
        """Returns how a URL differs that both crawls have; None: it does not."""
        if after.location and after.location != before.location:
            self._targets.append(after.location)
            return Difference(
                after.key, ["moved"], _state(before), _state(after), moved_to=after.location, moved_how="redirect"
            )
        kinds, similarity, lines = list[str](), None, None
        if is_changed := _differs(before, after):
            kinds.append("changed")
            (old, before), (new, after) = self._read(0, before), self._read(1, after)
            similarity = find_similarity(old.simhash, new.simhash)
            if old.text is not None and new.text is not None:
                lines = count_changes(old.text, new.text)
                if similarity is None:
                    similarity = find_similarity(*(f"{simhash(text):x}" for text in (old.text, new.text)))
        if (before.reason == "robots") != (after.reason == "robots"):
            kinds.append("robots")
        elif _outcome(before) != _outcome(after):
            kinds.append("status")
        elif (is_changed or not self._has_archive) and _asks_otherwise(before, after):
            kinds.append("robots")
        if not kinds:
            return None
        return Difference(after.key, kinds, _state(before), _state(after), similarity=similarity, lines=lines)

    def _read(self, number: int, row: Row) -> tuple[Facts, Row]:
        """Returns the facts of a page that changed, and its row with those of them that an archive does not list."""
        facts = self._sides[number].facts(row)
        return facts, row._replace(robots=facts.robots, title=facts.title, simhash=facts.simhash)


def _latest(rows: Iterator[Row]) -> Iterator[Row]:
    """Yields the state of each URL after its last visit. An answer that nothing has changed leaves it as it was."""
    for _, visits in groupby(rows, attrgetter("key")):
        latest: Row | None = None
        for row in visits:
            if latest is None or row.status != 304:
                latest = row
        assert latest is not None
        yield latest


def _pair(before: Iterator[Row], after: Iterator[Row]) -> Iterator[tuple[Row | None, Row | None]]:
    """Yields what two sorted lists have of each key."""
    old, new = next(before, None), next(after, None)
    while old or new:
        if new is None or (old is not None and _order(old) < _order(new)):
            yield old, None
            old = next(before, None)
        elif old is None or _order(new) < _order(old):
            yield None, new
            new = next(after, None)
        else:
            yield old, new
            old, new = next(before, None), next(after, None)


def _order(row: Row) -> bytes:
    return row.key.encode("utf-8", "surrogatepass")


def _content(row: Row) -> str | None:
    """Returns the digest of a page's content, by which it is found under another URL; None: it has none."""
    return row.digest if row.disposition in _CONTENT and row.length != 0 else None


def _differs(before: Row, after: Row) -> bool:
    old, new = _content(before), _content(after)
    return old is not None and new is not None and old != new


def _outcome(row: Row) -> tuple[int | None, str | None]:
    """Returns how a URL ended, but for robots.txt, which is a difference of its own, and for copies."""
    if row.reason in ("robots", "duplicate", None) or str(row.reason).startswith("status-"):
        return row.status, None
    return row.status, row.reason


def _asks_otherwise(before: Row, after: Row) -> bool:
    """Whether two contents ask different things of robots."""
    return _content(before) is not None and _content(after) is not None and before.robots != after.robots


def _state(row: Row) -> State:
    return State(row.status, row.disposition, row.reason, row.digest, row.location, row.robots, row.title)


def _dump(found: Difference) -> bytes:
    return orjson.dumps([[*value] if isinstance(value, tuple) else value for value in found])


def _load(value: bytes) -> Difference:
    url, kinds, before, after, moved_to, how, similarity, lines = orjson.loads(value)
    return Difference(
        url,
        kinds,
        before and State(*before),
        after and State(*after),
        moved_to,
        how,
        similarity,
        lines and LineChanges(*lines),
    )
