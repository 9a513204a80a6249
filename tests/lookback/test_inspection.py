"""`inspect_folder` counts what is settled; it names what bound a crawl only where the records show it."""

from __future__ import annotations

from crawler import inspect_folder
from crawler.metrics.bounds import Bound
from tests.export.conftest import MakeFolder, page

STAGES = ("queue", "dns", "connect", "ttfb", "download", "parse")


def visit(url: str, second: float, took_ms: float = 10.0, **values: object) -> dict[str, object]:
    """The record of a visit that began `second` seconds after twelve."""
    timings = {**dict.fromkeys(STAGES, 0.0), "ttfb": took_ms}
    minute, rest = divmod(second, 60)
    moment = f"2026-11-01T12:{int(minute):02}:{rest:06.3f}Z"
    return page(url, fetched_at=moment, timings=timings, elapsed_ms=took_ms, depth=1, length=100) | values


def test_duplicates_depths_and_revisits_are_counted(make: MakeFolder) -> None:
    folder = make(
        [
            visit("http://a.test/", 0, depth=0),
            visit("http://a.test/b", 1, disposition="duplicate", reason="duplicate", duplicate_of="http://a.test/"),
            visit("http://a.test/c", 2, disposition="duplicate", reason="duplicate", duplicate_of="http://a.test/"),
            visit("http://a.test/", 3, depth=0, visit=2, disposition="unchanged"),
        ]
    )
    found = inspect_folder(folder)
    assert found.record()["depths"] == [{"depth": 0, "n": 2}, {"depth": 1, "n": 2}]
    assert (found.duplicates, found.revisits, found.report.records) == (2, 1, 4)
    assert [tuple(one) for one in found.originals] == [("http://a.test/", 2, False)]


def test_a_crawl_that_waits_for_one_site_was_bound_by_its_rests(make: MakeFolder) -> None:
    found = inspect_folder(make([visit(f"http://a.test/{n}", n * 1.01) for n in range(50)]))
    assert found.limit is not None
    assert found.limit.bound is Bound.POLITENESS
    assert found.limit.share > 0.9
    assert found.limit.why == "http://a.test rests 1 s after each of 50 requests"


def test_a_crawl_that_waits_for_slow_answers_was_bound_by_its_site(make: MakeFolder) -> None:
    found = inspect_folder(make([visit(f"http://a.test/{n}", n * 6.0, took_ms=5000) for n in range(20)]))
    assert found.limit is not None
    assert found.limit.bound is Bound.PER_SITE


def test_a_crawl_of_many_sites_that_nothing_holds_has_no_bound(make: MakeFolder) -> None:
    assert inspect_folder(make([visit(f"http://{n}.test/", n * 1.0) for n in range(50)])).limit is None


def test_pauses_between_runs_are_no_time_of_the_crawl(make: MakeFolder) -> None:
    found = inspect_folder(
        make([visit("http://a.test/1", 0), visit("http://a.test/2", 5), visit("http://a.test/3", 2000)])
    )
    assert found.active_s == 5.0


def test_a_line_that_is_no_record_is_counted_as_such(make: MakeFolder) -> None:
    folder = make([visit("http://a.test/", 0)])
    with (folder.path / "pages.jsonl").open("ab") as file:
        file.write(b'{"v":1}\nnot json\n')
    found = inspect_folder(folder)
    assert (found.report.records, found.report.unreadable) == (1, 2)


def test_a_folder_without_records_is_inspected_too(make: MakeFolder) -> None:
    found = inspect_folder(make([]))
    assert (found.report.records, found.limit, list(found.depths)) == (0, None, [])


def test_the_first_failure_of_each_parse_function_is_kept(make: MakeFolder) -> None:
    def failed(path: str, function: str, text: str) -> dict[str, object]:
        return visit(f"http://a.test/{path}", 1, reason="parse", trace={"function": function, "text": text})

    found = inspect_folder(
        make([failed("a", "item", "KeyError: 'a'"), failed("b", "item", "x"), failed("c", "other", "y")])
    )
    assert [one._asdict() for one in found.traces] == [
        {"function": "item", "url": "http://a.test/a", "text": "KeyError: 'a'"},
        {"function": "other", "url": "http://a.test/c", "text": "y"},
    ]
