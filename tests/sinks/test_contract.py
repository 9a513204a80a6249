"""What every sink and every output promises, whatever its format; typed to the doors and run over every kind."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import orjson
import pytest

from crawler import Config
from crawler.cli.output import StandardOutput
from crawler.model import Disposition, Lease, Outcome, Page, Reason, Request, Url
from crawler.protocols import Output, Sink
from crawler.records import ALL, Filter
from crawler.settings import BUILT_IN_SINKS
from crawler.settings.loading import amend
from crawler.sinks import SINKS, JsonLines, SkipStored, Stream, Wants, make_outputs

FORMATS: dict[str, dict[str, Any]] = {
    "jsonl": {"kind": "jsonl", "path": "mine.jsonl", "links": True},
    "csv": {"kind": "csv", "path": "mine.csv", "fields": ["url", "title", "links"]},
    "tsv": {"kind": "tsv", "path": "mine.tsv", "options": {"columns": ["url", "disposition"]}},
}
KEY = b"k" * 16


def visited(*numbers: int) -> list[Outcome]:
    """Outcomes of some URLs, every third of which failed."""
    return [
        Outcome(Lease(Request(Url(f"http://a.test/{n}")), n), Disposition.FAILED, Reason.DNS, "no such host")
        if n % 3 == 0
        else Outcome(
            Lease(Request(Url(f"http://a.test/{n}")), n),
            Disposition.FETCHED,
            page=Page(b"\1" * 32, 4, "html", links_json=b'["http://a.test/x"]', n_links=1),
            visited_at=1_760_000_000.0 + n,
        )
        for n in numbers
    ]


@pytest.fixture(params=FORMATS)
def output(request: pytest.FixtureRequest, tmp_path: Path, tsv: Path) -> Output:
    (made,) = make_outputs(tmp_path, amend(Config(), {"sinks": [FORMATS[request.param]]}))
    return made


def test_every_format_of_ours_keeps_the_contract() -> None:
    assert set(SINKS.built_in) <= {*FORMATS, "warc", "files", "sqlite", "postgres", "webhook", "parquet"}, (
        "tests of their own say the same of these"
    )
    assert set(SINKS.built_in) == BUILT_IN_SINKS, "those that settings and daemons know"


def content(folder: Path, output: Output) -> bytes:
    return b"".join((folder / name).read_bytes() for name in output.files if (folder / name).exists())


async def written(output: Output, *batches: Sequence[Outcome]) -> list[Any]:
    async with output.open(is_synced=False) as sink:
        await sink.rewind(None)
        return [await sink.write(batch) for batch in batches]


# -- outputs -----------------------------------------------------------------------------------------------------------


async def test_making_an_output_touches_nothing_and_it_makes_no_files_but_those_it_names(
    output: Output, tmp_path: Path
) -> None:
    assert os.listdir(tmp_path) == []
    assert all((output.name, output.place))
    if output.reader:
        assert output.reader.end() == 0
        assert output.reader.read(0, 10, ALL, 1 << 20) == ([], 0, True)
    await written(output, visited(1))
    assert set(os.listdir(tmp_path)) <= {*output.files, *output.drafts}
    assert content(tmp_path, output)


@pytest.mark.parametrize("is_synced", [False, True])
async def test_it_is_cut_back_to_a_position_and_goes_on_from_there(
    output: Output, tmp_path: Path, is_synced: bool
) -> None:
    async with output.open(is_synced=is_synced) as sink:
        assert sink.name == output.name
        await sink.rewind(None)
        await sink.write(visited(1, 2))
        settled = orjson.loads(orjson.dumps(await sink.write(visited(3))))  # the frontier keeps it as JSON
        kept = content(tmp_path, output)
        await sink.write(visited(4))
    async with output.open(is_synced=is_synced) as sink:
        await sink.rewind(settled)
        assert content(tmp_path, output) == kept
        again = await sink.write(visited(5))
    whole = content(tmp_path, output)
    assert whole.startswith(kept)
    assert [number in whole for number in (b"/4", b"/5")] == [False, True]
    async with output.open(is_synced=is_synced) as sink:
        await sink.rewind(again)
        assert content(tmp_path, output) == whole
        await sink.rewind(None)
    assert not content(tmp_path, output)


async def test_its_reader_gives_back_what_was_written_in_parts_and_by_filter(output: Output) -> None:
    if output.reader is None:
        pytest.skip("this format cannot be read back")
    reader = output.reader
    positions = await written(output, visited(*range(1, 6)), visited(*range(6, 11)))
    found, place, parts = [], 0, 0
    while parts < 99:
        lines, place, is_last = reader.read(place, 3, ALL, 1 << 20)
        found += [orjson.loads(line)["url"] for line in lines]
        parts += 1
        if is_last:
            break
    assert found == [f"http://a.test/{n}" for n in range(1, 11)]
    assert place == reader.end() == reader.end(positions[-1])
    half = reader.end(positions[0])
    assert [orjson.loads(line)["url"][-1] for line in reader.read(half, 9, ALL, 1 << 20).lines] == list("67890")
    failed = Filter(disposition="failed")
    assert [orjson.loads(line)["url"][-1] for line in reader.read(0, 9, failed, 1 << 20).lines] == list("369")
    last = reader.start_of_last(2, failed, 1 << 20)
    assert [orjson.loads(line)["url"][-1] for line in reader.read(last, 9, failed, 1 << 20).lines] == list("69")
    assert reader.read(0, 9, Filter(site="b.test"), 1 << 20).lines == []


async def test_its_reader_finds_the_records_with_links(output: Output) -> None:
    if output.reader is None:
        pytest.skip("this format cannot be read back")
    reader = output.reader
    positions = await written(output, visited(1, 2, 3), visited(4))
    linked = list(reader.find_links(0, reader.end(positions[0])))
    assert [url for _, url, _ in linked] == ["http://a.test/1", "http://a.test/2"]
    for place, url, _ in linked:
        (line,) = reader.read(place, 1, ALL, 1).lines
        assert orjson.loads(line)["url"] == url
    assert [url for _, url, _ in reader.find_links(linked[1][2], reader.end())] == ["http://a.test/4"]


async def test_its_mender_keeps_the_whole_records_and_no_others(output: Output, tmp_path: Path) -> None:
    if output.mender is None:
        pytest.skip("this format cannot be mended")
    mender = output.mender
    (position,) = await written(output, visited(1, 2, 3, 4))
    whole = content(tmp_path, output)
    assert [mender.is_whole(position, is_thorough=each) for each in (False, True)] == [True, True]
    all_of_it = mender.find_survivors(position, KEY)
    assert int((all_of_it.ends - all_of_it.starts).sum()) == all_of_it.total
    (file,) = output.files
    (tmp_path / file).write_bytes(whole[:-10])
    assert not mender.is_whole(position, is_thorough=False)
    found = mender.find_survivors(position, KEY)
    assert found.visits.tolist() == [1, 1, 1]
    assert found.fingerprints.tolist() == all_of_it.fingerprints.tolist()[:3]
    kept = mender.keep(found.starts[1:], found.ends[1:])
    assert mender.is_whole(kept, is_thorough=True)
    assert [record["url"][-1] for record in mender.records(kept)] == ["2", "3"]
    assert set(os.listdir(tmp_path)) <= {*output.files, *output.drafts}


# -- sinks, those of outputs and those that are none -------------------------------------------------------------------


@asynccontextmanager
async def open_stream(folder: Path) -> AsyncIterator[Sink]:
    send, receive = anyio.create_memory_object_stream[Outcome](100)
    async with send, receive:
        yield Stream(send)


@asynccontextmanager
async def open_stdout(folder: Path) -> AsyncIterator[Sink]:
    yield StandardOutput(Wants())


@asynccontextmanager
async def open_owing(folder: Path) -> AsyncIterator[Sink]:
    yield SkipStored(JsonLines(folder / "owing.jsonl"), [])


def open_output(kind: str, folder: Path) -> AbstractAsyncContextManager[Sink]:
    (output,) = make_outputs(folder, amend(Config(), {"sinks": [FORMATS.get(kind, {"kind": kind})]}))
    return output.open(is_synced=False)


@pytest.mark.parametrize("kind", ["jsonl", "csv", "sqlite", "tsv", "stream", "stdout", "owing"])
async def test_every_sink_has_one_name_and_positions_that_never_go_back(
    tmp_path: Path, tsv: Path, kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    openers = {"stream": open_stream, "stdout": open_stdout, "owing": open_owing}
    opening = openers[kind](tmp_path) if kind in openers else open_output(kind, tmp_path)
    async with opening as sink:
        name = sink.name
        await sink.rewind(None)
        positions = [await sink.write(visited(n, n + 1)) for n in (1, 3, 5)]
        assert sink.name == name
    assert all(type(count) is int and isinstance(key, str) for one in positions for key, count in one.items())
    assert sorted(positions, key=lambda one: [*one.values()]) == positions
    assert len({tuple(one) for one in positions}) == 1
