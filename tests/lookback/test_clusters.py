"""`find_clusters` tells which pages repeat which."""

from __future__ import annotations

from crawler import find_clusters
from tests.export.conftest import MakeFolder, page


def copy(url: str, first: str) -> dict[str, object]:
    return page(url, disposition="duplicate", reason="duplicate", duplicate_of=first)


def test_copies_and_near_duplicates_of_a_page_are_one_cluster(make: MakeFolder) -> None:
    records = [
        page("http://a.test/"), page("http://a.test/1", near_duplicate_of="http://a.test/"),
        copy("http://a.test/2", "http://a.test/"), page("http://b.test/"), copy("http://b.test/1", "http://b.test/"),
        page("http://c.test/"),
    ]  # fmt: skip
    found = find_clusters(make(records))
    assert (found.records, found.copies, found.near) == (6, 2, 1)
    assert [(one.url, one.copies, one.near, one.urls) for one in found.largest] == [
        ("http://a.test/", 1, 1, ["http://a.test/1", "http://a.test/2"]),
        ("http://b.test/", 1, 0, ["http://b.test/1"]),
    ]


def test_copies_of_a_near_duplicate_belong_to_the_page_that_it_repeats(make: MakeFolder) -> None:
    records = [
        page("http://a.test/"), page("http://a.test/print", near_duplicate_of="http://a.test/"),
        copy("http://a.test/print2", "http://a.test/print"),
    ]  # fmt: skip
    [one] = find_clusters(make(records)).largest
    assert (one.url, one.n, one.urls) == ("http://a.test/", 2, ["http://a.test/print", "http://a.test/print2"])


def test_a_url_that_is_visited_again_is_named_once(make: MakeFolder) -> None:
    again = [page("http://a.test/1", visit=n, near_duplicate_of="http://a.test/") for n in (1, 2)]
    [one] = find_clusters(make([page("http://a.test/"), *again])).largest
    assert (one.near, one.urls) == (2, ["http://a.test/1"])
