"""The WARC files of several nodes as one set: every response once, with one index, and never fewer than settled."""

from __future__ import annotations

import gzip
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from crawler.testing import link_graph
from tests.backends.stories import Crowd, open_crowd
from tests.postgres import Server, open_server, why_not

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(why_not()), reason=why_not() or "there is a server")]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with open_server() as opened:
        yield opened


@pytest.mark.long
async def test_nodes_one_killed_leave_one_set_of_warc_files(server: Server, tmp_path: Path) -> None:
    web = link_graph(seed=31, sites=8, pages_per_site=12, links_per_page=6)
    async with open_crowd(server, "archived", web, tmp_path) as crowd:
        crowd.options += ["--warc", "--set", "warc.max_file_bytes=65536"]
        first = await crowd.join()
        await crowd.join()
        await crowd.hits(40)
        crowd.send(first, signal.SIGKILL)
        await crowd.join()
        await crowd.end(killed=1)
        await _check_merged(crowd)
        await _check_refusals(crowd)


async def _check_merged(crowd: Crowd) -> None:
    code, said = await crowd.command(
        "merge", "NAME", "--engine", crowd.url, "-o", "pages.jsonl", "--warc", "archive"
    )  # fmt: skip
    assert code == 0, said
    folder = crowd.folder / "archive"
    files = {path.name for path in folder.glob("*.warc.gz")}
    assert len({name.rpartition("-")[2] for name in files}) >= 2, "files of several nodes have names of their own"
    records = [orjson.loads(line) for line in (crowd.folder / "pages.jsonl").read_bytes().splitlines()]
    assert Counter(record["url"] for record in records) == Counter(crowd.served.web.reachable())
    for record in records:
        assert _read(folder, record["warc"]) == ("response", record["url"])
    lines = (folder / "index.cdxj").read_bytes().splitlines()
    assert lines == sorted(lines)
    captures = [orjson.loads(line.split(b" ", 2)[2]) for line in lines]
    places = {(one["filename"], int(one["offset"])) for one in captures}
    assert len(places) == len(captures)
    assert {(record["warc"]["filename"], record["warc"]["offset"]) for record in records} <= places
    pages = Counter(one["url"] for one in captures if "robots.txt" not in one["url"])
    assert pages == Counter(crowd.served.web.reachable()), "every page is in the files once"
    assert f"{len(files)} WARC files" in said, said


def _read(folder: Path, place: dict[str, object]) -> tuple[str, str]:
    """Returns the type and the target of the record at a place, as another reader of WARC files sees it."""
    with (folder / str(place["filename"])).open("rb") as file:
        file.seek(int(str(place["offset"])))
        text = gzip.decompress(file.read(int(str(place["length"]))))
    fields = dict(line.split(b": ", 1) for line in text.split(b"\r\n\r\n")[0].split(b"\r\n")[1:])
    return fields[b"WARC-Type"].decode(), fields[b"WARC-Target-URI"].decode()


async def _check_refusals(crowd: Crowd) -> None:
    """Files that are cut or gone, and a place that is taken: one line each, and nothing is left."""
    merge = ("merge", "NAME", "--engine", crowd.url, "--warc")
    code, said = await crowd.command(*merge, "archive")
    assert (code, "archive is there already" in said) == (2, True), said
    newest = max(crowd.home.glob("*/warc/*.warc.gz"), key=lambda path: path.stat().st_size)
    node, whole = newest.parents[1].name, newest.read_bytes()
    newest.write_bytes(whole[: len(whole) // 2])
    code, said = await crowd.command(*merge, "short")
    assert code == 2, said
    assert newest.name in said or node in said, said
    newest.unlink()
    code, said = await crowd.command(*merge, "short")
    assert (code, f"of the node {node} is not here" in said, "crawl nodes forget" in said) == (2, True, True), said
    assert not list(crowd.folder.glob("short*"))
    newest.write_bytes(whole)
