"""Records read back: the last that match, wherever blocks begin and whatever is being written."""

from __future__ import annotations

import random
from pathlib import Path

import orjson
import pytest

from crawler.records import ALL, Filter
from crawler.sinks.jsonl import JsonLinesReader
from crawler.sinks.jsonl import reading as room

MOST = 1 << 26
FILTERS = [
    Filter(),
    Filter(status="4xx"),
    Filter(status="404"),
    Filter(reason="timeout"),
    Filter(status="5xx", site="b.test"),
    Filter(status="999"),
]


def record(n: int, chance: random.Random) -> bytes:
    status = chance.choice([200] * 8 + [404, 410, 503])
    url = f"http://{chance.choice('ab')}.test/{n}?{'x' * chance.choice([0, 10, 400])}"
    reason = "timeout" if chance.random() < 0.05 else None
    return orjson.dumps({"url": url, "status": status, "reason": reason, "n": n}) + b"\n"


@pytest.mark.parametrize("wanted", FILTERS, ids=str)
@pytest.mark.parametrize("block", [16, 100, 1 << 12, 1 << 18])
def test_the_filter_comes_first_and_the_cut_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: Filter, block: int
) -> None:
    monkeypatch.setattr(room, "BLOCK", block)
    chance, path = random.Random(block), tmp_path / "pages.jsonl"
    records = [record(n, chance) for n in range(300)]
    path.write_bytes(b"".join(records) + b'{"status":404')
    reader = JsonLinesReader(path)
    matching = [line for line in records if wanted.wants(orjson.loads(line))]
    for n in (0, 1, 2, 7, 100, 1000):
        stretch = reader.read(reader.start_of_last(n, wanted, MOST), 1000, wanted, MOST)
        assert stretch.lines == (matching[-n:] if n else [])
        assert stretch.is_last
        assert stretch.end == sum(map(len, records)), "what is being written comes next time"


def test_what_is_not_there_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "pages.jsonl"
    reader = JsonLinesReader(path)
    assert reader.start_of_last(5, ALL, MOST) == 0
    path.touch()
    assert reader.start_of_last(5, ALL, MOST) == 0
    path.write_bytes(b'{"status":')
    assert reader.start_of_last(5, ALL, MOST) == 0


def test_no_more_is_looked_at_than_is_bounded(tmp_path: Path) -> None:
    """A long line at the bound is left out, not cut."""
    path = tmp_path / "pages.jsonl"
    lines = [orjson.dumps({"status": 404, "n": n, "text": "x" * 300}) + b"\n" for n in range(20)]
    path.write_bytes(b"".join(lines))
    reader = JsonLinesReader(path)
    start = reader.start_of_last(100, Filter(status="404"), 1000)
    assert path.read_bytes()[start:] == b"".join(lines[-3:])
    assert reader.start_of_last(100, Filter(status="500"), 1000) == path.stat().st_size
