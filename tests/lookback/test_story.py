"""`tell_story` finds all that a folder holds about one URL, by the latest record of each page."""

from __future__ import annotations

import pytest

from crawler import UrlError, tell_story
from tests.export.conftest import NAMES, MakeFolder, captures, page

URL = "http://a.test/x"


def test_each_visit_and_all_that_leads_to_a_url_is_told(make: MakeFolder) -> None:
    folder = make(
        [
            page("http://a.test/", links=[URL, "http://a.test/xy"]),
            page("http://a.test/other", links=["http://a.test/xy"]),
            page("http://a.test/old", status=301, disposition="redirected", location=URL),
            page("http://a.test/copy", disposition="duplicate", duplicate_of=URL),
            page("http://a.test/print", canonical=URL),
            page(URL, "X", via="http://a.test/", canonical=URL, text="heavy"),
            page(URL, "X, changed", visit=2, via="http://a.test/"),
        ]
    )
    story = tell_story(folder, f"{URL}#top")
    assert story.url.text == URL
    assert [(one["visit"], one["title"], "text" in one) for one in story.visits] == [
        (1, "X", False),
        (2, "X, changed", False),
    ]
    assert story.linked_from is not None
    assert (list(story.linked_from.urls), story.linked_from.n) == (["http://a.test/"], 1)
    assert list(story.redirected_from.urls) == ["http://a.test/old"]
    assert list(story.duplicates.urls) == ["http://a.test/copy"]
    assert list(story.canonical_of.urls) == ["http://a.test/print"]
    assert list(story.named_by) == ["http://a.test/"]
    assert story.captures is None


def test_a_page_that_dropped_its_link_links_no_more(make: MakeFolder) -> None:
    folder = make(
        [
            page("http://a.test/1", links=[URL]),
            page("http://a.test/2", links=[URL]),
            page("http://a.test/1", visit=2, links=[]),
            page("http://a.test/2", visit=2, status=304, disposition="unchanged"),
        ]
    )
    story = tell_story(folder, URL)
    assert story.linked_from is not None
    assert list(story.linked_from.urls) == ["http://a.test/2"]


def test_a_redirect_that_leads_elsewhere_now_is_none_to_it(make: MakeFolder) -> None:
    folder = make(
        [
            page("http://a.test/old", status=301, disposition="redirected", location=URL),
            page("http://a.test/old", visit=2, status=301, disposition="redirected", location="http://a.test/y"),
        ]
    )
    assert tell_story(folder, URL).redirected_from.n == 0


def test_links_that_were_not_kept_are_not_taken_for_none(make: MakeFolder) -> None:
    assert tell_story(make([page("http://a.test/")]), URL).linked_from is None


def test_captures_are_those_of_the_warc_files(make: MakeFolder) -> None:
    told = [*captures(URL, date="2026-11-02T12:00:00Z"), *captures("http://a.test/xy"), *captures(URL)]
    story = tell_story(make([page(URL)], {NAMES[0]: told}), URL)
    assert story.captures is not None
    assert [(one["at"], one["url"], one["filename"]) for one in story.captures] == [
        ("20261101120000", URL, NAMES[0]),
        ("20261102120000", URL, NAMES[0]),
    ]


def test_a_url_with_a_quote_is_found(make: MakeFolder) -> None:
    folder = make([page("http://a.test/", links=["http://a.test/?q=a%22b"]), page("http://a.test/?q=a%22b")])
    story = tell_story(folder, 'http://a.test/?q=a"b')
    assert len(story.visits) == 1
    assert story.linked_from is not None
    assert story.linked_from.n == 1


def test_a_text_that_is_no_url_is_refused(make: MakeFolder) -> None:
    with pytest.raises(UrlError):
        tell_story(make([]), "http://[broken/")
