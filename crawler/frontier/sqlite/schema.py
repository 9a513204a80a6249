"""The SQLite layout: append-only tables in discovery order, and one statement that is a whole transaction."""

from __future__ import annotations

from ...model import SAFE
from ...model.request import REQUISITES
from ..order import LAST
from .rows import (
    ExtraRow,
    FamilyRow,
    HintRow,
    JudgedRow,
    MetaRow,
    NameRow,
    NearerRow,
    ParkedRow,
    ParkingRow,
    PatternRow,
    PlaceRow,
    RereadRow,
    ScheduleRow,
    SetbackRow,
    SiteRow,
    VisitRow,
    column,
    columns,
)  # fmt: skip

APPLICATION_ID = 0x63727764
"""`crwd`, in the file's header."""
MOST_HOPS = 1000
"""Most redirects in a row that are followed backwards."""
VERSION = 4
CUT = 1000
"""Added to the layout of a file that is cut into shards, for several event loops. Versions that know none refuse it."""
READABLE = frozenset({1, 2, 3, VERSION, CUT + VERSION})
"""Layouts that can be read. An older one is upgraded when the file is opened for writing."""

TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY) WITHOUT ROWID;

-- All URLs ever queued, in the order of discovery, never changed. Those below zero are only referred to. `way`: how
-- they belong to the crawl (`Request.way`).
CREATE TABLE url (
    id INTEGER PRIMARY KEY, text TEXT NOT NULL, depth INTEGER, priority INTEGER, redirects INTEGER,
    via INTEGER, seed INTEGER, root INTEGER, way INTEGER DEFAULT 0
);

-- URLs queued or out on lease, site by site in the order of lending. Kept beside `url` and not as an index on a
-- column of it, so that a visit does not write the URL's own page again.
CREATE TABLE queue (
    site INTEGER, rank INTEGER, id INTEGER, PRIMARY KEY (site, rank, id)
) WITHOUT ROWID;

-- URLs that had a setback and are not done; without `due` a URL is queued again.
CREATE TABLE retry (id INTEGER PRIMARY KEY, rank INTEGER, due REAL, attempt INTEGER, reason TEXT);

CREATE TABLE visit (
    id INTEGER PRIMARY KEY, disposition TEXT, reason TEXT, detail TEXT, status INTEGER, attempt INTEGER,
    visited_at REAL, digest BLOB, duplicate_of TEXT, left_out INTEGER
);

-- Sites, by their 64-bit fingerprint. `shelved`: nothing of the site is in memory.
CREATE TABLE site (id INTEGER PRIMARY KEY, queued INTEGER, next_at REAL, shelved INTEGER);
CREATE INDEX shelf ON site (next_at) WHERE shelved;

-- Packed columns, one row a transaction, so that opening reads blobs and not rows: the fingerprints of the URLs from
-- row `first` on; and pairs of a digest's 64-bit mark and the row that had it first.
CREATE TABLE seen (first INTEGER PRIMARY KEY, fingerprints BLOB);
CREATE TABLE claim (id INTEGER PRIMARY KEY, pairs BLOB);
"""

# Pages that are visited again, with facts from earlier visits. Without `due` a page is queued or a setback, as `queue`
# and `retry` say; without `fingerprint` too it is off the schedule. This table is made when a file is opened, for there
# are older files.
REVISIT = """
CREATE TABLE IF NOT EXISTS revisit (
    id INTEGER PRIMARY KEY, due REAL, etag TEXT, last_modified TEXT, digest BLOB, visit INTEGER, interval_s REAL,
    fingerprint INTEGER
);
CREATE INDEX IF NOT EXISTS due ON revisit (due) WHERE due IS NOT NULL;
CREATE INDEX IF NOT EXISTS hint ON revisit (fingerprint) WHERE due IS NOT NULL;
"""

# URL patterns; also made when a file is opened.
PATTERN = """
CREATE TABLE IF NOT EXISTS pattern (
    name TEXT PRIMARY KEY, standing INTEGER, fetched INTEGER, news INTEGER, parked INTEGER, windows TEXT
) WITHOUT ROWID;
"""

# `parked`, `parking`: URLs that wait under a pattern, by the pattern's 64-bit fingerprint.
# `reread`: pages whose links are looked for once more. `owed`: visits that are made once more for the sinks that lost
# their record. `outside`: pairs of a place out of reach and the row of a page that links there, packed like `claim`.
# `roots`: an index that finds roots fast.
ASIDE = """
CREATE TABLE IF NOT EXISTS parked (id INTEGER PRIMARY KEY, rank INTEGER, pattern INTEGER);
CREATE INDEX IF NOT EXISTS parked_under ON parked (pattern, id);
CREATE TABLE IF NOT EXISTS parking (id INTEGER PRIMARY KEY, name TEXT, reason TEXT, examples TEXT);
CREATE TABLE IF NOT EXISTS reread (id INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS owed (id INTEGER PRIMARY KEY, sinks TEXT);
CREATE TABLE IF NOT EXISTS outside (id INTEGER PRIMARY KEY, pairs BLOB);
CREATE INDEX IF NOT EXISTS roots ON url (id) WHERE root = 0 AND id > 0;
"""

# Requests that are more than a URL, by the row of that URL (`frontier/extras.py`). `sent`: how it is sent, if it is no
# plain GET, else an empty text. The index finds those.
EXTRA = """
CREATE TABLE IF NOT EXISTS extra (id INTEGER PRIMARY KEY, sent TEXT, label TEXT, data TEXT);
CREATE INDEX IF NOT EXISTS sent ON extra (id) WHERE sent != '';
"""

UPGRADES = {
    # Layout 1 does not know the left-out links of its visits: NULL. Its oldest files have no table of patterns, and a
    # column of that had two names; nothing of the column is kept.
    1: f"""
ALTER TABLE visit ADD COLUMN left_out INTEGER;
{PATTERN}
ALTER TABLE pattern RENAME TO pattern_1;
{PATTERN}
INSERT INTO pattern SELECT name, standing, fetched, news, 0, windows FROM pattern_1;
DROP TABLE pattern_1;
""",
    # Layout 2 holds plain requests alone. Its readers would send every request of layout 3 as a plain GET.
    2: EXTRA,
    # Layout 3 has pages alone: its readers would follow the links of what a page needs to be shown.
    3: "ALTER TABLE url ADD COLUMN way INTEGER DEFAULT 0;",
}
"""The statements that make the next layout of each older one."""

CHANGE_FIELDS = (
    "families", "first", "fingerprints", "names", "requeued", "gone", "setbacks", "visits", "digests", "sites",
    "claims", "meta", "schedules", "hints", "patterns", "nearer", "parked", "parkings", "rereads", "reread", "again",
    "outside", "judged", "extras",
)  # fmt: skip


_FAMILIES = f"""(
    SELECT {", ".join(f"{column(FamilyRow, name)} AS {name}" for name in FamilyRow._fields)}
    FROM json_each(new.families) LIMIT -1 OFFSET 0
)"""
"""LIMIT keeps SQLite from merging this query into the one that uses it, which would parse each family again for each
link."""

# One statement is one transaction, and Python gives the GIL back once for it. A busy loop can starve a writer thread
# that must get the GIL back for every statement or even every row.
PROCEDURE = f"""
CREATE TEMP VIEW change AS SELECT {", ".join(f"NULL AS {name}" for name in CHANGE_FIELDS)};
CREATE TEMP TRIGGER apply INSTEAD OF INSERT ON change BEGIN
    INSERT INTO url SELECT {columns(NameRow)}, 0, 0, 0, 0, 0, 0, 0 FROM json_each(new.names);
    INSERT INTO url
        SELECT f.first + link.key, link.value, f.depth, f.priority, f.redirects, f.via, f.seed, f.root, f.way
        FROM {_FAMILIES} AS f, json_each(f.texts) AS link;
    INSERT INTO queue
        SELECT f.site, f.rank, f.first + link.key FROM {_FAMILIES} AS f, json_each(f.texts) AS link
        WHERE NOT f.is_parked;
    INSERT OR REPLACE INTO extra SELECT {columns(ExtraRow)} FROM json_each(new.extras);
    INSERT INTO seen SELECT new.first, new.fingerprints WHERE new.first IS NOT NULL;
    INSERT OR IGNORE INTO reread SELECT value FROM json_each(new.rereads);
    DELETE FROM visit WHERE id IN (SELECT value FROM json_each(new.again));
    INSERT INTO queue SELECT {columns(PlaceRow)} FROM json_each(new.requeued);
    DELETE FROM parked WHERE id IN (SELECT {column(PlaceRow, "row")} FROM json_each(new.requeued));
    UPDATE retry SET due = NULL WHERE id IN (SELECT {column(PlaceRow, "row")} FROM json_each(new.requeued));
    UPDATE revisit SET due = NULL
        WHERE due IS NOT NULL AND id IN (SELECT {column(PlaceRow, "row")} FROM json_each(new.requeued))
            AND id NOT IN (SELECT id FROM reread);
    DELETE FROM queue WHERE (site, rank, id) IN (SELECT {columns(PlaceRow)} FROM json_each(new.gone));
    INSERT OR REPLACE INTO retry SELECT {columns(SetbackRow)} FROM json_each(new.setbacks);
    DELETE FROM retry WHERE id IN (SELECT {column(VisitRow, "row")} FROM json_each(new.visits));
    DELETE FROM owed WHERE +id IN (SELECT {column(VisitRow, "row")} FROM json_each(new.visits));
    INSERT OR REPLACE INTO visit
        SELECT {columns(VisitRow, "row", "disposition", "reason", "detail", "status", "attempt", "visited_at")},
               substr(new.digests, {columns(VisitRow, "digest_at", "digest_length")}),
               {column(VisitRow, "duplicate_of")}, coalesce(
                   {column(VisitRow, "left_out")},
                   (SELECT left_out FROM visit AS old WHERE old.id = {column(VisitRow, "row")})
               )
        FROM json_each(new.visits);
    UPDATE visit SET left_out = coalesce((
            SELECT {column(RereadRow, "left_out")} FROM json_each(new.reread)
            WHERE {column(RereadRow, "row")} = visit.id
        ), left_out) WHERE id IN (SELECT {column(RereadRow, "row")} FROM json_each(new.reread));
    DELETE FROM reread WHERE id IN (SELECT {column(RereadRow, "row")} FROM json_each(new.reread))
        AND id NOT IN (SELECT value FROM json_each(new.rereads));
    UPDATE visit SET left_out = coalesce((
            SELECT {column(JudgedRow, "left_out")} FROM json_each(new.judged)
            WHERE {column(JudgedRow, "row")} = visit.id AND {column(JudgedRow, "before")} = visit.left_out
                AND abs({column(JudgedRow, "visited_at")} - visited_at) < 0.001
        ), left_out)
        WHERE id IN (SELECT {column(JudgedRow, "row")} FROM json_each(new.judged))
            AND id NOT IN (SELECT id FROM reread);
    DELETE FROM retry WHERE id IN (SELECT {column(RereadRow, "row")} FROM json_each(new.reread));
    UPDATE url SET (depth, via, seed, root, way) = (
            SELECT {columns(NearerRow, "depth", "via", "seed", "root", "way")}
            FROM json_each(new.nearer) WHERE {column(NearerRow, "row")} = url.id ORDER BY json_each.key DESC LIMIT 1
        ) WHERE id IN (SELECT {column(NearerRow, "row")} FROM json_each(new.nearer));
    INSERT OR REPLACE INTO parked SELECT {columns(ParkedRow)} FROM json_each(new.parked);
    INSERT OR REPLACE INTO parking SELECT {columns(ParkingRow)} FROM json_each(new.parkings);
    INSERT INTO outside (pairs) SELECT new.outside WHERE new.outside IS NOT NULL;
    INSERT INTO site SELECT {columns(SiteRow)} FROM json_each(new.sites) WHERE true
        ON CONFLICT (id) DO UPDATE SET
            queued = queued + excluded.queued,
            next_at = iif(excluded.next_at > 0, excluded.next_at, next_at),
            shelved = coalesce(excluded.shelved, shelved);
    INSERT OR REPLACE INTO revisit
        SELECT {columns(ScheduleRow, "row", "due", "etag", "last_modified")},
               substr(new.digests, {columns(ScheduleRow, "digest_at", "digest_length")}),
               {columns(ScheduleRow, "visit", "interval_s", "fingerprint")}
        FROM json_each(new.schedules);
    UPDATE revisit SET due = due - interval_s WHERE id IN (
        SELECT revisit.id FROM json_each(new.hints) AS said CROSS JOIN revisit
        WHERE due IS NOT NULL AND fingerprint = {column(HintRow, "fingerprint", "said.value")}
            AND {column(HintRow, "modified", "said.value")} > due - interval_s
            AND {column(HintRow, "modified", "said.value")} < due
    );
    INSERT INTO claim (pairs) SELECT new.claims WHERE new.claims IS NOT NULL;
    INSERT OR REPLACE INTO meta SELECT {columns(MetaRow)} FROM json_each(new.meta);
    INSERT OR REPLACE INTO pattern SELECT {columns(PatternRow)} FROM json_each(new.patterns);
END;
"""
CHANGE = f"INSERT INTO change VALUES ({', '.join(f':{name}' for name in CHANGE_FIELDS)})"

_ENTRY = """json_array(
    q.rank, u.id, u.text, u.depth, v.text, s.text, r.text, t.attempt, u.priority, u.redirects, u.seed, u.root,
    u.way, json(iif(e.id IS NULL AND x.id IS NULL AND w.id IS NULL, NULL, json_array(
        iif(x.id, '', e.etag), iif(x.id, '', e.last_modified), iif(x.id, '', hex(e.digest)), coalesce(e.visit, 1),
        coalesce(e.interval_s, 0.0), x.id IS NOT NULL, w.id IS NOT NULL
    )))
)"""
_JOINED = """
    CROSS JOIN url u ON u.id = q.id
    LEFT JOIN url v ON v.id = u.via LEFT JOIN url s ON s.id = u.seed LEFT JOIN url r ON r.id = u.root
    LEFT JOIN retry t ON t.id = u.id LEFT JOIN revisit e ON e.id = u.id LEFT JOIN reread x ON x.id = u.id
    LEFT JOIN extra w ON w.id = u.id
"""

# Queries answer in one row of JSON, for the same reason.
LOAD = f"""
SELECT json_group_array({_ENTRY}) FROM (
    SELECT rank, id FROM queue WHERE site = ? AND (rank, id) > (?, ?) ORDER BY rank, id LIMIT ?
) q {_JOINED}
"""
SHELF = "SELECT json_group_array(id) FROM (SELECT id FROM site WHERE shelved ORDER BY next_at LIMIT ?)"
UNSHELVE = "UPDATE site SET shelved = 0 WHERE id IN (SELECT value FROM json_each(?))"
UNSHELVED = f"""
SELECT json_group_array(json_array(site.id, site.queued, site.next_at, json((
    SELECT json_group_array({_ENTRY})
    FROM (SELECT rank, id FROM queue WHERE site = chosen.value ORDER BY rank, id LIMIT ?) q {_JOINED}
)))) FROM json_each(?) AS chosen CROSS JOIN site ON site.id = chosen.value
"""
QUEUED = "SELECT (SELECT count(*) FROM queue), (SELECT coalesce(sum(queued), 0) FROM site)"
BUSIEST = """
SELECT (SELECT text FROM queue JOIN url USING (id) WHERE queue.site = busy.id LIMIT 1), queued, coalesce(next_at, 0)
FROM (SELECT * FROM site WHERE queued > 0 ORDER BY queued DESC, id LIMIT ?) AS busy
"""
SHELVED = "SELECT count(*) FROM site WHERE shelved"
SETBACKS = f"SELECT json_group_array(json_array({_ENTRY}, q.due)) FROM retry q {_JOINED} WHERE q.due IS NOT NULL"
DUE = f"""
SELECT json_group_array({_ENTRY})
FROM (
    SELECT {LAST} AS rank, id FROM revisit WHERE due <= ? AND id NOT IN (SELECT id FROM reread) ORDER BY due LIMIT ?
) q {_JOINED}
"""
ENDS = "SELECT max(0, coalesce((SELECT max(id) FROM url), 0)), -min(0, coalesce((SELECT min(id) FROM url), 0))"
"""Two questions, because SQLite answers one of them alone from the ends of the table, and both by reading it all."""
NEXT_DUE = "SELECT min(due) FROM revisit WHERE due > ? OR id IN (SELECT id FROM reread)"
SCHEDULED = "SELECT count(*), min(due) FROM revisit WHERE due IS NOT NULL"
_METHODS = ", ".join(f"'{method}'" for method in SAFE)
IS_SAFE = f"""NOT EXISTS (
    SELECT 1 FROM extra WHERE extra.id = {{}} AND sent != '' AND json_extract(sent, '$[0]') NOT IN ({_METHODS})
)"""
"""A request may be sent again on the crawl's own account."""
SCHEDULE_ALL = f"""
INSERT INTO revisit
SELECT visit.id, visited_at + :after_s, '', '', visit.digest, 2, :after_s, fingerprint(text, sent)
FROM visit JOIN url USING (id) LEFT JOIN revisit USING (id) LEFT JOIN extra USING (id)
WHERE revisit.id IS NULL AND {IS_SAFE.format("visit.id")} AND (disposition != 'excluded' OR reason = 'robots')
"""
PATTERNS = """
SELECT json_group_array(json_array(name, standing, fetched, news, parked, windows))
FROM (SELECT * FROM (SELECT * FROM pattern ORDER BY standing DESC, fetched DESC LIMIT ?) ORDER BY standing, fetched)
"""
FETCHED = f"""
SELECT json_group_array(json_array(site, pages)) FROM (
    SELECT substr(text, 1, instr(substr(text, 9), '/') + 7) AS site, count(*) AS pages
    FROM visit JOIN url USING (id) WHERE disposition IN ('fetched', 'unchanged') AND way <= {REQUISITES} GROUP BY site
)
"""
EXTRAS = """
SELECT json_group_array(json_array(extra.id, sent, label, data))
FROM json_each(?) AS wanted CROSS JOIN extra ON extra.id = wanted.value
"""
FIRST = "SELECT url.text, visit.digest FROM url LEFT JOIN visit USING (id) WHERE id = ?"
TAKE_BACK = "UPDATE revisit SET due = :now + interval_s WHERE due > :now + interval_s"
"""A page that was visited in a future, which the clock came back from, is due one interval from now."""


def _picked(candidates: str) -> str:
    return f"""
SELECT json_group_array(json_array(
    {_ENTRY}, (SELECT name FROM parking WHERE parking.id = p.pattern), d.disposition, e.due IS NOT NULL
)) FROM ({candidates}) q {_JOINED} LEFT JOIN visit d ON d.id = u.id LEFT JOIN parked p ON p.id = u.id
"""


_IDLE = """NOT EXISTS (
    SELECT 1 FROM revisit AS r
    WHERE r.id = v.id AND r.due IS NULL AND r.fingerprint IS NOT NULL
        AND (SELECT value FROM meta WHERE name = 'revisits') = 1
)"""
"""A page that is queued for a revisit needs no second look beside it."""
PICK_ENDED = _picked(f"""
    SELECT id, 0 AS rank FROM visit AS v
    WHERE id > ? AND disposition IN ('failed', 'excluded') AND reason IN (SELECT value FROM json_each(?)) AND {_IDLE}
    ORDER BY id LIMIT ?
""")
PICK_LEFT = _picked(f"""
    SELECT id, 0 AS rank FROM visit AS v
    WHERE id > ? AND coalesce(left_out, 1023) & ? AND id NOT IN (SELECT id FROM reread) AND {_IDLE}
        AND disposition IN ('fetched', 'duplicate', 'unchanged', 'redirected') AND {IS_SAFE.format("v.id")}
    ORDER BY id LIMIT ?
""")
LINKING = f"""
SELECT json_group_array(json_array({_ENTRY}, d.left_out, d.visited_at)) FROM (
    SELECT v.id, 0 AS rank FROM json_each(?) AS wanted CROSS JOIN visit AS v ON v.id = wanted.value
    WHERE left_out & ? AND v.id NOT IN (SELECT id FROM reread) AND {_IDLE}
        AND disposition IN ('fetched', 'duplicate', 'unchanged')
) q {_JOINED} JOIN visit d ON d.id = u.id
"""
PICK_WAITING = _picked("""
    SELECT id, rank FROM parked
    WHERE id > ? AND (? = '[]' OR pattern IN (SELECT value FROM json_each(?))) ORDER BY id LIMIT ?
""")
PICK_ROWS = _picked(f"""
    SELECT v.id, 0 AS rank FROM json_each(?) AS wanted CROSS JOIN url AS v ON v.id = wanted.value
    WHERE (v.id IN (SELECT id FROM parked) OR EXISTS (
            SELECT 1 FROM visit WHERE visit.id = v.id AND (? IS NULL
                OR disposition IN ('failed', 'excluded') AND reason IN (SELECT value FROM json_each(?)))
        )) AND v.id NOT IN (SELECT id FROM reread) AND {_IDLE} AND (NOT ? OR {IS_SAFE.format("v.id")})
    ORDER BY v.id
""")
_IS_PLAIN = "NOT EXISTS (SELECT 1 FROM extra WHERE extra.id = above.id AND sent != '')"
CAME_BY = f"""
WITH RECURSIVE above (id, hops) AS (
    SELECT via, 1 FROM url WHERE id = ? AND redirects > 0
    UNION ALL
    SELECT url.via, hops + 1 FROM above JOIN url USING (id) JOIN visit USING (id)
    WHERE redirects > 0 AND disposition = 'redirected' AND hops < {MOST_HOPS} AND {_IS_PLAIN}
)
SELECT json_group_array(json_array(id, text)) FROM (
    SELECT above.id, text FROM above JOIN url USING (id) JOIN visit USING (id)
    WHERE disposition = 'redirected' AND {_IS_PLAIN} ORDER BY hops
)
"""
NO_SEEDS = """
SELECT json_group_array(url.id) FROM json_each(?) AS wanted CROSS JOIN url ON url.id = wanted.value
WHERE NOT (url.via = 0 AND url.seed = 0 AND url.root = 0 AND url.depth = 0 AND url.way = 0)
"""
ROOTS = """
SELECT json_group_array(json_array(u.id, u.text, s.text))
FROM (SELECT * FROM url WHERE root = 0 AND id > ? ORDER BY id LIMIT ?) u LEFT JOIN url s ON s.id = u.seed
"""
VISITED = """
SELECT json_group_array(json_array(id, substr(text, 1, instr(substr(text, 9), '/') + 7), disposition, reason))
FROM (SELECT * FROM visit JOIN url USING (id) WHERE id > ? ORDER BY id LIMIT ?)
"""
LEFT_OUT = """
SELECT json_group_object(bits, n) FROM (SELECT coalesce(left_out, 0) AS bits, count(*) AS n FROM visit GROUP BY 1)
"""
PARKINGS = """
SELECT json_group_array(json_array(name, reason, json(examples), number))
FROM (SELECT pattern, count(*) AS number FROM parked GROUP BY pattern) JOIN parking ON parking.id = pattern
"""
DISTANCES = "SELECT id, iif(via = 0 AND seed = 0, 0, min(depth + 1, 65535)), way FROM url WHERE id > 0"
"""0 for a seed, else one more than the depth, as in `depths.distance`; and the way outside the reach."""
REQUISITES_FETCHED = f"""
SELECT visit.id, 0 FROM visit JOIN url USING (id) WHERE disposition = 'fetched' AND way > {REQUISITES}
"""
STANDINGS = """
SELECT visit.id, iif(
    disposition = 'excluded' AND reason IN ('out-of-scope', 'depth-limit'), 1, coalesce(left_out, 32768) & 32768
) FROM visit LEFT JOIN reread USING (id) LEFT JOIN revisit e USING (id)
WHERE reread.id IS NULL AND NOT (e.fingerprint IS NOT NULL AND e.due IS NULL AND ?)
"""
OWED = "SELECT json_group_array(json_array(id, json(sinks))) FROM owed"
RESTS = "SELECT json_group_array(json_array(id, next_at)) FROM site WHERE queued = 0 AND next_at > ?"
SHELVE_ALL = "UPDATE site SET shelved = queued > 0 WHERE shelved IS NOT (queued > 0)"
SWAP_ORDER = "UPDATE {} SET rank = ((rank & 1048575) << 20) | (rank >> 20)"
