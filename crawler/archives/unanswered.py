"""Reads from the records of a crawl which of its attempts brought no answer, for its archive has none of these."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import orjson

from ..model import Reason

SETTINGS, RECORDS = "crawl.toml", "pages.jsonl"
MOST_LINE = 64 << 20
"""Bytes of a record that are read; what is longer is no record of ours."""
_REASONS = frozenset(Reason)


class Unanswered(NamedTuple):
    """A visit of which at least one attempt brought no answer."""

    url: str
    attempts: int
    """How many attempts the visit took, those with an answer too."""
    reason: str
    """Why the last one brought none. Empty: it brought one."""
    detail: str


def find_records(places: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """Returns the records of the crawl folders that these archives are, or stand in at most two levels deep."""
    found = dict[Path, None]()
    for place in (Path(one).absolute() for one in places):
        for folder in (place, *place.parents[:2]):
            if (folder / SETTINGS).is_file() and (folder / RECORDS).is_file():
                found[folder / RECORDS] = None
                break
    return list(found)


def read_unanswered(path: Path) -> Iterator[Unanswered]:
    """Yields the first visits of URLs whose attempts were not all answered, as far as one record can tell.

    Raises OSError.
    """
    with path.open("rb") as file:
        while line := file.readline(MOST_LINE):
            if b'"attempt":1,' in line and b'"status":null' not in line:
                continue
            try:
                told = orjson.loads(line)
                one = Unanswered(told["url"], int(told["attempt"]), told["reason"] or "", told["detail"] or "")
                is_failure = told["status"] is None and told["disposition"] == "failed"
                is_plain_first = told["visit"] == 1 and not told.get("request_id")
            except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
                continue  # a line that is half written, or not ours
            if is_plain_first and (is_failure or one.attempts > 1):
                yield one if is_failure and one.reason in _REASONS else one._replace(reason="", detail="")
