"""The format `parquet` is the table of docs/records.md: every field with its type, every settled record once."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler import ConfigError, Folder, export_folder
from crawler.analytics import TYPES
from crawler.export.source import read_source
from crawler.export.wanted import Wanted
from crawler.sinks.record import BEYOND, EXTRA, FIELDS, HEAVY

from .conftest import MakeFolder, page

duckdb = pytest.importorskip("duckdb", reason="the extra `analytics` is not installed")
from crawler.export.parquet import write_parquet  # noqa: E402

RECORDS = Path(__file__).parents[2] / "docs/records.md"


def read(path: Path, columns: str = "*") -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = duckdb.sql(f"select {columns} from '{path}'").fetchall()
    return rows


def export(folder: Folder, tmp_path: Path, *fields: str) -> Path:
    path = tmp_path / "pages.parquet"
    export_folder(folder, "parquet", path, fields=fields)
    return path


def test_every_field_has_a_type_and_the_documents_know_the_same_fields() -> None:
    assert tuple(TYPES) == (*FIELDS, *HEAVY, *EXTRA, *BEYOND)
    fields = RECORDS.read_text().partition("\n## Fields\n")[2].partition("\nHeavy fields")[0]
    documented = re.findall(r"^\| `(\w+)` \| (number|text|object) \|", fields, re.MULTILINE)
    kinds = {"number": {"INTEGER", "BIGINT", "DOUBLE"}, "text": {"VARCHAR", "TIMESTAMP WITH TIME ZONE"}}
    assert len(documented) == len(FIELDS)
    for name, kind in documented:
        assert TYPES[name] in kinds[kind] if kind in kinds else TYPES[name].startswith("STRUCT"), name


@pytest.mark.slow
def test_values_keep_their_types_and_records_their_order(make: MakeFolder, tmp_path: Path) -> None:
    links = ["http://a.test/b", "http://a.test/c"]
    first = page("http://a.test/", 'a\x00"\n=1', links=links, data={"a/b": [1, {"c": None}]}, length=1 << 40)
    first |= {"headers": [["Vary", "x"]], "warc": {"filename": "x.warc.gz", "offset": 7, "length": 9}, "extra_hop": 1}
    folder = make([first, *({"url": f"http://a.test/{n}"} for n in range(50_000))])
    path = export(folder, tmp_path)
    assert [url for (url,) in read(path, "url")] == ["http://a.test/", *(f"http://a.test/{n}" for n in range(50_000))]
    columns = "title, links, data, length, headers, warc, extra_hop, fetched_at, timings.queue, timings.ttfb"
    assert read(path, columns)[0] == (
        'a\x00"\n=1', links, '{"a/b":[1,{"c":null}]}', 1 << 40, [["Vary", "x"]],
        {"filename": "x.warc.gz", "offset": 7, "length": 9}, 1,
        datetime(2026, 11, 1, 12, 0, 0, 123000, UTC), 1.5, None,
    )  # fmt: skip
    described = duckdb.sql(f"describe select * from '{path}'").fetchall()
    assert {name: kind for name, kind, *_ in described} == {
        name: kind.replace('"length"', "length").replace(" connect ", ' "connect" ') for name, kind in TYPES.items()
    }


def test_chosen_fields_are_the_columns(make: MakeFolder, tmp_path: Path) -> None:
    folder = make([page("http://a.test/", data={"it's/~": {'"x"': 5}}), page("http://a.test/b")])
    path = export(folder, tmp_path, "timings.queue", "url", 'data.it\'s/~."x"', "data")
    assert duckdb.sql(f"select * from '{path}'").columns == ["timings.queue", "url", 'data.it\'s/~."x"', "data"]
    assert read(path) == [
        (1.5, "http://a.test/", "5", '{"it\'s/~":{"\\"x\\"":5}}'),
        (1.5, "http://a.test/b", None, None),
    ]


@pytest.mark.parametrize("more", [b'{"v":1,"url":"http://a.test/unsettled"}\n', b'{"v":1,"url":"http://a.te', b"\0\0"])
def test_what_a_crawl_has_not_settled_is_left_out(make: MakeFolder, tmp_path: Path, more: bytes) -> None:
    folder = make([page(f"http://a.test/{n}") for n in range(3000)])
    source = read_source(folder)
    with (folder.path / "pages.jsonl").open("ab") as file:
        file.write(more)
    with (tmp_path / "some.parquet").open("wb") as file:
        write_parquet(source, Wanted(tmp_path), file)
    assert [url for (url,) in read(tmp_path / "some.parquet", "url")] == [f"http://a.test/{n}" for n in range(3000)]


def test_records_of_a_format_that_is_not_ours_are_exported_too(make: MakeFolder, tmp_path: Path) -> None:
    source = replace(read_source(make([page("http://a.test/"), page("http://a.test/b")])), file=None)
    with (tmp_path / "some.parquet").open("wb") as file:
        write_parquet(source, Wanted(tmp_path), file)
    assert read(tmp_path / "some.parquet", "url") == [("http://a.test/",), ("http://a.test/b",)]


@pytest.mark.slow
def test_a_record_may_be_larger_than_records_are(make: MakeFolder, tmp_path: Path) -> None:
    text = "word " * 9_000_000
    path = export(make([page("http://a.test/"), page("http://a.test/b", text=text)]), tmp_path)
    assert read(path, "url, length(text)") == [("http://a.test/", None), ("http://a.test/b", len(text))]


def test_an_empty_crawl_is_an_empty_table(make: MakeFolder, tmp_path: Path) -> None:
    assert read(export(make([]), tmp_path)) == []


def test_a_full_disk_is_told_in_one_line(make: MakeFolder) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(OSError, match="No space left"), full.open("wb", buffering=0) as file:
        write_parquet(read_source(make([page("http://a.test/")])), Wanted(Path("/tmp")), file)


def test_without_duckdb_one_line_says_what_to_install(
    make: MakeFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(ConfigError, match=r"^-f parquet needs DuckDB: pip install 'crawld\[analytics\]'$"):
        export(make([page("http://a.test/")]), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.crawl"]


@pytest.mark.slow
def test_a_kill_leaves_no_table(make: MakeFolder, tmp_path: Path) -> None:
    folder = make([page(f"http://a.test/{n}", "word " * 40) for n in range(20_000)])
    program = f"""
import os, signal
from pathlib import Path
from crawler import Config, export_folder, read_folder

def tell(done, total):
    if done:
        os.kill(os.getpid(), signal.SIGKILL)

export_folder(read_folder(Path({str(folder.path)!r}), Config()), "parquet", Path("a.parquet"), tell=tell)
"""
    ran = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=False)
    assert ran.returncode == -signal.SIGKILL
    assert {path.name for path in tmp_path.iterdir()} == {"a.crawl", "a.parquet.new"}
    export_folder(folder, "parquet", tmp_path / "a.parquet", fields=["url"])
    assert len(read(tmp_path / "a.parquet")) == 20_000
