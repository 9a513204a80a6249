"""Keeps the lives of nodes: who holds which shards, and which pages and addresses are allowed to whom."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from ...frontier.backend import Beat, Fenced, Hold, Wish

_IS_ALIVE = "EXISTS (SELECT 1 FROM node n WHERE n.incarnation = {}.incarnation AND n.until > :now)"
"""Asked row by row, by the node's number: a list of all living nodes would be made for each address."""


def begin(connection: sqlite3.Connection, name: str, until: float) -> int:
    """Begins a life of a node and returns its incarnation; an earlier life of the same name ends."""
    end(connection, name)
    cursor = connection.execute("INSERT INTO node (name, until) VALUES (?, ?)", (name, until))
    return int(cursor.lastrowid or 0)


def end(connection: sqlite3.Connection, name: str) -> None:
    """Ends the life of a node, if there is one."""
    for (incarnation,) in connection.execute("SELECT incarnation FROM node WHERE name = ?", (name,)).fetchall():
        bury(connection, incarnation)


def bury(connection: sqlite3.Connection, incarnation: int) -> None:
    """Frees all that a life had: shards, pages, addresses and open claims."""
    connection.execute("UPDATE shard SET incarnation = NULL WHERE incarnation = ?", (incarnation,))
    connection.execute("DELETE FROM address WHERE incarnation = ?", (incarnation,))
    connection.execute("DELETE FROM content WHERE incarnation = ?", (incarnation,))
    connection.execute("DELETE FROM node WHERE incarnation = ?", (incarnation,))


def beat(connection: sqlite3.Connection, incarnation: int, wish: Wish, now: float, ttl_s: float) -> Beat:
    """Renews a life and grants what can be granted of its wish. Raises Fenced if the life has ended."""
    cursor = connection.execute("UPDATE node SET until = ? WHERE incarnation = ?", (now + ttl_s, incarnation))
    if not cursor.rowcount:
        raise Fenced("this node was taken for dead: its shards may have another holder by now")
    connection.executemany(
        "UPDATE shard SET incarnation = NULL WHERE id = ? AND epoch = ? AND incarnation = ?",
        [(shard, epoch, incarnation) for shard, epoch in wish.free],
    )
    _take(connection, incarnation, wish.take, now)
    held = connection.execute("SELECT id, epoch FROM shard WHERE incarnation = ? ORDER BY id", (incarnation,))
    slots = {
        ip: _allow_slots(connection, incarnation, ip, wish, now) for ip in _addresses(connection, incarnation, wish)
    }
    return Beat(
        nodes=[name for (name,) in connection.execute("SELECT name FROM node WHERE until > ? ORDER BY name", (now,))],
        held=[Hold(*row) for row in held.fetchall()],
        pages=_allow_pages(connection, incarnation, wish, now),
        addresses=slots,
        wanted=_wanted(connection, incarnation, now),
    )  # fmt: skip


def _take(connection: sqlite3.Connection, incarnation: int, wanted: Iterable[int], now: float) -> None:
    connection.executemany(
        f"""
        INSERT INTO shard (id, incarnation, epoch) VALUES (:id, :mine, 1)
        ON CONFLICT (id) DO UPDATE SET incarnation = :mine, epoch = epoch + 1
        WHERE incarnation IS NULL OR NOT {_IS_ALIVE.format("shard")}
        """,
        [{"id": shard, "mine": incarnation, "now": now} for shard in wanted],
    )


def _allow_pages(connection: sqlite3.Connection, incarnation: int, wish: Wish, now: float) -> int:
    if wish.limit is None:
        return 0
    [fetched] = connection.execute("SELECT coalesce((SELECT value FROM meta WHERE name = 'pages'), 0)").fetchone()
    [others] = connection.execute(
        "SELECT coalesce(sum(pages), 0) FROM node WHERE incarnation != :mine AND until > :now",
        {"mine": incarnation, "now": now},
    ).fetchone()
    allowed: int = max(0, min(wish.pages, wish.limit - fetched - others))
    connection.execute("UPDATE node SET pages = ? WHERE incarnation = ?", (allowed, incarnation))
    return allowed


def _addresses(connection: sqlite3.Connection, incarnation: int, wish: Wish) -> list[str]:
    """Returns the addresses of the wish; those that are not in it any more are given back."""
    mine = connection.execute("SELECT ip FROM address WHERE incarnation = ?", (incarnation,)).fetchall()
    connection.executemany(
        "DELETE FROM address WHERE ip = ? AND incarnation = ?",
        [(ip, incarnation) for (ip,) in mine if ip not in wish.addresses],
    )
    return list(wish.addresses)


def _allow_slots(connection: sqlite3.Connection, incarnation: int, ip: str, wish: Wish, now: float) -> int:
    wanted = wish.addresses[ip]
    [others] = connection.execute(
        "SELECT coalesce(sum(slots), 0) FROM address"
        f" WHERE ip = :ip AND incarnation != :mine AND {_IS_ALIVE.format('address')}",
        {"ip": ip, "mine": incarnation, "now": now},
    ).fetchone()
    allowed: int = max(0, min(wanted, wish.per_address - others))
    connection.execute("INSERT OR REPLACE INTO address VALUES (?, ?, ?, ?)", (ip, incarnation, allowed, wanted))
    return allowed


def _wanted(connection: sqlite3.Connection, incarnation: int, now: float) -> list[str]:
    """Returns the addresses of this node of which another one wants more than it has."""
    rows = connection.execute(
        f"""
        SELECT DISTINCT o.ip FROM address m CROSS JOIN address o ON o.ip = m.ip
        WHERE m.incarnation = :mine AND m.slots > 0
            AND o.incarnation != :mine AND o.wanted > o.slots AND {_IS_ALIVE.format("o")}
        """,
        {"mine": incarnation, "now": now},
    )
    return [ip for (ip,) in rows.fetchall()]
