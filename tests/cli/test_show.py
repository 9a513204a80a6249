"""The words: harmless, complete, and with the next step in them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from crawler.cli import show
from crawler.cli.exit_codes import Exit, exit_code
from crawler.cli.summary import continue_command, summary_lines
from crawler.cli.values import share
from crawler.folder.folder import Folder, open_folder
from crawler.metrics.bounds import ADVICE, Bound
from crawler.metrics.metrics import Ending, Snapshot, Summary
from crawler.metrics.troubles import Blocked, Failures, Hindrance
from crawler.model import Disposition, Reason
from crawler.settings.loading import amend, load
from crawler.standing import Counts, SiteView, Trap

FETCHED, FAILED = Disposition.FETCHED, Disposition.FAILED

SUMMARY = Summary(
    ended=Ending.EXHAUSTED,
    elapsed_s=100.0,
    pages=1200,
    bytes=3 << 20,
    counts=Counts(known=1210, settled={FETCHED: 1200, FAILED: 10}),
    dispositions={FETCHED: 1200, FAILED: 10},
    reasons={Reason.STATUS_5XX: 10},
    statuses={200: 1200, 503: 10},
    bounds={Bound.POLITENESS: 0.9, Bound.NETWORK: 0.1},
    failures=[Failures("https://a.example", Reason.STATUS_5XX, 10, "https://a.example/\x1b[2Jx")],
)

SNAPSHOT = Snapshot(
    elapsed_s=75.0,
    pages=1234567,
    pages_per_s=123.45,
    bytes=123 << 20,
    bytes_per_s=1.5 * (1 << 20),
    in_flight=256,
    counts=Counts(known=9_000_000, queued=7_654_321, leased=256, retrying=12, sites=43_210),
    dispositions={FETCHED: 1234567, Disposition.REDIRECTED: 400, FAILED: 12},
    reasons={},
    statuses={200: 1234567, 301: 400, 503: 12},
    bound_by=Bound.POLITENESS,
    advice=ADVICE[Bound.POLITENESS],
    busiest=[SiteView(f"https://{'long-' * 20}{number}.example", 12345, 1, 0.7) for number in range(8)],
    failures=[Failures("https://\x1b[31ma.example", Reason.STATUS_5XX, 12, "https://a.example/")],
    stages={},
    latency=None,
    visits=1234979,
    visits_per_s=130.0,
    mean_in_flight=256.0,
    reads_seeds=False,
)


def _folder(path: Path = Path("a.crawl")) -> Folder:
    return Folder(path, load())


def test_seeds_that_moved_are_told_with_what_follows_them() -> None:
    said = "\n".join(summary_lines(replace(SUMMARY, reasons={Reason.MOVED: 3}), _folder(), []))
    assert (
        "  3 seeds moved to another domain: only where they landed was fetched; --set follow_moved_seeds=true follows"
        " them\n"
    ) in said
    assert "1 seed moved" in "\n".join(summary_lines(replace(SUMMARY, reasons={Reason.MOVED: 1}), _folder(), []))
    assert "moved" not in "\n".join(summary_lines(SUMMARY, _folder(), []))


def test_code_that_kept_everything_waiting_is_named_once_it_did_so_again() -> None:
    blocked = [Blocked("shop/sinks.py:Shop.write", 12, 1.25), Blocked("shop/once.py:load", 1, 3.0)]
    said = "\n".join(summary_lines(replace(SUMMARY, blocked=blocked), _folder(), []))
    assert "shop/sinks.py:Shop.write blocked all visits 12 times, for 1.2 s at worst" in said
    assert "once.py" not in said


def test_the_end_says_what_happened_what_failed_and_where() -> None:
    text = "\n".join(summary_lines(SUMMARY, _folder(), ["urls.txt"]))
    assert "finished: 1,200 pages in 1 min 40 s (12.0/s), 3.1 MB" in text
    assert "fetched 1,200 · failed 10" in text
    assert r"failed 10 at https://a.example: status-5xx, such as /\x1b[2Jx" in text
    assert "bound by politeness 90% of the time" in text
    assert "a smaller --delay, a larger --per-site" in text
    assert "a.crawl/pages.jsonl" in text
    assert "queued" not in text


def test_the_end_of_a_stopped_crawl_is_the_command_that_goes_on() -> None:
    summary = replace(SUMMARY, ended=Ending.STOPPED, counts=replace(SUMMARY.counts, queued=4321))
    lines = summary_lines(summary, _folder(), ["my urls.txt", "--fresh", "--set", "user_agent=a b"])
    assert lines[0].startswith("stopped, everything is saved: ")
    assert lines[-2:] == ["4,321 still queued; to continue:", "  crawl 'my urls.txt' --set 'user_agent=a b'"]


def test_a_finished_crawl_says_so() -> None:
    summary = replace(SUMMARY, dispositions={}, failures=[], pages=0, bounds={})
    assert summary_lines(summary, _folder(), [])[0].startswith(
        "nothing left to do: a.crawl is finished, with 1,210 URLs"
    )


def test_what_is_kept_fresh_says_when_it_is_due_again() -> None:
    waiting = replace(SUMMARY.counts, scheduled=1210, due_in_s=7380.0)
    lines = summary_lines(replace(SUMMARY, counts=waiting), _folder(), ["urls.txt", "--revisit", "1d"])
    assert lines[0].startswith("finished: ")
    assert lines[-2:] == [
        "1,210 pages on schedule, the next due in 2 h 3 min; to revisit:", "  crawl urls.txt --revisit 1d"
    ]  # fmt: skip
    idle = replace(SUMMARY, dispositions={}, failures=[], pages=0, bounds={}, counts=replace(waiting, due_in_s=-5.0))
    lines = summary_lines(idle, _folder(), [])
    assert lines[0] == "nothing is due: a.crawl is up to date"
    assert "1,210 pages on schedule, the next due now; to revisit:" in lines


def test_the_beginning_names_what_was_changed(tmp_path: Path) -> None:
    with open_folder(tmp_path, load(settings={"max_depth": 2})) as folder:
        assert show.start_lines(folder, Counts()) == [f"crawling into {tmp_path}"]
    with open_folder(tmp_path, load(settings={"max_depth": "none", "frontier.kind": "memory"})) as folder:
        lines = show.start_lines(folder, Counts(queued=7, settled={FETCHED: 5}))
    assert lines == [
        f"continuing {tmp_path}: 5 done, 7 queued",
        "  scope.max_depth: now unlimited, was 2",
        '  frontier.kind stays "sqlite" in this folder; --fresh or another folder (-o) takes the new value',
    ]


def test_a_line_for_a_journal_has_the_same_keys_always() -> None:
    assert show.progress_line(SNAPSHOT) == (
        "elapsed_s=75 pages=1234567 pages_per_s=123.5 bytes=128974848 in_flight=256 queued=7654321 parked=0"
        " sites=43210 failed=12 bound_by=politeness visits=1234979 visits_per_s=130.0 done=- total=- at_least_s=-"
        " eta_low_s=- eta_likely_s=- eta_high_s=-"
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.42, "420 ms"),
        (0.9999, "1.0 s"),
        (9.97, "10 s"),
        (42, "42 s"),
        (59.7, "1 min 0 s"),
        (100, "1 min 40 s"),
        (3599.6, "1 h 0 min"),
        (7322, "2 h 2 min"),
        (86399, "1 d 0 h"),
        (90000, "1 d 1 h"),
    ],
)
def test_durations_are_for_people(seconds: float, text: str) -> None:
    assert show.duration(seconds) == text


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_the_dashboard_writes_durations_as_the_command_does() -> None:
    seconds = [0, 0.0004, 0.42, 0.9999, 1.26, 9.94, 9.97, 42, 59.7, 100, 3599.6, 7322, 86399, 90000, 1e6]
    source = (Path(__file__).parents[2] / "crawler/daemon/dashboard/words.js").read_text()
    asked = f"{source}\nconsole.log(JSON.stringify({json.dumps(seconds)}.map(duration)));"
    said = subprocess.run(["node", "--input-type=module", "-"], input=asked, capture_output=True, text=True, check=True)
    assert json.loads(said.stdout) == [show.duration(one) for one in seconds]


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_499, "999 kB"), (999_500, "1.0 MB"), (512 * 10**6, "512 MB")],
)
def test_sizes_are_for_people(size: int, text: str) -> None:
    assert show.size(size) == text


def test_the_dashboard_writes_sizes_in_the_same_units_and_steps() -> None:
    source = (Path(__file__).parents[2] / "crawler/daemon/dashboard/words.js").read_text()
    [units] = re.findall(r"const units = (\[.*?\]);", source)
    assert json.loads(units) == list(show.SIZES)
    assert "n /= 1000;" in source


UNPARSED = replace(
    SUMMARY, failures=[Failures("http://a.test", Reason.PARSE, 3, "http://a.test/x", "item")], reasons={Reason.PARSE: 3}
)
NONE_FETCHED = replace(SUMMARY, pages=0, counts=Counts(known=2, settled={FAILED: 2}))


@pytest.mark.parametrize(
    ("summary", "fail_on", "code"),
    [
        (SUMMARY, None, Exit.DONE),
        (SUMMARY, "10", Exit.DONE),
        (SUMMARY, "9", Exit.FAILURES),
        (SUMMARY, "0.5%", Exit.FAILURES),
        (SUMMARY, "1%", Exit.DONE),
        (SUMMARY, "parse", Exit.DONE),
        (UNPARSED, "parse", Exit.FAILURES),
        (UNPARSED, "100%", Exit.DONE),
        (replace(UNPARSED, reasons={}), "parse", Exit.FAILURES),
        (replace(UNPARSED, failures=(), reasons={Reason.PARSE_CRASH: 1}), "parse", Exit.FAILURES),
        (NONE_FETCHED, None, Exit.NOTHING),
        (replace(SUMMARY, ended=Ending.PAGE_LIMIT), None, Exit.DONE),
        (replace(SUMMARY, ended=Ending.SIZE_LIMIT), None, Exit.SIZE_LIMIT),
        (replace(SUMMARY, ended=Ending.TIME_LIMIT), "0", Exit.TIME_LIMIT),
        (replace(SUMMARY, ended=Ending.STOPPED), "0", Exit.INTERRUPTED),
        (replace(SUMMARY, ended=Ending.ABORTED), None, Exit.INTERRUPTED),
    ],
)
def test_a_script_learns_how_it_went(summary: Summary, fail_on: str | None, code: Exit) -> None:
    assert exit_code(summary, [share(fail_on)] if fail_on else []) == code


def test_parse_functions_that_failed_are_told_apart_from_urls_that_did() -> None:
    lines = summary_lines(UNPARSED, _folder(), [])
    assert "  item failed at 3 pages of http://a.test: parse, such as /x" in lines
    assert "  failed 10 at other sites; all reasons: parse 3" in lines


def test_exit_codes_never_change() -> None:
    assert [int(code) for code in Exit] == [0, 1, 2, 3, 4, 5, 6, 11, 14, 15, 130]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["urls.txt", "--fresh", "--delay", "2"], "crawl urls.txt --delay 2"),
        (["a b.txt", "--set", "fetch.timeout_s=3"], "crawl 'a b.txt' --set fetch.timeout_s=3"),
        (["u", "--set", "fetch.proxy=http://me:pw@x", "--set=headers={X='k'}", "-v"], "crawl u -v"),
        (["--set", 'sites={"https://x" = {bearer="pw"}}', "u"], "crawl u"),
        (["proxy=x", "--set"], "crawl proxy=x --set"),
    ],
)
def test_the_command_that_goes_on_repeats_no_secret(arguments: list[str], told: str) -> None:
    assert continue_command(arguments) == told


def test_hosts_that_speak_http2_alone_are_counted_and_named() -> None:
    hosts = [Failures(f"https://{n}.test", Reason.HTTP2_ONLY, 2, f"https://{n}.test/") for n in range(7)]
    summary = replace(SUMMARY, failures=hosts, reasons={Reason.HTTP2_ONLY: 14})
    said = "\n".join(summary_lines(summary, _folder(), []))
    named = ", ".join(host.site for host in hosts[:5])
    assert f"  14 URLs of hosts that speak HTTP/2 alone, which crawl does not: {named} and 2 more\n" in said
    assert "HTTP/2" not in "\n".join(summary_lines(SUMMARY, _folder(), []))


@pytest.mark.parametrize(("cookies", "is_said"), [(False, True), (True, False)])
def test_who_met_circles_without_cookies_is_told_the_cure(cookies: bool, is_said: bool) -> None:
    failures = [Failures("https://a.example", Reason.TOO_MANY_REDIRECTS, 3, "https://a.example/a")]
    folder = replace(_folder(), config=amend(load(), {"cookies": cookies}))
    said = "\n".join(summary_lines(replace(SUMMARY, failures=failures), folder, []))
    assert ("--set fetch.cookies=true --retry-failed" in said) is is_said


@pytest.mark.parametrize(
    ("bounds", "told"),
    [
        ({Bound.CRAWL_DELAY: 0.7}, "bound by crawl-delay 70% of the time: sites ask for this pace"),
        ({Bound.RETRIES: 0.6, Bound.POLITENESS: 0.3}, "bound by retries 60% of the time"),
        ({Bound.DNS: 0.9}, "bound by dns 90% of the time"),
        ({Bound.LOOP: 0.9}, ""),
        ({Bound.POLITENESS: 0.4}, ""),
    ],
)
def test_the_end_says_what_was_waited_for_and_advises_only_what_helps(bounds: dict[Bound, float], told: str) -> None:
    text = "\n".join(summary_lines(replace(SUMMARY, bounds=bounds), _folder(), []))
    assert (told in text) if told else ("bound by" not in text)
    assert "--delay" not in text


def test_the_summary_says_why_urls_are_parked_and_counts_them_once() -> None:
    traps = [
        Trap("https://a.test/c/#", 128, 1, 3, ("https://a.test/c/1",), Reason.TRAP),
        Trap("https://b.test/**", 0, 0, 2, (), Reason.BLOCKED),
        Trap("https://c.test/**", 0, 0, 1, (), Reason.SOFT_OUTAGE),
    ]
    dispositions = {Disposition.FETCHED: 1, Disposition.PARKED: 4, Disposition.DEFERRED: 2}
    counts = Counts(known=7, settled={Disposition.FETCHED: 1}, parked=6, traps=traps)
    said = summary_lines(replace(SUMMARY, pages=1, dispositions=dispositions, counts=counts), _folder(), [])
    assert said[0].startswith("finished: 1 page in ")
    assert said[0].endswith("; 6 URLs parked in 3 patterns")
    assert said[1] == "  fetched 1"
    assert "  in total 7 URLs: parked 6 · fetched 1" in said
    told = "\n".join(said)
    assert "  trap https://a.test/c/#\n    1 of 128 pages were new; 3 URLs parked\n    https://a.test/c/1\n" in told
    assert "  blocked https://b.test/**\n    2 URLs parked: the site blocks us\n" in told
    assert "  soft-outage https://c.test/**\n    1 URL parked: the site is down\n" in told


def test_the_summary_tells_of_sites_that_were_out_and_of_those_that_block() -> None:
    hindrances = [
        Hindrance("https://a.test", Reason.SOFT_OUTAGE, 13, "the same answer to 4 different URLs"),
        Hindrance("https://b.test", Reason.BLOCKED, 1, "HTTP 403, Cloudflare: challenge\x1b"),
    ]
    said = summary_lines(replace(SUMMARY, hindrances=hindrances), _folder(), [])
    assert "  soft outage at https://a.test: 13 answers brought no content; asked for again" in said
    assert "  blocked by https://b.test, 1 answer: HTTP 403, Cloudflare: challenge\\x1b" in said
    assert [line for line in said if "docs/blocked.md" in line]
    assert not [line for line in summary_lines(SUMMARY, _folder(), []) if "docs/blocked.md" in line]


def test_who_finds_nothing_left_to_do_hears_what_lifts_an_exclusion() -> None:
    idle = replace(SUMMARY, dispositions={}, ended=Ending.EXHAUSTED, counts=Counts(known=1, settled={FETCHED: 1}))
    plain = _folder()
    narrow = replace(plain, config=amend(load(), {"exclude": ["/x/*"]}))
    said = ["\n".join(summary_lines(idle, folder, [])) for folder in (plain, narrow)]
    assert ["--set exclude=[]" in text for text in said] == [False, True]
