"""A search gives the pages that hold the words, the best first; each page stands once, as it was last seen."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from crawler import (
    Config,
    ConfigError,
    FolderError,
    FrontierError,
    SinkConfig,
    index_folder,
    read_folder,
    search_folder,
)
from crawler.folder.folder import open_folder
from crawler.search import NAME
from tests.export.conftest import MakeFolder, page

HOME = "https://a.example"


def urls(folder: Any, words: str, **choice: Any) -> list[str]:
    return [hit.url.removeprefix(HOME) for hit in search_folder(folder, words, **choice).hits]


def test_a_word_in_the_title_counts_more_than_in_the_text(make: MakeFolder) -> None:
    long = " ".join(f"word{i}" for i in range(100))
    folder = make(
        [
            page(f"{HOME}/1", "Other", text=f"{long} apples {long}"),
            page(f"{HOME}/2", "Apples", text=f"{long} fruit {long}"),
            page(f"{HOME}/3", "Other", text=long),
            page(f"{HOME}/apples", "Other", text=long),
        ]
    )
    assert urls(folder, "apples") == ["/2", "/apples", "/1"]


def test_a_hit_shows_where_the_words_stand(make: MakeFolder) -> None:
    folder = make([page(f"{HOME}/", "On apples", text=f"{'x ' * 90}fresh apples and pears, 手机店 too{' y' * 90}")])
    [hit] = search_folder(folder, 'apples "手机"').hits
    assert [hit.snippet[begin:end] for begin, end in hit.marks] == ["apples", "手机"]
    assert (hit.snippet[0], hit.snippet[-1]) == ("…", "…")
    assert (hit.title, hit.status, hit.site) == ("On apples", 200, HOME)
    assert hit.record()["v"] == 1


def test_choices_leave_pages_out(make: MakeFolder) -> None:
    folder = make(
        [
            page(f"{HOME}/1", "Apple", fetched_at="2026-11-01T12:00:00.000Z"),
            page(f"{HOME}/2", "Apple", fetched_at="2026-11-02T12:00:00.000Z"),
            page(f"{HOME}/3", "Apple", status=404, disposition="failed", reason="status-4xx"),
            page("http://b.example/4", "Apple", fetched_at="2026-11-03T12:00:00.000Z"),
        ]
    )
    assert len(urls(folder, "apple")) == 4
    assert urls(folder, "apple", status="4xx") == ["/3"]
    assert urls(folder, "apple", status="404", site="b.example") == []
    assert urls(folder, "apple", site="b.example") == ["http://b.example/4"]
    assert urls(folder, "apple", site="http://B.example/") == ["http://b.example/4"]
    assert urls(folder, "apple", after="2026-11-02") == ["/2", "http://b.example/4"]
    assert urls(folder, "apple", after="2026-11-02", before="2026-11-03") == ["/2"]
    assert (len(urls(folder, "apple", limit=2)), search_folder(folder, "apple", limit=2).total) == (2, 4)
    for wrong, words in (
        ({"site": "a.exmaple"}, "did you mean a.example"),
        ({"status": "4"}, "404, or 4xx"),
        ({"after": "soon"}, "no date"),
        ({"limit": 0}, "1 to 1,000"),
    ):
        with pytest.raises(ConfigError, match=words):
            search_folder(folder, "apple nowhere", **wrong)


def test_a_page_stands_as_it_was_last_seen(make: MakeFolder) -> None:
    def seen(path: str, visit: int, **values: Any) -> dict[str, object]:
        title = values.pop("title", "Page")
        return page(f"{HOME}{path}", title, visit, fetched_at=f"2026-11-0{visit}T00:00:00.000Z", **values)

    unread = {"status": 304, "disposition": "unchanged", "title": ""}
    gone = {"status": 404, "disposition": "failed", "reason": "status-4xx", "title": "Not found"}
    first = [seen(path, 1, text="apples") for path in ("/changed", "/same", "/gone", "/moved", "/down", "/copy")]
    folder = make(first)
    assert len(urls(folder, "apples")) == 6
    later = [
        seen("/changed", 2, text="pears"),
        seen("/same", 2, **unread),
        seen("/gone", 2, **gone),
        seen("/moved", 2, status=301, disposition="redirected", location=f"{HOME}/new"),
        seen("/down", 2, status=503, disposition="failed", reason="status-5xx"),
        seen("/copy", 2, disposition="duplicate", text="pears", duplicate_of=f"{HOME}/changed"),
        seen("/image", 1, text="apples", requisite=True),
    ]
    folder = make([*first, *later])
    for _ in range(2):  # followed, then made anew in one go
        assert sorted(urls(folder, "apples")) == ["/down", "/same"]
        assert urls(folder, "pears") == ["/changed"]
        assert urls(folder, "page apples", after="2026-11-02") == ["/same"]
        assert urls(folder, '"not found"', status="404") == ["/gone"]
        assert index_folder(folder).pages == 4
        (folder.path / NAME).unlink()


def test_an_index_of_other_records_is_made_anew(make: MakeFolder) -> None:
    assert index_folder(make([page(f"{HOME}/{i}", "Apple") for i in range(3)])).pages == 3
    folder = make([page(f"{HOME}/new{i}", "Pear") for i in range(9)])
    assert (urls(folder, "apple"), len(urls(folder, "pear"))) == ([], 9)


def test_what_is_no_record_is_passed_over(make: MakeFolder) -> None:
    folder = make([page(f"{HOME}/1", "Apple")])
    with (folder.path / "pages.jsonl").open("ab") as file:
        file.write(b'x\n[]\n{"v":1,"url":"https://a.example/2","visit":"x","disposition":"fetched"}\n7\n')
    assert urls(folder, "apple") == ["/1"]


def test_a_damaged_index_says_what_to_do(make: MakeFolder) -> None:
    folder = make([page(f"{HOME}/1", "Apple")])
    (folder.path / NAME).write_bytes(b"no database at all" * 100)
    with pytest.raises(FrontierError, match="remove it"):
        urls(folder, "apple")


def test_a_link_that_was_planted_in_its_place_is_not_followed(make: MakeFolder, tmp_path: Path) -> None:
    folder, other = make([page(f"{HOME}/1", "Apple")]), tmp_path / "precious"
    other.write_bytes(b"")
    (folder.path / NAME).symlink_to(other)
    with pytest.raises(FolderError, match="symbolic link"):
        urls(folder, "apple")
    assert other.read_bytes() == b""


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_searched_all_the_same(make: MakeFolder) -> None:
    folder = make([page(f"{HOME}/1", "Apple")])
    folder.path.chmod(0o500)
    try:
        assert urls(folder, "apple") == ["/1"]
    finally:
        folder.path.chmod(0o700)


def test_a_folder_without_records_or_texts_says_so(tmp_path: Path, make: MakeFolder) -> None:
    with open_folder(tmp_path / "b", Config(sinks=(SinkConfig(kind="warc"),))):
        pass
    with pytest.raises(FolderError, match="no output that can be read back"):
        search_folder(read_folder(tmp_path / "b", Config()), "apple")
    assert not search_folder(make([page(f"{HOME}/1", "Apple")]), "apple").has_texts
