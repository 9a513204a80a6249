"""Puts all that one commit stores into the words of a script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b

import orjson

from ...frontier.backend import Commit
from ...frontier.change import Change
from ...frontier.shards import Cut
from ...frontier.sqlite.rows import SIGN
from ...model import Request
from .packing import Setting, Stamp, pack_change

MARK_BYTES = 16


def mark_of(digest: bytes, key: bytes) -> bytes:
    """Returns the mark by which a content is found."""
    return blake2b(digest, digest_size=MARK_BYTES, key=key).digest()


def commit_words(
    batch: Commit, stamp: Stamp, setting: Setting, cut: Cut, key: bytes, void: Sequence[tuple[bytes, int]]
) -> tuple[dict[str, object], Sequence[bytes]]:
    """Returns a document of a commit, and what is not text in it: entries, messages, marks.

    `void` are contents that the pages of these rows have no more, beside those that the changes tell.
    """
    changes = [change for _, change in batch.changes]
    void = [*void, *(pair for change in changes for pair in _void(change))]
    notes = {name: value for change in changes for name, value in change.notes.items()} | dict(batch.notes)

    def number(site: str) -> int:
        return cut.site_id(site) - SIGN

    logs = [pack_change(change, hold.shard, number, setting, stamp) for hold, change in batch.changes]
    read = {page.row for change in changes for page in change.reread}  # their records stand, with the contents of then
    claimed = [row for row in batch.claimed if row not in read]
    unclaimed = [*batch.unclaimed, *(row for row in batch.claimed if row in read)]
    roots = {str(row): told for change in changes for row, told in _roots(change)}
    document: dict[str, object] = {
        "life": str(stamp.life), "made": stamp.commit, "pages": batch.pages,
        "holds": sorted({(str(one.shard), str(one.epoch)) for one in (*(h for h, _ in batch.changes), *batch.holds)}),
        "logs": [hold.shard for hold, _ in batch.changes],
        "mail": [one.shard for one in batch.messages],
        "consumed": [[str(one.shard), str(one.number)] for one in batch.consumed],
        "waiting": [str(setback.entry.row) for change in changes for setback in change.setbacks],
        "over": [str(row) for change in changes for row in _over(change)],
        "roots": {row: told for row, told in roots.items() if told},
        "no_roots": [row for row, told in roots.items() if not told],
        "void": [str(row) for _, row in void],
        "claimed": list(map(str, claimed)), "unclaimed": list(map(str, unclaimed)),
        "positions": {sink: _text(position) for sink, position in batch.positions.items()},
        "forgotten": list(batch.forgotten),
        "notes": {name: _text(value) for name, value in notes.items()},
        "settled": {str(name): grown for name, grown in batch.settled.items()},
        "queued": sum(site.queued for change in changes for site in change.sites.values()),
        "known": sum(map(len, (family for change in changes for family in change.families))),
    }  # fmt: skip
    return document, [*logs, *(one.data for one in batch.messages), *(mark_of(digest, key) for digest, _ in void)]


def _over(change: Change) -> Iterable[int]:
    """Yields rows that wait no longer for another attempt, and some that never did."""
    waiting = {setback.entry.row for setback in change.setbacks}
    yield from (entry.row for entry in change.requeued if entry.row not in waiting)
    yield from (visit.row for visit in change.visits if visit.attempt > 1)
    yield from (page.row for page in change.reread)


def _roots(change: Change) -> Iterable[tuple[int, str]]:
    """Yields rows that are roots, with their URL and seed; with nothing, a row that is none by a shorter way."""
    for family in change.families:
        if family.root == 0:
            for row, text in enumerate(family.texts, family.first):
                yield row, _root(text, family.like)
    for way in change.nearer:
        yield way.row, "" if way.root else _root(way.request.url.text, way.request)


def _root(text: str, request: Request) -> str:
    return _text([text, request.seed.text if request.seed else None])


def _void(change: Change) -> Iterable[tuple[bytes, int]]:
    """Yields contents that pages had at an earlier visit and have no more."""
    visits = {visit.row: visit for visit in change.visits}
    for entry in (*change.gone, *change.stays):
        before, visit = entry.request.digest, visits.get(entry.row)
        if visit is not None and before and before != visit.digest:
            yield before, entry.row


def _text(value: object) -> str:
    return orjson.dumps(value).decode()
