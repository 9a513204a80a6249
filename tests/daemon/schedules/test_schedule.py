"""What a line of cron names, in a time zone and over its changes of hour."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from crawler.daemon.errors import BadJob
from crawler.daemon.schedules.schedule import next_time


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("cron", "zone", "after", "next_"),
    [
        ("*/15 * * * *", "UTC", "2026-01-01T00:00", "2026-01-01T00:15"),
        ("0 6 * * MON-FRI", "UTC", "2026-01-02T06:00", "2026-01-05T06:00"),
        ("30 3 1 * *", "Asia/Tokyo", "2026-01-01T03:30", "2026-02-01T03:30"),
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T03:00", "2026-03-29T03:00"),  # 02:30 is not there: soon after
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T02:31", "2026-10-26T02:30"),  # 02:30 comes twice: once
    ],
)
def test_the_next_time_comes_later(cron: str, zone: str, after: str, next_: str) -> None:
    assert next_time(cron, zone, at(after, zone)) == at(next_, zone)


@pytest.mark.parametrize(
    ("cron", "zone", "field", "words"),
    [
        ("61 * * * *", "UTC", "cron", "bad minute"),
        ("* * * *", "UTC", "cron", "five fields"),
        ("* * * * * *", "UTC", "cron", "five fields"),
        ("0 0 30 2 *", "UTC", "cron", "bad day-of-month"),
        ("x * * * *", "UTC", "cron", "bad minute"),
        ("0 0 * * *", "Mars/Olympus", "zone", "not a time zone"),
        ("0 0 * * *", "../../etc/passwd", "zone", "not a time zone"),
        ("0 0 * * *", "Europe", "zone", "not a time zone"),
        ("0 0 * * *", "", "zone", "not a time zone"),
    ],
)
def test_what_cannot_be_read_is_named(cron: str, zone: str, field: str, words: str) -> None:
    with pytest.raises(BadJob) as told:
        next_time(cron, zone, 0.0)
    [complaint] = told.value.complaints
    assert complaint.field == field
    assert words in complaint.text
