"""What a user's function returns, as JSON: up to 4 MiB whatever it is made of, and never the end of a worker."""

from __future__ import annotations

import tracemalloc

import orjson
import pytest

from crawler.errors import OffloadError
from crawler.model import Url
from crawler.offload import open_offloader
from crawler.parse import Document, parse
from crawler.parse.data import MAX_BYTES, encode
from tests.defaults import make_job, make_scope, make_workers
from tests.parse.values import FITS, MIB, REFUSED, circle, nested, of_kind


@pytest.mark.slow
async def test_four_mib_of_any_kind_pass_a_workers_bound_of_memory_and_more_is_refused() -> None:
    """Under its bound alone orjson ended the worker at a text of 2 MiB."""
    job = make_job(key=b"k" * 16, run=b"test-data", bounds=make_scope(), extract=of_kind)
    got: dict[str, object] = {}
    async with open_offloader(make_workers(count=1)) as pool:
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
