"""Makes the tables that questions are asked of: `records`, and the views of them."""

from __future__ import annotations

from collections.abc import Mapping

from ..analytics import Database, read_lines

VIEWS: Mapping[str, str] = {
    # Every record may be the only one of its URL: the records of later visits alone are held in memory.
    "pages": """
        select earlier.* from records as earlier
        anti join (select url, request_id, visit from records where visit > 1) as later
        on later.url = earlier.url
            and later.request_id is not distinct from earlier.request_id and later.visit > earlier.visit""",
    "links": """
        select source, target, depth, source_site, regexp_extract(target, '^[^:]+://[^/?#]+') as target_site
        from (select url as source, unnest(links) as target, depth, site as source_site from pages)""",
    "errors": """
        select url, site, status, reason, detail, via, seed, depth, attempt, visit, fetched_at
        from pages where disposition = 'failed'""",
    "sites": """
        select site, count(*) as urls,
            count(*) filter (disposition = 'fetched') as fetched,
            count(*) filter (disposition = 'unchanged') as unchanged,
            count(*) filter (disposition = 'redirected') as redirected,
            count(*) filter (disposition = 'duplicate') as duplicates,
            count(*) filter (disposition = 'excluded') as excluded,
            count(*) filter (disposition = 'failed') as failed,
            coalesce(sum(length), 0)::bigint as bytes, avg(elapsed_ms) as mean_ms,
            min(fetched_at) as first_at, max(fetched_at) as last_at
        from pages group by site""",
}
"""The views beside `records`, in the order in which they are made. docs/sql.md explains their columns."""
TABLES = ("records", *VIEWS)


def make_views(database: Database, path: str, records: int | None, object_bytes: int) -> None:
    """Makes the views over a file of records, of which the first so many are settled (None: all). Reads nothing yet."""
    table = read_lines(path, records=records, object_bytes=object_bytes)
    site = "regexp_extract(url, '^[^:]+://[^/?#]+') as site"
    database.run(f"create view records as select *, {site} from {table}")
    for name, query in VIEWS.items():
        database.run(f"create view {name} as {query}")
