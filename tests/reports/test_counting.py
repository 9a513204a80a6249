"""Reports are counted from records: each once, in bounded memory, never from records that are gone."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from crawler.records import ALL
from crawler.reports import NAME, Count, Report, keep, recall
from crawler.reports.durations import Durations, bucket_of
from crawler.reports.groups import Groups
from crawler.reports.tally import MOST_SITES, SiteSum
from crawler.sinks.jsonl import JsonLinesReader
from crawler.sinks.record import FIELDS


def line(n: int, **fields: Any) -> bytes:
    """The record of a page, with all fields that every record has."""
    stages = dict.fromkeys(("queue", "dns", "connect", "ttfb", "download", "parse"), 0.0)
    record = {
        "v": 1,
        "url": f"https://a.test/{n}",
        "status": 200,
        "disposition": "fetched",
        "timings": {**stages, "queue": 5000.0, "ttfb": 10.0 * n, "parse": 9.0},
        "fetched_at": f"2026-11-30T10:00:{n % 60:02}.000Z",
        "content_type": "Text/HTML; charset=utf-8",
        "length": 100 * n,
    }
    return orjson.dumps({**dict.fromkeys(FIELDS), **record, **fields}) + b"\n"


def failed(n: int, reason: str, detail: str = "", **fields: Any) -> bytes:
    nothing = dict.fromkeys(("status", "timings", "content_type", "length"))
    return line(n, disposition="failed", reason=reason, detail=detail or None, **{**nothing, **fields})


def write(folder: Path, *lines: bytes) -> JsonLinesReader:
    with open(folder / "pages.jsonl", "ab") as file:
        file.writelines(lines)
    return JsonLinesReader(folder / "pages.jsonl")


def count_all(count: Count, reader: JsonLinesReader) -> Report:
    while count.add_part(reader):
        pass
    return count.report(count.share(reader))


def figures(report: Report) -> Mapping[str, object]:
    """All that is counted, without when."""
    return {name: getattr(report, name) for name in Report.__slots__ if name != "counted_at"}


def test_a_report_tells_status_type_site_times_and_errors(tmp_path: Path) -> None:
    reader = write(
        tmp_path,
        *(line(n) for n in range(1, 41)),
        failed(41, "dns", "no such name", url="https://b.test/x"),
        failed(42, "dns", "no such name", url="https://b.test/y"),
        failed(43, "status-4xx", "HTTP 404", status=404, content_type="image/png", length=None),
        line(44, disposition="excluded", reason="robots", status=None, timings=None, content_type=None, length=None),
        line(45, disposition="redirected", status=301, content_type=None, length=None),
    )
    told = count_all(Count("x"), reader)
    assert (told.records, told.unreadable, told.bytes, told.share, told.is_whole) == (45, 0, 82_000, 1.0, True)
    assert (told.first_at, told.last_at) == ("2026-11-30T10:00:01.000Z", "2026-11-30T10:00:45.000Z")
    assert {tuple(one) for one in told.outcomes} == {
        ("fetched", None, 40), ("failed", "dns", 2), ("failed", "status-4xx", 1),
        ("excluded", "robots", 1), ("redirected", None, 1),
    }  # fmt: skip
    assert [tuple(one) for one in told.statuses] == [(200, 40), (404, 1), (301, 1)]
    types = [("text/html", 40, 82_000, False), ("image/png", 1, 0, False), ("", 1, 0, False)]
    assert [tuple(one) for one in told.types] == types
    a, b = told.sites
    assert (a.site, a.n, a.pages, a.bytes, a.failed) == ("https://a.test", 43, 40, 82_000, 1)
    assert (b.site, b.n, b.pages, b.failed, b.mean_ms) == ("https://b.test", 2, 0, 2, 0.0)
    assert told.other_sites.n == 0
    assert told.times.n == 41  # of what answered; neither the wait for a turn nor parsing is the site's
    assert told.times.mean_ms == pytest.approx((sum(range(10, 401, 10)) + 450) / 41, abs=0.1)
    assert told.times.p50_ms == pytest.approx(210, rel=0.06)
    assert told.times.p95_ms == pytest.approx(390, rel=0.06)
    assert [(one.url[-2:], one.figure) for one in told.slowest[:2]] == [("45", 450.0), ("40", 400.0)]
    assert [(one.url[-2:], one.figure, one.type) for one in told.largest[:1]] == [("40", 4000.0, "text/html")]
    assert (len(told.slowest), len(told.largest)) == (20, 20)
    assert [tuple(one) for one in told.errors] == [
        ("dns", "no such name", 2, "https://b.test/x", False), ("status-4xx", "HTTP 404", 1, "https://a.test/43", False)
    ]  # fmt: skip


def test_counting_goes_on_where_it_was_also_from_the_kept_file(tmp_path: Path) -> None:
    reader = write(tmp_path, *(line(n) for n in range(1, 3000)))
    count = recall(tmp_path, "x", reader)
    count_all(count, reader)
    keep(tmp_path, count.dump())
    write(tmp_path, failed(3000, "timeout"), *(line(n) for n in range(3001, 3100)))
    kept = recall(tmp_path, "x", reader)
    assert kept.end == count.end > 0
    assert figures(count_all(kept, reader)) == figures(count_all(Count("x"), reader))
    assert kept.dump() == Count.load(kept.dump(), "x").dump()  # type: ignore[union-attr]
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600


def cut_back(path: Path) -> None:
    """After `kill -9` the last records are gone, and others come."""
    path.write_bytes(path.read_bytes()[: -5 * len(line(2999))] + b"".join(line(n, status=503) for n in range(50)))


def start_over(path: Path) -> None:
    path.write_bytes(line(1))


def mend(path: Path) -> None:
    """A damaged record is taken out."""
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[7:]))


def empty(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("change", [cut_back, start_over, mend, empty])
def test_records_that_are_gone_are_in_no_report(tmp_path: Path, change: Any) -> None:
    reader = write(tmp_path, *(line(n) for n in range(1, 3000)))
    count = Count("x")
    count_all(count, reader)
    keep(tmp_path, count.dump())
    assert count.still_holds(reader)
    change(tmp_path / "pages.jsonl")
    assert not count.still_holds(reader)
    assert recall(tmp_path, "x", reader).end == 0
    assert figures(count_all(recall(tmp_path, "x", reader), reader)) == figures(count_all(Count("x"), reader))


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[]", b"null", b'{"layout":0}', b'{"layout":1,"output":"x"}', b'{"layout":1,"output":"x","end":"a"}'],
    ids=["empty", "half", "list", "null", "older", "bare", "words"],
)
def test_a_kept_file_that_is_damaged_or_of_another_layout_is_not_believed(tmp_path: Path, text: bytes) -> None:
    reader = write(tmp_path, *(line(n) for n in range(1, 9)))
    (tmp_path / NAME).write_bytes(text)
    assert recall(tmp_path, "x", reader).end == 0


def test_a_kept_file_whose_figures_are_of_the_wrong_kind_is_not_believed(tmp_path: Path) -> None:
    reader = write(tmp_path, *(line(n) for n in range(1, 9)), failed(9, "dns"))
    count = Count("x")
    count_all(count, reader)
    whole = orjson.loads(count.dump())
    for name in whole["tally"]:
        for wrong in (None, "a", [1], {"a": "b"}):
            text = orjson.dumps({**whole, "tally": {**whole["tally"], name: wrong}})
            found = Count.load(text, "x")
            assert found is None or name in ("first_at", "last_at"), (name, wrong)
    assert Count.load(count.dump(), "another output") is None


def test_the_kept_file_is_never_read_through_a_link(tmp_path: Path) -> None:
    reader = write(tmp_path, *(line(n) for n in range(1, 9)))
    count = Count("x")
    count_all(count, reader)
    (tmp_path / "elsewhere").write_bytes(count.dump())
    (tmp_path / NAME).symlink_to(tmp_path / "elsewhere")
    assert recall(tmp_path, "x", reader).end == 0


def test_fields_on_request_are_left_out_before_a_long_record_is_read(tmp_path: Path) -> None:
    heavy = {
        "text": 'quoted ","robots":"no' * 1000,
        "links": ["https://c.test/"] * 900,
        "data": {"url": "https://z.test/"},
    }
    title = 'says ","robots":null and \\ more'
    reader = write(tmp_path, line(7, title=title, robots='no"index', **heavy), line(8, **heavy), line(9, **heavy)[:-2])
    told = count_all(Count("x"), reader)
    assert (told.records, told.unreadable, told.bytes) == (2, 0, 1500)


def test_lines_that_are_no_records_are_counted_apart(tmp_path: Path) -> None:
    odd = [b"\n", b"{}\n", b"[1]\n", b"null\n", b'"x"\n', b"{not json}\n", line(1, url="nonsense"), line(2, timings={})]
    told = count_all(Count("x"), write(tmp_path, line(3), *odd, line(4)))
    assert (told.records, told.unreadable) == (2, len(odd))


def test_many_sites_take_bounded_memory_and_every_record_is_in_a_sum(tmp_path: Path) -> None:
    chosen = random.Random(7)
    sites = [f"https://s{chosen.randrange(6000)}.test/" for _ in range(12_000)]
    lines = [line(3, url="https://large.test/" if n % 20 == 0 else site) for n, site in enumerate(sites)]
    count = Count("x")
    told = count_all(count, write(tmp_path, *lines))
    assert len(count.tally.sites.kept) <= 2 * MOST_SITES
    assert len(told.sites) == MOST_SITES
    assert sum(one.n for one in told.sites) + told.other_sites.n == told.records == 12_000
    assert sum(one.bytes for one in told.sites) + told.other_sites.bytes == told.bytes
    assert (told.sites[0].site, told.sites[0].n, told.sites[0].is_at_least) == ("https://large.test", 600, False)
    assert any(one.is_at_least for one in told.sites)
    few = count.report(1.0, most_sites=1)
    assert (len(few.sites), few.other_sites.n) == (1, 11_400)


def test_a_large_group_that_comes_late_is_kept_and_says_that_it_may_be_larger() -> None:
    groups = Groups(10, SiteSum)
    for n in range(1000):
        groups.at(str(n)).n += 1
    for _ in range(50):
        groups.at("late").n += 1
        groups.at(f"other {_}").n += 1
    name, one = groups.largest()[0]
    assert (name, one.n, one.is_at_least) == ("late", 50, True)
    assert sum(one.n for _, one in groups) + groups.others.n == 1100


def test_percentiles_are_off_by_a_twentieth_at_most() -> None:
    chosen, times = random.Random(3), Durations()
    drawn = sorted(chosen.lognormvariate(5, 1.5) for _ in range(5000))
    for ms in drawn:
        times.add(ms, bucket_of(ms))
    for share in (0.01, 0.5, 0.95, 0.99):
        assert times.percentile_ms(share) == pytest.approx(drawn[int(share * 5000) - 1], rel=0.05)
    assert Durations().percentile_ms(0.95) == Durations().mean_ms == 0.0
    assert Durations.from_json(times.to_json()).percentile_ms(0.5) == times.percentile_ms(0.5)


def test_the_reader_gives_a_part_again_as_it_was(tmp_path: Path) -> None:
    """The check of the last part rests on it, whatever was written behind that part since."""
    reader = write(tmp_path, *(line(n) for n in range(1, 100)))
    lines, end, _ = reader.read(0, 2000, ALL, 1 << 20)
    write(tmp_path, *(line(n) for n in range(1, 100)))
    assert reader.read(0, len(lines), ALL, 1 << 20)[:2] == (lines, end)
