"""What a user's function returns, as JSON: up to 4 MiB whatever it is made of, and never the end of a worker."""

from __future__ import annotations

import tracemalloc
from dataclasses import dataclass
from enum import Enum
from typing import Any

import orjson
import pytest

from crawler.errors import OffloadError
from crawler.model import Url
from crawler.offload import Workers, open_offloader
from crawler.parse import Content, Document, Job, parse
from crawler.parse.data import MAX_BYTES, encode
from crawler.scope import Scope

MIB = 1 << 20


@dataclass
class Told:
    title: str
    kind: Any = None


class Size(Enum):
    LARGE = "x" * 5 * MIB


def nested(levels: int, inner: object = 1) -> object:
    for _ in range(levels):
        inner = [inner]
    return inner


def circle() -> object:
    one: list[object] = []
    one.append(one)
    return one


def laughs() -> object:
    told: object = "ha"
    for _ in range(40):
        told = [told, told]
    return told


FITS: dict[str, object] = {
    "one text": "x" * (4 * MIB - 2),
    "half of it": "x" * (2 * MIB),
    "controls": "\x01" * (4 * MIB // 6 - 2),
    "faces": "\U0001f600" * (MIB - 1),
    "a key": {"k" * (2 * MIB): "v" * (2 * MIB - 8)},
    "numbers": list(range(600_000)),
    "fractions": [0.1234567890123456] * 200_000,
    "lines": ["y" * 1000] * 4100,
    "deep": nested(200, "x" * (3 * MIB)),
    "fields": Told("x" * (3 * MIB), Told("y")),
}
REFUSED: dict[str, object] = {
    "one byte more": "x" * (4 * MIB - 1),
    "much more": "x" * (12 * MIB),
    "the same over and over": ["y" * 1000] * 1_000_000,
    "controls": "\x01" * (4 * MIB - 10),
    "faces": "\U0001f600" * (MIB + 1),
    "a key": {"k" * (5 * MIB): 1},
    "fields": Told("x" * (5 * MIB)),
    "a choice": [Size.LARGE],
    "laughs": laughs(),
}


def of_kind(content: Content) -> object:
    group, _, name = content.url.path[1:].replace("%20", " ").partition("/")
    return {"fits": FITS, "refused": REFUSED}[group][name]


async def test_four_mib_of_any_kind_pass_a_workers_bound_of_memory_and_more_is_refused() -> None:
    """Under its bound alone orjson ended the worker at a text of 2 MiB."""
    job = Job(key=b"k" * 16, run=b"test-data", bounds=Scope(), extract=of_kind)
    got: dict[str, object] = {}
    async with open_offloader(Workers(count=1)) as pool:
        for name in [*(f"fits/{name}" for name in FITS), *(f"refused/{name}" for name in REFUSED)]:
            url = Url("http://h/" + name.replace(" ", "%20"))
            try:
                page = await pool.run(parse, Document(url, b"<p>x", "text/html"), job, size=1 << 16)
            except OffloadError as error:
                got[name] = error
            else:
                got[name] = page.data_error or len(page.data_json)
    fits = {f"fits/{name}": len(orjson.dumps(value)) for name, value in FITS.items()}
    assert max(fits.values()) == MAX_BYTES
    assert got == fits | {f"refused/{name}": f"ValueError: more than {MAX_BYTES} bytes of JSON" for name in REFUSED}


@pytest.mark.parametrize("value", [circle(), nested(300), {1: 2}, object(), 1 << 70, "\ud800"])
def test_what_has_no_json_is_refused_with_the_reason(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        encode(value)


def test_what_is_too_large_is_refused_before_it_is_written() -> None:
    value = REFUSED["the same over and over"]
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="more than"):
            encode(value)
        assert tracemalloc.get_traced_memory()[1] < MIB
    finally:
        tracemalloc.stop()
