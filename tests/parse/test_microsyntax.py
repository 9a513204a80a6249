"""Refresh and srcset, by the standard's steps."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.parse.microsyntax import refresh_target, srcset_urls


@pytest.mark.parametrize(
    ("content", "target"),
    [
        ("0;url=x", "x"),
        ("0; URL = x", "x"),
        ("0; URL=x", "x"),
        ("  5 ; url='x y' z", "x y"),
        ('5;url="x', "x"),
        ("5;url=\"x'y\"z", "x'y"),
        ("5,x", "x"),
        ("5 x", "x"),
        ("5;;x", ";x"),
        ("5;,x", ",x"),
        ("5 ; , x", ", x"),
        ("5;'x'y", "x"),
        ("5;\"x", "x"),
        (".5;x", "x"),
        (".;x", "x"),
        ("1.2.3;x", "x"),
        ("1....;x", "x"),
        ("20; URL=page4.html", "page4.html"),
        ("5;url", "url"),
        ("5;ur=x", "ur=x"),
        ("5;u", "u"),
        ("5;url'x'", "url'x'"),
        ("5;urlx=y", "urlx=y"),
        ("5;url==x", "=x"),
        ("5;u=x", "u=x"),
        ("5;\turl\n=\fx", "x"),
        ("5", ""),
        ("5.", ""),
        ("300", ""),
        (" 5 ", ""),
        ("5;", ""),
        ("5;url=", ""),
        ("5;url=''x", ""),
        ("", None),
        (" ", None),
        ("url=x", None),
        ("x;url=x", None),
        ("-1;url=x", None),
        ("+1;url=x", None),
        ("5x", None),
        ("5\xa0;x", None),
        ("\xa05;x", None),
        ("١;x", None),
        (";url=x", None),
    ],
)  # fmt: skip
def test_a_refresh_leads_where_the_standard_steps_say(content: str, target: str | None) -> None:
    assert refresh_target(content) == target


@pytest.mark.parametrize(
    ("value", "urls"),
    [
        ("", []),
        (" ", []),
        (",", []),
        (" , , ", []),
        ("a.jpg", ["a.jpg"]),
        ("/100.jpg 1x, /150.jpg 1.5x, /200.jpg 2x", ["/100.jpg", "/150.jpg", "/200.jpg"]),
        ("400px.jpg 400w, 800px.jpg 800w,1600px.jpg 1600w", ["400px.jpg", "800px.jpg", "1600px.jpg"]),
        ("high.jpg 2x,\nlow.jpg", ["high.jpg", "low.jpg"]),
        ("a,b", ["a,b"]),
        ("a,b 1x", ["a,b"]),
        ("a, b", ["a", "b"]),
        ("a,, b", ["a", "b"]),
        (",a", ["a"]),
        ("a,", ["a"]),
        (" , a 2x ,, b", ["a", "b"]),
        ("data:,a", ["data:,a"]),
        ("data:,a 1x", ["data:,a"]),
        ("data:,a,", ["data:,a"]),
        ("a\xa0b 1x", ["a\xa0b"]),
        ("a 1w", ["a"]),
        ("a 1w 1h", ["a"]),
        ("a 1h 1w", ["a"]),
        ("a 1h", []),
        ("a 1w 1w", []),
        ("a 1w 1x", []),
        ("a 1x 1x", []),
        ("a 1x 1h", []),
        ("a 1h 1x", []),
        ("a 1w 1h 1h", []),
        ("a 0w", []),
        ("a 0h 1w", []),
        ("a -1w", []),
        ("a +1w", []),
        ("a 1.0w", []),
        ("a 1W", []),
        ("a 0x", ["a"]),
        ("a -0x", ["a"]),
        ("a -1x", []),
        ("a +1x", []),
        ("a .5x", ["a"]),
        ("a 1.x", []),
        ("a 1e3x", ["a"]),
        ("a 1E-3x", ["a"]),
        ("a 1e1.5x", []),
        ("a NaNx", []),
        ("a Infinityx", []),
        ("a x", []),
        ("a w", []),
        ("a 1", []),
        ("a foo", []),
        ("a foo, b", ["b"]),
        ("a (1x, b), c", ["c"]),
        ("a ( , b 1x, ), c", ["c"]),
        ("a (b, c", []),
        ("a ((, b), c", ["c"]),
        ("a 1x(, b), c", ["c"]),
        ("a 1w)", []),
    ],
)
def test_a_srcset_names_the_candidates_that_the_standard_steps_keep(value: str, urls: list[str]) -> None:
    assert srcset_urls(value) == urls


@pytest.mark.parametrize("piece", ["1", ".", " ", ";", "url", "'", "1;", "=", "\t", "a ", "a,", "(", "a (", ")", "1e"])
def test_values_made_to_confuse_are_read_in_one_pass(piece: str) -> None:
    began = time.process_time()
    for start in ("", "1;url", "a ", "a 1x, b ("):
        refresh_target(start + piece * 200_000)
        srcset_urls(start + piece * 200_000)
    assert time.process_time() - began < 20  # what is not linear takes hours


@given(st.text(alphabet="ab1.9 ;,=()'\"url xwhURL\t\n-+eé"))
def test_any_value_is_read(text: str) -> None:
    assert (refresh_target(text) or "") in text
    for url in srcset_urls(text):
        assert url
        assert url in text
        assert not url.startswith(",")
        assert not url.endswith(",")
