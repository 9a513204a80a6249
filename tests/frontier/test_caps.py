"""How many pages a site and a domain may give, to the page."""

from __future__ import annotations

import pytest

from crawler.frontier.caps import Caps
from crawler.model import Bar, Disposition, Lease, Outcome, Reason, Request, Url


def take(caps: Caps, token: int, site: str) -> Bar | None:
    return caps.take(token, Request(Url(f"http://{site}/{token}")))


def end(caps: Caps, token: int, disposition: Disposition = Disposition.FETCHED) -> None:
    caps.end(token, Outcome(Lease(Request(Url("http://any.test/")), token), disposition))


def test_a_site_has_its_own_cap_within_that_of_its_domain() -> None:
    caps = Caps(2, 3, {})
    assert [take(caps, n, "a.example.org") for n in (1, 2)] == [None, None]
    assert take(caps, 3, "a.example.org") == Bar(None), "the site's are under way"
    assert take(caps, 3, "b.example.org") is None
    assert take(caps, 4, "c.example.org") == Bar(None), "the domain's are under way"
    assert take(caps, 4, "example.com") is None
    for token in (1, 2):
        end(caps, token)
    assert take(caps, 5, "a.example.org") == Bar(Reason.PAGE_LIMIT, "http://a.example.org gave its 2 pages")
    assert take(caps, 5, "b.example.org") == Bar(None)
    end(caps, 3)
    assert take(caps, 5, "b.example.org") == Bar(Reason.PAGE_LIMIT, "example.org gave its 3 pages")


def test_pages_of_earlier_runs_count_for_the_whole_domain() -> None:
    caps = Caps(None, 5, {"http://a.example.org": 2, "https://a.example.org": 2})
    assert [take(caps, n, "b.example.org") for n in (1, 2)] == [None, Bar(None)]
    end(caps, 1)
    assert take(caps, 2, "b.example.org") == Bar(Reason.PAGE_LIMIT, "example.org gave its 5 pages")


def test_a_page_under_way_counts_until_its_end_and_ends_once() -> None:
    caps = Caps(2, None, {"http://a.test": 1})
    assert take(caps, 1, "a.test") is None
    caps.end(1, None)
    for token in (2, 3):
        assert take(caps, token, "a.test") is None
        end(caps, token, Disposition.FAILED)
        end(caps, token)
    assert take(caps, 4, "a.test") is None
    end(caps, 4)
    assert take(caps, 5, "a.test") == Bar(Reason.PAGE_LIMIT, "http://a.test gave its 2 pages")


@pytest.mark.parametrize("again", [{"digest": b"x" * 32, "visit": 2}, {"is_reread": True}], ids=["revisit", "reread"])
def test_a_page_that_was_fetched_before_needs_no_place(again: dict[str, object]) -> None:
    caps = Caps(1, 1, {})
    known = Request(Url("http://a.test/"), **again)  # type: ignore[arg-type]
    assert caps.take(1, known) is None
    assert take(caps, 2, "a.test") is None, "it takes none away"
    end(caps, 1)
    end(caps, 2)
    assert caps.take(3, known) is None
