"""Numbers in the documents that state a bound, a default or another constant of the code are the code's."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TypeAlias

import pytest

from crawler import dry_run as rehearsal
from crawler import robots, urls
from crawler.cli import dry_run as cli_rehearsal
from crawler.cli.exit_codes import Exit
from crawler.daemon import DaemonConfig, tokens
from crawler.daemon.jobs import job as daemon_job
from crawler.daemon.jobs import spool, store, wishes
from crawler.daemon.runs import logs as daemon_logs
from crawler.daemon.runs import records as daemon_pages
from crawler.daemon.runs import run, scheduler
from crawler.daemon.webhooks import delivery
from crawler.engine import memory_watch
from crawler.engine import suspension as absence
from crawler.fetch import cookies, files, framing, posting, resolver, wire
from crawler.frontier import turns
from crawler.frontier.sqlite import file, schema
from crawler.offload import in_worker, worker
from crawler.parse import blocked, codings, data, embedded, html, page, sitemap
from crawler.policy import politeness
from crawler.policy.answers import judging, latest, outage, spread
from crawler.policy.traps import novelty, pattern, series, shapes
from crawler.robots import reading as robots_reading
from crawler.seeds import columns, part, records, sheets
from crawler.settings import Config
from crawler.settings import memory_plan as memory
from crawler.sinks import record
from crawler.urls import patterns

ROOT = Path(__file__).parents[1]
DEFAULT = Config()
DAEMON = DaemonConfig()
KIB, MIB = 1 << 10, 1 << 20
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0

Row: TypeAlias = tuple[str, tuple[float, ...]]
"""A piece of a sentence with `{}` where its numbers stand, and what the code has for each."""
TABLE: dict[str, tuple[Row, ...]] = {
    "README.md": (
        (
            "sends {} request at a time to a site and then waits a {}",
            (DEFAULT.politeness.per_site, DEFAULT.politeness.delay_s),
        ),
        ("| {} | done |", (Exit.DONE,)),
        ("| {} | the crawl failed", (Exit.ERROR,)),
        ("| {} | the command or the settings cannot be used", (Exit.USAGE,)),
        ("| {} | done, but more pages failed", (Exit.FAILURES,)),
        ("| {} | nothing could be crawled", (Exit.NOTHING,)),
        ("| {} | the disk is full", (Exit.STORAGE,)),
        ("| {} | interrupted", (Exit.INTERRUPTED,)),
        ("| {}, {} | the size limit, the time limit", (Exit.SIZE_LIMIT, Exit.TIME_LIMIT)),
        ("| {} | Ctrl-C before the crawl began", (Exit.CANCELLED,)),
        ("http://127.0.0.1:{}/readyz", (DAEMON.port,)),
    ),
    "docs/architecture.md": (
        ("does not come within a {} of a second", (turns.PATIENCE_S,)),
        ("file has layout {}", (schema.VERSION,)),
    ),
    "docs/versioning.md": (
        ("its layout, now {} (`PRAGMA user_version`)", (schema.VERSION,)),
        ("| its layout, now {}; `meta`", (store.VERSION,)),
        ("`v` in each record, now {} |", (record.VERSION,)),
        ("exit code {} before anything is changed", (Exit.STORAGE,)),
    ),
    "docs/blocked.md": (
        ("the same bytes: one page, an empty body, redirects to one place | {} |", (latest.IN_A_ROW[latest.SAME],)),
        ("a login that names where it came from | {} |", (latest.IN_A_ROW[latest.SAME_LETTERS],)),
        ("a page with a request id in it | {} |", (latest.IN_A_ROW[latest.NEAR],)),
        ("means {} among the latest {} answers", (latest.DIFFERENT, latest.REMEMBERED)),
        ("then {} times as long after each further", (politeness.RETRY_FACTOR,)),
        (
            "at most: {} s, {} s, 27 s, 81 s, 243 s, {} s by default",
            (
                DEFAULT.politeness.retry_delay_s,
                DEFAULT.politeness.retry_delay_s * politeness.RETRY_FACTOR,
                DEFAULT.politeness.max_retry_after_s,
            ),
        ),
        ("which then waits {} rests, {} after its second", politeness.PATIENCE),
        ("Once {} URLs have ended so", (judging.LASTING,)),
        ("answered as before, {}, there is no outage", (outage.CONTRADICTIONS,)),
        ("if they were {} or more", (novelty.STEP,)),
        ("seen {} others", (latest.DIFFERENT,)),
        ("has come to {} different URLs", (spread.SPREAD[latest.SAME],)),
        (
            "URLs ({}, if only the letters are the same), {} times",
            (spread.SPREAD[latest.SAME_LETTERS], spread.STRETCHES),
        ),
        ("{} requests for such a content, {} for a site", (spread.PROBES, spread.MOST_VAIN)),
        ("{} such answers in a row, to different URLs", (spread.ALL_SICK,)),
        ("{} URLs that bring it at their last attempt", (spread.PROVED_BY,)),
        (
            "The {} first URLs that got a content are remembered, for {} contents",
            (spread.MOST_ROWS, spread.MOST_SPREADS),
        ),
        ("more than {} answers of its kind before", (latest.REMEMBERED,)),
        ("After {} rests in a row", (judging.BLOCKS,)),
        ("(after {}, URLs that you named)", (judging.SEED_BLOCKS,)),
        ("at most {} characters of text and {} links", (blocked.MOST_LETTERS, blocked.MOST_LINKS)),
        ("words only within {} characters", (blocked.NEAR_LETTERS,)),
        ("are looked at too, up to {} KiB", (blocked.MOST_BYTES / KIB,)),
        ("bring {} different contents with such words", (judging.WEAK,)),
        ("each kind of URLs, {} kinds at most", (judging.MOST_KINDS,)),
    ),
    "docs/conformance.md": (
        ("no credentials, and at most {} characters", (urls.MAX_LENGTH,)),
        ("up to its {}rd byte and a file up to {} KiB", (robots_reading._MAX_LINE, robots_reading.MAX_BYTES / KIB)),
        ("of which {} rules with wildcards", (robots_reading.MAX_WILD,)),
        ("asked again after {}, {}, {}, then every {} s", robots.UNREACHABLE_S),
        ("after {} days of nothing but server errors", (robots.LONG_UNREACHABLE_S / DAY,)),
        ("Redirects: {} hops", (robots.MAX_REDIRECTS,)),
        ("Fresh for {} hours at most", (DEFAULT.politeness.robots_ttl_s / HOUR,)),
        (
            "At most {} interim answers, {} fields, {} KiB a field, {} KiB before the body",
            (framing.MAX_INTERIM, wire.MAX_FIELDS, wire.MAX_FIELD_BYTES / KIB, wire.MAX_HEAD_BYTES / KIB),
        ),
        ("trailer take {} KiB and {} the body", (wire.FRAMING_BYTES / KIB, wire.MAX_FRAMING)),
        ("(gzip, deflate, br, zstd, at most {} of them)", (codings.MAX_CODINGS,)),
        (
            "indexes {} deep. {} entries and {} MiB",
            (sitemap.MAX_INDEXES, sitemap.MAX_LOCATIONS, sitemap.MAX_BYTES / MIB),
        ),
    ),
    "docs/daemon.md": (
        ("dashboard on http://127.0.0.1:{}", (DAEMON.port,)),
        ("(a kill gives back {} a minute at most)", (run.KEPT_S / MINUTE,)),
        ("not known within {} seconds", (wishes.ANSWERED_S,)),
        ("the one that ran at the {} (`daemon.max_crashes`)", (DAEMON.max_crashes,)),
        ("has about {} files open", (scheduler.FILES_A_JOB,)),
        (
            "{} steps of `priority` ({} to {}) double",
            (2 / (daemon_job.weight_of(2) / 2), daemon_job.PRIORITIES[0], daemon_job.PRIORITIES[-1]),
        ),
        ("among the first {} seeds", (spool.CHECKED,)),
        ("those of the last {} seconds out of `queued`", (run.COUNTED_S,)),
        ("the last {} MiB of records are looked at", (daemon_pages.MOST_LOOKED / MIB,)),
        ("at {} MiB it begins anew", (daemon_logs.MOST_BYTES / MIB,)),
        (
            "2xx within {} s is tried again after {} s, {} s, ... an {} at most, for a {}",
            (
                posting.TIMES.total or 0,
                delivery.FIRST_S,
                2 * delivery.FIRST_S,
                delivery.MOST_S / HOUR,
                delivery.GIVEN_UP_S / DAY,
            ),
        ),
        ("made with {} random bits", (tokens.BITS,)),
        ("the last {} events are kept", (store.MOST_EVENTS_A_JOB,)),
        ("of removed ones, the last {} in all", (store.MOST_LONE_EVENTS,)),
    ),
    "docs/explain.md": (
        ("which {} requests would go first", (rehearsal.FIRST,)),
        ("the first {} seeds, and asks the first {} sites", (rehearsal.MOST_SEEDS, rehearsal.MOST_SITES)),
        ("at most {} sitemaps", (rehearsal.MOST_SITEMAPS,)),
        ("`unusable` (the first {})", (cli_rehearsal.MOST_BAD,)),
    ),
    "docs/faq.md": (
        ("one request at a time, and rests a {} after each answer", (DEFAULT.politeness.delay_s,)),
        ("as `Retry-After` says, up to {} minutes", (DEFAULT.politeness.max_retry_after_s / MINUTE,)),
        ("a few seconds, {} times as long each time", (politeness.RETRY_FACTOR,)),
        (
            "A URL is tried {} times (`--retries {}`)",
            (DEFAULT.politeness.max_attempts, DEFAULT.politeness.max_attempts - 1),
        ),
        ("from a [parse function](parsing.md) (`content.text`, up to {} MiB)", (data.MAX_BYTES / MIB,)),
        ("and ends with exit code {}.", (Exit.USAGE,)),
        ("A known URL takes {} bytes", (memory_watch.URL_BYTES,)),
        ("the crawl ends with exit code {}", (Exit.STORAGE,)),
        ("{} is done; {}, {} and {} mean", (Exit.DONE, Exit.INTERRUPTED, Exit.SIZE_LIMIT, Exit.TIME_LIMIT)),
        ("{} comes only with `--fail-on`", (Exit.FAILURES,)),
    ),
    "docs/fetching.md": (
        ("A jar holds {} cookies of {} KiB", (cookies.MAX_COOKIES, cookies.MAX_PAIR_BYTES / KIB)),
        ("all jars together {} MiB", (cookies.MAX_BYTES / MIB,)),
        ("sets {} at most, and a request brings back {} KiB", (cookies.MAX_FIELDS, cookies.MAX_SENT_BYTES / KIB)),
        ("`politeness.delay_s`, a {} by default", (DEFAULT.politeness.delay_s,)),
        ("`politeness.max_delay_s`, a {};", (DEFAULT.politeness.max_delay_s / MINUTE,)),
        ("`politeness.max_retry_after_s`, {} minutes.", (DEFAULT.politeness.max_retry_after_s / MINUTE,)),
        ("`fetch.timeout_s`, {} s", (DEFAULT.fetch.timeout_s,)),
        ("`fetch.connect_timeout_s`, {} s", (DEFAULT.fetch.connect_timeout_s,)),
        ("`fetch.min_bytes_per_s`, {},", (DEFAULT.fetch.min_bytes_per_s,)),
        ("`fetch.slow_after_s`, {} s", (DEFAULT.fetch.slow_after_s,)),
        (
            "head: one line; fields; all of it | {} KiB; {}; {} KiB",
            (wire.MAX_FIELD_BYTES / KIB, wire.MAX_FIELDS, wire.MAX_HEAD_BYTES / KIB),
        ),
        ("interim answers (1xx) | {};", (framing.MAX_INTERIM,)),
        ("trailers) | {} KiB and {} the body", (wire.FRAMING_BYTES / KIB, wire.MAX_FRAMING)),
        ("`fetch.max_body_bytes`, {} MiB", (DEFAULT.fetch.max_body_bytes / MIB,)),
        ("`fetch.budget_bytes`, {} MiB", (DEFAULT.fetch.budget_bytes / MIB,)),
        ("content codings | {}, one on another", (codings.MAX_CODINGS,)),
        ("`fetch.max_redirects`, {} |", (DEFAULT.fetch.max_redirects,)),
        ("| a URL | {} characters", (urls.MAX_LENGTH,)),
        ("`politeness.max_retry_after_s`, {} s", (DEFAULT.politeness.max_retry_after_s,)),
        ("are kept for {} to {} minutes", (resolver.MIN_TTL_S / MINUTE, resolver.MAX_TTL_S / MINUTE)),
        ("is left alone for {} seconds", (resolver.SETBACK_TTL_S,)),
        ("an {} of the limit, {} files at least", (1 / files.RESERVED_PART, files.RESERVE)),
        ("that waited {} seconds in vain", (round(sum(files.PAUSES_S)),)),
    ),
    "docs/howto-nightly.md": (
        ("less and less often, up to every {} days", (DEFAULT.politeness.revisit_at_most_s / DAY,)),
        ("ends with code {} if more than one page", (Exit.FAILURES,)),
    ),
    "docs/howto-one-site.md": (("but each costs {} pages first", (pattern.LONG,)),),
    "docs/extraction.md": (
        ("end after {} characters each", (page.MAX_TEXT,)),
        ("at most {} values", (embedded.MOST_VALUES,)),
    ),
    "docs/howto-text-corpus.md": (("at most {} characters of text", (page.MAX_TEXT,)),),
    "docs/memory.md": (
        ("The least is {} MiB", (memory.LEAST / MIB,)),
        ("a {} of it in every worker", (1 / 4,)),
        ("keeps more than {} MiB between pages", (in_worker.GROWN_BYTES / MIB,)),
        ("{} bytes a URL known", (memory_watch.URL_BYTES,)),
        ("{} kB a site that has something queued", (memory_watch.SITE_BYTES / 1000,)),
        ("At {} fifths of the plan", (memory_watch.WARNED_AT * 5,)),
        ("{} links (`scope.max_links`)", (DEFAULT.scope.max_links,)),
        (
            "{} MiB of them, {} Mi characters of text, {} MiB of data",
            (page.MAX_LINK_BYTES / MIB, page.MAX_TEXT / MIB, data.MAX_BYTES / MIB),
        ),
        ("the program takes {} MiB, what is known an {}", (memory.PROGRAM / MIB, 1 / memory.KNOWN)),
        ("on the way {} times the largest body", (memory.COPIES,)),
        ("a guess ({} bytes for every `<`, {} times the size)", (html.TREE_BYTES_A_TAG, html.TREE_FACTOR)),
        ("killed after {} a minute and {} times", (worker._WALL_S / MINUTE, worker._WALL_FACTOR)),
    ),
    "docs/records.md": (
        ("version of the record: {}", (record.VERSION,)),
        ("`revisit_at_most_s` ({} days)", (DEFAULT.politeness.revisit_at_most_s / DAY,)),
        ("{} as long after a visit without change", (politeness.UNCHANGED_FACTOR,)),
        ("{} as long after one that found a change", (politeness.CHANGED_FACTOR,)),
        ("`scope.max_links` links ({}), {} MiB of links", (DEFAULT.scope.max_links, page.MAX_LINK_BYTES / MIB)),
        ("together, {} Mi characters of `text`, {} MiB of `data`", (page.MAX_TEXT / MIB, data.MAX_BYTES / MIB)),
        (
            "a sitemap {} entries, {} MiB and {} indexes deep",
            (sitemap.MAX_LOCATIONS, sitemap.MAX_BYTES / MIB, sitemap.MAX_INDEXES),
        ),
    ),
    "docs/reliability.md": (
        ("honoured for {} s, where it is {} minutes by", (10, DEFAULT.politeness.max_retry_after_s / MINUTE)),
        ("no attempt spent, {} times a URL at most", (absence.MOST_FORGIVEN,)),
        ("the first {} links", (DEFAULT.scope.max_links,)),
        ("0.5 s of CPU at {} MiB", (file.CHECKED_BYTES / MIB,)),
    ),
    "docs/scope.md": (
        ("the site's turns, {} attempts", (DEFAULT.politeness.max_attempts,)),
        ("an expression that compiles to more than {} MiB", (patterns.MOST_MEMORY_BYTES / MIB,)),
        ("a repeat of more than {} times", (patterns.MOST_REPEATS,)),
        ("A URL of {} characters", (urls.MAX_LENGTH,)),
    ),
    "docs/seeds.md": (
        ("separator to make a table of it; elsewhere {} in five", (columns._SHARE * 5,)),
        ("called `.csv` (or `.tsv`), {} of the lines", (columns._TOLD_SHARE,)),
        ("The first {} lines decide", (part.SAMPLE,)),
        ("separates columns if it stands in {} of five lines", (columns._SHARE * 5,)),
        ("a document of one object has at most {} MiB", (records._MOST_LINE / MIB,)),
        ("One value, a line or a document of one object has at most {} MiB", (records._MOST_VALUE / MIB,)),
        ("{} MiB unpacked and {} cells", (sheets.MOST_BYTES / MIB, sheets.MOST_CELLS)),
        ("for no longer than a {} of a second", (part.PATIENCE_S,)),
    ),
    "docs/traps.md": (
        ("After {} such months in a row", (pattern.SHORT,)),
        ("After {} without anything new", (pattern.LONG,)),
        ("a word of more than {} characters", (shapes.LONG,)),
        ("more than {} different ones were met", (shapes.MOST_WORDS,)),
        ("any set of parameters, where more than {} were", (shapes.MOST_QUERIES,)),
        ("deeper than {} segments", (shapes.MOST_SEGMENTS,)),
        ("a registered domain with more than {} known hosts", (shapes.MOST_HOSTS,)),
        ("no more than {} pages", (novelty.ODD,)),
        ("once {} of its pages were read", (novelty.OWN,)),
        ("counts the first {} pages", (novelty.OWN,)),
        ("None of the last {} different pages", (pattern.REMEMBERED,)),
        ("Once {} such pages of a pattern lie more than a year ahead", (pattern.AHEAD,)),
        ("after {} moves it is not believed", (series.MOST_MOVES,)),
        ("no more than {} apart", (series.WIDEST,)),
        ("at most {} page of its last {} was news", (pattern.SHORT_NEWS, pattern.SHORT)),
        ("of its last {} pages, all but {} were no news", (pattern.LONG, pattern.LONG_NEWS)),
        ("one is fetched after {} were asked for", (novelty.FIRST_PROBE,)),
        ("{} patterns are remembered", (novelty.MOST_PATTERNS,)),
        ("`scope.max_repeats` times ({}) in a row", (DEFAULT.scope.max_repeats,)),
        ("A URL longer than {} characters", (urls.MAX_LENGTH,)),
    ),
}
WORDS = {
    0.125: "eighth", 0.25: "quarter", 0.5: "half",
    1: "one a second minute hour day", 2: "two twice", 3: "three third", 4: "four", 5: "five", 6: "six", 7: "seven",
    8: "eight", 10: "ten", 60: "sixty", 64: "sixty-four",
}  # fmt: skip
"""Numbers as documents may write them out; a unit of time may stand for one of it."""


@pytest.mark.parametrize("document", TABLE)
def test_every_number_is_that_of_the_code(document: str) -> None:
    complaints = [said for row in TABLE[document] if (said := complaint(document, _text(document), row))]
    assert not complaints, "\n".join(complaints)


def test_a_number_that_differs_and_a_sentence_that_is_gone_are_told_with_what_to_do() -> None:
    row: Row = ("at most {} cookies of {} KiB", (100, 4))
    assert not complaint("docs/x.md", "holds at most 100 cookies of four KiB", row)
    assert not complaint("docs/x.md", "holds at most 1,000 cookies of 4 KiB", (row[0], (1000, 4.0)))
    told = complaint("docs/x.md", "holds at most 50 cookies of 4 KiB", row)
    assert told == "docs/x.md says 'at most 50 cookies of 4 KiB', the code has 100, 4: change the one that is wrong"
    told = complaint("docs/x.md", "holds some cookies", row)
    assert told.startswith("docs/x.md no longer says 'at most {} cookies of {} KiB': ")


@pytest.mark.parametrize("document", TABLE)
def test_no_sentence_stands_in_the_table_without_a_number(document: str) -> None:
    assert [words for words, values in TABLE[document] if words.count("{}") != len(values)] == []


def complaint(document: str, text: str, row: Row) -> str:
    """What is wrong with the document, or with the row; empty: nothing."""
    words, values = row
    number = r"(-?\d+(?:,\d{3})*(?:\.\d+)?|[A-Za-z]+(?:-[a-z]+)?)"
    found = re.search(number.join(map(re.escape, words.split("{}"))), text)
    if found is None:
        return f"{document} no longer says {words!r}: put it there, or its new words into {Path(__file__).name}"
    if all(said.lower() in _spellings(value) for said, value in zip(found.groups(), values, strict=True)):
        return ""
    return f"{document} says {found[0]!r}, the code has {', '.join(map(_shown, values))}: change the one that is wrong"


def _spellings(value: float) -> set[str]:
    return {_shown(value), _shown(value).replace(",", ""), *WORDS.get(value, "").split()}


def _shown(value: float) -> str:
    return f"{round(value, 9):,}" if value % 1 else f"{int(value):,}"


@cache
def _text(document: str) -> str:
    return " ".join((ROOT / document).read_text("utf-8").split())
