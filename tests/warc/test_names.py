"""The names of WARC files, and finding them."""

from __future__ import annotations

from pathlib import Path

from crawler.warc.names import OPEN, WarcFile, find_files, make_name, read_name

CRAWL = "0123456789abcdef"


def test_a_name_says_prefix_second_serial_and_crawl() -> None:
    name = make_name("crawl-of-x", 1796046604.9, 7, CRAWL)
    assert name == "crawl-of-x-20261130135004-00007-01234567.warc.gz"
    assert read_name(name) == WarcFile(name, 7, "01234567", is_open=False)
    opened = read_name(f"{name}{OPEN}")
    assert opened == WarcFile(name, 7, "01234567", is_open=True)
    assert opened.present_name == f"{name}{OPEN}"


def test_names_of_others_are_none_of_ours() -> None:
    for name in ("x.warc.gz", "crawl-2026-00007-01234567.warc.gz", "crawl-20261130135004-00007-0123456z.warc.gz", ""):
        assert read_name(name) is None


def test_files_are_found_in_the_order_in_which_they_were_written(tmp_path: Path) -> None:
    names = [make_name("crawl", 1796046604.0 - n, n, CRAWL) for n in (2, 100_000, 0)]
    other = make_name("crawl", 1796046604.0, 1, "fedcba9876543210")
    for name in [*names[:2], f"{names[2]}{OPEN}", other, "notes.txt"]:
        (tmp_path / name).touch()
    assert [one.serial for one in find_files(tmp_path, CRAWL)] == [0, 2, 100_000]
    assert [one.is_open for one in find_files(tmp_path, CRAWL)] == [True, False, False]
    assert {one.name for one in find_files(tmp_path)} == {*names, other}
    assert find_files(tmp_path / "none") == []
