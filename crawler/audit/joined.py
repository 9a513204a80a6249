"""Joins URLs with the outcomes of others: which are bad to link to, what leads on and on, which share a title."""

from __future__ import annotations

from ..model import Disposition, Reason
from .store import Store

MOST_HOPS = 20
"""Redirects that are followed from one URL."""
MOST_ALIKE = 1000
"""Pages of one finding about a shared title that are listed; the shared text itself is found whatever their number."""
_DOUBTFUL_STATUSES = "(401, 402, 403, 405, 406, 407, 408, 423, 425, 429, 451, 503, 999)"
"""Answers that crawlers get and people may not."""
_BROKEN = ", ".join(
    f"'{reason}'"
    for reason in (
        Reason.STATUS_4XX, Reason.STATUS_5XX, Reason.DNS, Reason.CONNECT, Reason.TLS, Reason.TOO_MANY_REDIRECTS,
        Reason.BAD_RESPONSE, Reason.BAD_URL, Reason.DECOMPRESSION,
    )
)  # fmt: skip
"""Reasons that the target answers for. Others (too slow, blocked, an error of ours) leave a doubt."""
_OURS = ", ".join(f"'{one}'" for one in (Reason.INTERNAL, Reason.SKIPPED, Reason.REJECTED, Reason.NOT_ARCHIVED,
                                        Reason.BLOCKED_ADDRESS, Reason.BLOCKED_SCHEME))  # fmt: skip
_LISTED = "('sitemap', 'robots')"


def mark(store: Store) -> None:
    """Notes which URLs are bad to link to, and which pages nobody may link to."""
    store.run(
        "insert into bad select url, case when reason in (" + _BROKEN + f") and status not in {_DOUBTFUL_STATUSES}"
        " then 'broken-link' else 'doubtful-link' end,"
        " case when detail = '' then reason else detail end, 1"
        f" from page where disposition = ? and reason not in ({_OURS})",
        Disposition.FAILED,
    )
    _follow_redirects(store)
    store.run(
        "insert into lone select url from page where is_page and via in"
        " (select url from page where not is_page and disposition != ? and not is_beyond)"
        " or (is_page and via like '%/robots.txt')",
        Disposition.REDIRECTED,
    )


def _follow_redirects(store: Store) -> None:
    """Follows all redirects to their ends: chains are found, and what ends badly is bad itself."""
    for url, first, status in store.run(
        "select url, location, status from page where disposition = ? and location != ''", Disposition.REDIRECTED
    ).fetchall():
        hops, at = [url], first
        while len(hops) < MOST_HOPS and at not in hops:
            hops.append(at)
            further = store.run(
                "select location from page where url = ? and disposition = ?", at, Disposition.REDIRECTED
            ).fetchone()
            if further is None or not further[0]:
                break
            at = further[0]
        ending = store.run("select code, detail from bad where url = ? and is_final", at).fetchone()
        if len(hops) > 2:
            store.add("redirect-chain", url, f"{len(hops) - 1} redirects, to {at}")
        if ending is not None:
            store.put("bad", url, ending[0], f"redirects to {at}: {ending[1]}"[:300], 0)
        elif status in (301, 308):
            store.put("bad", url, "redirected-link", f"moved to {at}", 0)
    store.flush()


def find(store: Store) -> None:
    """Adds the findings that need the whole crawl, once links are known."""
    store.flush()
    _broken_without_links(store)
    store.run("insert into found select 'orphan', url, '', '', '' from lone")
    for name in ("title", "description"):
        _shared(store, name)
    _canonicals(store)
    _translations(store)


def _broken_without_links(store: Store) -> None:
    """Adds what is broken and stands on no page whose links are known: `via` names where it was found."""
    broken = "code in ('broken-link', 'broken-resource', 'doubtful-link')"
    store.run(f"create index found_url on found (url) where {broken}")
    store.run(
        "insert into found select case when named.is_page then bad.code"
        "   when bad.code = 'broken-link' then 'broken-page' else bad.code end,"
        " bad.url, bad.detail, coalesce(page.via, ''), ''"
        " from bad join page on page.url = bad.url left join page as named on named.url = page.via"
        f" where bad.is_final and not exists (select 1 from found where found.url = bad.url and {broken})"
        " and not exists (select 1 from page as redirect where redirect.url = page.via"
        "   and redirect.disposition = 'redirected')"
    )
    store.run("drop index found_url")


def _shared(store: Store, name: str) -> None:
    """Adds the texts that several pages of one site share. Pages that name another one as canonical do not count."""
    counted = (
        f"is_page and {name} != '' and not is_noindex and duplicate_of = '' and (canonical = '' or canonical = url)"
    )
    store.run(f"create index by_{name} on page ({name}) where {counted}")  # holds all that is asked for below
    store.run(
        f"insert into found select 'duplicate-{name}', first, page.{name}, page.url, '' from page join"
        f" (select {name} as shared, min(url) as first from page where {counted} group by {name} having count(*) > 1)"
        f" on page.{name} = shared where {counted}"
    )


def _canonicals(store: Store) -> None:
    """Adds canonical links whose target is no page that may be indexed."""
    store.run(
        "insert into found select 'canonical-conflict', page.url,"
        " 'it names ' || target.url || ', which ' || case"
        "   when target.disposition = 'failed' then 'fails: ' || target.detail"
        "   when target.disposition = 'redirected' then 'redirects to ' || target.location"
        "   when target.is_noindex then 'is noindex'"
        "   else 'names ' || target.canonical end, '', ''"
        " from page join page as target on target.url = page.canonical"
        " where page.is_page and page.canonical != page.url and"
        " (target.disposition in ('failed', 'redirected') or target.is_noindex"
        "  or (target.canonical != '' and target.canonical != target.url))"
    )


def _translations(store: Store) -> None:
    """Adds translations that fail, and those that do not name the page in turn."""
    store.run("create index by_pair on hreflang (page, target)")
    store.run(
        "insert into found select 'hreflang-broken', bad.url, bad.detail, hreflang.page, hreflang.lang"
        " from hreflang join bad on bad.url = hreflang.target where bad.code in ('broken-link', 'doubtful-link')"
    )
    store.run(
        "insert into found select 'hreflang-not-returned', hreflang.target, 'does not name ' || hreflang.page,"
        " hreflang.page, hreflang.lang from hreflang join page on page.url = hreflang.target"
        " where page.is_page and page.is_audited and hreflang.page != hreflang.target and not exists"
        " (select 1 from hreflang as back where back.page = hreflang.target and back.target = hreflang.page)"
    )
