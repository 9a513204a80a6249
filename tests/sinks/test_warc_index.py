"""The index of a crawl's captures is that of its WARC files, whatever happens to the crawl or to the index."""

from __future__ import annotations

from pathlib import Path

import pytest

import crawler
from crawler import export_folder, read_folder
from crawler.export.cdxj import read_index
from crawler.export.source import read_source
from crawler.protocols import Output
from crawler.sinks.warc.index import SORTED
from crawler.testing import Site, Web, cacheable, chunked, compressed, error, html, open_web, redirect
from crawler.testing.pages import Page
from crawler.testing.wire import Answer
from crawler.warc.cdxj import make_line
from crawler.warc.indexing import index_file
from crawler.warc.journal import JOURNAL
from crawler.warc.unpacking import Window
from tests.sinks.test_warc import archive, output, settled, targets, visited

__all__ = ["output"]

PAGES = {
    "/": cacheable(html("Home", [f"/{n}" for n in range(8)])),
    "/0": compressed(html("A")),
    "/1": html("B"),
    "/2": html("B"),
    "/3": redirect("/1"),
    "/4": error(404),
    "/5": chunked(html("C")),
    "/6": Page(lambda _: Answer(200, (("content-TYPE", " Text/HTML ; x"), ("Content-Type", "b/c")), b"<p>x"), 200),
    "/7": Page(lambda _: Answer(200, (("Content-Type", ""),), b"x"), 200),
}


def walked(folder: Path) -> bytes:
    """The index as it is made of the WARC files."""
    lines = []
    for path in (folder / "warc").glob("*.warc.gz*"):
        with path.open("rb") as file:
            lines += [make_line(one) for one in index_file(Window(file.fileno()), path.name.removesuffix(".open"))]
    return b"".join(sorted(lines))


async def test_what_is_listed_as_it_is_written_is_what_stands_in_the_files(tmp_path: Path) -> None:
    async with open_web(Web([Site("a.test", PAGES)])) as served:
        for _ in range(2):
            await archive(served, tmp_path / "crawl", revisit_after_s=0.0)
    found = read_folder(tmp_path / "crawl", crawler.Config())
    export_folder(found, "cdxj", tmp_path / "a.cdxj")
    index = (tmp_path / "a.cdxj").read_bytes()
    assert index == walked(tmp_path / "crawl") == (tmp_path / "crawl/warc" / SORTED).read_bytes()
    assert read_source(found).stores[0].journal is not None
    assert b"".join(sorted(read_index(read_source(found)))) == index
    assert b'"mime": "warc/revisit", "status": "304"' in index
    assert b'"mime": ""' in index


@pytest.mark.parametrize("lost", ["cut", "gone", "older"])
async def test_a_list_that_was_lost_is_not_trusted_and_nothing_else_is_lost(
    output: Output, tmp_path: Path, lost: str
) -> None:
    journal = tmp_path / "warc" / JOURNAL
    async with output.open(is_synced=False) as sink:
        await sink.rewind(None)
        position = settled(await sink.write(visited(1, 2)))
    if lost == "cut":
        journal.write_bytes(journal.read_bytes()[:-1])
    elif lost == "gone":
        journal.unlink()
    else:
        position = {name: size for name, size in position.items() if name != JOURNAL}
    async with output.open(is_synced=False) as sink:
        await sink.rewind(position)
        position = settled(await sink.write(visited(3)))
    assert targets(tmp_path) == ["1", "2", "3"]
    assert JOURNAL not in position
    assert not (tmp_path / "warc" / SORTED).exists()


async def test_the_list_is_cut_back_with_the_files_and_sorted_when_a_run_ends(output: Output, tmp_path: Path) -> None:
    async with output.open(is_synced=False) as sink:
        await sink.rewind(None)
        kept = settled(await sink.write(visited(2, 1)))
        await sink.write(visited(4))
    assert (tmp_path / "warc" / SORTED).read_bytes() == walked(tmp_path)
    async with output.open(is_synced=False) as sink:
        await sink.rewind(kept)
        await sink.write(visited(3))
    assert (tmp_path / "warc" / SORTED).read_bytes() == walked(tmp_path)
    assert targets(tmp_path) == ["2", "1", "3"]


async def test_a_list_that_a_killed_run_left_unsorted_is_sorted_by_the_next(output: Output, tmp_path: Path) -> None:
    async with output.open(is_synced=False) as sink:
        await sink.rewind(None)
        kept = settled(await sink.write(visited(2, 1)))
    (tmp_path / "warc" / SORTED).unlink()
    async with output.open(is_synced=False) as sink:
        await sink.rewind(kept)
    assert (tmp_path / "warc" / SORTED).read_bytes() == walked(tmp_path)
