"""Tables of records open in a spreadsheet and do nothing there."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from crawler import ConfigError, export_folder
from crawler.sinks.columns import COLUMNS, check_fields
from crawler.sinks.record import FIELDS
from tests.export.conftest import MakeFolder, export, page, read_lines

EVIL = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    " =1+1",
    "\t=1+1",
    "\n=1+1",
    "\r=1",
    "\uff1d1+1",
    "\xa0=1",
    "=cmd|' /C calc'!A0",
    '"=1"',
    "a,b",
    'a"b',
    "a\tb",
    "a\\tb",
    "\x1b[2J",
    "\u202eevil",
    "ü",
    "",
    "line\nline",
    "\u2028=1",
]


def _rows(text: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.decode(), newline="")))


def test_a_table_has_a_column_for_each_field_and_each_part_of_a_nested_one(make: MakeFolder) -> None:
    folder = make([page("http://a.example/", "A"), page("http://a.example/b", n_links=3, truncated=None)])
    names, first, second = _rows(export(folder, "csv"))
    assert tuple(names) == COLUMNS
    assert {name.partition(".")[0] for name in names} == set(FIELDS)
    row = dict(zip(names, first, strict=True))
    assert (row["url"], row["status"], row["title"], row["timings.queue"], row["reason"]) == (
        "http://a.example/", "200", "A", "1.5", "",
    )  # fmt: skip
    assert dict(zip(names, second, strict=True))["n_links"] == "3"


@pytest.mark.parametrize("text", EVIL, ids=ascii)
def test_no_cell_is_a_formula_or_acts_on_a_terminal(make: MakeFolder, text: str) -> None:
    folder = make([page("http://a.example/", text), page("http://a.example/2", "fine")])
    _, [cell], [after] = _rows(export(folder, "csv", ("title",)))
    tabbed = export(folder, "tsv", ("title", "url")).decode().split("\n")
    for one in (cell, tabbed[1].split("\t")[0]):
        assert not one.lstrip().startswith(("=", "+", "-", "@", "\uff1d"))
        assert "\x1b" not in one
        assert "\u202e" not in one
    assert (after, len(tabbed), tabbed[1].count("\t")) == ("fine", 4, 1)


def test_text_that_is_harmless_stays_as_it_is(make: MakeFolder) -> None:
    for text in ("a,b", 'a "b"', "ü €", "a\nb", "1 - 2", "a=b", "'quoted'", "日本"):
        _, [cell] = _rows(export(make([page("http://a.example/", text)]), "csv", ("title",)))
        assert cell == text


def test_lists_and_objects_of_programs_are_json_in_one_cell(make: MakeFolder) -> None:
    links, data = ["http://a.example/b"], {"price": {"eur": 3}, "names": ["=x"]}
    folder = make([page("http://a.example/", links=links, data=data), page("http://a.example/2")])
    _, first, second = _rows(export(folder, "csv", ("links", "data", "data.price.eur", "data.names")))
    assert first == ['["http://a.example/b"]', '{"price":{"eur":3},"names":["=x"]}', "3", '["=x"]']
    assert second == ["", "", "", ""]


def test_fields_are_chosen_for_lines_of_json_too(make: MakeFolder) -> None:
    folder = make([page("http://a.example/", "A", length=0)])
    assert read_lines(export(folder, "jsonl", ("title", "timings.dns", "length", "reason"))) == [
        {"title": "A", "timings.dns": 0.0, "length": 0, "reason": None}
    ]
    assert export(folder, "jsonl") == (folder.path / "pages.jsonl").read_bytes()


def test_an_unknown_field_or_format_is_told_with_the_nearest_one(make: MakeFolder, tmp_path: Path) -> None:
    folder, out = make([page("http://a.example/")]), tmp_path / "out"
    assert check_fields(["url", " status ", "url", "", "timings.dns", "data.x.y"]) == (
        "url", "status", "timings.dns", "data.x.y",
    )  # fmt: skip
    with pytest.raises(ConfigError, match=r"no record has a field 'timing\.dns'; did you mean timings"):
        export_folder(folder, "csv", out, fields=["timing.dns"])
    with pytest.raises(ConfigError, match="'cvs' is no format; did you mean csv"):
        export_folder(folder, "cvs", out)
    with pytest.raises(ConfigError, match="the format wacz has none"):
        export_folder(folder, "wacz", out, fields=["url"])
    assert not list(tmp_path.glob("out*"))


def test_memory_stays_the_same_however_many_records_there_are(make: MakeFolder, tmp_path: Path) -> None:
    import tracemalloc

    peaks = []
    for n in (10_000, 30_000):
        folder = make([page("http://a.example/", "A")])
        path = folder.path / "pages.jsonl"
        path.write_bytes(path.read_bytes() * n)
        tracemalloc.start()
        export_folder(folder, "jsonl", tmp_path / "out.jsonl")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.2
