"""The index names the earlier text that a later one repeats, and knows after a rewind what was settled and no more."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from crawler.near_duplicates import Index, Text
from crawler.parse.sketch import ALL, sketch
from tests.parse.test_simhash import prose


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with closing(opened(tmp_path)) as index:
        yield index


def opened(folder: Path) -> Index:
    return Index(folder / "near.sqlite", 0.4, is_synced=False)


def text(url: str, story: int, version: int = 0) -> Text:
    """One of the versions of a story, each with a beginning of its own."""
    words = [*prose(40 if version else 0, seed=1000 * story + version), *prose(200, seed=story)]
    return Text(url, sketch(" ".join(words), ALL))


def test_a_later_text_names_the_first_one_that_it_repeats(index: Index) -> None:
    found = index.add([text("/a", 1), text("/b", 1, 1), text("/c", 2), text("/d", 1, 2), text("/e", 2, 1)])
    assert found == ["", "/a", "", "/a", "/c"]
    assert index.events == 2


def test_a_page_repeats_no_earlier_version_of_itself(index: Index) -> None:
    assert index.add([text("/a", 1), text("/a", 1, 1), text("/b", 1, 2)]) == ["", "", "/a"]


def test_a_page_that_has_another_text_now_is_no_longer_named_for_the_old_one(index: Index) -> None:
    index.add([text("/a", 1), text("/b", 2)])
    assert index.add([text("/a", 3), text("/c", 1), text("/d", 3)]) == ["", "", "/a"]
    assert index.add([text("/a", 2, 1), text("/e", 3)]) == ["/b", ""]


def test_a_rewind_leaves_what_was_settled(tmp_path: Path, index: Index) -> None:
    index.add([text("/a", 1), text("/b", 2)])
    index.commit()
    settled = index.events
    index.add([text("/a", 3), text("/c", 4)])
    index.commit()
    index.close()
    with closing(opened(tmp_path)) as again:
        assert again.events > settled
        again.rewind(settled)
        assert again.add([text("/d", 4), text("/e", 1), text("/f", 3)]) == ["", "/a", ""]


def test_what_was_not_committed_is_gone(tmp_path: Path, index: Index) -> None:
    index.add([text("/a", 1)])
    index.close()
    with closing(opened(tmp_path)) as again:
        again.rewind(0)
        assert again.add([text("/b", 1, 1)]) == [""]


def test_a_rewind_removes_texts_that_ended_for_good(tmp_path: Path, index: Index) -> None:
    for version in range(5):
        index.add([text("/a", version)])
    index.commit()
    index.rewind(index.events)
    with closing(sqlite3.connect(tmp_path / "near.sqlite")) as rows:
        assert rows.execute("SELECT count(*) FROM page").fetchone() == (1,)
        assert rows.execute("SELECT count(DISTINCT number) FROM posting").fetchone() == (1,)


def test_a_text_that_all_pages_of_a_site_share_hides_none(index: Index) -> None:
    """Hundreds of texts that have a menu in common are each found again by what is their own."""
    menu = prose(40, seed=9)

    def page(number: int, more: int) -> Text:
        words = [*menu, *prose(160, seed=50_000 + number), *prose(more, seed=90_000 + number)]
        return Text(f"/{number}-{more}", sketch(" ".join(words), ALL))

    assert index.add([page(number, 0) for number in range(300)]) == [""] * 300
    assert index.add([page(number, 30) for number in range(300)]) == [f"/{number}-0" for number in range(300)]
