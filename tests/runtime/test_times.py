"""Moments are written as datetime writes them, to the digit."""

from __future__ import annotations

from datetime import UTC, datetime
from math import nextafter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.runtime.times import iso

LAST = 253_402_300_799
MOMENTS = st.one_of(
    st.floats(-1e9, LAST - 1), st.integers(0, LAST - 1), st.integers(0, 2**32).map(lambda whole: nextafter(whole, 0))
)


@given(MOMENTS)
def test_a_moment_is_written_as_datetime_writes_it(seconds: float) -> None:
    expected = datetime.fromtimestamp(seconds, UTC)
    for timespec in ("seconds", "milliseconds"):
        assert iso(seconds, timespec) == expected.isoformat(timespec=timespec).replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (0.9994999, "1970-01-01T00:00:00.999Z"),
        (0.9999999, "1970-01-01T00:00:01.000Z"),
        (-0.25, "1969-12-31T23:59:59.750Z"),
        (1_760_000_000.5, "2025-10-09T08:53:20.500Z"),
    ],
    ids=["the first", "cut", "rounded up", "before the first", "a usual one"],
)
def test_milliseconds_are_cut_off_what_was_rounded_to_microseconds(seconds: float, text: str) -> None:
    assert iso(seconds, "milliseconds") == text
