"""The checks: each returns what it counted, and what is not as it should be."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from fastwarc.warc import ArchiveIterator, WarcRecordType

from crawler.testing.wire import Answer
from crawler.warc.cdxj import REVISIT, Entry
from tests.archive_check.crawling import Archived
from tests.archive_check.looks import take_picture
from tests.archive_check.player import play
from tests.archive_check.replay import Pywb, serve
from tests.archive_check.site import CUT_BYTES, STYLED

Told = tuple[str, list[str]]
BODILESS = {204, 304}


def check_replay(first: Archived, second: Archived) -> Told:
    """pywb gives back each capture as it was sent, by our index."""
    return _replay(first, [first])


def check_earlier(first: Archived, second: Archived) -> Told:
    """So it does with the second crawl, which stored nothing that the first one holds."""
    told, faults = _replay(second, [second, first])
    sizes = [sum(path.stat().st_size for path in one.archives) for one in (first, second)]
    return f"{told}; {sizes[1]:,} bytes beside {sizes[0]:,}", faults


def check_looks(first: Archived, second: Archived) -> Told:
    """A page with styles, `srcset` and images of styles looks in pywb as it did live."""
    url, faults = first.origin + STYLED, []
    stamp = next(entry.stamp for entry in first.captures if entry.url == url)
    with tempfile.TemporaryDirectory(dir=first.folder) as folder, serve(first.tools, Path(folder), [first]) as pywb:
        for scale, live in first.pictures.items():
            replayed = live.with_name(f"pywb-{scale}.png")
            take_picture(pywb.place(stamp, url), replayed, scale)
            faults += [] if replayed.read_bytes() == live.read_bytes() else [f"at scale {scale} it looks different"]
    return f"{len(first.pictures)} pictures", faults


def _replay(archived: Archived, beside: Sequence[Archived]) -> Told:
    faults: list[str] = []
    counts: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    with (
        tempfile.TemporaryDirectory(dir=archived.folder) as folder,
        serve(archived.tools, Path(folder), beside) as pywb,
    ):
        for entry in archived.captures:
            target = entry.url.removeprefix(archived.origin)
            answers = archived.sent.answers.get(target)
            if answers is None:
                counts["of robots.txt"] += target == "/robots.txt"
                continue
            answer = answers[seen[target]]
            seen[target] += 1
            if len(answer.body) > CUT_BYTES:
                counts["truncated"] += 1
            elif fault := _compare(pywb, entry, answer):
                faults.append(fault)
            else:
                counts["exact"] += 1
                counts["revisits"] += entry.mime == REVISIT
    missing = {target for target in archived.sent.answers if seen[target] != len(archived.sent.answers[target])}
    faults += [f"{target}: {seen[target]} of {len(archived.sent.answers[target])} captures" for target in missing]
    return ", ".join(f"{n} {what}" for what, n in counts.items()), faults


def _compare(pywb: Pywb, entry: Entry, answer: Answer) -> str:
    """Returns how a capture differs from what was sent; empty: it does not."""
    try:
        status, body, fields = pywb.fetch(entry.stamp, entry.url)
    except Exception as error:  # noqa: BLE001  it is what the check is about
        return f"{entry.url} {entry.stamp}: {error!r}"
    if status != answer.status:
        return f"{entry.url} {entry.stamp}: status {status}, {answer.status} was sent"
    if body != (b"" if status in BODILESS else answer.body):
        return f"{entry.url} {entry.stamp}: {len(body)} bytes that are not the {len(answer.body)} that were sent"
    told = next((value for name, value in answer.headers if name.lower() == "content-type"), None)
    return "" if fields.get("content-type") == told else f"{entry.url}: Content-Type {fields.get('content-type')}"


def check_warcio(archived: Archived, second: Archived) -> Told:
    """warcio and fastwarc read every record of every file, and all digests are right."""
    records, faults = 0, []
    for path in archived.archives:
        with path.open("rb") as file:
            for record in ArchiveIterator(file, parse_http=False, strict_mode=True):
                records += 1
                is_right = record.verify_block_digest() or "WARC-Block-Digest" not in record.headers
                faults += [] if is_right else [f"{path.name}: another block in {record.record_id}"]
        with path.open("rb") as file:
            for record in ArchiveIterator(file, record_types=WarcRecordType.response, strict_mode=True):
                faults += [] if record.verify_payload_digest() else [f"{path.name}: another body in {record.record_id}"]
        ran = archived.tools.run("cdxj-indexer", "warcio", "check", "-v", str(path))
        faults += [] if ran.returncode == 0 else [f"warcio check: {ran.stdout[-500:]}"]
    return f"{len(archived.archives)} files, {records} records", faults


def check_index(archived: Archived, second: Archived) -> Told:
    """cdxj-indexer makes the same index of our files, byte for byte."""
    ran = archived.tools.run("cdxj-indexer", "cdxj-indexer", "-s", *map(str, archived.archives))
    ours, theirs = archived.index.read_text().splitlines(), ran.stdout.splitlines()
    differing = [line for line in (*ours, *theirs) if (line in ours) != (line in theirs)]
    faults = [*differing, *([] if ours == theirs or differing else ["the order differs"])]
    return f"{len(theirs)} lines", faults


def check_surt(archived: Archived, second: Archived) -> Told:
    """The program behind cdxj-indexer gives the same keys for URLs that are made up."""
    from tests.archive_check.made_up import compare

    return compare(archived.tools)


def check_wacz(archived: Archived, second: Archived) -> Told:
    """py-wacz finds our WACZ valid."""
    ran = archived.tools.run("wacz", "wacz", "validate", "-f", str(archived.package))
    said = " ".join((ran.stdout + ran.stderr).split())
    is_valid = ran.returncode == 0 and "1.1.1" in said and "is valid" in said
    return f"{archived.package.stat().st_size:,} bytes", [] if is_valid else [said]


def check_player(archived: Archived, second: Archived) -> Told:
    """ReplayWeb.page opens our WACZ in Chromium and shows a page of it."""
    return play(archived.tools.player(), archived.package, f"{archived.origin}/styled", archived.folder)


CHECKS: Mapping[str, Callable[[Archived, Archived], Told]] = {
    "pywb": check_replay,
    "pywb-earlier": check_earlier,
    "looks": check_looks,
    "warcio": check_warcio,
    "cdxj-indexer": check_index,
    "surt": check_surt,
    "py-wacz": check_wacz,
    "replayweb": check_player,
}
