"""Writes a commit: changes of many shards become one change, for all of them go into the same tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import orjson

from ...frontier.backend import Commit, Fenced, Hold
from ...frontier.change import Change
from ...frontier.shards import rows_of
from ...frontier.sqlite import schema as whole
from ...frontier.sqlite.rows import NOTE, fill
from . import schema

_LISTS = (
    "families", "names", "extras", "requeued", "gone", "setbacks", "visits", "schedules", "hints", "patterns",
    "nearer", "parked", "parkings", "rereads", "reread", "judged", "again",
)  # fmt: skip
"""The fields of a change that are lists and go into a common table."""


def write(connection: sqlite3.Connection, number: Callable[[str], int], incarnation: int, batch: Commit) -> None:
    """Writes a commit within the transaction that is open. Raises Fenced before anything is written."""
    check_holds(connection, incarnation, [*(hold for hold, _ in batch.changes), *batch.holds])
    _write_changes(connection, number, batch.changes)
    connection.executemany("INSERT INTO inbox (shard, data) VALUES (?, ?)", [one[:2] for one in batch.messages])
    connection.executemany("DELETE FROM inbox WHERE id = ?", [(one.number,) for one in batch.consumed])
    _settle_claims(connection, incarnation, batch)
    _write_totals(connection, incarnation, batch)


def check_holds(connection: sqlite3.Connection, incarnation: int, holds: Iterable[Hold]) -> None:
    """Raises Fenced if the node does not hold one of these."""
    for shard, epoch in set(holds):
        wanted = "SELECT 1 FROM shard WHERE id = ? AND epoch = ? AND incarnation = ?"
        if connection.execute(wanted, (shard, epoch, incarnation)).fetchone() is None:
            raise Fenced(f"shard {shard} has another holder by now: nothing of this was stored")


def _write_changes(
    connection: sqlite3.Connection, number: Callable[[str], int], changes: Sequence[tuple[Hold, Change]]
) -> None:
    if not changes:
        return
    for hold, change in changes:
        if change.families:
            first = change.families[0].first
            connection.execute("INSERT INTO seen VALUES (?, ?)", (first, change.fingerprints))
        if change.outside:
            rows = rows_of(hold.shard)._asdict()
            [place] = connection.execute(
                schema.NEXT_OUTSIDE, {"first_row": rows["first"], "last_row": rows["last"]}
            ).fetchone()
            connection.execute("INSERT INTO outside VALUES (?, ?)", (place, change.outside))
    for together in _rounds(changes):
        values = fill(merge(together), number)
        connection.execute(whole.CHANGE, {**values, "first": None, "fingerprints": None})


def _rounds(changes: Sequence[tuple[Hold, Change]]) -> list[list[Change]]:
    """Returns the changes in rounds with one of each shard at most, so that those of a shard keep their order."""
    rounds: list[list[Change]] = []
    counts: dict[int, int] = {}
    for hold, change in changes:
        number = counts[hold.shard] = counts.get(hold.shard, 0) + 1
        if number > len(rounds):
            rounds.append([])
        rounds[number - 1].append(change)
    return rounds


def merge(changes: Sequence[Change]) -> Change:
    """Returns one change with the rows of all, without fingerprints, links out of reach, claims and totals."""
    if len(changes) == 1:
        return replace(changes[0], outside=b"", claims=[], positions=None, settled=None)
    merged = Change()
    for change in changes:
        for name in _LISTS:
            if found := getattr(change, name):
                getattr(merged, name).extend(found)
        merged.notes.update(change.notes)
        merged.sites.update(change.sites)
    return merged


def _settle_claims(connection: sqlite3.Connection, incarnation: int, batch: Commit) -> None:
    connection.executemany(
        "UPDATE content SET incarnation = NULL, digest = NULL, url = NULL WHERE row = ? AND incarnation = ?",
        [(row, incarnation) for row in batch.claimed],
    )
    connection.executemany(
        "DELETE FROM content WHERE row = ? AND incarnation = ?", [(row, incarnation) for row in batch.unclaimed]
    )


def _write_totals(connection: sqlite3.Connection, incarnation: int, batch: Commit) -> None:
    if batch.settled:
        _add(connection, "settled", batch.settled)
    if batch.positions or batch.forgotten:
        told = _read(connection, "positions") | dict(batch.positions)
        _keep(connection, "positions", {name: at for name, at in told.items() if name not in batch.forgotten})
    for name, value in batch.notes.items():
        _keep(connection, NOTE + name, value)
    if batch.pages:
        [pages] = connection.execute("SELECT coalesce((SELECT value FROM meta WHERE name = 'pages'), 0)").fetchone()
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('pages', ?)", (pages + batch.pages,))
        connection.execute(
            "UPDATE node SET pages = max(0, pages - ?) WHERE incarnation = ?", (max(0, batch.pages), incarnation)
        )


def _add(connection: sqlite3.Connection, name: str, grown: object) -> None:
    told: dict[str, int] = _read(connection, name)  # type: ignore[assignment]
    for key, number in grown.items():  # type: ignore[attr-defined]
        told[key] = told.get(key, 0) + number
    _keep(connection, name, {key: number for key, number in told.items() if number})


def _read(connection: sqlite3.Connection, name: str) -> dict[str, object]:
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    found: dict[str, object] = orjson.loads(row[0]) if row else {}
    return found


def _keep(connection: sqlite3.Connection, name: str, value: object) -> None:
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, orjson.dumps(value).decode()))
