"""Colours: by meaning, and only where they are wanted."""

from __future__ import annotations

import io
import re

import pytest

from crawler.cli.colours import Tone, find_spans, tint, wants_colour

from .screen import Screen


@pytest.mark.parametrize(
    ("env", "on_terminal", "on_pipe"),
    [
        ({}, True, False),
        ({"TERM": "xterm"}, True, False),
        ({"TERM": "dumb"}, False, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, True, False),
        ({"CLICOLOR": "0"}, False, False),
        ({"CLICOLOR": "1"}, True, False),
        ({"CLICOLOR_FORCE": "1"}, True, True),
        ({"CLICOLOR_FORCE": "1", "TERM": "dumb"}, True, True),
        ({"CLICOLOR_FORCE": "0"}, True, False),
        ({"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, False, False),
    ],
)
def test_colours_are_for_terminals_that_want_them(env: dict[str, str], on_terminal: bool, on_pipe: bool) -> None:
    assert wants_colour(Screen(80, 24), env) is on_terminal
    assert wants_colour(io.StringIO(), env) is on_pipe


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("finished: 1,200 pages in 2 s", {"finished": Tone.GOOD}),
        ("stopped, everything is saved: 3 pages", {"stopped": Tone.WAITING}),
        ("nothing could be crawled: 0 pages", {"nothing could be crawled": Tone.BAD}),
        ("  fetched 1,200 · failed 10 · redirected 3", {"fetched 1,200": Tone.GOOD, "failed 10": Tone.BAD}),
        ("  failed 10 at https://a.example: dns", {"failed 10": Tone.BAD}),
        ("1 URL failed; to try it again:", {"1 URL failed": Tone.BAD}),
        ("  in total 7 URLs: parked 6 · fetched 1", {"parked 6": Tone.WAITING, "fetched 1": Tone.GOOD}),
        ("  blocked by https://a.example, 1 answer: x", {"  blocked by": Tone.WAITING}),
        ("crawl: no such file", {"crawl: ": Tone.BAD}),
        ("robots    disallowed by line 2: Disallow: /x", {"robots    disallowed": Tone.BAD}),
        ("scope     inside: it is a seed", {"scope     inside": Tone.GOOD}),
        ("this crawl is done with it: failed, dns", {"this crawl is done with it: failed": Tone.BAD}),
        ("this crawl is done with it: excluded, robots", {"this crawl is done with it: excluded": Tone.WAITING}),
        ("  crawl a.crawl --retry-failed", {}),
        ("  pages: a.crawl/pages.jsonl", {}),
    ],
)
def test_words_have_the_colour_of_their_meaning(line: str, meant: dict[str, Tone]) -> None:
    assert {line[begin:end]: tone for begin, end, tone in find_spans(line)} == meant


def test_colour_changes_no_word(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TERM"):
        monkeypatch.delenv(name, raising=False)
    line = "  fetched 1,200 · failed 10 · parked 3"
    tinted = tint(line, Screen(80, 24))
    assert re.sub(r"\x1b\[[0-9]+m", "", tinted) == line
    assert re.findall(r"\x1b\[([0-9]+)m", tinted) == ["32", "0", "31", "0", "33", "0"]
    assert tint(line, io.StringIO()) == line
