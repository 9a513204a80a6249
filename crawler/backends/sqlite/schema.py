"""The layout of a file that was cut into shards: the tables of a frontier, and who holds which part of them.

Rows, names and sites have numbers that begin with their shard (`frontier.shards`), so each table of a frontier serves
all shards, and one of them is a range of its key.
"""

from __future__ import annotations

from ...frontier.sqlite import schema as whole
from ...model.request import REQUISITES

TABLES = """
-- Who holds a shard: the life of a node. `epoch` grows each time it is taken.
CREATE TABLE IF NOT EXISTS shard (id INTEGER PRIMARY KEY, incarnation INTEGER, epoch INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS shard_of ON shard (incarnation);

-- The lives of nodes that have not ended. `until`: Unix seconds. `pages`: pages that the node may fetch.
CREATE TABLE IF NOT EXISTS node (
    incarnation INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL, until REAL NOT NULL,
    pages INTEGER NOT NULL DEFAULT 0
);

-- Requests for sites of a shard that were found elsewhere.
CREATE TABLE IF NOT EXISTS inbox (id INTEGER PRIMARY KEY AUTOINCREMENT, shard INTEGER NOT NULL, data BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS inbox_of ON inbox (shard, id);

-- The page that had a content first. Without a digest the claim is settled.
CREATE TABLE IF NOT EXISTS content (
    mark INTEGER PRIMARY KEY, row INTEGER NOT NULL, url TEXT, digest BLOB, incarnation INTEGER
);
CREATE INDEX IF NOT EXISTS content_of ON content (row);

-- Slots at addresses: those that a node has, and those that it wants.
CREATE TABLE IF NOT EXISTS address (
    ip TEXT, incarnation INTEGER, slots INTEGER NOT NULL, wanted INTEGER NOT NULL, PRIMARY KEY (ip, incarnation)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS address_of ON address (incarnation);
"""

_ROWS = "BETWEEN :first_row AND :last_row"
_SITES = "BETWEEN :first_site AND :last_site"
SHELVE_ALL = f"{whole.SHELVE_ALL} AND id {_SITES}"
ENDS = f"""
SELECT (SELECT max(id) FROM url WHERE id {_ROWS}), (SELECT min(id) FROM url WHERE id BETWEEN -:last_row AND -:first_row)
"""
SHELVED = f"SELECT count(*), coalesce(sum(queued), 0) FROM site WHERE shelved AND id {_SITES}"
SETBACKS = f"{whole.SETBACKS} AND q.id {_ROWS}"
RESTS = f"""
SELECT json_group_array(json_array(id, next_at)) FROM site WHERE queued = 0 AND next_at > :now AND id {_SITES}
"""
SCHEDULED = f"{whole.SCHEDULED} AND id {_ROWS}"
TAKE_BACK = f"{whole.TAKE_BACK} AND id {_ROWS}"
PATTERNS = """
SELECT json_group_array(json_array(name, standing, fetched, news, parked, windows))
FROM (SELECT * FROM pattern WHERE shard_of(name) = :shard ORDER BY standing, fetched)
"""
FETCHED = f"""
SELECT json_group_array(json_array(site, pages)) FROM (
    SELECT substr(text, 1, instr(substr(text, 9), '/') + 7) AS site, count(*) AS pages
    FROM visit JOIN url USING (id)
    WHERE disposition IN ('fetched', 'unchanged') AND way <= {REQUISITES} AND visit.id {_ROWS} GROUP BY site
)
"""
PARKINGS = f"""
SELECT json_group_array(json_array(name, reason, json(examples), number)) FROM (
    SELECT pattern, count(*) AS number FROM parked WHERE id {_ROWS} GROUP BY pattern
) JOIN parking ON parking.id = pattern
"""
DISTANCES = f"{whole.DISTANCES} AND id {_ROWS}"
STANDINGS = whole.STANDINGS.rstrip().replace("?", ":has_revisits") + f" AND visit.id {_ROWS}"
REQUISITES_FETCHED = f"{whole.REQUISITES_FETCHED} AND visit.id {_ROWS}"
SEEN = f"""
SELECT max(first), group_concat(hex(fingerprints), '') FROM (
    SELECT first, fingerprints FROM seen WHERE first {_ROWS} AND first > :after ORDER BY first LIMIT :blobs
)
"""
OUTSIDE = f"""
SELECT max(id), group_concat(hex(pairs), '') FROM (
    SELECT id, pairs FROM outside WHERE id {_ROWS} AND id > :after ORDER BY id LIMIT :blobs
)
"""
SHELF = f"""
SELECT json_group_array(id) FROM (
    SELECT id FROM site WHERE shelved AND id {_SITES} ORDER BY +next_at LIMIT :limit
)
"""
LEFT = f"SELECT count(*) FROM site WHERE shelved AND id {_SITES}"
DUE = whole.DUE.replace("due <= ?", f"due <= :until AND id {_ROWS}").replace("LIMIT ?", "LIMIT :limit")
NEXT_DUE = f"SELECT min(due) FROM revisit WHERE (due > :until OR id IN (SELECT id FROM reread)) AND id {_ROWS}"
LEFT_OUT = f"""
SELECT json_group_object(bits, n) FROM (
    SELECT coalesce(left_out, 0) AS bits, count(*) AS n FROM visit WHERE id {_ROWS} GROUP BY 1
)
"""
NEXT_OUTSIDE = f"SELECT coalesce(max(id), :first_row - 1) + 1 FROM outside WHERE id {_ROWS}"
IS_FINISHED = """
SELECT NOT EXISTS (SELECT 1 FROM queue) AND NOT EXISTS (SELECT 1 FROM inbox)
    AND NOT EXISTS (SELECT 1 FROM retry WHERE due IS NOT NULL)
"""
