"""Times, sizes and shares as people write them."""

from __future__ import annotations

import pytest
import typer

from crawler.cli import values


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("30s", 30), ("5m", 300), ("2h", 7200), ("1d", 86400), ("1h30m", 5400), ("0.5s", 0.5)],
)
def test_a_time_is_read_as_it_is_said(text: str, seconds: float) -> None:
    assert values.seconds(text) == seconds


@pytest.mark.parametrize(
    ("text", "size"), [("500", 500), ("10K", 10240), ("10m", 10 << 20), ("2GiB", 2 << 30), ("1.5M", 3 << 19)]
)
def test_a_size_is_read_in_steps_of_1024(text: str, size: int) -> None:
    assert values.size(text) == size


def test_a_share_is_a_number_or_a_percentage() -> None:
    assert values.share("3").is_exceeded(4, 100)
    assert not values.share("3").is_exceeded(3, 100)
    assert values.share("5%").is_exceeded(6, 100)
    assert not values.share("5%").is_exceeded(5, 100)
    assert values.share("0").is_exceeded(1, 100)


def test_a_setting_may_hold_what_it_likes_after_the_first_equals() -> None:
    assert values.setting("fetch.proxy = http://a:b=c@d/") == ("fetch.proxy", "http://a:b=c@d/")


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (values.seconds, "soon"),
        (values.seconds, ""),
        (values.seconds, "-5s"),
        (values.seconds, "5 weeks"),
        (values.size, "big"),
        (values.size, "10X"),
        (values.share, "5%%"),
        (values.share, "-1"),
        (values.setting, "delay"),
        (values.setting, "=1"),
    ],
)
def test_what_cannot_be_read_is_refused_with_an_example(read: object, text: str) -> None:
    assert callable(read)
    with pytest.raises(typer.BadParameter, match=r"such as|write"):
        read(text)
