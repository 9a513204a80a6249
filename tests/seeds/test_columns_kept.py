"""Lists whose other columns become data of the requests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crawler.errors import SeedError
from crawler.seeds import BadSeed, check, read_requests


def kept(folder: Path, content: str, name: str = "list.csv", column: str | None = None) -> list[tuple[str, str, Any]]:
    """URL, label and data of each request; bad lines by their reason."""
    (folder / name).write_text(content)
    bad = list[BadSeed]()
    found = [
        (one.url.text, one.label, one.data) for one in read_requests([str(folder / name)], bad.append, column=column)
    ]
    return found + [("bad", one.why, one.line) for one in bad]


def test_the_other_columns_of_a_table_are_data_by_their_names(tmp_path: Path) -> None:
    table = 'id,Url,label,,note\n7,https://a.example/,shop,x,"a, b"\n8,b.example,,y\n'
    assert kept(tmp_path, table) == [
        ("https://a.example/", "shop", {"id": "7", "4": "x", "note": "a, b"}),
        ("https://b.example/", "", {"id": "8", "4": "y"}),
    ]


def test_columns_without_a_header_have_numbers_and_equal_names_too(tmp_path: Path) -> None:
    assert kept(tmp_path, "1,a.example\n2,b.example\n") == [
        ("https://a.example/", "", {"1": "1"}), ("https://b.example/", "", {"1": "2"}),
    ]  # fmt: skip
    assert kept(tmp_path, "url;n;n\na.example;1;2\nb.example;3;4;5\n") == [
        ("https://a.example/", "", {"n": "1", "3": "2"}), ("https://b.example/", "", {"n": "3", "3": "4", "4": "5"}),
    ]  # fmt: skip


def test_a_label_that_cannot_be_one_stays_in_the_data(tmp_path: Path) -> None:
    long = "x" * 101
    assert kept(tmp_path, f"url,label\na.example,{long}\nb.example,ok\n") == [
        ("https://a.example/", "", {"label": long}), ("https://b.example/", "ok", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "column", "found"),
    [
        (
            '{"title": "A", "page": {"url": "https://a.example/", "n": 1}, "tags": ["x", null]}\n{"url": "https://b.example/"}\n',
            "page.url",
            [("https://a.example/", "", {"title": "A", "page": {"n": 1}, "tags": ["x", None]})],
        ),
        (
            '{"version": 1, "items": [{"link": "https://a.example/", "label": "l", "n": 1.5}, {"link": "b.example"}]}',
            None,
            [("https://a.example/", "l", {"n": 1.5}), ("https://b.example/", "", None)],
        ),
        (
            '[{"name": "A", "urls": ["https://a.example/", "https://b.example/"]}]',
            "urls",
            [("https://a.example/", "", {"name": "A"}), ("https://b.example/", "", {"name": "A"})],
        ),
        ('["https://a.example/"]', None, [("https://a.example/", "", None)]),
    ],
)  # fmt: skip
def test_the_other_fields_of_a_row_in_json_are_data(
    content: str, column: str | None, found: list[object], tmp_path: Path
) -> None:
    assert kept(tmp_path, content, "list.jsonl", column) == found


def test_lists_without_columns_have_no_data(tmp_path: Path) -> None:
    assert kept(tmp_path, "https://a.example/\nb.example # a comment\n", "urls.txt") == [
        ("https://a.example/", "", None), ("https://b.example/", "", None),
    ]  # fmt: skip


def test_a_row_that_is_too_much_is_reported(tmp_path: Path) -> None:
    rows = f"url,text\na.example,{'x' * 17_000}\nb.example,y\n"
    good, bad = kept(tmp_path, rows)
    assert good == ("https://b.example/", "", {"text": "y"})
    assert bad[2] == 2
    assert "16,384 are allowed" in bad[1]
    check([str(tmp_path / "list.csv")], strict=True)
    with pytest.raises(SeedError, match="16,384"):
        check([str(tmp_path / "list.csv")], strict=True, keep_columns=True)
