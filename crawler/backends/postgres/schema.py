"""The tables of an engine in PostgreSQL, all in the schema `crawld`. What grows in number is packed and appended."""

from __future__ import annotations

LAYOUT = 2
"""The layout of the tables. A database with another one belongs to another crawld."""
OLDEST_SERVER = 130000
"""The oldest server that is used, as `server_version_num` says it: PostgreSQL 13."""
LOCK = 0x6372_7765
"""The key of the lock that is held while tables are made."""

TABLES = f"""
CREATE SCHEMA crawld;

CREATE TABLE crawld.engine (layout int NOT NULL, version text NOT NULL);
INSERT INTO crawld.engine VALUES ({LAYOUT}, '{{version}}');

-- The only clock: no clock of a node decides who holds a shard.
CREATE FUNCTION crawld.clock() RETURNS timestamptz LANGUAGE sql VOLATILE AS 'SELECT pg_catalog.clock_timestamp()';

-- One row a crawl. `control`: run, pause or stop, for all nodes.
CREATE TABLE crawld.crawl (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text UNIQUE NOT NULL, key bytea NOT NULL,
    shards int NOT NULL, settings text NOT NULL, seeds text NOT NULL DEFAULT '', control text NOT NULL DEFAULT 'run',
    is_seeded boolean NOT NULL DEFAULT false, made_at timestamptz NOT NULL DEFAULT now()
);

-- What the owner asked of all nodes: the row with the highest version counts, and all of them are its history.
CREATE TABLE crawld.instruction (
    crawl int, version int, at timestamptz NOT NULL DEFAULT now(), who text NOT NULL, text text NOT NULL,
    changes text NOT NULL, PRIMARY KEY (crawl, version)
);

-- Texts of control planes by name, such as schedules: whoever changes one names the version that he saw.
CREATE TABLE crawld.paper (name text PRIMARY KEY, version int NOT NULL, text text NOT NULL);

-- One row a life of a node. `commits` counts its transactions, so that one whose answer was lost is not made twice.
-- `settled`, `fetched`: its part of the crawl's counts; `pages`: how many it may fetch yet.
CREATE TABLE crawld.node (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, crawl int NOT NULL, name text NOT NULL,
    is_over boolean NOT NULL DEFAULT false, joined_at timestamptz NOT NULL DEFAULT now(),
    beat_at timestamptz NOT NULL DEFAULT now(), lives_until timestamptz NOT NULL,
    commits bigint NOT NULL DEFAULT 0, settled text NOT NULL DEFAULT '{{{{}}}}',
    fetched bigint NOT NULL DEFAULT 0, pages bigint NOT NULL DEFAULT 0, drains boolean NOT NULL DEFAULT false,
    facts text NOT NULL DEFAULT '{{{{}}}}'
) WITH (fillfactor = 50);
CREATE INDEX node_of ON crawld.node (crawl) WHERE NOT is_over;

-- The shards of all crawls, each with an id of its own, and who holds them. A commit changes the row where the
-- epoch is
-- its own.
CREATE TABLE crawld.shard (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, crawl int NOT NULL, number int NOT NULL, node bigint,
    epoch bigint NOT NULL DEFAULT 0, queued bigint NOT NULL DEFAULT 0, known bigint NOT NULL DEFAULT 0,
    UNIQUE (crawl, number)
) WITH (fillfactor = 50);
CREATE INDEX shard_of ON crawld.shard (node) WHERE node IS NOT NULL;

-- Slots at addresses: those that a node has, and those that it wants.
CREATE TABLE crawld.address (
    crawl int, ip text, node bigint, slots int NOT NULL, wanted int NOT NULL, PRIMARY KEY (crawl, ip, node)
) WITH (fillfactor = 50);
CREATE INDEX address_of ON crawld.address (node);

-- The page that had a content first. Without a node the claim is settled.
CREATE TABLE crawld.content (
    crawl int, digest bytea, id bigint NOT NULL, url text NOT NULL, node bigint, PRIMARY KEY (crawl, digest)
);
CREATE INDEX content_of ON crawld.content (node, id) WHERE node IS NOT NULL;

-- What outputs had durably written at the last commit, and notes of the crawl's owner.
CREATE TABLE crawld.position (crawl int, sink text, value text NOT NULL, PRIMARY KEY (crawl,
    sink)) WITH (fillfactor = 50);
CREATE TABLE crawld.remark (crawl int, name text, value text NOT NULL, PRIMARY KEY (crawl, name));

-- How a shard was opened last.
CREATE TABLE crawld.note (shard int, name text, value text NOT NULL, PRIMARY KEY (shard, name));

-- Requests with consecutive rows that share all but the URL: the links of one page to one site. `hops`: 0 for a seed,
-- else the depth and one. `is_open`: some of them may be queued as they were found.
CREATE TABLE crawld.family (
    shard int, first bigint, site bigint NOT NULL, rank bigint NOT NULL, n int NOT NULL, hops int NOT NULL,
    way smallint NOT NULL, is_open boolean NOT NULL, is_root boolean NOT NULL, data bytea NOT NULL,
    PRIMARY KEY (shard, first)
);
CREATE INDEX family_root ON crawld.family (shard, first) WHERE is_root;
CREATE INDEX family_open ON crawld.family (shard, site, rank, first) WHERE is_open;

-- One row a commit: fingerprints of new URLs from row `first` on, and the sizes of their families; rows that left the
-- queue; pairs of a content's mark and a row; pairs of a place out of reach and a row.
CREATE TABLE crawld.seen (shard int, first bigint, prints bytea NOT NULL, sizes bytea NOT NULL, PRIMARY KEY (shard,
    first));
CREATE TABLE crawld.gone (shard int, id bigint GENERATED ALWAYS AS IDENTITY, rows bytea NOT NULL,
    PRIMARY KEY (shard, id));
CREATE TABLE crawld.outside (
    shard int, id bigint GENERATED ALWAYS AS IDENTITY, pairs bytea NOT NULL, PRIMARY KEY (shard, id)
);

-- Requests that were queued again, and facts about single rows: see `frontier/sqlite/schema.py`, which has the same.
CREATE TABLE crawld.back (shard int, site bigint, rank bigint, id bigint, PRIMARY KEY (shard, site, rank,
    id)) WITH (fillfactor = 70);
CREATE TABLE crawld.retry (
    shard int, id bigint, rank bigint NOT NULL, due float8, attempt int NOT NULL, reason text, PRIMARY KEY (shard, id)
);
CREATE INDEX retry_waits ON crawld.retry (shard) WHERE due IS NOT NULL;
CREATE TABLE crawld.visit (
    shard int, id bigint, disposition text NOT NULL, reason text, detail text, status int, attempt int,
    visited_at float8, digest bytea, duplicate_of text, left_out int, segment bigint, PRIMARY KEY (shard, id)
);
CREATE TABLE crawld.revisit (
    shard int, id bigint, due float8, etag text NOT NULL, last_modified text NOT NULL, digest bytea NOT NULL,
    visit int NOT NULL,
    interval_s float8 NOT NULL, fingerprint bigint, PRIMARY KEY (shard, id)
);
CREATE INDEX revisit_due ON crawld.revisit (shard, due) WHERE due IS NOT NULL;
CREATE TABLE crawld.extra (
    shard int, id bigint, sent text NOT NULL, label text NOT NULL, data text NOT NULL, PRIMARY KEY (shard, id)
);
CREATE TABLE crawld.nearer (
    shard int, id bigint, hops int NOT NULL, way smallint NOT NULL, is_root boolean NOT NULL, data text NOT NULL,
    PRIMARY KEY (shard, id)
);
CREATE TABLE crawld.pattern (
    shard int, name text, standing int NOT NULL, fetched int NOT NULL, news int NOT NULL, parked int NOT NULL,
    windows text NOT NULL, PRIMARY KEY (shard, name)
);
CREATE TABLE crawld.parked (shard int, id bigint, rank bigint NOT NULL, pattern bigint NOT NULL,
    PRIMARY KEY (shard, id));
CREATE INDEX parked_under ON crawld.parked (shard, pattern, id);
CREATE TABLE crawld.parking (
    shard int, id bigint, name text NOT NULL, reason text NOT NULL, examples text NOT NULL, PRIMARY KEY (shard, id)
);
CREATE TABLE crawld.reread (shard int, id bigint, PRIMARY KEY (shard, id));

-- Sites, by their fingerprint. `epoch`, without its sign: in which epoch of the shard the site came into memory. With
-- work and an older epoch it is on the shelf.
CREATE TABLE crawld.site (
    shard int, id bigint, queued bigint NOT NULL, next_at float8 NOT NULL, epoch bigint NOT NULL,
    PRIMARY KEY (shard, id)
) WITH (fillfactor = 50);

-- Links and seeds on their way to the owner of a shard.
CREATE TABLE crawld.inbox (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, shard int NOT NULL,
    data bytea NOT NULL);
CREATE INDEX inbox_of ON crawld.inbox (shard, id);

-- Files of records: up to `length` they are settled, `records` of them.
CREATE TABLE crawld.segment (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, crawl int NOT NULL, node bigint NOT NULL,
    name text NOT NULL, sink text NOT NULL,
    length bigint NOT NULL, records bigint NOT NULL DEFAULT 0, place text NOT NULL DEFAULT '', UNIQUE (crawl, name)
) WITH (fillfactor = 50);
"""
