"""Reads all records once: notes each URL with its outcome, and what a page shows by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..model import Disposition
from ..records import Record
from . import facts
from .checks import Checks
from .facts import Facts
from .limits import AuditLimits
from .store import Store

MOST_TEXT = 300
"""Characters of a title or another text that are kept as a detail."""
HEADERS = ("strict-transport-security", "content-security-policy", "x-content-type-options", "referrer-policy")
"""Security headers that each page should have; the first one on https alone."""
_HEADER_BITS = tuple((1 << at, header) for at, header in enumerate(HEADERS))


class Seen:
    """Which records count: one bit each. A later visit of its URL makes a record count no longer."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def drop(self, number: int) -> None:
        """Notes that a record does not count."""
        if len(self._bits) <= number >> 3:
            self._bits.extend(bytes((number >> 3) + 1024 - len(self._bits)))
        self._bits[number >> 3] |= 1 << (number & 7)

    def counts(self, number: int) -> bool:
        """Whether the record of that number counts."""
        return len(self._bits) <= number >> 3 or not self._bits[number >> 3] & 1 << (number & 7)


def read(records: Iterable[Record], store: Store, checks: Checks, limits: AuditLimits) -> Seen:
    """Notes all records; returns which of them count."""
    seen = Seen()
    for number, record in enumerate(records):
        one = facts.read(record)
        if one is None or (_visit(record) > 1 and not _is_latest(one, number, store, seen)):
            seen.drop(number)
            continue
        _note(one, number, store)
        if one.is_page:
            _examine(one, store, limits)
            for problem in checks.run(record):
                store.put("problem", problem.code, str(problem.severity), problem.advice)
                store.add(problem.code, one.url, problem.detail)
    store.flush()
    return seen


def _visit(record: Record) -> int:
    visit = record.get("visit")
    return visit if isinstance(visit, int) else 1


def _is_latest(one: Facts, number: int, store: Store, seen: Seen) -> bool:
    """Whether a further visit replaces the earlier one. One that found no change brings no facts, and does not."""
    store.flush()
    known = store.run("select number, is_audited from page where url = ?", one.url).fetchone()
    if known is None:
        return True
    if one.disposition == Disposition.UNCHANGED and not one.audit and known[1]:
        return False
    seen.drop(known[0])
    store.run("delete from found where url = ? and page = ''", one.url)
    store.run("delete from found where page = ?", one.url)
    store.run("delete from hreflang where page = ?", one.url)
    store.run("delete from header where site = ? and page = ?", _site(one.url), one.url)
    return True


def _note(one: Facts, number: int, store: Store) -> None:
    names = facts.names(one)
    signed = one.simhash - (1 << 64) if one.simhash >> 63 else one.simhash
    store.put(
        "page", number, one.url, one.is_page, one.status, one.disposition, one.reason, one.detail, one.location,
        one.duplicate_of, one.via, one.title[:MOST_TEXT], one.description[:MOST_TEXT], one.canonical, one.is_noindex,
        one.is_beyond, signed, bool(one.audit), names,
    )  # fmt: skip


def _examine(one: Facts, store: Store, limits: AuditLimits) -> None:
    """Adds what a page shows by itself."""
    url = one.url
    if not one.is_noindex:
        _examine_texts(one, store, limits)
    else:
        store.add("noindex", url)
    if not one.language:
        store.add("missing-language", url)
    if one.took_ms > limits.slow_ms:
        store.add("slow-page", url, f"{one.took_ms / 1000:.1f} s")
    if one.length > limits.large_bytes:
        store.add("large-page", url, f"{one.length / 1e6:.1f} MB")
    if one.duplicate_of:
        store.add("duplicate-page", one.duplicate_of, "", url)
    if one.audit:
        _examine_facts(one, store)


def _examine_texts(one: Facts, store: Store, limits: AuditLimits) -> None:
    for name, text, most in (
        ("title", one.title, limits.title_chars),
        ("description", one.description, limits.description_chars),
    ):
        if not text:
            store.add(f"missing-{name}", one.url)
        elif len(text) > most:
            store.add(f"long-{name}", one.url, f"{len(text)} characters: {text[:MOST_TEXT]}")


def _examine_facts(one: Facts, store: Store) -> None:
    """Adds what the facts of a page show, see docs/records.md."""
    url, audit = one.url, one.audit
    headings = facts.items(audit, "h1")
    if len(headings) != 1:
        store.add("several-headings" if headings else "missing-heading", url, _joined(headings))
    canonicals = [str(one) for one in facts.items(audit, "canonicals")]
    if len(set(canonicals)) > 1:
        store.add("canonical-conflict", url, f"it names several: {_joined(canonicals)}")
    for tag, target in facts.pairs(audit, "mixed"):
        store.add("mixed-content", str(target), f"in {tag}", url)
    for lang, target in facts.pairs(audit, "hreflang"):
        store.put("hreflang", url, lang, str(target))
    for error in facts.items(audit, "structured_errors"):
        store.add("structured-data-broken", url, str(error)[:MOST_TEXT])
    for kind, missing in facts.pairs(audit, "structured"):
        if isinstance(missing, list) and missing:
            store.add("structured-data-incomplete", url, f"{kind} lacks {_joined(missing)}")
    for image in facts.items(audit, "no_alt"):
        store.add("image-without-alt", str(image), "", url)
    _examine_headers(one, store)


def _examine_headers(one: Facts, store: Store) -> None:
    """Notes which headers a page lacks, one bit each."""
    sent = one.audit.get("security")
    known = sent if isinstance(sent, dict) else {}
    missing = sum([bit for bit, header in _HEADER_BITS if header not in known])
    if not one.url.startswith("https:"):
        missing &= ~1
    if missing:
        store.put("header", _site(one.url), one.url, missing)


def _site(url: str) -> str:
    return url[: url.find("/", 8) + 1]


def read_missing_headers(store: Store) -> Iterator[tuple[str, str, str, str]]:
    """Yields site, header, page and an empty text for each header that a page lacks, sorted."""
    for (site,) in store.run("select distinct site from header order by site"):
        for header, bit in sorted((header, bit) for bit, header in _HEADER_BITS):
            for (page,) in store.run("select page from header where site = ? and missing & ? order by page", site, bit):
                yield site, header, page, ""


def _joined(texts: Iterable[object]) -> str:
    return ", ".join(map(str, texts))[:MOST_TEXT]
