"""What must be true of the archive of a crawl that was killed: whole files, and each settled attempt in them once."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

from crawler.sinks.warc.index import SORTED
from crawler.warc.cdxj import read_line
from crawler.warc.names import find_files
from tests.hostile.victim import Victim
from tests.warc.judges import Seen, judge


def check_archive(crawl: Victim) -> str:
    """Fails where a file is not valid to its last byte, or an exchange is missing or there twice. Returns figures."""
    found = read_archive(crawl.folder / "warc")
    answers = {place: one for place, one in found.items() if one.kind in ("response", "revisit")}
    metadata = [one for one in found.values() if one.kind == "metadata"]
    for kind in ("request", "metadata"):
        joined = Counter(one.fields["warc-concurrent-to"] for one in found.values() if one.kind == kind)
        assert joined == Counter(one.fields["warc-record-id"] for one in answers.values()), f"{kind} records are astray"
    attempts = defaultdict[str, Counter[int]](Counter)
    for one in metadata:
        said = dict(line.split(": ", 1) for line in one.block.decode().splitlines())
        if "attempt" in said:
            attempts[one.fields["warc-target-uri"]][int(said["attempt"])] += 1
    twice = {url: each for url, each in attempts.items() if max(each.values()) > 1}
    assert not twice, f"archived twice: {list(twice.items())[:3]}"
    _compare(crawl, attempts, answers)
    check_references(answers)
    _check_index(crawl.folder, answers)
    kinds = Counter(one.kind for one in found.values())
    return f"{kinds['warcinfo']} files, {kinds['response']} responses, {kinds['revisit']} revisits"


def _check_index(folder: Path, answers: dict[tuple[str, int, int], Seen]) -> None:
    """Fails where the index that the crawl kept does not name each answer once."""
    lines = (folder / "warc" / SORTED).read_bytes().splitlines(keepends=True)
    named = Counter((one.filename, one.offset, one.length) for one in map(read_line, lines))
    assert named == Counter(answers.keys()), "the index names other answers"
    assert lines == sorted(lines)


def read_archive(folder: Path) -> dict[tuple[str, int, int], Seen]:
    """Returns all records by file and place."""
    files = find_files(folder)
    assert not any(one.is_open for one in files), "a file has not its final name"
    assert [one.serial for one in files] == list(range(len(files))), "a file is missing or there twice"
    found: dict[tuple[str, int, int], Seen] = {}
    for file in files:
        seen = judge(folder / file.name)
        assert [one.kind == "warcinfo" for one in seen] == [True] + [False] * (len(seen) - 1)
        found |= {(file.name, *one.member): one for one in seen}
    return found


def _compare(crawl: Victim, attempts: dict[str, Counter[int]], answers: dict[tuple[str, int, int], Seen]) -> None:
    """Compares the archive with the records of pages, and with what the server said."""
    sick = {hit.url for hit in crawl.served.hits if hit.status == 503}
    records = crawl.records()
    for record in records:
        url, last = str(record["url"]), int(str(record["attempt"]))
        wanted = set(range(1, last + 1)) if url in sick else {last}
        assert set(attempts[url]) == wanted, f"{url}: attempts {sorted(attempts[url])} of {last} are archived"
        capture = record["warc"]
        assert isinstance(capture, dict)
        one = answers[capture["filename"], capture["offset"], capture["length"]]
        assert one.fields["warc-target-uri"] == url
        assert one.block.startswith(f"HTTP/1.1 {record['status']} ".encode())
    assert set(attempts) == {record["url"] for record in records}


def check_references(answers: dict[tuple[str, int, int], Seen]) -> None:
    """Fails where a revisit refers to a capture that is not there, or that has another payload."""
    whole = {
        (one.fields["warc-target-uri"], one.fields["warc-date"]): one.fields["warc-payload-digest"]
        for one in answers.values()
        if one.kind == "response"
    }
    for one in answers.values():
        if one.kind == "revisit":
            referred = one.fields["warc-refers-to-target-uri"], one.fields["warc-refers-to-date"]
            assert whole.get(referred) == one.fields["warc-payload-digest"], f"a revisit refers to nothing: {referred}"
