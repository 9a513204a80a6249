"""Findings from records: each code on records that show it, and none on records of a healthy site."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from crawler.audit import FINDINGS, AuditLimits, Finding, Problem, find
from crawler.audit.linked import mark

HOME = "https://site.test/"
HEADERS = dict.fromkeys(
    ("strict-transport-security", "content-security-policy", "x-content-type-options", "referrer-policy"), "set"
)


def page(path: str, **other: Any) -> dict[str, Any]:
    """Returns the record of a page with nothing wrong."""
    facts = {"links": [], "h1": ["One"], "security": HEADERS, **other.pop("audit", {})}
    url = HOME + path
    return {
        "url": url, "status": 200, "disposition": "fetched", "reason": None, "detail": None, "visit": 1,
        "content_type": "text/html; charset=utf-8", "timings": {"dns": 0, "connect": 1, "ttfb": 20, "download": 1},
        "title": f"Title of {path}", "description": f"About {path}", "language": "en", "length": 1000, "via": HOME,
        **other, "audit": facts,
    }  # fmt: skip


def failed(path: str, status: int = 404, via: str = HOME, **other: Any) -> dict[str, Any]:
    return {
        "url": HOME + path, "status": status, "disposition": "failed", "reason": f"status-{status // 100}xx",
        "detail": f"HTTP {status}", "visit": 1, "via": via, **other,
    }  # fmt: skip


def moved(path: str, to: str, status: int = 301, via: str = HOME) -> dict[str, Any]:
    return {
        "url": HOME + path, "status": status, "disposition": "redirected", "location": HOME + to, "visit": 1, "via": via
    }  # fmt: skip


def link(path: str, text: str = "", kind: str = "anchors", fragment: str = "") -> list[str]:
    return [HOME + path, kind, text, fragment]


def names(*those: str) -> str:
    return b64encode(b"".join(mark(one).to_bytes(4, "little") for one in those)).decode()


def told(records: Iterable[dict[str, Any]], **options: Any) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for one in find(records, **options):
        found.setdefault(one.code, []).append(one)
    return found


def test_a_healthy_site_has_no_findings() -> None:
    links = [link("a", "A"), link("b", "B", fragment="here")]
    assert told([page("", audit={"links": links}), page("a"), page("b", audit={"ids": names("here")})]) == {}


def test_a_broken_link_comes_with_all_pages_and_the_text_of_the_link() -> None:
    links = {"links": [link("gone", "the old price list")]}
    found = told([page("", audit=links), page("a", audit={"links": [link("gone", "prices")]}), failed("gone")])
    [broken] = found.pop("broken-link")
    assert not found
    assert (broken.url, broken.detail, broken.n_pages) == (f"{HOME}gone", "HTTP 404", 2)
    assert [tuple(one) for one in broken.pages] == [(HOME, "the old price list"), (f"{HOME}a", "prices")]


def test_a_link_to_a_redirect_is_broken_where_the_redirect_ends_badly() -> None:
    found = told(
        [page("", audit={"links": [link("old", "x")]}), moved("old", "gone"), failed("gone", via=HOME + "old")]
    )
    [broken] = found["broken-link"]
    assert (broken.url, broken.detail) == (f"{HOME}old", f"redirects to {HOME}gone: HTTP 404")
    assert set(found) == {"broken-link"}


@pytest.mark.parametrize("status", [401, 403, 429, 503])
def test_an_answer_that_only_crawlers_may_get_is_doubtful(status: int) -> None:
    found = told([page("", audit={"links": [link("x")]}), failed("x", status)])
    assert set(found) == {"doubtful-link"}


def test_a_broken_address_that_no_page_links_to_is_told_by_what_named_it() -> None:
    sitemap = {"url": HOME + "sitemap.xml", "disposition": "fetched", "content_type": "text/xml", "status": 200}
    found = told([page(""), sitemap, failed("gone", via=HOME + "sitemap.xml"), failed("seed", via="")])
    assert [(one.url, [place.url for place in one.pages]) for one in found["broken-page"]] == [
        (f"{HOME}gone", [f"{HOME}sitemap.xml"]),
        (f"{HOME}seed", []),
    ]


def test_a_page_of_a_sitemap_is_an_orphan_until_a_page_links_to_it() -> None:
    sitemap = {"url": HOME + "sitemap.xml", "disposition": "fetched", "content_type": "text/xml", "status": 200}
    lone, known = (page(path, via=HOME + "sitemap.xml") for path in ("lone", "known"))
    home = page("", audit={"links": [link("known")]})
    own = {**lone, "audit": {**lone["audit"], "links": [link("lone", "myself")]}}
    assert [one.url for one in told([home, sitemap, own, known])["orphan"]] == [f"{HOME}lone"]
    without_links = [{**one, "audit": None} for one in (home, lone, known)]
    assert "orphan" not in told([*without_links, sitemap]), "where links are unknown, nobody is an orphan"


def test_a_later_visit_replaces_an_earlier_one() -> None:
    home = page("", audit={"links": [link("gone", "x")]})
    first, later = page("a", title=None), page("a", visit=2)
    back = {**page("gone"), "visit": 2}
    unchanged = {**page("", visit=2), "disposition": "unchanged", "title": None, "status": 304, "audit": None}
    assert told([home, first, failed("gone"), later, back, unchanged]) == {}


def test_an_iterator_is_read_as_a_list_is() -> None:
    records = [page("", audit={"links": [link("gone", "x")]}), failed("gone")]
    assert list(find(iter(records))) == list(find(records))


def test_places_are_bounded_and_their_number_is_true() -> None:
    records = [page("", audit={"links": [link("gone")]}), failed("gone")]
    records += [page(f"p{i}", audit={"links": [link("gone")]}) for i in range(30)]
    [one] = told(records, most_pages=7)["broken-link"]
    assert (len(one.pages), one.n_pages) == (7, 31)
    [whole] = told(records, most_pages=None)["broken-link"]
    assert len(whole.pages) == 31


def test_translations_must_name_each_other() -> None:
    back = [["en", HOME + "en"], ["de", HOME + "de"]]
    en = page("en", audit={"hreflang": [["de", HOME + "de"], ["fr", HOME + "fr"], ["it", HOME + "it"]]})
    found = told([en, page("de", audit={"hreflang": back}), page("fr"), failed("it", via=HOME + "en")])
    assert [(one.url, one.pages[0].text) for one in found["hreflang-not-returned"]] == [(f"{HOME}fr", "fr")]
    assert [one.url for one in found["hreflang-broken"]] == [f"{HOME}it"]


def test_pages_whose_texts_differ_little_are_near_duplicates() -> None:
    a, near, far = 0xA5A5_0F0F_1234_8000, 0xA5A5_0F0F_1234_8000 ^ 0b1010_0001, 0x0123_4567_89AB_CDEF
    records = [page(name, simhash=f"{value:016x}") for name, value in (("a", a), ("near", near), ("far", far))]
    [one] = told(records)["near-duplicate"]
    assert (one.url, [place.url for place in one.pages]) == (f"{HOME}a", [f"{HOME}near"])


def _each() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yields records that show a code, for those codes that no test above shows."""
    yield "broken-resource", [page("", audit={"links": [link("i.png", "logo", "images")]}), failed("i.png")]
    yield "canonical-conflict", [page("", audit={"canonicals": [HOME + "a", HOME + "b"]})]
    yield "canonical-conflict", [page("", canonical=HOME + "gone"), failed("gone", via="")]
    yield "canonical-conflict", [page("", canonical=HOME + "a"), page("a", canonical=HOME + "b"), page("b")]
    yield "canonical-conflict", [page("", canonical=HOME + "a"), page("a", robots="noindex")]
    yield "mixed-content", [page("", audit={"mixed": [["img", "http://site.test/i.png"]]})]
    yield "structured-data-broken", [page("", audit={"structured_errors": ["unexpected end of data"]})]
    yield "structured-data-incomplete", [page("", audit={"structured": [["Product", ["offers"]], ["Person", []]]})]
    yield "missing-fragment", [page("", audit={"links": [link("", "down", fragment="there")], "ids": names("here")})]
    yield "redirect-chain", [page("", audit={"links": []}), moved("a", "b"), moved("b", "c", via=HOME + "a"), page("c")]
    yield "redirected-link", [page("", audit={"links": [link("a")]}), moved("a", "b"), page("b")]
    yield "missing-title", [page("", title=None)]
    yield "duplicate-title", [page("", title="x"), page("a", title="x")]
    yield "missing-description", [page("", description=None)]
    yield "duplicate-description", [page("", description="x"), page("a", description="x")]
    yield "long-title", [page("", title="x" * 71)]
    yield "long-description", [page("", description="x" * 321)]
    yield "slow-page", [page("", timings={"ttfb": 2500.0})]
    yield "large-page", [page("", length=2 << 20)]
    yield "missing-heading", [page("", audit={"h1": []})]
    yield "several-headings", [page("", audit={"h1": ["a", "b"]})]
    yield "missing-language", [page("", language=None)]
    yield "image-without-alt", [page("", audit={"no_alt": [HOME + "i.png"]})]
    yield "noindex", [page("", robots="noindex, follow")]
    yield "duplicate-page", [page(""), page("a", disposition="duplicate", duplicate_of=HOME)]
    yield (
        "missing-security-header",
        [page("", audit={"security": {}})],
    )


@pytest.mark.parametrize(("code", "records"), list(_each()))
def test_records_that_show_a_code_give_that_finding_and_no_other_error(
    code: str, records: list[dict[str, Any]]
) -> None:
    found = told(records)
    assert code in found
    assert {one for one in found if one != code} <= {"redirected-link", "broken-page", "noindex"}


def test_every_code_is_shown_by_a_test() -> None:
    text = Path(__file__).read_text("utf-8")
    assert [code for code in FINDINGS if f'"{code}"' not in text] == []


@pytest.mark.parametrize(
    "wrong",
    [{}, {"url": 7}, {"url": HOME, "audit": {"links": [1, [2], "x"], "hreflang": {}, "ids": "%%", "h1": 3}},
     {"url": HOME, "audit": [], "timings": "x", "simhash": "z" * 16, "content_type": "text/html", "status": "x",
      "disposition": "fetched", "robots": 1, "visit": "2"}],
)  # fmt: skip
def test_records_that_somebody_changed_stop_nothing(wrong: dict[str, Any]) -> None:
    records = [wrong, page("", audit={"links": [link("gone")]}), failed("gone")]
    assert "broken-link" in told(records)


def no_price(record: Any) -> Iterator[Problem]:
    if "price" not in (record["title"] or ""):
        yield Problem("no-price", "its title names no price", "error", "Name the price.")


def breaks(record: Any) -> list[Problem]:
    raise RuntimeError(f"cannot judge {record['url']}")


def clashes(record: Any) -> list[Problem]:
    return [Problem("orphan")]


def test_an_own_check_gives_findings_and_one_that_raises_costs_itself_alone() -> None:
    found = told([page(""), page("a")], checks=[breaks, no_price, clashes])
    assert [(one.url, one.severity, one.advice) for one in found["no-price"]] == [
        (HOME, "error", "Name the price."), (f"{HOME}a", "error", "Name the price.")
    ]  # fmt: skip
    first, second = (one.detail for one in found["check-failed"])
    assert "breaks: RuntimeError: cannot judge https://site.test/" in first
    assert "orphan is a code of crawld's own" in second


def test_limits_say_from_where_on_a_page_is_slow() -> None:
    assert set(told([page("", timings={"ttfb": 300.0})], limits=AuditLimits(slow_ms=200))) == {"slow-page"}
